"""The board on paper: what was chosen hangs there, in large letters, and nothing else happens."""

from __future__ import annotations

from node import clock

from ..conftest import Secretary
from .conftest import Visiting
from .test_papers import HOSTILE, check_paper


def test_the_board_is_printed_with_its_choice(montes: Secretary, valle: Secretary, visit: Visiting) -> None:
    valle.sign("profile", "--name", "El Valle", "--place", "Altagracia", "--contact", "Casa comunal")
    valle.sign("offer", "Clavos de 3 pulgadas", "--quantity", "30", "--unit", "kg", "--wants", "maíz")
    valle.sign("need", "Maíz", "--category", "food-grain")
    valle.tell(montes)
    browser = visit(montes)
    browser.open("/")
    browser.follow("Print these for a wall")
    check_paper(browser)
    text = browser.page.text
    assert f"Exchange between communes Los Montes{clock.today()}" in text
    assert text.index("There is") < text.index("Clavos de 3 pulgadas") < text.index("Is needed")
    assert "30 kg" in text
    assert "Welcome in return: maíz" in text
    assert "El Valle, Altagracia: Casa comunal" in text
    browser.open("/?kind=need&q=ma%C3%ADz")
    browser.follow("Print these for a wall")
    assert "Clavos" not in browser.page.text
    browser.follow("← Back")
    assert browser.page.address.endswith("/?q=ma%C3%ADz&kind=need")
    assert "Nothing like that" in browser.open("/print?q=zapatos").text
    assert browser.open("/print?commune=nadie").status == 404
    assert browser.open("/print?category=%3Cb%3E&kind=x").status == 200


def test_the_text_of_others_hangs_there_and_does_nothing(
    montes: Secretary, valle: Secretary, visit: Visiting
) -> None:
    valle.sign("profile", "--name", "Valle <b>bajo</b>", "--place", HOSTILE, "--contact", HOSTILE)
    valle.sign("offer", HOSTILE, "--wants", HOSTILE, "--place", HOSTILE)
    valle.tell(montes)
    browser = visit(montes)
    browser.open('/print?q=script&"><b>')
    check_paper(browser)
    assert HOSTILE in browser.page.text
    assert not browser.page.attributes("b")
