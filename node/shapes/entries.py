"""Entries of logs as JSON, and one as it is (made by `entries`)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, Final, TypeAlias

import msgspec

from ledger.records import CommuneId
from ledger.store.reading import BranchInfo, EntryRow, Reader

from .. import telling
from ..entries import state_of
from ..errors import InputError
from ..overview import Names
from ..petnames import find_commune
from ..service import Service
from . import Id, Time, hex_of, one_of

_DIGITS: Final = re.compile(r"[0-9a-f]{4,64}")

EntryState: TypeAlias = Annotated[str, one_of("record", "uninterpreted", "malformed", "erased")]


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of a log; `summary` is what it says, in the language that is spoken."""

    id: Id
    commune: Id | None
    log: Id
    branch: int
    index: int
    kind: str | None
    state: EntryState
    summary: str
    by: str | None
    at: Time | None


class HeldLog(msgspec.Struct, frozen=True):
    """A branch of a log, as it is held; `counts`: how many entries do, of one that was forked or sealed."""

    log: Id
    commune: Id | None
    branch: int
    size: int
    forked_at: int | None
    counts: int | None


class EntryAsItIs(msgspec.Struct, frozen=True, kw_only=True):
    """All that is needed to check an entry with other tools."""

    id: Id
    log: Id
    index: int
    state: EntryState
    record: Any
    payload: str | None
    proof: tuple[Id, ...]
    head: str


def entry_of(row: EntryRow, branch: BranchInfo, names: Names) -> Entry:
    """An entry of a branch."""
    record = row.record
    return Entry(
        id=row.id.hex(),
        commune=hex_of(branch.commune),
        log=row.log.hex(),
        branch=branch.number,
        index=row.index,
        kind=getattr(record, "kind", None),
        state=state_of(row),
        summary=telling.entry(record, names),
        by=getattr(record, "by", None),
        at=getattr(record, "at", None),
    )


def log_of(branch: BranchInfo) -> HeldLog:
    """A branch that is held."""
    return HeldLog(
        branch.log.hex(), hex_of(branch.commune), branch.number, branch.size, branch.cut, branch.limit
    )


def branches_meant(whose: str | None, service: Service) -> list[BranchInfo]:
    """The branches of a commune's logs or of a log, by its key or the beginning of it; else the own ones.

    Raises InputError, NotFound.
    """
    reader = service.reader
    if whose is None:
        # Also of a home whose log belongs to no commune yet.
        own = service.own
        return reader.branches(service.log) if own is None else _of_commune(own, reader)
    digits = whose.strip().lower()
    if _DIGITS.fullmatch(digits):
        logs = {branch.log for branch in reader.branches() if branch.log.hex().startswith(digits)}
        if len(logs) > 1:
            raise InputError("More than one log begins with {digits}: give more digits.", digits=digits)
        if logs:
            return reader.branches(logs.pop())
    return _of_commune(find_commune(reader, whose), reader)


def _of_commune(commune: CommuneId, reader: Reader) -> list[BranchInfo]:
    return [branch for log in reader.formed(commune).logs for branch in reader.branches(log)]


def rows_of(
    branches: list[BranchInfo], reader: Reader, *, limit: int, offset: int
) -> Iterator[tuple[EntryRow, BranchInfo]]:
    """Some entries of branches, one after the other, without reading those that are passed over."""
    for branch in branches:
        first = first_of(branch)
        held = branch.size - first
        if offset < held and limit > 0:
            last = min(branch.size, first + offset + limit)
            yield from ((row, branch) for row in reader.entries(branch.number, first + offset, last))
            limit -= last - first - offset
        offset = max(0, offset - held)


def first_of(branch: BranchInfo) -> int:
    """The index from which a branch is shown: what it shares with an older one is shown there."""
    return max(branch.start, branch.first)
