"""Descending to the cut: where two trees of one log first differ.

Decides which subtree hashes to ask of the side that holds the other tree, and
believes none that does not hash up to what it answered before, the first of
all being the root that the log's own key signed. So it ends either at the
first leaf that differs, with that leaf's inclusion proof, or with the peer's
fault. Reads no socket: `protocol` carries questions and answers.

A round asks for the 16 subtrees four levels below the one in question, 512
bytes, and so a log of a million entries takes five rounds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from . import merkle
from .errors import EvidenceError, Unconnected
from .evidence import Proven
from .limits import HASH_BYTES, MAX_DESCENT_LEVELS
from .log import Head
from .replica import Branch

Span = tuple[int, int]
"""A subtree: the index of its first leaf, and the one after its last."""

_CHUNK: Final = 4_096
"""leaf hashes held in memory at once while a subtree is hashed."""


class Descent:
    """The search for the first index at which a peer's tree differs from one's own.

    `head` is the peer's, its signature already checked; `size` is that of
    one's own tree and `subtree(start, end)` its hashes, asked for subtrees
    with `end <= size` only. One instance belongs to one session.

    Ask the peer for `wants`, give its answers to `take`, until `is_done`. Then
    `found` is the peer's first differing entry, or None where the shorter tree
    is the beginning of the longer one and there is no fork.
    """

    def __init__(self, head: Head, size: int, subtree: Callable[[int, int], bytes]) -> None:
        self.found: Proven | None = None
        self.is_done = False
        self.cut = 0
        self._head = head
        self._size = size
        self._subtree = subtree
        self._at: Span = (0, head.size)
        self._known: dict[Span, bytes] = {self._at: head.root}
        self._siblings: list[bytes] = []
        self._walk()

    @property
    def wants(self) -> list[Span]:
        """The subtrees whose hashes the peer is asked for next, left to right; empty when done."""
        return [] if self.is_done else list(_parts(self._at, MAX_DESCENT_LEVELS))

    def take(self, hashes: Sequence[bytes]) -> None:
        """Take the peer's answer to `wants`, one hash each.

        Raises EvidenceError if the hashes are not those under the peer's own
        head; the search stands where it stood.
        """
        wants = self.wants
        if len(hashes) != len(wants) or any(len(one) != HASH_BYTES for one in hashes):
            raise EvidenceError(
                "The peer was asked for {count} hashes of its tree and gave others.", count=len(wants)
            )
        known = dict(zip(wants, hashes, strict=True))
        if not wants or _fold(self._at, known) != self._known[self._at]:
            raise EvidenceError(
                "The peer's hashes are not those under its head of size {size}.", size=self._head.size
            )
        self._known = known
        self._walk()

    def _walk(self) -> None:
        """Follow the first difference as far down as the peer's hashes are known."""
        while not self.is_done:
            start, end = self._at
            if start >= self._size:
                self.is_done = True  # all that both trees have agrees
            elif end - start == 1:
                self.is_done = True
                if self._known[self._at] != self._subtree(start, end):
                    self.cut = start
                    proof = tuple(reversed(self._siblings))
                    self.found = Proven(self._head, self._known[self._at], proof)
            elif (left := (start, _middle(start, end))) not in self._known:
                return
            else:
                right = (left[1], end)
                # Where the left subtree goes beyond one's own tree, so does all of the right one.
                same = left[1] <= self._size and self._known[left] == self._subtree(*left)
                self._siblings.append(self._known[left if same else right])
                self._at = right if same else left


def subtree_of(branch: Branch, start: int, end: int) -> bytes:
    """The hash of a subtree of a held branch: what a descent asks of one's own side, and of the other.

    The leaves from `start` to before `end` have to be a subtree of the tree of
    some size: `start` a multiple of the smallest power of two that is not less
    than their number. Raises Unconnected where the branch does not hold them.
    """
    width = end - start
    span = 1 << (width - 1).bit_length()
    if not 0 <= start < end <= branch.size or start % span:
        raise Unconnected(
            "The entries from {start} to {end} are no subtree of what is held.", start=start, end=end
        )
    size, compact = 0, merkle.CompactRange()
    if start < branch.start:
        older = branch.state_at(branch.start).compact
        size = branch.start - start
        if end < branch.start or size == span:
            # One of the full subtrees of the compact range is all that is left of what it covers.
            is_kept = width == span and branch.start & width and start == branch.start & -(2 * width)
            if not is_kept:
                raise Unconnected(
                    "This log is held from index {first}; {start} to {end} is older.",
                    first=branch.start,
                    start=start,
                    end=end,
                )
            return older[start.bit_count()]
        compact = older[-size.bit_count() :]  # the subtrees that lie from `start` on
    while size < width:
        leaves = branch.leaves(start + size, min(end, start + size + _CHUNK))
        compact = merkle.extend_range(size, compact, leaves)
        size += len(leaves)
    return merkle.range_root(width, compact)


def _middle(start: int, end: int) -> int:
    """Where RFC 6962 splits a subtree: after the largest power of two that is less than its size."""
    return start + (1 << ((end - start - 1).bit_length() - 1))


def _parts(span: Span, levels: int) -> Iterator[Span]:
    """The subtrees `levels` below a span, left to right; a leaf that is met earlier stands for itself."""
    start, end = span
    if levels == 0 or end - start == 1:
        yield span
    else:
        middle = _middle(start, end)
        yield from _parts((start, middle), levels - 1)
        yield from _parts((middle, end), levels - 1)


def _fold(span: Span, known: dict[Span, bytes]) -> bytes:
    """The hash of a span from those of its parts, the hashes on the way added to `known`."""
    if span not in known:
        start, end = span
        middle = _middle(start, end)
        known[span] = merkle.node_hash(_fold((start, middle), known), _fold((middle, end), known))
    return known[span]
