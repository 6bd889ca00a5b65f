"""Bundles on the pages: what is held as a file for a stick, and what others wrote, taken in.

Decides that one is taken in at a time, as a task that nobody has to wait for,
and that its report stays until the next. What goes into a bundle and what
becomes of it are `node.bundles`' and `node.intake`'s.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

from aiohttp import web

from ledger.errors import LedgerError

from .. import clock, imported, language
from ..api import RESIDENT
from ..bundles import known_from
from ..errors import ImportStopped, InputError
from ..intake import ImportReport
from ..petnames import OwnNames
from ..sending import send
from ..service import Service
from .forms import Form, check_token
from .site import ask, page
from .uploads import form_with_files

ROUTES: Final = web.RouteTableDef()

MAX_BUNDLE_BYTES: Final = 8_000_000_000
"""bytes of a bundle that is sent to the node; the ledger of a region with its photos."""

NAME: Final = "trueque-{day}.trueque"


@dataclass(slots=True)
class Import:
    """A bundle that is being taken in, or was taken in last."""

    name: str
    progress: tuple[int, int] = (0, 0)
    report: ImportReport | None = None
    fault: LedgerError | None = None
    since: int = field(default_factory=clock.now)

    @property
    def is_over(self) -> bool:
        """Whether it has come to its end, whichever."""
        return self.report is not None or self.fault is not None


@dataclass(slots=True)
class Imports:
    """The import of this node, and the task that does it."""

    last: Import | None = None
    task: asyncio.Task[None] | None = None


IMPORTS: Final = web.AppKey("imports", Imports)


@ROUTES.get("/bundles")
async def bundles(request: web.Request) -> web.Response:
    """Both forms, and how far the import is that was begun last."""
    return await _shown(request, Form())


async def _shown(request: web.Request, form: Form) -> web.Response:
    last = request.app[IMPORTS].last
    names = dict((await ask(request, lambda service: OwnNames(service.reader))).listed())
    lines = [] if last is None or last.report is None else list(imported.told(last.report, names))
    response = await page(
        request,
        "bundles.html",
        status=200 if form.is_good else 422,
        form=form,
        last=last,
        lines=lines,
        fault=None if last is None or last.fault is None else language.told(last.fault),
    )
    if last is not None and not last.is_over:
        response.headers["Refresh"] = "1"  # works without script
    return response


@ROUTES.post("/bundles/import")
async def take_in(request: web.Request) -> web.Response:
    """Begin to take in a bundle; the page tells how far it is."""
    resident, imports = request.app[RESIDENT], request.app[IMPORTS]
    _ = resident.opened
    async with form_with_files(request, MAX_BUNDLE_BYTES) as (form, uploads):
        check_token(request, form, "bundle")
        if not uploads:
            form.refuse("bundle", InputError("Choose the file that others have written."))
        elif imports.last is not None and not imports.last.is_over:
            form.refuse("bundle", InputError("Another bundle is being taken in: wait until it is done."))
        if not form.is_good:
            return await _shown(request, form)
        imports.last = Import(uploads[0].name)
        imports.task = asyncio.create_task(
            _take_in(request.app, imports.last, uploads[0].take(), everything=bool(form["everything"]))
        )
    raise web.HTTPSeeOther("/bundles")


async def _take_in(app: web.Application, under_way: Import, file: BinaryIO, *, everything: bool) -> None:
    def progress(done: int, total: int) -> None:  # on another thread
        under_way.progress = (done, total)

    with file:
        try:
            under_way.report = await app[RESIDENT].take_in(file, progress, everything=everything)
        except ImportStopped as error:
            under_way.report, under_way.fault = error.report, error
        except LedgerError as error:
            under_way.fault = error


@ROUTES.post("/bundles/export")
async def give(request: web.Request) -> web.StreamResponse:
    """What is held, as a file; without what the others hold, by their bundle if there is one."""
    resident = request.app[RESIDENT]
    async with form_with_files(request, MAX_BUNDLE_BYTES) as (form, uploads):
        everything, since = bool(form["everything"]), uploads[0] if uploads else None

        def write(service: Service, path: Path) -> None:
            known = None
            if since is not None:
                with since.take() as theirs:
                    known = known_from(theirs, service.network)
            service.export_bundle(
                path, lambda done, total: None, everything=everything or service.own is None, known=known
            )

        with await resident.copies.write(resident.opened, write) as file:
            return await send(request, file, NAME.format(day=clock.today()))


async def let_go(app: web.Application) -> None:
    """Wait for the import that is under way: what was begun is done."""
    task = app[IMPORTS].task
    if task is not None:
        await asyncio.wait({task}, timeout=1)
