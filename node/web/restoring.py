"""Restoring: a commune is brought back from its backup, with its recovery words, in a browser.

Decides the order, which is that of `trueque restore`: first the file and its
password, so that nobody types 24 words for nothing; then the words, or none
where several keys sign; then what came of it, which may be that signatures are
still needed. What a restore does is `backup`'s, and how it is finished
`reopening`'s. File, password and words are in memory, or a file without a name,
until it is done or another one is sent; none of them is ever in the journal.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from aiohttp import web

from ledger.errors import LedgerError, StoreError
from ledger.signing import SigningKey

from .. import journal, keys, wording
from ..api import RESIDENT
from ..aside import apart
from ..backup import Label, Restored, label_in, restore_from
from ..errors import HomeError, InputError, WordsError
from ..limits import STARTING_SECONDS
from ..reopening import finish_here, pending
from ..requests import MAX_REQUEST_BYTES, Request, decode_request, encode_request
from ..state import disk_of
from .forms import Form, check_token, form_of
from .site import ask, page
from .uploads import MAX_TEXT_BYTES, form_with_files
from .visits import VISIT
from .welcome import check_empty

ROUTES: Final = web.RouteTableDef()

MAX_BACKUP_BYTES: Final = 8_000_000_000
"""bytes of a backup that is sent to the node; the ledger of a region, and one's own photos."""

MAX_REQUEST_FILES: Final = 64
"""copies of a request that are sent at once; an authority has 32 keys."""

AT_ONCE_SECONDS: Final = 2.0
"""seconds for which the browser waits for the outcome itself, before it is shown how far it is."""


@dataclass(slots=True)
class Kept:
    """A backup that was sent, and what becomes of it."""

    visit: str
    file: BinaryIO
    password: str
    label: Label
    form: Form = field(default_factory=Form)
    progress: tuple[int, int] = (0, 0)
    task: asyncio.Task[Restored] | None = None

    @property
    def is_under_way(self) -> bool:
        """Whether the commune is being brought back from it now."""
        return self.task is not None and not self.task.done()


@dataclass(slots=True)
class Restoring:
    """The backup that was sent last: there is one home."""

    kept: Kept | None = None

    def drop(self) -> None:
        """Forget it."""
        if self.kept is not None:
            self.kept.file.close()
            self.kept = None


RESTORING: Final = web.AppKey("restoring", Restoring)


# The file and its password ----------------------------------------------------------------------


@ROUTES.get("/welcome/restore")
async def restore(request: web.Request) -> web.Response:
    """The form for the backup."""
    check_empty(request)
    return await _file_form(request, Form())


async def _file_form(request: web.Request, form: Form) -> web.Response:
    shown = Form()
    shown.faults = form.faults
    return await page(request, "restore.html", status=200 if form.is_good else 422, form=shown)


@ROUTES.post("/welcome/restore")
async def send(request: web.Request) -> web.Response:
    """Take the backup, and see whether the password opens it."""
    check_empty(request)
    _check_room(request)
    restoring = request.app[RESTORING]
    async with form_with_files(request, MAX_BACKUP_BYTES) as (form, uploads):
        check_token(request, form)
        if form.is_good and not uploads:
            form.refuse("backup", InputError("Choose the file of the backup."))
        if form.is_good and restoring.kept is not None and restoring.kept.is_under_way:
            form.refuse("", InputError("A commune is being brought back already: wait until it is done."))
        label: Label | None = None
        if form.is_good:
            try:
                label = await asyncio.to_thread(label_in, uploads[0].file, form["password"])
            except InputError as error:
                form.refuse("backup", error)
        if label is None:
            return await _file_form(request, form)
        restoring.drop()
        restoring.kept = Kept(request[VISIT], uploads[0].take(), form["password"], label)
    raise web.HTTPSeeOther("/welcome/restore/words")


def _check_room(request: web.Request) -> None:
    """Refuse what is said to be too large, or larger than the disk, before any of it is read."""
    size = request.content_length or 0
    if size > MAX_BACKUP_BYTES + MAX_TEXT_BYTES:
        raise web.HTTPRequestEntityTooLarge(MAX_BACKUP_BYTES, size)
    home = request.app[RESIDENT].home
    disk = disk_of(home)
    if disk is not None and size > disk.free:
        raise StoreError(
            "The file cannot be kept in {path} while it is read ({reason}): free some space.",
            path=home.path,
            reason="No space left on device",
        )


# The words --------------------------------------------------------------------------------------


def _kept(request: web.Request) -> Kept:
    """What this browser has sent."""
    check_empty(request)
    kept = request.app[RESTORING].kept
    if kept is None or kept.visit != request[VISIT]:
        raise web.HTTPSeeOther("/welcome/restore")
    return kept


@ROUTES.get("/welcome/restore/words")
async def words(request: web.Request) -> web.Response:
    """The form for the recovery words, with whose backup it is."""
    kept = _kept(request)
    if kept.is_under_way:
        raise web.HTTPSeeOther("/welcome/restoring")
    form, kept.form = kept.form, Form()
    return await _words_form(request, kept, form)


async def _words_form(request: web.Request, kept: Kept, form: Form) -> web.Response:
    return await page(
        request,
        "restore_words.html",
        is_secret=True,
        status=200 if form.is_good else 422,
        form=form,
        label=kept.label,
        made=wording.time_of(kept.label.made),
        count=keys.WORDS,
    )


