"""Accounts: what this commune owes and is owed, by commune and category, gifts apart.

Decides how the rows of the ledger's accounts are set beside each other; what
stands open is the ledger's to say (`ledger.view.accounts`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from aiohttp import web

from ledger.log import EntryId
from ledger.records import CommuneId, Propose
from ledger.view import Account

from .. import wording
from ..language import gettext as _
from ..overview import accounts_of
from ..petnames import OwnNames
from ..service import Service
from .site import ask, page

ROUTES: Final = web.RouteTableDef()


@dataclass(frozen=True, slots=True)
class Row:
    """One figure: in which column, how much of what, by which exchanges, and those that are contested."""

    column: str
    amount: str
    category: str
    exchanges: tuple[bytes, ...]
    contested: frozenset[bytes]


@ROUTES.get("/accounts")
async def accounts(request: web.Request) -> web.Response:
    """What stands open with every partner."""

    def look(service: Service) -> tuple[tuple[Account, ...], dict[EntryId, Propose], OwnNames]:
        reader = service.reader
        with reader.snapshot():
            found = accounts_of(service.commune, reader)
            behind = {
                entry
                for account in found
                for figure in (account.owes, account.owed, account.giving, account.getting)
                for entry in figure.exchanges
            }
            records = ((entry, reader.entry(entry).record) for entry in behind)
            proposals = {entry: record for entry, record in records if isinstance(record, Propose)}
            return found, proposals, OwnNames(reader)

    found, proposals, names = await ask(request, look)
    partners = [
        (CommuneId(partner), [row for account in group for row in rows_of(account)])
        for partner, group in groupby(found, lambda account: account.partner)
    ]
    return await page(request, "accounts.html", partners=partners, proposals=proposals, names=names)


def rows_of(account: Account) -> Iterator[Row]:
    """The figures of an account that are not nothing."""
    for column, figure in (
        ("owes", account.owes),
        ("owed", account.owed),
        ("giving", account.giving),
        ("getting", account.getting),
    ):
        if figure.amount:
            yield Row(
                column,
                wording.sum_text(figure.amount, account.unit),
                wording.category(account.category) or _("without a category"),
                figure.exchanges,
                frozenset(account.contested),
            )
