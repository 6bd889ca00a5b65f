"""One neighbour's page: a name of one's own for it, and that nobody is taken for another by it."""

from __future__ import annotations

from node.keys import fingerprint_words

from ..conftest import Found, Secretary
from .conftest import Visiting
from .test_papers import HOSTILE


def test_a_name_is_given_shown_everywhere_and_removed(
    montes: Secretary, valle: Secretary, visit: Visiting
) -> None:
    words = fingerprint_words(bytes.fromhex(valle.commune), "en")
    offer = valle.sign("offer", "Nails")
    proposal = valle.sign("propose", "--to", "Los Montes", "--give", "nails;3;kg", "--yes")
    valle.tell(montes)
    browser = visit(montes)
    browser.open("/neighbours")
    browser.follow("El Valle")
    assert words in browser.page.text
    browser.send("Keep it", called="Los de arriba")
    assert browser.page.form("Keep it").fields["called"] == "Los de arriba"
    for address in ("/", f"/listings/{offer}", "/exchanges", f"/exchanges/{proposal}", "/history"):
        assert "Los de arriba" in browser.open(address).text, address
    for address in (f"/listings/{offer}", f"/exchanges/{proposal}", "/neighbours"):
        page = browser.open(address)
        assert words in page.text, address
        assert "It calls itself El Valle." in page.text, address
    assert "Los de arriba (El Valle)" in browser.open("/print").text
    note = browser.open(f"/exchanges/{proposal}/print/delivery-1").text
    assert "El Valle" in note
    assert "arriba" not in note, "what both sides get has the names that count"
    browser.open(f"/exchanges/new?with={valle.commune}")
    assert "Los de arriba (El Valle)" in browser.page.text
    browser.send("Look at it once more", to=valle.commune, give_title_1="Maize")
    assert words in browser.page.text
    browser.open(f"/neighbours/{valle.commune}")
    browser.send("Keep it", called="")
    assert "arriba" not in browser.open("/").text


def test_a_name_that_another_has_is_asked_about_once_more(
    montes: Secretary, valle: Secretary, found: Found, visit: Visiting
) -> None:
    cerro = found("El Cerro")
    cerro.tell(montes)
    browser = visit(montes)
    browser.open(f"/neighbours/{valle.commune}")
    browser.send("Keep it", called="EL CERR0")
    assert browser.page.status == 422
    assert "choose another" in browser.page.text
    assert montes.json("name", valle.commune)["called"] is None
    browser.send("Call it so all the same")
    assert montes.json("name", valle.commune)["called"] == "EL CERR0"
    assert fingerprint_words(bytes.fromhex(cerro.commune), "en") in browser.page.text
    assert browser.open("/neighbours").text.count("has a name that looks the same") == 2
    browser.open(f"/neighbours/{cerro.commune}")
    browser.send("Keep it", called="el cerro")
    assert "is what you call El Valle already" in browser.page.text


def test_hostile_names_are_refused_or_do_nothing(
    montes: Secretary, valle: Secretary, visit: Visiting
) -> None:
    browser = visit(montes)
    for name in ("x" * 61, "a\u202eb", "\x00"):
        browser.open(f"/neighbours/{valle.commune}")
        form = browser.page.form("Keep it")
        browser.post(form.action, {**form.fields, "called": name})
        assert browser.page.status == 422
    hostile = HOSTILE[:60]
    browser.open(f"/neighbours/{valle.commune}")
    browser.send("Keep it", called=hostile)
    assert hostile in browser.open("/neighbours").text
    assert hostile in browser.open(f"/neighbours/{valle.commune}").text
    browser.post(f"/neighbours/{valle.commune}/name", {"called": "Vecinos"})
    assert "from before the node was started" in browser.page.text
    assert browser.open(f"/neighbours/{'00' * 32}").status == 404
    browser.open(f"/neighbours/{montes.commune}")
    assert not any("called" in form.fields for form in browser.page.forms)
