"""Two communes from first run to a receipt, at two nodes, in a browser; what comes, comes by itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from .conftest import Open, Running, Secretary
from .furnishing import payloads, photos_of
from .people import Person

if TYPE_CHECKING:
    from playwright.sync_api import Page


@pytest.fixture
def pair(
    places: Path, running: Running, open_page: Open, request: pytest.FixtureRequest
) -> tuple[Person, Person]:
    """People at two linked nodes, each with a commune; parameter: whether there is script, and only keys."""
    script, keys = getattr(request, "param", (True, False))
    montes = running(places / "montes")
    valle = running(places / "valle", "--peer", f"127.0.0.1:{montes.told['peer_port']}")
    found = []
    for node, name in ((montes, "Los Montes"), (valle, "El Valle")):
        page = open_page(node, java_script_enabled=script, accept_downloads=True)
        found.append(Person(page, script, keys))
        found[-1].found(name)
    return found[0], found[1]


@pytest.mark.parametrize(
    "pair",
    [(True, False), (False, False), (True, True)],
    indirect=True,
    ids=["with script", "without script", "by keyboard alone"],
)
def test_from_first_run_to_a_receipt(pair: tuple[Person, Person]) -> None:
    montes, valle = pair
    for person, name in ((montes, "El Valle"), (valle, "Los Montes")):
        person.press("nav a", "Neighbours")
        person.appears(name)
        person.press("button", "The words are the same: recognise it")
        person.press_sign()
        person.page.get_by_role("heading", name="Recognised").wait_for()

    # An offer of one appears on the open board of the other.
    valle.press("nav a", "Board")
    montes.press("nav a", "Board")
    montes.press("a", "Offer something")
    montes.fill("#title", "Yellow maize")
    montes.fill("#number", "120,5")
    montes.choose("#unit", "kilograms")
    montes.sign()
    valle.appears("Yellow maize")
    valle.press("a", "Yellow maize")
    valle.press("a", "Propose an exchange")
    valle.fill("#give_title_1", "Nails")
    valle.fill("#give_number_1", "3")
    valle.choose("#give_unit_1", "kilograms")
    valle.fill("#take_number_1", "100")
    montes.press("nav a", "Exchanges")
    valle.sign()

    # A counter-offer and its acceptance.
    montes.appears("Waiting for your commune")
    montes.press("a", "El Valle")
    montes.press("a", "Make a counter-offer")
    montes.fill("#take_number_1", "4")
    valle.press("nav a", "Exchanges")
    montes.sign()
    valle.appears("Waiting for your commune")
    valle.press(".exchange:first-of-type a", "Los Montes")
    valle.appears("Nails\u00bb, 4 kg")
    valle.press("summary", "Accept")
    valle.sign()
    valle.appears("agreed")

    # A delivery in part, seen by the other side, and what is owed.
    montes.news("Record a delivery")
    montes.press("summary", "Record a delivery")
    montes.fill("details[open] [name=number]", "60")
    montes.sign()
    valle.appears("given 60 kg")
    valle.news("Record what was received")
    valle.press("summary", "Record what was received")
    valle.fill("details[open] [name=number]", "60")
    valle.sign()
    montes.appears("received 60 kg")
    valle.press("nav a", "Accounts")
    assert "40 kg" in valle.page.locator("tr", has_text="It is owed").inner_text()

    # The statement of who received it, and a receipt that proves it to the other.
    valle.press("a", "Statement for a period")
    row = valle.page.locator("tr", has_text="Yellow maize").inner_text()
    assert "60 kg" in row
    with montes.page.expect_download() as kept:
        montes.press("a", "Receipt as a file")
    exchange = urlsplit(montes.page.url).path.rpartition("/")[2]
    for files in ([kept.value.path().read_bytes()], photos_of(montes.page, exchange)):
        valle.page.goto("/history")
        valle.press("a", "Check a receipt")
        valle.page.locator("#files").set_input_files(payloads(files))
        valle.press("button", "Check it")
        valle.appears("The receipt is genuine")
        assert "given 60 kg, received 60 kg" in valle.page.inner_text("main")


def test_a_form_is_sent_once_by_a_double_click(places: Path, running: Running, open_page: Open) -> None:
    page = open_page(running(places / "montes"))
    Person(page).found("Los Montes")
    page.goto("/listings/new")
    page.get_by_label("What is it?").fill("Maize")
    page.get_by_role("button", name="Look at it once more").click()
    page.get_by_role("button", name="Sign it").dblclick()
    page.get_by_role("heading", name="Maize").wait_for()
    page.goto("/")
    assert page.locator("#listings article").count() == 1
    page.go_back()
    page.go_back()
    if page.get_by_role("button", name="Sign it").count():
        page.get_by_role("button", name="Sign it").click()
        page.get_by_role("heading", name="Maize").wait_for()
    page.goto("/")
    assert page.locator("#listings article").count() == 1


def test_many_windows_are_open_at_once(montes: Secretary, running: Running, open_page: Open) -> None:
    """A browser opens six connections to a node: a window that nobody looks at must not keep one."""
    node = running(montes.home)
    windows = [open_page(node)]
    for _ in range(8):
        turn(windows[-1], away=True)
        windows.append(windows[0].context.new_page())
        windows[-1].goto("/", timeout=15_000)
    assert windows[-1].locator("#listings").count() == 1
    for window in windows[1:]:
        turn(window, away=True)
    assert node.api("/api/1/listings", {"kind": "offer", "title": "Maize"}).status == 201
    turn(windows[0], away=False)
    windows[0].get_by_role("heading", name="Maize").wait_for()
    assert node.api("/api/1/listings", {"kind": "offer", "title": "Honey"}).status == 201
    windows[0].get_by_role("heading", name="Honey").wait_for()


def turn(window: Page, *, away: bool) -> None:
    """Look at a window, or at another one; driven from outside, the browser takes all for seen."""
    window.evaluate(
        "away => { Object.defineProperty(document, 'hidden', {get: () => away, configurable: true});"
        " document.dispatchEvent(new Event('visibilitychange')); }",
        away,
    )


def test_search_finds_while_somebody_types(places: Path, running: Running, open_page: Open) -> None:
    page = open_page(running(places / "montes"))
    Person(page).found("Los Montes")
    for title in ("Ma\u00edz amarillo", "Clavos"):
        page.goto("/listings/new")
        page.get_by_label("What is it?").fill(title)
        Person(page).sign()
    page.goto("/")
    page.get_by_role("searchbox").press_sequentially("maiz")
    page.locator("#listings article").nth(1).wait_for(state="detached")
    assert "Ma\u00edz" in page.locator("#listings article").inner_text()
    assert "q=maiz" in page.url


def test_what_is_open_stays_open_when_neighbours_are_shown_anew(
    montes: Secretary, valle: Secretary, running: Running, open_page: Open
) -> None:
    """The list comes anew every few seconds: not below the finger of somebody who reads what it asks."""
    valle.tell(montes)
    montes.run("recognise", "El Valle")
    page = open_page(running(montes.home))
    page.goto("/neighbours")
    page.get_by_text("Take the recognition back").click()
    page.get_by_role("button", name="Look at it once more").focus()
    page.evaluate("document.getElementById('neighbours').dataset.old = 'yes'")
    page.locator("#neighbours:not([data-old])").wait_for()
    assert page.evaluate("document.activeElement.textContent") == "Look at it once more"
    page.get_by_role("button", name="Look at it once more").click()
    page.get_by_role("button", name="Sign it").wait_for()


def test_a_surplus_is_posted_with_three_taps_and_one_field(
    places: Path, running: Running, open_page: Open
) -> None:
    """From the board, on a phone; all else may be left as it is, and half a minute is enough."""
    page = open_page(running(places / "montes"), has_touch=True)
    Person(page).found("Los Montes")
    page.get_by_role("link", name="Offer something").tap()
    needed = page.locator("main [required]")
    needed.first.wait_for()
    assert needed.count() == 1
    needed.fill("Yellow maize, two sacks")
    page.get_by_role("button", name="Look at it once more").tap()
    page.get_by_role("button", name="Sign it").tap()
    page.get_by_role("heading", name="Yellow maize").wait_for()
