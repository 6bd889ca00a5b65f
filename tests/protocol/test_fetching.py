"""Fetching: one neighbour after the other is asked, and everybody who wants a blob is told how it ended."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from random import Random

import pytest

from protocol.blobs import BlobWant
from protocol.fetching import Fetching
from protocol.limits import MAX_FETCHES, MAX_OPEN_BLOBS, MAX_SEARCHES

from ..support.photos import digest_of, jpeg
from .test_lending import cut

PHOTOS = [jpeg(f"photo {number}", 40_000 + number) for number in range(12)]


def want_of(photo: bytes, listing: int = 0) -> BlobWant:
    return BlobWant(digest_of(photo), bytes([listing]) * 32)


@dataclass
class Neighbour:
    """A session as fetching sees it: what is wanted of it stands open until it is answered."""

    asked: list[BlobWant] = field(default_factory=list)
    most: int = 0

    @property
    def open_blobs(self) -> int:
        return len(self.asked)

    def want_blob(self, want: BlobWant) -> None:
        self.asked.append(want)
        self.most = max(self.most, len(self.asked))


def linked(fetching: Fetching, count: int) -> list[Neighbour]:
    neighbours = [Neighbour() for _ in range(count)]
    for number, neighbour in enumerate(neighbours):
        fetching.add(number, neighbour)
    return neighbours


def answer(fetching: Fetching, number: Hashable, neighbour: Neighbour, photo: bytes | None) -> None:
    want = neighbour.asked.pop(0)
    for chunk in cut(photo) if photo is not None else ():
        fetching.came(number, want, chunk)
    fetching.ended(number, want, absent=photo is None)


def test_the_next_is_asked_where_one_does_not_hold_it() -> None:
    fetching = Fetching()
    neighbours = linked(fetching, 3)
    fetching.want(want_of(PHOTOS[0]))
    assert [len(each.asked) for each in neighbours] == [1, 0, 0]
    answer(fetching, 0, neighbours[0], None)
    assert [len(each.asked) for each in neighbours] == [0, 1, 0]
    answer(fetching, 1, neighbours[1], PHOTOS[0])
    assert fetching.found() == [(want_of(PHOTOS[0]), PHOTOS[0])]
    assert neighbours[2].asked == []
    assert fetching.found() == []


def test_nobody_is_linked_or_nobody_has_it() -> None:
    fetching = Fetching()
    fetching.want(want_of(PHOTOS[0]))
    assert fetching.found() == [(want_of(PHOTOS[0]), None)]
    (only,) = linked(fetching, 1)
    fetching.want(want_of(PHOTOS[0]))
    answer(fetching, 0, only, None)
    assert fetching.found() == [(want_of(PHOTOS[0]), None)]


def test_whoever_goes_away_halfway_is_followed_by_another_from_the_beginning() -> None:
    fetching = Fetching()
    neighbours = linked(fetching, 2)
    fetching.want(want_of(PHOTOS[0]))
    fetching.came(0, want_of(PHOTOS[0]), cut(PHOTOS[0])[0])
    fetching.lose(0)
    answer(fetching, 1, neighbours[1], PHOTOS[0])
    assert fetching.found() == [(want_of(PHOTOS[0]), PHOTOS[0])]


def test_whoever_comes_later_is_asked_too() -> None:
    fetching = Fetching()
    linked(fetching, 1)
    fetching.want(want_of(PHOTOS[0]))
    late = Neighbour()
    fetching.add("late", late)
    fetching.lose(0)
    answer(fetching, "late", late, PHOTOS[0])
    assert fetching.found() == [(want_of(PHOTOS[0]), PHOTOS[0])]


def test_what_comes_from_somebody_who_is_not_waited_for_any_more_counts_for_nothing() -> None:
    fetching = Fetching()
    slow, other = linked(fetching, 2)
    want = want_of(PHOTOS[0])
    fetching.want(want)
    fetching.came(0, want, cut(PHOTOS[0])[0])
    fetching.pass_on(want)
    assert other.asked == [want]
    fetching.came(0, want, cut(PHOTOS[0])[1])
    fetching.ended(0, want, absent=False)
    assert fetching.found() == []
    answer(fetching, 1, other, PHOTOS[0])
    assert fetching.found() == [(want, PHOTOS[0])]
    assert slow.asked == [want], "it was asked once"


def test_whoever_still_owes_a_blob_is_not_asked_for_it_again() -> None:
    """Else the rest of one answer could be taken for the beginning of the next."""
    fetching = Fetching()
    (slow,) = linked(fetching, 1)
    want = want_of(PHOTOS[0])
    fetching.want(want)
    fetching.came(0, want, cut(PHOTOS[0])[0])
    fetching.pass_on(want)
    fetching.want(want)
    assert fetching.found() == [(want, None), (want, None)]
    fetching.came(0, want, cut(PHOTOS[0])[1])
    fetching.ended(0, want, absent=False)
    slow.asked.clear()
    assert fetching.found() == []
    fetching.want(want)
    answer(fetching, 0, slow, PHOTOS[0])
    assert fetching.found() == [(want, PHOTOS[0])]


def test_wanting_twice_asks_once_and_tells_once() -> None:
    fetching = Fetching()
    (only,) = linked(fetching, 1)
    for _ in range(2):
        fetching.want(want_of(PHOTOS[0]))
    assert len(only.asked) == 1
    answer(fetching, 0, only, PHOTOS[0])
    assert len(fetching.found()) == 1


def test_more_than_can_be_looked_for_is_told_at_once() -> None:
    fetching = Fetching()
    linked(fetching, 1)
    for number in range(MAX_SEARCHES + 1):
        fetching.want(BlobWant(number.to_bytes(32, "big"), bytes(32)))
    ((want, data),) = fetching.found()
    assert (int.from_bytes(want.digest, "big"), data) == (MAX_SEARCHES, None)


@pytest.mark.parametrize("seed", range(40))
def test_however_neighbours_come_go_and_answer_each_search_ends_once_and_rightly(seed: int) -> None:
    random, fetching = Random(seed), Fetching()
    neighbours: dict[int, Neighbour] = {}
    wants = {want_of(photo): photo for photo in PHOTOS}
    number, told, waiting = 0, [], list(wants)
    everybody: list[Neighbour] = []
    for _ in range(400):
        match random.randrange(6):
            case 0 if len(neighbours) < 4:
                number += 1
                neighbours[number] = Neighbour()
                everybody.append(neighbours[number])
                fetching.add(number, neighbours[number])
            case 1 if neighbours and random.random() < 0.2:
                lost = random.choice(list(neighbours))
                del neighbours[lost]
                fetching.lose(lost)
            case 2 if waiting:
                fetching.want(waiting.pop())
            case 3:
                fetching.pass_on(random.choice(list(wants)))
            case _ if neighbours:
                which = random.choice(list(neighbours))
                if neighbours[which].asked:
                    photo = wants[neighbours[which].asked[0]]
                    answer(fetching, which, neighbours[which], random.choice([None, photo, photo]))
        assert sum(search.asked is not None for search in fetching._searches.values()) <= MAX_FETCHES
        told += fetching.found()
    for which in list(neighbours):
        fetching.lose(which)
    for want in waiting:
        fetching.want(want)
    told += fetching.found()
    assert sorted(want.digest for want, _ in told) == sorted(want.digest for want in wants)
    assert all(data in (None, wants[want]) for want, data in told)
    assert any(data is not None for _, data in told)
    assert max(each.most for each in everybody) <= MAX_OPEN_BLOBS
