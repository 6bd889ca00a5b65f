"""What came in and went out in a period, as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec

from .. import wording
from . import Amount, Day, Id, Time, one_of

if TYPE_CHECKING:
    from ..statements import Passing as Passed
    from ..statements import Sum as Added


class Passing(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was received, from a partner (`in`) or by one (`out`), as its receiver says."""

    at: Time
    partner: Id
    way: Annotated[str, one_of("in", "out")]
    exchange: Id
    title: str
    category: str | None
    quantity: Amount
    unit: str | None
    condition: Annotated[str, one_of("good", "short", "damaged")]
    gift: bool
    contested: bool


class Sum(msgspec.Struct, frozen=True, kw_only=True):
    """What came in and went out of a category in one unit; without a unit it counts things."""

    category: str | None
    unit: str | None
    came: Amount
    went: Amount


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """What came in and went out in a period: a part of it one by one, and the sums of all of it."""

    since: Day
    until: Day
    items: tuple[Passing, ...]
    next: int | None
    sums: tuple[Sum, ...]


def passing_of(passed: Passed) -> Passing:
    """Something that was received."""
    return Passing(
        at=passed.at,
        partner=passed.partner.hex(),
        way="in" if passed.came else "out",
        exchange=passed.exchange.hex(),
        title=passed.title,
        category=passed.category or None,
        quantity=_amount(passed.amount, passed.unit),
        unit=passed.unit or None,
        condition=passed.condition,
        gift=passed.gift,
        contested=passed.contested,
    )


def sum_of(added: Added) -> Sum:
    """A sum."""
    return Sum(
        category=added.category or None,
        unit=added.unit or None,
        came=_amount(added.came, added.unit),
        went=_amount(added.went, added.unit),
    )


def _amount(amount: int, unit: str) -> str:
    return wording.decimal(amount) if unit else str(amount)
