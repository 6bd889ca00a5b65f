"""Offers and needs as JSON, and the codes that they are written in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec

from ledger import vocabulary

from .. import wording
from ..language import current
from ..overview import Listed, Names
from . import Amount, Day, Id, Time, hex_of, one_of


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """An offer or a need."""

    id: Id
    commune: Id
    commune_name: str
    kind: Literal["offer", "need"]
    title: str
    category: str
    quantity: Amount | None
    unit: str | None
    left: Amount | None
    overcommitted: bool
    until: Day | None
    expired: bool
    state: Annotated[str, one_of("open", "withdrawn", "replaced")]
    note: str | None
    wants: str | None
    place: str | None
    council: str | None
    images: tuple[Id, ...]
    replaces: Id | None
    by: str | None
    at: Time


class Match(msgspec.Struct, frozen=True):
    """A listing of another commune, and the own one that it meets."""

    own: Id
    theirs: Listing


class Code(msgspec.Struct, frozen=True):
    """A category or unit, and what it is called in the language that is spoken."""

    code: str
    name: str


def listing_of(row: Listed, names: Names) -> Listing:
    """A listing with what exchanges have left of it."""
    record, quantity = row.record, row.record.quantity
    return Listing(
        id=row.id.hex(),
        commune=row.commune.hex(),
        commune_name=names[row.commune],
        kind=record.kind,
        title=record.title,
        category=record.category,
        quantity=None if quantity is None else wording.decimal_of(quantity),
        unit=None if quantity is None else quantity.unit,
        left=None if row.left is None else wording.decimal(row.left),
        overcommitted=row.overcommitted,
        until=record.until,
        expired=row.expired,
        state=row.state,
        note=record.note,
        wants=record.wants,
        place=record.place,
        council=record.council,
        images=tuple(digest.hex() for digest in record.images),
        replaces=hex_of(record.replaces),
        by=record.by,
        at=record.at,
    )


def categories() -> Iterator[Code]:
    """The categories that this version knows."""
    for code in vocabulary.categories():
        yield Code(code, wording.category(code))


def units() -> Iterator[Code]:
    """The units that this version knows."""
    for code in vocabulary.units():
        yield Code(code, vocabulary.unit_name(code, current(), False))
