"""Uploads: a form with files in it, read as it comes and never held in memory whole.

Decides how much is taken: of the fields as much as any form has, of the files
together what the page says. Files lie in the home while the request lasts, so
that a stick with a ledger on it can be read on a small computer. Where a page
says so, a file that cannot be taken costs nobody what was typed beside it.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, cast

from aiohttp import BodyPartReader, web

from ledger.errors import LedgerError, StoreError

from .. import wording
from ..api import RESIDENT
from ..errors import InputError
from .forms import MAX_FIELDS, Form, form_of, plain, unreadable

MAX_TEXT_BYTES: Final = 524_288
"""bytes of all fields beside the files; a proposal with all its notes has fewer."""

IN_MEMORY_BYTES: Final = 1_048_576
"""bytes of a file up to which it needs no place on the disk."""


@dataclass(slots=True)
class Upload:
    """A file that was sent: its field, what the browser calls it, its bytes, and where to read them."""

    field: str
    name: str
    size: int
    file: BinaryIO
    taken: bool = False
    """whether somebody keeps the file open beyond the request, and closes it"""

    def take(self) -> BinaryIO:
        """The file, from its beginning, to be closed by whoever takes it."""
        self.taken = True
        self.file.seek(0)
        return self.file

    def read(self) -> bytes:
        """All of it, for files that the page keeps small."""
        self.file.seek(0)
        return self.file.read()


@asynccontextmanager
async def form_with_files(
    request: web.Request, most: int, *, forgiving: bool = False
) -> AsyncIterator[tuple[Form, list[Upload]]]:
    """A form and its files, of `most` bytes together; files that were left empty are not among them.

    Raises InputError on more, and on what no form is; StoreError where the disk
    takes no more. If it is `forgiving`, a file that is too large or has no room is
    told at its field instead, and what follows is read and left: as much again.
    """
    if not request.content_type.startswith("multipart/"):
        yield await form_of(request), []
        return
    given: dict[str, str] = {}
    uploads: list[Upload] = []
    opened: list[BinaryIO] = []
    fault: tuple[str, LedgerError] | None = None
    texts = files = parts = 0
    home = request.app[RESIDENT].home.path
    try:
        try:
            async for part in await request.multipart():
                parts += 1
                if not isinstance(part, BodyPartReader) or part.name is None or parts > MAX_FIELDS:
                    raise unreadable()
                if part.filename is None:
                    data = await _text_of(part, MAX_TEXT_BYTES - texts)
                    texts += len(data)
                    given[part.name] = plain(data.decode())
                    continue
                if fault is not None:
                    files += await _leave(part, 2 * most - files, most)
                    continue
                spool = tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES, dir=str(home))  # noqa: SIM115  # below
                file = cast(BinaryIO, spool)
                opened.append(file)
                try:
                    size = await _fill(file, part, most - files, most, home)
                except (InputError, StoreError) as error:
                    if not forgiving:
                        raise
                    fault = part.name, error
                    files = most + await _leave(part, most, most)
                    continue
                files += size
                if size:
                    uploads.append(Upload(part.name, part.filename, size, file))
        except (ValueError, LookupError, AssertionError) as error:
            raise unreadable() from error
        form = Form(given)
        if fault is not None:
            form.refuse(*fault)
        yield form, uploads
    finally:
        taken = [upload.file for upload in uploads if upload.taken]
        for file in opened:
            if file not in taken:
                with suppress(OSError):  # what is left of one that the disk did not take
                    file.close()


async def _text_of(part: BodyPartReader, most: int) -> bytes:
    data = bytearray()
    while chunk := await part.read_chunk():
        data += chunk
        if len(data) > most:
            raise unreadable()
    return bytes(data)


async def _fill(file: BinaryIO, part: BodyPartReader, left: int, most: int, home: Path) -> int:
    size = 0
    while chunk := await part.read_chunk(65_536):
        size += len(chunk)
        if size > left:
            raise _too_large(most)
        try:
            await asyncio.to_thread(file.write, chunk)
        except OSError as error:
            raise StoreError(
                "The file cannot be kept in {path} while it is read ({reason}): free some space.",
                path=home,
                reason=error.strerror,
            ) from error
    return size


async def _leave(part: BodyPartReader, left: int, most: int) -> int:
    """Read what is left of a file and keep nothing of it; how much that was. Raises InputError on more."""
    size = 0
    while chunk := await part.read_chunk(65_536):
        size += len(chunk)
        if size > left:
            raise _too_large(most)
    return size


def _too_large(most: int) -> InputError:
    return InputError(
        "What was chosen is larger than the {size} that this page takes: choose something smaller.",
        size=wording.size_of(most),
    )
