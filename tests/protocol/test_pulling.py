"""Pulling: each log is asked of one neighbour at a time, and of the next one if that leads nowhere."""

from __future__ import annotations

import pytest

from ledger.log import LogKey
from protocol.branching import Branching
from protocol.deeds import LinkId
from protocol.limits import PULL_ENTRIES
from protocol.neighbour import Neighbour, Offer
from protocol.pulling import Pulling
from protocol.questions import Want

from ..simulation.memory import Memory
from ..support.histories import Author, numbered, written
from ..support.notes import Notes, noted


class Round:
    """A node that holds nothing, and its neighbours."""

    def __init__(self, neighbours: int = 2) -> None:
        self.held = Memory()
        self.links: dict[LinkId, Neighbour] = {}
        self.notes: list[Notes] = []
        for number in range(neighbours):
            self.links[LinkId(number)], notes = noted()
            self.notes.append(notes)
        self.pulling = Pulling(self.held, self.links, Branching(self.held))

    def offer(self, number: int, author: Author) -> None:
        head = author.runs[-1].head
        link = self.links[LinkId(number)]
        self.pulling.offered(link, LogKey(head.log), Offer(head.size, head.root, head))

    def bring(self, number: int, author: Author, *runs: int) -> None:
        """A neighbour sends all that was wanted last; it is stored at once."""
        link, chosen = self.links[LinkId(number)], [author.runs[each] for each in runs]
        self.pulling.came(link, chosen)
        for run in chosen:
            self.held.take(run)
        self.pulling.satisfied(LinkId(number), link, self.notes[number].wants[-1], absent=False)
        self.pulling.took(LinkId(number), link, {run.log for run in chosen})
        self.pulling.pull()

    def lacks(self, number: int) -> None:
        """A neighbour says that it does not hold what was wanted last."""
        link = self.links[LinkId(number)]
        self.pulling.satisfied(LinkId(number), link, self.notes[number].wants[-1], absent=True)
        self.pulling.pull()


AUTHOR = written("some", [b"first"], numbered("more", 4))
LOG = AUTHOR.state.log


def test_what_two_offer_is_asked_of_one() -> None:
    story = Round()
    story.offer(0, AUTHOR)
    story.offer(1, AUTHOR)
    story.pulling.pull()
    story.pulling.pull()
    assert [notes.wants for notes in story.notes] == [[Want(LOG, 0, 1)], []]


def test_whose_log_it_is_has_to_be_known_before_all_of_it_is_asked_for() -> None:
    story = Round(1)
    story.offer(0, AUTHOR)
    story.pulling.pull()
    story.bring(0, AUTHOR, 0)
    assert story.notes[0].wants == [Want(LOG, 0, 1), Want(LOG, 1, 5)]
    story.bring(0, AUTHOR, 1)
    assert story.held.size(LOG) == 5
    assert not story.links[LinkId(0)].offers
    assert not story.links[LinkId(0)].asked


def test_what_one_turns_out_not_to_hold_is_asked_of_the_other() -> None:
    story = Round()
    story.offer(0, AUTHOR)
    story.offer(1, AUTHOR)
    story.pulling.pull()
    story.lacks(0)
    assert [notes.wants for notes in story.notes] == [[Want(LOG, 0, 1)], [Want(LOG, 0, 1)]]
    story.lacks(1)
    assert [len(notes.wants) for notes in story.notes] == [1, 1], "nobody is asked twice"


def test_what_was_asked_of_one_who_is_gone_is_asked_of_the_other() -> None:
    story = Round()
    story.offer(0, AUTHOR)
    story.offer(1, AUTHOR)
    story.pulling.pull()
    story.pulling.lose(LinkId(0), story.links.pop(LinkId(0)))
    story.pulling.pull()
    assert story.notes[1].wants == [Want(LOG, 0, 1)]


def test_a_log_that_is_not_taken_in_is_asked_of_nobody() -> None:
    story = Round()
    story.offer(0, AUTHOR)
    story.offer(1, AUTHOR)
    story.pulling.forget(LOG)
    story.pulling.pull()
    assert [notes.wants for notes in story.notes] == [[], []]


def test_the_next_entries_are_asked_for_before_the_last_are_stored() -> None:
    story = Round(1)
    link = story.links[LinkId(0)]
    story.held.take(AUTHOR.runs[0])
    story.pulling.offered(link, LOG, Offer(3 * PULL_ENTRIES))
    story.pulling.pull()
    first = Want(LOG, 1, 1 + PULL_ENTRIES)
    link.asked[LOG].at = first.end
    link.asked[LOG].unstored = 1
    story.pulling.satisfied(LinkId(0), link, first, absent=False)
    assert story.notes[0].wants == [first, Want(LOG, 1 + PULL_ENTRIES, 1 + 2 * PULL_ENTRIES)]


def test_whoever_offers_most_gives_way_where_there_is_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("protocol.pulling.MAX_OFFERS", 4)
    story = Round()
    authors = [written(f"log {number}", [b"x"]) for number in range(8)]
    for author in authors[:6]:
        story.offer(0, author)
    for author in authors[6:]:
        story.offer(1, author)
    assert [len(link.offers) for link in story.links.values()] == [2, 2]


def test_a_neighbour_that_holds_as_much_under_another_root_is_asked_for_the_last_of_it() -> None:
    """So a fork comes to light that nobody has told of."""
    story = Round(1)
    twin = written("some", [b"first"], numbered("other", 4))
    story.offer(0, twin)
    story.pulling.pull()
    for run in AUTHOR.runs:
        story.held.take(run)
    story.bring(0, AUTHOR, 0)
    assert story.notes[0].wants[-1] == Want(LOG, 4, 5)
