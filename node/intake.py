"""Intake: what becomes of each thing that comes out of a bundle, and the report of it.

Decides in which order things are stored, what waits for what, and what is told
of it. Which logs are taken in is `admission`'s, what a run or evidence is worth
the ledger's, and what becomes of one's own log its author's.

One run that is refused stops no other. Nothing here grows with the bundle: runs
are stored a few thousand entries at a time, evidence waits in a small place,
and the report tells a bounded number of logs apart.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ledger.author import SENTENCES, Author, Situation
from ledger.errors import EvidenceError, LedgerError, RunRefused, SigningStopped, StoreError
from ledger.evidence import Evidence
from ledger.log import Head, LogKey, Run
from ledger.records import CommuneId
from ledger.store.reading import Reader
from protocol.blobs import BlobChunk
from protocol.bundle import Item

from .admission import Admission
from .errors import BlobRefused
from .limits import MAX_REPORTED_LOGS, MAX_WAITING_BYTES, MAX_WAITING_ENTRIES, MAX_WAITING_EVIDENCE

if TYPE_CHECKING:
    from ledger.store.writing import Store

    from .blobs import Blobs
    from .quotas import Reach
    from .rations import Rations


@dataclass(slots=True)
class LogReport:
    """What became of the entries of one log, and the first reason why some were not taken.

    `commune` is whose it is, or says it is; `name` is the name in its charter
    where that is not held.
    """

    log: LogKey
    commune: CommuneId | None = None
    name: str | None = None
    new: int = 0
    known: int = 0
    refused: int = 0
    left_out: int = 0
    forked: bool = False
    reason: LedgerError | None = None


@dataclass(slots=True)
class ImportReport:
    """What became of a bundle: sums over entries, over evidence, and each log for itself.

    Entries and evidence are new, known already, refused (they prove nothing)
    or left out (not admitted). Blobs are photos: new, known already, or left out,
    because no listing held here names them or they could not be kept (`blobs_reason`,
    of the first). `logs` tells the first MAX_REPORTED_LOGS apart.
    `situation` is that of one's own log afterwards.
    """

    new: int = 0
    known: int = 0
    refused: int = 0
    left_out: int = 0
    evidence_new: int = 0
    evidence_known: int = 0
    evidence_refused: int = 0
    evidence_left_out: int = 0
    blobs_new: int = 0
    blobs_known: int = 0
    blobs_left_out: int = 0
    blobs_reason: LedgerError | None = None
    logs: dict[LogKey, LogReport] = field(default_factory=dict)
    situation: Situation | None = None


class Intake:
    """One import under way: what waits to be stored, and the report so far."""

    def __init__(
        self,
        store: Store,
        reader: Reader,
        author: Author | None,
        admitted: Reach | Collection[CommuneId] | None,
        blobs: Blobs | None = None,
        own: CommuneId | None = None,
        rations: Rations | None = None,
    ) -> None:
        """As `bundles.import_bundle`."""
        self.report = ImportReport()
        self._store = store
        self._reader = reader
        self._author = author
        self._admission = Admission(reader, admitted, self.settle, rations)
        self._runs: list[Run] = []
        self._entries = self._bytes = 0
        self._waiting: dict[LogKey, list[Evidence]] = {}
        self._waiting_count = 0
        self._blobs = blobs
        self._own = own
        self._listed: dict[bytes, bool] | None = None
        """photos that listings held here name, and whether one of these is of one's own commune"""
        self._pieces: list[bytes] = []

    def take(self, item: Item) -> None:
        """Take the next thing out of the bundle."""
        match item:
            case Run():
                self._take_run(item)
            case Evidence():
                self._take_evidence(item)
            case Head():
                # Heads say what the sender holds. Of one's own log they tell whether another copy writes it.
                if self._is_own(LogKey(item.log)):
                    self._see(item)
            case BlobChunk():
                self._take_chunk(item)

    def settle(self) -> None:
        """Store the runs that wait."""
        runs, self._runs = self._runs, []
        self._entries = self._bytes = 0
        for run, result in zip(runs, self._store.ingest_all(runs), strict=True):
            self._admission.settled(run, 0 if isinstance(result, RunRefused) else result.new)
            if isinstance(result, RunRefused):
                self._count(run.log, refused=len(run.items), reason=result)
            else:
                forked = result.evidence is not None
                self._count(run.log, new=result.new, known=len(run.items) - result.new, forked=forked)
        self._admission.keep()

    def finish(self) -> ImportReport:
        """The report, with the communes of all logs that are held now."""
        self.report.evidence_left_out += self._waiting_count
        for told in self.report.logs.values():
            if told.commune is None:
                told.commune = self._reader.commune_of(told.log)
        return self.report

    def _is_own(self, log: LogKey) -> bool:
        return self._author is not None and log == self._author.log

    def _take_run(self, run: Run) -> None:
        if self._is_own(run.log):
            self._take_back(run)
            return
        left_out = self._admission.judge(run)
        if left_out is not None:
            told = self._count(run.log, left_out=len(run.items), reason=left_out.reason)
            if told is not None and told.commune is None:
                told.commune, told.name = left_out.commune, left_out.name
            return
        for evidence in self._waiting.pop(run.log, ()):
            self._waiting_count -= 1
            self._store_evidence(evidence)
        self._runs.append(run)
        self._entries += len(run.items)
        self._bytes += sum(len(item) for item in run.items if isinstance(item, bytes))
        if self._entries >= MAX_WAITING_ENTRIES or self._bytes >= MAX_WAITING_BYTES:
            self.settle()

    def _take_back(self, run: Run) -> None:
        assert self._author is not None
        try:
            taken = self._author.take_back(run)
        except RunRefused as error:
            self._count(run.log, refused=len(run.items), reason=error)
            return
        known = len(run.items) - taken.new - taken.strange
        strange = SigningStopped(SENTENCES[Situation.SHARED]) if taken.strange else None
        forked = self._author.is_forked
        self._count(run.log, new=taken.new, known=known, refused=taken.strange, reason=strange, forked=forked)

    def _see(self, head: Head) -> None:
        assert self._author is not None
        try:
            self._author.see(head)
        except RunRefused as error:
            self._count(LogKey(head.log), reason=error)

    def _take_chunk(self, chunk: BlobChunk) -> None:
        """Collect a photo; the reader of the bundle has seen to it that its chunks make it up."""
        if self._listed is None:
            self._listed = self._find_listed()
        is_own = self._listed.get(chunk.digest)
        if is_own is not None:
            self._pieces.append(chunk.data)
        if not chunk.is_last:
            return
        data, self._pieces = b"".join(self._pieces), []
        if is_own is None or self._blobs is None:
            self.report.blobs_left_out += 1
            return
        try:
            is_new = self._blobs.keep(chunk.digest, data, own=is_own)
        except (BlobRefused, StoreError) as error:
            self.report.blobs_left_out += 1
            self.report.blobs_reason = self.report.blobs_reason or error
            return
        self.report.blobs_new += is_new
        self.report.blobs_known += not is_new

    def _find_listed(self) -> dict[bytes, bool]:
        """Look once, when the first photo comes: entries that come later are there at the next import."""
        if self._blobs is None:
            return {}
        self.settle()
        own = self._own
        if own is None and self._author is not None:
            own = self._reader.commune_of(self._author.log)
        listed: dict[bytes, bool] = {}
        for row in self._reader.listings(illustrated=True):
            for digest in row.record.images:
                listed[digest] = listed.get(digest, False) or row.commune == own
        return listed

    def _take_evidence(self, evidence: Evidence) -> None:
        if self._is_own(evidence.log) or self._admission.holds(evidence.log):
            self._store_evidence(evidence)
        elif self._waiting_count < MAX_WAITING_EVIDENCE:
            self._waiting.setdefault(evidence.log, []).append(evidence)
            self._waiting_count += 1
        else:
            self.report.evidence_left_out += 1

    def _store_evidence(self, evidence: Evidence) -> None:
        try:
            is_new = self._store.add_evidence(evidence)
        except EvidenceError as error:
            self.report.evidence_refused += 1
            self._count(evidence.log, reason=error)
            return
        self.report.evidence_new += is_new
        self.report.evidence_known += not is_new
        self._count(evidence.log, forked=True)

    def _count(
        self,
        log: LogKey,
        *,
        new: int = 0,
        known: int = 0,
        refused: int = 0,
        left_out: int = 0,
        forked: bool = False,
        reason: LedgerError | None = None,
    ) -> LogReport | None:
        """Add to the sums, and to what is told of the log if there is room to tell it apart."""
        if log not in self.report.logs and len(self.report.logs) < MAX_REPORTED_LOGS:
            self.report.logs[log] = LogReport(log)
        found = self.report.logs.get(log)
        for told in (self.report, found):
            if told is not None:
                told.new += new
                told.known += known
                told.refused += refused
                told.left_out += left_out
        if found is not None:
            found.forked = found.forked or forked
            found.reason = found.reason or reason
        return found
