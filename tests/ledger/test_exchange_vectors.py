"""The committed vectors of exchanges, and the page that specifies them: both say what the code does."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.exchange import State
from ledger.history import History
from ledger.log import LogKey, entry_id
from ledger.moves import REASONS
from tests.support import exchange_page
from tests.support.exchange_vectors import described, exchange_vectors, folded_from
from tests.support.vectors import assert_page_is_from_vectors, assert_regenerates, load

VECTORS = load("exchange")


def test_the_vectors_come_out_the_same_byte_for_byte() -> None:
    assert_regenerates("exchange", exchange_vectors())


def test_the_example_can_be_read_from_its_entries_alone() -> None:
    example = VECTORS["example"]
    history = History(example["network"])
    for number, log in enumerate(example["logs"]):
        key = LogKey(bytes.fromhex(log["log"]))
        history.open_branch(number, key)
        for entry in log["entries"]:
            payload = bytes.fromhex(entry["payload"])
            assert entry_id(key, entry["index"], payload).hex() == entry["id"]
            history.read(number, bytes.fromhex(entry["id"]), payload)
    history.decide()
    (exchange,) = history.exchanges()
    assert exchange.id.hex() == example["id"]
    assert described(exchange) == example["exchange"]


@pytest.mark.parametrize("story", VECTORS["stories"], ids=lambda story: story["name"].replace(" ", "-"))
def test_a_story_folds_to_what_the_vectors_say(story: dict[str, Any]) -> None:
    assert described(folded_from(story)) == story["exchange"]


def test_the_stories_show_what_is_easy_to_get_wrong() -> None:
    states = {story["exchange"]["state"] for story in VECTORS["stories"]}
    codes = {item["code"] for story in VECTORS["stories"] for item in story["exchange"]["refused"]}
    assert states == set(State)
    assert REASONS.keys() - codes == {"too-many"}


def test_the_page_shows_the_code_as_it_is() -> None:
    """Written anew by `python -m tests.support.exchange_page`."""
    page = exchange_page.page_path().read_text(encoding="utf-8")
    assert page == exchange_page.renewed(page)
    assert exchange_page.sections_of(page) == list(exchange_page.SECTIONS)


def test_every_number_on_the_page_is_in_the_vectors() -> None:
    assert assert_page_is_from_vectors("exchange") > 20


def test_every_code_that_the_page_uses_is_a_reason_and_every_reason_is_explained() -> None:
    page = exchange_page.page_path().read_text(encoding="utf-8")
    rules = page.replace("\n".join(exchange_page.reason_lines()), "")
    unexplained = {code for code in REASONS if f"`{code}`" not in rules}
    assert unexplained == {"stranger", "no-such-transfer", "unseen", "not-agreed"}
