"""Statements: what came in and went out in a period, by partner and category, on paper and as a spreadsheet.

Decides which word counts (the receiver's, as in accounts: what was handed over
and not confirmed stands open), how it is added up, and the form of the file. In
Spanish that has semicolons and decimal commas, since spreadsheets in Venezuela
take a comma for the decimal sign and so cannot take it for a separator; in
English commas and points. It begins with a byte order mark, without which they
take UTF-8 for another encoding. A cell that a spreadsheet would take for a
formula is made text (OWASP, "CSV Injection"): titles and names are others'.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final
from urllib.parse import urlencode

from aiohttp import web

from ledger.exchange import Exchange, Leg, millionths
from ledger.exchange import Form as Shape
from ledger.log import EntryId
from ledger.records import CommuneId, Receive
from ledger.view import Account

from .. import clock, language, typed, wording
from ..language import gettext as _
from ..language import ngettext
from ..overview import Names, accounts_of, category_of, said_in
from ..service import Service
from ..visible import safe
from .accounts import rows_of
from .aside import ask_aside
from .forms import Form
from .papers import download
from .site import page

ROUTES: Final = web.RouteTableDef()

MARK: Final = "\ufeff"
"""The byte order mark."""

FORMULA: Final = ("=", "+", "-", "@")
"""With what a cell begins that a spreadsheet computes."""


@dataclass(frozen=True, slots=True)
class Passing:
    """Something that was received: when by its receiver's clock, from or to whom, in which exchange.

    `amount` is in millionths of `unit`; without a unit it counts things.
    """

    at: int
    partner: CommuneId
    came: bool
    exchange: EntryId
    title: str
    category: str
    amount: int
    unit: str
    condition: str
    gift: bool
    contested: bool


@dataclass(frozen=True, slots=True)
class Sum:
    """What came in and went out of a category in one unit."""

    category: str
    unit: str
    came: int
    went: int


@dataclass(frozen=True, slots=True)
class Statement:
    """What a statement shows of a commune, and how its accounts stand now."""

    own: CommuneId
    passings: list[Passing]
    open: tuple[Account, ...]
    names: Names


def statement_of(first: int, last: int, service: Service) -> Statement:
    """The statement of this commune over a period, in milliseconds, both included; within one snapshot."""
    own, reader = service.commune, service.reader
    found = [
        passing
        for exchange in reader.exchanges(commune=own)
        for passing in _passings(exchange, own, service)
        if first <= passing.at <= last
    ]
    found.sort(key=lambda each: (each.partner, each.at, each.exchange))
    return Statement(own, found, accounts_of(own, reader), Names(reader))


def _passings(exchange: Exchange, own: CommuneId, service: Service) -> Iterator[Passing]:
    if not any(leg.got and own in (leg.giver, leg.receiver) for leg in exchange.legs):
        return
    for each in said_in(exchange, service):
        record = each.row.record
        if not isinstance(record, Receive) or not each.counts or each.refused is not None:
            continue
        leg = exchange.legs[record.transfer]
        if own not in (leg.giver, leg.receiver) or each.commune != leg.receiver:
            continue
        came = leg.receiver == own
        yield Passing(
            record.at,
            leg.giver if came else leg.receiver,
            came,
            exchange.id,
            leg.transfer.title,
            category_of(leg, service.reader),
            _amount(record, leg),
            "" if leg.transfer.quantity is None else leg.transfer.quantity.unit,
            record.condition,
            exchange.form is Shape.GIFT,
            exchange.contested,
        )


def _amount(record: Receive, leg: Leg) -> int:
    """As the ledger counts it: where no quantity was agreed each is one, and a short one nothing."""
    if leg.transfer.quantity is None or record.quantity is None:
        return 0 if record.condition == "short" else 1
    return millionths(record.quantity)


def sums_of(passings: Sequence[Passing]) -> list[Sum]:
    """What came and went, of each category in each unit."""
    totals: dict[tuple[str, str], list[int]] = {}
    for each in passings:
        totals.setdefault((each.category, each.unit), [0, 0])[0 if each.came else 1] += each.amount
    return [Sum(*key, *pair) for key, pair in sorted(totals.items())]


# Pages ------------------------------------------------------------------------------------------


@ROUTES.get("/accounts/statement")
async def statement(request: web.Request) -> web.Response:
    """A statement for a period, this month if none is chosen, to be printed."""
    form = _form_of(request)
    first, last = _period(form)
    found = await ask_aside(request, lambda service: statement_of(first, last, service))
    partners = [
        (partner, passings, sums_of(passings))
        for partner, group in groupby(found.passings, key=lambda each: each.partner)
        for passings in [list(group)]
    ]
    chosen = urlencode({name: form[name] for name in ("since", "until")})
    return await page(
        request,
        "statement.html",
        status=200 if form.is_good else 422,
        form=form,
        found=found,
        partners=partners,
        whole=sums_of(found.passings),
        open=[(CommuneId(each.partner), row) for each in found.open for row in rows_of(each)],
        amount=_told,
        file=f"/accounts/statement/csv?{chosen}",
        now=clock.now(),
    )


@ROUTES.get("/accounts/statement/csv")
async def spreadsheet(request: web.Request) -> web.Response:
    """The same as a file for spreadsheets."""
    form = _form_of(request)
    first, last = _period(form)
    found = await ask_aside(request, lambda service: statement_of(first, last, service))
    name = f"trueque-{form['since']}-{form['until']}.csv" if form.is_good else "trueque.csv"
    return download(_file(found), "text/csv", name)


def _form_of(request: web.Request) -> Form:
    today = clock.today()
    given = {name: request.query.get(name, "").strip() for name in ("since", "until")}
    return Form({"since": given["since"] or f"{today[:8]}01", "until": given["until"] or today})


def _period(form: Form) -> tuple[int, int]:
    """The period in milliseconds; nothing of one that is wrong, which the form says."""
    first = form.read("since", typed.start_of_day)
    last = form.read("until", typed.end_of_day)
    return (1, 0) if first is None or last is None else (first, last)


def _told(amount: int, unit: str) -> str:
    """An amount for people; nothing if there is none."""
    if not amount:
        return ""
    if not unit:
        return ngettext("{count} thing", "{count} things", amount).format(count=amount)
    return wording.amount(wording.decimal(amount), unit)


# The file ---------------------------------------------------------------------------------------


def _file(found: Statement) -> bytes:
    is_spanish = language.current() == "es"
    file = io.StringIO()
    writer = csv.writer(file, delimiter=";" if is_spanish else ",", lineterminator="\r\n")
    writer.writerow(
        [
            _("Day"),
            _("Commune"),
            _("Its id"),
            _("Exchange"),
            _("What"),
            _("Category"),
            _("Came in"),
            _("Went out"),
            _("Unit"),
            _("Condition"),
            _("Gift"),
            _("Contested"),
        ]
    )
    for each in found.passings:
        number = wording.number(wording.decimal(each.amount)) if each.unit else str(each.amount)
        writer.writerow(
            [
                wording.day_of(each.at),
                cell(found.names[each.partner]),
                each.partner.hex(),
                each.exchange.hex(),
                cell(each.title),
                cell(wording.category(each.category or None)),
                number if each.came else "",
                "" if each.came else number,
                cell(each.unit),
                wording.condition(each.condition),
                _("yes") if each.gift else "",
                _("yes") if each.contested else "",
            ]
        )
    return (MARK + file.getvalue()).encode()


def cell(text: str) -> str:
    """Somebody's text as a cell that no spreadsheet computes, in one line."""
    plain = " ".join(safe(text).split())
    return f"'{plain}" if plain.startswith(FORMULA) else plain
