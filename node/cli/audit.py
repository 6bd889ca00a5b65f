"""`audit`: checking everything that is held, and telling what was found in plain words."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from ledger.sentences import CHANGED_HERE, MENDING, Severity

from ..language import gettext as _
from . import output
from .desk import Desk
from .group import DONE, FOUND
from .options import argument, command

if TYPE_CHECKING:
    from ledger.audit import Audit


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

    from ..petnames import find_commune

    with desk.reading() as service:
        commune = None if whose is None else find_commune(service.reader, whose)
        with output.progress(_("Auditing")) as progress:
            found = run(service.reader, commune=commune, progress=progress)
    if desk.as_json:
        output.print_json(found.to_plain())
    else:
        _tell(found)
    return DONE if found.worst in (None, Severity.INFO) else FOUND


def _tell(found: Audit) -> None:
    from .. import findings as words

    lines: list[tuple[int, str]] = []
    for severity, findings in groupby(found.findings, key=lambda finding: finding.severity):
        told = list(findings)
        lines.append((0, words.heading(severity, len(told))))
        for finding in told:
            lines.append((2, f"- {words.sentence_of(finding)}"))
            if finding.log is not None:
                lines.append((5, words.place(finding)))
        lines.append((0, ""))
    lines.append((0, words.looked_at(found.checked)))
    lines.append((0, words.verdict(found.worst)))
    if any(finding.code in CHANGED_HERE for finding in found.findings):
        lines.append((0, _(MENDING)))
    output.print_lines(lines)
