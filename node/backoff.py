"""Back-off: whom to leave alone, and for how long.

Decides when somebody is tried again after a failure: after a pause that doubles
with every failure in a row and is never the same twice, so that a village whose
power comes back does not call all at once. Two books of this kind are kept: of
addresses and logs that could not be met, and of those that broke the protocol,
whose pauses are long. What counts as a failure, is the callers' to say.

Time, randomness and what is remembered on disk come from outside. Within a
process times are of a clock that never goes back; on disk they are of the wall
clock, which may be wrong by years: what is read from there never makes a pause
longer than the failures in a row would.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Final

from ledger.log import LogKey

from .limits import MAX_PEERS_KEPT
from .storage.peers import Kept

MAX_DOUBLINGS: Final = 20
"""Doublings of a pause after which it does not grow any more; a second becomes twelve days."""


@dataclass(frozen=True, slots=True)
class Pauses:
    """Seconds before somebody is tried again: after the first failure, and at the most."""

    least: float
    most: float

    def after(self, failures: int) -> float:
        """The pause after so many failures in a row."""
        return min(self.least * 2.0 ** min(failures - 1, MAX_DOUBLINGS), self.most) if failures > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Standing:
    """How it went with somebody.

    `met` is when they were met last, in milliseconds of the wall clock; `due`
    when they may be tried again, in seconds of the clock that never goes back;
    `why` the word for what the failures were.
    """

    log: LogKey | None = None
    met: int | None = None
    failures: int = 0
    due: float = 0.0
    why: str = ""


@dataclass(frozen=True, slots=True)
class Clocks:
    """Times and chance: seconds that never go back, milliseconds of the wall clock, something from 0 to 1."""

    now: Callable[[], float]
    wall: Callable[[], int]
    chance: Callable[[], float]


class Backoff:
    """A book of failures, by name: an address, a log in hex, a host. Belongs to one thread."""

    def __init__(
        self,
        pauses: Pauses,
        clocks: Clocks,
        keep: Callable[[Kept], None] = lambda kept: None,
        room: int = MAX_PEERS_KEPT,
    ) -> None:
        """`keep` is given what is to be remembered beyond this process; at most `room` names are here."""
        self._pauses = pauses
        self._clocks = clocks
        self._keep = keep
        self._room = room
        self._book: OrderedDict[str, Standing] = OrderedDict()

    def load(self, rows: Iterable[Kept]) -> None:
        """Take what was remembered; of what is in the book already nothing changes."""
        now, wall = self._clocks.now(), self._clocks.wall()
        for row in rows:
            failures = max(0, row.failures)
            left = min(max(0.0, (row.until - wall) / 1000), 1.5 * self._pauses.after(failures))
            log = None if row.log is None else LogKey(row.log)
            met = None if row.met is None else min(row.met, wall)
            self._book.setdefault(row.name, Standing(log, met, failures, now + left, row.why))
        self._make_room()

    def of(self, name: str) -> Standing:
        """How it went with somebody; with whom nothing is known, nothing did."""
        return self._book.get(name, Standing())

    def wait(self, name: str) -> float:
        """Seconds for which somebody is left alone still; 0 if they may be tried."""
        return max(0.0, self.of(name).due - self._clocks.now())

    def failed(self, name: str, why: str, most: float | None = None) -> float:
        """It went wrong once more; seconds for which they are left alone now, `most` at the most."""
        before = self.of(name)
        failures = before.failures + 1
        pause = self._pauses.after(failures) * (0.5 + self._clocks.chance())
        if most is not None:
            pause = min(pause, most)
        self._put(name, replace(before, failures=failures, due=self._clocks.now() + pause, why=why), pause)
        return pause

    def went_well(self, name: str, log: LogKey | None = None) -> None:
        """They were met, and all is forgiven."""
        self._put(name, Standing(log or self.of(name).log, self._clocks.wall()), 0.0)

    def saw(self, name: str, log: LogKey | None = None) -> None:
        """They were there until now, whatever else is to be said of it."""
        before = self.of(name)
        self._put(name, replace(before, log=log or before.log, met=self._clocks.wall()), self.wait(name))

    def forgive(self, name: str) -> None:
        """Forget what is in the book about somebody, if anything is."""
        if name in self._book and self._book[name].failures:
            self._put(name, replace(self._book[name], failures=0, due=0.0, why=""), 0.0)

    def _put(self, name: str, standing: Standing, pause: float) -> None:
        self._book[name] = standing
        self._book.move_to_end(name)
        self._make_room()
        until = self._clocks.wall() + int(pause * 1000)
        log = None if standing.log is None else bytes(standing.log)
        self._keep(Kept(name, log, standing.met, standing.failures, until, standing.why))

    def _make_room(self) -> None:
        while len(self._book) > self._room:
            self._book.popitem(last=False)
