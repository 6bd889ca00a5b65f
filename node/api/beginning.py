"""Beginning: founding a commune in an empty home, or bringing one back from its backup.

Decides the order, which is that of the pages: the recovery words are answered,
and nothing is founded before they are sent back; a backup is sent first, and its
password and the words, or that others sign, after that. Both are for an empty
home, in which the token stands as soon as a node runs. Words and passwords are in
bodies alone, never in an address, a header or the journal, and no answer with
them is remembered.
"""

from __future__ import annotations

import asyncio
import errno
import json
import os
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Annotated, BinaryIO, Final

import msgspec
from aiohttp import web

from ledger.errors import StoreError

from .. import journal, keys
from ..aside import apart
from ..backup import Restored, label_in, restore_from
from ..beginnings import NETWORK, Beginnings, check_empty, opened
from ..bundles import Progress
from ..errors import InputError
from ..founding import Founding
from ..requests import encode_request
from ..resident import Resident
from ..sending import MEDIA_TYPE
from ..shapes.written import BroughtBack, Founded, Received, RecoveryWords
from ..state import disk_of
from ..wishes import about, line_of, text_of
from .asking import Asked
from .endpoints import Endpoint, Media
from .files import LINES, Line, stepwise

ASKING: Final = "api"
"""By what a founding that a program has begun is known; there is one home, and one token."""

MAX_BACKUP_BYTES: Final = 8_000_000_000
"""bytes of a backup that is sent to the node; the ledger of a region, and one's own photos."""


@dataclass(slots=True)
class Sent:
    """The backup that a program has sent last, in a file that has no name."""

    file: BinaryIO | None = None
    is_under_way: bool = False

    def keep(self, file: BinaryIO | None) -> None:
        """Keep it in the place of the one before."""
        if self.file is not None:
            self.file.close()
        self.file = file


BEGINNINGS: Final = web.AppKey("beginnings", Beginnings)
"""The foundings under way, of pages and programs."""

SENT: Final = web.AppKey("sent", Sent)


# Founding ---------------------------------------------------------------------------------------


class FoundingAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a new commune starts with; none of it can be taken back later."""

    name: Annotated[str, about("what it is called")]
    network: Annotated[
        str, about("the network that it joins for ever; another than `comunas` is for trials")
    ] = NETWORK
    place: Annotated[str | None, about("where it is")] = None
    about: Annotated[str | None, about("what others should know about it")] = None
    within: Annotated[str | None, about("the territory or union that it belongs to")] = None


class WordsAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The recovery words that were answered."""

    words: Annotated[str, about("the 24 words, with blanks between them, copied from where they were kept")]


async def begin_founding(asked: Asked) -> RecoveryWords:
    """Make the recovery words of a commune that is to be."""
    check_empty(asked.resident)
    body: FoundingAsked = asked.body
    founding = Founding(
        name=line_of(body.name, "name") or "",
        network=body.network.strip(),
        place=line_of(body.place, "place"),
        about=text_of(body.about, "about"),
        within=line_of(body.within, "within"),
    )
    begun = await asked.request.app[BEGINNINGS].begin(ASKING, founding, asked.resident)
    return RecoveryWords(" ".join(begun.words))


async def found(asked: Asked) -> Founded:
    """Found it, once its words have come back."""
    check_empty(asked.resident)
    body: WordsAsked = asked.body
    beginnings = asked.request.app[BEGINNINGS]
    begun = beginnings.of(ASKING)
    if begun is None:
        raise InputError("No founding is under way here: begin with POST /api/1/founding.")
    beginnings.check_words(begun, body.words)
    commune = await beginnings.found(ASKING, begun, asked.resident)
    return Founded(commune.hex())


# Restoring --------------------------------------------------------------------------------------


class RestoreAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What opens a backup, and who signs for the new log."""

    password: Annotated[str, about("of the backup")]
    words: Annotated[
        str | None, about("the commune's 24 recovery words; null where several keys sign, after this")
    ]


async def send_backup(asked: Asked) -> Received:
    """Take a backup, the body, and keep it until it is used."""
    resident, request, sent = asked.resident, asked.request, asked.request.app[SENT]
    check_empty(resident)
    _check_free(sent)
    resident.home.make()
    try:
        with ExitStack() as held:
            file = held.enter_context(tempfile.TemporaryFile(dir=resident.home.path))
            size = await _read(request, file, resident)
            _check_free(sent)
            held.pop_all()
    except ConnectionError:
        raise  # whoever sent it has gone
    except OSError as error:
        raise _no_room(resident, error) from error
    sent.keep(file)
    return Received(size)


async def _read(request: web.Request, file: BinaryIO, resident: Resident) -> int:
    """Read the body into a file; how many bytes it has. Raises OSError."""
    size, disk = 0, disk_of(resident.home)
    if disk is not None and (request.content_length or 0) > disk.free:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    async for chunk in request.content.iter_any():
        size += len(chunk)
        if size > MAX_BACKUP_BYTES:
            raise web.HTTPRequestEntityTooLarge(MAX_BACKUP_BYTES, size)
        await asyncio.to_thread(file.write, chunk)
    return size


def _no_room(resident: Resident, error: OSError) -> StoreError:
    return StoreError(
        "The file cannot be kept in {path} while it is read ({reason}): free some space.",
        path=resident.home.path,
        reason=error.strerror,
    )


def _check_free(sent: Sent) -> None:
    if sent.is_under_way:
        raise InputError("A commune is being brought back already: wait until it is done.")


async def restore(asked: Asked) -> web.StreamResponse:
    """Bring the commune back from the backup that was sent."""
    body: RestoreAsked = asked.body
    resident, sent = asked.resident, asked.request.app[SENT]
    check_empty(resident)
    _check_free(sent)
    file = sent.file
    if file is None:
        raise InputError("No backup was sent: send its file to POST /api/1/restore/backup first.")
    recovery = None if body.words is None else keys.key_of_words(body.words)
    sent.is_under_way = True
    try:
        await asyncio.to_thread(label_in, file, body.password)
    except BaseException:
        sent.is_under_way = False
        raise

    async def work(progress: Progress) -> dict[str, object]:
        try:
            file.seek(0)
            restored = await apart(
                lambda: restore_from(resident.home, file, body.password, recovery, progress)
            )
        except OSError as error:
            raise _no_room(resident, error) from error
        finally:
            sent.is_under_way = False
        journal.tell("restored", new=restored.report.new, complete=restored.request is None)
        sent.keep(None)
        await opened(resident)
        return {"restored": msgspec.to_builtins(_brought_back(restored))}

    return await stepwise(asked.request, work)


def _brought_back(restored: Restored) -> BroughtBack:
    return BroughtBack(
        commune=restored.label.commune.hex(),
        name=restored.label.name,
        log=restored.log.hex(),
        id=None if restored.succession is None else restored.succession.hex(),
        request=None if restored.request is None else json.loads(encode_request(restored.request)),
    )


ENDPOINTS: Final = (
    Endpoint(
        "POST", "/api/1/founding", "beginFounding",
        "Begins to found a commune in an empty home: answers the recovery words, in the language that is "
        "asked for, and founds nothing yet. Whoever has them can speak for the commune for ever: they belong "
        "on paper, shown to nobody else. The node has them in memory alone, until they are sent back, or "
        "this is asked again. 409 where there is a commune.",
        begin_founding, "`words`", RecoveryWords, body=FoundingAsked,
    ),
    Endpoint(
        "POST", "/api/1/founding/words", "found",
        "Founds the commune, once the recovery words come back as somebody has copied them. 409 "
        "(`WordsError`) for others.",
        found, "`commune`, its id", Founded, body=WordsAsked, statuses=(201,),
    ),
    Endpoint(
        "POST", "/api/1/restore/backup", "sendBackup",
        "Takes a [backup](../spec/backup.md), the body, from which a commune is to be brought back in an "
        "empty home. It is kept until it was used or another one comes, and is gone with the node.",
        send_backup, "`bytes`, how many came", Received, body=Media((MEDIA_TYPE,)), statuses=(201,),
    ),
    Endpoint(
        "POST", "/api/1/restore", "restore",
        "Brings the commune back from the backup that was sent, with a new log, as `trueque restore` does. "
        "Another password may be tried if one was wrong. The answer comes in lines as for a bundle, the last "
        "with `restored` or with `error`. `restored` has the `commune`, its `name`, the new `log`, and `id`, "
        "the entry with which it is opened; or that is null, and `request` is what others still have to sign "
        "and `/api/1/succession` takes.",
        restore, "lines, as above", Media((LINES,), Line), body=RestoreAsked,
    ),
)  # fmt: skip
"""What is done in an empty home."""
