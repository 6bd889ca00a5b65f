"""What is read of dealings: listings, what meets what, and exchanges.

Decides which of them are looked for aside, since what is asked for may stand far
down. The shapes are `shapes`'.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from aiohttp import web
from msgspec import UNSET, UnsetType

from ledger.exchange import State
from ledger.log import EntryId

from .. import clock
from ..matching import matches
from ..overview import Names, exchanges_chosen, listed, said_in
from ..petnames import find_commune
from ..receipts import make_receipt
from ..selection import Selection
from ..service import Service
from ..shapes import Page, exchanges, listings
from ..wishes import about
from .asking import Asked
from .endpoints import Endpoint, Media
from .parts import Name, Part, page_of, part_of

# Listings ---------------------------------------------------------------------------------------


class ListingsAsked(Part, frozen=True, kw_only=True):
    """Which listings."""

    kind: (
        Annotated[str, msgspec.Meta(pattern=r"\A(offer|need)\Z", description="`offer` or `need`")] | UnsetType
    ) = UNSET
    category: Annotated[str, about("code or name")] | UnsetType = UNSET
    commune: Name | UnsetType = UNSET
    search: Annotated[str, about("words, or beginnings of them, in title, note or place")] | UnsetType = UNSET
    place: Annotated[str, about("the same in where it or its commune is")] | UnsetType = UNSET
    since: Annotated[str, about("posted on this day or later, like 2030-01-31")] | UnsetType = UNSET
    until: Annotated[str, about("standing on this day still, like 2030-01-31")] | UnsetType = UNSET
    all: Annotated[bool, about("those withdrawn, replaced and expired too")] = False


async def list_listings(asked: Asked) -> Page[listings.Listing]:
    """Listings, the newest first."""
    query: ListingsAsked = asked.query
    today = clock.today()
    chosen = Selection(
        kind=query.kind or None,
        category=query.category or None,
        commune=query.commune or None,
        search=query.search or None,
        place=query.place or None,
        since=query.since or None,
        until=query.until or None,
        everything=query.all,
    )

    def look(service: Service) -> Page[listings.Listing]:
        reader, names = service.reader, Names(service.reader)
        rows = chosen.listings(reader, today)(limit=query.limit + 1, offset=query.offset)
        found = [listings.listing_of(listed(row, reader, today), names) for row in rows]
        return page_of(found, query.limit, query.offset)

    return await asked.ask_aside(look)


async def show_listing(asked: Asked) -> listings.Listing:
    """One listing."""
    entry = asked.id()

    def look(service: Service) -> listings.Listing:
        row = listed(service.reader.listing(entry), service.reader, clock.today())
        return listings.listing_of(row, Names(service.reader))

    return await asked.ask(look)


async def list_matches(asked: Asked) -> Page[listings.Match]:
    """Listings of others that meet own ones."""
    query: Part = asked.query
    today = clock.today()

    def look(service: Service) -> Page[listings.Match]:
        names = Names(service.reader)
        rows = part_of(matches(service.reader, service.commune, today), query.limit, query.offset)
        found = [listings.Match(row.own.id.hex(), listings.listing_of(row.theirs, names)) for row in rows]
        return page_of(found, query.limit, query.offset)

    return await asked.ask_aside(look)


async def list_categories(asked: Asked) -> list[listings.Code]:
    """All categories."""
    return list(listings.categories())


async def list_units(asked: Asked) -> list[listings.Code]:
    """All units."""
    return list(listings.units())


# Exchanges --------------------------------------------------------------------------------------


class ExchangesAsked(Part, frozen=True, kw_only=True):
    """Which exchanges."""

    state: Annotated[
        tuple[State, ...], msgspec.Meta(max_length=8, description="those in this state; may be repeated")
    ] = ()
    commune: Name | UnsetType = UNSET
    all: Annotated[bool, about("those between other communes too")] = False
    waiting: Annotated[bool, about("those alone that wait for this commune")] = False


async def list_exchanges(asked: Asked) -> Page[exchanges.Exchange]:
    """Exchanges, the newest first."""
    query: ExchangesAsked = asked.query

    def look(service: Service) -> Page[exchanges.Exchange]:
        reader = service.reader
        partner = find_commune(reader, query.commune) if query.commune else None
        own = None if query.all else service.commune
        if (partner is None or own is None) and not query.waiting:
            # The ledger itself passes over what is not asked for.
            rows = reader.exchanges(
                commune=own or partner, states=query.state, limit=query.limit + 1, offset=query.offset
            )
        else:
            fitting = exchanges_chosen(
                service, partner=partner, states=query.state, everything=query.all, waiting=query.waiting
            )
            rows = part_of(fitting, query.limit, query.offset)
        names, now = Names(reader), clock.now()
        found = [exchanges.exchange_of(row, service, now, names) for row in rows]
        return page_of(found, query.limit, query.offset)

    return await asked.ask_aside(look)


async def show_exchange(asked: Asked) -> exchanges.ExchangeInFull:
    """One exchange, with all that was said in it."""
    entry = asked.id()

    def look(service: Service) -> exchanges.ExchangeInFull:
        row = service.find_exchange(entry.hex())
        shown = exchanges.exchange_of(row, service, clock.now(), Names(service.reader))
        return exchanges.in_full(shown, said_in(row, service))

    return await asked.ask(look)


RECEIPT_TYPE: Final = "application/vnd.trueque.receipt"


async def give_receipt(asked: Asked) -> web.Response:
    """The receipt of an exchange."""
    entry = asked.id()

    def make(service: Service) -> bytes:
        return make_receipt(service.reader, EntryId(service.reader.exchange_of(entry)))

    return web.Response(body=await asked.ask_aside(make), content_type=RECEIPT_TYPE)


ENDPOINTS: Final = (
    Endpoint(
        "GET", "/api/1/listings", "listListings",
        "Offers and needs of all communes that are known here, the newest first.",
        list_listings, "[listings](json.md#listing)", Page[listings.Listing], query=ListingsAsked,
    ),
    Endpoint(
        "GET", "/api/1/listings/{id}", "showListing", "One offer or need.",
        show_listing, "[a listing](json.md#listing)", listings.Listing,
    ),
    Endpoint(
        "GET", "/api/1/matches", "listMatches",
        "Offers of others in a category that this commune needs, and needs of others in one that it offers, "
        "by its newest listings first; each once.",
        list_matches, "[matches](json.md#match)", Page[listings.Match], query=Part,
    ),
    Endpoint(
        "GET", "/api/1/categories", "listCategories",
        "The categories that there are, named in the language of `Accept-Language`.",
        list_categories, "an array of [codes](json.md#code)", tuple[listings.Code, ...],
    ),
    Endpoint(
        "GET", "/api/1/units", "listUnits", "The units that there are, likewise.",
        list_units, "an array of [codes](json.md#code)", tuple[listings.Code, ...],
    ),
    Endpoint(
        "GET", "/api/1/exchanges", "listExchanges",
        "Exchanges of this commune, the newest first.",
        list_exchanges, "[exchanges](json.md#exchange) without `moves`", Page[exchanges.Exchange],
        query=ExchangesAsked,
    ),
    Endpoint(
        "GET", "/api/1/exchanges/{id}", "showExchange",
        "One exchange, with all that was said in it; by its own id or that of anything said in it.",
        show_exchange, "[an exchange](json.md#exchange) with `moves`", exchanges.ExchangeInFull,
    ),
    Endpoint(
        "GET", "/api/1/exchanges/{id}/receipt", "giveReceipt",
        "The [receipt](../spec/receipt.md) of an exchange, which proves itself.",
        give_receipt, "the file", Media((RECEIPT_TYPE,)),
    ),
)  # fmt: skip
"""What is read of dealings."""
