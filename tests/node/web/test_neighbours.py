"""Neighbours: how it stands with each, recognition after comparing words, and ledgers on a stick."""

from __future__ import annotations

import time

from node.keys import fingerprint_words

from ...support.browser import Browser, path_of
from ...support.nodes import NodeProcess
from ..conftest import Found, Secretary
from .conftest import Visiting


def until(browser: Browser, address: str, text: str) -> None:
    ends = time.monotonic() + 20
    while text not in browser.open(address).text:
        assert time.monotonic() < ends, browser.page.text
        time.sleep(0.1)


def test_a_neighbour_is_recognised_after_its_words_and_then_up_to_date(found: Found) -> None:
    montes, costa = found("Los Montes"), found("La Costa")
    costa.sign("offer", "Fish", "--yes")
    with NodeProcess(montes.home) as first:
        browser = Browser(first.told["people_port"])
        browser.open("/neighbours")
        assert "recognises no other one yet" in browser.page.text
        assert fingerprint_words(bytes.fromhex(montes.commune), "en") in browser.page.text
        with NodeProcess(costa.home, "--peer", f"127.0.0.1:{first.told['peer_port']}") as second:
            until(browser, "/neighbours", "La Costa")
            words = fingerprint_words(bytes.fromhex(costa.commune), "en")
            assert words in browser.page.text
            browser.send("The words are the same: recognise it")
            assert words in browser.page.text
            browser.send("Sign it")
            other = Browser(second.told["people_port"])
            until(other, "/neighbours", "Los Montes")
            other.send("The words are the same: recognise it")
            other.send("Sign it")
            until(browser, "/neighbours", "Linked, and up to date.")
            browser.follow("Its offers and needs")
            assert "Fish" in browser.page.text
            browser.open("/neighbours/diagnosis")
            assert "La Costa: linked, at 127.0.0.1" in browser.page.text
            assert "“ensayo”" in browser.page.text
        until(browser, "/neighbours", "No node of it has been seen here")
        browser.send("Look at it once more")
        assert "Take the recognition back?" in browser.page.text
        browser.send("Sign it")
        assert "Not recognised yet" in browser.page.text


def test_names_that_look_the_same_are_pointed_out(montes: Secretary, found: Found, visit: Visiting) -> None:
    for name, number in (("Los  M\u00f3ntes", 1), ("L0S MONTES", 2), ("El Cerro", 3)):
        other = found(name, folder=montes.home.parent / str(number)) if number < 3 else found(name)
        other.tell(montes)
    browser = visit(montes)
    browser.open("/neighbours")
    assert browser.page.text.count("has a name that looks the same") == 2


def test_a_ledger_travels_on_a_stick(montes: Secretary, valle: Secretary, visit: Visiting) -> None:
    valle.sign("offer", "Nails", "--yes")
    montes.sign("recognise", valle.commune, "--yes")
    browser = visit(montes)
    other = visit(valle)
    other.open("/bundles")
    other.send("Write the file")
    bundle = other.content
    assert other.headers["content-disposition"].startswith('attachment; filename="trueque-')
    browser.open("/bundles")
    browser.send("Take it in", {"bundle": b"no bundle"})
    until(browser, "/bundles", "Taken in last")
    assert "notice bad" in browser.page.html
    browser.send("Take it in", {"bundle": bundle})
    assert path_of(browser.page) == "/bundles"
    until(browser, "/bundles", "El Valle: 1 new entry.")
    assert "Nails" in browser.open("/").text
    # Only what they do not hold goes into the next one.
    other.open("/bundles")
    other.send("Write the file", {"since": bundle})
    assert len(other.content) < len(bundle)
    browser.open("/bundles")
    browser.send("Take it in")
    assert "Choose the file that others have written." in browser.page.text


def test_a_neighbour_is_added_by_its_address_and_removed(
    montes: Secretary, valle: Secretary, visit: Visiting
) -> None:
    browser = visit(montes)
    with NodeProcess(valle.home) as other:
        address = f"127.0.0.1:{other.told['peer_port']}"
        browser.open("/neighbours")
        assert "By address" not in browser.page.text
        page = browser.send("Add it", node="http://<b>valle</b>/")
        assert page.status == 422
        assert "is the address of a page" in page.text
        assert "http://<b>" not in page.html
        assert page.form("Add it").fields["node"] == "http://<b>valle</b>/"
        page = browser.send("Add it", node="  ")
        assert "is not an address of a node" in page.text
        page = browser.send("Add it", node=address)
        assert (page.status, path_of(page)) == (200, "/neighbours")
        until(browser, "/neighbours", "linked now")
        page = browser.send("Add it", node=address)
        assert (page.status, "there already" in page.text) == (422, True)
        browser.open("/neighbours")
        page = browser.send("Remove")
        assert "By address" not in page.text
        page = browser.post("/neighbours/addresses/remove", {"given": address, "token": "x"})
        assert page.status == 422
