"""The command `trueque` under a clock that can be set while it runs.

A file, which the environment names, holds by how many milliseconds the clock is
wrong, as eight bytes; it is read whenever somebody asks for the time.
"""

from __future__ import annotations

import mmap
import os
import struct
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

FILE: Final = "TRUEQUE_SOAK_CLOCK"
_WRONG: Final = struct.Struct("<q")


class Clock:
    """A clock's fault, in a file that two processes share."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(_WRONG.pack(0))
        with path.open("r+b") as file:
            self._shared = mmap.mmap(file.fileno(), _WRONG.size)

    @property
    def wrong(self) -> int:
        """By how many milliseconds it is wrong."""
        milliseconds: int = _WRONG.unpack(self._shared[:])[0]
        return milliseconds

    @wrong.setter
    def wrong(self, milliseconds: int) -> None:
        self._shared[:] = _WRONG.pack(milliseconds)

    def close(self) -> None:
        """Let go of the file."""
        self._shared.close()


def _under(clock: Clock, right: Callable[[], int]) -> None:
    """Have this process believe a clock."""
    time.time_ns = lambda: right() + clock.wrong * 1_000_000
    time.time = lambda: time.time_ns() / 1e9


def main() -> None:
    """Be the command."""
    _under(Clock(Path(os.environ[FILE])), time.time_ns)

    # Only now: whatever these take from `time` has to be what it is from here on.
    from node import clock
    from node.cli import main as trueque

    clock.today = lambda: datetime.fromtimestamp(time.time(), UTC).astimezone().date().isoformat()
    sys.argv[0] = "trueque"
    trueque()
