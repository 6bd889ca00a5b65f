"""The API: what commands ask a running node to do, under `/api/1` of the people's listener.

Decides the addresses and what goes in and comes out, as docs/reference/api.md
tells. Everything is done by the functions that commands use without a node, and
refused with their errors; the side that asks is `remote`. Who may ask at all is
`people`'s.
"""

from __future__ import annotations

import asyncio
import json
import re
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Annotated, Any, BinaryIO, Final, TypeVar

import msgspec
from aiohttp import StreamReader, web

from ledger.errors import LedgerError, NotFound, StoreError
from ledger.log import EntryId
from ledger.records import AuthorityChange, Charter, Malformed, Succession, Uninterpreted, parse
from protocol.limits import MAX_BLOB_BYTES

from . import journal, reopening
from .answers import Plain, plain_error, plain_report
from .bundles import Progress
from .errors import BlobRefused, ImportStopped, InputError
from .figures import CONTENT_TYPE
from .intake import ImportReport
from .lan import LAN
from .limits import MAX_REQUESTS
from .requests import Request, decode_request, encode_request
from .resident import Resident
from .service import Service

RESIDENT: Final = web.AppKey("resident", Resident)
"""The node, in the application of the people's listener."""

ROUTES: Final = web.RouteTableDef()

STEP_SECONDS: Final = 0.2
"""seconds between two lines that say how far something is."""

Hex = Annotated[str, msgspec.Meta(pattern=r"\A([0-9a-f]{2})*\Z")]
Id = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]
Shape = TypeVar("Shape")


class RecordAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A record to sign: its canonical encoding in hex, and the exchange that it is about."""

    payload: Hex
    about: Id | None = None


class ErasureAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An entry whose content is to be erased, and why."""

    id: Id
    reason: Annotated[str, msgspec.Meta(min_length=1)]


class PasswordAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A password for the local network; null for none."""

    password: str | None


class RequestsAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Copies of one request with signatures, as `trueque authority sign` writes them."""

    requests: Annotated[tuple[dict[str, Any], ...], msgspec.Meta(min_length=1, max_length=MAX_REQUESTS)]

    @property
    def decoded(self) -> list[Request]:
        """The requests. Raises InputError."""
        return [decode_request(msgspec.json.encode(request)) for request in self.requests]


async def _asked(request: web.Request, shape: type[Shape]) -> Shape:
    try:
        return msgspec.json.decode(await request.read(), type=shape)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(
            "The request does not have the form that this address asks for ({what}): see the reference of "
            "the API.",
            what=str(error),
        ) from error


def _written(entry: bytes) -> web.Response:
    return web.json_response({"id": entry.hex()}, status=201)


# How it is --------------------------------------------------------------------------------------


@ROUTES.get("/healthz")
async def health(request: web.Request) -> web.Response:
    """Whether the store answers and it is known whether this node may sign."""
    resident = request.app[RESIDENT]
    found: Plain = {"status": "ok", "home": resident.phase, "situation": None}
    if resident.custody is None:
        found["status"] = "waiting" if resident.trouble is None else "failing"
    else:
        found["situation"] = resident.custody.situation
        try:
            if not await resident.custody.check_health():
                found["status"] = "busy"
        except LedgerError as error:
            found |= {"status": "failing", "reason": str(error)}
    return web.json_response(found, status=200 if found["status"] == "ok" else 503)


@ROUTES.get("/metrics")
async def metrics(request: web.Request) -> web.Response:
    """The figures, for Prometheus."""
    resident = request.app[RESIDENT]
    resident.figures.looked(await resident.state())
    return web.Response(body=resident.figures.text(), headers={"Content-Type": CONTENT_TYPE})


@ROUTES.get("/api/1/status")
async def status(request: web.Request) -> web.Response:
    """How the home and the node are."""
    state = await request.app[RESIDENT].state()
    return web.Response(body=msgspec.json.encode(state), content_type="application/json")


@ROUTES.get("/api/1/signing")
async def signing(request: web.Request) -> web.Response:
    """Whether the home's log may be signed; answered at once, whatever is under way."""
    resident = request.app[RESIDENT]
    situation = None if resident.custody is None else resident.custody.situation
    return web.json_response({"home": resident.phase, "situation": situation})


# What is written --------------------------------------------------------------------------------


@ROUTES.post("/api/1/records")
async def sign_record(request: web.Request) -> web.Response:
    """Sign a record, with the heads that it has to have seen of the exchange that it is about."""
    asked = await _asked(request, RecordAsked)
    record = parse(bytes.fromhex(asked.payload))
    if isinstance(record, Malformed | Uninterpreted):
        raise InputError("The payload is not a record that this version of Trueque knows.")
    if isinstance(record, Charter | Succession | AuthorityChange):
        raise InputError("A record that says who speaks for a commune is not signed at this address.")

    def work(service: Service) -> EntryId:
        about = None if asked.about is None else service.reader.exchange(EntryId(bytes.fromhex(asked.about)))
        return service.record(record, about)

    entry = await request.app[RESIDENT].sign(work)
    journal.tell("signed", kind=record.kind, id=entry.hex())
    return _written(entry)


