"""Charts: exchanges and what was received over time, by category, and who exchanges with whom.

Decides what is counted (exchanges that were agreed, in the month in which they
were proposed by their proposer's clock; quantities by the receiver's word), how
far back, and how much is drawn. Beside each drawing stands its table. How it is
drawn is `drawings`'.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web
from markupsafe import Markup

from ledger import vocabulary
from ledger.exchange import Exchange, State
from ledger.records import CommuneId
from ledger.store.reading import CommuneRow

from .. import clock, language, wording
from ..language import gettext as _
from ..overview import Names, category_of
from ..service import Service
from . import drawings
from .site import ask_aside, page

ROUTES: Final = web.RouteTableDef()

MONTHS: Final = 24
"""months back, this one included: two years of harvests."""

MAX_COUNTED: Final = 5_000
"""exchanges that are counted, the newest; more would keep a small computer busy for long."""

MAX_DRAWN: Final = 8
"""categories that are drawn; the table has all."""

MAX_COMMUNES: Final = 24
"""communes in the drawing of the network: as many names as fit around a circle."""

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


@dataclass(frozen=True, slots=True)
class Drawn:
    """A row of a chart: what it is of, its drawing if it is drawn, and the number of each month."""

    name: str
    drawing: Markup | None
    numbers: list[str]
    total: str


def months_until(today: str) -> list[str]:
    """The months up to the one of a date, like 2030-01, the oldest first."""
    last = int(today[:4]) * 12 + int(today[5:7]) - 1
    return [f"{month // 12:04}-{month % 12 + 1:02}" for month in range(last - MONTHS + 1, last + 1)]


def counted(exchanges: Sequence[Exchange], months: Sequence[str], service: Service) -> Counted:
    """Count exchanges that were agreed."""
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


@ROUTES.get("/history/charts")
async def charts(request: web.Request) -> web.Response:
    """Charts of all exchanges that are held, or of those of one commune."""
    text, months = request.query.get("commune", "").strip(), months_until(clock.today())

    def look(service: Service) -> tuple[Counted, Names, list[CommuneRow], CommuneId | None, CommuneId | None]:
        reader = service.reader
        commune = reader.find_commune(text) if text else None
        exchanges = reader.exchanges(commune=commune, states=AGREED, limit=MAX_COUNTED + 1)
        found = counted(exchanges[:MAX_COUNTED], months, service)
        found.full = len(exchanges) > MAX_COUNTED
        return found, Names(reader), reader.communes(), commune, service.own

    found, names, communes, commune, own = await ask_aside(request, look)
    return await page(
        request,
        "charts.html",
        found=found,
        names=names,
        communes=communes,
        commune=commune,
        months=months,
        exchanges=_of_exchanges(found, months),
        received=_of_quantities(found, months),
        network=_network(found, names, commune or own),
        limit=MAX_COUNTED,
    )


def _of_exchanges(found: Counted, months: Sequence[str]) -> list[Drawn]:
    rows = sorted(found.exchanges.items(), key=lambda row: (-row[1].total(), row[0]))
    return [
        _drawn(
            _named(category),
            [counts[month] for month in months],
            [str(counts[month]) for month in months],
            str(counts.total()),
            months,
            place < MAX_DRAWN,
        )
        for place, (category, counts) in enumerate(rows)
    ]


def _of_quantities(found: Counted, months: Sequence[str]) -> list[Drawn]:
    # Quantities of different units cannot be compared: what is exchanged most often comes first.
    often = {category: counts.total() for category, counts in found.exchanges.items()}
    rows = sorted(found.received.items(), key=lambda row: (-often.get(row[0][0], 0), row[0]))
    return [
        _drawn(
            f"{_named(category)}, {_unit(unit)}",
            [amounts[month] for month in months],
            [wording.sum_text(amounts[month], unit) if amounts[month] else "0" for month in months],
            wording.sum_text(amounts.total(), unit),
            months,
            place < MAX_DRAWN,
        )
        for place, ((category, unit), amounts) in enumerate(rows)
    ]


def _drawn(
    name: str, values: Sequence[int], numbers: list[str], total: str, months: Sequence[str], is_drawn: bool
) -> Drawn:
    if not is_drawn:
        return Drawn(name, None, numbers, total)
    highest = numbers[max(range(len(values)), key=lambda place: values[place])]
    first, last = wording.day(months[0]), wording.day(months[-1])
    told = _("{name}: {total} from {first} to {last}, at most {highest} in a month").format(
        name=name, total=total, first=first, last=last, highest=highest
    )
    return Drawn(name, drawings.bars(values, first, last, highest, told), numbers, total)


def _named(category: str) -> str:
    return wording.category(category) if category else _("without a category")


def _unit(unit: str) -> str:
    return vocabulary.unit_name(unit, language.current(), True) if unit else _("things")


def _network(found: Counted, names: Names, bold: CommuneId | None) -> Markup | None:
    """The communes that exchange most, and the ties between them."""
    often: Counter[CommuneId] = Counter()
    for pair, number in found.pairs.items():
        often.update({pair[0]: number, pair[1]: number})
    shown = sorted(often, key=lambda commune: (-often[commune], commune))[:MAX_COMMUNES]
    if not shown:
        return None
    # Around the circle by name, so that a commune is found.
    shown.sort(key=lambda commune: (names[commune].casefold(), commune))
    places = {commune: place for place, commune in enumerate(shown)}
    ties = {
        (places[one], places[other]): number
        for (one, other), number in found.pairs.items()
        if one in places and other in places
    }
    told = _("Who exchanges with whom: {count} communes; the table below says the same").format(
        count=len(shown)
    )
    return drawings.network([names[each] for each in shown], ties, places.get(bold) if bold else None, told)
