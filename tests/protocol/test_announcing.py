"""Announcing: all but those who have shown it are told what is new, and rest is remembered."""

from __future__ import annotations

import pytest

from ledger.evidence import Evidence
from ledger.log import Head
from protocol.announcing import Announcing
from protocol.deeds import LinkId
from protocol.neighbour import Offer, Pull
from protocol.reconcile import Difference
from protocol.roster import Mark

from ..simulation.memory import Memory
from ..support.histories import Author, numbered, written
from ..support.notes import noted


def holding(*authors: Author) -> Memory:
    held = Memory()
    for author in authors:
        for run in author.runs:
            held.take(run)
    return held


AUTHOR = written("some", numbered("some", 3))
LOG, HEAD = AUTHOR.state.log, AUTHOR.runs[0].head


def forked() -> tuple[Memory, Evidence]:
    author = written("liar", [b"first"])
    twin = author.twin()
    author.write(b"one thing")
    twin.write(b"another")
    held = holding(author, twin)
    evidence = held.evidence(author.state.log)
    assert evidence is not None
    return held, evidence


def test_all_but_who_sent_it_and_who_has_it_are_told_of_what_is_new() -> None:
    held = Memory()
    (source, from_it), (knowing, to_it), (other, to_other) = noted(), noted(), noted()
    links = {LinkId(1): source, LinkId(2): knowing, LinkId(3): other}
    announcing = Announcing(held, links)
    knowing.offers[LOG] = Offer(3, HEAD.root, HEAD)
    held.take(AUTHOR.runs[0])
    announcing.grown({LOG: HEAD}, LinkId(1))
    assert (from_it.heads, to_it.heads, to_other.heads) == ([], [], [HEAD])
    assert announcing.roster.get(LOG) == Mark(3, HEAD.root)


def test_nothing_is_told_before_rosters_have_been_compared() -> None:
    link, notes = noted()
    link.compared = False
    announcing = Announcing(Memory(), {LinkId(1): link})
    announcing.grown({LOG: HEAD}, None)
    announcing.rest(link)
    assert (notes.heads, notes.states) == ([], [])


def test_whoever_offers_another_branch_of_that_size_is_told() -> None:
    link, notes = noted()
    link.offers[LOG] = Offer(3, bytes(32), Head(LOG, 3, bytes(32), bytes(64)))
    Announcing(holding(AUTHOR), {LinkId(1): link}).grown({LOG: HEAD}, None)
    assert notes.heads == [HEAD]


def test_a_fork_is_told_with_its_evidence_and_every_branch() -> None:
    held, evidence = forked()
    (source, from_it), (other, to_other) = noted(), noted()
    Announcing(held, {LinkId(1): source, LinkId(2): other}).forked(evidence, LinkId(1))
    assert (from_it.evidence, from_it.heads) == ([], [])
    assert to_other.evidence == [evidence]
    assert to_other.heads == list(held.heads(evidence.log))


def test_branches_are_shown_to_whoever_holds_the_same_cut() -> None:
    """Their marks are the same, so the comparison of rosters has nothing to say of that log."""
    held, evidence = forked()
    link, notes = noted()
    announcing = Announcing(held, {LinkId(1): link})
    announcing.compared(link, [])
    assert (notes.evidence, len(notes.heads)) == ([], 2)
    announcing.compared(link, [Difference(evidence.log, Mark(1), 4)])
    assert notes.evidence == [evidence], "one who does not know of the fork is shown it"


def test_rest_is_told_once_and_remembered_when_both_hold_the_same() -> None:
    link, notes = noted()
    assert link.peer is not None
    announcing = Announcing(holding(AUTHOR), {LinkId(1): link})
    link.asked[LOG] = Pull(0, 1, 0)
    announcing.rest(link)
    assert notes.states == [], "something is wanted of it still"
    link.asked.clear()
    for _time in range(2):
        announcing.rest(link)
    assert notes.states == [announcing.roster.state]
    assert announcing.remembered(link.peer) is None
    link.theirs = announcing.roster.state
    announcing.rest(link)
    assert announcing.remembered(link.peer) is announcing.roster


def test_of_too_many_neighbours_those_met_longest_ago_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("protocol.announcing.MAX_MEMORIES", 2)
    announcing = Announcing(Memory(), {})
    links = [noted(b"neighbour %d" % number)[0] for number in range(3)]
    for link in links:
        link.theirs = announcing.roster.state
        announcing.rest(link)
    kept = [link for link in links if link.peer is not None and announcing.remembered(link.peer) is not None]
    assert kept == links[1:]


def test_whoever_begins_anew_looks_at_what_is_held_and_remembers_nobody() -> None:
    held = Memory()
    link, _ = noted()
    assert link.peer is not None
    announcing = Announcing(held, {LinkId(1): link})
    link.theirs = announcing.roster.state
    announcing.rest(link)
    held.take(AUTHOR.runs[0])
    announcing.begin_anew()
    assert announcing.roster.get(LOG) == Mark(3, HEAD.root)
    assert announcing.remembered(link.peer) is None
