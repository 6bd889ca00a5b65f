"""Neighbours by address: given on the page of neighbours, and removed there.

Decides nothing about addresses, which is the `addressbook`'s; a form that is
refused comes back with what was typed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from ledger.errors import LedgerError

from ..api import RESIDENT
from .forms import Form, check_token, form_of
from .neighbours import shown
from .visits import VISITS

ROUTES: Final = web.RouteTableDef()


@ROUTES.post("/neighbours/addresses")
async def add(request: web.Request) -> web.Response:
    """Have a node called from now on."""
    form, resident = await form_of(request), request.app[RESIDENT]
    return await _changed(request, form, lambda: resident.add_address(form["node"]))


@ROUTES.post("/neighbours/addresses/remove")
async def remove(request: web.Request) -> web.Response:
    """Have it called no longer."""
    form, resident = await form_of(request), request.app[RESIDENT]
    named = form.typed.pop("given", "")
    return await _changed(request, form, lambda: resident.remove_address(named))


async def _changed(request: web.Request, form: Form, change: Callable[[], Awaitable[None]]) -> web.Response:
    """Do it once for each form, and go back to the page; or show what is wrong."""

    async def work() -> str:
        await change()
        return "/neighbours"

    check_token(request, form)
    if form.is_good:
        try:
            where = await request.app[VISITS].once(form["token"], work)
        except LedgerError as error:
            form.refuse("node" if form["node"] else "", error)
        else:
            raise web.HTTPSeeOther(where)
    return await shown(request, form)
