"""This node: how it is, in words, for whoever sits before it or helps from afar.

Decides nothing: says what `trueque status` says.
"""

from __future__ import annotations

from typing import Final

from aiohttp import web

from ..api import RESIDENT
from ..reporting import facts
from .site import page

ROUTES: Final = web.RouteTableDef()


@ROUTES.get("/status")
async def status(request: web.Request) -> web.Response:
    """How the node is."""
    state = await request.app[RESIDENT].state()
    return await page(request, "status.html", facts=facts(state))
