"""Tending: links at rest count as met, who behaves is forgiven, and some links end for others."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

from ledger.log import LogKey
from node.backoff import Backoff, Clocks, Pauses
from node.choice import Position, position_of
from node.ends import Linked
from node.limits import STEADY_SECONDS
from node.links import Links
from node.meeting import Meetings
from node.tending import Tending
from protocol.deeds import LinkId
from protocol.handshake import Role


class House:
    """Links that do as the test says, and what is done with them."""

    def __init__(self) -> None:
        self.linked: list[Linked] = []
        self.resting: set[int] = set()
        self.left: list[tuple[int, str]] = []
        self.wanted: frozenset[Position] = frozenset()
        self.met: list[int] = []
        self.behaved: list[int] = []
        clocks = Clocks(lambda: 0.0, lambda: 0, lambda: 0.5)
        self.tries, self.faults = (Backoff(Pauses(1.0, 60.0), clocks) for _ in range(2))

    def link(self, number: int, role: Role = Role.INITIATOR, *, since: float | None = None) -> Linked:
        begun = time.monotonic() if since is None else since
        link = Linked(LogKey(bytes([number]) * 32), role, "10.0.0.1:1", begun, LinkId(number))
        self.linked.append(link)
        return link

    def rests(self, link: Linked) -> bool:
        return link.number in self.resting

    def rested(self, link: Linked) -> None:
        self.met.append(link.number)

    def leave(self, link: Linked, code: str) -> None:
        self.left.append((link.number, code))

    @asynccontextmanager
    async def tended(self, places: int) -> AsyncIterator[Tending]:
        tending = Tending(
            cast(Links, self),
            cast(Meetings, self),
            tries=self.tries,
            faults=self.faults,
            places=places,
            behaved=lambda link: self.behaved.append(link.number),
        )
        yield tending
        await tending.close()

    def look(self, times: int = 1, *, places: int = 8) -> None:
        async def story() -> None:
            async with self.tended(places) as tending:
                for _time in range(times):
                    tending.tend()

        asyncio.run(story())


def test_a_link_counts_as_met_when_it_first_comes_to_rest() -> None:
    house = House()
    for number in (1, 2):
        house.link(number)
    house.wanted = frozenset(position_of(link.peer) for link in house.linked)
    house.resting = {1}
    house.look(3)
    assert house.met == [1]
    assert house.left == []


def test_whoever_behaves_for_a_while_is_forgiven() -> None:
    house = House()
    new, old = house.link(1), house.link(2, since=time.monotonic() - STEADY_SECONDS)
    house.wanted = frozenset({position_of(new.peer), position_of(old.peer)})
    house.resting = {1, 2}
    for link in (new, old):
        house.faults.failed(link.peer.hex(), "faults")
    house.look(2)
    assert house.behaved == [2]
    assert [house.faults.of(link.peer.hex()).failures for link in (new, old)] == [1, 0]


def test_a_link_that_is_not_wanted_is_ended_by_who_opened_it_once_it_rests() -> None:
    house = House()
    for number, role in ((1, Role.INITIATOR), (2, Role.INITIATOR), (3, Role.RESPONDER)):
        house.link(number, role)
    house.resting = {2, 3}
    house.look()
    assert house.left == [(2, "enough")]


def test_where_there_are_too_many_the_other_side_ends_some_too() -> None:
    house = House()
    for number in range(1, 6):
        house.link(number, Role.RESPONDER)
    house.resting = {1, 2, 3, 4, 5}
    house.wanted = frozenset({position_of(house.linked[0].peer)})
    house.look(places=3)
    assert house.left == [(2, "enough"), (3, "enough")]


def test_of_a_link_that_rested_it_is_noted_until_when_somebody_was_there() -> None:
    house = House()
    link = house.link(1)
    house.wanted = frozenset({position_of(link.peer)})
    house.resting = {1}

    async def story() -> None:
        async with house.tended(8) as tending:
            tending.tend()
            assert house.tries.of(position_of(link.peer).hex()).met is None
            house.linked.clear()
            tending.tend()

    asyncio.run(story())
    assert house.tries.of(position_of(link.peer).hex()).met == 0
