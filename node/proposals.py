"""Proposals as people give them: things with amounts, listings, or a file.

Decides how what was typed becomes the parties and transfers of a `propose`
record: whose thing a listing stands for, what of it is left, and the shape of
the file for categories, dates and rings (docs/reference/json.md). Whether the
proposal is allowed is the ledger's.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import msgspec

from ledger import view
from ledger.errors import NotFound
from ledger.exchange import Exchange
from ledger.log import EntryId
from ledger.records import CommuneId, Offer, Propose, Transfer
from ledger.store.reading import ListingRow, Reader

from . import typed
from .errors import InputError
from .language import gettext as _
from .moves import quantity_of_millionths
from .petnames import find_commune
from .typed import Item

MAX_FILE_BYTES: Final = 262_144
"""bytes of a proposal's file; the longest proposal that can be recorded has far fewer."""


EXAMPLE: Final = (
    '{"transfers": [{"from": "La Ceiba", "to": "El Valle", "title": "maíz", "quantity": "100", "unit": "kg", '
    '"category": "food-grain", "due": "2030-01-31"}], "note": "...", "answer_by": "2030-01-15"}'
)
"""What a proposal's file may look like."""


class WrittenTransfer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One transfer in a file. Communes by name, id or its beginning; amounts as text or whole numbers."""

    giver: str = msgspec.field(name="from")
    receiver: str = msgspec.field(name="to")
    title: str | None = None
    quantity: str | Annotated[int, msgspec.Meta(ge=1)] | None = None
    unit: str | None = None
    category: str | None = None
    due: str | None = None
    listing: str | None = None


class WrittenProposal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A proposal in a file; whoever gives or receives is a party."""

    transfers: Annotated[tuple[WrittenTransfer, ...], msgspec.Meta(min_length=1)]
    note: str | None = None
    answer_by: str | None = None
    replaces: str | None = None


@dataclass(frozen=True, slots=True)
class Leg:
    """A transfer before it has its place in a record: giver and receiver as communes."""

    giver: CommuneId
    receiver: CommuneId
    transfer: Transfer


def between(
    own: CommuneId,
    partner: CommuneId,
    gives: Sequence[Item],
    takes: Sequence[Item],
    listings: Sequence[ListingRow],
    reader: Reader,
) -> list[Leg]:
    """The legs between two communes: what one gives and takes, and the listings that these stand for.

    A listing without a thing of its own adds all that is left of it. Raises InputError.
    """
    if own == partner:
        raise InputError("That is this commune itself: name another one with --to.")
    sides: dict[CommuneId, list[Leg]] = {
        own: [_leg(own, partner, item) for item in gives],
        partner: [_leg(partner, own, item) for item in takes],
    }
    for listing in listings:
        giver, receiver = _direction(listing, own, partner)
        _stand_for(listing, giver, receiver, sides[giver], reader)
    legs = [*sides[own], *sides[partner]]
    if not legs:
        raise InputError("The proposal is empty: say with --give, --take or --listing what it is about.")
    return legs


def _leg(giver: CommuneId, receiver: CommuneId, item: Item) -> Leg:
    return Leg(giver, receiver, Transfer(giver=0, receiver=0, title=item.title, quantity=item.quantity))


def _direction(listing: ListingRow, own: CommuneId, partner: CommuneId) -> tuple[CommuneId, CommuneId]:
    if listing.commune not in (own, partner):
        raise InputError(
            "The listing «{title}» is of a third commune: name it with --to.", title=listing.record.title
        )
    other = partner if listing.commune == own else own
    return (listing.commune, other) if isinstance(listing.record, Offer) else (other, listing.commune)


def _stand_for(
    listing: ListingRow, giver: CommuneId, receiver: CommuneId, legs: list[Leg], reader: Reader
) -> None:
    """Let the thing that is meant stand for a listing, or add one for what is left of it."""
    free = [place for place, leg in enumerate(legs) if leg.transfer.listing is None]
    named = [
        place for place in free if legs[place].transfer.title.casefold() == listing.record.title.casefold()
    ]
    if len(named) != 1 and len(free) > 1:
        raise InputError(
            "More than one thing may be meant by the listing «{title}»: give the one meant the same title.",
            title=listing.record.title,
        )
    if not free:
        rest = rest_of(listing, reader)
        legs.append(_leg(giver, receiver, rest))
        free = [len(legs) - 1]
    place = (named or free)[0]
    drawn = msgspec.structs.replace(
        legs[place].transfer, listing=listing.id, category=listing.record.category
    )
    legs[place] = Leg(giver, receiver, drawn)


def rest_of(listing: ListingRow, reader: Reader) -> Item:
    """All that is left of a listing. Raises InputError if that is nothing."""
    quantity = listing.record.quantity
    if quantity is None:
        return Item(listing.record.title, None)
    left = view.left(listing, reader.drawing_on(listing.id, agreed=True))
    if not left:
        raise InputError(
            "Nothing is left of the listing «{title}»: say how much with --give or --take.",
            title=listing.record.title,
        )
    return Item(listing.record.title, quantity_of_millionths(left, quantity.unit))


