"""Upkeep: `erase` and `rebuild`."""

from __future__ import annotations

import click

from .. import telling, wording
from ..language import gettext as _
from ..language import ngettext
from . import output
from .desk import Desk
from .options import TEXT, argument, command, option


@command("erase")
@argument("entry", metavar="ID", help="Entry whose content is erased, of your own log or another's.")
@option(
    "--reason", type=TEXT, required=True, metavar="TEXT", help="Why; the audit shows it. Repeat nothing here."
)
@option("--yes", is_flag=True, help="Erase without asking.")
def erase(desk: Desk, entry: str, reason: str) -> None:
    """Erase the content of one entry, for ever, on this computer.

    For what endangers somebody. Its hash stays, so that everything else can still be checked, and the audit
    shows what was erased. Copies on other computers stay: ask their communes to erase them too.
    """
    from .. import overview

    with desk.writing() as service:
        row = service.reader.entry(service.reader.find(entry))
        service.check_erasure(row, reason)
        what = telling.entry(row.record, overview.Names(service.reader))
        desk.confirm(
            _("Erase the content of {id}: {what}").format(id=wording.short(row.id), what=what),
            _("It cannot be brought back. Erase it?"),
        )
        service.erase(row, reason)
        desk.done(
            row.id, _("Its content is erased on this computer; its hash stays, and so does your reason.")
        )


@command("rebuild")
def rebuild(desk: Desk) -> None:
    """Make everything that is computed from the entries anew.

    The entries stay as they are. It helps where lists show something else than the log.
    """
    from .. import upkeep

    with output.progress(_("Reading entries")) as report:
        count = upkeep.rebuild(desk.home, report)
    if desk.as_json:
        output.print_json({"entries": count})
    else:
        told = ngettext("Made anew from {count} entry.", "Made anew from {count} entries.", count)
        click.echo(told.format(count=count))
