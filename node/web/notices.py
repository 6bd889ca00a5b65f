"""Notices: what others have done, with a mark at what nobody has looked at yet.

Decides the words of a notice and where it leads; what is worth one is
`noticing`'s. Looking at an exchange is reading what is said of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from aiohttp import web

from ledger.errors import NotFound
from ledger.log import EntryId
from ledger.records import Malformed, Record, Uninterpreted

from .. import telling, wording
from ..api import RESIDENT
from ..language import gettext as _
from ..noticing import EXPIRY, FORK
from ..petnames import OwnNames
from ..service import Service
from ..storage.notices import Notice
from .site import ask, page

Said = Record | Uninterpreted | Malformed | None

ROUTES: Final = web.RouteTableDef()


@dataclass(frozen=True, slots=True)
class Shown:
    """A notice in words, and the page that it leads to."""

    sentence: str
    address: str
    day: str
    read: bool


@ROUTES.get("/notices")
async def notices(request: web.Request) -> web.Response:
    """All notices, the newest first."""
    found = await request.app[RESIDENT].noticing.all()

    def look(service: Service) -> tuple[dict[bytes, Said], OwnNames]:
        with service.reader.snapshot():
            said = {notice.entry: _said(service, notice) for notice in found}
            return said, OwnNames(service.reader)

    said, names = await ask(request, look)
    shown = [_shown(notice, said[notice.entry], names) for notice in found]
    return await page(request, "notices.html", notices=shown)


@ROUTES.post("/notices/read")
async def read(request: web.Request) -> web.Response:
    """All have been looked at."""
    await request.app[RESIDENT].noticing.read()
    raise web.HTTPSeeOther("/notices")


def _said(service: Service, notice: Notice) -> Said:
    """The record that a notice is about, None of one that is not there any more."""
    if notice.kind == FORK:
        return None
    try:
        return service.reader.entry(notice.entry).record
    except NotFound:
        return None


def _shown(notice: Notice, record: Said, names: OwnNames) -> Shown:
    who = _("unknown") if notice.commune is None else names[notice.commune]
    if notice.kind == FORK:
        sentence = _("{who} continued its ledger in two ways: the audit tells more.").format(who=who)
        address = "/audit"
    elif notice.kind == EXPIRY:
        sentence = _("Your listing ends soon: {what}").format(what=telling.entry(record, names))
        address = f"/listings/{notice.subject.hex()}"
    else:
        told = telling.entry(record, names, EntryId(notice.subject))
        said = ", ".join(part for part in (wording.kind(notice.kind), told) if part)
        sentence = f"{who}: {said}"
        address = f"/exchanges/{notice.subject.hex()}"
    return Shown(sentence, address, wording.time_of(notice.at), notice.read)
