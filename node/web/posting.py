"""Posting: an offer or a need, from its form to the page on which it is confirmed.

Decides what the form asks, what a change keeps of the listing whose place it
takes, and what is said of a number that may be misread. A listing is never
changed: another takes its place, which "renew or change" means.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from aiohttp import web

from ledger.errors import LedgerError
from ledger.log import EntryId
from ledger.records import Need, Offer, Withdraw
from ledger.store.reading import ListingRow
from ledger.vocabulary import suggest_categories

from .. import clock, typed, wording
from ..errors import InputError
from ..language import gettext as _
from ..service import Service
from . import confirming
from .forms import Form, form_of
from .site import ask, page

ROUTES: Final = web.RouteTableDef()

MONTH_DAYS: Final = 30
"""days for which a renewed listing stands, if nothing else is said; a harvest's length."""

FIELDS: Final = ("title", "category", "number", "unit", "wants", "place", "until", "council", "note", "by")


@ROUTES.get("/listings/new")
async def new(request: web.Request) -> web.Response:
    """The empty form of an offer or a need."""
    await ask(request, lambda service: service.commune)
    return await _form(request, Form({"kind": request.query.get("kind", "")}))


@ROUTES.post("/listings/new")
async def post(request: web.Request) -> web.Response:
    """Read the form, and show what it says once more; or the form again with what is wrong with it."""
    form = await form_of(request)
    if form["edit"]:
        return await _form(request, form)
    category = form.read("category", typed.category_of)
    record = (Need if form["kind"] == "need" else Offer)(
        at=clock.now(),
        by=form.line("by"),
        category=category or typed.OTHER,
        council=form.line("council"),
        note=form.text("note"),
        place=form.line("place"),
        quantity=form.quantity("number", "unit"),
        replaces=_entry(form["replaces"]),
        title=form.line("title", needed=True) or "-",
        until=form.coming_day("until"),
        wants=form.text("wants"),
    )
    if not form.is_good:
        return await _form(request, form)
    try:
        return await confirming.show(
            request, record, back="/listings/new", form=form, warnings=_warnings(form, record)
        )
    except LedgerError as error:
        form.refuse("", error)
        return await _form(request, form)


def _warnings(form: Form, record: Offer | Need) -> tuple[str, ...]:
    said = []
    if form["number"] and typed.may_be_thousands(form["number"]):
        told = _("'{text}' is read as {quantity}.")
        said.append(told.format(text=form["number"], quantity=wording.quantity_text(record.quantity)))
    if record.category == typed.OTHER:
        names = [wording.category(code) for code in suggest_categories(record.title) if code != typed.OTHER]
        if names:
            told = _("Without a category others find it less easily. Perhaps: {names}.")
            said.append(told.format(names="; ".join(names)))
    return tuple(said)


async def _form(request: web.Request, form: Form) -> web.Response:
    kind = "need" if form["kind"] == "need" else "offer"
    return await page(
        request,
        "post.html",
        status=200 if form.is_good else 422,
        form=form,
        kind=kind,
        is_change=bool(form["replaces"]),
        today=clock.today(),
    )


def _entry(text: str) -> EntryId | None:
    """The listing whose place this takes, as the form has it."""
    if not text:
        return None
    try:
        return EntryId(bytes.fromhex(text))
    except ValueError:
        raise InputError("The form cannot be read: load the page again and send it once more.") from None


# Of a listing that stands -----------------------------------------------------------------------


async def _listing(request: web.Request) -> ListingRow:
    entry = bytes.fromhex(request.match_info["id"])
    return await ask(request, lambda service: service.reader.listing(entry))


@ROUTES.get("/listings/{id:[0-9a-f]{64}}/renew")
async def renew(request: web.Request) -> web.Response:
    """The form of a listing, filled with what it says, to stand for another month."""
    row = await _listing(request)
    record, quantity = row.record, row.record.quantity
    until = record.until and (date.fromisoformat(clock.today()) + timedelta(days=MONTH_DAYS)).isoformat()
    given = {
        "kind": record.kind,
        "title": record.title,
        "category": "" if record.category == typed.OTHER else record.category,
        "number": "" if quantity is None else wording.number(wording.decimal_of(quantity)),
        "unit": "" if quantity is None else quantity.unit,
        "wants": record.wants,
        "place": record.place,
        "until": until,
        "council": record.council,
        "note": record.note,
        "by": record.by,
        "replaces": row.id.hex(),
    }
    return await _form(request, Form({name: text for name, text in given.items() if text}))


@ROUTES.get("/listings/{id:[0-9a-f]{64}}/withdraw")
async def withdraw(request: web.Request) -> web.Response:
    """The form that takes a listing back."""
    return await _withdrawal(request, await _listing(request), Form())


@ROUTES.post("/listings/{id:[0-9a-f]{64}}/withdraw")
async def take_back(request: web.Request) -> web.Response:
    """Show once more what is taken back, and why."""
    form, row = await form_of(request), await _listing(request)
    record = Withdraw(at=clock.now(), by=form.line("by"), reason=form.text("reason"), target=row.id)
    if form["edit"] or not form.is_good:
        return await _withdrawal(request, row, form)
    return await confirming.show(request, record, back=request.path, form=form)


async def _withdrawal(request: web.Request, row: ListingRow, form: Form) -> web.Response:
    def drawn(service: Service) -> int:
        return sum(1 for _exchange in service.reader.drawing_on(row.id))

    return await page(
        request,
        "withdraw.html",
        status=200 if form.is_good else 422,
        form=form,
        record=row.record,
        drawn=await ask(request, drawn),
        back=f"/listings/{row.id.hex()}",
    )
