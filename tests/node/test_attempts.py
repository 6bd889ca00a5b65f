"""How long somebody waits who guesses passwords."""

from __future__ import annotations

import pytest

from node.attempts import Attempts, place_of
from node.limits import (
    ATTEMPTS_FORGOTTEN_SECONDS,
    FREE_ATTEMPTS,
    FREE_ATTEMPTS_IN_ALL,
    MAX_ATTEMPT_HOSTS,
    MAX_ATTEMPT_SECONDS,
    MAX_ATTEMPT_SECONDS_IN_ALL,
)


def guess_on(attempts: Attempts, host: str, times: int, now: float = 0.0) -> tuple[float, list[float]]:
    """Guess as often as one is let; returns when it was, and how long was waited before each."""
    waits = []
    for _time in range(times):
        waited = 0.0
        while (wait := attempts.begin(host, now)) > 0:
            now, waited = now + wait, waited + wait
        waits.append(waited)
    return now, waits


def test_a_few_wrong_ones_cost_nothing_then_it_doubles_up_to_a_limit() -> None:
    _now, waits = guess_on(Attempts(), "10.0.0.1", 18)
    assert waits[:FREE_ATTEMPTS] == [0.0] * FREE_ATTEMPTS
    assert waits[FREE_ATTEMPTS : FREE_ATTEMPTS + 5] == [2.0, 4.0, 8.0, 16.0, 32.0]
    assert max(waits) == waits[-1] == MAX_ATTEMPT_SECONDS


def test_who_waits_is_not_counted_again() -> None:
    attempts = Attempts()
    now, _waits = guess_on(attempts, "10.0.0.1", FREE_ATTEMPTS)
    assert [attempts.begin("10.0.0.1", now) for _ in range(50)] == [2.0] * 50
    assert attempts.begin("10.0.0.1", now + 2.0) == 0.0


def test_another_host_does_not_wait_for_one() -> None:
    attempts = Attempts()
    now, _waits = guess_on(attempts, "10.0.0.1", FREE_ATTEMPTS)
    assert attempts.begin("10.0.0.1", now) > 0
    assert attempts.begin("10.0.0.2", now) == 0.0


def test_many_hosts_together_wait_as_well() -> None:
    attempts, now = Attempts(), 0.0
    for number in range(FREE_ATTEMPTS_IN_ALL):
        assert attempts.begin(f"10.0.0.{number}", now) == 0.0
    assert attempts.begin("10.0.1.1", now) == 2.0
    for number in range(200):
        now, (waited,) = guess_on(attempts, f"10.1.0.{number}", 1, now)
    assert waited == MAX_ATTEMPT_SECONDS_IN_ALL


def test_who_has_come_in_before_does_not_wait_for_what_others_do() -> None:
    attempts = Attempts()
    assert attempts.begin("10.0.0.1", 0.0) == 0.0
    attempts.passed("10.0.0.1")
    for number in range(FREE_ATTEMPTS_IN_ALL):
        attempts.begin(f"10.1.0.{number}", 0.0)
    assert attempts.begin("10.2.0.1", 0.0) > 0
    assert attempts.begin("10.0.0.1", 0.0) == 0.0


def test_the_right_one_wipes_out_what_was_before() -> None:
    attempts = Attempts()
    guess_on(attempts, "10.0.0.1", FREE_ATTEMPTS)
    attempts.passed("10.0.0.1")
    assert guess_on(attempts, "10.0.0.1", FREE_ATTEMPTS)[1] == [0.0] * FREE_ATTEMPTS


def test_after_a_while_it_counts_from_anew() -> None:
    attempts = Attempts()
    now, _waits = guess_on(attempts, "10.0.0.1", 30)
    assert attempts.begin("10.0.0.1", now) == MAX_ATTEMPT_SECONDS
    assert guess_on(attempts, "10.0.0.1", 3, now + ATTEMPTS_FORGOTTEN_SECONDS)[1] == [0.0] * 3


def test_no_more_hosts_are_remembered_than_the_limit() -> None:
    attempts = Attempts()
    for number in range(MAX_ATTEMPT_HOSTS + 10):
        attempts.begin(f"host {number}", number * ATTEMPTS_FORGOTTEN_SECONDS)
        attempts.passed(f"host {number}")
        attempts.begin(f"host {number}", number * ATTEMPTS_FORGOTTEN_SECONDS)
    assert len(attempts._hosts) == len(attempts._known) == MAX_ATTEMPT_HOSTS


@pytest.mark.parametrize(
    ("host", "place"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("fe80::1%eth0", "fe80::/64"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8::ffff:1:2:3", "2001:db8::/64"),
        ("", ""),
        ("no address", "no address"),
    ],
)
def test_an_address_of_which_anybody_has_many_counts_by_its_network(host: str, place: str) -> None:
    assert place_of(host) == place
