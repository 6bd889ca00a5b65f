"""The branches of logs, from the tables: their entries' hashes, sizes, roots and heads.

Decides nothing: it answers `replica.Branch`, and the part of `held.Holdings`
that is about branches, over any one connection. A branch that parted from
another holds only what stands from there on; here it is shown as a whole.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from .. import merkle
from ..held import Part, place_of
from ..limits import HASH_BYTES
from ..log import Head, LogKey, LogState
from ..merkle import CompactRange
from . import rows
from .typed import branch_of

MAX_REMEMBERED: Final = 10_000
"""branches, or facts of one branch or log, that an instance remembers; a few hundred bytes each."""


class BranchRow(NamedTuple):
    """A row of `branch`."""

    number: int
    log: LogKey
    base: Part | None
    start: int
    before: CompactRange
    size: int
    root: bytes
    compact: CompactRange

    @property
    def first(self) -> int:
        """The index of its own first entry; those below are its base's, or not held."""
        return self.base.end if self.base else self.start


def make_room(remembered: dict[Any, Any]) -> None:
    """Empty what is remembered once it is too much; called before adding to it."""
    if len(remembered) >= MAX_REMEMBERED:
        remembered.clear()


def split(hashes: bytes) -> CompactRange:
    """A compact range from its hashes joined together."""
    return tuple(hashes[at : at + HASH_BYTES] for at in range(0, len(hashes), HASH_BYTES))


def _row_of(found: rows.BranchRow) -> BranchRow | None:
    """A row as it was written, None if it cannot be: each stands on an older one, so that walks end."""
    row = branch_of(found)
    if row is None or row.compact is None or len(row.before) != (0 if row.base else row.start.bit_count()):
        return None
    if not isinstance(row.root, bytes) or len(row.root) != HASH_BYTES:
        return None
    return BranchRow(*row[:6], row.root, row.compact)