@ROUTES.post("/api/1/erasures")
async def erase(request: web.Request) -> web.Response:
    """Erase the content of an entry, for ever, in this home."""
    asked = await _asked(request, ErasureAsked)
    entry = bytes.fromhex(asked.id)

    def work(service: Service) -> None:
        service.erase(service.reader.entry(entry), asked.reason)

    await request.app[RESIDENT].write(work)
    journal.tell("erased", id=entry.hex())
    return _written(entry)


@ROUTES.post("/api/1/authority")
async def change_authority(request: web.Request) -> web.Response:
    """Record a change of authority that enough keys have signed."""
    requests = (await _asked(request, RequestsAsked)).decoded
    entry = await request.app[RESIDENT].sign(lambda service: service.change_authority(requests))
    journal.tell("signed", kind="authority", id=entry.hex())
    return _written(entry)


@ROUTES.post("/api/1/succession")
async def open_log(request: web.Request) -> web.Response:
    """Open the log of a restored home with the signatures that came back, or keep those."""
    resident, requests = request.app[RESIDENT], (await _asked(request, RequestsAsked)).decoded
    opened = await resident.sign(lambda service: reopening.finish_here(service, resident.home, requests))
    if isinstance(opened, Request):
        return web.json_response({"request": json.loads(encode_request(opened))})
    journal.tell("signed", kind="succession", id=opened.hex())
    return _written(opened)


# Photos -----------------------------------------------------------------------------------------


@ROUTES.get("/api/1/blobs/{digest:[0-9a-f]{64}}")
async def photo(request: web.Request) -> web.Response:
    """A photo, fetched from neighbours if need be; `listing` names what it belongs to."""
    listing = request.query.get("listing")
    if listing is not None and re.fullmatch(r"[0-9a-f]{64}", listing) is None:
        raise InputError(
            "'{text}' is not the id of a listing: it has 64 hexadecimal digits.", text=listing[:70]
        )
    digest = bytes.fromhex(request.match_info["digest"])
    found = await request.app[RESIDENT].photo(digest, None if listing is None else bytes.fromhex(listing))
    if found is None:
        raise NotFound("That photo is not held here, and no neighbour has given it: try again later.")
    media, data = found
    # Its name is its hash: what it is can never change. Anything but a picture is never given.
    return web.Response(body=data, content_type=media, headers={"Cache-Control": "private, max-age=31536000"})


@ROUTES.post("/api/1/blobs")
async def keep_photo(request: web.Request) -> web.Response:
    """Keep a photo, the body, for a listing of this commune that will name it."""
    data = await read_photo(request.content)
    digest = await request.app[RESIDENT].keep_photo(data)
    journal.tell("photo_kept", digest=digest.hex()[:16], size=len(data))
    return web.json_response({"sha256": digest.hex()}, status=201)


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


# The local network --------------------------------------------------------------------------------


@ROUTES.post("/api/1/password")
async def set_password(request: web.Request) -> web.Response:
    """Set the password that the local network gives, or have none; all sessions end."""
    asked, lan = await _asked(request, PasswordAsked), request.app[LAN]
    if asked.password is None:
        await lan.entrance.remove_password()
    else:
        await lan.entrance.set_password(asked.password)
    lan.hang_up()
    await lan.settle()
    return web.json_response({"password": lan.entrance.is_guarded, "lan": lan.is_open})


# What takes long --------------------------------------------------------------------------------


@ROUTES.post("/api/1/bundles")
async def take_bundle(request: web.Request) -> web.StreamResponse:
    """Take in a bundle, the body; the answer says how far it is, then what became of it."""
    resident, everything = request.app[RESIDENT], request.query.get("everything") == "1"
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
        return await _stepwise(request, lambda progress: _taken_in(resident, file, progress, everything))


async def _taken_in(resident: Resident, file: BinaryIO, progress: Progress, everything: bool) -> Plain:
    try:
        report = await resident.write(
            lambda service: service.import_bundle(file, progress, everything=everything)
        )
    except ImportStopped as error:
        _tell_imported(error.report, whole=False)
        return {"error": plain_error(error), "report": plain_report(error.report)}
    _tell_imported(report, whole=True)
    return {"report": plain_report(report)}


def _tell_imported(report: ImportReport, *, whole: bool) -> None:
    journal.tell(
        "imported",
        whole=whole,
        new=report.new,
        known=report.known,
        refused=report.refused,
        left_out=report.left_out,
        evidence=report.evidence_new,
    )


@ROUTES.post("/api/1/rebuild")
async def rebuild(request: web.Request) -> web.StreamResponse:
    """Make all views anew; the answer says how far it is, then how many entries were read."""
    resident = request.app[RESIDENT]
    _ = resident.opened

    async def work(progress: Progress) -> Plain:
        entries = await resident.write(lambda service: service.store.rebuild(progress))
        journal.tell("rebuilt", entries=entries)
        return {"entries": entries}

    return await _stepwise(request, work)


async def _stepwise(request: web.Request, work: Callable[[Progress], Awaitable[Plain]]) -> web.StreamResponse:
    """Answer with a line of JSON for every step, and one for how it ended.

    Whoever asked may go away: what was begun is done to its end all the same.
    """
    latest: tuple[int, int] = (0, 0)

    def progress(done: int, total: int) -> None:  # on another thread
        nonlocal latest
        latest = (done, total)

    response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
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


def _line(value: Plain) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode() + b"\n"
