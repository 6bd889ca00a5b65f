"""Logs: `log`, which shows entries as they stand, and `correct`, which explains one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from .. import telling, wording
from ..errors import InputError
from ..language import gettext as _
from . import output
from .desk import Desk
from .options import COUNT, TEXT, argument, command, option

if TYPE_CHECKING:
    from ledger.store.reading import BranchInfo, EntryRow, Reader

    from ..overview import Names


@command("log")
@argument("whose", metavar="COMMUNE|LOG", help="Commune by name or id, or log by its key.", required=False)
@option("--last", type=COUNT, metavar="NUMBER", help="The last entries of each log alone.")
@option("--raw", metavar="ID", help="One entry as it is: its content, its proof, and the signed head.")
def log(desk: Desk, whose: str | None, last: int | None, raw: str | None) -> None:
    """Show the entries of a log, in the order in which they were signed.

    Without an argument, those of your commune. With --raw, what anybody needs to check one entry with other
    tools.
    """
    from .. import overview
    from ..petnames import OwnNames
    from ..shapes.entries import branches_meant, entry_of

    with desk.reading() as service:
        reader = service.reader
        names = (overview.Names if desk.as_json else OwnNames)(reader)
        if raw is not None:
            if whose is not None or last is not None:
                raise InputError("Give --raw with an id alone.")
            _show_raw(desk, reader, reader.entry(reader.find(raw)), names)
            return
        rows = (
            (row, branch)
            for branch in branches_meant(whose, service)
            for row in _entries(branch, last, reader)
        )
        if desk.as_json:
            output.print_json([entry_of(row, branch, names) for row, branch in rows])
            return
        shown: BranchInfo | None = None
        for row, branch in rows:
            if branch != shown:
                click.echo(_heading(branch, names))
                shown = branch
            is_past = branch.limit is not None and row.index >= branch.limit
            click.echo(_line(row, names, counts=not is_past or reader.weight(row)[0]))


def _entries(branch: BranchInfo, last: int | None, reader: Reader) -> Iterator[EntryRow]:
    from ..shapes.entries import first_of

    first = first_of(branch)
    return reader.entries(branch.number, first if last is None else max(first, branch.size - last))


def _heading(branch: BranchInfo, names: Names) -> str:
    owner = _("no known commune") if branch.commune is None else names[branch.commune]
    heading = _("Log {log} of {commune}, entries: {count}").format(
        log=wording.short(branch.log), commune=owner, count=branch.size
    )
    if branch.cut is not None:
        heading += _("; forked at {index}").format(index=branch.cut)
    if branch.limit is not None:
        heading += _("; counts up to {limit}").format(limit=branch.limit)
    return output.safe(heading)


def _line(row: EntryRow, names: Names, *, counts: bool = True) -> str:
    record = row.record
    at = getattr(record, "at", None)
    when = " " * 16 if at is None else wording.time_of(at)
    kind = wording.kind(getattr(record, "kind", ""))
    line = f"{row.index:>7}  {wording.short(row.id)}  {when}  {kind}  {telling.entry(record, names)}"
    if not counts:
        line += f" [{_('it does not count: it is past a cut or a seal')}]"
    return output.safe(line)


# One entry as it is -----------------------------------------------------------------------------


def _show_raw(desk: Desk, reader: Reader, row: EntryRow, names: Names) -> None:
    from ..entries import as_it_is

    whole = as_it_is(row, reader)
    if desk.as_json:
        output.print_json(whole)
        return
    output.print_facts(
        [
            (_("Entry"), row.id.hex()),
            (_("Log"), row.log.hex()),
            (_("Index"), str(row.index)),
        ]
        + ([(_("Content"), telling.entry(row.record, names))] if whole["record"] is None else [])
    )
    if whole["record"] is not None:
        click.echo(output.safe(output.json_text(whole["record"])))
        click.echo()
    click.echo(_("Inclusion proof, from the leaf upwards:"))
    for step in whole["proof"]:
        click.echo(f"  {step}")
    click.echo()
    click.echo(_("Head, as a checkpoint that other tools verify:"))
    click.echo()
    click.echo(whole["head"], nl=False)


# Explaining -------------------------------------------------------------------------------------


@command("correct", signs=True)
@argument("target", metavar="ID", help="Record of your own that is explained.")
@option("--note", type=TEXT, required=True, metavar="TEXT", help="The explanation.")
def correct(desk: Desk, target: str, note: str, by: str | None) -> None:
    """Put an explanation beside a record of your own.

    The record stays as it is and means what it meant: to change something, say it anew.
    """
    from ledger.records import Correct

    from .. import overview
    from ..wishes.communes import Explanation, explanation

    with desk.writing() as service:
        record = explanation(target, Explanation(note=note, by=by), service, desk.now()).record
        assert isinstance(record, Correct)
        row = service.reader.entry(record.target)
        service.check(record)
        told = telling.entry(row.record, overview.Names(service.reader))
        desk.confirm(_("Explain {what}: {note}.").format(what=told, note=note))
        entry = service.record(record)
        desk.done(entry, _("The explanation stands beside {id}.").format(id=wording.short(row.id)))
