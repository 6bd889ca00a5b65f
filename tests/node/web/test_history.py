"""History and entries: a commune's records from the newest on, and each with what proves it."""

from __future__ import annotations

import json
import re

from ledger.records import Offer
from ledger.store.writing import Store
from node.web.history import SHOWN

from ...support.browser import Browser
from ...support.communes import Writer, succeed
from ...support.communes import found as found_writer
from ...support.copies import Copy
from ...support.downloads import downloaded
from ..conftest import Secretary
from .conftest import Visiting
from .test_papers import HOSTILE, trade


def held(secretary: Secretary, *writers: Writer) -> None:
    """Take the logs of others in."""
    with Store(secretary.home / "ledger.sqlite", "ensayo") as store:
        for writer in writers:
            store.ingest(writer.run())


def titles(browser: Browser) -> list[str]:
    return re.findall(r"«(.*?)»", browser.page.text)


def test_a_history_is_told_in_words_the_newest_first(
    montes: Secretary, valle: Secretary, visit: Visiting
) -> None:
    trade(montes, valle)
    browser = visit(montes)
    browser.open("/history")
    browser.follow("El Valle")
    text = browser.page.text.partition("Show them")[2]
    assert text.index("receipt of goods") < text.index("acceptance") < text.index("charter El Valle")
    assert "transfer 1, 90 kg, less than agreed" in text
    browser.follow("acceptance")
    assert "El Valle" in browser.page.text
    browser.follow("The exchange that it is about")
    assert "/exchanges/" in browser.page.address


def test_a_history_goes_on_page_by_page_through_all_logs(montes: Secretary, visit: Visiting) -> None:
    first = found_writer("La Sierra")
    for number in range(SHOWN + 5):
        first.say(Offer, category="other", title=f"Cosa {number}")
    second = succeed(first, "La Sierra: log 2")
    for number in range(SHOWN):
        second.say(Offer, category="other", title=f"Nueva {number}")
    held(montes, first, second)
    browser = visit(montes)
    browser.open(f"/history/{first.commune.hex()}")
    shown = titles(browser)
    while "Further back" in browser.page.text:
        browser.follow("Further back")
        shown += titles(browser)
    expected = [f"Nueva {number}" for number in reversed(range(SHOWN))]
    assert shown == expected + [f"Cosa {number}" for number in reversed(range(SHOWN + 5))]
    browser.follow("To the newest")
    assert titles(browser) == expected[:SHOWN]


