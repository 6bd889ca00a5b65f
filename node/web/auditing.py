"""Audits on the pages: the one under way, what the last one found, and the form that begins one.

Decides how many findings of each gravity are shown, and where each leads. The
audits themselves are `node.auditing`'s.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby, islice
from typing import Final

from aiohttp import web

from ledger.audit import Audit
from ledger.errors import NotFound
from ledger.findings import Finding
from ledger.sentences import CHANGED_HERE, MENDING

from .. import findings, language
from ..api import RESIDENT
from ..language import gettext as _
from ..petnames import OwnNames, find_commune
from .forms import form_of
from .papers import download
from .site import ask, page

ROUTES: Final = web.RouteTableDef()

MAX_SHOWN: Final = 300
"""findings of one gravity on the page; all are in the file."""


async def let_go(app: web.Application) -> None:
    """Stop what is under way: the node stops."""
    app[RESIDENT].auditing.stop()


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
    auditing = request.app[RESIDENT].auditing
    run, last = auditing.run, auditing.last

    communes = (await ask(request, lambda service: OwnNames(service.reader))).listed()
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
    commune = None if not text else await ask(request, lambda service: find_commune(service.reader, text))
    request.app[RESIDENT].auditing.begin(custody.home, commune)
    raise web.HTTPSeeOther("/audit")


@ROUTES.post("/audit/stop")
async def stop(request: web.Request) -> web.Response:
    """Stop the audit that is under way."""
    request.app[RESIDENT].auditing.stop()
    raise web.HTTPSeeOther("/audit")


@ROUTES.get("/audit/result")
async def result(request: web.Request) -> web.Response:
    """What the last audit found, as `trueque audit --json` prints it."""
    last = request.app[RESIDENT].auditing.last
    if last is None or last.found is None:
        raise NotFound("No audit has been done since this node was started: begin one on the page for it.")
    data = json.dumps(last.found.to_plain(), ensure_ascii=False, indent=2) + "\n"
    return download(data.encode(), "application/json", "trueque-audit.json")
