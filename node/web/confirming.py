"""Confirming: a record is shown once more, whole and in words, before it is signed for ever.

Decides the way from a form to a signature, the same for every kind of record: a
page's form makes a record and gives it to `show`; the browser sends it back to
`/sign` as it was shown. What was typed travels along, so that "change it" and
every refusal lead back to the form as it was. What may be signed is the
service's to say, as for commands; what has changed since somebody looked (others
act in the same exchange, at this node too) is looked at once more before.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
from aiohttp import web

from ledger.errors import LedgerError
from ledger.log import EntryId
from ledger.records import (
    Accept,
    AuthorityChange,
    Cancel,
    Charter,
    Correct,
    Decline,
    Deliver,
    Dispute,
    Malformed,
    Need,
    Offer,
    Profile,
    Propose,
    Receive,
    Recognise,
    Record,
    Settle,
    Succession,
    Uninterpreted,
    Unrecognise,
    Withdraw,
    parse,
    to_payload,
)

from .. import clock, journal, keys, language, telling, wording
from ..api import RESIDENT
from ..language import gettext as _
from ..overview import Names
from ..petnames import OwnNames
from ..service import Service
from . import drafts
from .forms import Form, form_of, from_before, id_in, unreadable
from .site import page
from .standing import Standing, standing_of
from .visits import VISITS

OWN_FIELDS: Final = frozenset({"token", "payload", "about", "back", "standing"})
"""Fields of the confirming page itself; all others are what was typed."""

Facts = list[tuple[str, str]]

ROUTES: Final = web.RouteTableDef()


async def show(
    request: web.Request,
    record: Record,
    *,
    back: str,
    form: Form,
    about: EntryId | None = None,
    warnings: tuple[str, ...] = (),
    known: Sequence[tuple[str, str]] = (),
    fault: LedgerError | None = None,
) -> web.Response:
    """The page on which a record is looked at for the last time.

    `back` is where its form is, `about` the exchange that it is about, `known`
    what is known beside it of what it names. Raises
    what `Service.check` raises, unless it is shown because of a `fault`.
    """

    def look(service: Service) -> tuple[OwnNames, Standing]:
        if fault is None:
            service.check(record, None if about is None else service.reader.exchange(about))
        return OwnNames(service.reader), standing_of(record, about, service)

    names, standing = await request.app[RESIDENT].opened.do(look)
    if standing.is_repeated:
        warnings = (*warnings, _("The same has just been recorded: sign it again only if you mean it twice."))
    return await page(
        request,
        "confirm.html",
        status=200 if fault is None else 409,
        heading=heading(record),
        facts=[*known, *facts_of(record, names.in_full, about), *_words_of(record, names)],
        warnings=warnings,
        fault=None if fault is None else language.told(fault),
        payload=to_payload(record).hex(),
        about="" if about is None else about.hex(),
        standing=standing.mark,
        back=back,
        photos=getattr(record, "images", ()),
        typed={name: text for name, text in form.typed.items() if name not in OWN_FIELDS and text},
    )


@ROUTES.post("/sign")
async def sign(request: web.Request) -> web.Response:
    """Sign what was shown, once, and lead to where it can be seen."""
    form = await form_of(request)
    record, about, back = _record_of(form), _entry_of(form), form["back"]
    visits, token = request.app[VISITS], form["token"]
    if not back.startswith("/") or back.startswith("//"):
        raise unreadable()
    if not visits.knows(request, token):
        return await show(request, record, back=back, form=form, about=about, fault=from_before())
    signed = msgspec.structs.replace(record, at=clock.now())

    def work(service: Service) -> EntryId:
        exchange = None if about is None else service.reader.exchange(about)
        service.check(signed, exchange)
        standing_of(record, about, service).check(form["standing"])
        return service.record(signed, exchange)

    async def recorded() -> str:
        entry = await request.app[RESIDENT].sign(work)
        journal.tell("signed", kind=record.kind, id=entry.hex())
        drafts.drafts_of(request).drop(form[drafts.FIELD])
        return place_of(record, entry, about)

    try:
        where = await visits.once(token, recorded)
    except LedgerError as error:
        return await show(request, record, back=back, form=form, about=about, fault=error)
    return web.Response(status=303, headers={"Location": where})


def _record_of(form: Form) -> Record:
    """The record that was shown. Raises InputError on what this page cannot have shown."""
    try:
        record = parse(bytes.fromhex(form["payload"]))
    except ValueError:
        record = Malformed("not hexadecimal")
    if isinstance(record, Malformed | Uninterpreted | Charter | Succession | AuthorityChange):
        raise unreadable()
    return record


def _entry_of(form: Form) -> EntryId | None:
    return id_in(form["about"]) if form["about"] else None


def place_of(record: Record, entry: EntryId, about: EntryId | None) -> str:
    """The page on which a record that was just signed can be seen."""
    match record:
        case Offer() | Need():
            return f"/listings/{entry.hex()}"
        case Propose():
            return f"/exchanges/{entry.hex()}"
        case Recognise() | Unrecognise():
            return "/neighbours"
        case Profile():
            return "/settings"
        case Withdraw() if about is None:
            return f"/listings/{record.target.hex()}"
    return "/" if about is None else f"/exchanges/{about.hex()}"


# In words ---------------------------------------------------------------------------------------


def heading(record: Record) -> str:
    """What is about to be done, as the title of a page."""
    match record:
        case Offer():
            return _("Post this offer?")
        case Need():
            return _("Post this need?")
        case Propose() if record.replaces is not None:
            return _("Send this counter-offer?")
        case Propose():
            return _("Send this proposal?")
        case Accept():
            return _("Accept?")
        case Decline():
            return _("Decline?")
        case Withdraw():
            return _("Take it back?")
        case Deliver():
            return _("Record this delivery?")
        case Receive():
            return _("Record what you received?")
        case Dispute():
            return _("Open this dispute?")
        case Settle():
            return _("Settle the dispute so?")
        case Cancel():
            return _("Cancel the exchange?")
        case Recognise():
            return _("Recognise this commune?")
        case Unrecognise():
            return _("Take the recognition back?")
        case Profile():
            return _("Publish this profile?")
        case Correct():
            return _("Add this explanation?")
    return wording.kind(record.kind)


def facts_of(record: Record, names: Names, about: EntryId | None) -> Facts:
    """What a record says, a name and a value each."""
    match record:
        case Offer() | Need():
            found = [
                (_("What"), telling.thing(record.title, record.quantity)),
                (_("Category"), wording.category(record.category)),
                (_("Welcome in return"), record.wants),
                (_("Where"), record.place),
                (_("Until"), record.until and wording.day(record.until)),
                (_("Council"), record.council),
                (_("Note"), record.note),
            ]
        case Propose():
            found = [(str(place + 1), _leg(record, place, names)) for place in range(len(record.transfers))]
            if record.answer_by is not None:
                found.append((_("Answer by"), wording.day_of(record.answer_by)))
            found.append((_("Note"), record.note))
        case Profile():
            found = [
                (_("Name"), record.name),
                (_("Where"), record.place),
                (_("Contact"), record.contact),
                (_("About"), record.about),
            ]
        case Recognise() | Unrecognise():
            words = keys.fingerprint_words(record.commune, language.current())
            found = [(_("Its words"), words), (_("Note"), record.note)]
        case _:
            found = [(wording.kind(record.kind), telling.entry(record, names, about))]
    found.append((_("Recorded by"), getattr(record, "by", None)))
    return [(name, value) for name, value in found if value]


def _leg(record: Propose, place: int, names: Names) -> str:
    leg = record.transfers[place]
    told = telling.transfer(leg, record.parties, names)
    return told if leg.due is None else f"{told} ({_('due on {day}').format(day=wording.day(leg.due))})"


def _words_of(record: Record, names: OwnNames) -> Facts:
    """The words of parties that people here call by a name of their own, since that is nobody's identity."""
    parties = record.parties if isinstance(record, Propose) else ()
    return [
        (names.both(party), keys.fingerprint_words(party, language.current()))
        for party in parties
        if party in names.called
    ]
