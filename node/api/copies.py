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
from ..backup import write_backup
from ..custody import Custody
from ..sending import MEDIA_TYPE, send
from ..service import Service
from ..wishes import about
from .asking import Asked
from .endpoints import Endpoint, Media

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
        service.export_bundle(
            path,
            lambda done, total: None,
            everything=query.everything or service.own is None,
            photos=query.photos,
        )

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
        with path.open("rb") as file:
            return await send(asked.request, file)


ENDPOINTS: Final = (
    Endpoint(
        "GET", "/api/1/bundle", "giveBundle",
        "What is held, in a [bundle](../spec/bundle.md) for others.",
        give_bundle, "the file", Media((MEDIA_TYPE,)), query=ExportAsked,
    ),
    Endpoint(
        "POST", "/api/1/backup", "giveBackup",
        "Everything held, in a [backup](../spec/backup.md) under a password. The key of this computer's log "
        "is not in it, on purpose.",
        give_backup, "the file", Media((MEDIA_TYPE,)), body=BackupAsked,
    ),
)  # fmt: skip
"""Copies of what is held."""
