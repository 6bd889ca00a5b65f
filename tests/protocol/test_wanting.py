"""Wanting: nothing comes that was not asked for, and all of it in the order in which it was."""

from __future__ import annotations

import pytest

from ledger import merkle
from ledger.log import LogKey, Run
from protocol.errors import Misbehaved
from protocol.limits import MAX_OPEN_WANTS
from protocol.questions import Want
from protocol.wanting import Owed, Wanted

from ..support.histories import numbered, written

AUTHOR = written("some", numbered("some", 3), numbered("more", 4))
FIRST, SECOND = AUTHOR.runs
LOG = AUTHOR.state.log
OTHER = written("other", numbered("other", 2))


def wanting(*wants: Want) -> Wanted:
    wanted = Wanted()
    wanted.want(wants)
    return wanted


def test_what_was_asked_for_comes_run_by_run() -> None:
    want, next_want = Want(LOG, 0, 7), Want(OTHER.state.log, 0, 2)
    wanted = wanting(want, next_want)
    assert wanted.take([FIRST]) == []
    assert len(wanted) == 2
    assert wanted.take([SECOND, OTHER.runs[0]]) == [want, next_want]
    assert len(wanted) == 0


def test_a_head_beyond_what_was_asked_for_is_its_end_too() -> None:
    assert wanting(Want(LOG, 0, 2)).take([FIRST]) == [Want(LOG, 0, 2)]


@pytest.mark.parametrize(
    ("wants", "run"),
    [
        ((), FIRST),
        ((Want(OTHER.state.log, 0, 2), Want(LOG, 0, 7)), FIRST),
        ((Want(LOG, 0, 7),), SECOND),
        ((Want(LOG, 1, 7),), FIRST),
    ],
    ids=["nothing asked", "out of order", "a gap", "from before"],
)
def test_what_was_not_asked_for_is_not_taken(wants: tuple[Want, ...], run: Run) -> None:
    wanted = wanting(*wants)
    with pytest.raises(Misbehaved, match="not asked for"):
        wanted.take([run])
    assert len(wanted) == len(wants)


def test_a_log_may_be_held_from_a_later_index_on() -> None:
    leaves = AUTHOR.leaves[:3]
    run = Run(SECOND.head, 3, SECOND.items, merkle.extend_range(0, (), leaves))
    want = Want(LOG, 0, 7)
    assert wanting(want).take([run]) == [want]
    with pytest.raises(Misbehaved):
        wanting(Want(LOG, 1, 7)).take([run])


def test_of_a_branch_that_was_named_nothing_else_comes() -> None:
    root = SECOND.head.root
    assert wanting(Want(LOG, 3, 7, root)).take([SECOND]) == [Want(LOG, 3, 7, root)]
    for want in (Want(LOG, 3, 7, bytes(32)), Want(LOG, 3, 6, root)):
        with pytest.raises(Misbehaved, match="another branch"):
            wanting(want).take([SECOND])


def test_heads_are_not_waited_for() -> None:
    assert len(wanting(Want(LOG, 0, 0))) == 0


def test_only_what_is_wanted_next_can_be_missed() -> None:
    want, next_want = Want(LOG, 0, 7), Want(OTHER.state.log, 0, 2)
    wanted = wanting(want, next_want)
    with pytest.raises(Misbehaved):
        wanted.miss(LogKey(OTHER.state.log))
    assert wanted.miss(LOG) == want
    assert wanted.miss(LogKey(OTHER.state.log)) == next_want
    with pytest.raises(Misbehaved):
        wanted.miss(LOG)


def test_what_could_not_be_answered_at_once_is_the_next_again() -> None:
    wants = [Want(LOG, number, number + 1) for number in range(6)]
    owed = Owed()
    owed.want(wants)
    taken = owed.take(4)
    assert taken == wants[:4]
    owed.put_back(taken[1:])
    assert owed.take(100) == wants[1:]
    assert owed.take(100) == []


def test_more_cannot_be_wanted_at_once_than_is_remembered() -> None:
    owed = Owed()
    owed.want([Want(LOG, 0, 1)] * MAX_OPEN_WANTS)
    with pytest.raises(Misbehaved):
        owed.want([Want(LOG, 0, 1)])
