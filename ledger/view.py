"""What listings and exchanges amount to, for any commune: what is open, left, promised too often, owed.

Decides how a listing ends, what of it is left, when more was promised than it
has, and how the transfers of many exchanges add up to an account between two
communes. It is given listings and folded exchanges of any commune and reads no
clock; what each exchange is, `exchange` has decided, and what may come next in
one is `steps`'s (docs/spec/exchange.md).

Units are never converted: what has another unit, or none, is not compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Final, NamedTuple, Protocol

from .exchange import Exchange, Form, Leg, State, millionths
from .kinds import CommuneId, Listing, Need, Offer, Record, Withdraw
from .log import EntryId

PROMISING: Final = frozenset({State.AGREED, State.FULFILLED, State.CANCELLED, State.CLOSED})
"""States in which an exchange can take something of a listing: all had agreed."""


class Posted(Protocol):
    """A record that counts, its entry id and its commune: a `Move`, or a row of the store."""

    @property
    def id(self) -> EntryId: ...

    @property
    def commune(self) -> CommuneId: ...

    @property
    def record(self) -> Record: ...


class ListingState(StrEnum):
    """What became of a listing. Expired is no state: it depends on the reader's calendar."""

    OPEN = "open"
    WITHDRAWN = "withdrawn"
    REPLACED = "replaced"


class OverCommitment(NamedTuple):
    """A warning: exchanges agreed promise more of a listing than it has.

    `quantity` and `promised` are millionths of `unit`; `contested` are those of
    `exchanges` that are.
    """

    listing: EntryId
    commune: CommuneId
    unit: str
    quantity: int
    promised: int
    exchanges: tuple[EntryId, ...]
    contested: tuple[EntryId, ...]


class Figure(NamedTuple):
    """A sum and the exchanges behind it, in order of their ids."""

    amount: int = 0
    exchanges: tuple[EntryId, ...] = ()


class Account(NamedTuple):
    """What stands open between a commune and one partner, of one category in one unit.

    Amounts are millionths of `unit`; without a unit they count whole transfers.
    `owes` and `owed` are debts out of barters and rings; `giving` and `getting`
    are gifts promised and not yet received, which make no debt. Contested
    exchanges are counted like others, and named in `contested`.
    """

    partner: CommuneId
    category: str | None
    unit: str | None
    owes: Figure
    owed: Figure
    giving: Figure
    getting: Figure
    contested: tuple[EntryId, ...]


# Listings ---------------------------------------------------------------------------------------


def listing_state(listing: Posted, naming: Iterable[Posted]) -> ListingState:
    """What became of a listing, from the records that name it; only those of its own commune say anything.

    One that was both withdrawn and replaced is withdrawn.
    """
    state = ListingState.OPEN
    for other in naming:
        if other.commune != listing.commune:
            continue
        if isinstance(other.record, Withdraw) and other.record.target == listing.id:
            return ListingState.WITHDRAWN
        if isinstance(other.record, Offer | Need) and other.record.replaces == listing.id:
            state = ListingState.REPLACED
    return state


def is_expired(listing: Listing, today: str) -> bool:
    """Whether the last day of a listing is over; `today` is a date like 2030-01-31."""
    return listing.until is not None and listing.until < today


def left(listing: Posted, exchanges: Iterable[Exchange]) -> int | None:
    """What is left of a listing after the exchanges agreed, in millionths of its unit; 0 if none is.

    None if the listing has no quantity. `exchanges` may hold others as well.
    """
    quantity = _record(listing).quantity
    if quantity is None:
        return None
    return max(0, millionths(quantity) - sum(amount for _, amount in _promised(listing, exchanges)))


def over_commitment(listing: Posted, exchanges: Iterable[Exchange]) -> OverCommitment | None:
    """Warn if exchanges agreed promise more of a listing than it has."""
    quantity = _record(listing).quantity
    if quantity is None:
        return None
    promised: dict[EntryId, int] = {}
    contested: set[EntryId] = set()
    for exchange, amount in _promised(listing, exchanges):
        promised[exchange.id] = promised.get(exchange.id, 0) + amount
        if exchange.contested:
            contested.add(exchange.id)
    total = sum(promised.values())
    if total <= millionths(quantity):
        return None
    return OverCommitment(
        listing.id,
        listing.commune,
        quantity.unit,
        millionths(quantity),
        total,
        tuple(sorted(promised)),
        tuple(sorted(contested)),
    )


def _record(listing: Posted) -> Listing:
    assert isinstance(listing.record, Offer | Need)
    return listing.record


def _promised(listing: Posted, exchanges: Iterable[Exchange]) -> Iterator[tuple[Exchange, int]]:
    """What each transfer takes of a listing: from an offer's commune, or to a need's, in its unit."""
    record = _record(listing)
    assert record.quantity is not None
    for exchange in exchanges:
        for leg in exchange.legs:
            transfer = leg.transfer
            side = leg.giver if isinstance(record, Offer) else leg.receiver
            if transfer.listing != listing.id or side != listing.commune or transfer.quantity is None:
                continue
            if transfer.quantity.unit == record.quantity.unit and (amount := _taken(exchange.state, leg)):
                yield exchange, amount


def _taken(state: State, leg: Leg) -> int:
    """What a transfer takes: all that was agreed, or what was received of it once the rest has ended."""
    if state not in PROMISING:
        return 0
    return min(leg.got, leg.agreed) if leg.closed else leg.agreed


# Accounts ---------------------------------------------------------------------------------------


def accounts(
    commune: CommuneId, exchanges: Iterable[Exchange], categories: Mapping[bytes, str] | None = None
) -> tuple[Account, ...]:
    """What a commune owes and is owed, a row for every partner, category and unit, in that order.

    What is owed is what the receiver has not said to have got, in exchanges
    that are agreed and not ended. The category of a transfer is its own, else
    that of its listing in `categories` (by listing id), else None.
    """
    known = categories or {}
    columns: dict[tuple[CommuneId, str, str], list[list[tuple[EntryId, int]]]] = {}
    contested: set[EntryId] = set()
    for exchange in exchanges:
        if exchange.state is not State.AGREED:
            continue
        if exchange.contested:
            contested.add(exchange.id)
        for leg in exchange.legs:
            if not leg.due or commune not in (leg.giver, leg.receiver):
                continue
            gives = leg.giver == commune
            key = (leg.receiver if gives else leg.giver, _category(leg, known), _unit(leg))
            column = (0 if gives else 1) + (2 if exchange.form is Form.GIFT else 0)
            columns.setdefault(key, [[], [], [], []])[column].append((exchange.id, leg.due))
    rows = []
    for (partner, category, unit), items in sorted(columns.items()):
        owes, owed, giving, getting = (_figure(part) for part in items)
        behind = {entry for part in items for entry, _ in part}
        rows.append(
            Account(
                partner,
                category or None,
                unit or None,
                owes,
                owed,
                giving,
                getting,
                tuple(sorted(behind & contested)),
            )
        )
    return tuple(rows)


def _category(leg: Leg, known: Mapping[bytes, str]) -> str:
    """The category of a transfer, empty if it is not known: no code is."""
    own = leg.transfer.category
    if own is not None:
        return own
    return known.get(leg.transfer.listing, "") if leg.transfer.listing is not None else ""


def _unit(leg: Leg) -> str:
    return "" if leg.transfer.quantity is None else leg.transfer.quantity.unit


def _figure(items: Sequence[tuple[EntryId, int]]) -> Figure:
    return Figure(sum(amount for _, amount in items), tuple(sorted({entry for entry, _ in items})))
