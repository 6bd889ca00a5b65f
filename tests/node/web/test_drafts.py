"""Drafts: what was typed and not signed is there after a power cut, and gone once it is signed."""

from __future__ import annotations

from ...support.browser import Browser
from ...support.nodes import NodeProcess
from ..conftest import Secretary
from .conftest import Visiting


def test_what_was_typed_survives_a_power_cut_and_goes_when_it_is_signed(montes: Secretary) -> None:
    with NodeProcess(montes.home) as node:
        browser = Browser(node.told["people_port"])
        browser.open("/listings/new?kind=need")
        browser.send("Look at it once more", title="Rope", note="Forty metres")
        browser.open("/")
        assert "need: Rope" in browser.page.text
        node.kill()
    with NodeProcess(montes.home) as node:
        browser = Browser(node.told["people_port"])
        browser.open("/")
        browser.follow("need: Rope")
        assert browser.page.form("Look at it once more").fields["note"] == "Forty metres"
        browser.send("Look at it once more", number="40", unit="kg")
        browser.send("Sign it")
        assert "need: Rope" not in browser.open("/").text
    assert [row["title"] for row in montes.json("listings")] == ["Rope"]


def test_a_draft_can_be_thrown_away(montes: Secretary, visit: Visiting) -> None:
    browser = visit(montes)
    browser.open("/listings/new")
    browser.send("Look at it once more", title="Rope", number="many")
    assert browser.page.status == 422
    browser.open("/")
    address = next(address for text, address in browser.page.links if text == "offer: Rope")
    browser.send("throw away")
    assert "offer: Rope" not in browser.page.text
    assert browser.open(address).status == 404
    assert "is not there any more" in browser.page.text
