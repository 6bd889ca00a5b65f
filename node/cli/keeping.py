"""Keeping a commune's history safe and passing it on: `backup`, `restore`, `export`, `import`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .. import language
from ..admission import followed
from ..errors import HomeError, ImportStopped, InputError
from ..language import gettext as _
from ..language import ngettext
from ..outgoing import is_replaceable, write_new
from . import output
from .desk import Desk, is_interactive
from .group import REFUSED
from .options import argument, command, option

if TYPE_CHECKING:
    from ledger.records import CommuneId

    from ..intake import ImportReport
    from ..requests import Request
    from ..service import Service

FILE = click.Path(path_type=Path, dir_okay=False)

PASSWORD_FILE = option(
    "--password-file",
    type=FILE,
    metavar="FILE",
    help="File whose first line is the password; else it is asked for.",
)


def _check_replaceable(path: Path, magic: bytes) -> None:
    """Refuse to replace a file that is something else than what is written there. Raises InputError."""
    if not is_replaceable(path, magic, len(magic)):
        raise InputError(
            "{path} exists and is something else, so it is not replaced: give another name.", path=path
        )


@command("backup")
@argument("path", metavar="FILE", type=FILE, help="File to write; an older backup there is replaced.")
@PASSWORD_FILE
def backup(desk: Desk, path: Path, password_file: Path | None) -> None:
    """Write everything held here into a file under a password.

    Not in it, on purpose: the key of this computer's log. A restore makes a new one and needs the recovery
    words, so that no copy of a backup can write in your commune's name.
    """
    from ..backup import write_backup
    from ..sealed import MAGIC
    from .secret import password_from

    _check_replaceable(path, MAGIC)
    desk.home.read_key()  # says first if there is nothing to back up
    password = password_from(password_file, new=True)
    with desk.reading() as service, output.progress(_("Writing the backup")) as progress:
        commune = service.commune
        label = write_backup(service, path, password, progress)
    desk.done(
        commune,
        _(
            "{name} is in {path}: keep it apart from this computer, and the password apart from the file."
        ).format(name=label.name, path=path),
        path=str(path),
        size=label.size,
    )


@command("restore")
@argument("path", metavar="FILE", type=FILE, required=False, help="The backup.")
@PASSWORD_FILE
@option("--words", type=FILE, metavar="FILE", help="File with the recovery words; else they are asked for.")
@option(
    "--request-out",
    type=FILE,
    metavar="FILE",
    help="Where several keys sign for the commune: new file with the request for their signatures.",
)
@option(
    "--signed",
    type=FILE,
    multiple=True,
    metavar="FILE",
    help="That request with signatures; may be repeated.",
)
def restore(
    desk: Desk,
    path: Path | None,
    password_file: Path | None,
    words: Path | None,
    request_out: Path | None,
    signed: tuple[Path, ...],
) -> None:
    """Bring a commune back from a backup, in an empty home.

    The commune goes on in a new log; the old ones are closed where the backup ends. What was recorded after
    the backup and reached others still counts, and comes back with their bundles.
    """
    if (path is None) == (not signed):
        raise InputError("Give either the backup, or --signed with the request that came back.")
    if path is None:
        _finish(desk, signed)
    else:
        _restore(desk, path, password_file, words, request_out)


def _restore(
    desk: Desk, path: Path, password_file: Path | None, words: Path | None, request_out: Path | None
) -> None:
    from ..backup import check_password_of
    from ..backup import restore as restore_home
    from .secret import password_from, words_from

    if request_out is not None and request_out.exists():
        raise InputError("{path} exists already and is not overwritten: name a new file.", path=request_out)
    path.open("rb").close()  # says first if it is not there
    password = password_from(password_file, new=False)
    if words is None and request_out is None and is_interactive():
        check_password_of(path, password)  # before somebody types 24 words for nothing
    recovery = words_from(words) if words is not None or (request_out is None and is_interactive()) else None
    if recovery is None and request_out is None:
        raise InputError(
            "Give the recovery words with --words FILE; where several keys sign, give --request-out FILE."
        )
    with output.progress(_("Reading the backup")) as progress:
        restored = restore_home(desk.home, path, password, recovery, progress, desk.now)
    if restored.request is None:
        assert restored.succession is not None
        _tell_restored(desk, restored.succession)
        return
    if request_out is None:
        raise HomeError(
            "Signatures that are still needed: {missing}. Give the command again with --request-out FILE.",
            missing=restored.request.missing,
        )
    _write_request(request_out, restored.request)
    sentence = ngettext(
        "The history is back. Have {path} signed with {missing} more key by `trueque authority sign`, "
        "then give it to `trueque restore --signed`.",
        "The history is back. Have {path} signed with {missing} more keys by `trueque authority sign`, "
        "then give it to `trueque restore --signed`.",
        restored.request.missing,
    )
    desk.done(
        restored.log,
        sentence.format(path=request_out, missing=restored.request.missing),
        missing=restored.request.missing,
    )


def _finish(desk: Desk, signed: tuple[Path, ...]) -> None:
    from ..reopening import finish_restore
    from ..requests import Request, read_request

    finished = finish_restore(desk.home, [read_request(path) for path in signed])
    if isinstance(finished, Request):
        raise HomeError(
            "Signatures that are still needed: {missing}. Those that came are kept: give the next ones "
            "likewise.",
            missing=finished.missing,
        )
    _tell_restored(desk, finished)


def _tell_restored(desk: Desk, succession: bytes) -> None:
    with desk.reading() as service:
        name = service.reader.commune(service.commune).name
    desk.done(
        succession,
        _(
            "{name} goes on from here, in a new log. Import the bundles of neighbours to fetch what is newer."
        ).format(name=name),
    )
    desk.warn(
        _(
            "If the old computer still works, stop using it for {name}: what it signs from now on does not "
            "count, and it stops by itself only once it hears of this."
        ).format(name=name)
    )


def _write_request(path: Path, request: Request) -> None:
    from ..requests import encode_request

    write_new(path, encode_request(request))


@command("export")
@option("--bundle", type=FILE, required=True, metavar="FILE", help="File to write, for a stick or a mail.")
@option("--all", "everything", is_flag=True, help="Everything held here, not just recognised communes.")
@option(
    "--since",
    type=FILE,
    metavar="BUNDLE",
    help="A bundle that those it is for have written: what they hold by it is left out.",
)
@option("--no-photos", is_flag=True, help="Leave the photos of listings out: the file is much smaller.")
def export(desk: Desk, bundle: Path, everything: bool, since: Path | None, no_photos: bool) -> None:
    """Write your commune's history, and that of the communes it recognises, into a file for others."""
    from protocol.bundle import MAGIC

    from ..blobs import Blobs
    from ..bundles import export_bundle, known_from

    _check_replaceable(bundle, MAGIC)
    if since is not None and bundle.exists() and bundle.samefile(since):
        raise InputError("{path} is the bundle of the others: name another file to write.", path=bundle)
    with desk.reading() as service, output.progress(_("Writing the bundle")) as progress:
        known = None
        if since is not None:
            with since.open("rb") as file:
                known = known_from(file, service.network)
        communes = None if everything else _followed(service)
        blobs = Blobs(desk.home.blobs)
        options = {} if no_photos else {"lend": blobs.open}
        totals = export_bundle(service.reader, bundle, communes, progress, known, **options)
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


def _followed(service: Service) -> frozenset[CommuneId]:
    return followed(service.reader, service.commune)


@command("import")
@argument("path", metavar="FILE", type=FILE, help="The bundle.")
@option("--all", "everything", is_flag=True, help="Take in everything, not just recognised communes.")
def import_(desk: Desk, path: Path, everything: bool) -> int | None:
    """Take in what others have recorded, from a file that they wrote with export.

    Everything in it is verified first. Importing a file twice, or an older one later, changes nothing.
    """
    with desk.writing() as service, path.open("rb") as file:
        stopped: ImportStopped | None = None
        with output.progress(_("Reading the bundle")) as progress:
            try:
                report = service.import_bundle(file, progress, everything=everything)
            except ImportStopped as error:
                stopped, report = error, error.report
        names = {row.id: row.name for row in service.reader.communes()}
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
