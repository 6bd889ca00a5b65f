"""Pace: what may be taken at once and in the long run, whatever the clock does."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import TooMuch
from protocol.pace import Pace, Paces, Thing

from ..support.shared import CHECKOUT


def test_so_many_may_be_taken_at_once_and_then_so_many_a_second() -> None:
    pace = Pace(10, 2)
    assert pace.take(10, 100.0)
    assert not pace.take(1, 100.0)
    assert not pace.take(3, 101.0)
    assert pace.take(2, 101.0)
    assert pace.take(10, 1_000_000.0)
    assert not pace.take(1, 1_000_000.0), "what was not taken for long is not saved up"


def test_more_than_may_ever_be_taken_is_refused() -> None:
    assert not Pace(10, 2).take(11, 0.0)


@given(st.lists(st.tuples(st.integers(0, 30), st.floats(-1e9, 1e9)), max_size=40))
def test_however_the_clock_jumps_no_more_is_taken_than_the_time_that_it_showed(
    steps: list[tuple[int, float]],
) -> None:
    """A clock that goes back gives nothing, and takes nothing away."""
    pace = Pace(20, 3)
    taken, shown, last = 0, 0.0, None
    for count, now in steps:
        shown += 0.0 if last is None else max(0.0, now - last)
        last = now
        before = pace.left
        if pace.take(count, now):
            taken += count
        else:
            assert count > before
        assert 0 <= pace.left <= 20
        assert taken <= 20 + 3 * shown + 1e-3


@pytest.mark.parametrize("thing", Thing)
def test_each_thing_has_its_own_measure_and_its_own_sentence(thing: Thing) -> None:
    paces = Paces()
    paces.take(thing, thing.value[0], 0.0)
    with pytest.raises(TooMuch) as caught:
        paces.take(thing, 1, 0.0)
    assert str(caught.value) == thing.value[2]
    for other in set(Thing) - {thing}:
        paces.take(other, 1, 0.0)
    assert len({one.value[2] for one in Thing}) == len(Thing)


def test_the_page_says_how_much_of_each_thing() -> None:
    page = (CHECKOUT / "docs" / "spec" / "session.md").read_text().partition("## How much of it")[2]
    rows = re.findall(r"^\| [^|]+ \| ([\d,]+) \| ([\d,]+) \|$", page, re.MULTILINE)
    told = [(int(once.replace(",", "")), int(second.replace(",", ""))) for once, second in rows]
    assert told == [thing.value[:2] for thing in Thing]
