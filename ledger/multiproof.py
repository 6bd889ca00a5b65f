"""A multi-proof: that several leaves stand in one tree, with the hashes that their paths share given once.

Decides which hashes prove a set of leaves, in which order, and which nodes of
the tree follow from them: the root, and the roots of smaller trees as far as
they are known. The tree is `merkle`'s; whose leaves they are, and who signs the
root, is left to the callers.

The hashes are those of the largest subtrees without any of the leaves, from
left to right. Nothing else has the right number and gives the same root, so a
set of leaves has one multi-proof (docs/spec/receipt.md).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from . import merkle


def middle(start: int, end: int) -> int:
    """Where a subtree of more than one leaf parts: after the largest power of two of them below all."""
    return start + (1 << ((end - start - 1).bit_length() - 1))


def gaps(size: int, indexes: Sequence[int]) -> Iterator[tuple[int, int]]:
    """The largest subtrees of a tree of `size` leaves that hold none of `indexes`, from left to right.

    `indexes` ascend, at least one, all below `size`. Each subtree is given as
    (start, end). Takes O(indexes x levels).
    """
    waiting = [(0, size)]
    while waiting:
        start, end = waiting.pop()
        first = bisect_left(indexes, start)
        if first == len(indexes) or indexes[first] >= end:
            yield start, end
        elif end - start > 1:
            parting = middle(start, end)
            waiting += [(parting, end), (start, parting)]


def prove(size: int, indexes: Sequence[int], subtree: Callable[[int, int], bytes]) -> list[bytes]:
    """The multi-proof of these leaves; `subtree` gives the hash of a subtree by its start and end."""
    return [subtree(start, end) for start, end in gaps(size, indexes)]


class PartialTree:
    """What is known of a tree of `size` leaves by some of its leaves and their multi-proof.

    The leaves themselves may be put in one by one; until then what depends on
    them is not known. Nothing is proved before `root()` is compared with one
    that is signed.
    """

    def __init__(self, size: int, indexes: Sequence[int], proof: Sequence[bytes]) -> None:
        """Raises ValueError if `indexes` do not ascend below `size`, or `proof` is not of their number."""
        if not indexes or indexes[0] < 0 or indexes[-1] >= size:
            raise ValueError(f"a tree of {size} leaves has not the leaves to be proved")
        if any(one >= other for one, other in pairwise(indexes)):
            raise ValueError("the leaves to be proved do not ascend")
        self.size = size
        self._indexes = tuple(indexes)
        self._known: dict[tuple[int, int], bytes] = {}
        hashes = iter(proof)
        for gap in gaps(size, indexes):
            node = next(hashes, None)
            if node is None:
                raise ValueError("the proof has too few hashes")
            self._known[gap] = node
        if next(hashes, None) is not None:
            raise ValueError("the proof has too many hashes")

    def put(self, index: int, leaf: bytes) -> None:
        """Put in one of the leaves that the proof is for."""
        assert self._holds_a_leaf(index, index + 1)
        self._known[index, index + 1] = leaf

    def root(self) -> bytes | None:
        """The root of the whole tree; None while a leaf is missing."""
        return self._node(0, self.size)

    def root_at(self, size: int) -> bytes | None:
        """The root of the first `size` leaves, None if it does not follow from what is known."""
        if size == self.size:
            return self.root()
        if not 0 < size < self.size:
            return merkle.EMPTY_ROOT if size == 0 else None
        compact = []
        start = 0
        for bit in range(size.bit_length() - 1, -1, -1):
            if size >> bit & 1:
                node = self._node(start, start + (1 << bit))
                if node is None:
                    return None
                compact.append(node)
                start += 1 << bit
        return merkle.range_root(size, tuple(compact))

    def _node(self, start: int, end: int) -> bytes | None:
        """The hash of a subtree, worked out from what is below it; remembered once it is known."""
        known = self._known.get((start, end))
        if known is not None or end - start == 1 or not self._holds_a_leaf(start, end):
            return known
        parting = middle(start, end)
        left, right = self._node(start, parting), self._node(parting, end)
        if left is None or right is None:
            return None
        node = self._known[start, end] = merkle.node_hash(left, right)
        return node

    def _holds_a_leaf(self, start: int, end: int) -> bool:
        """Whether one of the leaves to be proved lies in a subtree."""
        first = bisect_left(self._indexes, start)
        return first < len(self._indexes) and self._indexes[first] < end
