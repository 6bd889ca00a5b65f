"""Blobs: the photos that a home keeps, by their SHA-256, in a folder of files.

    blobs/own/      those of listings of this commune: never dropped
    blobs/others/   those of other communes: the ones that were not looked at for longest are dropped first
    blobs/damaged/  files whose bytes are not what their name says any more; the newest few

Decides what may be kept, what has to go for it, and that nothing half written
or damaged is ever given out. Which photos belong to a listing is the ledger's,
which are fetched `protocol.fetching`'s. Several programs may use one folder:
each question looks at the files anew, and whatever one of them drops is absent
for the others.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, Final

from ledger.errors import StoreError
from protocol.limits import MAX_BLOB_BYTES

from . import clock
from .errors import BlobRefused
from .home import Home
from .limits import (
    BLOB_USED_SECONDS,
    LOW_DISK_BYTES,
    MAX_DAMAGED_BLOBS,
    MEGABYTE,
    READING_BYTES,
    UNLISTED_SECONDS,
)
from .outgoing import outgoing
from .settings import read_settings

_MAGIC: Final = ((b"\xff\xd8\xff", "image/jpeg"), (b"\x89PNG\r\n\x1a\n", "image/png"))

_WEBP: Final = (b"RIFF", b"WEBP")
"""The bytes from 0 and from 8 on (developers.google.com/speed/webp/docs/riff_container)."""


def picture_type(beginning: bytes) -> str | None:
    """The media type of a picture, by its first 12 bytes; None for whatever else."""
    for magic, found in _MAGIC:
        if beginning.startswith(magic):
            return found
    return "image/webp" if (beginning[:4], beginning[8:12]) == _WEBP else None


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    size: int
    used: float
    """when it was looked at last, in seconds since 1970, give or take `BLOB_USED_SECONDS`"""


class Blobs:
    """The photos of a home. May be used on any thread."""

    def __init__(self, folder: Path, quota: int = 0, now: Callable[[], int] = clock.now) -> None:
        """`quota` is how many bytes all may have, to keep any; `now` tells milliseconds since 1970."""
        self.quota = quota
        self._own, self._others, self._damaged = (folder / name for name in ("own", "others", "damaged"))
        self._clock = now
        self._writing = threading.Lock()

    @classmethod
    def of(cls, home: Home) -> Blobs:
        """The photos of a home, under the quota of its settings. Raises SettingsError."""
        return cls(home.blobs, read_settings(home.settings_file).photo_megabytes * MEGABYTE)

    # Reading ------------------------------------------------------------------------------------

    def open(self, digest: bytes) -> tuple[int, BinaryIO] | None:
        """A photo's size and its file, verified and at its beginning; None if it is not held."""
        return self._opened(digest, (self._own, self._others))

    def open_own(self, digest: bytes) -> tuple[int, BinaryIO] | None:
        """As `open`, if it is one of this commune's."""
        return self._opened(digest, (self._own,))

    def read(self, digest: bytes) -> bytes | None:
        """A photo, verified; None if it is not held."""
        opened = self.open(digest)
        if opened is None:
            return None
        with opened[1] as file:
            return file.read(MAX_BLOB_BYTES)

    def holds(self, digest: bytes) -> bool:
        """Whether there is a file of that name; whether it is whole, only reading tells."""
        return any((folder / digest.hex()).exists() for folder in (self._own, self._others))

    def _opened(self, digest: bytes, folders: Collection[Path]) -> tuple[int, BinaryIO] | None:
        for folder in folders:
            path = folder / digest.hex()
            try:
                file = path.open("rb")
            except OSError:
                continue
            try:
                size = _size_if_whole(file, digest)
            except OSError:
                size = None  # the disk does not give it back: as good as damaged
            if size is not None:
                self._note_use(path, os.fstat(file.fileno()).st_mtime)
                return size, file
            file.close()
            self._put_aside(path)
        return None

    @property
    def _now(self) -> float:
        return self._clock() / 1_000

    def _note_use(self, path: Path, before: float) -> None:
        now = self._now
        if abs(now - before) > BLOB_USED_SECONDS:
            with suppress(OSError):
                os.utime(path, (now, now))

    def _put_aside(self, path: Path) -> None:
        """Take a damaged file out of the way, so that a whole one can take its place."""
        with suppress(OSError):
            self._damaged.mkdir(mode=0o700, exist_ok=True)
            path.replace(self._damaged / path.name)
            for old in sorted(_files(self._damaged), key=lambda file: file.used)[:-MAX_DAMAGED_BLOBS]:
                old.path.unlink(missing_ok=True)

    def drop(self, digests: Iterable[bytes]) -> None:
        """Remove photos for good, damaged ones too. Raises StoreError; then some are there still."""
        for digest in digests:
            for folder in (self._own, self._others, self._damaged):
                path = folder / digest.hex()
                try:
                    path.unlink(missing_ok=True)
                except OSError as error:
                    raise StoreError(
                        "The photo {path} cannot be removed ({reason}): remove the file.",
                        path=path,
                        reason=error.strerror,
                    ) from error

    # Keeping ------------------------------------------------------------------------------------

    def keep(self, digest: bytes, data: bytes, *, own: bool) -> bool:
        """Keep a photo, durable by then; whether it is new. `own`: it is one of this commune's.

        Raises BlobRefused if it is no photo, not what `digest` says, or there is
        no room for it, and StoreError if the disk takes no more. Whatever is
        raised, it is not held and nothing half written is seen.
        """
        if not 1 <= len(data) <= MAX_BLOB_BYTES:
            raise BlobRefused(
                "The photo has {size} bytes; {limit} are allowed: make it smaller.",
                size=len(data),
                limit=MAX_BLOB_BYTES,
            )
        if sha256(data).digest() != digest:
            raise BlobRefused("The photo is not the one that it should be: its bytes have changed.")
        if picture_type(data[:12]) is None:
            raise BlobRefused("This is no photo: JPEG, PNG and WebP are taken.")
        folder = self._own if own else self._others
        try:
            with self._writing:
                for each in (self._own.parent, folder):
                    each.mkdir(mode=0o700, exist_ok=True)
                opened = self.open(digest)
                if opened is not None:
                    opened[1].close()
                    if own:
                        with suppress(FileNotFoundError):  # it is there already
                            (self._others / digest.hex()).replace(self._own / digest.hex())
                    return False
                self._make_room(len(data), own=own)
                with outgoing(folder / digest.hex(), 0o600) as file:
                    file.write(data)
        except OSError as error:
            raise StoreError(
                "The photo cannot be kept in {path} ({reason}): free some space.",
                path=folder,
                reason=error.strerror,
            ) from error
        return True

    def _make_room(self, size: int, *, own: bool) -> None:
        """Drop photos of others until one more fits. Raises BlobRefused, dropping nothing, if it cannot."""
        mine = sum(file.size for file in _files(self._own))
        if mine + size > self.quota:
            raise BlobRefused(
                "There is no room for the photo: this commune's own take {used} of {quota} bytes. Allow more "
                "with the setting photo-megabytes.",
                used=mine,
                quota=self.quota,
            )
        if not own and shutil.disk_usage(self._others).free < LOW_DISK_BYTES + size:
            raise BlobRefused("The disk is nearly full: photos of others are not kept.")
        others = sorted(_files(self._others), key=lambda file: file.used)
        excess = mine + sum(file.size for file in others) + size - self.quota
        for file in others:
            if excess <= 0:
                break
            file.path.unlink(missing_ok=True)
            excess -= file.size

    def release(self, listed: Collection[bytes]) -> None:
        """Hold photos that no own listing names as others are held: those `listed` stay one's own.

        One that came in lately is left alone: the listing may not be signed yet.
        """
        names = {digest.hex() for digest in listed}
        with self._writing, suppress(OSError):
            for file in _files(self._own):
                if file.path.name not in names and self._now - file.used > UNLISTED_SECONDS:
                    self._others.mkdir(mode=0o700, exist_ok=True)
                    file.path.replace(self._others / file.path.name)
            for folder in (self._own, self._others):
                for left in folder.glob(".*"):
                    if self._now - left.stat().st_mtime > UNLISTED_SECONDS:
                        left.unlink(missing_ok=True)


def _size_if_whole(file: BinaryIO, digest: bytes) -> int | None:
    """The size of a file whose bytes have the SHA-256 `digest`, None if they have not; then at its start."""
    hashed, size = sha256(), 0
    while piece := file.read(READING_BYTES):
        size += len(piece)
        if size > MAX_BLOB_BYTES:
            return None
        hashed.update(piece)
    file.seek(0)
    return size if hashed.digest() == digest else None


def _files(folder: Path) -> Iterator[_File]:
    """The files of a folder that are whole, none if there is no such folder."""
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                with suppress(FileNotFoundError):  # somebody else dropped it
                    if not entry.name.startswith("."):
                        told = entry.stat()
                        yield _File(Path(entry.path), told.st_size, told.st_mtime)
    except FileNotFoundError:
        return
