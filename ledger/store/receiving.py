"""What is received, as rows: entries, heads, branches and the evidence of forks.

Decides which rows a run adds once `replica` has said what it is beside what is
held, and hands what they mean to `projection`. Everything happens within a
transaction of `writing`; what is refused has written nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from .. import replica
from ..errors import StoreError
from ..evidence import Evidence, encode_evidence
from ..held import INDEX_MASK, PLACE_BITS, place_of
from ..limits import MAX_RUN_ENTRIES
from ..log import Head, LogState, Run, check_form, entry_id
from ..merkle import CompactRange
from ..records import Malformed, parse
from .holding import Holding
from .projection import Projection

COMPACT_ENTRIES: Final = MAX_RUN_ENTRIES // 2
"""entries after which a head is kept with its compact range; to reach any size, so many leaves are read."""


@dataclass(frozen=True, slots=True)
class Ingested:
    """What became of a run: how many of its entries were new, and the evidence if it forks its log."""

    new: int
    branch: int
    evidence: Evidence | None = None


class Receiving:
    """Writes what is received over one writing connection; `views=False` leaves what it means undone."""

    def __init__(self, holding: Holding, projection: Projection, *, views: bool) -> None:
        self.holding = holding
        self.connection = holding.connection
        self._projection = projection
        self._views = views

    def take(self, run: Run) -> Ingested:
        """Verify a run, then write it; a run that is refused has written nothing."""
        taken = self._place(run)
        filled = self._fill(run)
        return replace(taken, new=taken.new + filled) if filled else taken

    def _place(self, run: Run) -> Ingested:
        """Write the entries of a run that are not held yet."""
        known = self._known(run)
        if known is not None:
            return known
        branches = self.holding.branches_of(run.head.log)
        match replica.place_run(run, branches, self.holding.network):
            case replica.Opens(state, leaves):
                return Ingested(len(leaves), self.start(run, state, leaves))
            case replica.Extends(number, state, leaves, skip):
                before = self.holding.state_at(number, run.start + skip)
                self.extend(number, before, run, state, leaves, skip)
                return Ingested(len(leaves), number)
            case replica.Known(number, is_new_head):
                if is_new_head:
                    self._keep_head(number, run.head, None, run.head.size)
                return Ingested(0, number)
            case replica.Forks() as fork:
                return Ingested(len(fork.leaves), self._fork(run, fork), fork.evidence)

    def _known(self, run: Run) -> Ingested | None:
        """A run whose very head is held needs no second look: what is held is what it covers."""
        row = self.connection.execute(
            "SELECT number FROM branch JOIN head ON head.branch = branch.number "
            "WHERE log = ? AND head.size = ? AND head.root = ? AND signature = ?",
            (run.head.log, run.head.size, run.head.root, run.head.signature),
        ).fetchone()
        if row is None:
            return None
        check_form(run)  # some of its items may fill what is missing here
        return Ingested(0, row[0])

    def _fill(self, run: Run) -> int:
        """Take payloads that never came before, of entries that are held by their hash; how many came.

        Whoever passed the entries on may have kept them back, and must not decide
        for all time what can be read here. What was erased here stays erased.
        """
        absent = self.connection.execute(
            "SELECT entry.place, entry.leaf FROM branch CROSS JOIN entry INDEXED BY entry_absent "
            "WHERE branch.log = ? AND entry.payload IS NULL "
            "AND entry.place BETWEEN branch.number << ? | ? AND branch.number << ? | ? "
            "AND NOT EXISTS (SELECT 1 FROM erasure WHERE erasure.place = entry.place)",
            (run.log, PLACE_BITS, run.start, PLACE_BITS, run.head.size - 1),
        )
        filled = 0
        for place, leaf in absent.fetchall():
            index = place & INDEX_MASK
            item = run.items[index - run.start]
            if isinstance(item, bytes) and entry_id(run.log, index, item) == leaf:
                self.connection.execute("UPDATE entry SET payload = ? WHERE place = ?", (item, place))
                record = parse(item)
                if self._views and not isinstance(record, Malformed):
                    self._projection.filled(place, leaf, record)
                filled += 1
        return filled

    def start(self, run: Run, state: LogState, leaves: Sequence[bytes]) -> int:
        """Open the first branch of a log with a run."""
        cursor = self.connection.execute(
            "INSERT INTO branch (log, start, before, size, root, compact) VALUES (?, ?, ?, ?, ?, ?)",
            (state.log, run.start, b"".join(run.before), state.size, state.root, b"".join(state.compact)),
        )
        number = cursor.lastrowid
        assert number is not None
        self._write(number, run, state.compact, leaves, 0)
        return number

    def extend(
        self, number: int, before: LogState, run: Run, after: LogState, leaves: Sequence[bytes], skip: int
    ) -> None:
        """Advance a branch from one head to the next by compare-and-set, and write what is new."""
        moved = self.connection.execute(
            "UPDATE branch SET size = ?, root = ?, compact = ? WHERE number = ? AND size = ? AND root = ?",
            (after.size, run.head.root, b"".join(after.compact), number, before.size, before.root),
        )
        if moved.rowcount != 1:
            raise StoreError("The ledger was changed by another program, so nothing was stored: start again.")
        self.holding.note_growth(number, after.size, run.head.root, after.compact)
        self._write(number, run, after.compact, leaves, skip)

    def _fork(self, run: Run, fork: replica.Forks) -> int:
        """Open a branch that parts from a held one, with the evidence that proves it."""
        cursor = self.connection.execute(
            "INSERT INTO branch (log, base, base_end, start, before, size, root, compact) "
            "VALUES (?, ?, ?, 0, x'', ?, ?, ?)",
            (
                run.head.log,
                fork.number,
                fork.cut,
                fork.state.size,
                run.head.root,
                b"".join(fork.state.compact),
            ),
        )
        number = cursor.lastrowid
        assert number is not None
        lower = self.keep_evidence(fork.evidence)
        self._write(number, run, fork.state.compact, fork.leaves, fork.skip)
        if lower and self._views:
            self._projection.reform(run.log)
        return number

    def _write(
        self, number: int, run: Run, compact: CompactRange, leaves: Sequence[bytes], skip: int
    ) -> None:
        payloads = [item if isinstance(item, bytes) else None for item in run.items[skip:]]
        first = place_of(number, run.start + skip)
        self.connection.executemany(
            "INSERT INTO entry VALUES (?, ?, ?)",
            list(zip(range(first, first + len(leaves)), leaves, payloads, strict=True)),
        )
        self._keep_head(number, run.head, compact, run.start + skip)
        if self._views:
            self._projection.add(number, run.start + skip, leaves, payloads)

    def _keep_head(self, number: int, head: Head, compact: CompactRange | None, before: int) -> None:
        """Keep a head after one of size `before`; now and then with its compact range."""
        far = before // COMPACT_ENTRIES < head.size // COMPACT_ENTRIES
        self.connection.execute(
            "INSERT OR IGNORE INTO head VALUES (?, ?, ?, ?, ?, ?)",
            (
                number, head.size, head.root, head.signature, "\n".join(head.extensions),
                b"".join(compact) if far and compact is not None else None,
            ),
        )  # fmt: skip

    def keep_evidence(self, evidence: Evidence) -> bool:
        """Keep evidence of a fork; False if one of as low a cut is held."""
        held = self.holding.cut(evidence.log)
        if held is not None and held <= evidence.cut:
            return False
        self.connection.execute(
            "INSERT OR REPLACE INTO evidence VALUES (?, ?, ?)",
            (evidence.log, evidence.cut, encode_evidence(evidence)),
        )
        self.holding.forget_cut(evidence.log)
        return True
