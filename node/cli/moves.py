"""Moves in an exchange: `accept`, `decline`, `cancel`, `deliver`, `receive`, `dispute`, `settle`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from .. import telling, typed, wording
from ..language import gettext as _
from ..wishes import Remark
from ..wishes import exchanges as wishes
from .desk import Desk
from .options import COUNT, TEXT, argument, command, option

if TYPE_CHECKING:
    from ..service import Service
    from ..wishes import Meant

exchange_argument = argument("exchange", metavar="EXCHANGE", help="Id of the exchange, or its beginning.")
note_option = option("--note", type=TEXT, metavar="TEXT", help="What else to know about it.")
transfer_option = option(
    "--transfer",
    type=COUNT,
    metavar="NUMBER",
    help="Which transfer, as `trueque exchanges` shows them.",
)
quantity_option = option(
    "--quantity", metavar="NUMBER", help="How much; all that is left if it is not given."
)
unit_option = option(
    "--unit", metavar="UNIT", help="Its unit, where no quantity was agreed; else it is the one agreed."
)


def _sign(desk: Desk, service: Service, meant: Meant, asked: str, done: str) -> None:
    """Refuse, ask, sign and answer, in that order."""
    service.check(meant.record, meant.about)
    desk.confirm(asked)
    entry = service.record(meant.record, meant.about)
    after = service.reader.exchange(meant.exchange.id)
    state = ", ".join((wording.exchange_state(after.state), *telling.marks(after, desk.now())))
    desk.done(
        entry, f"{done} {_('The exchange is now: {state}.').format(state=state)}", state=after.state.value
    )


@command("accept", signs=True)
@exchange_argument
@note_option
def accept(desk: Desk, exchange: str, note: str | None, by: str | None) -> None:
    """Accept a proposal.

    It is agreed when all parties have; from then on what was promised is due.
    """
    from ..petnames import OwnNames

    with desk.writing() as service:
        meant = wishes.answer("accept", exchange, Remark(note=note, by=by), service, desk.now())
        found = meant.exchange
        if found.lapsed(desk.now()):
            desk.warn(
                _("The last day for the answer is over: it takes another acceptance by who proposed it.")
            )
        terms = telling.terms(found.proposal, OwnNames(service.reader).in_full)
        _sign(
            desk,
            service,
            meant,
            _("Accept: {terms}.").format(terms=terms),
            _("Accepted: {terms}.").format(terms=terms),
        )


@command("decline", signs=True)
@exchange_argument
@note_option
def decline(desk: Desk, exchange: str, note: str | None, by: str | None) -> None:
    """Decline a proposal.

    To offer something else instead, use `trueque propose --replaces`.
    """
    from ..petnames import OwnNames

    with desk.writing() as service:
        meant = wishes.answer("decline", exchange, Remark(note=note, by=by), service, desk.now())
        found = meant.exchange
        terms = telling.terms(found.proposal, OwnNames(service.reader).in_full)
        _sign(
            desk,
            service,
            meant,
            _("Decline: {terms}.").format(terms=terms),
            _("Declined: {terms}.").format(terms=terms),
        )


@command("cancel", signs=True)
@exchange_argument
@note_option
def cancel(desk: Desk, exchange: str, note: str | None, by: str | None) -> None:
    """Ask to end an agreed exchange.

    It ends when all parties have cancelled it, and only what was not received by then. To take it back
    before, use `trueque withdraw`.
    """
    from ..petnames import OwnNames

    with desk.writing() as service:
        meant = wishes.answer("cancel", exchange, Remark(note=note, by=by), service, desk.now())
        found = meant.exchange
        terms = telling.terms(found.proposal, OwnNames(service.reader).in_full)
        _sign(
            desk,
            service,
            meant,
            _("Cancel: {terms}.").format(terms=terms),
            _("Cancelled on your side; it ends when all parties have cancelled."),
        )


@command("deliver", signs=True)
@exchange_argument
@transfer_option
@quantity_option
@unit_option
@note_option
def deliver(desk: Desk, exchange: str, **given: Any) -> None:
    """Record that your commune handed something over.

    All that is left of the transfer, unless --quantity says otherwise.
    """
    _hand(desk, exchange, **given)


@command("receive", signs=True)
@exchange_argument
@transfer_option
@quantity_option
@unit_option
@option(
    "--condition",
    type=click.Choice(["good", "short", "damaged"]),
    default="good",
    show_default=True,
    help="How it arrived; 'short' leaves the rest due.",
)
@note_option
def receive(desk: Desk, exchange: str, **given: Any) -> None:
    """Record that something arrived at your commune.

    All that is left of the transfer, unless --quantity says otherwise.
    """
    _hand(desk, exchange, **given)


def _hand(
    desk: Desk,
    exchange: str,
    transfer: int | None,
    quantity: str | None,
    unit: str | None,
    note: str | None,
    by: str | None,
    condition: Any = None,
) -> None:
    from ledger.records import Deliver, Receive

    from .. import moves

    gives = condition is None
    common: dict[str, Any] = {
        "transfer": transfer, "quantity": quantity, "unit": unit, "note": note, "by": by
    }  # fmt: skip
    given = wishes.Handing(**common) if gives else wishes.Arrival(**common, condition=condition)
    with desk.writing() as service:
        meant = wishes.handing(exchange, given, service, desk.now())
        record, found = meant.record, meant.exchange
        assert isinstance(record, Deliver | Receive)
        leg, amount = found.legs[record.transfer], record.quantity
        service.check(record, found)
        if quantity is not None and typed.may_be_thousands(quantity):
            desk.warn(
                _("'{text}' is read as {quantity}.").format(
                    text=quantity, quantity=wording.quantity_text(amount)
                )
            )
        if moves.exceeds(found, record):
            desk.warn(_("That is more than was agreed; the rest is shown, and counts for nothing else."))
        thing = telling.thing(leg.transfer.title, amount)
        if gives:
            asked, done = _("Record as handed over: {thing}."), _("Recorded as handed over: {thing}.")
        else:
            asked, done = _("Record as received: {thing}."), _("Recorded as received: {thing}.")
        _sign(desk, service, meant, asked.format(thing=thing), done.format(thing=thing))


@command("dispute", signs=True)
@exchange_argument
@transfer_option
@option("--note", type=TEXT, required=True, metavar="TEXT", help="What is wrong.")
def dispute(desk: Desk, exchange: str, transfer: int | None, note: str, by: str | None) -> None:
    """Say that something is wrong with an agreed exchange.

    With one transfer, or without --transfer with the whole. It stands until both sides settle it alike.
    """
    with desk.writing() as service:
        given = wishes.Disputing(note=note, transfer=transfer, by=by)
        meant = wishes.dispute(exchange, given, service, desk.now())
        leg = None if transfer is None else meant.exchange.legs[transfer - 1].transfer
        what = _("the whole exchange") if leg is None else telling.thing(leg.title, leg.quantity)
        _sign(
            desk,
            service,
            meant,
            _("Open a dispute about {what}.").format(what=what),
            _("A dispute about {what} stands open; both sides end it with `trueque settle`.").format(
                what=what
            ),
        )


@command("settle", signs=True)
@argument(
    "dispute", metavar="DISPUTE", help="Id of the dispute, or of an exchange with one that stands open."
)
@option(
    "--outcome",
    type=click.Choice(["due", "closed"]),
    required=True,
    help="'due': the rest stays due; 'closed': nothing more is.",
)
@note_option
def settle(desk: Desk, dispute: str, outcome: Any, note: str | None, by: str | None) -> None:
    """Say how a dispute ends.

    It is settled when both sides have said the same.
    """
    with desk.writing() as service:
        given = wishes.Settling(outcome=outcome, note=note, by=by)
        meant = wishes.settlement(dispute, given, service, desk.now())
        closes = outcome == "closed"
        asked = (
            _("Settle the dispute: nothing more is due.")
            if closes
            else _("Settle the dispute: the rest stays due.")
        )
        done = (
            _("Your commune has said that nothing more is due; a dispute ends when both sides say the same.")
            if closes
            else _(
                "Your commune has said that the rest stays due; a dispute ends when both sides say the same."
            )
        )
        _sign(desk, service, meant, asked, done)
