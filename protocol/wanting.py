"""Wanting: entries over one session, what each side wants of the other and has not had.

Decides which run may come next, so that nothing is taken that was not asked for,
how much may be wanted at once, and that it is answered in the order in which it
was wanted. What to want is `pulling`'s, how it is answered `serving`'s; for blobs
`lending` decides the same (docs/spec/session.md).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ledger.log import LogKey, Run

from .errors import Misbehaved
from .limits import MAX_OPEN_WANTS
from .questions import Want


@dataclass(slots=True)
class _Open:
    """Something wanted, and from where on it is missing."""

    want: Want
    at: int

    def goes_on(self, run: Run) -> bool:
        """Whether a run is the next one of this; a log may be held from a later index on."""
        if run.head.log != self.want.log:
            return False
        if run.start == self.at:
            return True
        return bool(run.before) and self.at == self.want.start == 0 and run.start < self.want.end


class Wanted:
    """What this side wants of the other, in the order in which it was asked for."""

    def __init__(self) -> None:
        self._open: deque[_Open] = deque()

    def __len__(self) -> int:
        return len(self._open)

    def want(self, wants: Iterable[Want]) -> None:
        """Take note of what is asked for; heads come when they come, and are not waited for."""
        self._open += [_Open(want, want.start) for want in wants if not want.is_for_heads]

    def take(self, runs: Sequence[Run]) -> list[Want]:
        """Take the next runs; returns what has come to its end by them. Raises Misbehaved."""
        satisfied: list[Want] = []
        for run in runs:
            front = self._open[0] if self._open else None
            if front is None or not front.goes_on(run):
                raise Misbehaved("The other side sends entries that were not asked for.")
            front.at = run.head.size
            if front.at >= front.want.end:
                if front.want.root and (front.at, run.head.root) != (front.want.end, front.want.root):
                    raise Misbehaved("The other side sends another branch than was asked for.")
                satisfied.append(front.want)
                self._open.popleft()
        return satisfied

    def miss(self, log: LogKey) -> Want:
        """Take the answer that the other side does not hold what is wanted next. Raises Misbehaved."""
        if not self._open or self._open[0].want.log != log:
            raise Misbehaved("The other side lacks what was not asked for.")
        return self._open.popleft().want


class Owed:
    """What the other side wants of this one, in the order in which it asked."""

    def __init__(self) -> None:
        self._open: deque[Want] = deque()

    def want(self, wants: Iterable[Want]) -> None:
        """Take note of what it asks for. Raises Misbehaved if that is too much at once."""
        self._open += wants
        if len(self._open) > MAX_OPEN_WANTS:
            raise Misbehaved(
                "The other side wants more at once than the {limit} things allowed.", limit=MAX_OPEN_WANTS
            )

    def take(self, limit: int) -> list[Want]:
        """The next to be answered, at most `limit`."""
        return [self._open.popleft() for _ in range(min(limit, len(self._open)))]

    def put_back(self, rest: Sequence[Want]) -> None:
        """Take note that of what `take` gave this has not been answered: it is the next again."""
        self._open.extendleft(reversed(rest))
