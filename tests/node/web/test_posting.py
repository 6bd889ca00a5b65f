"""Posting: what is typed becomes a listing, or comes back with what is wrong with it; it is signed once."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest

from ...support.browser import Browser, path_of
from ...support.nodes import START, NodeProcess
from ..conftest import Secretary
from ..test_pictures import taken
from .conftest import Visiting

LATER = (date.today() + timedelta(days=40)).isoformat()


def entries(secretary: Secretary) -> int:
    return len(secretary.json("log"))


def confirmed(browser: Browser, **values: str) -> dict[str, str]:
    """Fill the form of an offer, and return the fields of the page that is looked at for the last time."""
    browser.open("/listings/new")
    browser.send("Look at it once more", **values)
    return dict(browser.page.form("Sign it").fields)


def test_everything_that_was_typed_is_posted(montes: Secretary, visit: Visiting) -> None:
    browser = visit(montes)
    browser.open("/listings/new?kind=need")
    browser.send(
        "Look at it once more",
        title="  Cami\u0301n de carga ",
        category="transport-goods",
        number="1,5",
        unit="hour",
        until=LATER,
        wants="maize\r\nbeans",
        place="Turmero",
        council="Los Pinos",
        note="Twice a week",
        by="secretary",
    )
    browser.send("Sign it")
    (row,) = montes.json("listings")
    assert row["id"] in browser.page.address
    expected = {
        "kind": "need",
        "title": "Camín de carga",
        "category": "transport-goods",
        "quantity": "1.5",
        "unit": "hour",
        "until": LATER,
        "wants": "maize\nbeans",
        "place": "Turmero",
        "council": "Los Pinos",
        "note": "Twice a week",
        "by": "secretary",
    }
    assert {name: row[name] for name in expected} == expected


WRONG: list[tuple[dict[str, str], str]] = [
    ({"title": ""}, "This is needed: fill it in."),
    ({"title": "x" * 121}, "This has 121 characters; 120 are allowed: shorten it."),
    ({"title": "two\nlines"}, "A title is one line and not empty"),
    ({"title": "\u202egnp"}, "bidirectional"),
    ({"title": "Maize", "number": "ten", "unit": "kg"}, "'ten' is not a quantity"),
    ({"title": "Maize", "number": "10"}, "A quantity needs a unit: choose one."),
    ({"title": "Maize", "number": "0", "unit": "kg"}, "A quantity is more than zero"),
    ({"title": "Maize", "until": "2026-01-01"}, "2026-01-01 is over already"),
    ({"title": "Maize", "until": "soon"}, "'soon' is not a date"),
    ({"title": "Maize", "category": "gold"}, "There is no category 'gold'"),
    ({"title": "Maize", "note": "x" * 2_001}, "This has 2001 characters; 2000 are allowed"),
]


def test_what_cannot_be_posted_is_said_and_what_was_typed_is_kept(montes: Secretary, visit: Visiting) -> None:
    browser = visit(montes)
    for values, said in WRONG:
        browser.open("/listings/new")
        fields = {**browser.page.form("Look at it once more").fields, **values, "wants": "<b>nails</b>"}
        browser.post("/listings/new", fields)
        assert browser.page.status == 422
        assert said in browser.page.text
        kept = browser.page.form("Look at it once more").fields
        assert kept["wants"] == "<b>nails</b>"
        assert all(kept[name].strip() == text.strip() for name, text in values.items() if name != "category")
    assert entries(montes) == 1


def test_a_form_counts_once_however_often_it_is_sent(montes: Secretary, visit: Visiting) -> None:
    browser = visit(montes)
    fields = confirmed(browser, title="Maize", category="food-grain")
    first = browser.post("/sign", fields).address
    assert browser.post("/sign", fields).address == first
    assert entries(montes) == 2


def test_the_same_once_more_is_pointed_out(montes: Secretary, visit: Visiting) -> None:
    browser = visit(montes)
    browser.post("/sign", confirmed(browser, title="Maize"))
    confirmed(browser, title="Maize")
    assert "The same has just been recorded" in browser.page.text
    confirmed(browser, title="Beans")
    assert "The same has just been recorded" not in browser.page.text


def test_the_same_from_two_windows_is_recorded_once(montes: Secretary, visit: Visiting) -> None:
    one = visit(montes)
    two = Browser(one.port)
    confirmed(one, title="Maize")
    confirmed(two, title="Maize")
    one.send("Sign it")
    two.send("Sign it")
    assert two.page.status == 409
    assert "The same was recorded while you looked" in two.page.text
    assert entries(montes) == 2
    two.send("Sign it")
    assert two.page.status == 200
    assert entries(montes) == 3, "they meant it"


def test_nothing_is_signed_for_another_browser_or_without_its_token(
    montes: Secretary, visit: Visiting
) -> None:
    browser = visit(montes)
    fields = confirmed(browser, title="Maize")
    other = Browser(browser.port)
    other.open("/")
    for each, given in (
        (other, fields),
        (browser, {**fields, "token": ""}),
        (browser, {**fields, "token": "x.y"}),
    ):
        each.post("/sign", given)
        assert each.page.status == 409
        assert "look at it once more, then send it again" in each.page.text
    assert entries(montes) == 1
    # What is shown instead can be signed.
    browser.send("Sign it")
    assert path_of(browser.page).startswith("/listings/")


FORGED: list[dict[str, str]] = [
    {"payload": ""},
    {"payload": "zz"},
    {"payload": "c0"},
    {"about": "zz"},
    {"about": "00" * 32},
    {"back": "//evil.example"},
    {"back": "javascript:alert(1)"},
]


def test_a_form_that_this_page_cannot_have_made_signs_nothing(montes: Secretary, visit: Visiting) -> None:
    browser = visit(montes)
    for change in FORGED:
        fields = confirmed(browser, title="Maize")
        browser.post("/sign", {**fields, **change})
        assert browser.page.status in (400, 404, 409)
    head = b'Content-Disposition: form-data; name="a"\r\nContent-Transfer-Encoding: odd'
    part = b"--e\r\n" + head + b"\r\n\r\na\r\n--e--\r\n"
    assert browser._go("POST", "/sign", part, "multipart/form-data; boundary=e").status == 400
    assert entries(montes) == 1


def test_change_it_leads_back_to_the_form_as_it_was(montes: Secretary, visit: Visiting) -> None:
    browser = visit(montes)
    confirmed(browser, title="Maize", note="first\nsecond", number="3", unit="kg")
    browser.send("Change it")
    fields = browser.page.form("Look at it once more").fields
    assert (fields["title"], fields["note"], fields["number"], fields["unit"]) == (
        "Maize",
        "first\nsecond",
        "3",
        "kg",
    )


def test_renewing_takes_the_place_of_a_listing(montes: Secretary, visit: Visiting) -> None:
    old = montes.sign(
        "offer", "Maize", "--category", "food-grain", "--quantity", "12", "--unit", "kg", "--yes"
    )
    browser = visit(montes)
    browser.open(f"/listings/{old}")
    browser.follow("Renew or change")
    browser.send("Look at it once more", number="9")
    browser.send("Sign it")
    (row,) = montes.json("listings")
    assert (row["replaces"], row["quantity"], row["category"]) == (old, "9", "food-grain")
    assert "It is replaced." in browser.open(f"/listings/{old}").text
    browser.open(f"/listings/{row['id']}")
    browser.follow("Take it back")
    browser.send("Look at it once more", reason="sold out")
    browser.send("Sign it")
    assert "It is withdrawn." in browser.page.text
    # A page from before, as in another tab, leads to a sentence and not to a second withdrawal.
    browser.open(f"/listings/{row['id']}/withdraw")
    browser.send("Look at it once more")
    assert browser.page.status == 409
    assert "has been withdrawn already" in browser.page.text


def test_a_photo_is_kept_small_and_shown(montes: Secretary, visit: Visiting) -> None:
    browser = visit(montes)
    browser.open("/listings/new")
    browser.send("Look at it once more", {"photos": taken()}, title="Red and blue paint")
    assert browser.page.attributes("img")[-1]["src"].startswith("/photos/")
    browser.send("Change it")
    assert browser.page.form("Look at it once more").fields["images"]
    browser.send("Look at it once more", title="Paint")
    browser.send("Sign it")
    source = browser.page.attributes("img")[-1]["src"]
    assert re.fullmatch(r"/photos/[0-9a-f]{64}\?listing=[0-9a-f]{64}", source)
    assert montes.json("listings")[0]["title"] == "Paint"
    browser.open(f"{path_of(browser.page)}/renew")
    browser.send("Look at it once more", no_photos="1")
    assert len(browser.page.attributes("img")) == 1, "the mark of the page alone"


def test_what_is_no_photo_is_refused_at_its_field(montes: Secretary, visit: Visiting) -> None:
    browser = visit(montes)
    browser.open("/listings/new")
    browser.send("Look at it once more", {"photos": b"<svg onload=alert(1)>"}, title="Paint")
    assert browser.page.status == 422
    assert "This is no picture that can be read" in browser.page.text
    assert browser.page.form("Look at it once more").fields["title"] == "Paint"


NO_ROOM = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000)); "
NO_PATIENCE = "from node.web import posting; posting.MAX_PHOTO_BYTES = 2_000_000; "


@pytest.mark.parametrize(
    ("before", "said"),
    [(NO_ROOM, "cannot be kept in"), (NO_PATIENCE, "choose something smaller")],
    ids=["no room", "too large"],
)
def test_a_photo_that_cannot_be_taken_costs_nobody_what_was_typed(
    montes: Secretary, before: str, said: str
) -> None:
    with NodeProcess(montes.home, start=before + START) as node:
        browser = Browser(node.told["people_port"])
        browser.open("/listings/new")
        photo = b"\xff\xd8\xff" + bytes(3_000_000)
        browser.send("Look at it once more", {"photos": photo}, title="Paint", note="Two tins")
        assert browser.page.status == 422
        assert said in browser.page.text
        assert browser.page.form("Look at it once more").fields["note"] == "Two tins"
        browser.send("Look at it once more")
        browser.send("Sign it")
        assert "Two tins" in browser.page.text
    assert entries(montes) == 2


def test_a_form_is_filled_in_the_language_of_the_page(montes: Secretary, visit: Visiting) -> None:
    """Numbers too: in Spanish decimals stand after a comma, dates begin with their day."""
    maize = montes.sign("offer", "Maíz", "--quantity", "12.5", "--unit", "kg", "--until", "2090-01-31")
    browser = visit(montes)
    browser.language = "es"
    assert "31/01/2090" in browser.open(f"/listings/{maize}").text
    for address, field in (
        (f"/listings/{maize}/renew", "number"),
        (f"/exchanges/new?listing={maize}", "give_number_1"),
    ):
        assert browser.open(address).form("Revisarlo antes de firmar").fields[field] == "12,5"
