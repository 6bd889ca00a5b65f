"""Outgoing files: written beside the place where they belong, and put there once they are whole.

Decides that what stood there before stands until then, and that two programs
which write the same file at once do not write into each other's. What is in
the files is the callers'.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast


@contextlib.contextmanager
def outgoing(path: Path, mode: int = 0o666) -> Iterator[BinaryIO]:
    """A new file that replaces what stands at `path` when the block ends well, durable by then.

    It gets the permissions `mode`, less the process's umask. Raises OSError;
    whatever goes wrong, `path` is left as it was.
    """
    # A name that nothing has, so that no other program writes there, and no link laid there is followed.
    descriptor, name = tempfile.mkstemp(prefix=".trueque-", suffix=".new", dir=path.parent)
    temporary = Path(name)
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


def _permit(descriptor: int, mode: int) -> None:
    """Give a file that is its owner's alone the permissions `mode`, less the umask."""
    mask = os.umask(0o077)  # it can only be read by setting it
    os.umask(mask)
    if mode & ~mask != 0o600:
        with contextlib.suppress(PermissionError):  # the file systems of most sticks have no permissions
            os.fchmod(descriptor, mode & ~mask)


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError:
        pass  # some file systems of sticks cannot; the file itself is on disk
    finally:
        os.close(descriptor)
