"""Anchors: the last head that this installation signed, kept apart from the database.

Decides where that head is written and read back. A database that is behind an
anchor has been rolled back or restored, and what it would sign next might
contradict what others hold already; what follows is `author`'s to say. There
are two, one in the home and one outside it, so that neither a restored home
nor a lost state directory hides the truth.
"""

from __future__ import annotations

import os
from base64 import b64decode
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from . import note
from .errors import NoteError, StoreError
from .log import Head, LogKey, origin

SLOTS: Final = 2
SLOT_BYTES: Final = 4_096
"""bytes of a slot: one block of a disk, several times as long as a head written as a note.

An anchor has two slots, each a note filled up with newlines; the newest head
overwrites the older one.
"""


SIZE_DIGITS: Final = 10
"""decimal digits of the largest size of a log."""

_BEGINNING_BYTES: Final = 256
"""bytes of a slot in which its first two lines end: `trueque/`, a network's name, a key, a size."""


def head_of_note(text: str, log: LogKey, network: str) -> Head:
    """Read a head of a known log back from its text. Raises NoteError."""
    name = origin(log, network)
    opened = note.open_note(text, [note.VerifierKey(name, log)])
    checkpoint = note.parse_checkpoint(opened.text, allow_extensions=True)
    if checkpoint.origin != name:
        raise NoteError("The checkpoint is of another log.")
    line = next(line for line in text.splitlines() if line.startswith(f"— {name} "))
    signature = b64decode(line.rsplit(" ", 1)[1])[note.KEY_ID_BYTES :]
    return Head(log, checkpoint.size, checkpoint.root, signature, checkpoint.extensions)


def read_anchor(path: Path, log: LogKey, network: str) -> Head | None:
    """The newest head in an anchor file, None if there is no file.

    Raises NoteError if neither slot holds a head of the log, and OSError.
    """
    try:
        slots = _slots(path.read_bytes())
    except FileNotFoundError:
        return None
    heads = [head for slot in slots if (head := _head_in(slot, log, network)) is not None]
    if not heads:
        raise NoteError("No slot of the anchor holds a head of the log.")
    return max(heads, key=lambda head: head.size)


def _slots(data: bytes) -> list[bytes]:
    return [
        data[start : start + SLOT_BYTES].rstrip(b"\n") for start in range(0, SLOTS * SLOT_BYTES, SLOT_BYTES)
    ]


def _head_in(slot: bytes, log: LogKey, network: str) -> Head | None:
    try:
        return head_of_note(slot.decode("utf-8") + "\n", log, network)
    except (NoteError, UnicodeDecodeError):
        return None


class Anchors:
    """The files that hold the last head signed; all are written, and all have to fit the ledger.

    Used by one thread at a time.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self.paths = tuple(paths)
        # Threads that mostly wait for a disk, started when the first head is recorded.
        self._others = ThreadPoolExecutor(max(1, len(self.paths) - 1), thread_name_prefix="trueque-anchor")

    def latest(self, log: LogKey, network: str) -> Head | None:
        """The head of the largest size in any of the files, None if there is no file. Raises StoreError."""
        return max(self.heads(log, network), key=lambda head: head.size, default=None)

    def heads(self, log: LogKey, network: str) -> list[Head]:
        """The newest head of each file that is there; of one log they all lead to the furthest.

        Raises StoreError if files exist and none can be read as a head of the log, or one may not be read.
        """
        heads: list[Head] = []
        damaged: list[Path] = []
        for path in self.paths:
            try:
                head = read_anchor(path, log, network)
            except PermissionError as error:
                # It may be the one that knows more: nothing is signed past it unread.
                raise StoreError(
                    "The file {path}, which holds the last head that this computer signed, cannot be read "
                    "({reason}): use the account that signed, or give this one the permission.",
                    path=path,
                    reason=error.strerror,
                ) from error
            except (NoteError, OSError):
                damaged.append(path)
                continue
            if head is not None:
                heads.append(head)
        if damaged and not heads:
            raise StoreError(
                "The file {path}, which holds the last head that this computer signed, is damaged: "
                "to go on writing safely, make a new log with `trueque restore`.",
                path=damaged[0],
            )
        return heads

    def record(self, head: Head, network: str) -> None:
        """Write a head to all files, on disk before this returns. Raises StoreError."""
        slot = head.to_note(network).encode("utf-8").ljust(SLOT_BYTES, b"\n")
        # All at once, since each is little else than waiting for a disk.
        others = [self._others.submit(_record, path, slot, head.size) for path in self.paths[1:]]
        failures = [_record(self.paths[0], slot, head.size), *(other.result() for other in others)]
        for path, error in zip(self.paths, failures, strict=True):
            if error is not None:
                raise StoreError(
                    "The file {path}, which holds the last head that this computer signed, cannot be "
                    "written ({reason}): check the disk and the permissions of its folder, then try again.",
                    path=path,
                    reason=error.strerror,
                ) from error


def _record(path: Path, slot: bytes, size: int) -> OSError | None:
    """Write one anchor; what the system says if it cannot be written."""
    try:
        _write(path, slot, size)
    except OSError as error:
        return error
    return None


def _write(path: Path, slot: bytes, size: int) -> None:
    """Overwrite the slot that does not hold the newest head, so that a power cut spoils the older one only.

    The file keeps its length and its name: one `fdatasync` of one block, where
    replacing the file would take four of files and folders.
    """
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        _make(path, slot)
        return
    try:
        if os.fstat(descriptor).st_size != SLOTS * SLOT_BYTES:
            _make(path, slot)
            return
        beginnings = [os.pread(descriptor, _BEGINNING_BYTES, at * SLOT_BYTES) for at in range(SLOTS)]
        older = min(range(SLOTS), key=lambda at: _stated_size(beginnings[at], size))
        written = 0
        while written < len(slot):
            written += os.pwrite(descriptor, slot[written:], older * SLOT_BYTES + written)
        os.fdatasync(descriptor)
    finally:
        os.close(descriptor)


def _make(path: Path, slot: bytes) -> None:
    make_folder_durably(path.parent)
    write_durably(path, slot.ljust(SLOTS * SLOT_BYTES, b"\n"))


def _stated_size(beginning: bytes, newest: int) -> int:
    """The size that a slot with this beginning states, to find the older one; -1 if it states none.

    It is not verified, but a slot that claims to be newer than the newest head
    is damaged, and must not be the one that is spared for ever.
    """
    lines = beginning.split(b"\n", 2)
    stated = int(lines[1]) if len(lines) == 3 and lines[1].isdigit() and len(lines[1]) <= SIZE_DIGITS else -1
    return stated if stated <= newest else -1


def write_durably(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Replace a file at once: a power cut leaves the old content or the new. Raises OSError."""
    temporary = path.with_name(f".{path.name}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        written = 0
        while written < len(data):
            written += os.write(descriptor, data[written:])
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    temporary.replace(path)
    _sync_folder(path.parent)


def make_folder_durably(path: Path, mode: int = 0o777) -> None:
    """Make a folder, and those missing above it, so that a power cut does not undo it. Raises OSError."""
    if not path.is_dir():
        make_folder_durably(path.parent)
        path.mkdir(mode, exist_ok=True)
        _sync_folder(path.parent)


def _sync_folder(path: Path) -> None:
    """Make durable which names a folder holds (fsync(2): syncing a file does not do that for its name)."""
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
