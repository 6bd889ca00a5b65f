"""Branches from the tables: however often a log is forked, and whatever damage says they stand on."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ledger import merkle
from ledger.held import Part, place_of
from ledger.history import History
from ledger.log import LogKey
from ledger.store.branches import Branches
from ledger.store.database import open_for_writing
from tests.support.communes import NETWORK, key_of

LOG = LogKey(key_of("El Maizal").public_key)
DEPTH = 1_500
"""forks one upon the other: more than Python calls functions within functions."""

LEAVES = [merkle.leaf_hash(b"%d" % number) for number in range(DEPTH)]


SIDE = merkle.leaf_hash(b"what every branch ends with, and the next one does not share")


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """A ledger of one log of which each branch parts from the one before, an entry later."""
    with closing(open_for_writing(tmp_path / "ledger.sqlite").conn) as opened:
        compact: merkle.CompactRange = ()
        opened.execute("BEGIN")
        for index, leaf in enumerate(LEAVES):
            compact = merkle.extend_range(index, compact, [leaf])
            whole = merkle.extend_range(index + 1, compact, [SIDE])
            root = merkle.range_root(index + 2, whole)
            opened.execute(
                "INSERT INTO branch VALUES (?, ?, ?, ?, 0, x'', ?, ?, ?)",
                (index + 1, LOG, index or None, index or None, index + 2, root, b"".join(whole)),
            )
            own = ((place_of(index + 1, index), leaf), (place_of(index + 1, index + 1), SIDE))
            opened.executemany("INSERT INTO entry VALUES (?, ?, NULL)", own)
        opened.execute("COMMIT")
        yield opened


def test_a_log_forked_a_thousand_times_over_is_read_to_its_end(connection: sqlite3.Connection) -> None:
    branches = Branches(connection)
    assert len(branches.lineage(DEPTH, DEPTH)) == DEPTH
    assert branches.start(DEPTH) == 0
    assert branches.leaves(DEPTH, 0, DEPTH) == LEAVES
    assert branches.leaves(DEPTH, DEPTH - 2, DEPTH) == LEAVES[-2:]
    assert branches.root_at(DEPTH, DEPTH) == merkle.root(LEAVES)
    assert branches.head_of_size(DEPTH, 1) is None


def test_a_history_takes_a_log_forked_a_thousand_times_over() -> None:
    history = History(NETWORK)
    for number, leaf in enumerate(LEAVES):
        history.open_branch(number + 1, LOG, Part(number, number) if number else None)
        history.read(number + 1, leaf, None)
    assert len(history.lineage(DEPTH, DEPTH)) == DEPTH
    assert history.root_at(DEPTH, DEPTH) == merkle.root(LEAVES)


@pytest.mark.parametrize("base", [2, 3])
def test_a_branch_that_stands_on_itself_or_on_a_later_one_is_damage(
    connection: sqlite3.Connection, base: int
) -> None:
    """Not an endless walk from one to the other."""
    connection.execute("UPDATE branch SET base = ? WHERE number = 2", (base,))
    with pytest.raises(sqlite3.DatabaseError, match="malformed"):
        Branches(connection).lineage(3, 3)


def test_a_branch_that_is_not_there_is_damage(connection: sqlite3.Connection) -> None:
    with pytest.raises(sqlite3.DatabaseError, match="malformed"):
        Branches(connection).log_of(DEPTH + 1)


@pytest.mark.parametrize(
    ("column", "value"),
    [("size", "x"), ("size", 8), ("root", 7), ("compact", 3), ("base_end", -1), ("log", b"short")],
)
def test_a_branch_of_values_that_cannot_be_is_damage(
    connection: sqlite3.Connection, column: str, value: object
) -> None:
    connection.execute("PRAGMA ignore_check_constraints = ON")
    connection.execute(f"UPDATE branch SET {column} = ? WHERE number = 2", (value,))
    with pytest.raises(sqlite3.DatabaseError, match="malformed"):
        Branches(connection).log_of(2)
