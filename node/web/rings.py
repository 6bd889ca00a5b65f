"""Rings: the form of a proposal among more than two communes, and of a counter-offer to one.

Decides how lines of "from, to, what" become transfers. Between two, `proposing`
asks less.
"""

from __future__ import annotations

from typing import Final

from aiohttp import web

from ledger.errors import LedgerError
from ledger.exchange import Exchange
from ledger.log import EntryId
from ledger.records import Propose, Transfer

from .. import clock
from ..errors import InputError
from ..petnames import OwnNames
from ..proposals import Leg, record_of
from ..service import Service
from . import confirming, drafts
from .forms import Form, form_of
from .proposing import bytes_of, categorised, fill_line
from .site import ask, page

ROUTES: Final = web.RouteTableDef()

ID_DIGITS: Final = 16
"""digits of an id that stand for a commune in a choice: with all 64, twenty choices among 500 have 400 KB."""

LINES: Final = 10
"""transfers on the form; eight communes in a ring have eight."""


@ROUTES.get("/exchanges/ring")
async def new(request: web.Request) -> web.Response:
    """The form of a proposal among several; `replaces` in the address fills it with what it answers."""
    replaces = request.query.get("replaces", "")

    def filled(service: Service) -> Form:
        if not replaces:
            return Form()
        exchange = service.reader.exchange(EntryId(bytes_of(replaces)))
        given = {"replaces": replaces, "note": exchange.proposal.note or ""}
        for number, leg in enumerate(exchange.legs[:LINES], 1):
            thing = leg.transfer
            given |= fill_line("ring", number, thing.title, thing.quantity, thing.listing)
            given |= {
                f"ring_from_{number}": leg.giver.hex()[:ID_DIGITS],
                f"ring_to_{number}": leg.receiver.hex()[:ID_DIGITS],
            }
        return Form(given)

    return await _form(request, await drafts.form_with_draft(request, await ask(request, filled)))


@ROUTES.post("/exchanges/ring")
async def propose(request: web.Request) -> web.Response:
    """Read the form, and show the proposal once more; or the form again with what is wrong with it."""
    form = await form_of(request)
    titles = [form[f"ring_title_{number}"] for number in range(1, LINES + 1)]
    drafts.keep(request, form, "/exchanges/ring", ", ".join(title for title in titles if title))
    if form["edit"]:
        return await _form(request, form)
    lines = [line for number in range(1, LINES + 1) if (line := _line(form, number)) is not None]
    answer_by, note, by = form.end_of_day("answer_by"), form.text("note"), form.line("by")
    if form.is_good and not lines:
        form.refuse("", InputError("The proposal is empty: say what goes from whom to whom."))
    if not form.is_good:
        return await _form(request, form)
    replaces = EntryId(bytes_of(form["replaces"])) if form["replaces"] else None

    def made(service: Service) -> Propose:
        find = service.reader.find_commune
        legs = [
            Leg(find(giver), find(receiver), categorised(thing, service)) for giver, receiver, thing in lines
        ]
        return record_of(legs, at=clock.now(), by=by, note=note, answer_by=answer_by, replaces=replaces)

    try:
        record = await ask(request, made)
        return await confirming.show(request, record, about=replaces, back="/exchanges/ring", form=form)
    except LedgerError as error:
        form.refuse("", error)
        return await _form(request, form)


def _line(form: Form, number: int) -> tuple[str, str, Transfer] | None:
    """One line: from whom, to whom, and what; None if it is empty, or wrong, which the form says then."""
    names = {part: f"ring_{part}_{number}" for part in ("from", "to", "title", "number", "unit", "listing")}
    if not any(form[names[part]].strip() for part in ("from", "to", "title", "number")):
        return None
    quantity = form.quantity(names["number"], names["unit"])
    title = form.line(names["title"], needed=True)
    sides = []
    for side in ("from", "to"):
        commune = form.line(names[side])
        if commune is None and names[side] not in form.faults:
            form.refuse(names[side], InputError("This is needed: choose one."))
        sides.append(commune)
    listing = form.read(names["listing"], bytes_of)
    giver, receiver = sides
    if title is None or giver is None or receiver is None:
        return None
    thing = Transfer(giver=0, receiver=0, listing=listing, quantity=quantity, title=title)
    return giver, receiver, thing


async def _form(request: web.Request, form: Form) -> web.Response:
    def look(service: Service) -> tuple[Exchange | None, OwnNames]:
        reader = service.reader
        replaces = form["replaces"]
        answered = reader.exchange(EntryId(bytes_of(replaces))) if replaces else None
        return answered, OwnNames(reader)

    answered, names = await ask(request, look)
    return await page(
        request,
        "ring.html",
        status=200 if form.is_good else 422,
        form=form,
        communes=[(commune.hex()[:ID_DIGITS], name) for commune, name in names.listed()],
        answered=answered,
        names=names,
        lines=range(1, LINES + 1),
    )