@ROUTES.post("/welcome/restore/words")
async def begin(request: web.Request) -> web.Response:
    """Bring the commune back."""
    kept, form = _kept(request), await form_of(request)
    if kept.is_under_way:
        raise web.HTTPSeeOther("/welcome/restoring")
    check_token(request, form)
    recovery: SigningKey | None = None
    if form["words"].strip():
        try:
            recovery = keys.key_of_words(form["words"])
        except WordsError as error:
            form.refuse("words", error)
    elif not form["later"]:
        form.refuse("words", InputError("Type the words, or say below that others sign."))
    if not form.is_good:
        return await _words_form(request, kept, form)
    kept.form = form
    kept.task = asyncio.create_task(_restored(request.app, kept, recovery))
    await asyncio.wait({kept.task}, timeout=AT_ONCE_SECONDS)
    raise web.HTTPSeeOther("/welcome/restoring")


async def _restored(app: web.Application, kept: Kept, recovery: SigningKey | None) -> Restored:
    def progress(done: int, total: int) -> None:  # on another thread
        kept.progress = (done, total)

    home = app[RESIDENT].home
    try:
        kept.file.seek(0)
        restored = await apart(lambda: restore_from(home, kept.file, kept.password, recovery, progress))
    except OSError as error:
        raise StoreError(
            "The file cannot be kept in {path} while it is read ({reason}): free some space.",
            path=home.path,
            reason=error.strerror,
        ) from error
    journal.tell("restored", new=restored.report.new, complete=restored.request is None)
    return restored


@ROUTES.get("/welcome/restoring")
async def under_way(request: web.Request) -> web.Response:
    """How far it is, and then where it leads."""
    restoring, resident = request.app[RESTORING], request.app[RESIDENT]
    kept = restoring.kept
    if kept is None or kept.visit != request[VISIT] or kept.task is None:
        raise web.HTTPSeeOther("/welcome")
    if not kept.task.done():
        response = await page(request, "restoring.html", progress=kept.progress, name=kept.label.name)
        response.headers["Refresh"] = "1"  # works without script
        return response
    try:
        restored = kept.task.result()
    except LedgerError as error:
        form, kept.form, kept.task = kept.form, Form(), None
        form.refuse("words" if isinstance(error, InputError) else "", error)
        return await _words_form(request, kept, form)
    restoring.drop()
    for _wait in range(STARTING_SECONDS * 10):
        if resident.custody is not None:
            break
        await asyncio.sleep(0.1)
    raise web.HTTPSeeOther("/welcome/restored" if restored.request is None else "/welcome/signatures")


# What came of it --------------------------------------------------------------------------------


@ROUTES.get("/welcome/restored")
async def restored(request: web.Request) -> web.Response:
    """That the commune is back, and what to do now."""
    name = await ask(request, lambda service: service.reader.commune(service.commune).name)
    return await page(request, "restored.html", name=name, lan=request.app[RESIDENT].settings.lan)


@ROUTES.get("/welcome/signatures")
async def signatures(request: web.Request) -> web.Response:
    """Which signatures are still needed, the request for them, and the form for those that came."""
    return await _signatures(request, Form())


async def _signatures(request: web.Request, form: Form) -> web.Response:
    resident = request.app[RESIDENT]
    if await ask(request, lambda service: service.own) is not None:
        raise web.HTTPSeeOther("/")
    waiting: Request | None = None
    fault: LedgerError | None = None
    try:
        waiting = await asyncio.to_thread(pending, resident.home)
    except LedgerError as error:
        fault = error
    return await page(
        request,
        "signatures.html",
        status=200 if form.is_good else 422,
        form=form,
        waiting=waiting,
        fault=fault,
    )


@ROUTES.get("/welcome/signatures/request.json")
async def request_file(request: web.Request) -> web.Response:
    """The request, to be carried to those who sign."""
    waiting = await asyncio.to_thread(pending, request.app[RESIDENT].home)
    return web.Response(
        body=encode_request(waiting),
        content_type="application/json",
        headers={"Content-Disposition": 'attachment; filename="trueque-request.json"'},
    )


@ROUTES.post("/welcome/signatures")
async def finish(request: web.Request) -> web.Response:
    """Take signatures that came, and open the new log once they are enough."""
    resident = request.app[RESIDENT]
    if await ask(request, lambda service: service.own) is not None:
        raise web.HTTPSeeOther("/")
    async with form_with_files(request, MAX_REQUEST_FILES * MAX_REQUEST_BYTES) as (form, uploads):
        check_token(request, form)
        if form.is_good and not uploads:
            form.refuse("signed", InputError("Choose the file that came back."))
        opened: bytes | Request | None = None
        if form.is_good:
            try:
                signed = [decode_request(upload.read()) for upload in uploads[:MAX_REQUEST_FILES]]
                opened = await resident.sign(lambda service: finish_here(service, resident.home, signed))
            except InputError as error:
                form.refuse("signed", error)
            except LedgerError as error:
                form.refuse("", error)
    if isinstance(opened, Request):
        form.refuse(
            "",
            HomeError(
                "Signatures that are still needed: {missing}. Those that came are kept: give the next ones "
                "likewise.",
                missing=opened.missing,
            ),
        )
    if not form.is_good or opened is None:
        return await _signatures(request, form)
    journal.tell("signed", kind="succession")
    raise web.HTTPSeeOther("/welcome/restored")
