"""The board: offers and needs of all communes whose ledgers are held here, and one of them.

Decides what is found by which choice, what stands first (what meets this
commune's own listings), and which of its own listings end soon.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import Final
from urllib.parse import urlencode

from aiohttp import web

from ledger.exchange import Exchange
from ledger.log import EntryId
from ledger.records import CommuneId, Offer
from ledger.vocabulary import categories

from .. import clock, typed
from ..api import RESIDENT
from ..matching import Match, matches
from ..noticing import ends_soon
from ..overview import Listed, listed
from ..petnames import OwnNames
from ..reporting import brought_back_twice
from ..selection import Selection
from ..service import Service
from . import drafts
from .forms import Form, whole
from .site import ask, page

ROUTES: Final = web.RouteTableDef()

PAGE: Final = 48
"""listings on a page: some screens of a phone, and 30 KB at most."""

ID_DIGITS: Final = 16
"""digits of an id that stand for a commune among the choices: with all 64, those of 500 have 30 KB."""

MAX_MATCHES: Final = 6
"""matches above the board; the page of each own listing shows its own."""

FILTERS: Final = ("q", "kind", "category", "commune", "place", "since", "until")


@dataclass(frozen=True, slots=True)
class Board:
    """What a board shows; `more` if there are further listings."""

    rows: list[Listed]
    more: bool
    matches: list[Match]
    ending: list[Listed]
    names: OwnNames
    own: CommuneId | None
    is_new: bool
    """it has nothing of this commune's own"""
    recognises: bool
    """this commune deals with another already"""
    is_twice: bool
    """another log continues the one of this home as well"""


@ROUTES.get("/")
async def board(request: web.Request) -> web.Response:
    """The board, or the part of it that was chosen."""
    form = filters_of(request)
    offset = whole(request.query.get("from", "0"))
    today = clock.today()
    chosen = chosen_by(form)

    def look(service: Service) -> Board:
        reader = service.reader
        with reader.snapshot():
            found = chosen.listings(reader, today)(limit=PAGE + 1, offset=offset)
            own = service.own
            is_whole = not form.typed and offset == 0
            return Board(
                rows=[listed(row, reader, today) for row in found[:PAGE]],
                more=len(found) > PAGE,
                matches=[] if own is None or not is_whole else _some_matches(service, own, today),
                ending=[] if own is None or not is_whole else _ending(service, own, today),
                names=OwnNames(reader),
                own=own,
                is_new=is_whole and not any(row.commune == own for row in found),
                recognises=own is not None and bool(reader.recognised(own)),
                is_twice=own is not None and is_whole and service.log in reader.formed(own).contested,
            )

    found = await ask(request, look)
    kept = {name: form[name] for name in FILTERS if form[name]}
    return await page(
        request,
        "board.html",
        board=found,
        communes=[(commune.hex()[:ID_DIGITS], name) for commune, name in found.names.listed()],
        drafts=[(draft, drafts.told(draft)) for draft in await drafts.kept(request)]
        if not form.typed
        else [],
        form=form,
        further=f"/?{urlencode({**kept, 'from': offset + PAGE})}",
        wall=f"/print?{urlencode(kept)}" if kept else "/print",
        offset=offset,
        twice=brought_back_twice(),
    )


def filters_of(request: web.Request) -> Form:
    """What was chosen in an address of the board."""
    return Form({name: text for name in FILTERS if (text := request.query.get(name, "").strip())})


def chosen_by(form: Form) -> Selection:
    """What was chosen; of what cannot be, nothing, and it is noted at the field."""
    form.read("since", typed.start_of_day)
    form.read("until", typed.day_of)
    return Selection(
        kind=form["kind"] if form["kind"] in ("offer", "need") else None,
        category=form["category"] if form["category"] in categories() else None,
        commune=form["commune"],
        search=form["q"],
        place=form["place"],
        since=None if "since" in form.faults else form["since"],
        until=None if "until" in form.faults else form["until"],
    )


def _some_matches(service: Service, own: CommuneId, today: str) -> list[Match]:
    return list(islice(matches(service.reader, own, today), MAX_MATCHES))


def _ending(service: Service, own: CommuneId, today: str) -> list[Listed]:
    """Own listings that end within some days, or ended as long ago and may be wanted on."""
    rows = service.reader.listings(commune=own, limit=4 * PAGE)
    return [listed(row, service.reader, today) for row in rows if ends_soon(row.record, today)]


# One listing ------------------------------------------------------------------------------------


@ROUTES.get("/listings/{id:[0-9a-f]{64}}")
async def listing(request: web.Request) -> web.Response:
    """One offer or need, what exchanges have drawn on it, and what can be done with it."""
    entry = EntryId(bytes.fromhex(request.match_info["id"]))
    today = clock.today()

    def look(service: Service) -> tuple[Listed, list[Exchange], list[Listed], OwnNames, CommuneId | None]:
        reader, own = service.reader, service.own
        with reader.snapshot():
            row = reader.listing(entry)
            drawing = list(reader.drawing_on(entry))
            kind = "need" if isinstance(row.record, Offer) else "offer"
            meeting = [
                listed(other, reader, today)
                for other in reader.listings(
                    kind=kind, category=row.record.category, today=today, limit=4 * MAX_MATCHES
                )
                if other.commune != row.commune and own in (row.commune, other.commune)
            ]
            return listed(row, reader, today), drawing, meeting[:MAX_MATCHES], OwnNames(reader), own

    row, drawing, meeting, names, own = await ask(request, look)
    await request.app[RESIDENT].noticing.read(entry)
    return await page(
        request,
        "listing.html",
        row=row,
        drawing=drawing,
        meeting=meeting,
        names=names,
        own=own,
        is_own=row.commune == own,
        now=clock.now(),
    )
