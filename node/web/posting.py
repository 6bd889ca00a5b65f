"""Posting: an offer or a need, from its form to the page on which it is confirmed.

Decides what the form asks, what a change keeps of the listing whose place it
takes, and what is said of a number that may be misread. A listing is never
changed: another takes its place, which "renew or change" means.
"""

from __future__ import annotations

import asyncio
import re
from datetime import date, timedelta
from typing import Final

from aiohttp import web

from ledger.errors import LedgerError
from ledger.log import EntryId
from ledger.records import Need, Offer, Withdraw
from ledger.store.reading import ListingRow
from ledger.vocabulary import suggest_categories

from .. import clock, typed, wording
from ..api import RESIDENT, picture
from ..errors import InputError
from ..language import gettext as _
from ..pictures import small
from ..service import Service
from . import confirming, drafts
from .forms import Form, form_of, id_in
from .site import ask, page
from .uploads import Upload, form_with_files

ROUTES: Final = web.RouteTableDef()

MAX_PHOTOS: Final = 4
"""photos of a listing that is posted here; a record has room for more."""

MAX_PHOTO_BYTES: Final = 4 * 33_554_432
"""bytes of all photos as they are sent."""

MONTH_DAYS: Final = 30
"""days for which a renewed listing stands, if nothing else is said; a harvest's length."""


@ROUTES.get("/listings/new")
async def new(request: web.Request) -> web.Response:
    """The empty form of an offer or a need."""
    await ask(request, lambda service: service.commune)
    form = await drafts.form_with_draft(request, Form({"kind": request.query.get("kind", "")}))
    return await _form(request, form)


@ROUTES.post("/listings/new")
async def post(request: web.Request) -> web.Response:
    """Read the form, and show what it says once more; or the form again with what is wrong with it."""
    async with form_with_files(request, MAX_PHOTO_BYTES, forgiving=True) as (form, uploads):
        await _keep_photos(request, form, uploads)
    drafts.keep(request, form, "/listings/new", form["title"])
    if form["edit"]:
        return await _form(request, form)
    category = form.read("category", typed.category_of)
    record = (Need if form["kind"] == "need" else Offer)(
        at=clock.now(),
        by=form.line("by"),
        category=category or typed.OTHER,
        council=form.line("council"),
        images=photos_in(form),
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


async def _keep_photos(request: web.Request, form: Form, uploads: list[Upload]) -> None:
    """Keep the photos that were chosen, small; from then on the form names them."""
    held = [] if form["no_photos"] else [each.hex() for each in photos_in(form)]
    form.typed.pop("no_photos", None)
    resident = request.app[RESIDENT]
    for upload in uploads:
        try:
            if len(held) >= MAX_PHOTOS:
                raise InputError("At most {limit} photos: leave some out.", limit=MAX_PHOTOS)
            async with resident.aside.turns:  # a photo that is unpacked takes much memory
                picture = await asyncio.to_thread(_small, upload)
            held.append((await resident.keep_photo(picture)).hex())
        except LedgerError as error:
            form.refuse("photos", error)
    form.typed["images"] = " ".join(dict.fromkeys(held))


def _small(upload: Upload) -> bytes:
    return small(upload.read())


def photos_in(form: Form) -> tuple[bytes, ...]:
    """The photos that a form names."""
    found = form["images"].split()[:MAX_PHOTOS]
    return tuple(bytes.fromhex(text) for text in found if re.fullmatch(r"[0-9a-f]{64}", text))


@ROUTES.get("/photos/{digest:[0-9a-f]{64}}")
async def photo(request: web.Request) -> web.Response:
    """A photo, fetched from neighbours if it is not here and `listing` names what it belongs to."""
    listing = _entry(request.query.get("listing", ""))
    return await picture(request.app[RESIDENT], bytes.fromhex(request.match_info["digest"]), listing)


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
        photos=[digest.hex() for digest in photos_in(form)],
    )


def _entry(text: str) -> EntryId | None:
    """A listing that a form or an address names, None if it names none."""
    return id_in(text) if text else None


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
        "images": " ".join(digest.hex() for digest in record.images),
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
