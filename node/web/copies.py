"""Copies: a backup of everything held here, under a password, sent to the browser as a file.

Decides what is asked for and said beside it. What is in a backup, and that no key
ever is, are `backup`'s; how it is written, and that one is at a time, `node.copies`'.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from aiohttp import web

from ledger.errors import LedgerError

from .. import clock, journal
from ..api import RESIDENT
from ..backup import write_backup
from ..errors import InputError
from ..sending import send
from ..service import Service
from .forms import Form, check_token, form_of
from .site import page

ROUTES: Final = web.RouteTableDef()

NAME: Final = "trueque-{day}.backup"


@ROUTES.get("/settings/backup")
async def backup(request: web.Request) -> web.Response:
    """What a backup is, and the password for it."""
    return await _page(request, Form())


async def _page(request: web.Request, form: Form) -> web.Response:
    shown = Form()
    shown.faults = form.faults
    return await page(request, "backup.html", status=200 if form.is_good else 422, form=shown)


@ROUTES.post("/settings/backup")
async def download(request: web.Request) -> web.StreamResponse:
    """A backup, as a file."""
    form, resident = await form_of(request), request.app[RESIDENT]
    check_token(request, form)
    if form["password"] != form["again"]:
        form.refuse("again", InputError("The two are not the same: type it again."))
    if not form.is_good:
        return await _page(request, form)

    def write(service: Service, path: Path) -> None:
        write_backup(service, path, form["password"], lambda done, total: None)

    try:
        file = await resident.copies.write(resident.opened, write)
    except LedgerError as error:
        form.refuse("password" if isinstance(error, InputError) else "", error)
        return await _page(request, form)
    with file:
        journal.tell("backed_up", size=os.fstat(file.fileno()).st_size)
        return await send(request, file, NAME.format(day=clock.today()))
