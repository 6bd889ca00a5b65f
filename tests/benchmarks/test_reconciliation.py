"""What a comparison costs: bytes and turns, and CPU beside PyNaCl's verifications in the same run.

`./dev bench` runs these. Bytes count both directions, with frames and
encryption; they do not vary. CPU is the best of several tries, of both sides
together.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from random import Random

import pytest

from protocol.roster import Mark, Roster

from ..support.rosters import Held, compare, grown, made_up
from .work import verifications

LOGS = 47_000
TRIES = 7


@pytest.fixture(scope="module")
def held() -> Held:
    return made_up(LOGS, Random(1))


def seconds(work: Callable[[], object]) -> float:
    """CPU seconds of some work."""
    best = float("inf")
    for _ in range(TRIES):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best


def in_verifications(what: str, work: Callable[[], object]) -> float:
    """How many signatures could be verified meanwhile."""
    before = verifications()
    taken = seconds(work)
    rate = max(before, verifications())
    print(f"\n{what}: {taken * 1000:,.3f} ms, {taken * rate:,.1f} verifications of {rate:,.0f}/s")
    return taken * rate


@pytest.mark.parametrize(
    ("logs", "changed", "limit"),
    [
        (1_600, 0, 100),
        (1_600, 1, 1_200),
        (1_600, 100, 10_000),
        (LOGS, 0, 100),
        (LOGS, 1, 2_000),
        (LOGS, 100, 40_000),
    ],
)
def test_two_that_have_never_met_pay_for_what_differs(logs: int, changed: int, limit: int) -> None:
    """Negentropy, as said with the targets: 1,938, 61,391, 2,478 and 129,540 bytes where some changed."""
    sizes = []
    for seed in range(5):
        rng = Random(seed)
        before = made_up(logs, rng)
        compared = compare(Roster(before), Roster(grown(before, changed, rng)))
        assert len(compared.one.differences) == changed
        assert compared.turns <= 8  # four round trips
        sizes.append(compared.size)
    print(f"\n{logs:,} logs, {changed} changed: {min(sizes):,} to {max(sizes):,} bytes")
    assert max(sizes) <= limit


def test_what_both_remember_makes_it_the_changes_alone(held: Held) -> None:
    memory = Roster(held)
    for changed, limit in ((1, 150), (100, 4_000)):
        compared = compare(Roster(grown(held, changed, Random(2))), memory, memory, memory)
        print(f"\n{LOGS:,} logs, {changed} changed since then: {compared.size:,} bytes")
        assert compared.size <= limit
        assert compared.turns == 2


def test_a_session_in_which_nothing_has_changed_costs_a_few_signatures(held: Held) -> None:
    """2 ms are 30 of them."""
    one, other = Roster(held), Roster(held)
    assert one.state == other.state
    assert in_verifications("nothing changed", lambda: compare(one, other)) <= 10
    assert in_verifications("nothing changed, remembered", lambda: compare(one, other, one, other)) <= 10


def test_a_log_that_grows_costs_its_path_alone(held: Held) -> None:
    before = Roster(held)
    assert before.state
    log = min(held)

    def grow() -> bytes:
        return before.put(log, Mark(held[log].number + 1, bytes(32))).state

    assert in_verifications("one log grows", grow) <= 10


def test_all_logs_are_taken_in_and_hashed_at_once(held: Held) -> None:
    """1.5 s are 20,000 signatures."""
    assert in_verifications("all logs", lambda: Roster(held).state) <= 10_000


def test_two_who_differ_in_a_hundred_logs_find_out_at_the_price_of_a_few_each(held: Held) -> None:
    one, other = Roster(held), Roster(grown(held, 100, Random(3)))
    assert one.state != other.state
    assert in_verifications("a hundred changed", lambda: compare(one, other)) <= 3_000
