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
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
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


@dataclass(frozen=True, slots=True)
class Anchors:
    """The files that hold the last head signed; all are written, and all have to fit the ledger."""

    paths: Sequence[Path]

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
        # At once, since each of them is little else than waiting for a disk; a thread costs less than a pool.
        here, *others = [_Writing(path, head, network) for path in self.paths]
        for other in others:
            other.start()
        here.run()
        for other in others:
            other.join()
        for writing in (here, *others):
            if isinstance(error := writing.error, OSError):
                raise StoreError(
                    "The file {path}, which holds the last head that this computer signed, cannot be "
                    "written ({reason}): check the disk and the permissions of its folder, then start again.",
                    path=writing.path,
                    reason=error.strerror,
                ) from error
            if writing.error is not None:
                raise writing.error


class _Writing(Thread):
    """The writing of one anchor; what went wrong is in `error` once it has ended."""

    def __init__(self, path: Path, head: Head, network: str) -> None:
        super().__init__(name="trueque-anchor")
        self.path = path
        self.error: BaseException | None = None
        self._head = head
        self._network = network

    def run(self) -> None:
        try:
            _write(self.path, self._head, self._network)
        except BaseException as error:
            self.error = error


def _write(path: Path, head: Head, network: str) -> None:
    """Overwrite the slot that does not hold the newest head, so that a power cut spoils the older one only.

    The file keeps its length and its name: one `fdatasync` of one block, where
    replacing the file would take four of files and folders.
    """
    note_bytes = head.to_note(network).encode("utf-8").ljust(SLOT_BYTES, b"\n")
    try:
        held = path.read_bytes()
    except FileNotFoundError:
        held = b""
    if len(held) != SLOTS * SLOT_BYTES:
        make_folder_durably(path.parent)
        write_durably(path, note_bytes.ljust(SLOTS * SLOT_BYTES, b"\n"))
        return
    older = min(range(SLOTS), key=lambda number: _stated_size(held, number, head.size))
    descriptor = os.open(path, os.O_WRONLY)
    try:
        written = 0
        while written < len(note_bytes):
            written += os.pwrite(descriptor, note_bytes[written:], older * SLOT_BYTES + written)
        os.fdatasync(descriptor)
    finally:
        os.close(descriptor)


def _stated_size(held: bytes, number: int, newest: int) -> int:
    """The size that a slot states, to find the older one; -1 if it states none.

    It is not verified, but a slot that claims to be newer than the newest head
    is damaged, and must not be the one that is spared for ever.
    """
    lines = held[number * SLOT_BYTES : (number + 1) * SLOT_BYTES].split(b"\n", 2)
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


def make_folder_durably(path: Path) -> None:
    """Make a folder, and those missing above it, so that a power cut does not undo it. Raises OSError."""
    if not path.is_dir():
        make_folder_durably(path.parent)
        path.mkdir(exist_ok=True)
        _sync_folder(path.parent)


def _sync_folder(path: Path) -> None:
    """Make durable which names a folder holds (fsync(2): syncing a file does not do that for its name)."""
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
