"""Copies: a backup of everything held here, under a password, sent to the browser as a file.

Decides what is asked for and said beside it. What is in a backup, and that no key
ever is, are `backup`'s. It is written whole before the first byte is sent, so that
a full disk is told on the page and never ends in half a file.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from pathlib import Path
from typing import BinaryIO, Final

from aiohttp import web

from ledger.errors import LedgerError
from ledger.store.reading import Reader

from .. import clock, journal
from ..api import RESIDENT
from ..aside import apart
from ..backup import write_backup
from ..custody import Custody
from ..errors import ExportFailed, InputError
from ..sending import send
from ..service import Service
from .forms import Form, form_of
from .site import page
from .visits import VISITS

ROUTES: Final = web.RouteTableDef()

NAME: Final = "trueque-{day}.backup"
_PREFIX: Final = ".backup-"

WRITING: Final = web.AppKey("writing", asyncio.Lock)
"""Held while a backup is written: each takes as much of the disk as the ledger."""


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
    form, resident, writing = await form_of(request), request.app[RESIDENT], request.app[WRITING]
    if not request.app[VISITS].knows(request, form["token"]):
        form.refuse("", InputError("This page was from before the node was started anew: try it once more."))
    elif form["password"] != form["again"]:
        form.refuse("again", InputError("The two are not the same: type it again."))
    elif writing.locked():
        form.refuse("", InputError("A backup is being written already: wait until it has come."))
    if not form.is_good:
        return await _page(request, form)
    custody, password = resident.opened, form["password"]
    try:
        async with writing:
            file = await apart(lambda: _written(custody, password))
    except LedgerError as error:
        form.refuse("password" if isinstance(error, InputError) else "", error)
        return await _page(request, form)
    with file:
        journal.tell("backed_up", size=os.fstat(file.fileno()).st_size)
        return await send(request, file, NAME.format(day=clock.today()))


def _written(custody: Custody, password: str) -> BinaryIO:
    """A backup in a file that has no name any more: nothing of it is left, however this ends."""
    home = custody.home.path
    for left in home.glob(f"{_PREFIX}*"):
        shutil.rmtree(left, ignore_errors=True)  # by a node that was killed
    try:
        folder = tempfile.TemporaryDirectory(dir=home, prefix=_PREFIX)
    except OSError as error:
        raise ExportFailed(
            "The backup {path} cannot be written ({reason}): free some space or choose another folder.",
            path=home,
            reason=error.strerror,
        ) from error
    with folder as name, Reader(custody.home.ledger) as reader:
        path = Path(name) / "backup"
        service = Service(reader, custody.log, None, None, clock.now)
        write_backup(service, path, password, lambda done, total: None)
        return path.open("rb")
