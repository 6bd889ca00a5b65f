"""Back-off: pauses grow, are never for ever, survive a restart, and no clock makes them longer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.log import LogKey
from node.backoff import Backoff, Clocks, Pauses
from node.storage.peers import Kept

LOG = LogKey(b"\x01" * 32)
YEAR = 365 * 86_400_000


class World:
    """A time that a test sets, and a book that it fills."""

    def __init__(self) -> None:
        self.now, self.wall, self.chance = 100.0, 50 * YEAR, 0.5
        self.kept: dict[str, Kept] = {}

    def book(self, most: float = 300.0, room: int = 100) -> Backoff:
        clocks = Clocks(lambda: self.now, lambda: self.wall, lambda: self.chance)
        return Backoff(Pauses(1.0, most), clocks, lambda kept: self.kept.__setitem__(kept.name, kept), room)

    def pass_(self, seconds: float) -> None:
        self.now += seconds
        self.wall += int(seconds * 1000)


@pytest.fixture
def world() -> World:
    return World()


def test_pauses_double_up_to_the_longest_and_end(world: World) -> None:
    book = world.book()
    assert book.wait("a") == 0
    pauses = [book.failed("a", "unreachable") for _ in range(12)]
    assert pauses == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]
    assert book.wait("a") == 300
    assert book.wait("b") == 0
    world.pass_(300)
    assert book.wait("a") == 0
    assert book.failed("a", "unreachable", most=3.0) == 3


def test_no_two_that_failed_at_once_are_tried_at_once(world: World) -> None:
    book = world.book()
    found = set()
    for world.chance in (0.0, 0.3, 0.9):
        found.add(book.failed(f"host {world.chance}", "unreachable"))
    assert found == {0.5, 0.8, 1.4}


def test_who_was_met_has_no_failures_behind_them(world: World) -> None:
    book = world.book()
    for _ in range(5):
        book.failed("a", "unreachable")
    book.went_well("a", LOG)
    standing = book.of("a")
    assert (standing.failures, standing.log, standing.met, book.wait("a")) == (0, LOG, world.wall, 0)
    assert book.failed("a", "unreachable") == 1


def test_who_was_there_and_failed_was_there(world: World) -> None:
    book = world.book()
    book.failed("a", "cut")
    world.pass_(5)
    book.saw("a", LOG)
    standing = book.of("a")
    assert (standing.met, standing.log, standing.failures, standing.why) == (world.wall, LOG, 1, "cut")


def test_what_was_learnt_is_there_after_a_restart(world: World) -> None:
    book = world.book()
    book.went_well("a", LOG)
    met = world.wall
    for _ in range(6):
        book.failed("a", "unreachable")
    world.pass_(12)
    later = world.book()
    later.load(world.kept.values())
    standing = later.of("a")
    assert (standing.failures, standing.log, standing.met, standing.why) == (6, LOG, met, "unreachable")
    assert later.wait("a") == pytest.approx(20)
    assert later.failed("a", "unreachable") == 64


@given(st.integers(-10, 10), st.integers(-10, 10), st.integers(-3, 40))
def test_a_clock_that_is_wrong_by_years_keeps_nobody_away(until: int, met: int, failures: int) -> None:
    world = World()
    book = world.book()
    book.load([Kept("a", None, world.wall + met * YEAR, failures, world.wall + until * YEAR, "unreachable")])
    assert book.wait("a") <= 1.5 * 300
    assert (book.of("a").met or 0) <= world.wall
    if failures <= 0:
        assert book.wait("a") == 0


def test_of_too_many_the_longest_unheard_of_are_forgotten(world: World) -> None:
    book = world.book(room=3)
    for name in "abcd":
        book.failed(name, "faults")
    book.failed("b", "faults")
    book.failed("e", "faults")
    assert [name for name in "abcde" if book.of(name).failures] == ["b", "d", "e"]


def test_forgiving_says_nothing_of_those_of_whom_nothing_is_known(world: World) -> None:
    book = world.book()
    book.forgive("a")
    assert not world.kept
    book.failed("a", "faults")
    book.forgive("a")
    assert (book.of("a").failures, book.wait("a")) == (0, 0)
    assert world.kept["a"].failures == 0
