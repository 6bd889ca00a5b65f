"""History: all that a commune has recorded, the newest first, in words.

Decides the order (by the place in its logs, since times are only claimed), what
is chosen from it, and how much is looked through for one page.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from aiohttp import web

from ledger.kinds import KINDS
from ledger.records import CommuneId, Malformed, Record, Uninterpreted
from ledger.store.reading import BranchInfo, CommuneRow, EntryRow

from .. import typed
from ..petnames import OwnNames
from ..service import Service
from .entries import Line, line_of
from .forms import Form
from .site import ask, ask_aside, page

ROUTES: Final = web.RouteTableDef()

SHOWN: Final = 40
"""entries on a page."""

MAX_LOOKED_THROUGH: Final = 4_000
"""entries looked through for a page; what lies further back is found by going on."""

AT_ONCE: Final = 256
"""entries read at once."""

UNREADABLE: Final = "unreadable"
"""The choice of those whose content was erased, or that this version cannot read."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What is chosen: a kind, a name of `KINDS` or `UNREADABLE`; times in milliseconds, both included."""

    kind: str | None = None
    first: int | None = None
    last: int | None = None

    def has(self, record: Record | Uninterpreted | Malformed | None) -> bool:
        """Whether an entry is chosen; with a period, what claims no time is not."""
        if record is None or isinstance(record, Uninterpreted | Malformed):
            return self.kind in (None, UNREADABLE) and self.first is None and self.last is None
        if self.kind not in (None, record.kind):
            return False
        return (self.first is None or record.at >= self.first) and (
            self.last is None or record.at <= self.last
        )


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page begins: in which branch, and below which index."""

    branch: int
    below: int


@dataclass(frozen=True, slots=True)
class Timeline:
    """A page of a history; `further` is where the next one begins, None at the end."""

    lines: list[Line]
    further: Place | None


def timeline(commune: CommuneId, choice: Choice, place: Place | None, service: Service) -> Timeline:
    """Entries of a commune that are chosen, the newest first, from a place on; within one snapshot."""
    lines: list[Line] = []
    for looked, (branch, row) in enumerate(_backwards(commune, place, service)):
        if len(lines) == SHOWN or looked == MAX_LOOKED_THROUGH:
            return Timeline(lines, Place(branch.number, row.index + 1))
        if choice.has(row.record):
            lines.append(line_of(row, service))
    return Timeline(lines, None)


def _backwards(
    commune: CommuneId, place: Place | None, service: Service
) -> Iterator[tuple[BranchInfo, EntryRow]]:
    """The entries of a commune's logs, from the newest; what branches share, once."""
    reader = service.reader
    branches = [branch for log in reader.formed(commune).logs for branch in reader.branches(log)]
    below: int | None = None
    if place is not None:
        numbers = [branch.number for branch in branches]
        if place.branch not in numbers:
            return
        branches = branches[: numbers.index(place.branch) + 1]
        below = place.below
    for branch in reversed(branches):
        least = max(branch.start, branch.first)
        high = branch.size if below is None else min(branch.size, below)
        below = None
        while high > least:
            low = max(least, high - AT_ONCE)
            for row in reversed(list(reader.entries(branch.number, low, high))):
                yield branch, row
            high = low


# Pages ------------------------------------------------------------------------------------------


@ROUTES.get("/history")
async def histories(request: web.Request) -> web.Response:
    """What can be looked at, and the communes whose history is held."""

    def look(service: Service) -> tuple[list[CommuneRow], OwnNames, CommuneId | None]:
        return service.reader.communes(), OwnNames(service.reader), service.own

    communes, names, own = await ask(request, look)
    communes.sort(key=lambda row: row.id != own)
    return await page(request, "histories.html", communes=communes, names=names, own=own)


@ROUTES.get("/history/{id:[0-9a-f]{64}}")
async def history(request: web.Request) -> web.Response:
    """The history of one commune."""
    commune = CommuneId(bytes.fromhex(request.match_info["id"]))
    form = Form({name: request.query.get(name, "").strip() for name in ("kind", "since", "until")})
    choice, place = _choice_of(form), _place_of(request.query.get("at", ""))

    def look(service: Service) -> tuple[CommuneRow, Timeline, OwnNames, CommuneId | None]:
        row = service.reader.commune(commune)
        found = timeline(commune, choice, place, service)
        return row, found, OwnNames(service.reader), service.own

    row, found, names, own = await ask_aside(request, look)
    kept = {name: text for name, text in form.typed.items() if text}
    further = None
    if found.further is not None:
        at = f"{found.further.branch}-{found.further.below}"
        further = f"{request.path}?{urlencode({**kept, 'at': at})}"
    return await page(
        request,
        "history.html",
        status=200 if form.is_good else 422,
        commune=row,
        found=found,
        names=names,
        own=own,
        form=form,
        further=further,
        begun=place is not None,
        kinds=list(KINDS),
        chosen=bool(kept),
    )


def _choice_of(form: Form) -> Choice:
    kind = form["kind"] if form["kind"] in {*KINDS, UNREADABLE} else None
    first = form.read("since", typed.start_of_day)
    last = form.read("until", typed.end_of_day)
    return Choice(kind, first, last)


def _place_of(text: str) -> Place | None:
    branch, _, below = text.partition("-")
    if all(part.isascii() and part.isdigit() and len(part) < 16 for part in (branch, below)):
        return Place(int(branch), int(below))
    return None
