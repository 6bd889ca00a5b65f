"""Sights: a head is verified once, when a rule asks, and one that nobody signed has not been seen."""

from __future__ import annotations

from ledger.held import Sight
from ledger.log import Head, LogKey
from ledger.sights import Sights
from ledger.standing import Part, place_of

LOG, OTHER = LogKey(bytes(32)), LogKey(b"\x01" * 32)


def head_of(size: int, log: LogKey = LOG, signature: int = 1) -> Head:
    return Head(log, size, size.to_bytes(32, "big"), bytes([signature]) * 64)


class Verifier:
    """Heads with a signature of zeros are forged; counts what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Head] = []

    def __call__(self, head: Head) -> bool:
        self.asked.append(head)
        return head.signature != bytes(64)


def sight(branch: int, index: int, head: Head) -> Sight:
    return Sight(place_of(branch, index), head.size, head.root)


def test_only_heads_beyond_a_size_and_within_the_stretches_are_told() -> None:
    sights = Sights(Verifier())
    heads = [head_of(size) for size in (3, 9, 5, 12)]
    for index, head in enumerate(heads):
        sights.add(1, index, [head, head_of(2, OTHER)])
    sights.add(2, 0, [heads[3]])
    assert list(sights.within([Part(1, 3)], LOG, 4)) == [sight(1, 1, heads[1]), sight(1, 2, heads[2])]
    assert list(sights.within([Part(3, 9)], LOG, 0)) == []
    assert list(sights.anywhere(LOG, 9)) == [sight(1, 3, heads[3]), sight(2, 0, heads[3])]


def test_a_head_is_verified_once_however_often_it_was_seen_and_asked_for() -> None:
    verifier = Verifier()
    sights = Sights(verifier)
    for index in range(3):
        sights.add(1, index, [head_of(7)])
    assert verifier.asked == [], "nobody has asked for it yet"
    for _time in range(2):
        assert len(list(sights.anywhere(LOG, 0))) == 3
    assert verifier.asked == [head_of(7)]


def test_what_nobody_signed_has_been_shown_and_not_seen() -> None:
    sights = Sights(Verifier())
    forged = head_of(7, signature=0)
    sights.add(1, 0, [forged])
    assert list(sights.within([Part(1, 1)], LOG, 0)) == list(sights.anywhere(LOG, 0)) == []
    assert [(shown.place, shown.head) for shown in sights.shown()] == [(place_of(1, 0), forged)]
