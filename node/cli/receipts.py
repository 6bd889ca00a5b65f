"""Receipts: `receipt`, which makes one, and `verify`, which needs nothing but that."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from .. import telling, wording
from ..errors import InputError
from ..language import gettext as _
from ..outgoing import is_replaceable, outgoing
from . import output
from .desk import Desk
from .group import DONE, FOUND
from .options import argument, command, option

if TYPE_CHECKING:
    from ledger.receipt import Verified

FILE = click.Path(path_type=Path, dir_okay=False)

MAX_FILE_BYTES: Final = 33_554_432
"""bytes of a file that is looked into; a photo has about 5 million."""

SIGN_WITHIN: Final = 65_536
"""bytes at the beginning of a file that is to be replaced, in which it shows what it is."""


# Making -----------------------------------------------------------------------------------------


@command("receipt")
@argument("exchange", metavar="EXCHANGE", help="The exchange, by its id or its beginning.")
@option("--out", type=FILE, metavar="FILE", help="File to write; an older receipt there is replaced.")
@option(
    "--paper",
    type=FILE,
    metavar="FILE",
    help="Sheet to print: .svg, or .png with the codes alone, or .txt with their text.",
)
def receipt(desk: Desk, exchange: str, out: Path | None, paper: Path | None) -> None:
    """Write a receipt of an exchange, which proves itself.

    It holds what all parties signed about the exchange, and what shows that they did. Whoever has it can
    check it with trueque verify, without a ledger and without a network. Make a new one when there is more.
    """
    from ledger.paper import to_paper
    from ledger.parts import PREFIX, paper_parts
    from ledger.receipt import MAGIC, verify_receipt

    from ..receipts import make_receipt
    from ..verifying import sheet_lines

    if out is None and paper is None:
        raise InputError("Give --out FILE for the receipt, or --paper FILE for a sheet to print.")
    draw = None if paper is None else _drawing(paper)
    for path, sign in ((out, MAGIC), (paper, PREFIX.encode())):
        if path is not None:
            _check_replaceable(path, sign)
    told: dict[str, Any] = {"path": None, "size": None, "paper": None, "paper_size": None, "codes": None}
    with desk.reading() as service:
        found = service.find_exchange(exchange)
        if out is not None:
            data = make_receipt(service.reader, found.id)
            _write(out, data)
            told |= {"path": str(out), "size": len(data)}
        if paper is not None and draw is not None:
            data = make_receipt(service.reader, found.id, short=True)
            packed = to_paper(data)
            parts = paper_parts(packed)
            _write(paper, draw(parts, sheet_lines(verify_receipt(data), len(parts), desk.now())))
            told |= {"paper": str(paper), "paper_size": len(packed), "codes": len(parts)}
    names = [str(path) for path in (out, paper) if path is not None]
    desk.done(
        found.id,
        _("The receipt is in {path}: check it with trueque verify.").format(path=", ".join(names)),
        **told,
    )


def _drawing(path: Path) -> Callable[[Sequence[str], Sequence[str]], bytes]:
    """How a sheet is drawn into a file of this name. Raises InputError."""
    from .. import codes

    match path.suffix.lower():
        case ".svg":
            return codes.draw_svg
        case ".png":
            return lambda parts, _lines: codes.draw_png(parts)
        case ".txt":
            return codes.draw_text
    raise InputError("A sheet is a .svg, a .png or a .txt: give --paper such a name.")


def _check_replaceable(path: Path, sign: bytes) -> None:
    """Refuse to replace a file that is no receipt, or no sheet of one. Raises InputError."""
    if not is_replaceable(path, sign, SIGN_WITHIN):
        raise InputError(
            "{path} exists and is something else, so it is not replaced: give another name.", path=path
        )


def _write(path: Path, data: bytes) -> None:
    """Write a file whole, or leave what stands there."""
    try:
        with outgoing(path) as file:
            file.write(data)
    except OSError as error:
        # Told of the file that was asked for, not of the one beside it.
        raise OSError(error.errno, error.strerror, str(path)) from error


# Checking ---------------------------------------------------------------------------------------


@command("verify")
@argument(
    "files",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    nargs=-1,
    required=True,
    help="A receipt; or its codes as text, sheet or photos, in one file or several; - for typed text.",
)
def verify(desk: Desk, files: tuple[Path, ...]) -> int:
    """Check a receipt, with no ledger and no network.

    Shows who agreed to what, how far it is by the word of each side, and when. Ends with 0 if the exchange is
    fulfilled and nothing speaks against it, 1 if something does, and 2 if the receipt proves nothing.
    """
    from ..verifying import receipt_in, verified

    seen = verified(receipt_in([(str(path), _read(path)) for path in files]))
    if desk.as_json:
        from ..shapes.receipts import receipt_of

        output.print_json(receipt_of(seen))
    else:
        _show(seen, desk.now())
    return FOUND if seen.found else DONE


def _read(path: Path) -> bytes:
    """A file, or standard input for `-`. Raises InputError if it is too long."""
    with click.open_file(str(path), "rb") as file:
        data: bytes = file.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise InputError("{path} is no receipt: it is far too long.", path=path)
    return data


def _show(seen: Verified, now: int) -> None:
    from ledger.receipt import FOUND as SENTENCES
    from ledger.receipt import UNPROVEN

    from ..verifying import PartyNames, said_of

    names, row = PartyNames(seen), seen.exchange
    click.echo(_("The receipt is genuine: what follows was signed by those it names."))
    click.echo()
    output.print_facts(
        [
            (_("Exchange"), row.id.hex()),
            (_("Network"), seen.network),
            (_("Form"), wording.form(row.form)),
            (_("State"), telling.state_of(row, now)),
            (_("Proposed by"), names[row.proposer]),
            (
                _("Parties"),
                "\n".join(
                    f"{', '.join(part for part in (party.name, party.place) if part) or _('name not given')}"
                    f"  {party.id.hex()}"
                    for party in seen.parties
                ),
            ),
            *([] if row.proposal.note is None else [(_("Note"), row.proposal.note)]),
        ]
    )
    click.echo(_("Transfers"))
    output.print_lines(telling.leg_lines(row, names))
    click.echo()
    click.echo(_("What was said, in order"))
    output.print_lines((2, telling.said_line(each, row, names)) for each in said_of(seen))
    click.echo()
    if seen.found:
        click.echo(_("To be looked at"))
        output.print_lines((2, _(SENTENCES[code])) for code in seen.found)
        click.echo()
    click.echo(_("What no receipt proves"))
    output.print_lines((2, _(sentence)) for sentence in UNPROVEN.values())
    click.echo()
    click.echo(_("Up to where each log is known here"))
    output.print_lines(
        (
            2,
            _("Log {log} of {commune}, entries: {count}").format(
                log=wording.short(log.log), commune=names[log.commune], count=log.size
            ),
        )
        for log in seen.logs
    )
