"""Preferences: what this commune and this computer are set to, in one place, and how the node is.

Decides what stands on the page of settings and what leads elsewhere (phones
nearby, backups), how the profile is changed (as every record: it is looked at
once more before it is signed), and what text helps those who help.
"""

from __future__ import annotations

from typing import Final

from aiohttp import web

from ledger.errors import LedgerError
from ledger.records import Profile
from ledger.store.reading import CommuneRow

from .. import clock, support
from ..api import RESIDENT
from ..errors import InputError
from ..lan import FROM_LAN, LAN
from ..reporting import facts
from . import confirming
from .forms import Form, form_of
from .site import ask, page

ROUTES: Final = web.RouteTableDef()

PROFILE: Final = ("name", "place", "about", "contact")


@ROUTES.get("/settings")
async def settings(request: web.Request) -> web.Response:
    """Everything that can be set, and how the node is."""
    state, lan = await request.app[RESIDENT].state(), request.app[LAN]
    own: CommuneRow | None = None
    if state.commune is not None and state.commune.id is not None:
        own = await ask(request, lambda service: service.reader.commune(service.commune))
    return await page(
        request,
        "settings.html",
        own=own,
        lan=lan,
        from_lan=request.app[FROM_LAN],
        facts=facts(state),
        versions=support.versions(),
        support=support.text_of(state, "open" if lan.is_open else "refused" if lan.trouble else "closed"),
    )


@ROUTES.get("/settings/profile")
async def profile(request: web.Request) -> web.Response:
    """The form of the profile, with what it says now."""
    row = await ask(request, lambda service: service.reader.commune(service.commune))
    return await _profile(request, Form(_former(row)))


def _former(row: CommuneRow) -> dict[str, str]:
    return {name: getattr(row, name) or "" for name in PROFILE}


async def _profile(request: web.Request, form: Form) -> web.Response:
    return await page(request, "profile.html", status=200 if form.is_good else 422, form=form)


@ROUTES.post("/settings/profile")
async def change_profile(request: web.Request) -> web.Response:
    """Show the profile once more before it is signed."""
    form = await form_of(request)
    if form["edit"]:
        return await _profile(request, form)
    row = await ask(request, lambda service: service.reader.commune(service.commune))
    record = Profile(
        at=clock.now(),
        by=form.line("by"),
        name=form.line("name", needed=True) or "-",
        place=form.line("place"),
        about=form.text("about"),
        contact=form.text("contact"),
    )
    if form.is_good and {name: getattr(record, name) or "" for name in PROFILE} == _former(row):
        form.refuse("", InputError("That is what the profile says already: there is nothing to change."))
    if not form.is_good:
        return await _profile(request, form)
    try:
        return await confirming.show(request, record, back="/settings/profile", form=form)
    except LedgerError as error:
        form.refuse("", error)
        return await _profile(request, form)
