"""Receipts: checking one that somebody brings, from its file, photos of its codes or their text.

Decides how much may be brought at once, and what is said beside what the
receipt shows: whether its parties and its exchange are known here. What it
proves is the ledger's to say, and the same as `trueque verify` says.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from ledger.errors import LedgerError, NotFound
from ledger.receipt import FOUND, UNPROVEN, Verified

from .. import clock
from ..api import RESIDENT
from ..errors import InputError
from ..language import gettext as _
from ..limits import MAX_IMAGE_BYTES
from ..service import Service
from ..verifying import PartyNames, receipt_in, said_of, verified
from .forms import Form
from .site import ask, page
from .uploads import Upload, form_with_files

ROUTES: Final = web.RouteTableDef()

MAX_FILES: Final = 12
"""files at once; a sheet has six codes at most, and a photo may have to be taken twice."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known here of a receipt: its parties by their names here, and whether its exchange is held."""

    names: Mapping[bytes, str]
    exchange: bool


@ROUTES.get("/verify")
async def form(request: web.Request) -> web.Response:
    """The form that takes a receipt."""
    return await _shown(request, Form())


@ROUTES.post("/verify")
async def verify(request: web.Request) -> web.Response:
    """What a receipt shows, or why it proves nothing."""
    try:
        async with form_with_files(request, MAX_IMAGE_BYTES) as (given, uploads):
            try:
                seen = await _checked(request, given, uploads)
            except LedgerError as error:
                given.refuse("", error)
                return await _shown(request, given)
    except InputError as error:
        # What was sent could not be read to its end, so that nothing of it can be kept.
        refused = Form()
        refused.refuse("", error)
        return await _shown(request, refused)
    return await page(
        request,
        "verified.html",
        seen=seen,
        exchange=seen.exchange,
        names=PartyNames(seen),
        said=said_of(seen),
        known=await _known(request, seen),
        found=[_(FOUND[code]) for code in seen.found],
        unproven=[_(sentence) for sentence in UNPROVEN.values()],
        now=clock.now(),
    )


async def _shown(request: web.Request, given: Form) -> web.Response:
    return await page(
        request,
        "verify.html",
        status=200 if given.is_good else 422,
        form=given,
    )


async def _checked(request: web.Request, given: Form, uploads: Sequence[Upload]) -> Verified:
    files = [(upload.name, upload.read()) for upload in uploads]
    if given["text"].strip():
        files.append((_("The text that was typed"), given["text"].encode()))
    if not files:
        raise InputError("Choose the file of the receipt, photos of its codes, or type their text.")
    if len(files) > MAX_FILES:
        raise InputError("At most {limit} files can be given at once.", limit=MAX_FILES)
    async with request.app[RESIDENT].aside.turns:
        return await asyncio.to_thread(lambda: verified(receipt_in(files)))


async def _known(request: web.Request, seen: Verified) -> Known:
    """What this node knows of it; nothing while no home is open."""
    if request.app[RESIDENT].custody is None:
        return Known({}, False)

    def look(service: Service) -> Known:
        names: dict[bytes, str] = {row.id: row.name for row in service.reader.communes()}
        try:
            service.reader.exchange(seen.exchange.id)
        except NotFound:
            return Known(names, False)
        return Known(names, seen.network == service.network)

    return await ask(request, look)
