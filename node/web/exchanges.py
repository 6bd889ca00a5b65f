"""Exchanges: those of this commune, one in full, and every step in it.

Decides how exchanges are grouped (what waits for this commune stands first),
what one step's form asks, and which record it becomes. What may come next is
the ledger's to say (`ledger.steps`), what was said is shown as each side's word.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Final

from aiohttp import web

from ledger.errors import LedgerError, NotFound
from ledger.exchange import Exchange, Leg, State
from ledger.log import EntryId
from ledger.records import (
    Accept,
    Cancel,
    CommuneId,
    Decline,
    Deliver,
    Dispute,
    Quantity,
    Receive,
    Record,
    Settle,
    Withdraw,
)
from ledger.steps import Step, available_moves, awaited

from .. import clock, moves, typed
from ..errors import InputError
from ..language import gettext as _
from ..overview import Names, Said, pages, said_in
from ..service import Service
from . import confirming
from .forms import Form, form_of
from .site import ask, noticing_of, page

ROUTES: Final = web.RouteTableDef()

SHOWN: Final = 100
"""exchanges in a group on the page; more are found by the commune."""

GROUPS: Final[Mapping[str, tuple[State, ...]]] = {
    "open": (State.PROPOSED, State.AGREED),
    "ended": tuple(state for state in State if state not in (State.PROPOSED, State.AGREED)),
}


@dataclass(frozen=True, slots=True)
class Drawn:
    """An exchange as it is shown: the steps that it waits for, and those of them that are this commune's."""

    exchange: Exchange
    steps: tuple[Step, ...]
    own: CommuneId | None

    @property
    def is_ours_to_do(self) -> bool:
        """Whether it waits for this commune."""
        return any(step.commune == self.own for step in self.steps)


@ROUTES.get("/exchanges")
async def exchanges(request: web.Request) -> web.Response:
    """All exchanges of this commune: those that wait for it, those under way, those that are over."""

    def look(service: Service) -> tuple[dict[str, list[Drawn]], Names]:
        reader, own = service.reader, service.commune
        with reader.snapshot():
            found = {
                name: [
                    Drawn(row, awaited(row), own)
                    for row in islice(pages(partial(reader.exchanges, commune=own, states=states)), SHOWN)
                ]
                for name, states in GROUPS.items()
            }
            return found, Names(reader)

    found, names = await ask(request, look)
    waiting = [row for row in found["open"] if row.is_ours_to_do]
    groups = [
        (_("Waiting for your commune"), waiting),
        (_("Waiting for others"), [row for row in found["open"] if not row.is_ours_to_do]),
        (_("Over"), found["ended"]),
    ]
    own = waiting[0].own if waiting else await ask(request, lambda service: service.own)
    return await page(request, "exchanges.html", groups=groups, names=names, own=own, now=clock.now())


# One exchange -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Opened:
    """One exchange with all that was said, and what this commune can do."""

    exchange: Exchange
    said: list[Said]
    steps: tuple[Step, ...]
    moves: tuple[str, ...]
    names: Names
    own: CommuneId | None


def _opened(entry: EntryId, service: Service) -> Opened:
    with service.reader.snapshot():
        exchange = service.reader.exchange(service.reader.exchange_of(entry))
        own = service.own
        return Opened(
            exchange,
            said_in(exchange, service),
            awaited(exchange),
            () if own is None else available_moves(exchange, own),
            Names(service.reader),
            own,
        )


def _entry_of(request: web.Request) -> EntryId:
    return EntryId(bytes.fromhex(request.match_info["id"]))


@ROUTES.get("/exchanges/{id:[0-9a-f]{64}}")
async def exchange(request: web.Request) -> web.Response:
    """One exchange in full: what goes where, how far it is, who said what, and what comes next."""
    entry = _entry_of(request)
    found = await ask(request, lambda service: _opened(entry, service))
    await noticing_of(request).read(found.exchange.id)
    return await page(request, "exchange.html", shown=found, form=Form(), now=clock.now())


Making = Callable[[Form, Exchange, CommuneId], Record | None]
"""Makes the record of a step from its form; None if something in the form is wrong, which the form says."""


def _accept(form: Form, exchange: Exchange, _own: CommuneId) -> Record:
    return Accept(at=clock.now(), by=form.line("by"), exchange=exchange.id, note=form.text("note"))


def _decline(form: Form, exchange: Exchange, _own: CommuneId) -> Record:
    return Decline(at=clock.now(), by=form.line("by"), exchange=exchange.id, note=form.text("note"))


def _withdraw(form: Form, exchange: Exchange, own: CommuneId) -> Record:
    target = moves.withdrawal_meant(exchange, own, exchange.id)
    return Withdraw(at=clock.now(), by=form.line("by"), reason=form.text("note"), target=target)


