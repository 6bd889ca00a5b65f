"""Audits as JSON: what one found (made by `ledger.audit`), and one that is under way."""

from __future__ import annotations

from typing import Any

import msgspec

from ledger import audit as rules
from ledger.sentences import Severity

from ..answers import AnsweredError
from . import Id, Time


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing found."""

    code: str
    severity: Severity
    log: Id | None
    index: int | None
    last: int | None
    commune: Id | None
    exchange: Id | None
    sentence: str
    fields: dict[str, Any]


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """How much was looked at."""

    communes: int
    logs: int
    entries: int
    heads: int
    signatures: int
    exchanges: int
    erased: int
    evidence: int


class Audit(msgspec.Struct, frozen=True, kw_only=True):
    """What an audit found, the gravest first, and how much was looked at."""

    network: str
    commune: Id | None
    findings: tuple[Finding, ...]
    checked: Checked


class AuditUnderWay(msgspec.Struct, frozen=True):
    """An audit that runs in the node: `done` of `total` steps, which mean nothing else."""

    commune: Id | None
    done: int
    total: int


class AuditEnded(msgspec.Struct, frozen=True):
    """The last audit that ended: what it found, or why it failed; neither if it was stopped."""

    commune: Id | None
    at: Time
    seconds: float
    audit: Audit | None
    error: AnsweredError | None


class Audits(msgspec.Struct, frozen=True):
    """The audit that runs in the node, and the last one that ended since it started."""

    running: AuditUnderWay | None
    last: AuditEnded | None


def audit_of(found: rules.Audit) -> Audit:
    """An audit as JSON holds it."""
    return msgspec.convert(found.to_plain(), Audit)
