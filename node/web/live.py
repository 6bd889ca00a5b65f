"""Live: open pages hear that something has come or was signed, and load themselves anew where it matters.

Decides when that is: whenever the ledger has been written, looked at once a
second while a page is open and not at all otherwise. What is sent is that there
is something, never what: a page asks for it as it would by itself.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web
from aiohttp_sse import sse_response

from ledger.errors import LedgerError

from .site import ask

ROUTES: Final = web.RouteTableDef()

LOOK_SECONDS: Final = 1.0
"""seconds between two looks; what comes is seen as soon as somebody would notice."""

MAX_OPEN: Final = 64
"""pages that hear of changes at once; others are loaded anew by hand."""


@dataclass(slots=True)
class Listening:
    """The tasks that keep a line open."""

    tasks: set[asyncio.Task[Any]] = field(default_factory=set)


LISTENING: Final = web.AppKey("listening", Listening)


@ROUTES.get("/live")
async def live(request: web.Request) -> web.StreamResponse:
    """Say `changed` whenever something has been written, until the page is left or the node stops."""
    listening = request.app[LISTENING].tasks
    if len(listening) >= MAX_OPEN:
        raise web.HTTPServiceUnavailable
    task = asyncio.current_task()
    assert task is not None
    listening.add(task)
    try:
        async with sse_response(request) as response:
            seen = await ask(request, lambda service: service.reader.version)
            # Who leaves the page is gone at once; what is sent to them would fail only with the next ping.
            while response.is_connected() and request.transport is not None:
                await asyncio.sleep(LOOK_SECONDS)
                now = await ask(request, lambda service: service.reader.version)
                if now != seen:
                    seen = now
                    await response.send("", event="changed")
        return response
    except (LedgerError, ConnectionError):
        return web.Response(status=204)  # which tells a browser not to ask again
    finally:
        listening.discard(task)


async def hang_up(app: web.Application) -> None:
    """End all lines: the node stops."""
    for task in list(app[LISTENING].tasks):
        task.cancel()
