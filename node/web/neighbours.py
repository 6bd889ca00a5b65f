"""Neighbours: communes whose ledgers are held or announced here, and who is linked now.

Decides what is shown of each, and how one is recognised: after its words have
been compared, since a name is nobody's identity.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from ledger.records import CommuneId, Recognise, Unrecognise
from ledger.store.reading import CommuneRow

from .. import clock
from ..api import RESIDENT
from ..language import gettext as _
from ..overview import Relations
from ..service import Service
from . import confirming
from .forms import form_of
from .site import ask, page

ROUTES: Final = web.RouteTableDef()


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A commune as the page shows it; its `row` where its charter is held."""

    id: CommuneId
    name: str
    row: CommuneRow | None
    relation: str
    linked: bool


@ROUTES.get("/neighbours")
async def neighbours(request: web.Request) -> web.Response:
    """All communes that are known, those that are linked and not recognised first."""
    peers = await _peers(request)

    def look(service: Service) -> tuple[list[Neighbour], CommuneId | None]:
        relations = Relations(service)
        rows = {row.id: row for row in service.reader.communes()}
        linked = {CommuneId(bytes.fromhex(peer["commune"])): peer for peer in peers if peer.get("commune")}
        found = [
            Neighbour(
                identity,
                rows[identity].name if identity in rows else str(linked[identity].get("name") or ""),
                rows.get(identity),
                relations[identity],
                identity in linked,
            )
            for identity in {**rows, **linked}
        ]
        return found, service.own

    found, own = await ask(request, look)
    waiting = [each for each in found if each.relation == "known"]
    return await page(
        request,
        "neighbours.html",
        own=next((each for each in found if each.id == own), None),
        waiting=sorted(waiting, key=lambda each: (not each.linked, each.name)),
        recognised=sorted(
            (each for each in found if each.relation == "recognised"), key=lambda each: each.name
        ),
        nameless=[peer for peer in peers if not peer.get("commune")],
    )


async def _peers(request: web.Request) -> list[dict[str, Any]]:
    """Who is linked now, as the part that keeps links says."""
    state = await request.app[RESIDENT].state()
    told = state.parts.get("gossip")
    return [] if told is None else list(told.facts.get("peers", ()))


@ROUTES.post("/neighbours/{id:[0-9a-f]{64}}/{step:recognise|unrecognise}")
async def recognise(request: web.Request) -> web.Response:
    """Show once more whom this commune recognises, or no longer does."""
    form = await form_of(request)
    commune = bytes.fromhex(request.match_info["id"])
    if form["edit"]:
        raise web.HTTPSeeOther("/neighbours")
    kind = Recognise if request.match_info["step"] == "recognise" else Unrecognise
    record = kind(at=clock.now(), commune=commune, note=form.text("note"))
    name = await _name_of(request, CommuneId(commune))
    return await confirming.show(request, record, back=request.path, form=form, known=[(_("Commune"), name)])


async def _name_of(request: web.Request, commune: CommuneId) -> str:
    """What a commune calls itself: in its charter, or in a stranger's that is linked."""
    names = await ask(request, lambda service: {row.id: row.name for row in service.reader.communes()})
    told = {peer["commune"]: peer["name"] for peer in await _peers(request) if peer.get("commune")}
    return names.get(commune) or told.get(commune.hex()) or commune.hex()[:12]
