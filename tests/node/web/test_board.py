"""The board: what is found by which choice."""

from __future__ import annotations

from ..conftest import Secretary
from .conftest import Visiting


def test_the_board_is_chosen_from_by_place_and_by_date(
    montes: Secretary, valle: Secretary, visit: Visiting
) -> None:
    valle.sign("profile", "--name", "El Valle", "--place", "Quíbor")
    shed = valle.sign("offer", "Clavos", "--place", "El Galpón", "--until", "2035-06-30")
    yuca = montes.sign("need", "Yuca", "--place", "Boconó")
    valle.tell(montes)
    browser = visit(montes)

    def shown() -> set[str]:
        return {entry for entry in (shed, yuca) if f'href="/listings/{entry}"' in browser.page.html}

    browser.open("/")
    assert shown() == {shed, yuca}
    browser.send("Search", place="galpon")
    assert shown() == {shed}
    browser.send("Search", place="quibor", until="2035-06-30", since="2020-01-31")
    assert shown() == {shed}
    assert browser.page.form("Search").fields["until"] == "2035-06-30"
    browser.follow("Print these for a wall")
    assert "Clavos" in browser.page.text
    assert "Yuca" not in browser.page.text
    browser.follow("← Back")
    browser.send("Search", place="", until="2035-07-01")
    assert shown() == {yuca}
    browser.send("Search", until="", since="2099-01-31")
    assert shown() == set()
    assert "Nothing like that is on the board." in browser.page.text


def test_a_date_that_is_none_is_told_at_its_field_and_chooses_nothing(
    montes: Secretary, visit: Visiting
) -> None:
    montes.sign("need", "Yuca")
    browser = visit(montes)
    for typed in ("ayer", "2030-02-30", "<b>", "9" * 400):
        browser.open("/")
        browser.send("Search", since=typed, until=typed)
        assert browser.page.status == 200
        assert browser.page.text.count("is not a date") == 2
        assert browser.page.form("Search").fields["since"] == typed
        assert "Yuca" in browser.page.text
    assert browser.open("/?since=0001-01-01&place=%25%00%27").status == 200
    assert "too far away" in browser.page.text
    assert browser.open("/print?since=ayer&place=_").status == 200


def test_the_first_steps_leave_out_what_was_done(
    montes: Secretary, valle: Secretary, visit: Visiting
) -> None:
    valle.tell(montes)
    browser = visit(montes)
    told = "Recognise the communes that you exchange with"
    assert told in browser.open("/").text
    montes.sign("recognise", "El Valle")
    assert told not in browser.open("/").text
    assert "Post what it lacks." in browser.page.text
    montes.sign("need", "Yuca")
    assert "First steps" not in browser.open("/").text
