"""Passing on what is held, to other nodes and other programs: `export`, `import`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import click

from .. import language, telling, wording
from ..admission import followed
from ..errors import ImportStopped, InputError
from ..language import gettext as _
from ..language import ngettext
from ..outgoing import is_replaceable
from . import output
from .desk import Desk
from .group import REFUSED
from .options import argument, command, option

if TYPE_CHECKING:
    from ledger.log import EntryId
    from ledger.records import CommuneId

    from ..batches import Batch
    from ..exports.writing import Wanted
    from ..intake import ImportReport

FILE = click.Path(path_type=Path, dir_okay=False)


@command("export")
@option("--bundle", type=FILE, metavar="FILE", help="File to write for other nodes, for a stick or a mail.")
@option(
    "--format",
    "form",
    type=click.Choice(["csv", "jsonl", "valueflows"]),
    help="Instead, for other programs: tables, lines of JSON, or a graph of Valueflows.",
)
@option("--out", type=FILE, metavar="FILE", help="With --format, the file to write; else standard output.")
@option(
    "--table",
    type=click.Choice(["listings", "transfers", "moves"]),
    help="With csv, one table; without it all three, in a ZIP file.",
)
@option("--commune", metavar="COMMUNE", help="With --format, what concerns this commune, by its name or id.")
@option("--all", "everything", is_flag=True, help="Everything held here, not just recognised communes.")
@option(
    "--since",
    metavar="BUNDLE",
    help="A bundle that those it is for have written: what they hold by it is left out. With --format, the "
    "first day of what is given, like 2030-01-31.",
)
@option("--no-photos", is_flag=True, help="Leave the photos of listings out: the file is much smaller.")
def export(
    desk: Desk,
    bundle: Path | None,
    form: str | None,
    out: Path | None,
    table: str | None,
    commune: str | None,
    everything: bool,
    since: str | None,
    no_photos: bool,
) -> None:
    """Write your commune's history, and that of the communes it recognises, into a file for others.

    A bundle carries it to other nodes, with all that proves it. The other formats are for spreadsheets and
    programs, and prove nothing.
    """
    if (bundle is None) == (form is None):
        raise InputError("Give either --bundle FILE, for other nodes, or --format, for other programs.")
    if bundle is not None:
        if out is not None or table is not None or commune is not None:
            raise InputError("A bundle takes --all, --since and --no-photos: leave the other options out.")
        _export_bundle(desk, bundle, everything, None if since is None else Path(since), no_photos)
        return
    if no_photos:
        raise InputError("Photos go into bundles alone: leave --no-photos out.")
    if table is not None and form != "csv":
        raise InputError("Only csv has tables: leave --table out, or give --format csv.")
    if everything and commune is not None:
        raise InputError("Give either --all or --commune.")
    if out is None and form == "csv" and table is None:
        raise InputError("All tables together are a ZIP file: give --out FILE, or one --table.")
    if out is None and desk.as_json:
        raise InputError("--json tells what was written into a file: give --out FILE.")
    _export_data(desk, cast(Any, form), out, cast(Any, table), commune, everything, since)


def _export_data(
    desk: Desk,
    form: Any,
    out: Path | None,
    table: Any,
    commune: str | None,
    everything: bool,
    since: str | None,
) -> None:
    from .. import typed
    from ..exports.chosen import Choice
    from ..exports.writing import Wanted, write, write_file
    from ..petnames import find_commune

    start = None if since is None else typed.start_of_day(since)
    with desk.reading() as service, output.progress(_("Writing")) as progress:
        if commune is not None:
            communes: frozenset[CommuneId] | None = frozenset([find_commune(service.reader, commune)])
        else:
            communes = None if everything else followed(service.reader, service.commune)
        wanted = Wanted(form, Choice(communes, start), table)
        if out is None:
            count = write(service, wanted, _standard_output(), progress)
        else:
            count = write_file(service, wanted, out, progress)
    _tell_written(desk, wanted, out, count)


def _standard_output() -> BinaryIO:
    """Bytes to standard output; what is printed after them comes after them."""
    sys.stdout.flush()
    return sys.stdout.buffer


def _tell_written(desk: Desk, wanted: Wanted, out: Path | None, count: int) -> None:
    if desk.as_json:
        output.print_json({"path": str(out), "format": wanted.form, "table": wanted.table, "count": count})
    elif out is not None:
        told = {
            "csv": ngettext("{path} has {count} row.", "{path} has {count} rows.", count),
            "jsonl": ngettext("{path} has {count} record.", "{path} has {count} records.", count),
            "valueflows": ngettext("{path} has {count} node.", "{path} has {count} nodes.", count),
        }[wanted.form]
        click.echo(output.safe(told.format(path=out, count=count)))


def _export_bundle(desk: Desk, bundle: Path, everything: bool, since: Path | None, no_photos: bool) -> None:
    from protocol.bundle import MAGIC

    from ..bundles import known_from

    if not is_replaceable(bundle, MAGIC, len(MAGIC)):
        raise InputError(
            "{path} exists and is something else, so it is not replaced: give another name.", path=bundle
        )
    if since is not None and bundle.exists() and bundle.samefile(since):
        raise InputError("{path} is the bundle of the others: name another file to write.", path=bundle)
    with desk.reading() as service, output.progress(_("Writing the bundle")) as progress:
        known = None
        if since is not None:
            with since.open("rb") as file:
                known = known_from(file, service.network)
        totals = service.export_bundle(
            bundle, progress, everything=everything, known=known, photos=not no_photos
        )
    if desk.as_json:
        output.print_json(
            {
                "path": str(bundle),
                "entries": totals.entries,
                "logs": totals.heads,
                "evidence": totals.evidence,
                "photos": totals.blobs,
            }
        )
        return
    sentence = ngettext(
        "{path} holds {count} entry: carry it to the others, who read it with `trueque import`.",
        "{path} holds {count} entries: carry it to the others, who read it with `trueque import`.",
        totals.entries,
    )
    click.echo(sentence.format(path=bundle, count=totals.entries))


@command("import", signs=True)
@argument("path", metavar="FILE", type=FILE, required=False, help="The bundle.")
@option("--all", "everything", is_flag=True, help="Take in everything, not just recognised communes.")
@option("--csv", "table", type=FILE, metavar="FILE", help="Instead of a bundle, a table of listings to post.")
@option("--dry-run", is_flag=True, help="With --csv, only show what would be posted.")
def import_(
    desk: Desk,
    path: Path | None,
    everything: bool,
    table: Path | None,
    dry_run: bool,
    by: str | None,
) -> int | None:
    """Take in what others have recorded, from a file that they wrote with export.

    Everything in it is verified first. Importing a file twice, or an older one later, changes nothing.

    With --csv, post the listings of a table. It is shown first what would be posted; while one row is bad
    nothing is, and what stands already is not posted again.
    """
    if (path is None) == (table is None):
        raise InputError("Give either a bundle, or --csv with a table of listings.")
    if table is not None:
        if everything:
            raise InputError("--all is for bundles: leave it out.")
        return _import_table(desk, table, dry_run, by)
    if dry_run or by is not None:
        raise InputError("--dry-run and --by are for tables: leave them out.")
    assert path is not None
    return _import_bundle(desk, path, everything)


def _import_table(desk: Desk, path: Path, dry_run: bool, by: str | None) -> int | None:
    from .. import batches, sheets

    with path.open("rb") as file:
        rows = sheets.read_sheet(file)
    with desk.writing() as service:
        batch = batches.batch_of(rows, service, desk.now(), by)
        if not desk.as_json:
            _show_batch(desk, batch)
        count = len(batch.new)
        posted: list[EntryId] = []
        if not (batch.bad or dry_run) and count:
            asked = ngettext("{count} listing will be posted.", "{count} listings will be posted.", count)
            desk.confirm(asked.format(count=count))
            with output.progress(_("Posting")) as progress:
                posted = batches.post(batch, service, progress)
    if desk.as_json:
        output.print_json(_plain_batch(batch, posted, dry_run))
    elif posted:
        told = ngettext("{count} listing is posted.", "{count} listings are posted.", count)
        click.echo(told.format(count=count))
    elif not batch.bad:
        click.echo(_("Nothing was posted."))
    if not batch.bad:
        return None
    bad = len(batch.bad)
    told = ngettext(
        "{count} row cannot be posted, so nothing was: mend it, and give the command again.",
        "{count} rows cannot be posted, so nothing was: mend them, and give the command again.",
        bad,
    )
    desk.warn(told.format(count=bad))
    return REFUSED


def _show_batch(desk: Desk, batch: Batch) -> None:
    if batch.new:
        table = output.Table(
            (_("Line"), _("Kind"), _("What"), _("Category"), _("Until"), _("More")),
            right=frozenset({0}),
            texts=frozenset({2, 3, 5}),
        )
        for posting in batch.new:
            record = posting.record
            more = (record.note, record.wants, record.place, record.council)
            table.rows.append(
                (
                    str(posting.line),
                    wording.kind(record.kind),
                    telling.thing(record.title, record.quantity),
                    wording.category(record.category),
                    record.until or "",
                    "; ".join(each for each in more if each),
                )
            )
        output.print_table(table)
    if batch.standing:
        told = ngettext(
            "{count} row stands as a listing already, and is not posted again: line {lines}.",
            "{count} rows stand as listings already, and are not posted again: lines {lines}.",
            len(batch.standing),
        )
        lines = ", ".join(str(posting.line) for posting in batch.standing)
        desk.warn(told.format(count=len(batch.standing), lines=lines))
    for row in batch.bad:
        desk.warn(_("Line {line}: {reason}").format(line=row.line, reason=language.told(row.reason)))


def _plain_batch(batch: Batch, posted: list[EntryId], dry_run: bool) -> dict[str, Any]:
    rows: list[dict[str, Any]] = [
        {
            "line": posting.line,
            "state": state,
            "kind": posting.record.kind,
            "title": posting.record.title,
            "error": None,
            "reason": None,
        }
        for state, postings in (("new", batch.new), ("standing", batch.standing))
        for posting in postings
    ]
    rows += [
        {
            "line": row.line,
            "state": "refused",
            "kind": None,
            "title": None,
            "error": type(row.reason).__name__,
            "reason": language.told(row.reason),
        }
        for row in batch.bad
    ]
    return {
        "dry_run": dry_run,
        "posted": [entry.hex() for entry in posted],
        "rows": sorted(rows, key=lambda row: int(row["line"])),
    }


def _import_bundle(desk: Desk, path: Path, everything: bool) -> int | None:
    from ..petnames import OwnNames

    with desk.writing() as service, path.open("rb") as file:
        stopped: ImportStopped | None = None
        with output.progress(_("Reading the bundle")) as progress:
            try:
                report = service.import_bundle(file, progress, everything=everything)
            except ImportStopped as error:
                stopped, report = error, error.report
        names = dict(OwnNames(service.reader).listed())
    if desk.as_json:
        output.print_json(_plain(report))
    else:
        _tell_import(desk, report, names)
    if stopped is None:
        return None
    desk.warn(language.told(stopped))
    return REFUSED


def _plain(report: ImportReport) -> dict[str, Any]:
    return {
        "new": report.new,
        "known": report.known,
        "refused": report.refused,
        "left_out": report.left_out,
        "evidence": {
            "new": report.evidence_new,
            "known": report.evidence_known,
            "refused": report.evidence_refused,
            "left_out": report.evidence_left_out,
        },
        "photos": {
            "new": report.blobs_new,
            "known": report.blobs_known,
            "left_out": report.blobs_left_out,
        },
        "logs": [
            {
                "log": told.log.hex(),
                "commune": None if told.commune is None else told.commune.hex(),
                "name": told.name,
                "new": told.new,
                "known": told.known,
                "refused": told.refused,
                "left_out": told.left_out,
                "forked": told.forked,
                "error": None if told.reason is None else type(told.reason).__name__,
                "reason": None if told.reason is None else language.told(told.reason),
            }
            for told in report.logs.values()
        ],
        "situation": None if report.situation is None else report.situation.value,
    }


def _tell_import(desk: Desk, report: ImportReport, names: dict[CommuneId, str]) -> None:
    from .. import imported

    for line in imported.told(report, names):
        if line.warns:
            desk.warn(line.sentence)
        else:
            click.echo(output.safe(line.sentence))
