"""What is sent and given as files, and what takes long: photos, bundles, receipts, views made anew.

Decides that what is large is read to its end before anything is done with it,
and how an answer that takes long says how far it is.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Annotated, Any, BinaryIO, Final

import msgspec
from aiohttp import StreamReader, web
from msgspec import UNSET, UnsetType

from ledger.errors import LedgerError, NotFound, StoreError
from protocol.limits import MAX_BLOB_BYTES

from .. import journal
from ..answers import AnsweredError, AnsweredReport, Plain, plain_error, plain_report
from ..bundles import Progress
from ..errors import BlobRefused, ImportStopped, InputError
from ..limits import MAX_IMAGE_BYTES
from ..resident import Resident
from ..sending import MEDIA_TYPE
from ..shapes import Id
from ..shapes.receipts import Receipt, receipt_of
from ..shapes.written import BroughtBack, Kept
from ..verifying import receipt_in, verified
from ..wishes import about
from .asking import Asked
from .endpoints import Endpoint, Media

STEP_SECONDS: Final = 0.2
"""seconds between two lines that say how far something is."""

PICTURES: Final = ("image/jpeg", "image/png", "image/webp")


class Line(msgspec.Struct, frozen=True):
    """A line of an answer that comes bit by bit: how far it is, or how it ended."""

    progress: tuple[int, int] | UnsetType = UNSET
    error: AnsweredError | UnsetType = UNSET
    report: AnsweredReport | UnsetType = UNSET
    entries: int | UnsetType = UNSET
    restored: BroughtBack | UnsetType = UNSET


# Photos -----------------------------------------------------------------------------------------


class PhotoAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a photo belongs to."""

    listing: Annotated[Id, about("the offer or need that it belongs to")] | UnsetType = UNSET


async def photo(asked: Asked) -> web.Response:
    """A photo, fetched from neighbours if need be; `listing` names what it belongs to."""
    query: PhotoAsked = asked.query
    listing = bytes.fromhex(query.listing) if query.listing else None
    return await picture(asked.resident, asked.id("digest"), listing)


async def picture(resident: Resident, digest: bytes, listing: bytes | None) -> web.Response:
    """A photo as an answer. Raises NotFound."""
    found = await resident.photo(digest, listing)
    if found is None:
        raise NotFound("That photo is not held here, and no neighbour has given it: try again later.")
    media, data = found
    # Its name is its hash: what it is can never change. Anything but a picture is never given.
    return web.Response(body=data, content_type=media, headers={"Cache-Control": "private, max-age=31536000"})


async def keep_photo(asked: Asked) -> Kept:
    """Keep a photo, the body, for a listing of this commune that will name it."""
    data = await read_photo(asked.request.content)
    digest = await asked.resident.keep_photo(data)
    journal.tell("photo_kept", digest=digest.hex()[:16], size=len(data))
    return Kept(digest.hex())


async def read_photo(content: StreamReader) -> bytes:
    """Read a photo that somebody sends, and no more of it than a photo may have. Raises BlobRefused."""
    data = bytearray()
    async for chunk in content.iter_any():
        data += chunk
        if len(data) > MAX_BLOB_BYTES:
            raise BlobRefused(
                "The photo has more than the {limit} bytes allowed: make it smaller.", limit=MAX_BLOB_BYTES
            )
    return bytes(data)


# Receipts ---------------------------------------------------------------------------------------


async def verify_receipt(asked: Asked) -> Receipt:
    """What a receipt shows."""
    data = bytearray()
    async for chunk in asked.request.content.iter_any():
        data += chunk
        if len(data) > MAX_IMAGE_BYTES:
            raise InputError("{path} is no receipt: it is far too long.", path="receipt")
    whole = bytes(data)
    async with asked.resident.aside.turns:
        return await asyncio.to_thread(lambda: receipt_of(verified(receipt_in([("receipt", whole)]))))


# What takes long --------------------------------------------------------------------------------


class BundleAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much of a bundle is taken in."""

    everything: Annotated[bool, about("all that is in it, else the communes that this one follows")] = False


async def take_bundle(asked: Asked) -> web.StreamResponse:
    """Take in a bundle, the body; the answer says how far it is, then what became of it."""
    resident, request = asked.resident, asked.request
    query: BundleAsked = asked.query
    _ = resident.opened
    # Read whole first: whoever sends slowly keeps nobody else from writing.
    with tempfile.TemporaryFile(dir=resident.home.path) as file:
        try:
            async for chunk in request.content.iter_any():
                await asyncio.to_thread(file.write, chunk)
            await asyncio.to_thread(file.seek, 0)
        except ConnectionError:
            raise  # whoever sent it has gone
        except OSError as error:
            raise StoreError(
                "The bundle cannot be kept in {path} while it is read ({reason}): free some space.",
                path=resident.home.path,
                reason=error.strerror,
            ) from error
        return await stepwise(request, lambda progress: _taken_in(resident, file, progress, query.everything))


async def _taken_in(resident: Resident, file: BinaryIO, progress: Progress, everything: bool) -> Plain:
    try:
        report = await resident.take_in(file, progress, everything=everything)
    except ImportStopped as error:
        return {"error": plain_error(error), "report": plain_report(error.report)}
    return {"report": plain_report(report)}


async def rebuild(asked: Asked) -> web.StreamResponse:
    """Make all views anew; the answer says how far it is, then how many entries were read."""
    resident = asked.resident
    _ = resident.opened

    async def work(progress: Progress) -> Plain:
        entries = await resident.write(lambda service: service.store.rebuild(progress))
        journal.tell("rebuilt", entries=entries)
        return {"entries": entries}

    return await stepwise(asked.request, work)


async def stepwise(request: web.Request, work: Callable[[Progress], Awaitable[Plain]]) -> web.StreamResponse:
    """Answer with a line of JSON for every step, and one for how it ended.

    Whoever asked may go away: what was begun is done to its end all the same.
    """
    latest: tuple[int, int] = (0, 0)

    def progress(done: int, total: int) -> None:  # on another thread
        nonlocal latest
        latest = (done, total)

    response = web.StreamResponse(headers={"Content-Type": LINES})
    await response.prepare(request)
    task = asyncio.ensure_future(work(progress))
    while not (await asyncio.wait({task}, timeout=STEP_SECONDS))[0]:
        with suppress(ConnectionError):
            await response.write(_line({"progress": latest}))
    try:
        ended = task.result()
    except LedgerError as error:
        ended = {"error": plain_error(error)}
    with suppress(ConnectionError):
        await response.write(_line(ended))
        await response.write_eof()
    return response


def _line(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode() + b"\n"


LINES: Final = "application/x-ndjson"

ENDPOINTS: Final = (
    Endpoint(
        "GET", "/api/1/blobs/{digest}", "photo",
        "A photo: JPEG, PNG or WebP as its first bytes tell, with that media type; nothing else is ever "
        "given. If it is not held here and `listing` is given, neighbours are asked for it, one after the "
        "other, and the answer waits for eight seconds at the most. It goes on coming after that. 404 where "
        "it is not to be had now.",
        photo, "the photo", Media(PICTURES), query=PhotoAsked,
    ),
    Endpoint(
        "POST", "/api/1/blobs", "keepPhoto",
        "Keeps a photo, the body, of at most 8,388,608 bytes, for a listing of this commune. One that no "
        "listing names within a day is held like those of others, and goes when its place is needed. 409 "
        "(`BlobRefused`) for what is no photo, too large, or has no room.",
        keep_photo, "`sha256`, for the field `images` of the listing", Kept,
        body=Media(("image/*", MEDIA_TYPE)), statuses=(201,),
    ),
    Endpoint(
        "POST", "/api/1/receipts", "verifyReceipt",
        "Verifies a [receipt](../spec/receipt.md), the body: its file, the text of its codes or a photo of "
        "one. 400 if it proves nothing.",
        verify_receipt, "[a receipt](json.md#receipt)", Receipt, body=Media((MEDIA_TYPE,)),
    ),
    Endpoint(
        "POST", "/api/1/bundles", "takeBundle",
        "Takes in a [bundle](../spec/bundle.md), which is the body. Nothing of it is stored before all of "
        "it has arrived.\n\n"
        "The answer has one JSON object a line: any number with `progress`, how many bytes are read and how "
        "many there are; then one with `report`, or with `error` in the form of [errors](#errors), or with "
        "both where the bundle could not be read to its end. Whoever goes away meanwhile stops nothing.\n\n"
        "A report has `counts`, by name; `logs`, an array with what became of each; `situation`, of this "
        "home's log; `blobs_reason`, an error or null: why the first photo that was not kept was not.",
        take_bundle, "lines, as above", Media((LINES,), Line), query=BundleAsked, body=Media((MEDIA_TYPE,)),
    ),
    Endpoint(
        "POST", "/api/1/rebuild", "rebuild", "Makes all views anew.",
        rebuild, "lines as above, the last with `entries`, how many were read, or with `error`",
        Media((LINES,), Line),
    ),
)  # fmt: skip
"""What is sent and given as files, and what takes long."""
