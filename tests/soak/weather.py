"""What befalls the communes of a soak: by a seed, at the times that chance says, each for a while.

Decides what happens and when it ends; a commune to which something happens is
left alone by the rest until then, wires and partitions aside. In the end
everything is mended, whatever was under way.
"""

from __future__ import annotations

import heapq
import itertools
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from random import Random
from typing import Final

from .commune import STOP_SECONDS, Commune
from .wires import Way, Wire

_MEAN_SECONDS: Final = 4.0
"""seconds between two things that happen, on average"""
_HOUR: Final = 3_600_000
_YEAR: Final = 365 * 24 * _HOUR
_WRONG: Final = (_HOUR, -_HOUR, -48 * _HOUR, 40 * 24 * _HOUR, -56 * _YEAR, 74 * _YEAR)
"""milliseconds by which a clock may be wrong: about 1970 and 2100 at the ends"""
_PIECE: Final = 1 << 20

Happening = Callable[[], bool]


class Weather:
    """All that happens; one thread, that of whoever calls."""

    def __init__(
        self,
        communes: Sequence[Commune],
        wires: Mapping[tuple[int, int], Wire],
        random: Random,
        join: Callable[[Commune], None],
        disks: Sequence[Commune],
    ) -> None:
        """`wires` by the places of the communes that they join; `disks`: those with a disk of their own."""
        self.happened: Counter[str] = Counter()
        self.slowest_stop = 0.0
        self.faults: list[str] = []
        self._communes = communes
        self._wires = wires
        self._random = random
        self._join = join
        self._disks = disks
        self._planned: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._troubled: set[str] = set()
        self._sides: set[int] = set()
        self._down: dict[tuple[int, int], Way] = {}

    def blow(self, seconds: float, told: Callable[[float], None]) -> None:
        """Let things happen for so long; `told` hears how many seconds have gone by."""
        begun = time.monotonic()
        happenings: Sequence[tuple[Happening, int]] = (
            (self._kill, 4), (self._leave, 3), (self._break_a_wire, 4), (self._part, 1),
            (self._misset_a_clock, 2), (self._fill_a_disk, 2), (self._newcomer, 3),
        )  # fmt: skip
        what, weights = [each for each, _ in happenings], [weight for _, weight in happenings]
        following = begun
        while (now := time.monotonic()) < begun + seconds:
            told(now - begun)
            while self._planned and self._planned[0][0] <= now:
                heapq.heappop(self._planned)[2]()
            if now >= following:
                (happening,) = self._random.choices(what, weights)
                if happening():
                    self.happened[happening.__name__.strip("_")] += 1
                following = now + self._random.expovariate(1 / _MEAN_SECONDS)
            time.sleep(0.1)
        told(seconds)

    def clear(self) -> None:
        """Mend all of it: wires, clocks, disks; who stands still starts, and who never came comes."""
        while self._planned:
            heapq.heappop(self._planned)[2]()
        for commune in self._communes:
            if not commune.joined:
                self._join(commune)
        for wire in self._wires.values():
            wire.turn(Way.UP)

    # --- what can happen: each says whether it did -------------------------------------------------

    def _kill(self) -> bool:
        commune = self._somebody()
        if commune is None:
            return False
        commune.kill()
        self._for(commune, self._random.uniform(0, 20), commune.start)
        return True

    def _leave(self) -> bool:
        commune = self._somebody()
        if commune is None:
            return False
        with self._noting():
            seconds = commune.leave()
            self.slowest_stop = max(self.slowest_stop, seconds)
            if seconds > STOP_SECONDS:
                raise RuntimeError(f"the node of {commune.name} took {seconds:.1f} s to stop")
        self._for(commune, self._random.uniform(5, 60), commune.start)
        return True

    def _break_a_wire(self) -> bool:
        ends = self._random.choice(sorted(self._wires))
        if ends in self._down:
            return False
        self._down[ends] = self._random.choice([Way.CUT, Way.STALLED])
        self._turn(ends)

        def mend() -> None:
            del self._down[ends]
            self._turn(ends)

        self._plan(self._random.uniform(5, 60), mend)
        return True

    def _part(self) -> bool:
        if self._sides:
            return False
        self._sides = set(self._random.sample(range(len(self._communes)), len(self._communes) // 2))
        self._turn_all()

        def join() -> None:
            self._sides = set()
            self._turn_all()

        self._plan(self._random.uniform(20, 90), join)
        return True

    def _misset_a_clock(self) -> bool:
        commune = self._somebody()
        if commune is None:
            return False
        commune.clock.wrong = self._random.choice(_WRONG)

        def right() -> None:
            commune.clock.wrong = 0

        self._for(commune, self._random.uniform(5, 40), right)
        return True

    def _fill_a_disk(self) -> bool:
        commune = self._somebody(self._disks)
        if commune is None:
            return False
        ballast = commune.home.parent / "ballast"
        with suppress(OSError), ballast.open("wb") as file:
            # The last bytes too, one by one: a disk is full only when nothing fits any more.
            for piece in (_PIECE, 4_096, 1):
                with suppress(OSError):
                    while True:
                        file.write(bytes(piece))
                        file.flush()
        self._for(commune, self._random.uniform(5, 30), ballast.unlink)
        return True

    def _newcomer(self) -> bool:
        commune = next((each for each in self._communes if not each.joined), None)
        if commune is None:
            return False
        with self._noting():
            self._join(commune)
        return True

    # --- how -----------------------------------------------------------------------------------------

    def _somebody(self, among: Sequence[Commune] | None = None) -> Commune | None:
        free = [
            commune
            for commune in (self._communes if among is None else among)
            if commune.joined and commune.name not in self._troubled
        ]
        return self._random.choice(free) if free else None

    def _for(self, commune: Commune, seconds: float, then: Callable[[], None]) -> None:
        self._troubled.add(commune.name)

        def over() -> None:
            with self._noting():
                then()
            self._troubled.discard(commune.name)

        self._plan(seconds, over)

    def _plan(self, seconds: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._planned, (time.monotonic() + seconds, next(self._numbers), action))

    @contextmanager
    def _noting(self) -> Iterator[None]:
        """What a node does that it may not do is noted, and the soak goes on: it may show more."""
        try:
            yield
        except RuntimeError as fault:
            self.faults.append(str(fault))

    def _turn_all(self) -> None:
        for ends in self._wires:
            self._turn(ends)

    def _turn(self, ends: tuple[int, int]) -> None:
        one, other = ends
        apart = bool(self._sides) and (one in self._sides) != (other in self._sides)
        self._wires[ends].turn(Way.CUT if apart else self._down.get(ends, Way.UP))
