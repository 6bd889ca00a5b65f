"""Exchanges: those of this commune, one in full, and every step in it.

Decides how exchanges are grouped (what waits for this commune stands first) and
what one step's form asks; which record that becomes is `wishes`'s. What may come
next is the ledger's to say (`ledger.steps`), what was said is shown as each
side's word.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, Final, Literal

from aiohttp import web

from ledger.errors import LedgerError, NotFound
from ledger.exchange import Exchange, State
from ledger.log import EntryId
from ledger.records import CommuneId, Deliver, Receive, Record
from ledger.steps import Step, available_moves, awaited

from .. import clock, moves, telling, typed
from ..api import RESIDENT
from ..errors import InputError
from ..language import gettext as _
from ..overview import Said, pages, said_in
from ..petnames import OwnNames
from ..service import Service
from ..wishes import Meant, Remark
from ..wishes import exchanges as wishes
from ..wishes.listings import Withdrawal, withdrawal
from . import confirming
from .forms import Form, form_of, whole
from .site import ask, page

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

    def look(service: Service) -> tuple[dict[str, list[Drawn]], OwnNames]:
        reader, own = service.reader, service.commune
        with reader.snapshot():
            found = {
                name: [
                    Drawn(row, awaited(row), own)
                    for row in islice(pages(partial(reader.exchanges, commune=own, states=states)), SHOWN)
                ]
                for name, states in GROUPS.items()
            }
            return found, OwnNames(reader)

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
    names: OwnNames
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
            OwnNames(service.reader),
            own,
        )


def _entry_of(request: web.Request) -> EntryId:
    return EntryId(bytes.fromhex(request.match_info["id"]))


@ROUTES.get("/exchanges/{id:[0-9a-f]{64}}")
async def exchange(request: web.Request) -> web.Response:
    """One exchange in full: what goes where, how far it is, who said what, and what comes next."""
    entry = _entry_of(request)
    found = await ask(request, lambda service: _opened(entry, service))
    await request.app[RESIDENT].noticing.read(found.exchange.id)
    return await _page(request, found, Form())


Wished = Callable[[Service], Meant]
"""Makes the record of a step from what its form asks for."""

Reading = Callable[[Form, str], Wished | None]
"""Reads the form of a step in an exchange; None if something in it is wrong, which the form says."""


def _answer(kind: Literal["accept", "decline", "cancel"], form: Form, exchange: str) -> Wished:
    given = Remark(note=form.text("note"), by=form.line("by"))
    return lambda service: wishes.answer(kind, exchange, given, service, clock.now())


def _withdraw(form: Form, exchange: str) -> Wished:
    given = Withdrawal(reason=form.text("note"), by=form.line("by"))
    return lambda service: withdrawal(exchange, given, service, clock.now())


def _hand(form: Form, exchange: str, *, is_arrival: bool) -> Wished:
    """All that is open where no number was typed, in the transfer's unit unless another was chosen."""
    form.read("number", typed.decimal_of)
    if form.read("unit", typed.unit_of) is not None and not form["number"].strip():
        form.refuse("number", InputError("A unit needs a quantity: give both, or neither."))
    common: dict[str, Any] = {
        "transfer": _number(form),
        "quantity": form["number"].strip() or None,
        "unit": form["unit"].strip() or None,
        "note": form.text("note"),
        "by": form.line("by"),
    }
    condition: Any = form["condition"] if form["condition"] in ("short", "damaged") else "good"
    given = wishes.Arrival(**common, condition=condition) if is_arrival else wishes.Handing(**common)
    return lambda service: wishes.handing(exchange, given, service, clock.now())


def _dispute(form: Form, exchange: str) -> Wished | None:
    note = form.text("note")
    if note is None:
        form.refuse("note", InputError("Say what is wrong: others have to understand it."))
        return None
    given = wishes.Disputing(note=note, transfer=_number(form), by=form.line("by"))
    return lambda service: wishes.dispute(exchange, given, service, clock.now())


def _settle(form: Form, exchange: str) -> Wished | None:
    outcome: Any = form["outcome"]
    if outcome not in ("due", "closed"):
        form.refuse("outcome", InputError("This is needed: choose one."))
        return None
    given = wishes.Settling(outcome=outcome, note=form.text("note"), by=form.line("by"))
    return lambda service: wishes.settlement(form["dispute"] or exchange, given, service, clock.now())


STEPS: Final[Mapping[str, Reading]] = {
    "accept": partial(_answer, "accept"),
    "decline": partial(_answer, "decline"),
    "withdraw": _withdraw,
    "cancel": partial(_answer, "cancel"),
    "deliver": partial(_hand, is_arrival=False),
    "receive": partial(_hand, is_arrival=True),
    "dispute": _dispute,
    "settle": _settle,
}
"""The steps that have a form on an exchange's page."""


def _number(form: Form) -> int | None:
    text = form["transfer"]
    return int(text) if text.isascii() and text.isdigit() and len(text) < 4 else None


@ROUTES.post("/exchanges/{id:[0-9a-f]{64}}/{step}")
async def step(request: web.Request) -> web.Response:
    """Read the form of a step, and show it once more; or the exchange with what is wrong with the form."""
    entry, name = _entry_of(request), request.match_info["step"]
    reading = STEPS.get(name)
    if reading is None:
        raise NotFound("There is nothing at this address.")
    form = await form_of(request)
    found = await ask(request, lambda service: _opened(entry, service))
    if not form["edit"] and found.own is not None:
        try:
            wished = reading(form, found.exchange.id.hex())
            if wished is not None and form.is_good:
                record = (await ask(request, wished)).record
                return await confirming.show(
                    request,
                    record,
                    about=found.exchange.id,
                    back=request.path,
                    form=form,
                    warnings=_warnings(record, found.exchange),
                    known=_known(record, found),
                )
        except LedgerError as error:
            form.refuse("", error)
    form.typed["step"] = name
    return await _page(request, found, form)


async def _page(request: web.Request, found: Opened, form: Form) -> web.Response:
    """The page of an exchange; a part of it that is fetched anew says `seen`, how much was said before."""
    count = len(found.said)
    return await page(
        request,
        "exchange.html",
        status=200 if form.is_good else 422,
        shown=found,
        form=form,
        now=clock.now(),
        seen=whole(request.query.get("seen", "")) or count,
        count=count,
    )


def _known(record: Record, found: Opened) -> list[tuple[str, str]]:
    """What stands beside a step when it is looked at for the last time: with whom, and what it is about."""
    exchange, names = found.exchange, found.names
    legs = exchange.proposal.transfers
    place = getattr(record, "transfer", None)
    about = enumerate(legs) if place is None else [(place, legs[place])] if place < len(legs) else []
    told = [(number + 1, telling.transfer(leg, exchange.proposal.parties, names)) for number, leg in about]
    return [
        (_("Exchange with"), telling.told_parties(exchange.proposal.parties, found.own, names)),
        *((_("Transfer {number}").format(number=number), text) for number, text in told),
    ]


def _warnings(record: Record, exchange: Exchange) -> tuple[str, ...]:
    if isinstance(record, Deliver | Receive) and moves.exceeds(exchange, record):
        return (_("That is more than was agreed; the rest is shown, and counts for nothing else."),)
    return ()
