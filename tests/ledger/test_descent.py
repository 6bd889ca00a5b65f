"""Descending to the cut of a fork that lies before everything a peer has sent."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import merkle
from ledger.descent import Descent, subtree_of
from ledger.errors import EvidenceError, Unconnected
from ledger.evidence import build_evidence
from ledger.limits import HASH_BYTES, MAX_DESCENT_LEVELS
from ledger.log import Head
from ledger.replica import prove_held
from tests.support.histories import NETWORK, Author, HeldBranch, Holder, numbered, written


def held(author: Author) -> HeldBranch:
    """The branch of somebody who has taken all of an author's runs."""
    return Holder().take_all(author.runs).branches[0]


@dataclass
class Peer:
    """Somebody who holds the other branch and answers questions about it."""

    branch: HeldBranch

    def answer(self, descent: Descent) -> list[bytes]:
        """The hashes that a descent wants."""
        return [subtree_of(self.branch, start, end) for start, end in descent.wants]


def descend(mine: HeldBranch, theirs: HeldBranch) -> tuple[Descent, int]:
    """A whole descent, and in how many rounds."""
    descent = Descent(theirs.heads[-1], mine.size, lambda start, end: subtree_of(mine, start, end))
    rounds = 0
    while not descent.is_done:
        assert len(descent.wants) <= 1 << MAX_DESCENT_LEVELS
        descent.take(Peer(theirs).answer(descent))
        rounds += 1
    assert descent.wants == []
    return descent, rounds


def split(shared: int, tail: int, other_tail: int) -> tuple[Author, Author]:
    """A log that goes on in two ways after `shared` entries."""
    one = written("La Minga", *([numbered("shared", shared)] if shared else []))
    other = one.twin()
    if tail:
        one.write(*numbered("one", tail))
    if other_tail:
        other.write(*numbered("other", other_tail))
    return one, other


