"""Sighting: a head is looked at once, and what is remembered of heads is bounded."""

from __future__ import annotations

import pytest

from ledger.log import Head, LogKey
from protocol.sighting import Sighting


def head_of(log: int, size: int = 1) -> Head:
    return Head(b"%032d" % log, size, bytes(32), bytes(64))


def test_a_head_of_ones_own_log_is_looked_at_once_unless_nobody_signed_it() -> None:
    sighting = Sighting()
    assert [sighting.own(head_of(1)) for _ in range(3)] == [True, False, False]
    assert sighting.own(head_of(1, 2))
    sighting.forged(head_of(1))
    assert sighting.own(head_of(1))


def test_a_head_of_a_log_that_is_not_taken_in_is_looked_at_when_it_is_another() -> None:
    sighting = Sighting()
    shown = [head_of(1), head_of(1), head_of(1, 2), head_of(2), head_of(1, 2)]
    assert [sighting.decline(head) for head in shown] == [True, False, True, True, False]
    assert sighting.is_declined(LogKey(head_of(1).log))
    assert not sighting.is_declined(LogKey(head_of(3).log))


def test_logs_that_nobody_has_shown_for_longest_are_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("protocol.sighting.MAX_DECLINED", 3)
    sighting = Sighting()
    for log in range(3):
        sighting.decline(head_of(log))
    sighting.shown_again(LogKey(head_of(0).log))
    sighting.decline(head_of(3))
    logs = [LogKey(head_of(log).log) for log in (2, 0, 3)]
    assert sighting.forgive() == logs
    assert sighting.forgive() == []
    assert not any(map(sighting.is_declined, logs))


def test_heads_of_ones_own_log_are_not_remembered_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("protocol.sighting.MAX_OWN_SEEN", 2)
    sighting = Sighting()
    for size in range(1, 4):
        sighting.own(head_of(0, size))
    assert sighting.own(head_of(0, 1))
    assert not sighting.own(head_of(0, 3))
