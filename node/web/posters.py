"""Posters: the board on paper, for the wall of the communal house, where most people read it.

Decides what of a listing is read from a step away, in which order, and how much
is put on a wall. What was chosen on the board is chosen here too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from aiohttp import web

from ledger.records import Offer
from ledger.store.reading import CommuneRow

from .. import clock
from ..overview import Listed, listed
from ..petnames import OwnNames
from ..service import Service
from .board import chosen_by, filters_of
from .site import ask_aside, page

ROUTES: Final = web.RouteTableDef()

MAX_POSTED: Final = 240
"""listings on a wall; some ten sheets."""


@dataclass(frozen=True, slots=True)
class Wall:
    """What hangs on a wall: offers and needs, and where their communes are found."""

    offers: list[Listed]
    needs: list[Listed]
    more: bool
    communes: list[CommuneRow]
    names: OwnNames


@ROUTES.get("/print")
async def wall(request: web.Request) -> web.Response:
    """The board, or the part of it that was chosen, in large letters."""
    form, today = filters_of(request), clock.today()
    chosen = chosen_by(form)

    def look(service: Service) -> Wall:
        reader = service.reader
        found = chosen.listings(reader, today)(limit=MAX_POSTED + 1, offset=0)
        rows = [listed(row, reader, today) for row in found[:MAX_POSTED]]
        shown = {row.commune for row in rows}
        return Wall(
            [row for row in rows if isinstance(row.record, Offer)],
            [row for row in rows if not isinstance(row.record, Offer)],
            len(found) > MAX_POSTED,
            [row for row in reader.communes() if row.id in shown],
            OwnNames(reader),
        )

    found = await ask_aside(request, look)
    address = request.path_qs.removeprefix("/print")
    return await page(request, "posters.html", wall=found, today=today, board=f"/{address}", form=form)
