"""The roster: one hash for one set, however it came about."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.log import LogKey
from protocol.roster import BUCKET, Mark, Roster, nibble
from tests.support.rosters import grown, log_of, made_up, root_of

MARKS = st.builds(
    lambda number, root: Mark(number, root_of(root)), st.integers(1, 300), st.integers(0, 3)
) | (st.builds(lambda cut: Mark(cut), st.integers(0, 300)))
# Keys that share long beginnings as well as random ones.
LOGS = st.builds(log_of, st.integers(0, 60)) | st.builds(
    lambda end, length: LogKey(bytes(length) + bytes([end]) * (32 - length)),
    st.integers(0, 255),
    st.integers(0, 31),
)
HELD = st.dictionaries(LOGS, MARKS, max_size=60)


def steps(held: dict[LogKey, Mark], rng: Random) -> Roster:
    """The same roster, put together one by one, by way of other marks and logs that go again."""
    roster = Roster()
    order = list(held)
    rng.shuffle(order)
    passing = [log_of(1_000 + number) for number in range(rng.randint(0, 40))]
    for log in passing:
        roster = roster.put(log, Mark(1, root_of(9)))
    for log in order:
        roster = roster.put(log, Mark(7, root_of(7))).put(log, held[log])
    for log in passing:
        roster = roster.without(log)
    return roster


@given(HELD, st.integers(0, 2**32))
def test_a_roster_is_the_same_whatever_its_history(held: dict[LogKey, Mark], seed: int) -> None:
    built, grew = Roster(held), steps(held, Random(seed))
    assert built.state == grew.state
    assert list(built.items()) == list(grew.items()) == sorted(held.items())
    assert len(built) == len(held)
    for log in held:
        assert grew.get(log) == held[log]


@given(HELD, HELD)
def test_two_rosters_have_one_state_only_if_they_are_the_same(
    one: dict[LogKey, Mark], other: dict[LogKey, Mark]
) -> None:
    assert (Roster(one).state == Roster(other).state) == (one == other)


@given(HELD, HELD)
def test_what_changed_is_what_differs(one: dict[LogKey, Mark], other: dict[LogKey, Mark]) -> None:
    changed = dict(Roster(one).changes(Roster(other)))
    assert changed == {
        log: one.get(log) for log in one.keys() | other.keys() if one.get(log) != other.get(log)
    }


@given(HELD)
def test_every_log_has_its_place(held: dict[LogKey, Mark]) -> None:
    roster = Roster(held)
    assert [roster.at(place) for place in range(len(roster))] == sorted(held)
    assert [roster.place(log) for log in sorted(held)] == list(range(len(held)))
    assert roster.place(LogKey(b"\xee" * 32)) is None
    for wrong in (-1, len(roster)):
        with pytest.raises(IndexError):
            roster.at(wrong)


@given(HELD, st.lists(st.integers(0, 15), max_size=5))
def test_a_part_is_what_begins_with_its_path(held: dict[LogKey, Mark], path: list[int]) -> None:
    node = Roster(held).node(path)
    inside = {log: mark for log, mark in held.items() if [nibble(log, at) for at in range(len(path))] == path}
    assert dict(node.items() if node else ()) == inside


def test_a_changed_roster_shares_what_did_not_change() -> None:
    """A session keeps the one that it began with, and a node the ones that it had in common with others."""
    rng = Random(1)
    held = made_up(2_000, rng)
    before = Roster(held)
    after = Roster(grown(held, 1, rng))
    log = next(iter(dict(after.changes(before))))
    grew = before.put(log, Mark(500, root_of(1)))
    assert before.root is not None
    assert grew.root is not None
    same = [one is other for one, other in zip(before.root.children, grew.root.children, strict=True)]
    assert same.count(False) == 1
    assert before.get(log) == held[log]


def test_a_part_lists_its_logs_up_to_a_number() -> None:
    assert not Roster({log_of(number): Mark(1, root_of(1)) for number in range(BUCKET)}).root.children  # type: ignore[union-attr]
    assert Roster({log_of(number): Mark(1, root_of(1)) for number in range(BUCKET + 1)}).root.children  # type: ignore[union-attr]
