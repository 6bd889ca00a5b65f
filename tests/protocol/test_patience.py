"""Patience: whoever owes something has so long, counted from when it was asked for or last came."""

from __future__ import annotations

from protocol.limits import ANSWER_SECONDS, MEETING_SECONDS
from protocol.patience import Patience


def test_a_handshake_has_less_time_than_an_answer() -> None:
    patience = Patience(100.0)
    assert patience.ends(meeting=True) == 100.0 + MEETING_SECONDS
    assert patience.ends(meeting=False) == 100.0 + ANSWER_SECONDS


def test_how_long_nothing_was_owed_counts_for_nothing() -> None:
    patience = Patience(0.0)
    patience.tell(5.0)
    patience.asked()
    assert patience.ends(meeting=False) == 5.0, "the time is to be told at once: much of it may have gone by"
    patience.tell(9_000.0)
    assert patience.ends(meeting=False) == 9_000.0 + ANSWER_SECONDS
    patience.tell(9_010.0)
    assert patience.ends(meeting=False) == 9_000.0 + ANSWER_SECONDS


def test_what_comes_gives_time_for_the_rest() -> None:
    patience = Patience(0.0)
    patience.tell(50.0)
    patience.heard()
    assert patience.ends(meeting=False) == 50.0 + ANSWER_SECONDS
