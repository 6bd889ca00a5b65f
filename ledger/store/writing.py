"""The store: every change to what is held.

Decides which changes there are, and that one transaction holds the entries, the
head, the branch and the views: what `receiving` writes, what is erased, and views
made anew. How that becomes durable is `committing`'s.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from .. import replica
from ..anchor import head_of_note
from ..errors import NoteError, NotFound, RunRefused, StoreError
from ..evidence import Evidence, check_evidence
from ..held import place_of
from ..limits import MAX_RUN_ENTRIES
from ..log import Head, LogKey, LogState, Run, sign_run
from ..merkle import range_root
from ..records import AuthorityChange, Charter, Malformed, Record, Succession, Uninterpreted
from ..signing import SigningKey
from .committing import Committing
from .migrations import make_views
from .receiving import Ingested, Receiving

__all__ = ["BATCH_ENTRIES", "REBUILD_BATCH", "Ingested", "OwnLog", "Progress", "Store"]

Progress = Callable[[int, int], None]
"""Called with how much is done and how much there is."""

BATCH_ENTRIES: Final = 32 * MAX_RUN_ENTRIES
"""entries after which `ingest_all` commits; what is lost in a power cut is fetched again."""

REBUILD_BATCH: Final = 4 * MAX_RUN_ENTRIES
"""entries that a rebuild reads at once."""


@dataclass(frozen=True, slots=True)
class OwnLog:
    """One's own log as the database shows it: its newest head, and whether others may not trust it any more.

    `shown` is the largest head of it that others have shown and that was not signed here.
    """

    head: Head | None
    forked: bool
    sealed: bool
    shown: Head | None


class Store(Committing):
    """The one writer of a ledger's database.

    Every method may be called from any thread and returns when the change is
    durable (own entries) or committed (copies of others'); all run one after
    another on the store's thread, which alone owns the connection.
    """

    def __init__(self, path: Path, network: str, *, views: bool = True) -> None:
        """Open or create the database at `path` for one network. Raises StoreError.

        `views=False` stores without projecting; a rebuild makes up for it.
        """
        self._views = views
        super().__init__(path, network)

    def _open(self) -> None:
        super()._open()
        self._received = Receiving(self._holding, self._projection, views=self._views)

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Changes ------------------------------------------------------------------------------------

    def append(self, key: SigningKey, payloads: Sequence[bytes], expected: Head | None) -> Run:
        """Sign and store the next entries of one's own log; returns once they are on disk.

        `expected` is the head that the caller takes for the newest: if the
        stored one differs, nothing is signed. Raises StoreError, BadRun.
        """
        return self._submit(lambda: self._append(key, payloads, expected))

    def ingest(self, run: Run) -> Ingested:
        """Verify and store a run of a log; runs held already change nothing.

        Raises RunRefused (and then nothing changed) or StoreError.
        """
        return self._submit(lambda: self._ingest(run))

    def ingest_all(self, runs: Iterable[Run]) -> Iterator[Ingested | RunRefused]:
        """Verify and store many runs, some thousands of entries in one transaction; as `ingest`, only faster.

        Yields what became of each run, in order, once it is committed. A run
        that is refused leaves no trace and does not touch the others.
        """
        batch: list[Run] = []
        entries = 0
        for run in runs:
            batch.append(run)
            entries += len(run.items)
            if entries >= BATCH_ENTRIES:
                yield from self._submit(partial(self._ingest_all, batch))
                batch, entries = [], 0
        if batch:
            yield from self._submit(partial(self._ingest_all, batch))

    def add_evidence(self, evidence: Evidence) -> bool:
        """Verify and keep evidence of a fork; False if one of as low a cut is held. Raises EvidenceError."""
        return self._submit(lambda: self._add_evidence(evidence))

    def sync(self) -> None:
        """Make durable all that was committed: copies of others' logs are not each time."""
        self._submit(self._sync)

    def erase(self, log: bytes, index: int, entry: bytes, at: int, reason: str) -> None:
        """Erase the payload of an entry for ever; its leaf hash and the note of it stay. Raises NotFound."""
        self._submit(lambda: self._erase(log, index, entry, at, reason))

    def rebuild(self, progress: Progress = lambda done, total: None) -> int:
        """Make all views again from the entries; returns how many entries were read."""
        return self._submit(lambda: self._rebuild(progress))

    # What the author of a log asks ---------------------------------------------------------------

    def own_log(self, log: LogKey) -> OwnLog:
        """How one's own log stands in this database."""
        return self._submit(lambda: self._own_log(log))

    def place(self, run: Run) -> replica.Placement:
        """What a run is beside what is held of its log; changes nothing. Raises RunRefused."""
        return self._submit(
            lambda: replica.place_run(run, self._holding.branches_of(run.head.log), self.network)
        )

    def keep_shown(self, head: Head) -> None:
        """Keep a head of one's own log that others have shown and that was not signed here."""
        self._submit(lambda: self._keep_shown(head))

    def root_at(self, log: LogKey, size: int) -> bytes | None:
        """The root of the first `size` entries of the first held branch of a log."""
        return self._submit(
            lambda: next(
                (held.holding.root_at(held.number, size) for held in self._holding.branches_of(log)), None
            )
        )

    # On the store's thread ----------------------------------------------------------------------

    def _own_log(self, log: LogKey) -> OwnLog:
        branches = self._holding.branches_of(log)
        forked = len(branches) > 1 or self._holding.cut(log) is not None
        if not branches:
            return OwnLog(None, forked, False, self._shown(log))
        held = self._holding.standing(branches[0].number)
        commune = self._projection.commune(held.commune) if held is not None else None
        sealed = commune is not None and log in commune.seals
        return OwnLog(branches[0].state().head, forked, sealed, self._shown(log))

    def _shown(self, log: LogKey) -> Head | None:
        row = self._connection.execute("SELECT value FROM setting WHERE name = ?", (_shown(log),)).fetchone()
        try:
            return None if row is None else head_of_note(row[0], log, self.network)
        except NoteError as error:
            raise sqlite3.DatabaseError("a head in the settings is malformed") from error

    def _keep_shown(self, head: Head) -> None:
        held = self._shown(LogKey(head.log))
        if held is None or held.size < head.size:
            with self._transaction(durable=True):
                self._connection.execute(
                    "INSERT OR REPLACE INTO setting (name, value) VALUES (?, ?)",
                    (_shown(head.log), head.to_note(self.network)),
                )

    def _append(self, key: SigningKey, payloads: Sequence[bytes], expected: Head | None) -> Run:
        log = LogKey(key.public_key)
        with self._transaction(durable=True):
            branches = self._holding.branches_of(log)
            if len(branches) > 1:
                raise StoreError(
                    "This log is forked: it cannot be written to; make a new one with `trueque restore`."
                )
            state = branches[0].state() if branches else LogState(log)
            if state.head != expected:
                raise StoreError(
                    "The ledger is not where this program left it, so nothing was signed: "
                    "another program may be using it; start again."
                )
            if state.head is not None and range_root(state.size, state.compact) != state.head.root:
                raise sqlite3.DatabaseError("malformed: the newest head does not fit its entries")
            run, extension = sign_run(state, payloads, key, self.network)
            if branches:
                self._received.extend(branches[0].number, state, run, extension.state, extension.leaves, 0)
            else:
                self._received.start(run, extension.state, extension.leaves)
        return run

    def _ingest(self, run: Run) -> Ingested:
        with self._transaction(durable=False):
            taken = self._received.take(run)
        if taken.evidence is not None:
            self._sync()
        return taken

    def _ingest_all(self, runs: Sequence[Run]) -> list[Ingested | RunRefused]:
        taken: list[Ingested | RunRefused] = []
        with self._transaction(durable=False):
            for run in runs:
                try:
                    taken.append(self._received.take(run))
                except RunRefused as refused:
                    taken.append(refused)
        if any(isinstance(one, Ingested) and one.evidence is not None for one in taken):
            self._sync()
        return taken

    def _sync(self) -> None:
        """Make durable what was committed: evidence may be held by nobody else, and not be fetched again."""
        # A checkpoint syncs nothing while a reader stands in its way; a durable commit syncs all before it.
        with self._transaction(durable=True):
            self._connection.execute("UPDATE setting SET value = value WHERE name = 'network'")

    def _add_evidence(self, evidence: Evidence) -> bool:
        check_evidence(evidence, self.network)
        with self._transaction(durable=True):
            lower = self._received.keep_evidence(evidence)
            if lower and self._views:
                self._projection.reform(evidence.log)
        return lower

    def _erase(self, log: bytes, index: int, entry: bytes, at: int, reason: str) -> None:
        # By place and not through the views: what cannot be read as a record can be erased as well.
        places = [
            place
            for held in self._holding.branches_of(log)
            if self._connection.execute(
                "SELECT 1 FROM entry WHERE place = ? AND leaf = ? AND payload IS NOT NULL",
                (place := place_of(held.number, index), entry),
            ).fetchone()
        ]
        if not places:
            raise NotFound("No entry with that id and a payload is held: nothing was erased.")
        with self._transaction(durable=True):
            read = [(place, *self._holding.record_at(place)) for place in places]
            for place in places:
                self._connection.execute("INSERT INTO erasure VALUES (?, ?, ?)", (place, at, reason))
                self._connection.execute("UPDATE entry SET payload = NULL WHERE place = ?", (place,))
            if self._views:
                self._forget_records(read)
        # What is overwritten there stays legible in the write-ahead log until that is folded in and emptied.
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def _forget_records(
        self, read: Sequence[tuple[int, bytes, Record | Uninterpreted | Malformed | None]]
    ) -> None:
        """Take what erased entries said out of the views."""
        if any(isinstance(record, Charter | AuthorityChange | Succession) for *_, record in read):
            # What formed a commune is gone, so its logs may stand for nobody now. Rare: all views anew.
            self._make_views(lambda done, total: None)
            return
        for place, leaf, record in read:
            if record is not None and not isinstance(record, Malformed):
                self._projection.erased(place, leaf, record)

    def _rebuild(self, progress: Progress) -> int:
        with self._transaction(durable=True):
            return self._make_views(progress)

    def _make_views(self, progress: Progress) -> int:
        """Make all views again within a transaction; returns how many entries were read."""
        total = int(self._connection.execute("SELECT count(*) FROM entry").fetchone()[0])
        done = 0
        make_views(self._database)
        self._holding.forget()
        self._projection.forget()
        for (number,) in self._connection.execute("SELECT number FROM branch ORDER BY number").fetchall():
            start = self._holding.branch(number).first
            while rows := self._connection.execute(
                "SELECT leaf, payload FROM entry WHERE place >= ? AND place < ? ORDER BY place LIMIT ?",
                (place_of(number, start), place_of(number + 1, 0), REBUILD_BATCH),
            ).fetchall():
                self._projection.add(
                    number, start, [leaf for leaf, _ in rows], [payload for _, payload in rows]
                )
                start += len(rows)
                done += len(rows)
                progress(done, total)
        return done


def _shown(log: bytes) -> str:
    """The name of the setting that holds a head of one's own log which was not signed here."""
    return f"shown {log.hex()}"
