"""Committing: what was acknowledged is kept, and nothing is written where that is not known any more."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from ledger.errors import StoreError
from ledger.log import Head, LogKey
from ledger.store.reading import Reader
from ledger.store.writing import Store
from tests.support.histories import NETWORK, Author, key_of, numbered, written

from .test_store import dump, own_log


@pytest.mark.parametrize("which", ["", "-wal"])
def test_in_files_that_were_replaced_nothing_is_written(path: Path, store: Store, which: str) -> None:
    """SQLite would go on in the files it has open, which nobody finds any more: all of it would be lost."""
    author = Author("montes", network=NETWORK)
    store.append(author.key, [b"uno"], None)
    head = own_log(store, author)
    file = path.with_name(path.name + which)
    file.rename(path.with_name("elsewhere"))
    file.write_bytes(path.with_name("elsewhere").read_bytes())
    with pytest.raises(StoreError, match=r"was replaced or removed .* start it again"):
        store.append(author.key, [b"dos"], head)
    with pytest.raises(StoreError, match="was replaced"):
        store.check_in_place()
    path.with_name("elsewhere").replace(file)
    assert store.append(author.key, [b"dos"], head).head.size == 2


def test_closing_twice_is_closing_once(path: Path) -> None:
    store = Store(path, NETWORK)
    store.close()
    store.close()


def test_any_thread_may_use_the_store(path: Path, store: Store) -> None:
    authors = [written(f"commune {number}", numbered("a", 5), numbered("b", 5)) for number in range(8)]

    def bring(author: Author) -> list[int]:
        return [store.ingest(run).new for run in author.runs]

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(bring, authors)) == [[5, 5]] * 8
    with Reader(path) as reader:
        assert len(reader.branches()) == 8


# Failing writes -----------------------------------------------------------------------------------


class Failing:
    """A connection that fails at a statement, before or after it took effect."""

    def __init__(self, real: sqlite3.Connection, statements: tuple[str, ...], *, after: bool = False) -> None:
        self._real = real
        self._statements = statements
        self._after = after

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
        """Execute a statement, or fail."""
        if statement in self._statements:
            if self._after:
                self._real.execute(statement, *values)
            raise sqlite3.OperationalError("disk I/O error")
        return self._real.execute(statement, *values)


@pytest.mark.parametrize(
    ("statements", "after", "kept"),
    [(("COMMIT",), False, 1), (("COMMIT",), True, 2), (("COMMIT", "ROLLBACK"), False, 1)],
    ids=["the commit fails", "the commit succeeds and says that it failed", "the rollback fails as well"],
)
def test_a_commit_that_failed_closes_the_store_until_it_is_opened_anew(
    path: Path, statements: tuple[str, ...], after: bool, kept: int
) -> None:
    key = key_of("El Maizal")
    other = written("La Costa", numbered("x", 3))
    with Store(path, NETWORK) as store:
        first = store.append(key, [b"acknowledged"], None)
        log = first.log
        store._connection = Failing(store._connection, statements, after=after)  # type: ignore[assignment]
        with pytest.raises(StoreError, match="check the disk"):
            store.append(key, [b"not acknowledged"], first.head)
        attempts: list[Callable[[], object]] = [
            lambda: store.append(key, [b"more"], first.head),
            lambda: store.ingest(other.runs[0]),
            lambda: list(store.ingest_all(other.runs)),
            lambda: store.rebuild(),
            lambda: store.own_log(log),
            lambda: store.erase(first.log, 0, bytes(32), 0, ""),
        ]
        for attempt in attempts:
            with pytest.raises(StoreError, match="failed before"):
                attempt()
    with Store(path, NETWORK) as store:
        held = store.own_log(first.log).head
        assert held is not None
        assert held.size == kept
        assert store.append(key, [b"more"], held).head.size == kept + 1
    with Reader(path) as reader:
        assert next(iter(reader.entries(1))).payload == b"acknowledged"


def test_a_full_disk_loses_nothing_that_was_acknowledged(path: Path) -> None:
    key = key_of("El Maizal")
    acknowledged: list[Head] = []
    with Store(path, NETWORK) as store:
        pages = store._thread.submit(
            lambda: store._connection.execute("PRAGMA page_count").fetchone()[0]
        ).result()
        store._thread.submit(
            lambda: store._connection.execute(f"PRAGMA max_page_count = {pages + 12}")
        ).result()
        last: Head | None = None

        def fill() -> None:
            nonlocal last
            while True:
                last = store.append(key, [bytes(2_000)], last).head
                acknowledged.append(last)

        with pytest.raises(StoreError, match=r"disk .* is full"):
            fill()
        with pytest.raises(StoreError, match="failed before"):
            store.append(key, [b"more"], last)
    assert len(acknowledged) > 2
    with Store(path, NETWORK) as store:
        assert store.own_log(LogKey(key.public_key)).head == acknowledged[-1]
        store.append(key, [b"more"], acknowledged[-1])
    with Reader(path) as reader:
        assert list(reader.heads(1))[:-1] == acknowledged


def test_a_fault_of_the_program_itself_is_not_hidden_and_changes_nothing(
    path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    author = written("El Maizal", numbered("a", 3))
    before = dump(path)

    def fail() -> None:
        raise RuntimeError("a fault")

    with monkeypatch.context() as patch:
        patch.setattr(store._projection, "finish", fail)
        with pytest.raises(RuntimeError, match="a fault"):
            store.ingest(author.runs[0])
    assert dump(path) == before
    assert store.ingest(author.runs[0]).new == 3
