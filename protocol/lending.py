"""Lending: blobs over one session, what each side wants of the other and how fast it gets it.

Decides which chunk may come next, so that nothing is taken that was not asked
for and nothing counts before its last byte; how many may be wanted at once; and
how many bytes a neighbour gets in which time. Whom to ask is `fetching`'s, where
chunks wait behind everything else the driver's (docs/spec/session.md).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from .blobs import BlobCheck, BlobChunk, BlobWant
from .errors import Misbehaved
from .limits import LENT_AT_ONCE_BYTES, LENT_BYTES_PER_SECOND, LENT_LEAST_BYTES, MAX_OPEN_BLOBS


class Borrowing:
    """What this side wants of the other, in the order in which it was asked for."""

    def __init__(self) -> None:
        self._wanted: deque[BlobWant] = deque()
        self._check = BlobCheck()

    def __len__(self) -> int:
        return len(self._wanted)

    def want(self, want: BlobWant) -> None:
        """Take note of what is asked for."""
        assert len(self._wanted) < MAX_OPEN_BLOBS, "no more at once"
        self._wanted.append(want)

    def take(self, chunk: BlobChunk) -> BlobWant:
        """Take a chunk of what is wanted first; returns that. Raises Misbehaved, BlobError."""
        if not self._wanted or self._wanted[0].digest != chunk.digest:
            raise Misbehaved("The other side sends a blob that was not asked for.")
        return self._wanted.popleft() if self._check.take(chunk) else self._wanted[0]

    def miss(self, digest: bytes) -> BlobWant:
        """Take the answer that it is not given, or not to its end. Raises Misbehaved."""
        if not self._wanted or self._wanted[0].digest != digest:
            raise Misbehaved("The other side lacks a blob that was not asked for.")
        self._check = BlobCheck()
        return self._wanted.popleft()


class Lending:
    """What the other side wants of this one, and how many bytes it may get now."""

    def __init__(self, now: float) -> None:
        self._wanted: deque[BlobWant] = deque()
        self._room: float = LENT_AT_ONCE_BYTES
        self._counted = now

    def want(self, want: BlobWant) -> None:
        """Take note of what is asked for. Raises Misbehaved if that is too much at once."""
        if len(self._wanted) >= MAX_OPEN_BLOBS:
            raise Misbehaved(
                "The other side wants more blobs at once than the {limit} allowed.", limit=MAX_OPEN_BLOBS
            )
        self._wanted.append(want)

    @property
    def first(self) -> BlobWant | None:
        """What is to be answered now, None if nothing is wanted."""
        return self._wanted[0] if self._wanted else None

    def answered(self) -> None:
        """Take note that the first want has been answered to its end."""
        self._wanted.popleft()

    def pause(self, now: float) -> float:
        """How many seconds to wait before anything is sent."""
        self._count(now)
        return 0.0 if self._room > 0 else -self._room / LENT_BYTES_PER_SECOND

    def spend(self, frames: Sequence[bytes], now: float) -> None:
        """Take note of what is sent."""
        self._count(now)
        self._room -= max(LENT_LEAST_BYTES, sum(map(len, frames)))

    def _count(self, now: float) -> None:
        accrued = max(0.0, now - self._counted) * LENT_BYTES_PER_SECOND
        self._room = min(LENT_AT_ONCE_BYTES, self._room + accrued)
        self._counted = max(self._counted, now)