@given(st.integers(0, 300), st.integers(1, 300), st.integers(1, 300))
def test_a_descent_ends_at_the_cut_in_few_rounds_and_with_evidence(
    shared: int, tail: int, other: int
) -> None:
    one, two = split(shared, tail, other)
    mine, theirs = held(one), held(two)
    descent, rounds = descend(mine, theirs)
    assert descent.found is not None
    assert descent.cut == shared
    levels = (theirs.size - 1).bit_length()
    assert rounds <= -(-levels // MAX_DESCENT_LEVELS)
    assert list(descent.found.proof) == merkle.inclusion_proof(two.leaves, shared)
    evidence = build_evidence(shared, prove_held(mine, shared), descent.found, NETWORK)
    assert evidence.cut == shared
    # From the other side the same fork is found, and the same evidence under the same heads.
    back, _ = descend(theirs, mine)
    assert back.cut == shared


@given(st.integers(1, 300), st.integers(0, 300))
def test_a_log_and_its_own_beginning_are_no_fork(size: int, more: int) -> None:
    short, long = split(size, 0, more)
    for mine, theirs in ((held(short), held(long)), (held(long), held(short))):
        descent, _ = descend(mine, theirs)
        assert descent.found is None


@given(st.integers(1, 120), st.integers(1, 60), st.integers(1, 60), st.data())
def test_a_log_held_from_an_index_on_finds_a_cut_past_it(
    shared: int, tail: int, other: int, data: st.DataObject
) -> None:
    one, two = split(shared, tail, other)
    start = data.draw(st.integers(0, shared))
    holder = Holder()
    holder.take(one.run_between(start, one.runs[-1].head, with_before=start > 0))
    mine = holder.branches[0]
    descent, _ = descend(mine, held(two))
    assert descent.cut == shared
    assert descent.found is not None
    build_evidence(shared, prove_held(mine, shared), descent.found, NETWORK)


def test_a_cut_below_the_index_that_a_log_is_held_from_is_not_located() -> None:
    one, two = split(3, 30, 30)
    holder = Holder()
    holder.take(one.run_between(20, one.runs[-1].head, with_before=True))
    with pytest.raises(Unconnected):
        descend(holder.branches[0], held(two))


@given(st.integers(0, 80), st.integers(1, 80), st.integers(1, 80), st.data())
def test_a_peer_that_answers_falsely_is_found_out_at_once(
    shared: int, tail: int, other: int, data: st.DataObject
) -> None:
    one, two = split(shared, tail, other)
    mine, peer = held(one), Peer(held(two))
    descent = Descent(peer.branch.heads[-1], mine.size, lambda start, end: subtree_of(mine, start, end))
    lie_in = data.draw(st.integers(0, 2))
    while not descent.is_done:
        truth = peer.answer(descent)
        if lie_in == 0:
            at = data.draw(st.integers(0, len(truth) - 1))
            bit = data.draw(st.integers(0, 8 * HASH_BYTES - 1))
            lie = (int.from_bytes(truth[at], "big") ^ 1 << bit).to_bytes(HASH_BYTES, "big")
            wants = descent.wants
            with pytest.raises(EvidenceError):
                descent.take([*truth[:at], lie, *truth[at + 1 :]])
            assert descent.wants == wants  # and the search stands where it stood
        descent.take(truth)
        lie_in -= 1
    assert descent.cut == shared


@pytest.mark.parametrize("answer", [[], [b""], [b"\0" * 31] * 16, [b"\0" * 32] * 15, [b"\0" * 32] * 17])
def test_an_answer_of_the_wrong_length_is_refused(answer: list[bytes]) -> None:
    one, two = split(3, 30, 30)
    descent = Descent(two.runs[-1].head, 33, lambda start, end: subtree_of(held(one), start, end))
    with pytest.raises(EvidenceError):
        descent.take(answer)


def test_an_answer_that_nobody_asked_for_is_refused() -> None:
    one, two = split(0, 1, 1)
    descent, rounds = descend(held(one), held(two))
    assert rounds == 0  # a tree of one leaf is its own root
    with pytest.raises(EvidenceError):
        descent.take([])


def test_a_head_of_a_root_that_no_tree_has_ends_as_the_fault_of_whoever_answers() -> None:
    one, two = split(3, 30, 30)
    real = two.runs[-1].head
    head = Head(real.log, real.size, b"\1" * 32, real.signature)
    descent = Descent(head, 33, lambda start, end: subtree_of(held(one), start, end))
    with pytest.raises(EvidenceError):
        descent.take(Peer(held(two)).answer(descent))


@given(st.integers(1, 70), st.data())
def test_a_subtree_has_one_hash_wherever_a_log_is_held_from(size: int, data: st.DataObject) -> None:
    author = written("La Minga", numbered("a", size), numbered("b", 3))
    whole = author.leaves
    start = data.draw(st.integers(0, size))
    holder = Holder()
    holder.take(author.run_between(start, author.runs[-1].head, with_before=start > 0))
    branch = holder.branches[0]
    level = data.draw(st.integers(0, 7))
    low = data.draw(st.integers(0, (size + 2) >> level)) << level
    high = min(low + (1 << level), size + 3)
    expected = merkle.root(whole[low:high])
    kept, at = [], 0  # the full subtrees below the start, of which the compact range has the hashes
    for width in (1 << bit for bit in reversed(range(8)) if start >> bit & 1):
        kept.append((at, at + width))
        at += width
    if high > start or (low, high) in kept:
        assert subtree_of(branch, low, high) == expected
    else:
        with pytest.raises(Unconnected):
            subtree_of(branch, low, high)


@pytest.mark.parametrize(
    ("start", "end"), [(-1, 1), (1, 1), (2, 1), (1, 3), (2, 5), (4, 10), (0, 10), (8, 9)]
)
def test_what_is_no_subtree_is_not_answered(start: int, end: int) -> None:
    author = written("La Minga", numbered("a", 8))
    with pytest.raises(Unconnected):
        subtree_of(held(author), start, end)
