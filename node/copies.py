"""Copies of what is held, written into a file that is sent to whoever asked: bundles and backups.

Decides that one is written at a time, whether a page asks or a program, since
each takes as much of the disk as what is in it; that it is whole before the first
byte is sent, so that a full disk is told and never ends in half a file; and that
nothing of it is left, however that ends. What is in it is `bundles'` and
`backup`'s.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Final

from ledger.store.reading import Reader

from . import clock
from .aside import apart
from .custody import Custody
from .errors import ExportFailed
from .service import Service

Write = Callable[[Service, Path], None]
"""What writes a copy to a path, on another thread; it asks a reader of its own."""

_PREFIX: Final = ".copy-"


class Copies:
    """The copies that a node writes. Belongs to the event loop's thread."""

    def __init__(self) -> None:
        self._writing = asyncio.Lock()

    async def write(self, custody: Custody, work: Write) -> BinaryIO:
        """A copy, in a file that has no name any more.

        Raises ExportFailed, also while another one is written; what `work` raises; StoreError.
        """
        if self._writing.locked():
            raise ExportFailed("Another bundle or backup is being written: wait until that one has come.")
        async with self._writing:
            return await apart(lambda: _written(custody, work))


def _written(custody: Custody, work: Write) -> BinaryIO:
    home = custody.home.path
    for left in home.glob(f"{_PREFIX}*"):
        shutil.rmtree(left, ignore_errors=True)  # by a node that was killed
    try:
        folder = tempfile.TemporaryDirectory(dir=home, prefix=_PREFIX)
    except OSError as error:
        raise ExportFailed(
            "The file {path} cannot be written ({reason}): free some space or choose another folder.",
            path=home,
            reason=error.strerror,
        ) from error
    with folder as name, Reader(custody.home.ledger) as reader, reader.snapshot():
        path = Path(name) / "copy"
        work(Service(reader, custody.log, None, None, clock.now), path)
        return path.open("rb")
