"""Spreading: the addresses of willing nodes, from neighbour to neighbour.

Decides what is told to whom: one's own to everybody who is met, a new one once
to everybody who has not told it, the rest to who asks. Of each log the newest is
known, and only of logs that are taken in here, as whoever drives this judges;
what cannot be judged yet, because the log is not held, waits in a small place.
Where nodes are called is not decided here (docs/spec/addresses.md).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from hashlib import sha256
from typing import NamedTuple, Protocol

from ledger.log import LogKey

from .addresses import Addresses
from .limits import (
    ENOUGH_ADDRESSES,
    MAX_KNOWN_ADDRESSES,
    MAX_MEMORIES,
    MAX_TOLD_ADDRESSES,
    MAX_UNJUDGED_ADDRESSES,
)


class Hearer(Protocol):
    """A session, as far as addresses go."""

    def tell_addresses(self, told: Sequence[Addresses]) -> None:
        """Tell some."""

    def want_addresses(self, count: int) -> None:
        """Ask for some."""


class Verdict(Enum):
    """What is to be made of addresses that somebody told."""

    KNOWN = "known"
    """signed, and of a log that is taken in"""
    LATER = "later"
    """signed, and of a log that is not taken in, or not yet"""
    DROPPED = "dropped"
    """signed, and of no use: changed too often, or not to be called"""
    FORGED = "forged"
    """not signed by its log"""


class Heard(NamedTuple):
    """Addresses to be judged, and the link over which they came."""

    link: int
    told: Addresses


@dataclass(slots=True)
class _Link:
    """A neighbour, which numbers it was told or has told, and what of it waits to be judged again."""

    peer: LogKey
    session: Hearer
    numbers: dict[LogKey, int] = field(default_factory=dict)
    unjudged: OrderedDict[LogKey, Addresses] = field(default_factory=OrderedDict)


class Spreading:
    """The addresses that are known, and who has been told of them. Belongs to one task."""

    def __init__(self, own: LogKey | None) -> None:
        self.known: OrderedDict[LogKey, Addresses] = OrderedDict()
        """the newest of each log, that which changed last at the end"""
        self.own = own
        """the log that is written here"""
        self._mine: Addresses | None = None
        self._links: dict[int, _Link] = {}
        self._asked: OrderedDict[LogKey, None] = OrderedDict()
        """who was asked already"""
        self._heard: list[Heard] = []

    def load(self, known: Iterable[Addresses]) -> None:
        """Take what was known before, the oldest first."""
        for each in known:
            self._keep(each)

    def say(self, mine: Addresses) -> None:
        """This node's own addresses: everybody is told now, and whoever is met later."""
        self._mine = mine
        for link in self._links.values():
            self._tell(link, [mine])

    @property
    def mine(self) -> Addresses | None:
        """This node's own."""
        return self._mine

    # Links --------------------------------------------------------------------------------------

    def add(self, number: int, peer: LogKey, session: Hearer) -> None:
        """Take note of a neighbour with which the comparison is over."""
        link = self._links[number] = _Link(peer, session)
        if self._mine is not None:
            self._tell(link, [self._mine])
        if peer not in self._asked and len(self.known) < ENOUGH_ADDRESSES:
            self._asked[peer] = None
            while len(self._asked) > MAX_MEMORIES:
                self._asked.popitem(last=False)
            session.want_addresses(MAX_TOLD_ADDRESSES)

    def lose(self, number: int) -> None:
        """Take note that a neighbour is gone."""
        self._links.pop(number, None)

    def wanted(self, number: int, count: int) -> None:
        """A neighbour asks for addresses: it gets some that it has not been told, each one others."""
        link = self._links.get(number)
        if link is None:
            return
        new = [
            each
            for log, each in self.known.items()
            if each.places and log != link.peer and link.numbers.get(log, -1) < each.number
        ]
        new.sort(key=lambda each: sha256(link.peer + each.log).digest())
        self._tell(link, new[: min(count, MAX_TOLD_ADDRESSES)])

    def _tell(self, link: _Link, told: Sequence[Addresses]) -> None:
        if told:
            link.numbers |= {each.key: each.number for each in told}
            link.session.tell_addresses(told)

    # What is told -------------------------------------------------------------------------------

    def heard(self, number: int, told: Iterable[Addresses]) -> None:
        """Take what a neighbour tells; `to_judge` gives what is new."""
        link = self._links.get(number)
        for each in told:
            if link is not None:
                link.numbers[each.key] = max(each.number, link.numbers.get(each.key, -1))
                while len(link.numbers) > 2 * MAX_KNOWN_ADDRESSES:
                    del link.numbers[next(iter(link.numbers))]
            if self._is_new(each):
                self._heard.append(Heard(number, each))

    def _is_new(self, told: Addresses) -> bool:
        before = self._mine if told.key == self.own else self.known.get(told.key)
        return before is None or before.number < told.number

    def to_judge(self) -> list[Heard]:
        """What is to be judged: whether its log has signed it, and is taken in; then `judged` is called."""
        heard, self._heard = self._heard, []
        return [each for each in heard if self._is_new(each.told)]

    def judged(self, heard: Heard, verdict: Verdict) -> bool:
        """Take a verdict; whether these addresses are known now and were not. None of one's own log are."""
        told = heard.told
        link = self._links.get(heard.link)
        if verdict is Verdict.LATER and link is not None:
            link.unjudged[told.key] = told
            while len(link.unjudged) > MAX_UNJUDGED_ADDRESSES:
                link.unjudged.popitem(last=False)
        if verdict is not Verdict.KNOWN or told.key == self.own or not self._is_new(told):
            return False
        self._keep(told)
        for number, other in self._links.items():
            if (
                number != heard.link
                and other.peer != told.key
                and other.numbers.get(told.key, -1) < told.number
            ):
                self._tell(other, [told])
        return True

    def review(self, logs: Collection[LogKey] | None = None) -> None:
        """Judge again what waits: of some logs, of which there is more now, or all."""
        for number, link in self._links.items():
            for log in list(link.unjudged):
                if logs is None or log in logs:
                    told = link.unjudged.pop(log)
                    if self._is_new(told):
                        self._heard.append(Heard(number, told))

    def _keep(self, told: Addresses) -> None:
        self.known[told.key] = told
        self.known.move_to_end(told.key)
        while len(self.known) > MAX_KNOWN_ADDRESSES:
            self.known.popitem(last=False)
