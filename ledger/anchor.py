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

from . import note
from .errors import NoteError, StoreError
from .log import Head, LogKey, origin


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


@dataclass(frozen=True, slots=True)
class Anchors:
    """The files that hold the last head signed; all are written, the furthest one counts."""

    paths: Sequence[Path]

    def latest(self, log: LogKey, network: str) -> Head | None:
        """The head of the largest size in any of the files, None if there is no file.

        Raises StoreError if files exist and none can be read as a head of the log.
        """
        heads: list[Head] = []
        damaged: list[Path] = []
        for path in self.paths:
            try:
                heads.append(head_of_note(path.read_text(encoding="utf-8"), log, network))
            except FileNotFoundError:
                continue
            except (NoteError, UnicodeDecodeError, OSError):
                damaged.append(path)
        if damaged and not heads:
            raise StoreError(
                "The file {path}, which holds the last head that this computer signed, is damaged: "
                "to go on writing safely, make a new log with `trueque restore`.",
                path=damaged[0],
            )
        return max(heads, key=lambda head: head.size, default=None)

    def record(self, head: Head, network: str) -> None:
        """Write a head to all files, on disk before this returns. Raises StoreError."""
        text = head.to_note(network).encode("utf-8")
        for path in self.paths:
            try:
                make_folder_durably(path.parent)
                write_durably(path, text)
            except OSError as error:
                raise StoreError(
                    "The file {path}, which holds the last head that this computer signed, cannot be "
                    "written ({reason}): check the disk and the permissions of its folder, then start again.",
                    path=path,
                    reason=error.strerror,
                ) from error


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
