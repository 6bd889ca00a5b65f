"""Rows of the kept tables as values that have their types.

Decides which values of a row can be what they should be, and refuses the
others; whether they are true is the audit's to find. After damage, or by
somebody's hand, a column of SQLite can hold any type.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final, NamedTuple, TypeGuard

import msgspec

from ..held import Part
from ..limits import HASH_BYTES, MAX_INDEX, MAX_TIME
from ..log import Head, LogKey
from ..merkle import CompactRange
from .rows import MAX_BRANCHES, BranchRow, EntryRow, HeadRow, Value

_EPOCH: Final = date(1970, 1, 1)


class Branch(NamedTuple):
    """A row of `branch`: whose log, what it stands on, and where it says to end.

    `start`, `base` and `log` have to make sense for it to be read at all. The
    rest is repeated elsewhere: `size` is -1 and `compact` None if they cannot be.
    """

    number: int
    log: LogKey
    base: Part | None
    start: int
    before: CompactRange
    size: int
    root: Value
    compact: CompactRange | None

    @property
    def first(self) -> int:
        """The index of its own first entry."""
        return self.base.end if self.base else self.start


def branch_of(row: BranchRow) -> Branch | None:
    """A row of `branch`, None if it cannot be told which entries belong to it."""
    if not isinstance(row.number, int) or not 0 <= row.number < MAX_BRANCHES:
        return None
    if not isinstance(row.log, bytes) or len(row.log) != HASH_BYTES:
        return None
    base: Part | None = None
    if row.base is not None:
        if not isinstance(row.base, int) or not row.base < row.number or not _is_size(row.base_end):
            return None
        base = Part(row.base, row.base_end)
    elif not _is_size(row.start):
        return None
    start = row.start if _is_size(row.start) else 0
    size = row.size if _is_size(row.size) else -1
    before = hashes_of(row.before, start) or ()
    return Branch(
        row.number, LogKey(row.log), base, start, before, size, row.root, hashes_of(row.compact, size)
    )


def head_of(log: LogKey, row: HeadRow) -> Head | None:
    """A row of `head` as a head, None if it cannot be one."""
    try:
        lines = row.extensions.decode() if isinstance(row.extensions, bytes) else None
        if lines is None:
            return None
        extensions = lines.split("\n") if lines else []
        return msgspec.convert([log, row.size, row.root, row.signature, extensions], Head)
    except (msgspec.ValidationError, UnicodeDecodeError):
        return None


def hashes_of(value: Value, size: int) -> CompactRange | None:
    """A compact range of `size` entries from its hashes joined together, None if it has not their number."""
    if not isinstance(value, bytes) or size < 0 or len(value) != size.bit_count() * HASH_BYTES:
        return None
    return tuple(value[at : at + HASH_BYTES] for at in range(0, len(value), HASH_BYTES))


def day_of(value: Value) -> str:
    """Milliseconds since 1970 as a date in UTC, like 2030-01-31; a question mark if they are none."""
    if not isinstance(value, int) or not 0 <= value <= MAX_TIME:
        return "?"
    return (_EPOCH + timedelta(milliseconds=value)).isoformat()


def text_of(value: Value) -> str:
    """The bytes of a text as text, with a question mark for what is none."""
    return value.decode(errors="replace") if isinstance(value, bytes) else "?"


def _is_size(value: Value) -> TypeGuard[int]:
    return isinstance(value, int) and 0 <= value <= MAX_INDEX + 1


class Source:
    """The entries of a branch's own stretch, taken in order, as many at a time as are wanted."""

    def __init__(self, batches: Iterator[list[EntryRow]]) -> None:
        self._batches = batches
        self._rows: list[EntryRow] = []
        self._at = 0

    def skip(self, below: int) -> int:
        """Leave out the rows of places lower than `below`; how many there were."""
        skipped = 0
        while self.take(1, below):  # one at a time: no more is read ahead than there is to leave out
            skipped += 1
        return skipped

    def take(self, count: int, below: int | None = None) -> list[EntryRow]:
        """The next rows, at most `count`, of places lower than `below`; none at the end or before a gap."""
        while len(self._rows) - self._at < count:
            batch = next(self._batches, None)
            if batch is None:
                break
            self._rows = self._rows[self._at :] + batch
            self._at = 0
        taken = self._rows[self._at : self._at + count]
        if taken and below is not None and taken[-1][0] >= below:
            taken = [row for row in taken if row[0] < below]
        self._at += len(taken)
        return taken
