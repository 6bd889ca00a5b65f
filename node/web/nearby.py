"""Phones and computers nearby: whether they are let in, with which password, and where they find the pages.

Decides what is shown and asked, at the computer itself alone: first run's last
step, the switch, the password, the end of all sessions; and the page of
addresses with their codes, for whoever is in already. What is let in is `lan`'s
and the `entrance`'s.
"""

from __future__ import annotations

from typing import Final

import segno
from aiohttp import web
from markupsafe import Markup

from ledger.errors import LedgerError

from .. import reach
from ..api import RESIDENT
from ..errors import InputError
from ..lan import LAN
from .forms import Form, check_token, form_of
from .site import page

ROUTES: Final = web.RouteTableDef()


@ROUTES.get("/reach")
async def addresses(request: web.Request) -> web.Response:
    """At which addresses others find the pages."""
    lan = request.app[LAN]
    found = reach.addresses(request.app[RESIDENT].people_port) if lan.is_open else ()
    return await page(request, "reach.html", lan=lan, found=[(each, code_of(each)) for each in found])


def code_of(address: str) -> Markup:
    """The QR code of an address, as a drawing within a page."""
    drawn = segno.make(address, micro=False, error="m").svg_inline(
        border=4, svgclass="qr", lineclass=None, omitsize=True, title=address
    )
    return Markup(drawn)  # noqa: S704  # segno escapes the title, which is of our own making


@ROUTES.get("/settings/lan")
async def letting_in(request: web.Request) -> web.Response:
    """Whether phones are let in, and what can be changed about it."""
    return await _page(request, "lan.html", Form())


@ROUTES.get("/welcome/lan")
async def last_step(request: web.Request) -> web.Response:
    """The last step of a first run, which may be left out."""
    lan, resident = request.app[LAN], request.app[RESIDENT]
    if resident.phase != "open" or lan.entrance.is_guarded or lan.ruled is False:
        raise web.HTTPSeeOther("/")
    return await _page(request, "welcome_lan.html", Form(), step=request.query.get("step", ""))


async def _page(request: web.Request, template: str, form: Form, step: str = "") -> web.Response:
    """A page with the form of a password, of which nothing that was typed is shown again.

    `step` is 4 where it is the last step of founding a commune.
    """
    shown = Form()
    shown.faults = form.faults
    return await page(
        request,
        template,
        status=200 if form.is_good else 422,
        form=shown,
        lan=request.app[LAN],
        step="4" if step == "4" else "",
    )


@ROUTES.post("/settings/password")
async def set_password(request: web.Request) -> web.Response:
    """Set the password; all sessions end with the old one. `open`: let the local network in as well."""
    form, lan = await form_of(request), request.app[LAN]
    check_token(request, form)
    if form.is_good and form["password"] != form["again"]:
        form.refuse("again", InputError("The two are not the same: type it again."))
    if form.is_good:
        try:
            await lan.entrance.set_password(form["password"])
            if form["open"] and lan.ruled is None:
                await lan.entrance.switch(lan=True)
        except InputError as error:
            form.refuse("password", error)
        except LedgerError as error:
            form.refuse("", error)
    if not form.is_good:
        first = form["first"]
        return await _page(request, "welcome_lan.html" if first else "lan.html", form, step=first)
    lan.hang_up()
    await lan.settle()
    raise web.HTTPSeeOther("/reach" if form["open"] and lan.is_open else "/settings/lan")


@ROUTES.post("/settings/lan")
async def switch(request: web.Request) -> web.Response:
    """Let the local network in, or no longer."""
    form, lan = await form_of(request), request.app[LAN]
    check_token(request, form)
    if form.is_good and lan.ruled is not None:
        form.refuse("", InputError("The setting lan of the node says it already: change it in config.toml."))
    if form.is_good:
        try:
            await lan.entrance.switch(lan=form["lan"] == "on")
        except LedgerError as error:
            form.refuse("", error)
    if not form.is_good:
        return await _page(request, "lan.html", form)
    await lan.settle()
    raise web.HTTPSeeOther("/reach" if lan.is_open else "/settings/lan")


@ROUTES.post("/settings/sessions")
async def end_sessions(request: web.Request) -> web.Response:
    """Log everybody out who came in from the local network."""
    form, lan = await form_of(request), request.app[LAN]
    check_token(request, form)
    if not form.is_good:
        return await _page(request, "lan.html", form)
    await lan.entrance.end_all()
    lan.hang_up()
    raise web.HTTPSeeOther("/settings/lan")
