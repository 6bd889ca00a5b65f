"""Answers: errors and reports as the JSON that a node gives, and what a command makes of them again.

Decides only how they are spelled. An error travels as its sentence in English
with the fields apart, so that whoever shows it can translate it: what a command
prints is the same whether the node or the command itself was refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from ledger import errors as ledger_errors
from ledger.author import Situation
from ledger.errors import LedgerError, LocalError
from ledger.log import LogKey
from ledger.records import CommuneId
from protocol import errors as protocol_errors

from . import errors as node_errors
from .errors import ImportStopped
from .intake import ImportReport, LogReport

Plain = dict[str, Any]

COUNTS: Final = (
    "new", "known", "refused", "left_out",
    "evidence_new", "evidence_known", "evidence_refused", "evidence_left_out",
    "blobs_new", "blobs_known", "blobs_left_out",
)  # fmt: skip
"""The numbers of an import's report."""

LOG_COUNTS: Final = ("new", "known", "refused", "left_out")


def _classes() -> Iterator[type[LedgerError]]:
    for module in (ledger_errors, protocol_errors, node_errors):
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, LedgerError):
                yield value


_CLASSES: Final = {found.__name__: found for found in _classes()}


class AnsweredError(msgspec.Struct, frozen=True):
    """An error as an answer holds it: its class, its sentence with names in braces, and what they are."""

    error: str
    template: str
    fields: dict[str, Any] = {}


def plain_error(error: LedgerError) -> Plain:
    """An error as JSON can hold it."""
    return {
        "error": type(error).__name__,
        "template": error.template,
        "fields": {name: _plain_field(value) for name, value in error.fields.items()},
    }


def _plain_field(value: object) -> Any:
    if isinstance(value, LedgerError):
        return plain_error(value)
    return value if isinstance(value, int | float | str) else str(value)


def error_of(answered: AnsweredError) -> LedgerError:
    """The error that an answer holds, of the same class where this version has it."""
    found = _CLASSES.get(answered.error, LocalError)
    fields = {name: _field(value) for name, value in answered.fields.items()}
    # Its class may be made from something else than a sentence: what it says is the sentence all the same.
    error = found.__new__(found)
    LedgerError.__init__(error, answered.template, **fields)
    return error


def _field(value: Any) -> Any:
    if isinstance(value, dict):
        return error_of(msgspec.convert(value, AnsweredError))
    return value


# Reports ----------------------------------------------------------------------------------------


class AnsweredLog(msgspec.Struct, frozen=True):
    """What became of the entries of one log, as an answer holds it."""

    log: str
    commune: str | None
    name: str | None
    new: int
    known: int
    refused: int
    left_out: int
    forked: bool
    reason: AnsweredError | None


class AnsweredReport(msgspec.Struct, frozen=True):
    """The report of an import, as an answer holds it."""

    counts: dict[str, int]
    logs: tuple[AnsweredLog, ...]
    situation: Situation | None
    blobs_reason: AnsweredError | None = None


def plain_report(report: ImportReport) -> Plain:
    """A report as JSON can hold it."""
    return {
        "counts": {name: getattr(report, name) for name in COUNTS},
        "logs": [
            {
                "log": told.log.hex(),
                "commune": None if told.commune is None else told.commune.hex(),
                "name": told.name,
                **{name: getattr(told, name) for name in LOG_COUNTS},
                "forked": told.forked,
                "reason": None if told.reason is None else plain_error(told.reason),
            }
            for told in report.logs.values()
        ],
        "situation": report.situation,
        "blobs_reason": None if report.blobs_reason is None else plain_error(report.blobs_reason),
    }


def report_of(answered: AnsweredReport) -> ImportReport:
    """The report that an answer holds. Raises ValueError on what is no hexadecimal."""
    report = ImportReport(situation=answered.situation)
    for name in COUNTS:
        setattr(report, name, answered.counts.get(name, 0))
    if answered.blobs_reason is not None:
        report.blobs_reason = error_of(answered.blobs_reason)
    for told in answered.logs:
        log = LogKey(bytes.fromhex(told.log))
        commune = None if told.commune is None else CommuneId(bytes.fromhex(told.commune))
        reason = None if told.reason is None else error_of(told.reason)
        counts = {name: getattr(told, name) for name in LOG_COUNTS}
        report.logs[log] = LogReport(log, commune, told.name, **counts, forked=told.forked, reason=reason)
    return report


def stopped_of(answered: AnsweredError, report: ImportReport) -> ImportStopped:
    """The import that stopped, with its report. Raises ValidationError."""
    return ImportStopped(error_of(msgspec.convert(answered.fields["reason"], AnsweredError)), report)
