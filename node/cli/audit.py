"""`audit`: checking everything that is held, and telling what was found in plain words."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from ledger.sentences import CHANGED_HERE, MENDING, Severity

from .. import wording
from ..language import gettext as _
from . import output
from .desk import Desk
from .group import DONE, FOUND
from .options import argument, command

if TYPE_CHECKING:
    from ledger.audit import Audit, Checked
    from ledger.findings import Field, Finding


@command("audit")
@argument(
    "whose",
    metavar="COMMUNE",
    help="Commune by name or id; everything that is held if none is given.",
    required=False,
)
def audit(desk: Desk, whose: str | None) -> int:
    """Check everything that is held: that nothing was altered, and what is open, missing or disputed.

    Every entry is read, hashed and verified anew; nothing that was computed before is trusted. Ends with 1 if
    there are errors or warnings, with 0 if there is at most something to know.
    """
    from ledger.audit import audit as run

    with desk.reading() as service:
        commune = None if whose is None else service.reader.find_commune(whose)
        with output.progress(_("Auditing")) as progress:
            found = run(service.reader, commune=commune, progress=progress)
    if desk.as_json:
        output.print_json(found.to_plain())
    else:
        _tell(found)
    return DONE if found.worst in (None, Severity.INFO) else FOUND


def _tell(found: Audit) -> None:
    lines: list[tuple[int, str]] = []
    for severity, findings in groupby(found.findings, key=lambda finding: finding.severity):
        told = list(findings)
        lines.append((0, _heading(severity).format(count=len(told))))
        for finding in told:
            lines.append((2, f"- {sentence_of(finding)}"))
            if finding.log is not None:
                lines.append((5, _place(finding)))
        lines.append((0, ""))
    lines.append((0, _looked_at(found.checked)))
    lines.append((0, _verdict(found.worst)))
    if any(finding.code in CHANGED_HERE for finding in found.findings):
        lines.append((0, _(MENDING)))
    output.print_lines(lines)


def _heading(severity: Severity) -> str:
    return {
        Severity.ERROR: _("Errors: {count}"),
        Severity.WARNING: _("Warnings: {count}"),
        Severity.INFO: _("To know: {count}"),
    }[severity]


def _place(finding: Finding) -> str:
    """Where to look: what `trueque exchanges` and `trueque log` take."""
    assert finding.log is not None
    parts = [_("log {log}").format(log=wording.short(finding.log))]
    if finding.exchange is not None:
        parts.insert(0, _("exchange {id}").format(id=wording.short(finding.exchange)))
    if finding.last is not None:
        parts.append(_("entries {first} to {last}").format(first=finding.index, last=finding.last))
    elif finding.index is not None:
        parts.append(_("entry {index}").format(index=finding.index))
    return ", ".join(parts)


def _looked_at(checked: Checked) -> str:
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


def _verdict(worst: Severity | None) -> str:
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
    from ledger.findings import Amount

    if isinstance(value, bytes):
        return wording.short(value)
    if isinstance(value, Amount):
        return (
            wording.number(value.decimal) if value.unit is None else wording.amount(value.decimal, value.unit)
        )
    return str(value)
