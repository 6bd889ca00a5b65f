"""The audit from its page: one at a time, with progress, to be stopped; findings lead to entries."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from ledger.errors import StoreError
from node import auditing
from node.auditing import Auditing
from node.errors import InputError
from node.home import Home

from ...support.browser import Browser
from ...support.copies import Copy
from ...support.downloads import downloaded
from ...support.nodes import NodeProcess
from ...support.shared import CHECKOUT
from ..conftest import Secretary
from .conftest import Visiting
from .test_papers import trade

SECONDS = 20
"""seconds that a small audit may take on a busy computer; it takes much less than one."""

SLOW = """
import pathlib, time
import ledger.audit
real = ledger.audit.audit
def slow(reader, *, commune=None, progress):
    while not pathlib.Path({gate!r}).exists():
        progress(30, 100)
        time.sleep(0.02)
    return real(reader, commune=commune, progress=progress)
ledger.audit.audit = slow
"""


def ended(browser: Browser) -> str:
    """Load the page until no audit is under way."""
    ends = time.monotonic() + SECONDS
    while "It is under way" in browser.open("/audit").text:
        assert time.monotonic() < ends
        time.sleep(0.05)
    return browser.page.text


def test_findings_are_told_and_lead_to_what_they_are_about(
    montes: Secretary, valle: Secretary, visit: Visiting
) -> None:
    exchange = trade(montes, valle)
    browser = visit(montes)
    assert "The last audit" not in browser.open("/audit").text
    assert downloaded(browser, "/audit/result").status == 404
    browser.send("Begin the audit")
    text = ended(browser)
    assert "Of everything that is held here" in text
    assert "Checked: communes 2, logs 2" in text
    assert "people should look at the warnings" in text
    browser.follow("to the exchange")
    assert browser.page.address.endswith(f"/exchanges/{exchange}")
    browser.open("/audit")
    browser.follow("to the entries")
    assert browser.page.status == 200
    assert "/logs/" in browser.page.address


def test_the_result_as_a_file_is_what_the_command_prints(
    montes: Secretary, valle: Secretary, visit: Visiting
) -> None:
    trade(montes, valle)
    printed = montes.run("audit", "El Valle", "--json", status=1).stdout
    browser = visit(montes)
    browser.open("/audit")
    browser.send("Begin the audit", commune=valle.commune)
    assert "Of what concerns El Valle" in ended(browser)
    found = downloaded(browser, "/audit/result")
    assert json.loads(found.body) == json.loads(printed)
    assert found.name == "trueque-audit.json"


def test_an_altered_entry_is_found_and_shown(montes: Secretary, valle: Secretary, visit: Visiting) -> None:
    trade(montes, valle)
    copy = Copy(montes.home / "ledger.sqlite")
    copy.tamper("UPDATE entry SET payload = x'00' WHERE place = (SELECT max(place) FROM entry)")
    browser = visit(montes)
    browser.open("/audit")
    browser.send("Begin the audit")
    assert "Something was altered, damaged or signed falsely" in ended(browser)
    assert browser.follow("to the entries").status == 200


def test_while_it_goes_on_it_is_told_how_far_it_is_and_can_be_stopped(
    montes: Secretary, places: Path
) -> None:
    slow = places / "slow"
    slow.mkdir()
    gate = slow / "gate"
    (slow / "sitecustomize.py").write_text(SLOW.format(gate=str(gate)))
    with NodeProcess(montes.home, environment={"PYTHONPATH": f"{slow}:{CHECKOUT}"}) as node:
        browser = Browser(node.told["people_port"])
        browser.open("/audit")
        browser.send("Begin the audit")
        ends = time.monotonic() + SECONDS
        while "30 % done" not in browser.open("/audit").text:
            assert time.monotonic() < ends
        assert [given["http-equiv"] for given in browser.page.attributes("meta") if "http-equiv" in given]
        assert browser.open("/").status == 200, "other pages are answered meanwhile"
        browser.post("/audit", {"commune": ""})
        assert "An audit is under way already" in browser.page.text
        browser.open("/audit")
        browser.send("Stop it")
        assert "It was stopped before its end" in ended(browser)
        assert not [given for given in browser.page.attributes("meta") if "http-equiv" in given]
        browser.send("Begin the audit")
        assert node.stop() == 0, "a node that is told to stop does not wait for it"


def test_what_no_commune_is_is_refused(montes: Secretary, visit: Visiting) -> None:
    browser = visit(montes)
    for text in ("<b>", "ff" * 32, "a" * 5_000):
        page = browser.post("/audit", {"commune": text})
        assert page.status == 404
        assert not page.attributes("b")
    assert browser.open("/audit/stop").status == 405
    assert browser.post("/audit/stop", {}).status == 200, "nothing is under way, and nothing happens"


# In this process --------------------------------------------------------------------------------


def waited(audits: Auditing) -> None:
    ends = time.monotonic() + SECONDS
    while audits.run is not None:
        assert time.monotonic() < ends
        time.sleep(0.01)


def test_one_goes_on_at_a_time_and_the_last_is_kept(
    montes: Secretary, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = threading.Event()

    def slow(reader: Any, *, commune: Any, progress: Any) -> Any:
        gate.wait(SECONDS)
        progress(1, 4)
        raise StoreError("The ledger {path} is damaged.", path="x")

    monkeypatch.setattr(auditing, "audit", slow)
    audits, home = Auditing(), Home(montes.home)
    audits.begin(home, None)
    with pytest.raises(InputError, match="under way"):
        audits.begin(home, None)
    gate.set()
    waited(audits)
    first = audits.last
    assert first is not None
    assert isinstance(first.error, StoreError)
    audits.begin(home, None)
    audits.stop()
    waited(audits)
    second = audits.last
    assert second is not None
    assert (second.error, second.found) == (None, None)


def test_a_failure_is_told_and_ends_it(montes: Secretary, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(reader: Any, *, commune: Any, progress: Any) -> Any:
        raise KeyError("x")

    monkeypatch.setattr(auditing, "audit", broken)
    audits = Auditing()
    audits.begin(Home(montes.home), None)
    waited(audits)
    assert audits.last is not None
    assert "its journal tells more" in str(audits.last.error)
