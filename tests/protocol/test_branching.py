"""Branching: a branch is asked for from where it may go on, and the cut is found where nothing shows it."""

from __future__ import annotations

import pytest

from ledger.descent import subtree_of
from ledger.errors import EvidenceError
from ledger.evidence import check_evidence
from protocol.branching import Branching
from protocol.limits import MAX_SHOWN_BRANCHES
from protocol.neighbour import Offer, Pull
from protocol.questions import Want

from ..simulation.memory import Memory
from ..support.histories import NETWORK, Author, numbered, written
from ..support.notes import noted


def forked(before: int, mine: int, theirs: int) -> tuple[Author, Author]:
    author = written("liar", numbered("before", before))
    twin = author.twin()
    author.write(*numbered("one thing", mine))
    twin.write(*numbered("another", theirs))
    return author, twin


def holding(*authors: Author) -> Memory:
    held = Memory()
    for author in authors:
        for run in author.runs:
            held.take(run)
    return held


def want_of(author: Author) -> Want:
    head = author.runs[-1].head
    return Want(head.log, head.size - 1, head.size, head.root)


def test_a_branch_is_asked_for_from_the_end_of_the_longest_that_it_may_go_on_from() -> None:
    author, twin = forked(5, 20, 10)
    branching = Branching(holding(author, twin))
    twin.write(*numbered("more", 5))
    assert branching.start(want_of(twin)) == 15
    twin.write(*numbered("much more", 20))
    assert branching.start(want_of(twin)) == 25


def test_of_a_branch_that_is_held_nothing_is_asked_for() -> None:
    author, twin = forked(5, 2, 3)
    branching = Branching(holding(author, twin))
    assert branching.start(want_of(author)) is branching.start(want_of(twin)) is None


def test_of_a_log_that_is_not_known_to_be_forked_no_branch_is_asked_for() -> None:
    author, twin = forked(5, 2, 3)
    assert Branching(holding(author)).start(want_of(twin)) is None


def test_no_more_branches_are_fetched_than_are_shown() -> None:
    author = written("liar", [b"first"])
    twins = [author.twin() for _ in range(MAX_SHOWN_BRANCHES + 1)]
    for number, twin in enumerate(twins):
        twin.write(b"%d" % number)
    assert Branching(holding(*twins[:-2])).start(want_of(twins[-1])) == 1
    assert Branching(holding(*twins[:-1])).start(want_of(twins[-1])) is None


def test_whoever_holds_as_much_under_another_signed_root_is_asked_for_the_last_entry() -> None:
    author, twin = forked(2, 3, 3)
    link, _ = noted()
    head = twin.runs[-1].head
    branching = Branching(holding(author))
    branching.compare(link, author.state.log, Offer(5, head.root, None))
    assert list(link.waiting) == [Want(head.log, 4, 5)]
    mine = author.runs[-1].head
    other, _ = noted()
    branching.compare(other, author.state.log, Offer(5, mine.root, mine))
    assert not other.waiting


def test_entries_that_do_not_go_on_where_was_thought_are_asked_for_from_further_back() -> None:
    author, twin = forked(5, 20, 10)
    branching = Branching(holding(author, twin))
    twin.write(*numbered("much more", 20))
    head = twin.runs[-1].head
    link, notes = noted()
    link.asked[author.state.log] = Pull(25, 10, 25, head.root)
    branching.diverged(link, head)
    (want,) = link.waiting
    assert branching.start(want) == 15, "the end of the other branch"
    assert not notes.asks


def answer(branch: Author, ask_spans: tuple[tuple[int, int], ...]) -> list[bytes]:
    (mine,) = holding(branch).branches(branch.state.log)
    return [subtree_of(mine, start, end) for start, end in ask_spans]


@pytest.mark.parametrize(("before", "mine", "theirs"), [(1, 1, 1), (5, 3, 9), (70, 200, 300)])
def test_the_cut_is_found_by_asking_about_the_trees(before: int, mine: int, theirs: int) -> None:
    author, twin = forked(before, mine, theirs)
    branching = Branching(holding(author))
    link, notes = noted()
    branching.diverged(link, twin.runs[-1].head)
    evidence = None
    while evidence is None:
        evidence = branching.descend(link, answer(twin, notes.asks[-1].spans))
    check_evidence(evidence, NETWORK)
    assert evidence.cut == before
    assert len(notes.asks) <= 5
    assert not link.descents
    assert link.descent is None


def test_one_log_of_a_neighbour_is_asked_about_at_a_time() -> None:
    one, twin = forked(5, 3, 3)
    other = written("other liar", numbered("before", 3))
    other_twin = other.twin()
    other.write(b"one thing")
    other_twin.write(b"another")
    branching = Branching(holding(one, other))
    link, notes = noted()
    for liar in (twin, other_twin, twin):
        branching.diverged(link, liar.runs[-1].head)
    assert [ask.log for ask in notes.asks] == [twin.state.log]
    while branching.descend(link, answer(twin, notes.asks[-1].spans)) is None:
        pass
    assert notes.asks[-1].log == other_twin.state.log


def test_an_answer_that_is_not_of_that_tree_is_refused() -> None:
    author, twin = forked(5, 3, 9)
    link, notes = noted()
    branching = Branching(holding(author))
    branching.diverged(link, twin.runs[-1].head)
    with pytest.raises(EvidenceError):
        branching.descend(link, [bytes(32)] * len(notes.asks[-1].spans))
