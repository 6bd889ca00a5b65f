"""Deeds: what gossip wants to have done, done: runs and evidence verified and stored.

Decides nothing but what goes where: runs of one's own log to its author, those
of logs that are not taken in nowhere, all others to the store, many at a time.
Runs on a thread of its own, with a reader of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from ledger.author import TakenBack
from ledger.errors import BadHead, EvidenceError, RunRefused
from ledger.log import Head, LogKey, Run
from protocol.gossip import Declined, Outcome, Prove, SeeOwn, Stored, Take

from .admission import Admission, LeftOut
from .limits import MAX_STRANGERS

if TYPE_CHECKING:
    from ledger.store.writing import Store

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
    """Does deeds, one after the other; belongs to one thread."""

    def __init__(self, store: Store, author: OwnLog | None, admission: Judged) -> None:
        self._store = store
        self._author = author
        self._admission = admission
        self.strangers: dict[LogKey, LeftOut] = {}
        """whose logs were not taken in, by what they say of themselves; the newest"""

    def take(self, deeds: Sequence[Take]) -> list[list[Outcome]]:
        """Verify and store the runs of some deeds; what became of each. Raises StoreError."""
        admission = self._admission()
        outcomes: list[list[Outcome | None]] = [[None] * len(deed.runs) for deed in deeds]
        waiting: list[tuple[int, int, Run]] = []
        for number, deed in enumerate(deeds):
            for place, run in enumerate(deed.runs):
                if self._author is not None and run.log == self._author.log:
                    outcomes[number][place] = self._take_back(run)
                elif (left_out := admission.judge(run)) is not None:
                    self._note_stranger(run.log, left_out)
                    outcomes[number][place] = Declined(left_out.reason.template, **left_out.reason.fields)
                else:
                    waiting.append((number, place, run))
        results = self._store.ingest_all(run for _, _, run in waiting)
        for (number, place, _), result in zip(waiting, results, strict=True):
            outcomes[number][place] = (
                result if isinstance(result, RunRefused) else Stored(result.new, result.evidence)
            )
        return [[outcome for outcome in each if outcome is not None] for each in outcomes]

    def _note_stranger(self, log: LogKey, left_out: LeftOut) -> None:
        if left_out.commune is not None:
            self.strangers[log] = left_out
            if len(self.strangers) > MAX_STRANGERS:
                del self.strangers[next(iter(self.strangers))]

    def prove(self, deed: Prove) -> bool | EvidenceError:
        """Verify and keep evidence; whether it is new, or why it proves nothing. Raises StoreError."""
        try:
            return self._store.add_evidence(deed.evidence)
        except EvidenceError as error:
            return error

    def see(self, deed: SeeOwn) -> None:
        """Look at a head of one's own log. Raises StoreError."""
        if self._author is not None:
            try:
                self._author.see(deed.head)
            except BadHead:
                pass  # nobody signed it: it says nothing about this log

    def _take_back(self, run: Run) -> Outcome:
        assert self._author is not None
        try:
            return Stored(self._author.take_back(run).new)
        except RunRefused as error:
            return error
