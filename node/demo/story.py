"""A story: who takes part in a demonstration, and what each of them records, one act after the other.

Decides what an act is and what has to be held before it can be done. Acts are
wishes in plain fields, as the API takes them; where `ref` stands in them, the id
of what that other act recorded is put in its place, or for `commune/NAME` the
id of a commune. Who does them is `acting`'s, where they come
from `trades`' and `communes`'.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

import msgspec

from ledger.records import CommuneId

from ..service import Service
from ..wishes import Meant, Remark, communes, exchanges, listings

NETWORK: Final = "demo"
"""The network of all demonstrations: nothing that is signed in it can get into another one."""

COMMUNE: Final = "commune/"
"""What the label of a commune begins with; its name follows."""

Kind = Literal[
    "offer", "need", "withdraw", "propose", "accept", "decline", "cancel", "deliver", "receive",
    "dispute", "settle", "recognise", "profile", "correct",
]  # fmt: skip


class Member(msgspec.Struct, frozen=True):
    """A commune that takes part."""

    name: str
    place: str | None = None
    about: str | None = None


class Act(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something that a commune records: the wish in `fields`, and what it is `about` as another label.

    `after` are labels of what has to be held where it is done, beside what is named.
    """

    label: str
    who: str
    kind: Kind
    about: str | None = None
    fields: dict[str, Any] = {}
    after: tuple[str, ...] = ()

    @property
    def needs(self) -> frozenset[str]:
        """The labels of all that has to be held before it can be done."""
        named = set(self.after)
        if self.kind != "recognise":  # whom one recognises is not held until then
            named |= set(_named_in(self.fields))
            if self.about is not None:
                named.add(self.about)
        return frozenset(named)


class Story(msgspec.Struct, frozen=True):
    """All who take part, and all acts. Of those whose turn it is, the ones that stand first are done first.

    `follows_all`: whether every node takes in the ledgers of all others; else they recognise each other.
    """

    members: tuple[Member, ...]
    acts: tuple[Act, ...]
    follows_all: bool = False


def ref(label: str) -> dict[str, str]:
    """What stands in the fields of an act for the id of what another one recorded, or of a commune."""
    return {"@": label}


def _named_in(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if value.keys() == {"@"}:
            yield value["@"]
        else:
            for each in value.values():
                yield from _named_in(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _named_in(each)


def _put_in(value: Any, ids: Mapping[str, bytes]) -> Any:
    if isinstance(value, dict):
        if value.keys() == {"@"}:
            return ids[value["@"]].hex()
        return {name: _put_in(each, ids) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_put_in(each, ids) for each in value]
    return value


def meant_by(act: Act, ids: Mapping[str, bytes], service: Service, now: int) -> Meant:
    """The record that an act means, where it is done. Raises InputError, NotFound, MoveRefused."""
    fields = _put_in(act.fields, ids)
    about = ids[act.about].hex() if act.about is not None else ""
    match act.kind:
        case "offer" | "need":
            posting = msgspec.convert(fields | {"kind": act.kind}, listings.Posting)
            return listings.posting(posting, service, now)
        case "withdraw":
            return listings.withdrawal(about, msgspec.convert(fields, listings.Withdrawal), service, now)
        case "propose":
            return exchanges.proposal(msgspec.convert(fields, exchanges.Proposing), service, now)
        case "accept" | "decline" | "cancel":
            return exchanges.answer(act.kind, about, msgspec.convert(fields, Remark), service, now)
        case "deliver":
            return exchanges.handing(about, msgspec.convert(fields, exchanges.Handing), service, now)
        case "receive":
            return exchanges.handing(about, msgspec.convert(fields, exchanges.Arrival), service, now)
        case "dispute":
            return exchanges.dispute(about, msgspec.convert(fields, exchanges.Disputing), service, now)
        case "settle":
            return exchanges.settlement(about, msgspec.convert(fields, exchanges.Settling), service, now)
        case "recognise":
            whom = CommuneId(bytes.fromhex(about))
            return communes.recognition("recognise", whom, msgspec.convert(fields, Remark), now)
        case "profile":
            return communes.presentation(msgspec.convert(fields, communes.Presentation), service, now)
        case "correct":
            return communes.explanation(about, msgspec.convert(fields, communes.Explanation), service, now)