def _cancel(form: Form, exchange: Exchange, _own: CommuneId) -> Record:
    return Cancel(at=clock.now(), by=form.line("by"), exchange=exchange.id, reason=form.text("note"))


def _deliver(form: Form, exchange: Exchange, own: CommuneId) -> Record | None:
    place = moves.leg_to_deliver(exchange, own, _number(form))
    leg = exchange.legs[place]
    quantity = _amount(form, leg, leg.given)
    return Deliver(
        at=clock.now(),
        by=form.line("by"),
        exchange=exchange.id,
        note=form.text("note"),
        quantity=quantity,
        transfer=place,
    )


def _receive(form: Form, exchange: Exchange, own: CommuneId) -> Record | None:
    place = moves.leg_to_receive(exchange, own, _number(form))
    leg = exchange.legs[place]
    condition = form["condition"]
    return Receive(
        at=clock.now(),
        by=form.line("by"),
        condition="short" if condition == "short" else "damaged" if condition == "damaged" else "good",
        exchange=exchange.id,
        note=form.text("note"),
        quantity=_amount(form, leg, leg.got),
        transfer=place,
    )


def _dispute(form: Form, exchange: Exchange, _own: CommuneId) -> Record | None:
    note, number = form.text("note"), _number(form)
    if note is None:
        form.refuse("note", InputError("Say what is wrong: others have to understand it."))
        return None
    place = None if number is None else moves.leg_named(exchange, number)
    return Dispute(at=clock.now(), by=form.line("by"), exchange=exchange.id, note=note, transfer=place)


def _settle(form: Form, exchange: Exchange, own: CommuneId) -> Record | None:
    if form["outcome"] not in ("due", "closed"):
        form.refuse("outcome", InputError("This is needed: choose one."))
        return None
    dispute = form.read("dispute", lambda text: EntryId(_hex(text)))
    return Settle(
        at=clock.now(),
        by=form.line("by"),
        dispute=moves.quarrel_meant(exchange, own, exchange.id) if dispute is None else dispute,
        note=form.text("note"),
        outcome="closed" if form["outcome"] == "closed" else "due",
    )


STEPS: Final[Mapping[str, Making]] = {
    "accept": _accept,
    "decline": _decline,
    "withdraw": _withdraw,
    "cancel": _cancel,
    "deliver": _deliver,
    "receive": _receive,
    "dispute": _dispute,
    "settle": _settle,
}
"""The steps that have a form on an exchange's page."""


def _number(form: Form) -> int | None:
    text = form["transfer"]
    return int(text) if text.isascii() and text.isdigit() and len(text) < 4 else None


def _amount(form: Form, leg: Leg, said: int) -> Quantity | None:
    """What was typed, in the transfer's unit unless another was chosen; all that is open if nothing was."""
    number = form.read("number", typed.decimal_of)
    unit = form.read("unit", typed.unit_of)
    return None if "number" in form.faults else moves.amount_of(leg, said, number, unit)


def _hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise InputError("The form cannot be read: load the page again and send it once more.") from None


@ROUTES.post("/exchanges/{id:[0-9a-f]{64}}/{step}")
async def step(request: web.Request) -> web.Response:
    """Read the form of a step, and show it once more; or the exchange with what is wrong with the form."""
    entry, name = _entry_of(request), request.match_info["step"]
    making = STEPS.get(name)
    if making is None:
        raise NotFound("There is nothing at this address.")
    form = await form_of(request)
    found = await ask(request, lambda service: _opened(entry, service))
    if not form["edit"] and found.own is not None:
        try:
            record = making(form, found.exchange, found.own)
            if record is not None and form.is_good:
                return await confirming.show(
                    request,
                    record,
                    about=found.exchange.id,
                    back=request.path,
                    form=form,
                    warnings=_warnings(record, found.exchange),
                )
        except LedgerError as error:
            form.refuse("", error)
    form.typed["step"] = name
    status = 200 if form.is_good else 422
    return await page(request, "exchange.html", status=status, shown=found, form=form, now=clock.now())


def _warnings(record: Record, exchange: Exchange) -> tuple[str, ...]:
    from ledger.exchange import millionths

    if isinstance(record, Deliver | Receive) and record.quantity is not None:
        leg = exchange.legs[record.transfer]
        said = leg.given if isinstance(record, Deliver) else leg.got
        agreed = leg.transfer.quantity
        if agreed and agreed.unit == record.quantity.unit and said + millionths(record.quantity) > leg.agreed:
            return (_("That is more than was agreed; the rest is shown, and counts for nothing else."),)
    return ()
