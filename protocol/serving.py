"""Serving: what was wanted, read from what is held and put into frames.

Decides how runs share messages, when it is said that something is not held, and
how much of it is answered in one go: whoever wants a whole ledger gets it piece
by piece, and others in between. Reading takes long, and so do compressing and
hashing: all of it can be done by another thread than the one that owns the session.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from typing import BinaryIO, NamedTuple, Protocol

from ledger.descent import subtree_of
from ledger.errors import RunRefused
from ledger.log import LogKey, Run
from ledger.replica import Branch

from . import questions
from .blobs import BlobWant, chunks_of, encode_chunk, encode_no_blob
from .errors import BlobError
from .frames import Kind, to_frames
from .limits import BATCH_BYTES, MAX_BATCH_ENTRIES, MAX_BATCH_RUNS, SERVED_BYTES
from .messages import encode_run, join_runs
from .questions import Ask, Want


class Shelf(Protocol):
    """Where entries are read."""

    def runs(self, want: Want) -> Iterator[Run] | None:
        """The runs that lead from a want's start to a head of its end or beyond, None if there are none."""

    def branches(self, log: LogKey) -> Sequence[Branch]:
        """The branches of a log."""


class Served(NamedTuple):
    """The frames that answer wants, in their order, and what of them has not been answered yet."""

    frames: list[bytes]
    rest: list[Want]


class _Batches:
    """Frames under way: encoded runs that share a message."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.bytes = 0
        """bytes of all encoded runs so far"""
        self._runs: list[bytes] = []
        self._bytes = self._entries = 0

    def add(self, run: Run) -> None:
        encoded = encode_run(run)
        if (
            self._bytes + len(encoded) > BATCH_BYTES
            or self._entries + len(run.items) > MAX_BATCH_ENTRIES
            or len(self._runs) == MAX_BATCH_RUNS
        ):
            self.flush()
        self._runs.append(encoded)
        self._bytes += len(encoded)
        self.bytes += len(encoded)
        self._entries += len(run.items)

    def absent(self, log: LogKey) -> None:
        self.flush()
        self.frames += to_frames(Kind.ABSENT, questions.encode_absent(log))

    def flush(self) -> None:
        if self._runs:
            self.frames += to_frames(Kind.RUNS, join_runs(self._runs))
        self._runs, self._bytes, self._entries = [], 0, 0


def frames_for(wants: Sequence[Want], shelf: Shelf, room: int = SERVED_BYTES) -> Served:
    """Answer some wants, as many of them, and as much of the last, as come to `room` bytes of runs."""
    batches = _Batches()
    for number, want in enumerate(wants):
        at = want.start
        if batches.bytes >= room:
            batches.flush()
            return Served(batches.frames, list(wants[number:]))
        for run in shelf.runs(want) or ():
            batches.add(run)
            at = run.head.size
            if at >= want.end:
                break
            if batches.bytes >= room:
                batches.flush()
                rest = Want(want.log, at, want.end, want.root)
                return Served(batches.frames, [rest, *wants[number + 1 :]])
        if at < want.end:
            batches.absent(LogKey(want.log))
    batches.flush()
    return Served(batches.frames, [])


def hashes_for(ask: Ask, shelf: Shelf) -> list[bytes]:
    """The answer to a question about a tree; empty if the branch of that head is not held."""
    for branch in shelf.branches(LogKey(ask.log)):
        if branch.start <= ask.size <= branch.size and branch.state_at(ask.size).root == ask.root:
            try:
                return [subtree_of(branch, start, end) for start, end in ask.spans]
            except RunRefused:
                return []
    return []


def frames_of_blob(want: BlobWant, lent: tuple[int, BinaryIO] | None) -> Generator[list[bytes], None, None]:
    """The frames that answer a question for a blob, a chunk at a time; `lent` is its size and its file.

    The file is read as it goes, and closed at the end or with the generator; one that turns out to be
    another is broken off, and said not to be held.
    """
    if lent is not None:
        size, file = lent
        try:
            with file:
                for chunk in chunks_of(want.digest, size, file):
                    yield list(to_frames(Kind.BLOB, encode_chunk(chunk), compress=False))
            return
        except (BlobError, OSError):
            pass
    yield list(to_frames(Kind.NO_BLOB, encode_no_blob(want.digest)))
