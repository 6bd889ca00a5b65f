"""Outgoing files: written beside the place where they belong, and put there once they are whole.

Decides that what stood there before stands until then, that two programs
which write the same file at once do not write into each other's, and what may
be replaced at all. What a program that was killed left half written is removed
by the next one that writes in that folder. What is in the files is the callers'.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final, cast

_PREFIX: Final = ".trueque-"
_SUFFIX: Final = ".new"


def is_replaceable(path: Path, sign: bytes, within: int) -> bool:
    """Whether nothing stands at `path`, or a file that holds `sign` in its first bytes. Raises OSError."""
    if not path.exists():
        return True
    if not path.is_file():
        return False  # a pipe or a device: reading it might never end
    with path.open("rb") as file:
        return sign in file.read(within)


def write_new(path: Path, data: bytes, mode: int = 0o666) -> None:
    """Write a file where there is none, durable by then. Raises FileExistsError, OSError.

    Whatever goes wrong, there is none afterwards.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(descriptor)
    except BaseException:
        with contextlib.suppress(OSError):
            path.unlink()
        raise
    _sync_folder(path.parent)


@contextlib.contextmanager
def outgoing(path: Path, mode: int = 0o666) -> Iterator[BinaryIO]:
    """A new file that replaces what stands at `path` when the block ends well, durable by then.

    It gets the permissions `mode`, less the process's umask. Raises OSError;
    whatever goes wrong, `path` is left as it was.
    """
    descriptor, temporary = _temporary(path.parent)
    try:
        with cast(BinaryIO, os.fdopen(descriptor, "wb")) as file:
            _permit(descriptor, mode)
            yield file
            file.flush()
            os.fsync(descriptor)
        temporary.replace(path)
        _sync_folder(path.parent)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _temporary(folder: Path) -> tuple[int, Path]:
    """A new file, locked for as long as it is written; what nobody writes any more is removed."""
    for left in folder.glob(f"{_PREFIX}*{_SUFFIX}"):
        with contextlib.suppress(OSError):
            _remove_if_left(left)
    while True:
        # A name that nothing has, so that no other program writes there, and no link laid there is followed.
        descriptor, name = tempfile.mkstemp(prefix=_PREFIX, suffix=_SUFFIX, dir=folder)
        with contextlib.suppress(OSError):  # some file systems know no locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink:
            return descriptor, Path(name)
        os.close(descriptor)  # another program took it for one that was left, before it was locked


def _remove_if_left(path: Path) -> None:
    """Remove a file that its writer left half written. Raises OSError if it is being written, and locked."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink()
    finally:
        os.close(descriptor)


def _permit(descriptor: int, mode: int) -> None:
    """Give a file that is its owner's alone the permissions `mode`, less the umask."""
    mask = os.umask(0o077)  # it can only be read by setting it
    os.umask(mask)
    if mode & ~mask != 0o600:
        with contextlib.suppress(PermissionError):  # the file systems of most sticks have no permissions
            os.fchmod(descriptor, mode & ~mask)


def _sync_folder(path: Path) -> None:
    """Make durable which names a folder holds."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError:
        pass  # some file systems of sticks cannot; the file itself is on disk
    finally:
        os.close(descriptor)
