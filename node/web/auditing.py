"""Auditing: the audit run from its page, one at a time, with how far it is, and what it found.

Decides where it runs (a thread and a reader of its own, so that pages are
answered meanwhile), when it stops, and how long its result is kept: until the
next one, or until the node stops. What is looked at and found is the ledger's,
and the same as `trueque audit` tells.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby, islice
from typing import Final

from aiohttp import web

from ledger.audit import Audit, audit
from ledger.errors import LedgerError, LocalError, NotFound
from ledger.findings import Finding
from ledger.records import CommuneId
from ledger.sentences import CHANGED_HERE, MENDING
from ledger.store.reading import Reader

from .. import clock, findings, journal, language
from ..api import RESIDENT
from ..errors import InputError
from ..home import Home
from ..language import gettext as _
from ..service import Service
from .forms import form_of
from .papers import download
from .site import ask, page

ROUTES: Final = web.RouteTableDef()

MAX_SHOWN: Final = 300
"""findings of one gravity on the page; all are in the file."""


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


AUDITING: Final = web.AppKey("auditing", Auditing)


async def let_go(app: web.Application) -> None:
    """Stop what is under way: the node stops."""
    app[AUDITING].stop()


@dataclass(frozen=True, slots=True)
class Told:
    """A finding in words, and where to look: an exchange, or entries of a log."""

    sentence: str
    exchange: str | None
    entries: str | None
    place: str


@ROUTES.get("/audit")
async def shown(request: web.Request) -> web.Response:
    """The audit under way, or what the last one found, and the form that begins one."""
    auditing = request.app[AUDITING]
    run, last = auditing.run, auditing.last

    def look(service: Service) -> list[tuple[CommuneId, str]]:
        return [(row.id, row.name) for row in service.reader.communes()]

    communes = await ask(request, look)
    found = None if last is None else last.found
    return await page(
        request,
        "audit.html",
        run=run,
        last=last,
        groups=[] if found is None else list(_groups(found)),
        summary=None if found is None else findings.looked_at(found.checked),
        verdict=None if found is None else findings.verdict(found.worst),
        worst=None if found is None or found.worst is None else found.worst.value,
        mending=_(MENDING) if found and any(each.code in CHANGED_HERE for each in found.findings) else None,
        error=None if last is None or last.error is None else language.told(last.error),
        communes=communes,
        names=dict(communes),
    )


def _groups(found: Audit) -> Iterator[tuple[str, list[Told], int]]:
    """The findings of each gravity: a heading, those that are shown, and how many there are more."""
    for severity, group in groupby(found.findings, key=lambda each: each.severity):
        told = list(group)
        shown = [_told(each) for each in islice(told, MAX_SHOWN)]
        yield findings.heading(severity, len(told)), shown, len(told) - len(shown)


def _told(finding: Finding) -> Told:
    entries = None
    if finding.log is not None and finding.index is not None:
        entries = f"/logs/{finding.log.hex()}?from={finding.index}"
    elif finding.log is not None:
        entries = f"/logs/{finding.log.hex()}"
    return Told(
        findings.sentence_of(finding),
        None if finding.exchange is None else f"/exchanges/{finding.exchange.hex()}",
        entries,
        "" if finding.log is None else findings.place(finding),
    )


@ROUTES.post("/audit")
async def begin(request: web.Request) -> web.Response:
    """Begin an audit of everything, or of what concerns one commune."""
    form = await form_of(request)
    text = form["commune"]
    custody = request.app[RESIDENT].opened
    commune = None if not text else await ask(request, lambda service: service.reader.find_commune(text))
    request.app[AUDITING].begin(custody.home, commune)
    raise web.HTTPSeeOther("/audit")


@ROUTES.post("/audit/stop")
async def stop(request: web.Request) -> web.Response:
    """Stop the audit that is under way."""
    request.app[AUDITING].stop()
    raise web.HTTPSeeOther("/audit")


@ROUTES.get("/audit/result")
async def result(request: web.Request) -> web.Response:
    """What the last audit found, as `trueque audit --json` prints it."""
    last = request.app[AUDITING].last
    if last is None or last.found is None:
        raise NotFound("No audit has been done since this node was started: begin one on the page for it.")
    data = json.dumps(last.found.to_plain(), ensure_ascii=False, indent=2) + "\n"
    return download(data.encode(), "application/json", "trueque-audit.json")
