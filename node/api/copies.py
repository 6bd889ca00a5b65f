"""Copies of what is held, as files: bundles for others, and backups under a password."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import msgspec
from aiohttp import web

from .. import journal
from ..backup import write_backup
from ..copies import Write
from ..sending import MEDIA_TYPE, send
from ..service import Service
from ..wishes import about
from .asking import Asked
from .endpoints import Endpoint, Media


class ExportAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What of it."""

    everything: Annotated[bool, about("all that is held, else this commune and those that it recognises")] = (
        False
    )
    photos: Annotated[bool, about("the photos of listings too")] = True


async def give_bundle(asked: Asked) -> web.StreamResponse:
    """What is held, in a bundle."""
    query: ExportAsked = asked.query

    def write(service: Service, path: Path) -> None:
        service.export_bundle(
            path,
            lambda done, total: None,
            everything=query.everything or service.own is None,
            photos=query.photos,
        )

    return await _sent(asked, write)


class BackupAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The password of a backup."""

    password: Annotated[str, about("at least 8 characters; nobody can read the backup without it")]


async def give_backup(asked: Asked) -> web.StreamResponse:
    """Everything held, under a password."""
    body: BackupAsked = asked.body

    def write(service: Service, path: Path) -> None:
        write_backup(service, path, body.password, lambda done, total: None)
        journal.tell("backed_up", size=path.stat().st_size)

    return await _sent(asked, write)


async def _sent(asked: Asked, write: Write) -> web.StreamResponse:
    resident = asked.resident
    with await resident.copies.write(resident.opened, write) as file:
        return await send(asked.request, file)


ENDPOINTS: Final = (
    Endpoint(
        "GET", "/api/1/bundle", "giveBundle",
        "What is held, in a [bundle](../spec/bundle.md) for others. 409 (`ExportFailed`) while another "
        "bundle or backup is written, for a page or a program.",
        give_bundle, "the file", Media((MEDIA_TYPE,)), query=ExportAsked,
    ),
    Endpoint(
        "POST", "/api/1/backup", "giveBackup",
        "Everything held, in a [backup](../spec/backup.md) under a password. The key of this computer's log "
        "is not in it, on purpose. 409 as for a bundle.",
        give_backup, "the file", Media((MEDIA_TYPE,)), body=BackupAsked,
    ),
)  # fmt: skip
"""Copies of what is held."""
