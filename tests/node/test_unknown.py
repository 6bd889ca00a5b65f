"""Unknown logs: which of their heads are kept, and for whom they have to go."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.log import Head, LogKey
from node.storage import Storage
from node.unknown import Unknown

from ..support.histories import NETWORK, Author, written

ONE, OTHER = LogKey(b"\x01" * 32), LogKey(b"\x02" * 32)


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[Storage]:
    made = Storage(tmp_path / "node.sqlite")
    yield made
    made.close()


def heads(name: str, count: int = 1) -> list[Head]:
    return [run.head for run in written(name, *([b"%d" % number] for number in range(count))).runs]


def test_the_newest_head_that_was_signed_is_kept() -> None:
    unknown = Unknown(NETWORK)
    first, second, third = heads("some", 3)
    log = LogKey(first.log)
    unknown.see(second, ONE)
    unknown.see(first, ONE)
    assert unknown.heads(log) == (second,)
    unknown.see(Head(log, 9, bytes(32), bytes(64)), OTHER)
    assert unknown.heads(log) == (second,)
    unknown.see(third, OTHER)
    assert unknown.heads(log) == (third,)
    assert (len(unknown), unknown.forked) == (1, 0)


def test_a_head_that_nobody_signed_makes_no_log_known() -> None:
    unknown = Unknown(NETWORK)
    unknown.see(Head(heads("some")[0].log, 1, bytes(32), bytes(64)), ONE)
    assert len(unknown) == 0


def test_two_heads_of_one_size_are_both_kept_for_good() -> None:
    unknown = Unknown(NETWORK)
    author = Author("liar")
    twin = author.twin()
    one, other = author.write(b"one").head, twin.write(b"other").head
    for head in (one, other, one, author.write(b"more").head):
        unknown.see(head, ONE)
    assert unknown.heads(author.state.log) == (one, other)
    assert unknown.forked == 1
    unknown.forget(author.state.log)
    assert (len(unknown), unknown.forked) == (0, 0)


def test_each_neighbour_has_its_part_and_who_has_most_gives_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("node.unknown.MAX_UNKNOWN_OF_ONE", 5)
    monkeypatch.setattr("node.unknown.MAX_UNKNOWN", 7)
    unknown = Unknown(NETWORK)
    many = [heads(f"many {number}")[0] for number in range(9)]
    few = [heads(f"few {number}")[0] for number in range(4)]
    for head in many:
        unknown.see(head, ONE)
    assert len(unknown) == 5
    for head in few:
        unknown.see(head, OTHER)
    assert len(unknown) == 7
    assert all(unknown.heads(LogKey(head.log)) for head in few)
    assert not unknown.heads(LogKey(many[0].log)), "shown longest ago"


def test_what_is_kept_is_there_after_a_restart(storage: Storage) -> None:
    unknown = Unknown(NETWORK, storage.unknowns)
    author = Author("liar")
    twin = author.twin()
    kept = [heads("some", 2)[1], author.write(b"one").head, twin.write(b"other").head]
    for head in (*kept, heads("gone")[0]):
        unknown.see(head, ONE)
    unknown.forget(LogKey(heads("gone")[0].log))
    storage.unknowns.keep(LogKey(bytes(32)), ONE, b"junk")
    again = Unknown(NETWORK, storage.unknowns)
    assert (len(again), again.forked) == (2, 1)
    assert again.heads(LogKey(kept[0].log)) == (kept[0],)
