"""What is counted of exchanges over time, as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import msgspec

from .. import wording
from . import Amount, Id

if TYPE_CHECKING:
    from ..charts import Counted

Month = Annotated[str, msgspec.Meta(description="a month like 2030-01")]


class CountedExchanges(msgspec.Struct, frozen=True, kw_only=True):
    """How many exchanges there were with something of a category, in each month."""

    category: str | None
    counts: tuple[int, ...]
    total: int


class CountedQuantities(msgspec.Struct, frozen=True, kw_only=True):
    """How much of a category was received in one unit, in each month; without a unit things are counted."""

    category: str | None
    unit: str | None
    quantities: tuple[Amount, ...]
    total: Amount


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """Two communes, and how many times one gave to the other in an exchange; its transfers are one."""

    communes: tuple[Id, Id]
    exchanges: int


class Charts(msgspec.Struct, frozen=True, kw_only=True):
    """What was counted: in `months`, the oldest first; the longest rows first."""

    months: tuple[Month, ...]
    total: int
    outside: int
    full: bool
    exchanges: tuple[CountedExchanges, ...]
    received: tuple[CountedQuantities, ...]
    pairs: tuple[Pair, ...]


def charts_of(found: Counted, months: Sequence[str]) -> Charts:
    """What was counted."""
    return Charts(
        months=tuple(months),
        total=found.total,
        outside=found.outside,
        full=found.full,
        exchanges=tuple(
            CountedExchanges(
                category=category or None,
                counts=tuple(counts[month] for month in months),
                total=counts.total(),
            )
            for category, counts in sorted(found.exchanges.items(), key=lambda row: (-row[1].total(), row[0]))
        ),
        received=tuple(
            CountedQuantities(
                category=category or None,
                unit=unit or None,
                quantities=tuple(wording.decimal(amounts[month]) for month in months),
                total=wording.decimal(amounts.total()),
            )
            for (category, unit), amounts in sorted(found.received.items())
        ),
        pairs=tuple(
            Pair(communes=(one.hex(), other.hex()), exchanges=number)
            for (one, other), number in found.pairs.most_common()
        ),
    )
