"""Deeds: what gossip wants to have done, done: runs and evidence verified and stored.

Decides nothing but what goes where: runs of one's own log to its author, those
of logs that are not taken in nowhere, all others to the store, many at a time.
Runs on a thread of its own, with a reader of its own.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from ledger.author import TakenBack
from ledger.errors import BadHead, EvidenceError, RunRefused
from ledger.evidence import Evidence
from ledger.log import Head, LogKey, Run
from protocol.deeds import Declined, Outcome, Prove, See, Stored, Take

from .admission import Admission, LeftOut
from .limits import MAX_STRANGERS, MAX_WAITING_EVIDENCE

if TYPE_CHECKING:
    from ledger.store.writing import Ingested, Store

    from .unknown import Unknown

Judged = Callable[[], Admission]
"""Makes the admission of one deed: whom a commune recognises may have changed since the last."""


class OwnLog(Protocol):
    """What becomes of the log that is written here: its author, wherever that lives."""

    @property
    def log(self) -> LogKey:
        """The log."""

    def take_back(self, run: Run) -> TakenBack:
        """Take a run of it that others hold. Raises RunRefused, StoreError."""

    def see(self, head: Head) -> bool:
        """Look at a head of it that others show. Raises BadHead, StoreError."""


class Doer:
    """Does deeds, one after the other; belongs to one thread.

    `unknown` keeps the newest heads of logs that are not taken in, where anybody does.
    """

    def __init__(
        self, store: Store, author: OwnLog | None, admission: Judged, unknown: Unknown | None = None
    ) -> None:
        self._store = store
        self._author = author
        self._admission = admission
        self._unknown = unknown
        self._waiting: OrderedDict[LogKey, Evidence] = OrderedDict()
        """evidence of logs that were not taken in when it came: their first entries may be on their way"""
        self.strangers: dict[LogKey, LeftOut] = {}
        """whose logs were not taken in, by what they say of themselves; the newest"""

    def take(self, deeds: Sequence[Take]) -> list[list[Outcome]]:
        """Verify and store the runs of some deeds; what became of each. Raises StoreError."""
        admission = self._admission()
        outcomes: list[list[Outcome | None]] = [[None] * len(deed.runs) for deed in deeds]
        waiting: list[tuple[int, int, Run]] = []
        left_out: dict[LogKey, LeftOut] = {}
        for number, deed in enumerate(deeds):
            for place, run in enumerate(deed.runs):
                if self._author is not None and run.log == self._author.log:
                    outcomes[number][place] = self._take_back(run)
                    continue
                # What follows on a run that is left out fits nowhere.
                why = left_out.get(run.log) or admission.judge(run)
                if why is None:
                    waiting.append((number, place, run))
                    continue
                if run.log not in left_out:
                    left_out[run.log] = why
                    self._note_stranger(run.log, why)
                outcomes[number][place] = Declined(why.reason.template, **why.reason.fields)
        results = self._store.ingest_all(run for _, _, run in waiting)
        for (number, place, run), result in zip(waiting, results, strict=True):
            admission.settled(run, 0 if isinstance(result, RunRefused) else result.new)
            outcomes[number][place] = self._outcome(run, result)
        admission.keep()
        return [[outcome for outcome in each if outcome is not None] for each in outcomes]

    def _outcome(self, run: Run, result: Ingested | RunRefused) -> Outcome:
        """What became of a run, once it has been stored or refused."""
        if isinstance(result, RunRefused):
            return result
        if self._unknown is not None:
            self._unknown.forget(run.log)
        evidence = result.evidence
        if (waited := self._waiting.pop(run.log, None)) is not None and self._prove(waited) is True:
            evidence = evidence or waited
        return Stored(result.new, evidence)

    def _note_stranger(self, log: LogKey, left_out: LeftOut) -> None:
        if left_out.commune is not None:
            self.strangers.pop(log, None)
            self.strangers[log] = left_out
            if len(self.strangers) > MAX_STRANGERS:
                del self.strangers[next(iter(self.strangers))]

    def prove(self, deed: Prove) -> bool | EvidenceError:
        """Verify and keep evidence; whether it is new, or why it proves nothing. Raises StoreError.

        That of a log which is not taken in waits for the log to be, among so many others.
        """
        log = deed.evidence.log
        is_own = self._author is not None and log == self._author.log
        if is_own or self._admission().holds(log):
            return self._prove(deed.evidence)
        waiting = self._waiting.pop(log, deed.evidence)
        self._waiting[log] = min(waiting, deed.evidence, key=lambda evidence: evidence.cut)
        if len(self._waiting) > MAX_WAITING_EVIDENCE:
            self._waiting.popitem(last=False)
        return False

    def _prove(self, evidence: Evidence) -> bool | EvidenceError:
        try:
            return self._store.add_evidence(evidence)
        except EvidenceError as error:
            return error

    def see(self, deed: See) -> bool:
        """Look at a head of one's own log, or of one that is not taken in. Raises StoreError.

        False if its log did not sign it: it says nothing about that log, and something about who shows it.
        """
        if self._author is not None and deed.head.log == self._author.log:
            try:
                self._author.see(deed.head)
            except BadHead:
                return False
            return True
        log = LogKey(deed.head.log)
        if self._unknown is None or deed.peer is None or self._admission().is_held(log):
            return True  # what is held back is not unknown
        return self._unknown.see(deed.head, deed.peer)

    def _take_back(self, run: Run) -> Outcome:
        assert self._author is not None
        try:
            taken = self._author.take_back(run)
            return Stored(taken.new, taken.evidence)
        except RunRefused as error:
            return error
