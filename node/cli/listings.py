"""Offers and needs: `offer`, `need`, `listings`, `withdraw`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import click

from ledger import vocabulary
from ledger.records import Cancel, Need, Offer, Propose, Withdraw

from .. import clock, telling, typed, wording
from ..language import gettext as _
from ..language import ngettext
from ..shapes import listings as shapes
from ..wishes import listings as wishes
from .desk import Desk
from .options import LINE, TEXT, argument, command, limit_option, option
from .output import Table, print_table

if TYPE_CHECKING:
    from ..overview import Listed, Names

POSTING = (
    argument("title", metavar="TITLE", help="What it is, in a few words.", type=LINE),
    option("--category", metavar="CODE", help="Category, by its code or name; 'other' if it is not given."),
    option("--quantity", metavar="NUMBER", help="How much, at most six decimals; needs --unit."),
    option("--unit", metavar="UNIT", help="Unit of the quantity: kg, l, piece, hour, ..."),
    option("--until", metavar="DATE", help="Last day on which it stands, like 2030-01-31."),
    option("--note", type=TEXT, metavar="TEXT", help="What else to know about it."),
    option("--wants", type=TEXT, metavar="TEXT", help="What would be welcome in return."),
    option("--place", type=LINE, metavar="PLACE", help="Where it is."),
    option("--council", type=LINE, metavar="NAME", help="Communal council on whose behalf it is posted."),
    option("--replaces", metavar="ID", help="Listing of your own whose place it takes."),
)


def _posting(function: Any) -> Any:
    for declare in reversed(POSTING):
        function = declare(function)
    return function


@command("offer", signs=True)
@_posting
def offer(desk: Desk, **given: Any) -> None:
    """Post something that your commune has in surplus.

    To change it later, post it again with --replaces; to end it, use `trueque withdraw`.
    """
    _post(desk, "offer", **given)


@command("need", signs=True)
@_posting
def need(desk: Desk, **given: Any) -> None:
    """Post something that your commune lacks.

    To change it later, post it again with --replaces; to end it, use `trueque withdraw`.
    """
    _post(desk, "need", **given)


def _post(desk: Desk, kind: Literal["offer", "need"], **given: Any) -> None:
    title, number = given["title"], given["quantity"]
    with desk.writing() as service:
        meant = wishes.posting(wishes.Posting(kind=kind, **given), service, desk.now())
        record = meant.record
        assert isinstance(record, Offer | Need)
        service.check(record)
        amount = record.quantity
        if number is not None and typed.may_be_thousands(number):
            desk.warn(
                _("'{text}' is read as {quantity}.").format(
                    text=number, quantity=wording.quantity_text(amount)
                )
            )
        if given["category"] is None:
            desk.warn(_no_category(title))
        what = f"«{title}»" if amount is None else f"«{title}», {wording.quantity_text(amount)}"
        is_offer = isinstance(record, Offer)
        desk.confirm((_("Offer {what}.") if is_offer else _("Need {what}.")).format(what=what))
        entry = service.record(record)
        said = _("The offer of {what} is posted.") if is_offer else _("The need of {what} is posted.")
        desk.done(entry, said.format(what=what))


@command("withdraw", signs=True)
@argument("target", metavar="ID", help="Listing, proposal or cancel of your own.")
@option("--reason", type=TEXT, metavar="TEXT", help="Why.")
def withdraw(desk: Desk, target: str, reason: str | None, by: str | None) -> None:
    """Take back a listing, proposal or cancel of your own.

    A proposal can be withdrawn until all parties have accepted it.
    """
    from .. import overview

    with desk.writing() as service:
        given = wishes.Withdrawal(reason=reason, by=by)
        meant = wishes.withdrawal(target, given, service, desk.now())
        service.check(meant.record, meant.about)
        assert isinstance(meant.record, Withdraw)
        named = service.reader.entry(meant.record.target).record
        told = telling.entry(named, overview.Names(service.reader))
        kind = wording.kind(named.kind if isinstance(named, Offer | Need | Propose | Cancel) else "")
        desk.confirm(_("Withdraw: {kind}, {what}.").format(kind=kind, what=told))
        withdrawn = service.record(meant.record, meant.about)
        desk.done(withdrawn, _("Withdrawn: {kind}, {what}.").format(kind=kind, what=told))


def _no_category(title: str) -> str:
    """What to say of a listing that was given no category: which ones its title suggests."""
    suggested = [
        f"{code} ({wording.category(code)})"
        for code in vocabulary.suggest_categories(title)
        if code != typed.OTHER
    ]
    if suggested:
        return _(
            "It is posted under 'other': with --category others find it better. Perhaps: {names}."
        ).format(names="; ".join(suggested))
    return _(
        "It is posted under 'other': with --category others find it better; "
        "`trueque listings --categories` shows which there are."
    )


@command("listings")
@option("--kind", type=click.Choice(["offer", "need"]), help="Offers alone, or needs alone.")
@option("--category", metavar="CODE", help="One category, by its code or name.")
@option("--commune", metavar="COMMUNE", help="One commune, by its name or id.")
@option("--search", metavar="WORDS", help="With these words, or beginnings of them, in title, note or place.")
@option("--place", metavar="WORDS", help="With these in where it or its commune is.")
@option("--since", metavar="DATE", help="Posted on this day or later, like 2030-01-31.")
@option("--until", metavar="DATE", help="Standing on this day still.")
@option("--all", "everything", is_flag=True, help="Those withdrawn, replaced and expired too.")
@option("--categories", is_flag=True, help="Instead, the categories that there are, with their codes.")
@option("--units", is_flag=True, help="Instead, the units that there are, with their codes.")
@limit_option
def listings(desk: Desk, categories: bool, units: bool, limit: int | None, **chosen: Any) -> None:
    """Show offers and needs.

    Those of all communes that are known here, the newest first, with what is left of each.
    """
    from .. import overview
    from ..petnames import OwnNames
    from ..selection import Selection

    if categories or units:
        codes = shapes.categories() if categories else shapes.units()
        desk.show(list(codes), lambda row: row, _draw_codes, "")
        return
    with desk.reading() as service:
        today = clock.today()
        found = Selection(**chosen).listings(service.reader, today)
        names = (overview.Names if desk.as_json else OwnNames)(service.reader)
        desk.show(
            (overview.listed(row, service.reader, today) for row in overview.pages(found)),
            partial(shapes.listing_of, names=names),
            partial(_draw, names=names),
            _("There are no listings to show."),
            limit=limit,
        )


def _draw_codes(rows: Sequence[shapes.Code]) -> None:
    print_table(Table((_("Code"), _("Name")), rows=[(row.code, row.name) for row in rows]))


def _draw(rows: Sequence[Listed], names: Names) -> None:
    table = Table(
        (_("Id"), _("Kind"), _("What"), _("Commune"), _("Left"), _("Until")),
        right=frozenset({4}),
        texts=frozenset({2, 3}),
        title=ngettext("{count} listing", "{count} listings", len(rows)).format(count=len(rows)),
    )
    for row in rows:
        record = row.record
        left = ""
        if row.left is not None and record.quantity is not None:
            left = wording.amount(wording.decimal(row.left), record.quantity.unit)
        what = [telling.thing(record.title, record.quantity), wording.category(record.category)]
        if row.overcommitted:
            what.append(_("promised too often"))
        state = (
            "" if row.state == "open" and not row.expired else wording.listing_state(row.state, row.expired)
        )
        table.rows.append(
            (
                wording.short(row.id),
                f"{wording.kind(record.kind)}\n{state}".strip(),
                "\n".join(what),
                names[row.commune],
                left,
                wording.day(record.until or ""),
            )
        )
    print_table(table)
