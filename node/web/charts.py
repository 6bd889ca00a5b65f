"""Charts: exchanges and what was received over time, by category, and who exchanges with whom.

Decides how much is drawn, and that beside each drawing stands its table. What is
counted is `node.charts`', how it is drawn `drawings`'.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from aiohttp import web
from markupsafe import Markup

from ledger import vocabulary
from ledger.records import CommuneId

from .. import clock, language, wording
from ..charts import MAX_COUNTED, Counted, counted, months_until
from ..language import gettext as _
from ..petnames import OwnNames, find_commune
from ..service import Service
from . import drawings
from .site import ask_aside, page

ROUTES: Final = web.RouteTableDef()

MAX_DRAWN: Final = 8
"""categories that are drawn; the table has all."""

MAX_COMMUNES: Final = 24
"""communes in the drawing of the network: as many names as fit around a circle."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A row of a chart: what it is of, its drawing if it is drawn, and the number of each month."""

    name: str
    drawing: Markup | None
    numbers: list[str]
    total: str


@ROUTES.get("/history/charts")
async def charts(request: web.Request) -> web.Response:
    """Charts of all exchanges that are held, or of those of one commune."""
    text, months = request.query.get("commune", "").strip(), months_until(clock.today())

    def look(
        service: Service,
    ) -> tuple[Counted, OwnNames, CommuneId | None, CommuneId | None]:
        reader = service.reader
        commune = find_commune(reader, text) if text else None
        found = counted(service, months, commune)
        return found, OwnNames(reader), commune, service.own

    found, names, commune, own = await ask_aside(request, look)
    return await page(
        request,
        "charts.html",
        found=found,
        names=names,
        communes=names.listed(),
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


def _network(found: Counted, names: OwnNames, bold: CommuneId | None) -> Markup | None:
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
