"""The author: the one way in which this installation signs entries of its own log.

Decides whether it may sign now, and the order of things when it does: entries
and head durable in the store, then in the anchors, and only then does the head
leave this module. After any failure in between it signs nothing more until
everything has been opened anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from .anchor import Anchors
from .errors import BadRun, SigningStopped
from .log import Head, LogKey, Run
from .signing import SigningKey
from .store.writing import Store


class Situation(StrEnum):
    """Whether this installation may sign, and if not, why."""

    READY = "ready"
    BEHIND = "behind"
    BESIDE = "beside"
    FORKED = "forked"
    SEALED = "sealed"
    STOPPED = "stopped"


SENTENCES: Final = {
    Situation.READY: "This computer may sign.",
    Situation.BEHIND: (
        "The ledger here is older than what this computer has signed: import a bundle from a neighbour to fetch "
        "the missing entries back, or make a new log with `trueque restore`."
    ),
    Situation.BESIDE: (
        "What this computer signed last is not in the ledger here, so another copy of this home exists or existed: "
        "make a new log with `trueque restore`."
    ),
    Situation.FORKED: (
        "Two different continuations of this log exist, so its key is in use in two places: "
        "make a new log with `trueque restore`."
    ),
    Situation.SEALED: (
        "This commune now writes with another log, made on another computer or after a restore: use that one."
    ),
    Situation.STOPPED: (
        "An earlier write failed, so nothing more is signed: close the program, check the disk, and start it again."
    ),
}
"""What each situation means, and what to do about it."""


class Author:
    """Signs for one log; owns nothing but the knowledge of what was signed last.

    Used by one thread at a time. `situation` is found when it is made and
    whenever `review` is called, as after an import.
    """

    def __init__(self, store: Store, key: SigningKey, anchors: Anchors) -> None:
        """Raises StoreError if the database or the anchors cannot be read."""
        self._store = store
        self._key = key
        self._anchors = anchors
        self._last: Head | None = None
        self._stopped = False
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
        anchor = self._anchors.latest(self.log, self._store.network)
        self._last = held.head
        size = 0 if held.head is None else held.head.size
        if held.forked:
            self.situation = Situation.FORKED
        elif held.sealed:
            self.situation = Situation.SEALED
        elif anchor is not None and anchor.size > size:
            self.situation = Situation.BEHIND
        elif anchor is not None and self._store.root_at(self.log, anchor.size) != anchor.root:
            self.situation = Situation.BESIDE
        else:
            self.situation = Situation.READY
        return self.situation

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