def test_a_history_is_chosen_from_by_kind_and_time(montes: Secretary, visit: Visiting) -> None:
    writer = found_writer("La Sierra")
    day = 86_400_000
    for number in range(4):
        writer.say(Offer, category="other", title=f"Día {number}", at=1_000 * day + number * day + day // 2)
    writer.quote(b"\xff no record")
    held(montes, writer)
    browser = visit(montes)
    address = f"/history/{writer.commune.hex()}"
    browser.open(address)
    assert titles(browser) == ["Día 3", "Día 2", "Día 1", "Día 0"]
    assert "It is no record." in browser.page.text
    browser.send("Show them", since="1972-09-28", until="1972-09-29")
    assert titles(browser) == ["Día 2", "Día 1"]
    assert "It is no record." not in browser.page.text
    browser.send("Show them", kind="charter", since="", until="")
    assert titles(browser) == []
    browser.send("Show them", kind="unreadable")
    assert "It is no record." in browser.page.text
    assert titles(browser) == []
    browser.send("Show them", kind="need")
    assert "Nothing like that was recorded." in browser.page.text
    page = browser.open(f"{address}?since=ayer&until=0001-01-01")
    assert page.status == 422
    assert "is not a date" in page.text
    assert "is too far away" in page.text
    for at in ("0-0", "7-7", "x", "-1--1", "9" * 40 + "-1", "0-99999999999", "<b>"):
        assert browser.open(f"{address}?at={at}&kind={HOSTILE[:6]}").status == 200


def test_an_entry_is_shown_with_what_proves_it(montes: Secretary, valle: Secretary, visit: Visiting) -> None:
    exchange = trade(montes, valle)
    raw = montes.json("log", "--raw", exchange)
    browser = visit(montes)
    page = browser.open(f"/entries/{exchange}")
    for part in (raw["payload"], raw["id"], raw["log"], *raw["proof"], *raw["head"].splitlines()):
        assert part in page.text
    assert '"title": "Maíz"' in page.text
    found = downloaded(browser, f"/entries/{exchange}/proof")
    assert json.loads(found.body) == raw
    assert found.name == f"trueque-{exchange[:12]}.json"
    receive = valle.json("log")[-1]["id"]
    page = browser.open(f"/entries/{receive}")
    assert "What it had seen of others" in page.text
    browser.follow(f"log {montes.json('log')[0]['log'][:12]}")
    assert "Los Montes" in browser.page.text
    browser.follow("What comes before")
    assert "charter" in browser.page.text
    assert browser.open(f"/entries/{'0' * 64}").status == 404
    assert browser.open(f"/logs/{'0' * 64}").status == 404
    assert browser.open(f"/history/{'0' * 64}").status == 404


def test_what_was_erased_is_shown_as_that(montes: Secretary, visit: Visiting) -> None:
    writer = found_writer("La Sierra")
    entry = writer.say(Offer, category="other", title="Un nombre")
    held(montes, writer)
    Copy(montes.home / "ledger.sqlite").erase(writer, 1, reason="así lo <b>pidió</b> la asamblea")
    browser = visit(montes)
    page = browser.open(f"/entries/{entry.hex()}")
    assert "Its content was erased here (así lo <b>pidió</b> la asamblea)." in page.text
    assert "Un nombre" not in page.text
    assert json.loads(downloaded(browser, f"/entries/{entry.hex()}/proof").body)["state"] == "erased"
    browser.open(f"/history/{writer.commune.hex()}?kind=unreadable")
    browser.follow("erased here")
    assert browser.page.address.endswith(f"/entries/{entry.hex()}")


def test_a_forked_log_shows_each_way_that_it_was_continued(montes: Secretary, visit: Visiting) -> None:
    writer = found_writer("La Sierra")
    twin = writer.twin()
    writer.say(Offer, category="other", title="Una cosa")
    other = twin.say(Offer, category="other", title="Otra cosa")
    held(montes, writer, twin)
    browser = visit(montes)
    page = browser.open(f"/logs/{writer.log.hex()}")
    assert "This log was continued in two ways or more" in page.text
    assert titles(browser) == ["Una cosa", "Otra cosa"]
    assert "forked at entry 1" in page.text
    assert "contested" in browser.open(f"/entries/{other.hex()}").text or "it does not count" in page.text
    browser.open(f"/history/{writer.commune.hex()}")
    assert sorted(titles(browser)) == ["Otra cosa", "Una cosa"]


def test_a_log_of_nobody_known_and_what_is_no_record_are_shown(montes: Secretary, visit: Visiting) -> None:
    stranger = found_writer("La Sierra")
    stranger.payloads, stranger.leaves = [], []
    entry = stranger.quote(b"\xff no record")
    newer = stranger.quote(b"\x81\xa4kind\xa6future")
    held(montes, stranger)
    browser = visit(montes)
    page = browser.open(f"/entries/{entry.hex()}")
    assert "no known commune" in page.text
    assert "It is no record." in page.text
    assert b"\xff no record".hex() in page.text
    assert browser.open(f"/entries/{newer.hex()}").status == 200
    assert browser.open(f"/logs/{stranger.log.hex()}").status == 200
    assert "There is nothing from there on." in browser.open(f"/logs/{stranger.log.hex()}?from=99999999").text


def test_hostile_text_does_nothing_in_a_history(montes: Secretary, visit: Visiting) -> None:
    writer = found_writer("La <i>Sierra</i>")
    entry = writer.say(Offer, category="<b>rubro", title=HOSTILE, note=HOSTILE, by=HOSTILE, place=HOSTILE)
    held(montes, writer)
    browser = visit(montes)
    for address in (
        "/history",
        f"/history/{writer.commune.hex()}",
        f"/entries/{entry.hex()}",
        f"/logs/{writer.log.hex()}",
        "/audit",
    ):
        page = browser.open(address)
        assert page.status == 200
        assert not page.attributes("i") + page.attributes("b")
        assert not any("onerror" in given for _tag, given in page.tags)
        assert all(given["src"].startswith("/static/") for given in page.attributes("script"))


def test_lines_name_what_they_are_about_and_no_ids(
    montes: Secretary, valle: Secretary, visit: Visiting
) -> None:
    offer = montes.sign("offer", "Yuca", "--quantity", "5", "--unit", "kg")
    exchange = montes.sign(
        "propose", "--to", "El Valle", "--give", "maize;9;kg", "--take", "nails;3;kg", "--yes"
    )
    montes.tell(valle)
    valle.sign("accept", exchange, "--yes")
    valle.tell(montes)
    montes.sign("deliver", exchange, "--transfer", "1", "--yes")
    dispute = montes.sign("dispute", exchange, "--note", "Rain", "--yes")
    montes.sign("settle", dispute, "--outcome", "due", "--yes")
    montes.sign("withdraw", offer, "--reason", "Sold", "--yes")
    montes.sign("correct", offer, "--note", "Really", "--yes")
    browser = visit(montes)
    text = browser.open(f"/history/{montes.commune}").text
    assert "«maize», «nails» of " in text
    assert "«Yuca», 5 kg of " in text
    assert "Sold" in text
    assert "Really" in text
    for shown in (text, browser.open("/accounts").text, browser.open(f"/exchanges/{exchange}").text):
        for entry in (offer, exchange, dispute):
            assert entry[:8] not in shown
    browser.open("/accounts")
    browser.follow(
        next(label for label, _address in browser.page.links if label.startswith("«maize», «nails» of"))
    )
    assert exchange in browser.page.address
    assert exchange[:12] in browser.open(f"/entries/{exchange}").text
