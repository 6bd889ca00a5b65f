"""Sights: heads of logs in the `seen` of entries, each good once its signature was verified.

Decides that a head is verified once, and only when a rule asks for it. What it is
worth that somebody has seen a head, `standing` and `witness` say.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from .held import PLACE_BITS, Part, Sight, place_of
from .log import Head, LogKey


class Shown(NamedTuple):
    """A head in the `seen` of an entry, and the place of that entry."""

    place: int
    head: Head


@dataclass(slots=True)
class _Seen:
    """Heads of one log in the entries of one branch, in their order.

    `most` is, for each, the largest size among it and those before: what was
    seen of a log accumulates, so the first that covers an entry is found by halving.
    """

    indexes: list[int] = field(default_factory=list)
    heads: list[Head] = field(default_factory=list)
    most: list[int] = field(default_factory=list)

    def add(self, index: int, head: Head) -> None:
        self.indexes.append(index)
        self.heads.append(head)
        self.most.append(max(head.size, self.most[-1]) if self.most else head.size)

    def above(self, size: int, end: int) -> Iterator[tuple[int, Head]]:
        """Index and head of those beyond a size, in entries below `end`."""
        for at in range(bisect_right(self.most, size), len(self.heads)):
            if self.indexes[at] >= end:
                return
            if self.heads[at].size > size:
                yield self.indexes[at], self.heads[at]


class Sights:
    """All heads that entries have seen; `verify` says whether one is validly signed."""

    def __init__(self, verify: Callable[[Head], bool]) -> None:
        self._verify = verify
        self._seen: dict[bytes, dict[int, _Seen]] = {}
        self._sound: dict[Head, bool] = {}

    def add(self, branch: int, index: int, heads: Sequence[Head]) -> None:
        """Take the heads in the `seen` of an entry, which stands above those taken of its branch before."""
        for head in heads:
            by_branch = self._seen.setdefault(head.log, {})
            seen = by_branch.get(branch)
            if seen is None:
                seen = by_branch[branch] = _Seen()
            seen.add(index, head)

    def within(self, parts: Sequence[Part], log: LogKey, above: int) -> Iterator[Sight]:
        """As `held.Holdings.sights`."""
        seen = self._seen.get(log, {})
        for part in parts:
            found = seen.get(part.branch)
            if found is not None:
                for index, head in found.above(above, part.end):
                    if self._is_sound(head):
                        yield Sight(place_of(part.branch, index), head.size, head.root)

    def anywhere(self, log: LogKey, above: int) -> Iterator[Sight]:
        """As `held.Vouchers.all_sights`."""
        for branch, seen in self._seen.get(log, {}).items():
            for index, head in seen.above(above, 1 << PLACE_BITS):
                if self._is_sound(head):
                    yield Sight(place_of(branch, index), head.size, head.root)

    def shown(self) -> Iterator[Shown]:
        """Every head, whether or not it is signed, those of one log together."""
        for branches in self._seen.values():
            for branch, seen in branches.items():
                for index, head in zip(seen.indexes, seen.heads, strict=True):
                    yield Shown(place_of(branch, index), head)

    def _is_sound(self, head: Head) -> bool:
        sound = self._sound.get(head)
        if sound is None:
            sound = self._sound[head] = self._verify(head)
        return sound
