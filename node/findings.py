"""Findings: what an audit found, in words; for the command and the pages alike.

Decides what is said of each finding and where it says to look. What is found,
and in which English words, is the ledger's.
"""

from __future__ import annotations

from ledger.audit import Checked
from ledger.findings import Amount, Field, Finding
from ledger.sentences import Severity

from . import wording
from .language import gettext as _


def heading(severity: Severity, count: int) -> str:
    """What stands above the findings that are equally grave."""
    told = {
        Severity.ERROR: _("Errors: {count}"),
        Severity.WARNING: _("Warnings: {count}"),
        Severity.INFO: _("To know: {count}"),
    }[severity]
    return told.format(count=count)


def place(finding: Finding) -> str:
    """Where to look, of a finding about a log: what `trueque exchanges` and `trueque log` take."""
    assert finding.log is not None
    parts = [_("log {log}").format(log=wording.short(finding.log))]
    if finding.exchange is not None:
        parts.insert(0, _("exchange {id}").format(id=wording.short(finding.exchange)))
    if finding.last is not None:
        parts.append(_("entries {first} to {last}").format(first=finding.index, last=finding.last))
    elif finding.index is not None:
        parts.append(_("entry {index}").format(index=finding.index))
    return ", ".join(parts)


def looked_at(checked: Checked) -> str:
    """How much was looked at, in one sentence."""
    return _(
        "Checked: communes {communes}, logs {logs}, entries {entries}, heads {heads}, signatures "
        "{signatures}, exchanges {exchanges}, erased contents {erased}, proven forks {evidence}."
    ).format(
        communes=checked.communes,
        logs=checked.logs,
        entries=checked.entries,
        heads=checked.heads,
        signatures=checked.signatures,
        exchanges=checked.exchanges,
        erased=checked.erased,
        evidence=checked.evidence,
    )


def verdict(worst: Severity | None) -> str:
    """What it comes to."""
    match worst:
        case None:
            return _(
                "Nothing was found: all that was checked is as it was signed, and nothing is missing or "
                "disputed."
            )
        case Severity.INFO:
            return _("All that was checked is as it was signed; there is something to know.")
        case Severity.WARNING:
            return _("All that was checked is as it was signed; people should look at the warnings.")
        case Severity.ERROR:
            return _("Something was altered, damaged or signed falsely: see the errors.")


def sentence_of(finding: Finding) -> str:
    """The sentence of a finding in the language that is spoken."""
    fields = {name: _shown(value) for name, value in finding.fields.items()}
    if "detail" in fields:
        fields["detail"] = _(fields["detail"])
    return _(finding.template).format_map(fields)


def _shown(value: Field) -> str:
    if isinstance(value, bytes):
        return wording.short(value)
    if isinstance(value, Amount):
        return (
            wording.number(value.decimal) if value.unit is None else wording.amount(value.decimal, value.unit)
        )
    return str(value)
