"""Calling: what becomes of the addresses that logs have signed, in a running node.

Decides which of the nodes are called, and when one is given up; and says this
node's own addresses, if its operator wants it. Which are believed is `hearsay`'s,
what is told to whom `protocol.spreading`'s, where may be called `places`', and
when somebody is tried `meeting`'s.

Belongs to the event loop's thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from ledger.log import LogKey
from protocol.addresses import Addresses, Place, sign_addresses
from protocol.limits import MAX_KNOWN_ADDRESSES
from protocol.spreading import Spreading

from . import journal
from .choice import position_of
from .limits import (
    GIVEN_UP_SECONDS,
    MAX_CALLED,
    MAX_OUTDONE,
    TRIES_UNPROVED,
    TRIES_UNREACHABLE,
)
from .meeting import Meetings, Source
from .places import callable_places

if TYPE_CHECKING:
    from .storage.whereabouts import Whereabouts


@dataclass(slots=True)
class _Called:
    """A node that is called: what its log said, and how it went since then."""

    told: Addresses
    places: list[tuple[str, int]]
    is_proved: bool = False
    unproved: int = 0
    unreachable: int = 0
    again: asyncio.TimerHandle | None = None
    """when it is called again after it was left alone"""


class Calling:
    """The nodes that are called because their logs said where they are, and what this one says itself."""

    def __init__(
        self,
        own: LogKey,
        network: str,
        spreading: Spreading,
        meetings: Meetings,
        kept: Whereabouts,
        sign: Callable[[bytes], bytes],
        now: Callable[[], int],
        look: Callable[[], None],
    ) -> None:
        """`sign` signs with the own log's key; `now` tells milliseconds; `look` has sessions send."""
        self._own = own
        self._network = network
        self._spreading = spreading
        self._meetings = meetings
        self._kept = kept
        self._sign = sign
        self._now = now
        self._look = look
        self._called: dict[LogKey, _Called] = {}
        self._useless: dict[LogKey, int] = {}
        """logs whose places led to nobody who is that log, and the number of that word"""
        self._outdone = 0

    async def begin(self, places: Sequence[Place]) -> None:
        """Go on from what was remembered, and say where this node is: at these places, or nowhere."""
        remembered = await asyncio.wrap_future(self._kept.all())
        self._spreading.load(each for each in remembered if each.log != self._own)
        mine = next((each for each in remembered if each.log == self._own), None)
        if mine is not None and mine.places == tuple(places) and mine.is_signed(self._network):
            self._spreading.say(mine)
        elif places or (mine is not None and mine.places):
            self._say(places, -1 if mine is None else mine.number)
        for each in list(self._spreading.known.values()):
            self._call(each)

    def close(self) -> None:
        """Call nobody any more."""
        for called in self._called.values():
            called.places = []
            if called.again is not None:
                called.again.cancel()

    # What this node says ------------------------------------------------------------------------

    def _say(self, places: Sequence[Place], above: int) -> None:
        number = max(above + 1, self._now())
        mine = sign_addresses(self._own, number, places, self._sign)
        self._kept.keep([mine])
        self._spreading.say(mine)
        self._look()
        journal.tell("callable_at", places=" ".join(f"{place.host}:{place.port}" for place in places) or "-")

    def outdone(self, told: Addresses) -> None:
        """Something newer of this log is about: from before this home forgot, or of a copy of it."""
        mine = self._spreading.mine
        places = () if mine is None else mine.places
        if told.places != places and self._outdone < MAX_OUTDONE:
            self._outdone += 1
            self._say(places, told.number)

    # Whom it calls ------------------------------------------------------------------------------

    def learned(self, told: Sequence[Addresses]) -> None:
        """Some are known now that were not."""
        self._kept.keep(told)
        for each in told:
            self._call(each)

    def _call(self, told: Addresses) -> None:
        """Have a node met; one that is called already, at its new places."""
        log = told.key
        before = self._called.get(log)
        if before is not None and before.again is not None:
            before.again.cancel()
        places = [(place.host, place.port) for place in callable_places(told, self._network)]
        if not places:
            self._leave(log)
        elif before is not None or self._has_room(log):
            self._called[log] = _Called(told, places)
            self._meetings.add(_name_of(log), lambda: self._ways(log), position_of(log), Source.TOLD, 0.0)

    def _leave(self, log: LogKey) -> None:
        """Call a node no more; another one takes its place."""
        gone = self._called.pop(log, None)
        if gone is None:
            return
        if gone.again is not None:
            gone.again.cancel()
        self._meetings.changed()
        waiting = [
            each
            for each in self._spreading.known.values()
            if each.places and each.key not in self._called and self._useless.get(each.key) != each.number
        ]
        if waiting:
            self._call(min(waiting, key=lambda each: self._distance(each.key)))

    def _has_room(self, log: LogKey) -> bool:
        """Whether one more may be called; each node prefers others, so that together they call all."""
        if len(self._called) < MAX_CALLED:
            return True
        farthest = max(self._called, key=self._distance)
        if self._distance(log) >= self._distance(farthest):
            return False
        gone = self._called.pop(farthest)
        if gone.again is not None:
            gone.again.cancel()
        self._meetings.changed()
        return True

    def _distance(self, log: LogKey) -> bytes:
        return sha256(self._own + log).digest()

    def _ways(self, log: LogKey) -> Sequence[tuple[str, int]]:
        called = self._called.get(log)
        return [] if called is None else called.places

    def tried(self, name: str, peer: LogKey | None, why: str) -> None:
        """How a call went: who was there, or why nobody was: `unreachable`, or something else."""
        log = next((log for log in self._called if _name_of(log) == name), None)
        if log is None:
            return
        called = self._called[log]
        if peer == log:
            called.is_proved, called.unproved, called.unreachable = True, 0, 0
            return
        called.unreachable += why == "unreachable"
        called.unproved += why != "unreachable"
        if peer is not None or (called.unproved >= TRIES_UNPROVED and not called.is_proved):
            journal.tell("given_up", log=log.hex()[:16], why="somebody_else" if peer is not None else why)
            self._useless[log] = called.told.number
            while len(self._useless) > MAX_KNOWN_ADDRESSES:
                del self._useless[next(iter(self._useless))]
            self._leave(log)
        elif called.unreachable >= TRIES_UNREACHABLE:
            journal.tell("given_up", log=log.hex()[:16], why=why)
            called.places = []
            self._meetings.changed()
            loop = asyncio.get_running_loop()
            called.again = loop.call_later(GIVEN_UP_SECONDS, self._call, called.told)


def _name_of(log: LogKey) -> str:
    """What a meeting with a log that is called goes by."""
    return f"log {log.hex()}"
