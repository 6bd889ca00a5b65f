"""Listings as they are chosen: by what was asked, by words in them, and by where they are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import NotFound
from ledger.log import EntryId
from ledger.records import Need, Offer, Profile, Withdraw
from ledger.store.listings import ListingRow
from tests.support.communes import Writer, found

from .conftest import Told


def test_listings_are_chosen_by_what_was_asked(told: Told) -> None:
    montes, valle = told.montes, told.valle
    maize = montes.say(Offer, title="maíz blanco", category="food", at=1_000)
    nails = montes.say(Need, title="clavos", category="tools", until="2030-01-31", at=3_000)
    yuca = valle.say(Offer, title="yuca", category="food", at=2_000)
    gone = valle.say(Offer, title="ñame", category="food", at=4_000)
    valle.say(Withdraw, target=gone)
    other = valle.say(Offer, title="yuca dulce", category="food", replaces=yuca, at=5_000)
    told.tell()
    ask = told.reader.listings

    def ids(rows: list[ListingRow]) -> list[EntryId]:
        return [row.id for row in rows]

    assert ids(ask()) == [other, nails, maize]
    assert ids(ask(ended=True)) == [other, gone, nails, yuca, maize]
    assert [row.ended for row in ask(ended=True)] == [None, "withdrawn", None, "replaced", None]
    assert ids(ask(commune=montes.commune)) == [nails, maize]
    assert ids(ask(kind="need")) == [nails]
    assert ids(ask(category="food")) == [other, maize]
    assert ids(ask(today="2030-01-31")) == [other, nails, maize]
    assert ids(ask(today="2030-02-01")) == [other, maize]
    assert ids(ask(limit=1, offset=1)) == [nails]
    assert ids(ask(since=3_000)) == [other, nails]
    assert ids(ask(since=3_001, ended=True)) == [other, gone]
    row = told.reader.listing(gone)
    assert (row.commune, row.ended, row.record.title) == (valle.commune, "withdrawn", "ñame")


@pytest.mark.parametrize(
    "search",
    [
        "maíz",
        "maiz",
        "MAÍZ",
        "mai",
        "blanco maíz",
        "maíz-blanco",
        "maíz_blanco",
        "mai\u0301z",
        '"maíz"',
        "maíz*",
    ],
)
def test_a_listing_is_found_with_and_without_accents_and_by_the_beginnings_of_words(
    told: Told, search: str
) -> None:
    entry = told.montes.say(Offer, title="maíz blanco", category="food")
    told.montes.say(Offer, title="yuca", category="food")
    told.tell()
    assert [row.id for row in told.reader.listings(search=search)] == [entry]


@pytest.mark.parametrize("search", ["", "  ", "¿?", "___", "trigo", "maíz yuca"])
def test_what_no_listing_says_finds_none(told: Told, search: str) -> None:
    told.montes.say(Offer, title="maíz blanco", category="food")
    told.montes.say(Offer, title="yuca", category="food")
    told.tell()
    assert told.reader.listings(search=search) == []


def test_a_listing_is_found_where_it_is_and_where_its_commune_is(told: Told) -> None:
    montes, valle = told.montes, told.valle
    shed = montes.say(Offer, title="maíz", category="food", place="Galpón de La Ñapa", at=3_000)
    anywhere = montes.say(Offer, title="café de Turmero", category="food", note="Quíbor", at=2_000)
    far = valle.say(Offer, title="yuca", category="food", place="Bocono Arriba", at=1_000)
    told.tell()

    def ids(place: str) -> list[EntryId]:
        return [row.id for row in told.reader.listings(place=place)]

    assert ids("galpon") == ids("LA ÑAPA") == ids("nap gal") == [shed]
    assert ids("Boconó") == [shed, anywhere, far]
    assert ids("galpón bocon") == [shed]
    assert ids("apa") == ids("Turmero") == ids("quibor") == ids("galpón arriba") == ids("¿?") == []
    valle.say(Profile, name="El Valle", place="Quíbor")
    montes.say(Profile, name="Los Montes")
    told.tell()
    assert ids("quibor") == ids("bocono") == [far]
    told.store.erase(valle.log, valle.size - 2, far, 1_000, "a threat")
    assert ids("bocono") == []


def test_no_search_fails(told: Told) -> None:
    told.montes.say(Offer, title="maíz blanco", category="food")
    told.tell()

    @given(st.text(max_size=12) | st.text("\"*()-+^:{}[]AND OR NOT NEAR _'\\", max_size=12))
    def search(text: str) -> None:
        told.reader.listings(search=text)
        told.reader.listings(place=text)

    search()


def test_a_listing_of_nobody_is_not_shown(told: Told) -> None:
    """Its log is not opened by a charter: it may become somebody's, and is nobody's now."""
    stranger = Writer("nobody", found("nobody").key, told.montes.commune, EntryId(b""), ())
    entry = stranger.say(Offer, title="maíz", category="food")
    told.store.ingest(stranger.run())
    assert told.reader.listings() == []
    with pytest.raises(NotFound):
        told.reader.listing(entry)
