"""Charts: what is counted of exchanges over time, and of who exchanges with whom.

Decides what is counted (exchanges that were agreed, in the month in which they
were proposed by their proposer's clock; quantities by the receiver's word), and
how far back. How it is drawn is the page's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from ledger.exchange import Exchange, State
from ledger.records import CommuneId

from . import wording
from .overview import category_of
from .service import Service

MONTHS: Final = 24
"""months back, this one included: two years of harvests."""

MAX_COUNTED: Final = 5_000
"""exchanges that are counted, the newest; more would keep a small computer busy for long."""

AGREED: Final = (State.AGREED, State.FULFILLED, State.CLOSED, State.CANCELLED)


@dataclass(slots=True)
class Counted:
    """What was counted: by category and month; by category, unit and month in millionths; and by pair.

    `outside` are exchanges of other times, `full` says that there are more than were counted.
    """

    exchanges: dict[str, Counter[str]] = field(default_factory=dict)
    received: dict[tuple[str, str], Counter[str]] = field(default_factory=dict)
    pairs: Counter[tuple[CommuneId, CommuneId]] = field(default_factory=Counter)
    total: int = 0
    outside: int = 0
    full: bool = False


def months_until(today: str) -> list[str]:
    """The months up to the one of a date, like 2030-01, the oldest first."""
    last = int(today[:4]) * 12 + int(today[5:7]) - 1
    return [f"{month // 12:04}-{month % 12 + 1:02}" for month in range(last - MONTHS + 1, last + 1)]


def counted(service: Service, months: Sequence[str], commune: CommuneId | None) -> Counted:
    """Count the exchanges that were agreed, all that are held or those of a commune. Raises StoreError."""
    exchanges = service.reader.exchanges(commune=commune, states=AGREED, limit=MAX_COUNTED + 1)
    found = _counted(exchanges[:MAX_COUNTED], months, service)
    found.full = len(exchanges) > MAX_COUNTED
    return found


def _counted(exchanges: Sequence[Exchange], months: Sequence[str], service: Service) -> Counted:
    found, within = Counted(), frozenset(months)
    for exchange in exchanges:
        month = wording.plain_day_of(exchange.proposal.at)[:7]
        if month not in within:
            found.outside += 1
            continue
        found.total += 1
        for category in {category_of(leg, service.reader) for leg in exchange.legs}:
            found.exchanges.setdefault(category, Counter())[month] += 1
        for leg in exchange.legs:
            if leg.got:
                unit = "" if leg.transfer.quantity is None else leg.transfer.quantity.unit
                key = (category_of(leg, service.reader), unit)
                found.received.setdefault(key, Counter())[month] += leg.got
        pairs = {(min(leg.giver, leg.receiver), max(leg.giver, leg.receiver)) for leg in exchange.legs}
        found.pairs.update(pairs)
    return found
