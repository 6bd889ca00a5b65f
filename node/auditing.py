"""Auditing: an audit that a running node does, one at a time, with how far it is, and what it found.

Decides where it runs (a thread and a reader of its own, so that everything else
is answered meanwhile), when it stops, and how long its result is kept: until the
next one, or until the node stops. What is looked at and found is the ledger's,
and the same as `trueque audit` tells.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from ledger.audit import Audit, audit
from ledger.errors import LedgerError, LocalError
from ledger.records import CommuneId
from ledger.store.reading import Reader

from . import clock, journal
from .errors import InputError
from .home import Home


class _Stopped(Exception):
    """Raised by the progress of an audit that was told to stop."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an audit: what it found, or why it found nothing; neither if it was stopped.

    `at` is when it ended, in milliseconds, `seconds` how long it took.
    """

    commune: CommuneId | None
    found: Audit | None
    error: LedgerError | None
    at: int
    seconds: float


class Run:
    """One audit under way. Its thread writes `done`, `total` and at last `outcome`; others read them."""

    def __init__(self, home: Home, commune: CommuneId | None) -> None:
        self.commune = commune
        self.done = 0
        self.total = 0
        self.stopping = False
        self.outcome: Outcome | None = None
        # A thread that nobody waits for: a node that stops does not wait for an audit.
        threading.Thread(target=self._run, args=(home,), name="trueque-audit", daemon=True).start()

    @property
    def percent(self) -> int:
        """How far it is."""
        return 100 * self.done // self.total if self.total else 0

    def _run(self, home: Home) -> None:
        begun = time.monotonic()
        found: Audit | None = None
        error: LedgerError | None = None
        try:
            with Reader(home.ledger) as reader:
                found = audit(reader, commune=self.commune, progress=self._advance)
        except _Stopped:
            pass
        except LedgerError as refused:
            error = refused
        except Exception as fault:
            journal.fault("fault", fault)
            error = LocalError(
                "The node failed in a way that it should not ({error}): its journal tells more; send that to "
                "those who maintain Trueque.",
                error=f"{type(fault).__name__}: {fault}",
            )
        self.outcome = Outcome(self.commune, found, error, clock.now(), time.monotonic() - begun)

    def _advance(self, done: int, total: int) -> None:
        self.done, self.total = done, total
        if self.stopping:
            raise _Stopped


class Auditing:
    """The audits of a node; on the event loop's thread."""

    def __init__(self) -> None:
        self._run: Run | None = None
        self._last: Outcome | None = None

    @property
    def run(self) -> Run | None:
        """The audit that is under way."""
        if self._run is not None and self._run.outcome is not None:
            self._last, self._run = self._run.outcome, None
        return self._run

    @property
    def last(self) -> Outcome | None:
        """What came of the last one that ended."""
        _ = self.run
        return self._last

    def begin(self, home: Home, commune: CommuneId | None) -> None:
        """Begin one. Raises InputError while one is under way."""
        if self.run is not None:
            raise InputError("An audit is under way already: wait until it is done, or stop it.")
        self._run = Run(home, commune)

    def stop(self) -> None:
        """Have the one that is under way end, if there is one."""
        if self.run is not None:
            self.run.stopping = True
