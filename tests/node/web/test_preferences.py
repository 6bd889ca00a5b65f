"""The page of settings: the profile, the language, and the text for those who help."""

from __future__ import annotations

import json

import pytest

from ...support.browser import path_of
from ..conftest import Secretary
from .conftest import Visiting


def test_a_profile_is_looked_at_once_more_and_then_stands_there(montes: Secretary, visit: Visiting) -> None:
    browser = visit(montes)
    browser.open("/settings")
    browser.follow("Change the profile")
    assert "public for ever" in browser.page.text
    page = browser.send("Look at it once more", place="Mérida", contact="Casa comunal\nde 8 a 12")
    assert "Publish this profile?" in page.text
    page = browser.send("Change it")
    assert page.form("Look at it once more").fields["contact"] == "Casa comunal\nde 8 a 12"
    browser.send("Look at it once more", about="<b>Café</b> & cacao")
    page = browser.send("Sign it")
    assert path_of(page) == "/settings"
    assert "<b>Café</b> & cacao" in page.text
    assert "<b>Café" not in page.html
    browser.open("/settings/profile")
    page = browser.send("Look at it once more")
    assert (page.status, "nothing to change" in page.text) == (422, True)
    (own,) = [row for row in montes.json("communes") if row["kind"] == "own"]
    assert own["place"] == "Mérida"


@pytest.mark.parametrize(
    ("field", "value"), [("name", ""), ("name", "x" * 500), ("about", "x" * 9_000), ("place", "a\x00b")]
)
def test_a_profile_that_cannot_be_is_told_at_the_field(
    montes: Secretary, visit: Visiting, field: str, value: str
) -> None:
    browser = visit(montes)
    browser.open("/settings/profile")
    page = browser.send("Look at it once more", **{field: value})
    assert page.status == 422
    assert page.form("Look at it once more").fields[field] == value
    assert len(montes.json("log")) == 1


def test_the_text_for_those_who_help_holds_no_secret_and_nobodys_name(
    montes: Secretary, visit: Visiting
) -> None:
    browser = visit(montes)
    browser.language = "es"
    browser.open("/settings")
    area = browser.page.html.partition('<textarea id="support"')[2].partition("</textarea>")[0]
    for expected in (
        "Trueque 0.",
        "Python 3.",
        "SQLite 3.",
        "aiohttp 3.",
        "signing: ready. This computer",
        "disk: ",
    ):
        assert expected in area
    token = json.loads((montes.home / "node.json").read_text())["token"]
    for secret in (token, (montes.home / "log.key").read_text().strip(), str(montes.home), "Los Montes"):
        assert secret not in area


def test_the_language_is_chosen_there_too(montes: Secretary, visit: Visiting) -> None:
    browser = visit(montes)
    browser.open("/settings")
    browser.send("Español")
    assert path_of(browser.page) == "/settings"
    assert browser.page.attributes("html") == [{"lang": "es"}]
