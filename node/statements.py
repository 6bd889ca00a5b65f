"""Statements: what came in and went out of a commune in a period, and how it adds up.

Decides which word counts (the receiver's, as in accounts: what was handed over
and not confirmed stands open), and what is added to what.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ledger.exchange import Exchange, Form, Leg, millionths
from ledger.log import EntryId
from ledger.records import CommuneId, Receive
from ledger.view import Account

from .overview import Names, accounts_of, category_of, said_in
from .service import Service


@dataclass(frozen=True, slots=True)
class Passing:
    """Something that was received: when by its receiver's clock, from or to whom, in which exchange.

    `amount` is in millionths of `unit`; without a unit it counts things.
    """

    at: int
    partner: CommuneId
    came: bool
    exchange: EntryId
    title: str
    category: str
    amount: int
    unit: str
    condition: str
    gift: bool
    contested: bool


@dataclass(frozen=True, slots=True)
class Sum:
    """What came in and went out of a category in one unit."""

    category: str
    unit: str
    came: int
    went: int


@dataclass(frozen=True, slots=True)
class Statement:
    """What a statement shows of a commune, and how its accounts stand now."""

    own: CommuneId
    passings: list[Passing]
    open: tuple[Account, ...]
    names: Names


def statement_of(first: int, last: int, service: Service) -> Statement:
    """The statement of this commune over a period, in milliseconds, both included; within one snapshot."""
    own, reader = service.commune, service.reader
    found = [
        passing
        for exchange in reader.exchanges(commune=own)
        for passing in _passings(exchange, own, service)
        if first <= passing.at <= last
    ]
    found.sort(key=lambda each: (each.partner, each.at, each.exchange))
    return Statement(own, found, accounts_of(own, reader), Names(reader))


def _passings(exchange: Exchange, own: CommuneId, service: Service) -> Iterator[Passing]:
    if not any(leg.got and own in (leg.giver, leg.receiver) for leg in exchange.legs):
        return
    for each in said_in(exchange, service):
        record = each.row.record
        if not isinstance(record, Receive) or not each.counts or each.refused is not None:
            continue
        leg = exchange.legs[record.transfer]
        if own not in (leg.giver, leg.receiver) or each.commune != leg.receiver:
            continue
        came = leg.receiver == own
        yield Passing(
            record.at,
            leg.giver if came else leg.receiver,
            came,
            exchange.id,
            leg.transfer.title,
            category_of(leg, service.reader),
            _amount(record, leg),
            "" if leg.transfer.quantity is None else leg.transfer.quantity.unit,
            record.condition,
            exchange.form is Form.GIFT,
            exchange.contested,
        )


def _amount(record: Receive, leg: Leg) -> int:
    """As the ledger counts it: where no quantity was agreed each is one, and a short one nothing."""
    if leg.transfer.quantity is None or record.quantity is None:
        return 0 if record.condition == "short" else 1
    return millionths(record.quantity)


def sums_of(passings: Sequence[Passing]) -> list[Sum]:
    """What came and went, of each category in each unit."""
    totals: dict[tuple[str, str], list[int]] = {}
    for each in passings:
        totals.setdefault((each.category, each.unit), [0, 0])[0 if each.came else 1] += each.amount
    return [Sum(*key, *pair) for key, pair in sorted(totals.items())]
