"""Passing on what is held as it stands: branches, entries, heads, runs, evidence and proofs.

Decides how a reader is connected: `Passing` has a read-only connection of its
own and belongs to one thread; each question is answered from one state of the
database, and `snapshot` holds that state over several. What entries mean is
asked of `reading`, which builds on this.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from ..errors import StoreError
from ..evidence import Evidence, Proven, decode_evidence
from ..held import INDEX_MASK, PLACE_BITS
from ..limits import MAX_RUN_BYTES, MAX_RUN_ENTRIES
from ..log import EntryId, Erased, Head, LogKey, Run
from ..records import CommuneId, Malformed, Record, Uninterpreted, parse
from ..replica import prove_held
from .branches import HeldBranch
from .database import is_outdated, open_for_reading, store_errors
from .holding import Holding
from .rows import Rows


@dataclass(frozen=True, slots=True)
class EntryRow:
    """An entry where it stands; `payload` and `record` are None if it was erased."""

    log: LogKey
    branch: int
    index: int
    id: EntryId
    payload: bytes | None

    @property
    def record(self) -> Record | Uninterpreted | Malformed | None:
        """What the payload says."""
        return None if self.payload is None else parse(self.payload)


@dataclass(frozen=True, slots=True)
class BranchInfo:
    """A held branch of a log: whose it is and how far it goes. `cut`: the log is forked from there.

    Entries are held from `start` on; those below `first` stand in an older branch as well.
    """

    number: int
    log: LogKey
    start: int
    first: int
    size: int
    root: bytes
    commune: CommuneId | None
    limit: int | None
    cut: int | None


class Passing:
    """Entries and what proves them, over one read-only connection. Every method can raise StoreError."""

    def __init__(self, path: Path) -> None:
        """Open the database at `path`, which must exist. Raises StoreError."""
        self.path = path
        self.connection: sqlite3.Connection = open_for_reading(path)
        try:
            self.network: str = self._network()
        except StoreError:
            self.connection.close()
            raise
        self.holding = Holding(self.connection, self.network)
        self.rows = Rows(self.connection, path)
        self._version = -1

    def _network(self) -> str:
        with store_errors(self.path):
            row = self.connection.execute("SELECT value FROM setting WHERE name = 'network'").fetchone()
        if row is None:
            raise StoreError(
                "The ledger {path} is empty: create a commune with `trueque init`.", path=self.path
            )
        return str(row[0])

    @property
    def is_outdated(self) -> bool:
        """Whether an older version wrote it, so that questions about what is newer fail (`bring_up`)."""
        with store_errors(self.path):
            return is_outdated(self.connection)

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """Around every question: one state of the database, and nothing remembered from an older one.

        A question within another, as while a list is read, is answered from that one's state.
        """
        with store_errors(self.path):
            is_first = not self.connection.in_transaction
            if is_first:
                self.connection.execute("BEGIN")
            try:
                version = self.connection.execute("PRAGMA data_version").fetchone()[0]
                if version != self._version:
                    self.holding.forget()
                    self._version = version
                yield
            finally:
                if is_first and self.connection.in_transaction:
                    # Nothing was written, and a commit would fail on a damaged file that could be read.
                    self.connection.execute("ROLLBACK")

    @property
    def version(self) -> int:
        """A number that is another one after anything has been written."""
        with store_errors(self.path):
            return int(self.connection.execute("PRAGMA data_version").fetchone()[0])

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Answer everything inside from one state of the database, whatever is written meanwhile.

        Within another snapshot it is that one.
        """
        if self.connection.in_transaction:
            yield
            return
        with self._asking():
            yield

    # Logs ---------------------------------------------------------------------------------------

    def branches(self, log: bytes | None = None) -> list[BranchInfo]:
        """All held branches, or those of one log."""
        with self._asking():
            numbers = self.connection.execute(
                "SELECT number FROM branch WHERE ?1 IS NULL OR log = ?1 ORDER BY number", (log,)
            ).fetchall()
            return [self._branch(number) for (number,) in numbers]

    def _branch(self, number: int) -> BranchInfo:
        row = self.holding.branch(number)
        standing = self.holding.standing(number)
        return BranchInfo(
            number,
            row.log,
            self.holding.start(number),
            row.first,
            row.size,
            row.root,
            standing.commune if standing else None,
            standing.limit if standing else None,
            self.holding.cut(row.log),
        )

    def entries(self, branch: int, start: int = 0, end: int | None = None) -> Iterator[EntryRow]:
        """The entries of a branch in order, what it shares with an older branch included."""
        with self._asking():
            row = self.holding.branch(branch)
            for first, last in self.holding.stretches(branch, start, row.size if end is None else end):
                rows = self.connection.execute(
                    "SELECT place, leaf, payload FROM entry WHERE place >= ? AND place < ? ORDER BY place",
                    (first, last),
                )
                for place, leaf, payload in rows:
                    yield EntryRow(row.log, branch, place & INDEX_MASK, EntryId(leaf), payload)

    def heads(self, branch: int, above: int = 0, until: int | None = None) -> Iterator[Head]:
        """The heads held of a branch of a size larger than `above`, up to `until`, smallest first."""
        with self._asking():
            size = self.holding.branch(branch).size
            for part in self.holding.lineage(branch, size if until is None else min(size, until)):
                rows = self.connection.execute(
                    "SELECT size, root, signature, extensions FROM head "
                    "WHERE branch = ? AND size > ? AND size <= ? ORDER BY size",
                    (part.branch, above, part.end),
                )
                for row in rows:
                    yield self.holding.read_head(branch, row)

    def head(self, branch: int) -> Head:
        """The newest head of a branch."""
        with self._asking():
            return self.holding.head_over(branch, self.holding.branch(branch).size - 1)

    def newest_head(self, log: bytes) -> Head | None:
        """The head of the largest size of the first held branch of a log."""
        with self._asking():
            for held in self.holding.branches_of(log):
                return held.state().head
        return None

    def runs(self, branch: int, above: int = 0, until: int | None = None) -> Iterator[Run]:
        """The entries of a branch from `above` on, in runs as long as the limits allow, each under a head.

        With `until`, up to the last head that is not larger.
        """
        with self._asking():
            start = max(above, self.holding.start(branch))
            before = self.holding.state_at(branch, start).compact if start > 0 and above == 0 else ()
        # The next head is looked at before a run is closed, so that each run reaches as far as one head may.
        size = start
        last: Head | None = None
        taken: list[bytes | Erased] = []
        length = 0
        for head in self.heads(branch, start, until):
            added: list[bytes | Erased] = [
                row.payload if row.payload is not None else Erased(row.id)
                for row in self.entries(branch, size, head.size)
            ]
            more = sum(len(item) for item in added if isinstance(item, bytes))
            if last is not None and (
                len(taken) + len(added) > MAX_RUN_ENTRIES or length + more > MAX_RUN_BYTES
            ):
                yield Run(last, start, tuple(taken), before)
                start, taken, before, length = last.size, [], (), 0
            taken += added
            length += more
            last, size = head, head.size
        if last is not None and taken:
            yield Run(last, start, tuple(taken), before)

    def replicas(self, log: bytes) -> list[HeldBranch]:
        """The branches of a log as `replica` and `descent` ask about them; to be asked within a snapshot."""
        with self._asking():
            return self.holding.branches_of(log)

    def evidence_of(self, log: bytes) -> Evidence | None:
        """The evidence held of a log's fork."""
        with self._asking():
            return self.holding.evidence(log)

    def proof(self, branch: int, index: int) -> Proven:
        """An entry's leaf with its inclusion proof under the smallest head over it."""
        with self._asking():
            held = next(
                item
                for item in self.holding.branches_of(self.holding.log_of(branch))
                if item.number == branch
            )
            return prove_held(held, index)

    def evidence(self) -> list[Evidence]:
        """All evidence of forks that is held."""
        with self._asking():
            rows = self.connection.execute("SELECT data FROM evidence ORDER BY log")
            return [decode_evidence(row[0]) for row in rows]

    def has_seen(self, log: bytes, other: bytes, size: int) -> bool:
        """Whether a log's entries carry a head of `other` of at least `size`."""
        with self._asking():
            for held in self.holding.branches_of(log):
                parts = self.holding.lineage(held.number, held.size)
                return any(True for _ in self.holding.sights(parts, LogKey(other), size - 1))
        return False

    def erasures(self) -> list[tuple[EntryRow, int, str]]:
        """Every erased payload: the entry, when (milliseconds, as claimed) and why."""
        with self._asking():
            rows = self.connection.execute("SELECT place, at, reason FROM erasure ORDER BY place").fetchall()
            return [(self._entry(place), at, reason) for place, at, reason in rows]

    def damage(self) -> str | None:
        """What SQLite's own check of the whole file finds, None if nothing."""
        with self._asking():
            row = self.connection.execute("PRAGMA integrity_check(1)").fetchone()
        return None if row[0] == "ok" else str(row[0])

    def _entry(self, place: int) -> EntryRow:
        leaf, payload = self.connection.execute(
            "SELECT leaf, payload FROM entry WHERE place = ?", (place,)
        ).fetchone()
        branch = place >> PLACE_BITS
        return EntryRow(self.holding.log_of(branch), branch, place & INDEX_MASK, EntryId(leaf), payload)
