"""Offers and needs as they are asked for, and taking back."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec

from ledger.limits import MAX_IMAGES
from ledger.records import Cancel, Need, Offer, Propose, Withdraw

from .. import moves, typed
from ..service import Service
from . import Meant, Note, Number, Wish, about, line_of, quantity_of, text_of

Digest: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]


class Posting(Wish, frozen=True, kw_only=True):
    """An offer or a need."""

    kind: Literal["offer", "need"]
    title: Annotated[str, about("what it is, in a few words")]
    category: Annotated[str | None, about("code or name; `other` if it is not given")] = None
    quantity: Number | None = None
    unit: Annotated[str | None, about("code or name")] = None
    until: Annotated[str | None, about("last day on which it stands, like 2030-01-31")] = None
    note: Note = None
    wants: Annotated[str | None, about("what would be welcome in return")] = None
    place: Annotated[str | None, about("where it is")] = None
    council: Annotated[str | None, about("communal council on whose behalf it is posted")] = None
    images: Annotated[
        tuple[Digest, ...], msgspec.Meta(max_length=MAX_IMAGES, description="SHA-256 of photos kept here")
    ] = ()
    replaces: Annotated[str | None, about("id of an own listing whose place it takes")] = None


def posting(given: Posting, service: Service, now: int) -> Meant:
    """An offer or a need; `now` in milliseconds."""
    quantity = quantity_of(given.quantity, given.unit)
    last_day = None if given.until is None else typed.coming_day(given.until)
    return Meant(
        (Offer if given.kind == "offer" else Need)(
            at=now,
            by=line_of(given.by, "by"),
            category=typed.category_of(given.category),
            council=line_of(given.council, "council"),
            images=tuple(bytes.fromhex(digest) for digest in given.images),
            note=text_of(given.note, "note"),
            place=line_of(given.place, "place"),
            quantity=quantity,
            replaces=None if given.replaces is None else service.reader.find(given.replaces),
            title=typed.line_of(given.title),
            until=last_day,
            wants=text_of(given.wants, "wants"),
        )
    )


class Withdrawal(Wish, frozen=True, kw_only=True):
    """Why something is taken back."""

    reason: Annotated[str | None, about("why")] = None


def withdrawal(target: str, given: Withdrawal, service: Service, now: int) -> Meant:
    """Taking back a listing, proposal or cancel, by its id or the beginning of it."""
    entry = service.reader.find(target)
    named = service.reader.entry(entry).record
    found = None
    if isinstance(named, Propose | Cancel):
        found = service.reader.exchange(service.reader.exchange_of(entry))
        entry = moves.withdrawal_meant(found, service.commune, entry)
    reason = text_of(given.reason, "reason")
    return Meant(Withdraw(at=now, by=line_of(given.by, "by"), reason=reason, target=entry), found)
