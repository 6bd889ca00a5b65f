"""Neighbours: which nodes are announced on the local network at this time.

Decides what is new, what changed and what is gone, and how much of a flood of
announcements is told. Whether something that is announced can be read is
`hints`'; whether the node is there, who it is and whether to speak with
it is for whoever is told to find out: an announcement outlives a node that lost
its power by up to 75 minutes (RFC 6762, section 10).

No sockets and no clock here: times are arguments, in seconds of a clock that
never goes back.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

from .errors import AnnouncementRefused
from .hints import Hint, Seen, judge
from .interfaces import Interfaces
from .limits import (
    DOUBT_SECONDS,
    GOODBYE_SECONDS,
    HINTS_AT_ONCE,
    HINTS_PER_SECOND,
    MAX_HINTS,
    MAX_HINTS_AT_PLACE,
)


@dataclass(frozen=True, slots=True)
class Found:
    """A node is announced, or otherwise than before; the hint replaces that of its instance."""

    hint: Hint


@dataclass(frozen=True, slots=True)
class Lost:
    """What was announced under `hint.instance` is not any more. A session that stands knows better."""

    hint: Hint


Event: TypeAlias = Found | Lost


@dataclass(slots=True)
class _Known:
    hint: Hint
    until: float | None = None  # gone at that time unless it is seen again
    proved: bool = False


class Neighbours:
    """The nodes that are announced. Owned by the task that feeds it.

    `network` is this node's, `host` the name that its own address records
    belong to: drawn anew at every start, so that a copy of this node on another
    computer is somebody else.
    """

    def __init__(self, network: str, host: str) -> None:
        self._network = network
        self._host = host.lower()
        self._known: dict[str, _Known] = {}
        self._allowance = float(HINTS_AT_ONCE)
        self._counted = 0.0
        self.refused = 0
        """announcements that were of no use"""
        self.missed = 0
        """announcements that were too many"""

    @property
    def hints(self) -> tuple[Hint, ...]:
        """What is announced, the longest known first."""
        return tuple(known.hint for known in self._known.values())

    def is_settled(self, instance: str) -> bool:
        """Whether `instance` is known and there is no reason to ask for its particulars again."""
        known = self._known.get(instance.lower())
        return known is not None and known.until is None

    def saw(self, seen: Seen, interfaces: Interfaces, now: float) -> list[Event]:
        """Takes what zeroconf says of a name; returns what is to be told, often nothing."""
        if seen.host.lower() == self._host:
            return []
        try:
            hint = judge(seen, self._network, interfaces)
        except AnnouncementRefused:
            self.refused += 1
            return []
        known = self._known.get(hint.instance)
        if known is not None and known.hint == hint:
            known.until = None
            return []
        if self._is_crowded(hint) or not self._may_tell(now):
            self.missed += 1
            return []
        if known is not None:
            known.hint, known.until = hint, None
            return [Found(hint)]
        pushed_out = self._make_room()
        self._known[hint.instance] = _Known(hint)
        return [*pushed_out, Found(hint)]

    def gone(self, instance: str, now: float) -> None:
        """Takes a goodbye, or that an announcement ran out; believed if nothing else comes soon."""
        known = self._known.get(instance.lower())
        if known is not None and known.until is None:
            known.until = now + GOODBYE_SECONDS

    def doubt(self, now: float) -> None:
        """The network is another: whoever does not answer on it is lost after a while."""
        for known in self._known.values():
            known.until = now + DOUBT_SECONDS

    def leave(self, interfaces: Interfaces, now: float) -> list[Event]:
        """Some interfaces are gone: link-local addresses on others than `interfaces` lead nowhere."""
        indexes = {str(interface.index) for interface in interfaces}
        events: list[Event] = []
        for known in self._known.values():
            kept = tuple(
                address
                for address in known.hint.addresses
                if address.partition("%")[2] in indexes or "%" not in address
            )
            if not kept:
                known.until = now
            elif kept != known.hint.addresses:
                known.hint = replace(known.hint, addresses=kept)
                events.append(Found(known.hint))
        return events

    def prove(self, instance: str) -> None:
        """A handshake has shown that this one is real: no flood pushes it out."""
        known = self._known.get(instance.lower())
        if known is not None:
            known.proved = True

    def sweep(self, now: float) -> list[Event]:
        """Those whose time is over, to be called every second or so."""
        over = [known for known in self._known.values() if known.until is not None and known.until <= now]
        for known in over:
            del self._known[known.hint.instance]
        return [Lost(known.hint) for known in over]

    def _make_room(self) -> list[Event]:
        """Where all places are taken, the longest known that nobody has proved to be real goes."""
        if len(self._known) < MAX_HINTS:
            return []
        oldest = next((known for known in self._known.values() if not known.proved), None)
        if oldest is None:  # all are real: the longest known has been told, and will be tried anyway
            oldest = next(iter(self._known.values()))
        del self._known[oldest.hint.instance]
        return [Lost(oldest.hint)]

    def _is_crowded(self, hint: Hint) -> bool:
        """Whether other names claim one of its places already, as many as may."""
        places = {(address, hint.port) for address in hint.addresses}
        others = 0
        for known in self._known.values():
            if known.hint.instance != hint.instance and known.hint.port == hint.port:
                others += any((address, hint.port) in places for address in known.hint.addresses)
        return others >= MAX_HINTS_AT_PLACE

    def _may_tell(self, now: float) -> bool:
        earned = (now - self._counted) * HINTS_PER_SECOND if self._counted else 0.0
        self._allowance = min(self._allowance + earned, float(HINTS_AT_ONCE))
        self._counted = now
        if self._allowance < 1:
            return False
        self._allowance -= 1
        return True
