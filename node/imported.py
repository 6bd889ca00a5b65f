"""Imported: what became of a bundle, in the language that is spoken.

Decides the sentences that a command prints and a page shows; the numbers are
`intake`'s.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from ledger.records import CommuneId

from . import language, wording
from .intake import ImportReport
from .language import gettext as _
from .language import ngettext


class Line(NamedTuple):
    """A sentence, and whether people should look into it."""

    sentence: str
    warns: bool = False


def told(report: ImportReport, names: Mapping[CommuneId, str]) -> Iterator[Line]:
    """What came of an import, the sums first, then each log that something is to be said of."""
    yield Line(
        _("Entries new: {new}; known already: {known}; refused: {refused}; left out: {left_out}.").format(
            new=report.new, known=report.known, refused=report.refused, left_out=report.left_out
        )
    )
    if report.blobs_new:
        line = ngettext("{count} new photo.", "{count} new photos.", report.blobs_new)
        yield Line(line.format(count=report.blobs_new))
    if report.blobs_reason is not None:
        yield Line(language.told(report.blobs_reason), warns=True)
    for log in report.logs.values():
        whose = names.get(log.commune, log.name) if log.commune is not None else log.name
        name = whose or wording.short(log.log)
        if log.new:
            line = ngettext("{name}: {count} new entry.", "{name}: {count} new entries.", log.new)
            yield Line(line.format(name=name, count=log.new))
        if log.forked:
            sentence = _("{name}: its log was continued in two ways; see `trueque audit`.")
            yield Line(sentence.format(name=name), warns=True)
        if log.reason is not None:
            yield Line(f"{name}: {language.told(log.reason)}", warns=True)
