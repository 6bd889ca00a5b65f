"""One neighbour: how it stands with it, and the name by which people here call it.

Decides that a name that another commune gives itself is asked about once more,
since the two would be taken for each other. Which names cannot be at all, and
where they are kept, is `petnames`'s.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from aiohttp import web

from ledger.errors import LedgerError
from ledger.records import CommuneId
from ledger.store.reading import CommuneRow

from ..errors import InputError
from ..overview import Relations
from ..petnames import OwnNames, give_pet_name, namesakes, pet_name_of
from ..service import Service
from .forms import Form, check_token, form_of
from .site import ask, ask_aside, page

ROUTES: Final = web.RouteTableDef()


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a commune here."""

    row: CommuneRow
    names: OwnNames
    relation: str
    alike: list[CommuneId]


def _commune_of(request: web.Request) -> CommuneId:
    return CommuneId(bytes.fromhex(request.match_info["id"]))


@ROUTES.get("/neighbours/{id:[0-9a-f]{64}}")
async def neighbour(request: web.Request) -> web.Response:
    """One commune, with the form of its name."""
    return await _shown(request, None)


async def _shown(request: web.Request, form: Form | None) -> web.Response:
    commune = _commune_of(request)

    def look(service: Service) -> Known:
        reader = service.reader
        row, names = reader.commune(commune), OwnNames(reader)
        called = names.called.get(commune)
        alike = [] if called is None else namesakes(called, commune, reader)
        return Known(row, names, Relations(service)[commune], alike)

    known = await ask(request, look)
    shown = form or Form({"called": known.names.called.get(commune, "")})
    return await page(
        request, "neighbour.html", status=200 if shown.is_good else 422, known=known, form=shown
    )


@ROUTES.post("/neighbours/{id:[0-9a-f]{64}}/name")
async def name(request: web.Request) -> web.Response:
    """Call a commune so from now on; left empty, as it calls itself."""
    commune, form = _commune_of(request), await form_of(request)
    check_token(request, form)
    text = form["called"].strip()

    def give(service: Service) -> bool:
        """Whether the name was given; not where another calls itself so, and nobody has said yes to that."""
        reader = service.reader
        reader.commune(commune)
        if text and form["sure"] != text:
            called = pet_name_of(text, commune, reader, service.own)
            if namesakes(called, commune, reader):
                return False
        give_pet_name(text or None, commune, reader, service.own)
        return True

    if form.is_good:
        try:
            if not await ask_aside(request, give):
                form.refuse(
                    "called", InputError("Another commune calls itself so, or looks so: choose another.")
                )
                form.typed["sure"] = text
        except LedgerError as error:
            form.refuse("called", error)
    if not form.is_good:
        return await _shown(request, form)
    raise web.HTTPSeeOther(f"/neighbours/{commune.hex()}")
