"""Two communes from nothing to a fulfilled exchange, in browsers without script, over two real nodes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ...support.browser import Browser, Page, path_of
from ...support.nodes import NodeProcess

SECONDS = 20
"""seconds that something may take to come from one node to the other; it takes less than one."""


@pytest.fixture
def nodes(places: Path) -> Iterator[tuple[NodeProcess, NodeProcess]]:
    with NodeProcess(places / "montes") as montes:
        assert montes.started
        with NodeProcess(places / "valle", "--peer", f"127.0.0.1:{montes.told['peer_port']}") as valle:
            assert valle.started
            yield montes, valle


def founded(node: NodeProcess, name: str, language: str = "en") -> Browser:
    """Found a commune at a node, as a new user does."""
    browser = Browser(node.told["people_port"], language)
    browser.open("/")
    assert path_of(browser.page) == "/welcome"
    browser.follow("Begin")
    browser.send("Go on", name=name, place="Turmero", network="ensayo")
    words = browser.page.html.partition('<ol class="words">')[2].partition("</ol>")[0]
    typed = words.replace("</li>", " ").replace("<li>", " ")
    browser.follow("They are on paper")
    browser.send("Found the commune", words=typed.upper())
    browser.follow("Not now")
    assert path_of(browser.page) == "/"
    return browser


def until(browser: Browser, address: str, is_there: Callable[[Page], bool]) -> Page:
    """Load a page until something is on it."""
    ends = time.monotonic() + SECONDS
    while not is_there(browser.open(address)):
        assert time.monotonic() < ends, browser.page.text
        time.sleep(0.1)
    return browser.page


def test_from_first_run_to_a_fulfilled_exchange(nodes: tuple[NodeProcess, NodeProcess]) -> None:
    montes, valle = founded(nodes[0], "Los Montes"), founded(nodes[1], "El Valle")

    # Each recognises the other, after its words were compared.
    for browser, other in ((montes, "El Valle"), (valle, "Los Montes")):
        until(browser, "/neighbours", lambda page, other=other: other in page.text)  # type: ignore[misc]
        browser.send("The words are the same: recognise it")
        assert other in browser.page.text
        browser.send("Sign it")
        assert path_of(browser.page) == "/neighbours"

    # An offer of one is on the board of the other, and meets its need.
    montes.open("/")
    montes.follow("Offer something")
    montes.send(
        "Look at it once more",
        title="Yellow maize",
        category="food-grain",
        number="120,5",
        unit="kg",
        wants="nails",
    )
    assert "120.5 kg" in montes.page.text
    montes.send("Sign it")
    assert path_of(montes.page).startswith("/listings/")
    until(valle, "/?q=maize", lambda page: "Yellow maize" in page.text)
    valle.open("/listings/new?kind=need")
    valle.send("Look at it once more", title="Grain for hens", category="food-grain")
    valle.send("Sign it")
    assert "They offer it, and you need: Grain for hens" in valle.open("/").text

    # A proposal, a counter-offer, and its acceptance.
    valle.follow("Yellow maize")
    valle.follow("Propose an exchange")
    nails = {"give_title_1": "Nails", "give_number_1": "3", "give_unit_1": "kg"}
    valle.send("Look at it once more", take_number_1="100", **nails)
    assert "Los Montes → El Valle: «Yellow maize», 100 kg" in valle.page.text
    valle.send("Sign it")
    proposal = path_of(valle.page)
    until(montes, "/exchanges", lambda page: "Waiting for your commune" in page.text)
    montes.follow("El Valle")
    assert path_of(montes.page) == proposal
    montes.follow("Make a counter-offer")
    montes.send("Look at it once more", take_number_1="4")
    assert "«Nails», 4 kg" in montes.page.text
    montes.send("Sign it")
    counter = path_of(montes.page)
    until(valle, "/exchanges", lambda page: "Waiting for your commune" in page.text)
    valle.follow("Los Montes")
    assert path_of(valle.page) == counter
    valle.send("Look at it once more")  # the first step that it can take is to accept
    assert "Accept?" in valle.page.text
    assert "Los Montes: «Nails», 4 kg" in valle.page.text, "what is accepted is shown beside it"
    valle.send("Sign it")
    assert "agreed" in valle.page.text

    # A delivery in part is owed until the rest is received too.
    until(montes, counter, lambda page: "Record a delivery" in page.text)
    step(montes, f"{counter}/deliver", number="60")
    until(valle, counter, lambda page: "given 60 kg" in page.text)
    step(valle, f"{counter}/receive", number="60")
    assert "Your commune owes 4 kg" in valle.open("/accounts").text
    assert "It is owed 40 kg Maize" in valle.page.text
    until(montes, counter, lambda page: "received 60 kg" in page.text)
    step(montes, f"{counter}/deliver", number="")
    step(valle, f"{counter}/deliver", number="")
    until(valle, counter, lambda page: "given 100 kg" in page.text)
    step(valle, f"{counter}/receive", number="")
    until(montes, counter, lambda page: "given 4 kg" in page.text)
    step(montes, f"{counter}/receive", number="", condition="damaged")
    until(montes, counter, lambda page: "fulfilled" in page.text)
    until(valle, counter, lambda page: "fulfilled" in page.text)
    assert "Nothing stands open." in valle.open("/accounts").text


def step(browser: Browser, address: str, **values: str) -> None:
    """Take one step of an exchange by its form."""
    browser.open(address.rpartition("/")[0])
    form = next(form for form in browser.page.forms if form.action == address)
    assert set(values) <= set(form.fields) | set(form.choices)
    browser.post(form.action, {**form.fields, **values})
    browser.send("Sign it")
    assert browser.page.status == 200
