"""Batches: listings from the rows of a table, posted together or not at all.

Decides what a row means, which rows cannot be posted, and which stand already:
after a failure in the middle the same table is given again, and what was posted
is not posted twice. Nothing is signed while one row is bad.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Final, Literal, TypeAlias

import msgspec

from ledger.errors import LedgerError
from ledger.log import EntryId
from ledger.records import Need, Offer

from . import columns, typed
from .columns import fold
from .errors import InputError, PostingStopped
from .language import current
from .service import Service
from .sheets import Row
from .wishes import listings as wishes

Kind: TypeAlias = Literal["offer", "need"]

_KINDS: Final[dict[str, Kind]] = {
    **dict.fromkeys(("offer", "offers", "oferta", "ofertas", "ofrece", "ofrecemos", "excedente"), "offer"),
    **dict.fromkeys(
        ("need", "needs", "necesidad", "necesidades", "necesita", "necesitamos", "pedido"), "need"
    ),
}
"""What stands in the column of kinds, folded."""

_WRITTEN_DAY: Final = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})")
"""A date as spreadsheets write it, day first."""


@dataclass(frozen=True, slots=True)
class Posting:
    """A row that can be posted."""

    line: int
    record: Offer | Need


@dataclass(frozen=True, slots=True)
class Bad:
    """A row that cannot, and why."""

    line: int
    reason: LedgerError


@dataclass(frozen=True, slots=True)
class Batch:
    """What becomes of a table: rows to post, rows that stand already, and bad ones, each by line."""

    new: list[Posting] = field(default_factory=list)
    standing: list[Posting] = field(default_factory=list)
    bad: list[Bad] = field(default_factory=list)


def batch_of(rows: Iterable[Row], service: Service, now: int, by: str | None) -> Batch:
    """What each row means, and whether it may be posted; signs nothing. `now` in milliseconds.

    Raises SigningStopped and HomeError, which are no row's fault.
    """
    service.check_signing()
    standing = {_facts(row.record) for row in service.reader.listings(commune=service.commune)}
    batch, seen = Batch(), dict[Offer | Need, int]()
    for row in rows:
        try:
            record = _record_of(row, service, now, by)
            facts = _facts(record)
            if facts in seen:
                raise InputError(
                    "It says the same as line {line}: remove one, or say in the title what differs.",
                    line=seen[facts],
                )
            seen[facts] = row.line
        except LedgerError as error:
            batch.bad.append(Bad(row.line, error))
            continue
        (batch.standing if facts in standing else batch.new).append(Posting(row.line, record))
    return batch


def post(batch: Batch, service: Service, progress: Callable[[int, int], None]) -> list[EntryId]:
    """Sign the new rows of a batch without bad ones; their ids. Raises PostingStopped."""
    assert not batch.bad, "a batch with bad rows is not posted"
    posted: list[EntryId] = []
    try:
        for entry in service.record_all([posting.record for posting in batch.new]):
            posted.append(entry)
            progress(len(posted), len(batch.new))
    except LedgerError as error:
        raise PostingStopped(error, posted, len(batch.new)) from error
    return posted


def _facts(record: Offer | Need) -> Offer | Need:
    """What a listing says, without who recorded it when: what makes two rows the same."""
    return msgspec.structs.replace(record, at=0, by=None, seen=(), replaces=None, images=())


def _record_of(row: Row, service: Service, now: int, by: str | None) -> Offer | Need:
    """The record that a row means. Raises LedgerError."""
    if row.extra:
        raise InputError(
            "It has more cells than there are headings: put those that hold a comma or semicolon in quotes."
        )
    cells = row.cells
    kind, title = cells.get(columns.KIND.key), cells.get(columns.TITLE.key)
    if kind is None or title is None:
        raise InputError(
            "A row needs '{kind}' and '{title}': fill them in.",
            kind=columns.KIND.name,
            title=columns.TITLE.name,
        )
    number = cells.get(columns.QUANTITY.key)
    if number is not None and typed.may_be_thousands(number):
        raise InputError(
            "'{text}' may be thousands or decimals: write thousands without a mark, and decimals with a zero "
            "behind them, like 1.5000.",
            text=number,
        )
    until = cells.get(columns.UNTIL.key)
    meant = wishes.posting(
        wishes.Posting(
            kind=_kind_of(kind),
            title=title,
            category=cells.get(columns.CATEGORY.key),
            quantity=number,
            unit=cells.get(columns.UNIT.key),
            until=None if until is None else _day_of(until),
            note=cells.get(columns.NOTE.key),
            wants=cells.get(columns.WANTS.key),
            place=cells.get(columns.PLACE.key),
            council=cells.get(columns.COUNCIL.key),
            by=by,
        ),
        service,
        now,
    )
    assert isinstance(meant.record, Offer | Need)
    service.check(meant.record)
    return meant.record


def _kind_of(text: str) -> Kind:
    kind = _KINDS.get(fold(text))
    if kind is None:
        raise InputError("'{text}' is no kind of listing: write 'offer' or 'need'.", text=text)
    return kind


def _day_of(text: str) -> str:
    """A date in the form of records; with the day first it is understood where it can be nothing else.

    Where Spanish is spoken it always is: nobody there begins with the month.
    """
    matched = _WRITTEN_DAY.fullmatch(text)
    if matched is None:
        return text  # in the form of records, or refused as that
    day, month, year = (int(part) for part in matched.groups())
    if current() != "es" and max(day, month) <= 12 and day != month:
        raise InputError("'{text}' may be two dates: write the year first, like 2030-01-31.", text=text)
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        return text
