"""Proposing: the form of a proposal between two communes, and of a counter-offer.

Decides how lines of "we give" and "they give" become transfers, what a listing
or the proposal that it answers fills in beforehand, and what stands for a
listing. Among more than two it is `rings`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import msgspec
from aiohttp import web

from ledger.errors import LedgerError, NotFound
from ledger.exchange import Exchange
from ledger.log import EntryId
from ledger.records import CommuneId, Offer, Propose, Quantity, Transfer
from ledger.store.reading import ListingRow

from .. import clock, wording
from ..errors import InputError
from ..overview import Relations
from ..petnames import OwnNames, find_commune
from ..proposals import Leg, partner_of, record_of, rest_of
from ..service import Service
from . import confirming, drafts
from .forms import Form, form_of
from .site import ask, page

ROUTES: Final = web.RouteTableDef()

LINES: Final = 4
"""lines a side on the form; who exchanges more things at once makes a second exchange, or uses a file."""

SIDES: Final = ("give", "take")


@dataclass(frozen=True, slots=True)
class Offered:
    """What the form shows beside its fields."""

    relations: Relations
    answered: Exchange | None
    names: OwnNames


@ROUTES.get("/exchanges/new")
async def new(request: web.Request) -> web.Response:
    """The form of a proposal; `listing`, `with` or `replaces` in the address fill it."""
    given = {name: request.query.get(name, "") for name in ("listing", "with", "replaces")}

    def filled(service: Service) -> Form:
        if given["replaces"]:
            exchange = service.reader.exchange(EntryId(bytes_of(given["replaces"])))
            return _of_exchange(exchange, service.commune)
        if given["listing"]:
            return _of_listing(service.reader.listing(bytes_of(given["listing"])), service)
        return Form({"to": given["with"]})

    return await _form(request, await drafts.form_with_draft(request, await ask(request, filled)))


def bytes_of(text: str) -> bytes:
    """The id that a form or an address names. Raises NotFound."""
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise NotFound(
            "'{text}' is not an id: an id is written with the digits 0-9 and a-f.", text=text
        ) from None


def _of_listing(row: ListingRow, service: Service) -> Form:
    """A proposal about a listing: an offer's things are taken, a need's given, all that is left of them."""
    is_own = row.commune == service.commune
    side = "give" if is_own == isinstance(row.record, Offer) else "take"
    try:
        quantity = rest_of(row, service.reader).quantity
    except InputError:
        quantity = None  # nothing is left by what was agreed; people may know better
    return Form(
        {"to": "" if is_own else row.commune.hex(), **fill_line(side, 1, row.record.title, quantity, row.id)}
    )


def _of_exchange(exchange: Exchange, own: CommuneId) -> Form:
    """A counter-offer begins as what it answers."""
    partner = partner_of(exchange, own)
    if partner is None:
        raise InputError("This exchange is among more than two communes: answer it by the form for several.")
    given = {"to": partner.hex(), "replaces": exchange.id.hex(), "note": exchange.proposal.note or ""}
    for side in SIDES:
        mine = [leg.transfer for leg in exchange.legs if (leg.giver == own) == (side == "give")]
        for number, transfer in enumerate(mine[:LINES], 1):
            given |= fill_line(side, number, transfer.title, transfer.quantity, transfer.listing)
    return Form(given)


def fill_line(
    side: str, number: int, title: str, quantity: Quantity | None, listing: bytes | None
) -> dict[str, str]:
    """The fields of one line of a form, filled with a thing."""
    found = {f"{side}_title_{number}": title}
    if quantity is not None:
        found[f"{side}_number_{number}"] = wording.number(wording.decimal_of(quantity))
        found[f"{side}_unit_{number}"] = quantity.unit
    if listing is not None:
        found[f"{side}_listing_{number}"] = listing.hex()
    return found


@ROUTES.post("/exchanges/new")
async def propose(request: web.Request) -> web.Response:
    """Read the form, and show the proposal once more; or the form again with what is wrong with it."""
    form = await form_of(request)
    titles = [form[f"{side}_title_{number}"] for side in SIDES for number in range(1, LINES + 1)]
    drafts.keep(request, form, "/exchanges/new", ", ".join(title for title in titles if title))
    if form["edit"]:
        return await _form(request, form)
    sides = {side: _things(form, side) for side in SIDES}
    answer_by, note, by = form.end_of_day("answer_by"), form.text("note"), form.line("by")
    if not form["to"]:
        form.refuse("to", InputError("This is needed: fill it in."))
    if form.is_good and not any(sides.values()):
        form.refuse("", InputError("The proposal is empty: say what your commune gives, or what it gets."))
    if not form.is_good:
        return await _form(request, form)
    replaces = EntryId(bytes_of(form["replaces"])) if form["replaces"] else None

    def made(service: Service) -> Propose:
        own, partner = service.commune, find_commune(service.reader, form["to"])
        legs = [Leg(own, partner, categorised(thing, service)) for thing in sides["give"]]
        legs += [Leg(partner, own, categorised(thing, service)) for thing in sides["take"]]
        return record_of(legs, at=clock.now(), by=by, note=note, answer_by=answer_by, replaces=replaces)

    try:
        record = await ask(request, made)
        return await confirming.show(request, record, about=replaces, back="/exchanges/new", form=form)
    except LedgerError as error:
        form.refuse("", error)
        return await _form(request, form)


def _things(form: Form, side: str) -> list[Transfer]:
    """The things of one side, as transfers without their parties."""
    found = []
    for number in range(1, LINES + 1):
        names = {part: f"{side}_{part}_{number}" for part in ("title", "number", "unit", "listing")}
        quantity = form.quantity(names["number"], names["unit"])
        title = form.line(names["title"], needed=quantity is not None)
        if title is None:
            continue
        listing = form.read(names["listing"], bytes_of)
        found.append(Transfer(giver=0, receiver=0, listing=listing, quantity=quantity, title=title))
    return found


def categorised(thing: Transfer, service: Service) -> Transfer:
    """A thing that stands for a listing has its category."""
    if thing.listing is None:
        return thing
    return msgspec.structs.replace(thing, category=service.reader.listing(thing.listing).record.category)


async def _form(request: web.Request, form: Form) -> web.Response:
    def look(service: Service) -> Offered:
        reader, relations = service.reader, Relations(service)
        answered = reader.exchange(EntryId(bytes_of(form["replaces"]))) if form["replaces"] else None
        return Offered(relations, answered, OwnNames(reader))

    shown = await ask(request, look)
    communes = shown.names.listed()
    recognised, others = (
        [(commune.hex(), name) for commune, name in communes if shown.relations[commune] == relation]
        for relation in ("recognised", "known")
    )
    return await page(
        request,
        "propose.html",
        status=200 if form.is_good else 422,
        form=form,
        shown=shown,
        partners=[*recognised, *others],
        lines=range(1, LINES + 1),
        today=clock.today(),
    )
