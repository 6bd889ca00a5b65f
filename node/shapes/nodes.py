"""Other nodes as JSON, and what others have done that somebody here should know of."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from . import Id, Time, hex_of

if TYPE_CHECKING:
    from ..noticing import Notice as Noticed


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """A node that this one is linked with, or may meet."""

    id: str | None
    commune: Id | None
    name: str | None
    state: str
    relation: Literal["recognised", "stranger"]
    address: str
    seconds: int | float | None
    met: Time | None
    failures: int
    why: str | None
    again: int | float | None


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """Something that others have done, or that comes soon; `subject` is an exchange, a listing or a log."""

    id: Id
    kind: str
    subject: Id
    commune: Id | None
    at: Time
    read: bool


def nodes_of(facts: Mapping[str, Any], recognised: Collection[str]) -> Iterator[Node]:
    """Those linked first, then those that may be met; `facts` are those of the part `gossip`."""
    for peer in (*facts.get("peers", ()), *facts.get("known", ())):
        yield Node(
            id=peer["log"],
            commune=peer["commune"],
            name=peer["name"],
            state=peer.get("state", "linked"),
            relation="recognised" if peer["commune"] in recognised else "stranger",
            address=peer["address"],
            seconds=peer.get("seconds"),
            met=peer["met"],
            failures=peer["failures"],
            why=peer.get("why"),
            again=peer.get("again"),
        )


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
