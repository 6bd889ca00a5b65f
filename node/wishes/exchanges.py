"""Proposals as they are asked for, answers to them, and what is said in an exchange."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec

from ledger.exchange import Exchange
from ledger.limits import MAX_TRANSFERS
from ledger.records import Accept, Cancel, Decline, Deliver, Dispute, Receive, Settle

from .. import moves, proposals, typed
from ..errors import InputError
from ..petnames import find_commune
from ..proposals import WrittenTransfer
from ..service import Service
from ..typed import Item
from . import Meant, Note, Number, Remark, Wish, about, line_of, quantity_of, text_of


class Thing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing that one side gives."""

    title: str
    quantity: Number | None = None
    unit: Annotated[str | None, about("code or name")] = None


Things: TypeAlias = Annotated[tuple[Thing, ...], msgspec.Meta(max_length=MAX_TRANSFERS)]


class Proposing(Wish, frozen=True, kw_only=True):
    """A proposal between two communes (`to`, `gives`, `takes`, `listings`), or with all its `transfers`."""

    to: Annotated[str | None, about("the other commune, by name or id")] = None
    gives: Annotated[
        Things,
        about("what this commune gives: things with `title`, and `quantity` and `unit` if they have any"),
    ] = ()
    takes: Annotated[Things, about("what it gets, likewise; without any it is a gift")] = ()
    listings: Annotated[
        tuple[str, ...],
        msgspec.Meta(max_length=MAX_TRANSFERS, description="ids of the listings that things stand for"),
    ] = ()
    transfers: Annotated[
        tuple[WrittenTransfer, ...],
        msgspec.Meta(max_length=MAX_TRANSFERS, description="instead: all transfers, as in the file"),
    ] = ()
    answer_by: Annotated[str | None, about("last day for the answer, like 2030-01-31")] = None
    note: Note = None
    replaces: Annotated[str | None, about("id of the proposal whose place it takes: a counter-offer")] = None


def proposal(given: Proposing, service: Service, now: int) -> Meant:
    """A proposal; `about` is the one whose place it takes."""
    until = None if given.answer_by is None else typed.end_of_day(typed.coming_day(given.answer_by))
    former = None if given.replaces is None else service.find_exchange(given.replaces)
    record = proposals.record_of(
        _legs(given, former, service),
        at=now,
        by=line_of(given.by, "by"),
        note=text_of(given.note, "note"),
        answer_by=until,
        replaces=None if former is None else former.id,
    )
    return Meant(record, former)


def _legs(given: Proposing, former: Exchange | None, service: Service) -> list[proposals.Leg]:
    if given.transfers:
        if given.to or given.gives or given.takes or given.listings:
            raise InputError("Give 'transfers', or 'to' with 'gives', 'takes' and 'listings', not both.")
        return proposals.legs_of(given.transfers, service.reader)
    other = None if former is None else proposals.partner_of(former, service.commune)
    if given.to is not None:
        other = find_commune(service.reader, given.to)
    if other is None:
        raise InputError("Name the other commune with --to; with more than one, use --file.")
    gives, takes = [_item(thing) for thing in given.gives], [_item(thing) for thing in given.takes]
    rows = [service.reader.listing(service.reader.find(text)) for text in given.listings]
    return proposals.between(service.commune, other, gives, takes, rows, service.reader)


def _item(thing: Thing) -> Item:
    return Item(typed.line_of(thing.title), quantity_of(thing.quantity, thing.unit))


def answer(
    kind: Literal["accept", "decline", "cancel"], exchange: str, given: Remark, service: Service, now: int
) -> Meant:
    """An answer to a proposal, or a cancel."""
    found = service.find_exchange(exchange)
    note, by = text_of(given.note, "note"), line_of(given.by, "by")
    match kind:
        case "accept":
            return Meant(Accept(at=now, by=by, exchange=found.id, note=note), found)
        case "decline":
            return Meant(Decline(at=now, by=by, exchange=found.id, note=note), found)
        case "cancel":
            return Meant(Cancel(at=now, by=by, exchange=found.id, reason=note), found)


TransferNumber: TypeAlias = Annotated[
    int, msgspec.Meta(ge=1, le=MAX_TRANSFERS, description="number of the transfer, counted from 1")
]


class Handing(Wish, frozen=True, kw_only=True):
    """Something that this commune handed over; all that is left, where no quantity is given."""

    transfer: TransferNumber | None = None
    quantity: Number | None = None
    unit: Annotated[str | None, about("where no quantity was agreed")] = None
    note: Note = None


class Arrival(Handing, frozen=True, kw_only=True):
    """Something that arrived at this commune; all that is left, where no quantity is given."""

    condition: Annotated[
        Literal["good", "short", "damaged"], about("how it arrived; `short` leaves the rest due")
    ] = "good"


def handing(exchange: str, given: Handing, service: Service, now: int) -> Meant:
    """A delivery, or what was received if it is an Arrival."""
    number = None if given.quantity is None else typed.decimal_of(str(given.quantity))
    unit = None if given.unit is None else typed.unit_of(given.unit)
    note, by = text_of(given.note, "note"), line_of(given.by, "by")
    found = service.find_exchange(exchange)
    if not isinstance(given, Arrival):
        place = moves.leg_to_deliver(found, service.commune, given.transfer)
        leg = found.legs[place]
        quantity = moves.amount_of(leg, leg.given, number, unit)
        return Meant(
            Deliver(at=now, by=by, exchange=found.id, note=note, quantity=quantity, transfer=place), found
        )
    place = moves.leg_to_receive(found, service.commune, given.transfer)
    leg = found.legs[place]
    record = Receive(
        at=now,
        by=by,
        condition=given.condition,
        exchange=found.id,
        note=note,
        quantity=moves.amount_of(leg, leg.got, number, unit),
        transfer=place,
    )
    return Meant(record, found)


class Disputing(Wish, frozen=True, kw_only=True):
    """What is wrong with a transfer, or without one with the whole exchange."""

    note: Annotated[str, about("what is wrong")]
    transfer: TransferNumber | None = None


def dispute(exchange: str, given: Disputing, service: Service, now: int) -> Meant:
    """A dispute about an exchange."""
    found = service.find_exchange(exchange)
    place = None if given.transfer is None else moves.leg_named(found, given.transfer)
    note, by = text_of(given.note, "note"), line_of(given.by, "by")
    return Meant(Dispute(at=now, by=by, exchange=found.id, note=note, transfer=place), found)


class Settling(Wish, frozen=True, kw_only=True):
    """How a dispute ends, by this side's word."""

    outcome: Annotated[
        Literal["due", "closed"], about("`due`: the rest stays due; `closed`: nothing more is")
    ]
    note: Note = None


def settlement(named: str, given: Settling, service: Service, now: int) -> Meant:
    """A word on a dispute, by its id or that of an exchange with one that stands open."""
    entry = service.reader.find(named)
    found = service.reader.exchange(service.reader.exchange_of(entry))
    quarrel = moves.quarrel_meant(found, service.commune, entry)
    note, by = text_of(given.note, "note"), line_of(given.by, "by")
    return Meant(Settle(at=now, by=by, dispute=quarrel, note=note, outcome=given.outcome), found)
