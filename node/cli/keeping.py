"""Keeping a commune's history safe: `backup`, `restore`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import HomeError, InputError
from ..language import gettext as _
from ..language import ngettext
from ..outgoing import is_replaceable, write_new
from . import output
from .desk import Desk, is_interactive
from .options import argument, command, option

if TYPE_CHECKING:
    from ..requests import Request

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
    the backup comes back from neighbours that hold it. It counts where another commune relied on it; the rest
    is recorded anew.
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
            "{name} goes on from here, in a new log. Run the node where neighbours can be reached, or import "
            "their bundles, to fetch what is newer; then `trueque status` tells what is to be recorded anew."
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
