"""Statements: what came in and went out in a period, by partner and category, on paper and as a spreadsheet.

What counts and how it is added up is `node.statements`'; this decides the form of
the file. In Spanish that has semicolons and decimal commas, since spreadsheets in
Venezuela take a comma for the decimal sign and so cannot take it for a separator;
in English commas and points. It begins with a byte order mark, without which they
take UTF-8 for another encoding. A cell that a spreadsheet would take for a formula
is made text, as in all tables (`columns`): titles and names are others'.
"""

from __future__ import annotations

import csv
import io
from itertools import groupby
from typing import Final
from urllib.parse import urlencode

from aiohttp import web

from ledger.records import CommuneId

from .. import clock, columns, typed, wording
from ..language import gettext as _
from ..petnames import OwnNames
from ..statements import Statement, statement_of, sums_of
from ..visible import safe
from .accounts import rows_of
from .forms import Form
from .papers import download
from .site import ask_aside, page

ROUTES: Final = web.RouteTableDef()


# Pages ------------------------------------------------------------------------------------------


@ROUTES.get("/accounts/statement")
async def statement(request: web.Request) -> web.Response:
    """A statement for a period, this month if none is chosen, to be printed."""
    form = _form_of(request)
    first, last = _period(form)
    found, names = await ask_aside(
        request, lambda service: (statement_of(first, last, service), OwnNames(service.reader))
    )
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
        names=names.in_full,
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
    return wording.sum_text(amount, unit) if amount else ""


# The file ---------------------------------------------------------------------------------------


def _file(found: Statement) -> bytes:
    file = io.StringIO()
    writer = csv.writer(file, delimiter=columns.separator(), quoting=csv.QUOTE_ALL, lineterminator="\r\n")
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
                wording.plain_day_of(each.at),
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
    return (columns.BOM + file.getvalue()).encode()


def cell(text: str) -> str:
    """Somebody's text as a cell that no spreadsheet computes, in one line."""
    return columns.cell(" ".join(safe(text).split()))