class Branches:
    """The branches that are held, over one connection; rows are remembered until `forget_branch`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self._branches: dict[int, BranchRow] = {}
        self._starts: dict[int, int] = {}

    def forget(self) -> None:
        """Drop everything remembered: the tables may have changed."""
        self._branches.clear()
        self._starts.clear()

    def forget_branch(self, number: int) -> None:
        """Drop what is remembered of one branch."""
        self._branches.pop(number, None)

    def note_growth(self, number: int, size: int, root: bytes, compact: CompactRange) -> None:
        """Take note of what was just written to a branch's row."""
        row = self._branches.get(number)
        if row is not None:
            self._branches[number] = row._replace(size=size, root=root, compact=compact)

    def branch(self, number: int) -> BranchRow:
        """A branch's row. Raises sqlite3.DatabaseError if there is none, or it cannot be one."""
        row = self._branches.get(number)
        if row is None:
            found = self.connection.execute(
                "SELECT number, log, base, base_end, start, before, size, root, compact FROM branch "
                "WHERE number = ?",
                (number,),
            ).fetchone()
            row = None if found is None else _row_of(rows.BranchRow(*found))
            if row is None:
                raise sqlite3.DatabaseError(f"malformed branch {number}")
            make_room(self._branches)
            self._branches[number] = row
        return row

    def branches_of(self, log: bytes) -> list[HeldBranch]:
        """All branches of a log, the first held first."""
        numbers = self.connection.execute("SELECT number FROM branch WHERE log = ? ORDER BY number", (log,))
        return [HeldBranch(self, number) for (number,) in numbers.fetchall()]

    def log_of(self, branch: int) -> LogKey:
        return self.branch(branch).log

    def lineage(self, branch: int, end: int) -> Sequence[Part]:
        if self.branch(branch).base is None:
            return (Part(branch, end),)
        # No recursion, here and below: whoever holds a log's key can fork it a thousand times over.
        parts: list[Part] = []
        while (base := self.branch(branch).base) is not None:
            if end > base.end:
                parts.append(Part(branch, end))
                end = base.end
            branch = base.branch
        parts.append(Part(branch, end))
        return tuple(reversed(parts))

    def _holder(self, branch: int, size: int) -> int:
        """The branch that holds the last of a branch's first `size` entries."""
        while (base := self.branch(branch).base) is not None and size <= base.end:
            branch = base.branch
        return branch

    def stretches(self, branch: int, start: int, end: int) -> Sequence[tuple[int, int]]:
        """Ranges of places, first and past-the-last, that hold entries `start` to `end` of a branch."""
        found: list[tuple[int, int]] = []
        while start < end:
            row = self.branch(branch)
            if (first := max(start, row.first)) < end:
                found.append((place_of(branch, first), place_of(branch, end)))
            if row.base is None:
                break
            branch, end = row.base.branch, min(end, row.base.end)
        return found[::-1]

    def leaves(self, branch: int, start: int, end: int) -> list[bytes]:
        """Leaf hashes of a branch, its lineage included."""
        stretches = self.stretches(branch, start, end)
        return [leaf for first, last in stretches for leaf in self._own_leaves(first, last)]

    def state_at(self, branch: int, size: int) -> LogState:
        """The log at a size, from the nearest compact range below it; `head` is None."""
        log, wanted = self.log_of(branch), size
        missing: list[tuple[int, int]] = []
        while True:
            row = self.branch(branch)
            if size == row.size:
                known, compact = size, row.compact
                break
            if row.base is not None and size <= row.base.end:
                branch = row.base.branch
                continue
            near = self.connection.execute(
                "SELECT size, compact FROM head WHERE branch = ? AND size <= ? AND compact IS NOT NULL "
                "ORDER BY size DESC LIMIT 1",
                (branch, size),
            ).fetchone()
            if near is not None:
                known, compact = near[0], split(near[1])
            elif row.base is None:
                known, compact = row.start, row.before
            else:
                missing.append((place_of(branch, row.base.end), place_of(branch, size)))
                branch, size = row.base
                continue
            missing.append((place_of(branch, known), place_of(branch, size)))
            break
        leaves = [leaf for first, last in reversed(missing) for leaf in self._own_leaves(first, last)]
        return LogState(log, wanted, merkle.extend_range(known, compact, leaves))

    def _own_leaves(self, first: int, last: int) -> Iterator[bytes]:
        """The leaf hashes in a range of places."""
        rows = self.connection.execute(
            "SELECT leaf FROM entry WHERE place >= ? AND place < ? ORDER BY place", (first, last)
        )
        return (leaf for (leaf,) in rows)

    def root_at(self, branch: int, size: int) -> bytes | None:
        row = self.branch(branch)
        if size > row.size:
            return None
        if size == row.size:
            return row.root
        if size < self.start(branch):
            return None
        head = self.head_of_size(branch, size)
        return head.root if head is not None else self.state_at(branch, size).root

    def start(self, branch: int) -> int:
        """The first index whose leaf is held."""
        found = self._starts.get(branch)
        if found is None:
            parts = self.lineage(branch, self.branch(branch).first)
            found = min(self.branch(parts[0].branch).start, parts[0].end)
            make_room(self._starts)
            self._starts[branch] = found
        return found

    def head_of_size(self, branch: int, size: int) -> Head | None:
        """The head held of just that size."""
        holder = self._holder(branch, size)
        row = self.connection.execute(
            "SELECT size, root, signature, extensions FROM head WHERE branch = ? AND size = ?", (holder, size)
        ).fetchone()
        return None if row is None else self.read_head(branch, row)

    def head_over(self, branch: int, index: int) -> Head:
        """The smallest head held of a size larger than `index`."""
        for part in self.lineage(branch, self.branch(branch).size):
            if index < part.end or part.branch == branch:
                row = self.connection.execute(
                    "SELECT size, root, signature, extensions FROM head WHERE branch = ? AND size > ? "
                    "AND size <= ? ORDER BY size LIMIT 1",
                    (part.branch, index, part.end),
                ).fetchone()
                if row is not None:
                    return self.read_head(branch, row)
        raise LookupError(f"Branch {branch} has no head over {index}.")

    def read_head(self, branch: int, row: tuple[int, bytes, bytes, str]) -> Head:
        """A row of `head` as a Head."""
        extensions = tuple(row[3].split("\n")) if row[3] else ()
        return Head(self.branch(branch).log, row[0], row[1], row[2], extensions)


@dataclass(frozen=True, slots=True)
class HeldBranch:
    """A branch as `replica` sees it: the whole of it, what it shares with its base included."""

    holding: Branches
    number: int

    @property
    def start(self) -> int:
        return self.holding.start(self.number)

    @property
    def size(self) -> int:
        return self.holding.branch(self.number).size

    def state(self) -> LogState:
        row = self.holding.branch(self.number)
        return LogState(row.log, row.size, row.compact, self.holding.head_of_size(self.number, row.size))

    def state_at(self, size: int) -> LogState:
        return self.holding.state_at(self.number, size)

    def leaves(self, start: int, end: int) -> list[bytes]:
        return self.holding.leaves(self.number, start, end)

    def head_over(self, index: int) -> Head:
        return self.holding.head_over(self.number, index)