def partner_of(exchange: Exchange, own: CommuneId) -> CommuneId | None:
    """The other party of an exchange between two, None of a ring."""
    others = [CommuneId(party) for party in exchange.proposal.parties if party != own]
    return others[0] if len(others) == 1 else None


def record_of(
    legs: Sequence[Leg],
    *,
    at: int,
    by: str | None,
    note: str | None,
    answer_by: int | None,
    replaces: EntryId | None,
) -> Propose:
    """The record of a proposal; its parties are all who give or receive. Raises InputError."""
    for leg in legs:
        if leg.giver == leg.receiver:
            raise InputError(
                "«{title}» goes from a commune to itself: name another one.", title=leg.transfer.title
            )
    parties = sorted({side for leg in legs for side in (leg.giver, leg.receiver)})
    return Propose(
        answer_by=answer_by,
        at=at,
        by=by,
        note=note,
        parties=tuple(parties),
        replaces=replaces,
        transfers=tuple(
            msgspec.structs.replace(
                leg.transfer, giver=parties.index(leg.giver), receiver=parties.index(leg.receiver)
            )
            for leg in legs
        ),
    )


# Files ------------------------------------------------------------------------------------------


def read_file(path: Path) -> WrittenProposal:
    """Read a proposal's file. Raises InputError naming the field that is wrong, OSError."""
    with path.open("rb") as file:
        data = file.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise InputError("{path} is too long for a proposal: give fewer transfers.", path=path)
    try:
        return msgspec.json.decode(data, type=WrittenProposal)
    except msgspec.ValidationError as error:
        raise _wrong_field(path, str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise InputError(
            "{path} is not JSON. A file looks like this: {example}", path=path, example=EXAMPLE
        ) from None


_PLACE: Final = re.compile(r"(.*?) - at `\$\.?(.*)`", re.DOTALL)
_FIELD: Final = re.compile(r"Object (missing required|contains unknown) field `(.*)`", re.DOTALL)


def _wrong_field(path: Path, text: str) -> InputError:
    """What msgspec says, with the field first: `transfers[0].title`."""
    matched = _PLACE.fullmatch(text)
    reason, place = (matched[1], matched[2]) if matched else (text, "")
    field = _FIELD.fullmatch(reason)
    if field is None and not place:
        return InputError(
            "{path} cannot be read: {wrong}. A file looks like this: {example}",
            path=path,
            wrong=_wrong_form(reason),
            example=EXAMPLE,
        )
    if field is None:
        return InputError(
            "In {path} the field '{field}' cannot be read: {wrong}. A file looks like this: {example}",
            path=path,
            field=place,
            wrong=_wrong_form(reason),
            example=EXAMPLE,
        )
    name = f"{place}.{field[2]}" if place else field[2]
    if field[1] == "missing required":
        return InputError(
            "In {path} the field '{field}' is missing. A file looks like this: {example}",
            path=path,
            field=name,
            example=EXAMPLE,
        )
    fields = WrittenTransfer if place.startswith("transfers") else WrittenProposal
    return InputError(
        "In {path} the field '{field}' is not known. Those that are: {fields}.",
        path=path,
        field=name,
        fields=", ".join(fields.__struct_encode_fields__),
    )


def _wrong_form(reason: str) -> str:
    """What msgspec found wrong with a value, in the language that is spoken."""
    expected = reason.removeprefix("Expected `")
    if expected.startswith("array` of length"):
        return _("it is a list with nothing in it")
    if expected.startswith("array"):
        return _("it has to be a list in square brackets")
    if expected.startswith("object"):
        return _("it has to be a group of fields in braces")
    if expected.startswith("int"):
        return _("it has to be a whole number from 1 on, or a number between quotes")
    return _("it has to be text between quotes")


def legs_of(transfers: Sequence[WrittenTransfer], reader: Reader) -> list[Leg]:
    """The legs that a file describes. Raises InputError naming the transfer that is wrong."""
    legs = []
    for place, leg in enumerate(transfers):
        try:
            legs.append(_written_leg(leg, reader))
        except (InputError, NotFound) as error:
            raise InputError("In 'transfers[{place}]': {reason}", place=place, reason=error) from error
    return legs


def _written_leg(written: WrittenTransfer, reader: Reader) -> Leg:
    giver, receiver = find_commune(reader, written.giver), find_commune(reader, written.receiver)
    listing = None if written.listing is None else reader.listing(reader.find(written.listing))
    number = None if written.quantity is None else str(written.quantity)
    quantity = typed.quantity_of(number, written.unit)
    title, category = written.title, written.category
    if listing is not None:
        side = giver if isinstance(listing.record, Offer) else receiver
        if side != listing.commune:
            raise InputError(
                "The listing «{title}» is not of the commune whose part it would be: check 'from' and 'to'.",
                title=listing.record.title,
            )
        title = title or listing.record.title
        category = category or listing.record.category
    if title is None:
        raise InputError("A transfer needs a title, or a listing that has one: add 'title' to the file.")
    return Leg(
        giver,
        receiver,
        Transfer(
            category=None if category is None else typed.category_of(category),
            due=None if written.due is None else typed.day_of(written.due),
            giver=0,
            listing=None if listing is None else listing.id,
            quantity=quantity,
            receiver=0,
            title=typed.line_of(title),
        ),
    )
