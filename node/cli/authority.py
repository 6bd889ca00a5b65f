"""Who speaks for a commune: `authority`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ledger.limits import HASH_BYTES

from .. import language, wording
from ..errors import InputError
from ..language import gettext as _
from ..language import ngettext
from . import output
from .desk import Desk
from .options import argument, command, option

if TYPE_CHECKING:
    from ledger.authority import Link

    from ..requests import Request

FILE = click.Path(path_type=Path, dir_okay=False)


@command("authority")
@argument(
    "action",
    metavar="show|key|replace|sign|record",
    type=click.Choice(("show", "key", "replace", "sign", "record")),
    required=False,
    default="show",
    help="What to do; show if nothing is given.",
)
@argument(
    "files",
    metavar="FILE",
    type=FILE,
    nargs=-1,
    required=False,
    help="For sign, record and show: the request.",
)
@option(
    "--key", "keys", multiple=True, metavar="KEY", help="For replace: a key of the new authority; repeat it."
)
@option("--threshold", type=int, metavar="NUMBER", help="For replace: how many of the keys have to sign.")
@option(
    "--words",
    type=FILE,
    metavar="FILE",
    help="File with the recovery words that sign; else they are asked for.",
)
@option(
    "--out", type=FILE, metavar="FILE", help="New file to write: words of a key, a request, or it signed."
)
@option("--yes", "unasked", is_flag=True, help="Sign without asking.")
def authority(
    desk: Desk,
    action: str,
    files: tuple[Path, ...],
    keys: tuple[str, ...],
    threshold: int | None,
    words: Path | None,
    out: Path | None,
    unasked: bool,
) -> None:
    """Show or change who speaks for your commune, or sign such a change.

    It begins as one key, the recovery words. `authority key` makes a key for a council; `authority replace`
    puts several in its place, some number of which have to sign; `authority sign` adds a signature to the
    request that replace or restore wrote, and `authority record` enters a change once enough have signed.
    """
    if action == "show":
        _show_request(desk, files) if files else _show(desk)
    elif action == "key":
        _key(desk, out)
    elif action == "replace":
        _replace(desk, keys, threshold, words, out, unasked=unasked)
    elif action == "sign":
        _sign(desk, files, words, out, unasked=unasked)
    else:
        _record(desk, files, unasked=unasked)


def _show(desk: Desk) -> None:
    with desk.reading() as service:
        commune = service.reader.formed(service.commune)
    tips = commune.chain.tips
    if desk.as_json:
        output.print_json([_plain(link) for link in tips])
        return
    if len(tips) > 1:
        desk.warn(
            _(
                "The authority was replaced in ways that contradict each other: none of these is in force "
                "until `trueque authority replace` names one, signed by enough keys of each."
            )
        )
    for link in tips:
        count = len(link.authority.keys)
        sentence = ngettext(
            "One key speaks for the commune:", "{threshold} of {count} keys speak for the commune:", count
        )
        click.echo(sentence.format(threshold=link.authority.threshold, count=count))
        for key in link.authority.keys:
            click.echo(f"  {key.hex()}")


def _show_request(desk: Desk, files: tuple[Path, ...]) -> None:
    """What a request asks for, who has signed it and who has not."""
    from ..requests import merge_requests, read_request

    request = merge_requests([read_request(path) for path in files])
    signers = {item.key for item in request.valid}
    if desk.as_json:
        output.print_json(
            {
                "commune": request.record.commune.hex(),
                "kind": request.record.kind,
                "missing": request.missing,
                "authorities": [
                    {
                        "threshold": authority.threshold,
                        "keys": [{"key": key.hex(), "signed": key in signers} for key in authority.keys],
                    }
                    for authority in request.authorities
                ],
            }
        )
        return
    click.echo(output.safe(summary_of(request)))
    for authority in request.authorities:
        count = len(authority.keys)
        sentence = ngettext("This key has to sign:", "{threshold} of these {count} keys have to sign:", count)
        click.echo(sentence.format(threshold=authority.threshold, count=count))
        for key in authority.keys:
            click.echo(f"  {key.hex()}  {_('signed') if key in signers else _('not yet')}")
    if request.is_complete:
        click.echo(_("It has all signatures that it needs."))


def _plain(link: Link) -> dict[str, object]:
    return {
        "id": min(link.ids).hex(),
        "keys": [key.hex() for key in link.authority.keys],
        "threshold": link.authority.threshold,
    }


def _key(desk: Desk, out: Path | None) -> None:
    from .. import keys

    if out is None:
        raise InputError("Give --out FILE: a new file for the recovery words of the key.")
    key = keys.new_key()
    _write_new(out, f"{keys.words_of(key, language.current())}\n".encode(), mode=0o600)
    if desk.as_json:
        output.print_json({"key": key.public_key.hex(), "words": str(out)})
        return
    click.echo(key.public_key.hex())
    desk.warn(
        _("The words of this key are in {path}: copy them onto paper, then delete the file.").format(path=out)
    )


def _replace(
    desk: Desk,
    keys: tuple[str, ...],
    threshold: int | None,
    words: Path | None,
    out: Path | None,
    *,
    unasked: bool,
) -> None:
    from ..authority import request_change
    from ..requests import sign_request
    from .secret import words_from

    if not keys or threshold is None:
        raise InputError(
            "Give the keys of the new authority with --key, and how many must sign with --threshold."
        )
    with desk.writing() as service:
        request = request_change(service, [_parse_key(key) for key in keys], threshold, desk.now())
        if words is not None or out is None:
            request = sign_request(request, words_from(words))
        if request.is_complete:
            _confirm(desk, request, unasked=unasked)
            entry = service.change_authority([request])
            sentence = ngettext(
                "From now on one key speaks for the commune.",
                "From now on {threshold} of {count} keys speak for the commune.",
                len(keys),
            )
            desk.done(entry, sentence.format(threshold=threshold, count=len(keys)))
            return
    if out is None:
        raise InputError(
            "Signatures that are still needed: {missing}. Give --out FILE for the request.",
            missing=request.missing,
        )
    _write_request(desk, out, request)


def _sign(
    desk: Desk, files: tuple[Path, ...], words: Path | None, out: Path | None, *, unasked: bool
) -> None:
    from ..requests import merge_requests, read_request, sign_request
    from .secret import words_from

    if not files or out is None:
        raise InputError("Give the request to sign, and --out FILE for the signed one.")
    request = merge_requests([read_request(path) for path in files])
    _confirm(desk, request, unasked=unasked)
    _write_request(desk, out, sign_request(request, words_from(words)))


def _record(desk: Desk, files: tuple[Path, ...], *, unasked: bool) -> None:
    from ..requests import merge_requests, read_request

    if not files:
        raise InputError("Give the signed request.")
    requests = [read_request(path) for path in files]
    with desk.writing() as service:
        _confirm(desk, merge_requests(requests), unasked=unasked)
        entry = service.change_authority(requests)
    desk.done(entry, _("The change of authority is recorded."))


def _confirm(desk: Desk, request: Request, *, unasked: bool) -> None:
    """Say what is signed, from the record itself, and ask."""
    desk.warn(summary_of(request))
    if not unasked:
        desk.confirm("")


def summary_of(request: Request) -> str:
    """What a request asks to have signed, in one sentence."""
    from ledger.records import Succession

    record, name = request.record, request.commune_name
    if isinstance(record, Succession):
        return _("{name} is to go on in the new log {log}, after a restore or on another computer.").format(
            name=name, log=wording.short(record.log)
        )
    listed = ", ".join(wording.short(key) for key in record.authority.keys)
    count = len(record.authority.keys)
    sentence = ngettext(
        "For {name}, this key is to speak from now on: {keys}.",
        "For {name}, {threshold} of these {count} keys are to speak from now on: {keys}.",
        count,
    )
    return sentence.format(name=name, threshold=record.authority.threshold, count=count, keys=listed)


def _parse_key(text: str) -> bytes:
    try:
        key = bytes.fromhex(text.strip())
    except ValueError:
        key = b""
    if len(key) != HASH_BYTES:
        raise InputError(
            "{key} is not a key: `trueque authority key` makes one, of 64 digits.", key=text[:70]
        )
    return key


def _write_request(desk: Desk, path: Path, request: Request) -> None:
    from ..requests import encode_request

    _write_new(path, encode_request(request), mode=0o644)
    if desk.as_json:
        output.print_json({"path": str(path), "missing": request.missing})
    elif request.is_complete:
        click.echo(_("{path} has all signatures that it needs.").format(path=path))
    else:
        sentence = ngettext(
            "{path} needs {missing} more signature: give it to those who hold the keys.",
            "{path} needs {missing} more signatures: give it to those who hold the keys.",
            request.missing,
        )
        click.echo(sentence.format(path=path, missing=request.missing))


def _write_new(path: Path, data: bytes, *, mode: int) -> None:
    from ..outgoing import write_new

    try:
        write_new(path, data, mode)
    except FileExistsError:
        raise InputError(
            "{path} exists already and is not overwritten: name a new file.", path=path
        ) from None
