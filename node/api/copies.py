"""Copies of what is held, as files: bundles for others, and backups under a password.

Decides that a file is written whole before any of it is sent, one at a time,
since each takes as much of the disk as what is in it.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final

import msgspec
from aiohttp import web

from .. import journal
from ..admission import followed
from ..backup import write_backup
from ..blobs import Blobs
from ..bundles import export_bundle
from ..custody import Custody
from ..service import Service
from ..wishes import about
from .asking import Asked
from .endpoints import Endpoint, Media
from .files import BYTES

SENT_BYTES: Final = 1_048_576
"""bytes of a file that are read and sent at once."""

COPYING: Final = web.AppKey("copying", asyncio.Lock)
"""Held while a file is written."""


class ExportAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What of it."""

    everything: Annotated[bool, about("all that is held, else this commune and those that it recognises")] = (
        False
    )
    photos: Annotated[bool, about("the photos of listings too")] = True


async def give_bundle(asked: Asked) -> web.StreamResponse:
    """What is held, in a bundle."""
    query: ExportAsked = asked.query
    custody = asked.resident.opened

    def write(service: Service, path: Path) -> None:
        own = service.own
        communes = None if query.everything or own is None else followed(service.reader, own)
        photos = Blobs(custody.home.blobs)
        lend = photos.open if query.photos else lambda digest: None
        export_bundle(service.reader, path, communes, lend=lend)

    return await _sent(asked, custody, write)


class BackupAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The password of a backup."""

    password: Annotated[str, about("at least 10 characters; nobody can read the backup without it")]


async def give_backup(asked: Asked) -> web.StreamResponse:
    """Everything held, under a password."""
    body: BackupAsked = asked.body
    custody = asked.resident.opened

    def write(service: Service, path: Path) -> None:
        write_backup(service, path, body.password, lambda done, total: None)
        journal.tell("backed_up", size=path.stat().st_size)

    return await _sent(asked, custody, write)


async def _sent(asked: Asked, custody: Custody, write: Callable[[Service, Path], None]) -> web.StreamResponse:
    """Write a file and send it; what cannot be written is refused before anything is sent."""
    with tempfile.TemporaryDirectory(dir=custody.home.path, prefix=".copy-") as folder:
        path = Path(folder) / "copy"
        async with asked.request.app[COPYING]:
            await asked.ask_aside(lambda service: write(service, path))
        response = web.StreamResponse(
            headers={"Content-Type": BYTES, "Content-Length": str(path.stat().st_size)}
        )
        with path.open("rb") as file:
            await response.prepare(asked.request)
            while chunk := await asyncio.to_thread(file.read, SENT_BYTES):
                await response.write(chunk)
        await response.write_eof()
        return response


ENDPOINTS: Final = (
    Endpoint(
        "GET", "/api/1/bundle", "giveBundle",
        "What is held, in a [bundle](../spec/bundle.md) for others.",
        give_bundle, "the file", Media((BYTES,)), query=ExportAsked,
    ),
    Endpoint(
        "POST", "/api/1/backup", "giveBackup",
        "Everything held, in a [backup](../spec/backup.md) under a password. The key of this computer's log "
        "is not in it, on purpose.",
        give_backup, "the file", Media((BYTES,)), body=BackupAsked,
    ),
)  # fmt: skip
"""Copies of what is held."""
