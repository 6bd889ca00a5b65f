"""A write, a sync, a rename fails: once or from then on, with EIO or with ENOSPC.

Every call in every way takes long; quick to try is each sync, each rename, and
of a run of writes to one file the beginning and the end, in one way each.

The operation ends in a declared error or succeeds; what had failed is not
acknowledged; an author whose append failed signs nothing more, even when the
disk works again (the worker sees to that). Opened anew, all is well: by another
process, or by the same one, which then goes on.
"""

from __future__ import annotations

import errno
from itertools import cycle, product
from pathlib import Path

import pytest

from ledger.anchor import Anchors, read_anchor
from ledger.author import Author, Situation
from ledger.errors import SigningStopped, StoreError
from ledger.store.reading import Reader
from ledger.store.writing import Store

from ...support.communes import NETWORK, found
from .conftest import Crasher
from .stories import STORIES

FAULTS = [(mode, error) for mode in ("fail on", "fail once") for error in (errno.EIO, errno.ENOSPC)]


@pytest.mark.timeout(900)
@pytest.mark.parametrize("story", STORIES)
def test_a_failing_disk_ends_in_a_declared_error_and_nothing_is_lost(crasher: Crasher, story: str) -> None:
    """Calls fail in one of the four ways in turn, with and without a process that goes on after it."""
    points = crasher.record(story).turns()
    refused = 0
    for point, ((mode, error), recover) in zip(points, cycle(product(FAULTS, (True, False))), strict=False):
        disturbed = crasher.disturb(story, mode, point, error, recover=recover)
        refused += any("refused" in item for item in disturbed.said)
    assert refused > len(points) // 2


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("mode", "error"), FAULTS)
@pytest.mark.parametrize("story", STORIES)
def test_every_call_may_fail_in_every_way(crasher: Crasher, story: str, mode: str, error: int) -> None:
    for point in range(1, crasher.record(story).calls + 1):
        for recover in (True, False):
            crasher.disturb(story, mode, point, error, recover=recover)


def test_an_anchor_that_cannot_be_written_stops_the_author(tmp_path: Path) -> None:
    """The entries are in the database, but nobody was told: they are acknowledged when all is opened anew."""
    montes = found("Los Montes")
    anchors = Anchors([tmp_path / "anchor", tmp_path / "state" / "anchor"])
    with Store(tmp_path / "ledger.sqlite3", NETWORK) as store:
        author = Author(store, montes.key, anchors)
        (tmp_path / "state").write_text("a file where a folder should be")
        with pytest.raises(StoreError, match="state/anchor"):
            author.append(montes.payloads)
        assert author.situation is Situation.STOPPED
        assert author.review() is Situation.STOPPED
        (tmp_path / "state").unlink()
        with pytest.raises(SigningStopped):
            author.append([b"more"])
        assert author.head is None
    with Store(tmp_path / "ledger.sqlite3", NETWORK) as store:
        author = Author(store, montes.key, anchors)
        assert author.situation is Situation.READY
        assert author.head is not None
        assert author.head.size == 1
        author.append([b"more"])
    held = [read_anchor(path, montes.log, NETWORK) for path in anchors.paths]
    assert held == [author.head, author.head]


def test_a_full_database_refuses_all_further_writing_until_it_is_opened_anew(tmp_path: Path) -> None:
    montes = found("Los Montes")
    anchors = Anchors([tmp_path / "anchor"])
    with Store(tmp_path / "ledger.sqlite3", NETWORK) as store:
        author = Author(store, montes.key, anchors)
        author.append(montes.payloads)
        connection = store._connection
        store._submit(lambda: connection.execute("PRAGMA max_page_count = 1").fetchall())
        with pytest.raises(StoreError, match="full"):
            author.append([bytes(8_000)] * 20)
        assert author.situation is Situation.STOPPED
        assert store.failed
        with pytest.raises(StoreError, match="started again"):
            store.ingest(montes.run())
    with Store(tmp_path / "ledger.sqlite3", NETWORK) as store:
        author = Author(store, montes.key, anchors)
        assert author.situation is Situation.READY
        assert author.append([b"more"]).head.size == 2


def test_a_database_that_was_full_is_opened_anew_where_it_stands(tmp_path: Path) -> None:
    """As a running node does once somebody has made room; nothing is lost or signed twice."""
    montes = found("Los Montes")
    anchors = Anchors([tmp_path / "anchor"])
    with Store(tmp_path / "ledger.sqlite3", NETWORK) as store, Reader(tmp_path / "ledger.sqlite3") as reader:
        author = Author(store, montes.key, anchors)
        author.append(montes.payloads)
        connection = store._connection
        store._submit(lambda: connection.execute("PRAGMA max_page_count = 1").fetchall())
        with pytest.raises(StoreError, match="full"):
            author.append([bytes(8_000)] * 20)
        store.recover()
        assert not store.failed
        assert author.recover() is Situation.READY
        assert author.append([b"more"]).head.size == 2
        assert [branch.size for branch in reader.branches()] == [2]


def test_a_database_that_is_damaged_is_not_written_to_again(tmp_path: Path) -> None:
    montes = found("Los Montes")
    path = tmp_path / "ledger.sqlite3"
    with Store(path, NETWORK) as store:
        author = Author(store, montes.key, Anchors([tmp_path / "anchor"]))
        author.append([*montes.payloads, *([bytes(8_000)] * 40)])
        connection = store._connection
        store._submit(lambda: connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall())
        store._submit(lambda: connection.execute("PRAGMA max_page_count = 1").fetchall())
        with pytest.raises(StoreError, match="full"):
            author.append([bytes(8_000)] * 20)
        data = path.read_bytes()
        path.write_bytes(data[:20_480] + bytes(8_192) + data[28_672:])
        with pytest.raises(StoreError):
            store.recover()
        assert store.failed
        with pytest.raises(StoreError):
            author.recover()
        assert author.situation is Situation.STOPPED
