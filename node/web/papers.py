"""Papers: what is printed of an exchange, for the road, for the assembly, and as proof.

Decides what stands on a delivery note, on the minutes of an exchange and on a
receipt. All are black on white and without anything to click once they are on
paper. What proves something is the receipt's codes alone; the others are for
signatures by hand. How a receipt is made is `receipts`'.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from ledger.errors import NotFound
from ledger.exchange import Exchange
from ledger.log import EntryId
from ledger.paper import to_paper
from ledger.parts import paper_parts
from ledger.records import CommuneId
from ledger.steps import Step, awaited

from .. import clock, codes, wording
from ..limits import MAX_CODES_ON_SHEET
from ..overview import Names, Said, said_in
from ..receipts import make_receipt
from ..service import Service
from .forms import whole
from .site import ask, ask_aside, page

ROUTES: Final = web.RouteTableDef()


@dataclass(frozen=True, slots=True)
class Party:
    """A party as papers name it; `place` and `contact` are what it says of itself."""

    id: CommuneId
    name: str
    place: str | None
    contact: str | None


@dataclass(frozen=True, slots=True)
class Written:
    """What papers of an exchange are written from."""

    exchange: Exchange
    parties: list[Party]
    said: list[Said]
    steps: tuple[Step, ...]
    names: Names
    network: str


def _written(entry: EntryId, service: Service) -> Written:
    reader = service.reader
    with reader.snapshot():
        exchange = reader.exchange(reader.exchange_of(entry))
        names = Names(reader)
        return Written(
            exchange,
            [_party(party, service, names) for party in exchange.proposal.parties],
            said_in(exchange, service),
            awaited(exchange),
            names,
            reader.network,
        )


def _party(party: bytes, service: Service, names: Names) -> Party:
    try:
        row = service.reader.commune(party)
    except NotFound:
        return Party(CommuneId(party), names[party], None, None)
    return Party(row.id, row.name, row.place, row.contact)


def _entry_of(request: web.Request) -> EntryId:
    return EntryId(bytes.fromhex(request.match_info["id"]))


@ROUTES.get("/exchanges/{id:[0-9a-f]{64}}/print/minutes")
async def minutes(request: web.Request) -> web.Response:
    """All terms of an exchange, who said what, and how it stands."""
    entry = _entry_of(request)
    found = await ask(request, lambda service: _written(entry, service))
    return await page(request, "print_minutes.html", written=found, now=clock.now())


@ROUTES.get("/exchanges/{id:[0-9a-f]{64}}/print/delivery-{number}")
async def delivery_note(request: web.Request) -> web.Response:
    """What goes along with one transfer: what it is, from whom to whom, with room for hands and stamps."""
    entry, number = _entry_of(request), whole(request.match_info["number"])
    found = await ask(request, lambda service: _written(entry, service))
    if not 1 <= number <= len(found.exchange.legs):
        raise NotFound("There is nothing at this address.")
    leg = found.exchange.legs[number - 1]
    parties = {party.id: party for party in found.parties}
    return await page(
        request,
        "print_delivery.html",
        written=found,
        leg=leg,
        number=number,
        giver=parties[leg.giver],
        receiver=parties[leg.receiver],
        now=clock.now(),
    )


@ROUTES.get("/exchanges/{id:[0-9a-f]{64}}/print/receipt")
async def receipt(request: web.Request) -> web.Response:
    """A receipt on paper: what it says in words, and the codes that prove it."""
    entry = _entry_of(request)

    def look(service: Service) -> tuple[Written, int, list[bytes]]:
        written = _written(entry, service)
        parts = paper_parts(to_paper(make_receipt(service.reader, written.exchange.id, short=True)))
        return written, len(parts), codes.draw_each(parts) if len(parts) <= MAX_CODES_ON_SHEET else []

    found, count, drawn = await ask_aside(request, look)
    return await page(
        request,
        "print_receipt.html",
        written=found,
        count=count,
        codes=[b64encode(each).decode() for each in drawn],
        now=clock.now(),
    )


@ROUTES.get("/exchanges/{id:[0-9a-f]{64}}/receipt")
async def receipt_file(request: web.Request) -> web.Response:
    """The receipt as a file."""
    entry = _entry_of(request)

    def look(service: Service) -> tuple[EntryId, bytes]:
        exchange = service.reader.exchange_of(entry)
        return exchange, make_receipt(service.reader, exchange)

    exchange, data = await ask_aside(request, look)
    return download(data, "application/octet-stream", f"{wording.short(exchange)}.recibo")


def download(data: bytes, content_type: str, name: str) -> web.Response:
    """A file that a browser keeps rather than shows; `name` is plain ASCII."""
    return web.Response(
        body=data,
        content_type=content_type,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
