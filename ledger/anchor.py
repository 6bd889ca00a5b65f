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
                f"The file {damaged[0]}, which holds the last head that this computer signed, is damaged: "
                "to go on writing safely, make a new log with `trueque restore`."
            )
        return max(heads, key=lambda head: head.size, default=None)

    def record(self, head: Head, network: str) -> None:
        """Write a head to all files, on disk before this returns. Raises OSError."""
        text = head.to_note(network).encode("utf-8")
        for path in self.paths:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_durably(path, text)


def write_durably(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Replace a file's content at once: after a power cut it has the old content or the new. Raises OSError."""
    temporary = path.with_name(f".{path.name}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        written = 0
        while written < len(data):
            written += os.write(descriptor, data[written:])
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    os.replace(temporary, path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
