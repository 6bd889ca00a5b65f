"""Two communes from first run to a receipt, at two nodes, in a browser; what comes, comes by itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .conftest import Open, Running

if TYPE_CHECKING:
    from playwright.sync_api import Page


def found(page: Page, name: str) -> None:
    """Found a commune, as a new user does."""
    page.get_by_role("link", name="Begin").click()
    page.get_by_label("Name of the commune").fill(name)
    page.get_by_text("More: communal city").click()
    page.locator("#network").fill("ensayo")
    page.get_by_role("button", name="Go on").click()
    page.locator(".words li").nth(23).wait_for()
    words = page.locator(".words li").all_inner_texts()
    assert len(words) == 24
    page.get_by_role("link", name="They are on paper").click()
    page.locator("#words").fill(" ".join(words))
    page.get_by_role("button", name="Found the commune").click()
    page.wait_for_url(lambda url: not url.endswith("/welcome/check"))
    page.goto("/")  # past what is offered after it
    page.get_by_role("heading", name="First steps").wait_for()


def sign(page: Page) -> None:
    """Look at it once more, and sign it."""
    page.get_by_role("button", name="Look at it once more").locator("visible=true").first.click()
    page.get_by_role("button", name="Sign it").click()
    page.get_by_role("button", name="Sign it").wait_for(state="detached")


@pytest.fixture
def pair(
    places: Path, running: Running, open_page: Open, request: pytest.FixtureRequest
) -> tuple[Page, Page]:
    """Browsers at two linked nodes, each with a commune; parameter: whether there is script."""
    options = {"java_script_enabled": getattr(request, "param", True)}
    montes = running(places / "montes")
    valle = running(places / "valle", "--peer", f"127.0.0.1:{montes.told['peer_port']}")
    pages = open_page(montes, **options), open_page(valle, **options)
    for page, name in zip(pages, ("Los Montes", "El Valle"), strict=True):
        found(page, name)
    return pages


def appears(page: Page, text: str, has_script: bool) -> None:
    """Wait until a text is on the page: by itself, or by loading it again where there is no script."""
    if has_script:
        page.get_by_text(text).first.wait_for()
        return
    for _attempt in range(150):
        if page.get_by_text(text).count():
            return
        page.wait_for_timeout(100)
        page.reload()
    raise AssertionError(page.inner_text("main"))


@pytest.mark.parametrize("pair", [True, False], indirect=True, ids=["with script", "without script"])
def test_from_first_run_to_a_receipt(pair: tuple[Page, Page], request: pytest.FixtureRequest) -> None:
    montes, valle = pair
    has_script = bool(request.node.callspec.params["pair"])
    for page, name in ((montes, "El Valle"), (valle, "Los Montes")):
        page.goto("/neighbours")
        appears(page, name, has_script)
        page.get_by_role("button", name="The words are the same: recognise it").click()
        page.get_by_role("button", name="Sign it").click()
        page.get_by_role("heading", name="Recognised").wait_for()

    # An offer of one appears on the open board of the other.
    valle.goto("/")
    montes.goto("/")
    montes.get_by_role("link", name="Offer something").click()
    montes.get_by_label("What is it?").fill("Yellow maize")
    montes.locator("#category").select_option("food-grain")
    montes.locator("#number").fill("120,5")
    montes.locator("#unit").select_option("kg")
    sign(montes)
    appears(valle, "Yellow maize", has_script)
    valle.get_by_role("link", name="Yellow maize").click()
    valle.get_by_role("link", name="Propose an exchange").click()
    valle.locator("#take_number_1").fill("100")
    valle.locator("#give_title_1").fill("Nails")
    valle.locator("#give_number_1").fill("3")
    valle.locator("#give_unit_1").select_option("kg")
    montes.goto("/exchanges")
    sign(valle)

    # A counter-offer and its acceptance.
    appears(montes, "Waiting for your commune", has_script)
    montes.get_by_role("link", name="El Valle").click()
    montes.get_by_role("link", name="Make a counter-offer").click()
    montes.locator("#take_number_1").fill("4")
    valle.goto("/exchanges")
    sign(montes)
    appears(valle, "Waiting for your commune", has_script)
    valle.locator(".exchange", has_text="4 kg").get_by_role("link").first.click()
    valle.locator("summary", has_text="Accept").click()
    sign(valle)
    valle.get_by_text("agreed").first.wait_for()

    # A delivery in part, seen by the other side, and what is owed.
    appears(montes, "Record a delivery", has_script) if not has_script else montes.reload()
    montes.locator("summary", has_text="Record a delivery").click()
    montes.locator("details[open] [name=number]").fill("60")
    sign(montes)
    appears(valle, "given 60 kg", has_script)
    valle.reload()
    valle.locator("summary", has_text="Record what was received").click()
    valle.locator("details[open] [name=number]").fill("60")
    sign(valle)
    valle.goto("/accounts")
    assert "40 kg" in valle.locator("tr", has_text="It is owed").inner_text()
    appears(montes, "received 60 kg", has_script)


def test_a_form_is_sent_once_by_a_double_click(places: Path, running: Running, open_page: Open) -> None:
    page = open_page(running(places / "montes"))
    found(page, "Los Montes")
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


def test_search_finds_while_somebody_types(places: Path, running: Running, open_page: Open) -> None:
    page = open_page(running(places / "montes"))
    found(page, "Los Montes")
    for title in ("Ma\u00edz amarillo", "Clavos"):
        page.goto("/listings/new")
        page.get_by_label("What is it?").fill(title)
        sign(page)
    page.goto("/")
    page.get_by_role("searchbox").press_sequentially("maiz")
    page.locator("#listings article").nth(1).wait_for(state="detached")
    assert "Ma\u00edz" in page.locator("#listings article").inner_text()
    assert "q=maiz" in page.url


def test_the_whole_way_can_be_gone_by_keyboard(places: Path, running: Running, open_page: Open) -> None:
    page = open_page(running(places / "montes"))
    found(page, "Los Montes")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent.trim()") == "Offer something"
    page.keyboard.press("Enter")
    page.get_by_label("What is it?").wait_for()
    page.get_by_label("What is it?").focus()
    page.keyboard.type("Maize")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Sign it").wait_for()
    page.get_by_role("button", name="Sign it").focus()
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Maize").wait_for()
