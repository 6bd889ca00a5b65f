"""Moves as a person means them: a record for what was said, with what was left open filled in.

Decides which transfer is meant when none is named, how much when nothing is
said, and which dispute; asks back, by an error that lists the choices, where
more than one fits. Whether a move is allowed is `ledger.steps`'s, and nothing
is signed here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ledger.exchange import Exchange, Leg, Quarrel, State, millionths
from ledger.limits import MAX_SCALE
from ledger.log import EntryId
from ledger.records import CommuneId, Deliver, Quantity, Receive

from .errors import InputError


def quantity_of_millionths(amount: int, unit: str) -> Quantity:
    """A whole number of millionths of a unit as a quantity, without zeros at the end."""
    scale = MAX_SCALE
    while scale and amount % 10 == 0:
        amount, scale = amount // 10, scale - 1
    return Quantity(amount, scale, unit)


def leg_to_deliver(exchange: Exchange, commune: CommuneId, number: int | None) -> int:
    """The place of the transfer that a commune gives: the one named, counted from 1, or the only one left."""
    return _place(exchange, number, lambda leg: leg.giver == commune, lambda leg: leg.given < leg.agreed)


def leg_to_receive(exchange: Exchange, commune: CommuneId, number: int | None) -> int:
    """The place of the transfer that a commune gets: the one named, counted from 1, or the only one left."""
    return _place(exchange, number, lambda leg: leg.receiver == commune, lambda leg: leg.got < leg.agreed)


def leg_named(exchange: Exchange, number: int) -> int:
    """The place of a transfer by its number, counted from 1. Raises InputError."""
    if not 1 <= number <= len(exchange.legs):
        raise InputError(
            "The exchange has no transfer {number}: its transfers are {choices}.",
            number=number,
            choices=_choices(exchange, range(len(exchange.legs))),
        )
    return number - 1


def _place(
    exchange: Exchange, number: int | None, is_mine: Callable[[Leg], bool], is_open: Callable[[Leg], bool]
) -> int:
    if number is not None:
        return leg_named(exchange, number)
    mine = [place for place, leg in enumerate(exchange.legs) if is_mine(leg)]
    unfinished = [
        place for place in mine if is_open(exchange.legs[place]) and not exchange.legs[place].closed
    ]
    fitting = unfinished or mine
    if len(fitting) > 1:
        raise InputError(
            "More than one transfer may be meant: give --transfer with one of {choices}.",
            choices=_choices(exchange, fitting),
        )
    # Where none fits, whatever stands first lets the rules say why the move is refused.
    return fitting[0] if fitting else 0


def _choices(exchange: Exchange, places: Sequence[int]) -> str:
    return ", ".join(f"{place + 1} («{exchange.legs[place].transfer.title}»)" for place in places)


def amount_of(leg: Leg, said: int, number: tuple[int, int] | None, unit: str | None) -> Quantity | None:
    """How much of a transfer is meant: what was given, else all that `said` (millionths) leaves open.

    A number without a unit is in the transfer's. None for a transfer without a
    quantity of which nothing was counted. Raises InputError.
    """
    agreed = leg.transfer.quantity
    if number is not None:
        unit = unit or (agreed.unit if agreed is not None else None)
        if unit is None:
            raise InputError("No quantity was agreed, so this one needs its unit: give --unit as well.")
        return Quantity(*number, unit)
    if agreed is None:
        return None
    rest = leg.agreed - said
    if rest <= 0:
        raise InputError("All that was agreed is recorded already: give --quantity if there was more.")
    return quantity_of_millionths(rest, agreed.unit)


def exceeds(exchange: Exchange, record: Deliver | Receive) -> bool:
    """Whether more than was agreed has been handed over, or received, once a record says so too."""
    leg, amount = exchange.legs[record.transfer], record.quantity
    said = leg.given if isinstance(record, Deliver) else leg.got
    agreed = leg.transfer.quantity
    if agreed is None or amount is None or agreed.unit != amount.unit:
        return False
    return said + millionths(amount) > leg.agreed


def quarrel_meant(exchange: Exchange, commune: CommuneId, entry: EntryId) -> EntryId:
    """The dispute that an id means: its own, or of an exchange the only open one that is this commune's."""
    if entry != exchange.id:
        return entry
    mine = [quarrel for quarrel in exchange.quarrels if _is_side(exchange, quarrel, commune)]
    unsettled = [quarrel for quarrel in mine if quarrel.outcome is None]
    if len(unsettled) > 1:
        raise InputError(
            "More than one dispute stands open in the exchange: name one of {choices}.",
            choices=", ".join(quarrel.id.hex()[:12] for quarrel in unsettled),
        )
    # Where none is open, the rules say so about the exchange.
    return unsettled[0].id if unsettled else entry


def _is_side(exchange: Exchange, quarrel: Quarrel, commune: CommuneId) -> bool:
    if quarrel.transfer is None:
        return commune in exchange.proposal.parties
    leg = exchange.legs[quarrel.transfer]
    return commune in (leg.giver, leg.receiver)


def withdrawal_meant(exchange: Exchange, commune: CommuneId, entry: EntryId) -> EntryId:
    """What withdrawing an id means: of an agreed exchange the commune's own cancel, else the entry itself."""
    if entry == exchange.id and exchange.state is State.AGREED:
        own = [word.id for word in exchange.cancels if word.commune == commune]
        return own[0] if own else entry
    return entry
