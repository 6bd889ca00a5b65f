"""Other nodes as JSON, and what others have done that somebody here should know of."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from ledger.records import CommuneId

from . import Id, Time, hex_of

if TYPE_CHECKING:
    from ..addressbook import Addressbook
    from ..storage.notices import Notice as Noticed


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """A node that this one is linked with, or may meet."""

    id: str | None
    commune: Id | None
    name: str | None
    called: str | None
    state: str
    relation: Literal["recognised", "stranger"]
    address: str
    seconds: int | float | None
    met: Time | None
    failures: int
    why: str | None
    again: int | float | None


class GivenAddress(msgspec.Struct, frozen=True, kw_only=True):
    """The address of a node that somebody here gave, and how it stands with the node there."""

    address: str
    source: Literal["settings", "here"]
    state: str
    id: Id | None = None
    commune: Id | None = None
    name: str | None = None
    seconds: int | float | None = None
    met: Time | None = None
    failures: int = 0
    why: str | None = None
    again: int | float | None = None


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """Something that others have done, or that comes soon; `subject` is an exchange, a listing or a log."""

    id: Id
    kind: str
    subject: Id
    commune: Id | None
    at: Time
    read: bool


def nodes_of(
    facts: Mapping[str, Any], recognised: Collection[str], called: Mapping[CommuneId, str]
) -> Iterator[Node]:
    """Those linked first, then those that may be met.

    `facts` are those of the part `gossip`, `called` what people here call communes.
    """
    for peer in (*facts.get("peers", ()), *facts.get("known", ())):
        yield Node(
            id=peer["log"],
            commune=peer["commune"],
            name=peer["name"],
            called=called.get(CommuneId(bytes.fromhex(peer["commune"] or ""))),
            state=peer.get("state", "linked"),
            relation="recognised" if peer["commune"] in recognised else "stranger",
            address=peer["address"],
            seconds=peer.get("seconds"),
            met=peer["met"],
            failures=peer["failures"],
            why=peer.get("why"),
            again=peer.get("again"),
        )


def given_of(book: Addressbook, facts: Mapping[str, Any]) -> list[GivenAddress]:
    """All addresses that were given, in that order; `facts` are those of the part `gossip`."""
    told = {each["address"]: each for each in facts.get("given", ())}
    rows = []
    for address in book.all:
        one = told.get(str(address), {})
        rows.append(
            GivenAddress(
                address=str(address),
                source="settings" if address in book.fixed else "here",
                state=one.get("state", "idle"),
                id=one.get("log"),
                commune=one.get("commune"),
                name=one.get("name"),
                seconds=one.get("seconds"),
                met=one.get("met"),
                failures=one.get("failures", 0),
                why=one.get("why"),
                again=one.get("again"),
            )
        )
    return rows


def notice_of(notice: Noticed) -> Notice:
    """A notice, by the id of what it is about."""
    return Notice(
        id=notice.entry.hex(),
        kind=notice.kind,
        subject=notice.subject.hex(),
        commune=hex_of(notice.commune),
        at=notice.at,
        read=notice.read,
    )
