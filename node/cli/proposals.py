"""`propose`: a new exchange, or a counter-offer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .. import typed, wording
from ..errors import InputError
from ..language import gettext as _
from .desk import Desk
from .options import TEXT, command, option

if TYPE_CHECKING:
    from ledger.records import Propose

    from ..service import Service
    from ..wishes.exchanges import Thing


@command("propose", signs=True)
@option("--to", "partner", metavar="COMMUNE", help="Commune to exchange with, by its name or id.")
@option(
    "--give",
    "gives",
    multiple=True,
    metavar="THING",
    help="What your commune gives: 'TITLE;QUANTITY;UNIT', or 'TITLE' alone. Repeatable.",
)
@option(
    "--take",
    "takes",
    multiple=True,
    metavar="THING",
    help="What it gets, in the same form. Repeatable; without any it is a gift.",
)
@option(
    "--listing",
    "listings",
    multiple=True,
    metavar="ID",
    help="Offer or need that a thing stands for; without such a thing, all that is left of it. Repeatable.",
)
@option("--answer-by", metavar="DATE", help="Last day for the answer, like 2030-01-31.")
@option("--note", type=TEXT, metavar="TEXT", help="What else to know about it.")
@option("--replaces", metavar="EXCHANGE", help="Proposal that it takes the place of: a counter-offer.")
@option(
    "--file",
    "path",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    metavar="FILE",
    help="JSON with transfers, for categories, dates and rings; see docs/reference/json.md.",
)
def propose(
    desk: Desk,
    partner: str | None,
    gives: tuple[str, ...],
    takes: tuple[str, ...],
    listings: tuple[str, ...],
    answer_by: str | None,
    note: str | None,
    replaces: str | None,
    path: Path | None,
    by: str | None,
) -> None:
    """Propose an exchange to another commune.

    It is agreed when all parties have accepted. Your commune accepts it by proposing it.
    """
    from ledger.records import Propose

    from .. import proposals, telling
    from ..petnames import OwnNames
    from ..wishes import exchanges as wishes

    written = None if path is None else proposals.read_file(path)
    if written is not None:
        if partner or gives or takes or listings:
            raise InputError("Give --file, or --to with --give, --take and --listing, not both.")
        answer_by = answer_by or written.answer_by
        note = note or written.note
        replaces = replaces or written.replaces
    given = wishes.Proposing(
        to=partner,
        gives=tuple(_thing(text) for text in gives),
        takes=tuple(_thing(text) for text in takes),
        listings=listings,
        transfers=() if written is None else written.transfers,
        answer_by=answer_by,
        note=note,
        replaces=replaces,
        by=by,
    )
    with desk.writing() as service:
        meant = wishes.proposal(given, service, desk.now())
        record = meant.record
        assert isinstance(record, Propose)
        service.check(record, meant.about)
        _warn(desk, service, record, (*gives, *takes))
        names = OwnNames(service.reader).in_full
        told = telling.terms(record, names)
        desk.confirm(_("Propose: {terms}.").format(terms=told))
        entry = service.record(record, meant.about)
        whom = telling.told_parties(record.parties, service.own, names)
        desk.done(entry, _("Proposed to {communes}: {terms}.").format(communes=whom, terms=told))


def _thing(text: str) -> Thing:
    from ..wishes.exchanges import Thing

    title, number, unit = typed.parts_of(text)
    return Thing(title=title, quantity=number, unit=unit)


def _warn(desk: Desk, service: Service, record: Propose, things: tuple[str, ...]) -> None:
    """Say what may not be meant: more than a listing has, 1.500 read as 1.5."""
    from ledger import view
    from ledger.exchange import millionths

    for thing in things:
        number = thing.split(";")[1] if thing.count(";") == 2 else ""
        if typed.may_be_thousands(number):
            amount = wording.quantity_text(typed.item_of(thing).quantity)
            desk.warn(_("'{text}' is read as {quantity}.").format(text=number.strip(), quantity=amount))
    for transfer in record.transfers:
        quantity, listing = transfer.quantity, transfer.listing
        if quantity is None or listing is None:
            continue
        left = view.left(service.reader.listing(listing), service.reader.drawing_on(listing, agreed=True))
        unit = service.reader.listing(listing).record.quantity
        if (
            left is not None
            and unit is not None
            and unit.unit == quantity.unit
            and millionths(quantity) > left
        ):
            desk.warn(
                _("Of «{title}» {left} are left, and {quantity} are proposed.").format(
                    title=transfer.title,
                    left=wording.amount(wording.decimal(left), quantity.unit),
                    quantity=wording.quantity_text(quantity),
                )
            )
