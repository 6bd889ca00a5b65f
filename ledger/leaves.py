"""The leaves of logs in memory: branches, what they share, and the roots of any size.

Decides nothing: it answers the part of `held.Holdings` that is about branches, as
the store does from its tables, from leaf hashes that are given in order. A branch
that parted from another holds only what stands from there on. What entries say
is `history`'s.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from . import merkle
from .held import INDEX_MASK, PLACE_BITS, Part, place_of
from .log import EntryId, LogKey
from .merkle import CompactRange

ROOT_STRIDE: Final = 256
"""entries between the sizes whose compact range a branch remembers; any other root costs that many hashes."""


@dataclass(slots=True)
class Stretch:
    """One branch: the leaves of its own entries, and what it stands on.

    `ranges` are the compact ranges of its first `first`, `first` + ROOT_STRIDE,
    ... entries, as far as they were needed.
    """

    number: int
    log: LogKey
    base: Part | None
    first: int
    ranges: list[CompactRange]
    leaves: bytearray = field(default_factory=bytearray)
    doubtful: int | None = None
    """from which of its own entries on it is not known what was signed; None: all is"""

    @property
    def size(self) -> int:
        return self.first + len(self.leaves) // 32

    def grow(self, leaves: Iterable[bytes]) -> None:
        """Take the leaf hashes of its next entries."""
        self.leaves += b"".join(leaves)

    def own(self, start: int, end: int) -> list[bytes]:
        """The leaf hashes of its own entries from `start` up to `end`, counted in the whole log."""
        span = range((start - self.first) * 32, (end - self.first) * 32, 32)
        return [bytes(self.leaves[at : at + 32]) for at in span]

    def leaf(self, index: int) -> bytes:
        """The leaf hash of one of its own entries."""
        at = (index - self.first) * 32
        return bytes(self.leaves[at : at + 32])


class Leaves:
    """The branches of any number of logs, by their numbers."""

    def __init__(self) -> None:
        self.branches: dict[int, Stretch] = {}
        self._of_log: dict[bytes, list[Stretch]] = {}
        self._cuts: dict[bytes, int] = {}

    def open_branch(
        self, number: int, log: LogKey, base: Part | None = None, start: int = 0, before: CompactRange = ()
    ) -> None:
        """Open a branch: of a log not held before, or off an older branch from `base.end` on.

        A log whose history is held from `start` on has roots from there on if
        the compact range `before` of what is missing is given, else none.
        """
        if base is not None and base.end == 0:
            base = None  # it shares nothing: its entry 0 is its own
        first = start if base is None else base.end
        known = [before] if len(before) == start.bit_count() and base is None else []
        branch = Stretch(number, log, base, first, known)
        self.branches[number] = branch
        self._of_log.setdefault(log, []).append(branch)

    def doubt(self, number: int, index: int) -> None:
        """Take note that a branch's leaves are not proved from `index` on: it has no roots beyond."""
        branch = self.branches[number]
        branch.doubtful = index if branch.doubtful is None else min(index, branch.doubtful)

    def add_cut(self, log: LogKey, cut: int) -> None:
        """Take note of evidence: the branches of `log` differ from index `cut` on."""
        self._cuts[log] = min(cut, self._cuts.get(log, cut))

    # Which branch -----------------------------------------------------------------------------

    def log_of(self, branch: int) -> LogKey:
        return self.branches[branch].log

    def branches_of(self, log: bytes) -> Sequence[Stretch]:
        return self._of_log.get(log, ())

    def lineage(self, branch: int, end: int) -> Sequence[Part]:
        # No recursion, here and below: whoever holds a log's key can fork it a thousand times over.
        parts: list[Part] = []
        while (base := self.branches[branch].base) is not None:
            if end > base.end:
                parts.append(Part(branch, end))
                end = base.end
            branch = base.branch
        parts.append(Part(branch, end))
        return tuple(reversed(parts))

    def _holder(self, held: Stretch, size: int) -> Stretch:
        """The branch that holds the last of a branch's first `size` entries."""
        while held.base is not None and size <= held.base.end:
            held = self.branches[held.base.branch]
        return held

    def cut(self, log: LogKey) -> int | None:
        return self._cuts.get(log)

    # Roots ------------------------------------------------------------------------------------

    def root_at(self, branch: int, size: int) -> bytes | None:
        compact = self.range_at(branch, size)
        return None if compact is None else merkle.range_root(size, compact)

    def range_at(self, branch: int, size: int) -> CompactRange | None:
        """The compact range of a branch's first `size` entries, None if they are not all held or provable."""
        held = self.branches[branch]
        return self._range_at(held, size) if size <= held.size else None

    def roots(self, branch: int) -> Iterator[tuple[int, bytes]]:
        """Every size of a branch's own stretch with its root; none if it is not known what it stands on."""
        held = self.branches[branch]
        compact = self._range_at(held, held.first)
        if compact is None:
            return
        for size in range(held.first, held.size):
            compact = merkle.extend_range(size, compact, [held.leaf(size)])
            yield size + 1, merkle.range_root(size + 1, compact)

    def _range_at(self, held: Stretch, size: int) -> CompactRange | None:
        """The compact range of a branch's first `size` entries, None if it is not known."""
        held = self._holder(held, size)
        # The branch that another stands on may not have been read so far yet.
        reach = held.size if held.doubtful is None else min(held.size, held.doubtful)
        if not held.first <= size <= reach:
            return None
        if not held.ranges:
            self._begin(held)
        if not held.ranges:
            return None
        strides = (size - held.first) // ROOT_STRIDE
        for stride in range(len(held.ranges), strides + 1):
            near = held.first + (stride - 1) * ROOT_STRIDE
            held.ranges.append(merkle.extend_range(near, held.ranges[-1], held.own(near, near + ROOT_STRIDE)))
        near = held.first + strides * ROOT_STRIDE
        return merkle.extend_range(near, held.ranges[strides], held.own(near, size))

    def _begin(self, held: Stretch) -> None:
        """Find the compact range that a branch begins with, and that of every branch below it."""
        waiting: list[Stretch] = []
        while held.base is not None and not held.ranges:
            waiting.append(held)
            held = self._holder(self.branches[held.base.branch], held.first)
        for upper in reversed(waiting):
            below = self._range_at(held, upper.first)
            if below is None:
                return
            upper.ranges.append(below)
            held = upper

    # Entries ----------------------------------------------------------------------------------

    def entry_id(self, place: int) -> EntryId:
        """The id of the entry at a place that is held."""
        return EntryId(self.branches[place >> PLACE_BITS].leaf(place & INDEX_MASK))

    def find(self, entries: Collection[bytes]) -> dict[bytes, int]:
        """Where entries are held, by their ids; one place each, looked for through all leaves."""
        found: dict[bytes, int] = {}
        for number, branch in self.branches.items() if entries else ():
            leaves = bytes(branch.leaves)
            for at in range(0, len(leaves), 32):
                if leaves[at : at + 32] in entries:
                    found.setdefault(leaves[at : at + 32], place_of(number, branch.first + at // 32))
        return found

    def leaf_at(self, branch: int, index: int) -> bytes | None:
        """The leaf hash at an index of a branch, what it shares included; None if it is not held."""
        held = self.branches[self.lineage(branch, index + 1)[-1].branch]
        return held.leaf(index) if held.first <= index < held.size else None
