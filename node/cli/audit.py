"""`audit`: checking everything that is held, and telling what was found in plain words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ledger.sentences import Severity

from .. import wording
from ..language import gettext as _
from . import output
from .desk import Desk
from .group import DONE, FOUND
from .options import argument, command

if TYPE_CHECKING:
    from ledger.audit import Audit
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
    if found.findings:
        table = output.Table((_("How grave"), _("Log"), _("Entry"), _("What was found")))
        table.rows += [
            (_grave(finding.severity), *_place(finding), sentence_of(finding)) for finding in found.findings
        ]
        output.print_table(table)
    checked = found.checked
    click.echo(
        _(
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
    )
    click.echo(_verdict(found.worst))


def _verdict(worst: Severity | None) -> str:
    match worst:
        case None:
            return _("Nothing was found: all that is held is as it was signed, and nothing is open.")
        case Severity.INFO:
            return _("All that is held is as it was signed; there is something to know.")
        case Severity.WARNING:
            return _("All that is held is as it was signed; people should look at the warnings.")
        case Severity.ERROR:
            return _("Something was altered, damaged or signed falsely: see the errors.")


def _grave(severity: Severity) -> str:
    return {
        Severity.ERROR: _("error"),
        Severity.WARNING: _("warning"),
        Severity.INFO: _("to know"),
    }[severity]


def _place(finding: Finding) -> tuple[str, str]:
    log = "" if finding.log is None else wording.short(finding.log)
    if finding.index is None:
        return log, ""
    return log, str(finding.index) if finding.last is None else f"{finding.index}-{finding.last}"


def sentence_of(finding: Finding) -> str:
    """The sentence of a finding in the language that is spoken."""
    fields = {name: _shown(value) for name, value in finding.fields.items()}
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
