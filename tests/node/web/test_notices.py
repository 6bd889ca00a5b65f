"""Notices: what others say in exchanges of this commune is told until somebody has looked at it."""

from __future__ import annotations

from datetime import date, timedelta

from ...support.browser import Browser
from ...support.nodes import NodeProcess
from ..conftest import Secretary
from .conftest import Visiting


def unread(text: str) -> int:
    """The number beside «Notices»."""
    words = text.split()
    after = words[words.index("Notices") + 1]
    return int(after) if after.isdigit() else 0


def test_what_another_commune_says_is_told_until_the_exchange_was_looked_at(
    montes: Secretary, valle: Secretary, visit: Visiting
) -> None:
    browser = visit(montes)
    assert unread(browser.open("/").text) == 0
    proposal = valle.sign("propose", "--to", "Los Montes", "--give", "nails;3;kg", "--yes")
    valle.sign("offer", "Cement", "--yes")
    bundle = montes.home.with_name("b.trueque")
    valle.run("export", "--bundle", str(bundle), "--all")
    montes.run("import", str(bundle), "--all")
    assert unread(browser.open("/").text) == 1
    browser.follow("Notices 1")
    assert "El Valle: proposal, El Valle → Los Montes: «nails», 3 kg" in browser.page.text
    browser.open(f"/exchanges/{proposal}")
    assert unread(browser.open("/").text) == 0
    assert "new" not in browser.open("/notices").text.split()
    montes.sign("accept", proposal, "--yes")
    assert unread(browser.open("/").text) == 0, "what one says oneself is no news"


def test_all_can_be_marked_as_read_and_a_restart_forgets_nothing(montes: Secretary) -> None:
    soon = (date.today() + timedelta(days=3)).isoformat()
    later = (date.today() + timedelta(days=30)).isoformat()
    montes.sign("offer", "Maize", "--until", soon, "--yes")
    montes.sign("offer", "Beans", "--until", later, "--yes")
    with NodeProcess(montes.home) as node:
        browser = Browser(node.told["people_port"])
        assert unread(browser.open("/").text) == 1
        browser.follow("Notices 1")
        assert f"Your listing ends soon: «Maize», until {soon}" in browser.page.text
        assert "Beans" not in browser.page.text
        browser.send("Mark all as read")
        assert unread(browser.page.text) == 0
        node.stop()
    with NodeProcess(montes.home) as node:
        assert unread(Browser(node.told["people_port"]).open("/").text) == 0
