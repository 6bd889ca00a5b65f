"""Statements: what came and went in a period, added up; and a file that no spreadsheet computes."""

from __future__ import annotations

import csv
import io

from node import clock
from node.web.statements import cell

from ...support.browser import Browser
from ...support.downloads import Download, downloaded
from ..conftest import Secretary
from .conftest import Visiting
from .test_papers import HOSTILE, trade


def rows_of(found: Download, delimiter: str) -> list[dict[str, str]]:
    """The rows of a file, by their headings."""
    text = found.body.decode()
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text[1:], newline=""), delimiter=delimiter))


def test_what_was_received_stands_in_it_with_what_is_still_open(
    montes: Secretary, valle: Secretary, visit: Visiting
) -> None:
    trade(montes, valle)
    browser = visit(montes)
    browser.open("/accounts")
    browser.follow("Statement for a period, to print or as a spreadsheet")
    text = browser.page.text
    assert f"From {clock.today()[:8]}01 to {clock.today()}" in text
    assert "Maíz (less than agreed)" in text
    assert text.count("90 kg") == 2, "as it passed, and in the sum"
    assert "Your commune owes10 kg" in text
    assert "It is owed3 kg" in text
    browser.send("Show it", since="2020-01-01", until="2020-12-31")
    assert "Nothing was received in this period." in browser.page.text
    assert "Your commune owes10 kg" in browser.page.text, "what is open is so now"


def test_both_sides_state_the_same(montes: Secretary, valle: Secretary, visit: Visiting) -> None:
    trade(montes, valle)
    given = rows_of(downloaded(visit(montes), "/accounts/statement/csv"), ",")
    taken = rows_of(downloaded(visit(valle), "/accounts/statement/csv"), ",")
    assert [(row["Came in"], row["Went out"], row["Unit"]) for row in given] == [("", "90", "kg")]
    assert [(row["Came in"], row["Went out"], row["Unit"]) for row in taken] == [("90", "", "kg")]
    assert given[0]["Its id"] == valle.commune
    assert given[0]["Day"] == taken[0]["Day"] == clock.today()
    assert given[0]["Exchange"] == taken[0]["Exchange"]


def test_the_sums_are_those_of_each_category_and_unit(
    montes: Secretary, valle: Secretary, visit: Visiting
) -> None:
    offer = montes.sign("offer", "Maíz", "--category", "food-grain", "--quantity", "200", "--unit", "kg")
    montes.tell(valle)
    exchange = valle.sign("propose", "--to", "Los Montes", "--listing", offer, "--give", "Un techo")
    valle.tell(montes)
    montes.sign("accept", exchange)
    montes.tell(valle)
    valle.sign("deliver", exchange)
    for part in ("60.5", "70"):
        valle.sign("receive", exchange, "--quantity", part)
    valle.tell(montes)
    montes.sign("receive", exchange)
    text = visit(montes).open("/accounts/statement").text
    assert "Maize" in text or "rain" in text
    assert "130.5 kg" in text
    assert "1 thing" in text


def test_a_file_in_spanish_has_semicolons_and_commas(
    montes: Secretary, valle: Secretary, visit: Visiting
) -> None:
    trade(montes, valle, "Café;100;kg")
    valle.tell(montes)
    browser = visit(montes)
    browser.language = "es"
    found = downloaded(browser, "/accounts/statement/csv")
    assert found.headers["content-type"] == "text/csv"
    assert found.name.endswith(".csv")
    (row,) = rows_of(found, ";")
    assert row["Qué"] == "Café"
    assert b"\r\n" in found.body


def test_a_cell_of_somebody_elses_text_is_never_a_formula(
    montes: Secretary, valle: Secretary, visit: Visiting
) -> None:
    bad = '=HYPERLINK("http://x")'
    valle.sign("profile", "--name", "@SUM(1)", "--place", "x")
    valle.tell(montes)
    exchange = montes.sign("propose", "--to", valle.commune, "--give", f"{bad};5;kg")
    montes.tell(valle)
    valle.sign("accept", exchange)
    valle.sign("receive", exchange)
    valle.tell(montes)
    (row,) = rows_of(downloaded(visit(montes), "/accounts/statement/csv"), ",")
    assert row["What"] == f"'{bad}"
    assert row["Commune"] == "'@SUM(1)"
    for text in ("=1", "+1", "-1", "@a", " =1", "\t=1", "\r\n-1", "\u200b=1"):
        assert cell(text)[0] not in "=+-@\t\r\n", text
    assert cell("uno\ndos") == "uno dos"
    assert cell("") == ""


def check_wrong(browser: Browser, address: str) -> None:
    page = browser.open(address)
    assert page.status == 422
    assert "is not a date" in page.text or "is too far away" in page.text
    assert not page.attributes("b")


def test_wrong_periods_are_told(montes: Secretary, visit: Visiting) -> None:
    browser = visit(montes)
    for query in (
        "since=ayer",
        "until=<b>x</b>",
        "since=0001-01-01",
        "until=9999-12-31&since=x",
        "since=" + "9" * 4_000,
    ):
        check_wrong(browser, f"/accounts/statement?{query}")
        assert downloaded(browser, f"/accounts/statement/csv?{query.replace('<b>x</b>', 'x')}").status == 200
    page = browser.open("/accounts/statement?since=2030-01-01&until=2020-01-01")
    assert "Nothing was received in this period." in page.text


def test_hostile_text_does_nothing_in_a_statement(
    montes: Secretary, valle: Secretary, visit: Visiting
) -> None:
    trade(montes, valle, f"{HOSTILE};100;kg", HOSTILE)
    page = visit(montes).open("/accounts/statement")
    assert HOSTILE in page.text
    assert not any("onerror" in given for _tag, given in page.tags)
