"""The kept tables row by row, as they stand in the file.

Decides nothing and looks nothing up: no view, no index by id, no decoding. The
audit reads the ledger through this, since it must not rest on anything that
could be derived wrongly, and takes nothing about the values for granted: after
damage or by somebody's hand a column can hold any type. The rows of a large
ledger are never held all at once.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

from ..held import PLACE_BITS
from ..limits import MAX_RUN_ENTRIES
from .database import store_errors

Value: TypeAlias = "int | float | str | bytes | None"
"""What SQLite can hold in a column, whatever its declared type."""

BATCH: Final = MAX_RUN_ENTRIES
"""entries that are fetched at once; about 300 KiB."""


MAX_BRANCHES: Final = 2**31
"""numbers of branches, from 0; with the index beside it, a place fits SQLite's integer."""


class BranchRow(NamedTuple):
    """A row of `branch`."""

    number: Value
    log: Value
    base: Value
    base_end: Value
    start: Value
    before: Value
    size: Value
    root: Value
    compact: Value


class HeadRow(NamedTuple):
    """A row of `head` without its branch; `extensions` are the bytes of its text."""

    size: Value
    root: Value
    signature: Value
    extensions: Value
    compact: Value


EntryRow: TypeAlias = "tuple[int, Value, Value]"
"""Place, leaf hash, payload."""


class Rows:
    """The rows of one read-only connection. Every method can raise StoreError."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path

    def branches(self) -> list[BranchRow]:
        """All branches, in the order in which they were opened."""
        with store_errors(self._path):
            rows = self._connection.execute(
                "SELECT number, log, base, base_end, start, before, size, root, compact "
                "FROM branch ORDER BY number"
            )
            return [BranchRow(*row) for row in rows]

    def heads(self, branch: int) -> Iterator[HeadRow]:
        """The heads of a branch's own stretch, smallest first."""
        with store_errors(self._path):
            rows = self._connection.execute(
                "SELECT size, root, signature, CAST(extensions AS BLOB), compact FROM head "
                "WHERE branch = ? ORDER BY size",
                (branch,),
            )
            yield from map(HeadRow._make, rows)

    def entries(self, branch: int) -> Iterator[list[EntryRow]]:
        """The entries of a branch's own stretch, lowest index first, in batches.

        Of a damaged file, all up to the first that cannot be read.
        """
        place, end = branch << PLACE_BITS, (branch + 1) << PLACE_BITS
        question = "SELECT place, leaf, payload FROM entry WHERE place >= ? AND place < ? ORDER BY place"
        with store_errors(self._path):
            rows = self._connection.execute(question, (place, end))
            while True:
                try:
                    batch = rows.fetchmany(BATCH)
                except (sqlite3.DatabaseError, UnicodeDecodeError):
                    break
                if not batch:
                    return
                yield batch
                place = batch[-1][0] + 1
            readable: list[EntryRow] = []
            try:
                for row in self._connection.execute(question, (place, end)):
                    readable.append(row)
            except (sqlite3.DatabaseError, UnicodeDecodeError):
                yield readable
                raise

    def count(self) -> int:
        """About how many entries there are, by what the branches say."""
        return sum(
            max(0, row.size - first)
            for row in self.branches()
            for first in (row.start if row.base is None else row.base_end,)
            if isinstance(row.size, int) and isinstance(first, int)
        )

    def strays(self, branches: Collection[int]) -> dict[str, int]:
        """How many rows of `entry` and `head` are of no branch among these, by table, where there are any."""
        numbers = sorted(branch for branch in branches if 0 <= branch < MAX_BRANCHES)
        edges = [-MAX_BRANCHES - 1, *numbers, MAX_BRANCHES]
        with store_errors(self._path):
            entries = sum(
                self._connection.execute(
                    "SELECT count(*) FROM entry WHERE place BETWEEN ? AND ?",
                    ((low + 1) << PLACE_BITS, (high << PLACE_BITS) - 1),
                ).fetchone()[0]
                for low, high in pairwise(edges)
                if high > low + 1
            )
            counts = self._connection.execute("SELECT branch, count(*) FROM head GROUP BY branch")
            heads = sum(count for branch, count in counts if branch not in branches)
        return {table: count for table, count in (("entry", entries), ("head", heads)) if count}

    def evidence(self) -> list[tuple[Value, Value, Value]]:
        """Log, cut and encoded evidence of every fork."""
        with store_errors(self._path):
            return self._connection.execute("SELECT log, cut, data FROM evidence ORDER BY log").fetchall()

    def erasures(self) -> list[tuple[int, Value, Value]]:
        """Place, time and reason (bytes of its text) of every erasure that was noted."""
        with store_errors(self._path):
            return self._connection.execute(
                "SELECT place, at, CAST(reason AS BLOB) FROM erasure ORDER BY place"
            ).fetchall()
