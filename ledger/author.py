"""The author: the one way in which this installation signs entries of its own log.

Decides whether it may sign now, and the order of things when it does: entries
and head durable in the store, then in the anchors, and only then does the head
leave this module. After any failure in between it signs nothing more until
everything has been opened anew. Decides too what becomes of entries and heads
of this log that others hold, which is told in docs/spec/bundle.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from .anchor import Anchors
from .errors import BadRun, RunRefused, SigningStopped, Unconnected
from .evidence import Evidence
from .log import Head, LogKey, Run, check_head
from .records import Charter, Succession, parse
from .replica import Forks
from .signing import SigningKey
from .store.writing import OwnLog, Store


class Situation(StrEnum):
    """Whether this installation may sign, and if not, why."""

    READY = "ready"
    BEHIND = "behind"
    BESIDE = "beside"
    SHARED = "shared"
    FORKED = "forked"
    SEALED = "sealed"
    STOPPED = "stopped"


SENTENCES: Final = {
    Situation.READY: "This computer may sign.",
    Situation.BEHIND: (
        "The ledger here is older than what this computer has signed, so it signs nothing for now: leave the "
        "node running where neighbours can be reached, or import a bundle from one, and the missing entries "
        "come back. If nobody has them, make a backup here and bring it back into another folder with "
        "`trueque restore`."
    ),
    Situation.BESIDE: (
        "What this computer signed last is not in the ledger here, so another copy of this home exists or "
        "existed. If another computer still writes for the commune, use that one alone; if none does, make a "
        "backup here and bring it back into another folder with `trueque restore`, in a new log."
    ),
    Situation.SHARED: (
        "Others hold entries of this log that this computer did not sign, so another copy of this home "
        "exists or existed. If another computer still writes for the commune, use that one alone; if none "
        "does, make a backup here and bring it back into another folder with `trueque restore`, in a new log."
    ),
    Situation.FORKED: (
        "Two different continuations of this log exist, so its key is in use in two places: on one computer "
        "alone, make a backup and bring it back into another folder with `trueque restore`, in a new log; "
        "stop using the others."
    ),
    Situation.SEALED: (
        "This commune now writes with another log, made on another computer or after a restore: use that "
        "one, and this one for nothing more. If nobody of the commune made it, somebody else has its "
        "recovery words: tell the assembly."
    ),
    Situation.STOPPED: (
        "An earlier write failed, so nothing more is signed until the ledger has been opened anew: check the "
        "disk. A running node opens it anew by itself; any other program has to be closed and started again."
    ),
}
"""What each situation means, and what to do about it."""


@dataclass(frozen=True, slots=True)
class TakenBack:
    """What became of a run of one's own log: entries new here, and entries that were not signed here.

    `evidence`: that of a fork, if the run brought one to light.
    """

    new: int
    strange: int
    evidence: Evidence | None = None


class Author:
    """Signs for one log; owns nothing but the knowledge of what was signed last.

    Used by one thread at a time. `situation` and `is_forked` are found when it is made and
    whenever `review` is called, as after an import. Runs of its log that come
    from outside are given to `take_back`, and never to the store.
    """

    def __init__(self, store: Store, key: SigningKey, anchors: Anchors) -> None:
        """Raises StoreError if the database or the anchors cannot be read."""
        self._store = store
        self._key = key
        self._anchors = anchors
        self._last: Head | None = None
        self._stopped = False
        self.is_forked = False
        self.situation = Situation.READY
        self.review()

    @property
    def log(self) -> LogKey:
        """The log that this author writes."""
        return LogKey(self._key.public_key)

    @property
    def head(self) -> Head | None:
        """The newest head of the log, None before the first entry."""
        return self._last

    def review(self) -> Situation:
        """Compare the database with the anchors and with what others say of this log.

        After a failed write it stays STOPPED. Raises StoreError if the database
        or the anchors cannot be read.
        """
        if self._stopped:
            # What is on disk is not known until everything has been opened anew.
            self.situation = Situation.STOPPED
            return self.situation
        held = self._store.own_log(self.log)
        anchors = self._anchors.heads(self.log, self._store.network)
        anchor = max(anchors, key=lambda head: head.size, default=None)
        self._last = held.head
        self.is_forked = held.forked
        size = 0 if held.head is None else held.head.size
        if held.sealed:
            # Of a forked log too: whoever is told to make a new log there would make a second one.
            self.situation = Situation.SEALED
        elif held.forked:
            self.situation = Situation.FORKED
        elif held.shown is not None and not self._is_explained(held.shown, size, anchor):
            self.situation = Situation.SHARED
        elif any(head.size <= size and not self._is_held(head) for head in anchors):
            # Any of them, not the furthest alone: a home copied back brings an anchor of its own that fits.
            self.situation = Situation.BESIDE
        elif anchor is not None and anchor.size > size:
            self.situation = Situation.BEHIND
        else:
            self.situation = Situation.READY
            if held.head is not None and (anchor is None or anchor.size < size):
                # Signed just before a crash: the anchors have to know of it before anybody else does.
                self._anchors.record(held.head, self._store.network)
        return self.situation

    def _is_explained(self, shown: Head, size: int, anchor: Head | None) -> bool:
        """Whether the anchors say that a head which seemed strange was signed here: one was missing then."""
        if anchor is None or anchor.size < shown.size:
            return False
        return size < shown.size or self._is_held(shown)

    def _is_held(self, head: Head) -> bool:
        return self._store.root_at(self.log, head.size) == head.root

    def recover(self) -> Situation:
        """After a failed write, once the store has recovered: find how things stand, as when it was made.

        What had been written and was not acknowledged counts from now on, as after a crash.
        Raises StoreError if the database or the anchors cannot be read or written; then it stays STOPPED.
        """
        self._stopped = False
        try:
            return self.review()
        except BaseException:
            self._stopped, self.situation = True, Situation.STOPPED
            raise

    def check(self) -> None:
        """Raise SigningStopped, with the reason and what to do, if this installation may not sign now."""
        if self.situation is not Situation.READY:
            raise SigningStopped(SENTENCES[self.situation])

    def append(self, payloads: Sequence[bytes]) -> Run:
        """Sign the next entries; returns once nothing short of losing the disk can lose them.

        Raises SigningStopped with the reason if this installation may not sign
        now, and StoreError if writing failed: then nothing was acknowledged, and
        nothing more is signed.
        """
        self.check()
        if self._last is None and payloads and not isinstance(parse(payloads[0]), Charter | Succession):
            # Anything else would belong to no commune, and stand for ever where the succession has to.
            raise SigningStopped("This log is not opened yet: finish `trueque restore` first.")
        self._stopped = True
        try:
            run = self._store.append(self._key, payloads, self._last)
            self._anchors.record(run.head, self._store.network)
        except BadRun:
            # The payloads broke a limit: nothing was written.
            self._stopped = False
            raise
        except BaseException:
            self.situation = Situation.STOPPED
            raise
        self._stopped = False
        self._last = run.head
        return run

    def see(self, head: Head) -> bool:
        """Look at a head of this log that others hold; True if it was not signed here.

        It was not if it lies beyond what is held and the anchors, or beside
        it. That is remembered, and nothing is signed any more. Raises BadHead
        if nobody signed it.
        """
        check_head(head, self._store.network)
        return self._see(head, self._store.own_log(self.log), self._anchor())

    def take_back(self, run: Run) -> TakenBack:
        """Take a run of this log that others hold: entries which were lost here, never any that are not ours.

        It extends what is held up to the anchors' head and no further. What
        forks from what is held is stored as the evidence that it is. Raises
        RunRefused (and then no entry changed) or StoreError.
        """
        check_head(run.head, self._store.network)
        held, anchor = self._store.own_log(self.log), self._anchor()
        evidence: Evidence | None = None
        if not self._see(run.head, held, anchor) or held.forked:
            if held.head is None and run.start:
                raise Unconnected(
                    "One's own log is fetched back from its beginning, not from {start}.", start=run.start
                )
            ingested = self._store.ingest(run)
            new, evidence = ingested.new, ingested.evidence
        elif isinstance(self._store.place(run), Forks):
            ingested = self._store.ingest(run)
            new, evidence = ingested.new, ingested.evidence
        else:
            new = self._take_up_to(anchor, held, run)
        if new:
            self.review()
        reached = 0 if self._last is None else self._last.size
        strange = 0 if self.is_forked else run.head.size - max(reached, run.start)
        return TakenBack(new, max(strange, 0), evidence)

    def _anchor(self) -> Head | None:
        return self._anchors.latest(self.log, self._store.network)

    def _see(self, head: Head, held: OwnLog, anchor: Head | None) -> bool:
        size = 0 if held.head is None else held.head.size
        if head.size <= size:
            root = self._store.root_at(self.log, head.size)
            is_strange = root is not None and root != head.root
        else:
            limit = 0 if anchor is None else anchor.size
            is_strange = head.size > limit or (
                anchor is not None and head.size == limit and head.root != anchor.root
            )
        if is_strange:
            self._store.keep_shown(head)
            self.review()
        return is_strange

    def _take_up_to(self, anchor: Head | None, held: OwnLog, run: Run) -> int:
        """Take the part of a strange run that the anchors' head covers: it at least was signed here."""
        size = 0 if held.head is None else held.head.size
        if (
            anchor is None
            or not max(size, run.start) < anchor.size <= run.head.size
            or (size == 0 and run.start)
        ):
            return 0
        ours = Run(anchor, run.start, run.items[: anchor.size - run.start])
        try:
            return self._store.ingest(ours).new
        except RunRefused:
            return 0  # it left what was signed here before the anchor
