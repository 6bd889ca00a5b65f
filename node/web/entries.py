"""Entries: one as it is, with its proof, and a log as it stands.

Decides what is shown of an entry beside what it says: its place, whether it
counts, what its record had seen, and what anybody needs to check it with other
tools. An entry whose content was erased, or that this version cannot read, is
shown as that.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from ledger.errors import NotFound
from ledger.log import EntryId, Head
from ledger.records import (
    Accept,
    Cancel,
    CommuneId,
    Correct,
    Decline,
    Deliver,
    Dispute,
    Malformed,
    Receive,
    Record,
    Settle,
    Uninterpreted,
    Withdraw,
)
from ledger.store.reading import BranchInfo, EntryRow, Reader

from ..entries import as_it_is
from ..overview import Names
from ..petnames import OwnNames
from ..service import Service
from .forms import whole
from .papers import download
from .site import ask, ask_aside, page

ROUTES: Final = web.RouteTableDef()

SHOWN: Final = 50
"""entries of a log on a page; some screens of a phone."""


@dataclass(frozen=True, slots=True)
class Line:
    """An entry in a list: where it stands, what it says, whether that counts, and what it is about."""

    row: EntryRow
    record: Record | Uninterpreted | Malformed | None
    counts: bool
    contested: bool
    about: Record | None


def line_of(row: EntryRow, service: Service) -> Line:
    """An entry as lists show it."""
    return Line(row, row.record, *service.reader.weight(row), _about(row.record, service.reader))


def _about(record: Record | Uninterpreted | Malformed | None, reader: Reader) -> Record | None:
    """The proposal or listing that a record is about, None where there is none or it is not held."""
    match record:
        case Accept() | Decline() | Cancel() | Deliver() | Receive() | Dispute():
            named = record.exchange
        case Settle():
            named = record.dispute
        case Withdraw() | Correct():
            named = record.target
        case _:
            return None
    try:
        if isinstance(record, Settle):
            named = reader.exchange_of(EntryId(named))
        found = reader.entry(named).record
    except NotFound:
        return None
    return None if found is None or isinstance(found, Uninterpreted | Malformed) else found


@dataclass(frozen=True, slots=True)
class Sight:
    """A head that a record carries, and whose log it is, as far as that is known here."""

    head: Head
    commune: CommuneId | None


@dataclass(frozen=True, slots=True)
class Opened:
    """An entry with all there is to know of it; `erased` is why its content was, `plain` is as in JSON."""

    line: Line
    branch: BranchInfo
    plain: dict[str, Any]
    seen: list[Sight]
    erased: str | None
    exchange: EntryId | None
    names: Names


def _opened(entry: EntryId, service: Service) -> Opened:
    reader = service.reader
    with reader.snapshot():
        row = reader.entry(entry)
        line = line_of(row, service)
        heads: tuple[Head, ...] = getattr(line.record, "seen", ())
        return Opened(
            line,
            next(branch for branch in reader.branches(row.log) if branch.number == row.branch),
            as_it_is(row, reader),
            [Sight(head, reader.commune_of(head.log)) for head in heads],
            _why_erased(row, service) if line.record is None else None,
            _exchange_of(entry, service),
            OwnNames(reader),
        )


def _why_erased(row: EntryRow, service: Service) -> str | None:
    for other, _at, reason in service.reader.erasures():
        if other.id == row.id:
            return reason
    return None


def _exchange_of(entry: EntryId, service: Service) -> EntryId | None:
    try:
        return service.reader.exchange_of(entry)
    except NotFound:
        return None


def _entry_of(request: web.Request) -> EntryId:
    return EntryId(bytes.fromhex(request.match_info["id"]))


@ROUTES.get("/entries/{id:[0-9a-f]{64}}")
async def entry(request: web.Request) -> web.Response:
    """One entry: what it says, where it stands, and what proves it."""
    wanted = _entry_of(request)
    found = await ask_aside(request, lambda service: _opened(wanted, service))
    fields = found.plain["record"]
    return await page(
        request,
        "entry.html",
        found=found,
        row=found.line.row,
        record=found.line.record,
        fields=None if fields is None else json.dumps(fields, ensure_ascii=False, indent=2),
    )


@ROUTES.get("/entries/{id:[0-9a-f]{64}}/proof")
async def proof(request: web.Request) -> web.Response:
    """An entry with its proof and head, as `trueque log --raw --json` prints it."""
    wanted = _entry_of(request)
    plain = await ask_aside(request, lambda service: as_it_is(service.reader.entry(wanted), service.reader))
    data = json.dumps(plain, ensure_ascii=False, indent=2) + "\n"
    return download(data.encode(), "application/json", f"trueque-{wanted.hex()[:12]}.json")


# Logs -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Stretch:
    """Entries of one branch that follow each other; `next` is where the following begin, if there are any."""

    branch: BranchInfo
    lines: list[Line]
    next: int | None


@ROUTES.get("/logs/{id:[0-9a-f]{64}}")
async def log(request: web.Request) -> web.Response:
    """The entries of a log in the order in which they were signed, from a place on; each branch by itself."""
    key, first = bytes.fromhex(request.match_info["id"]), whole(request.query.get("from", "0"))

    def look(service: Service) -> tuple[list[Stretch], OwnNames]:
        with service.reader.snapshot():
            return list(_stretches(key, first, service)), OwnNames(service.reader)

    stretches, names = await ask(request, look)
    if not stretches:
        raise NotFound("There is nothing at this address.")
    return await page(request, "log.html", key=key, first=first, stretches=stretches, names=names, step=SHOWN)


def _stretches(key: bytes, first: int, service: Service) -> Iterator[Stretch]:
    for branch in service.reader.branches(key):
        # What a branch shares with an older one is shown there.
        start = max(first, branch.start, branch.first)
        end = min(branch.size, start + SHOWN)
        rows = service.reader.entries(branch.number, start, end) if start < end else ()
        lines = [line_of(row, service) for row in list(rows)]
        yield Stretch(branch, lines, end if end < branch.size else None)
