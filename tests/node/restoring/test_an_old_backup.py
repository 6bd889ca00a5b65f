"""A disk died or was stolen: the commune comes back from a backup, and its neighbours hold more than that."""

from __future__ import annotations

from pathlib import Path

import pytest

from ledger.log import LogKey
from ledger.records import Cancel, Offer, to_payload
from ledger.store.writing import Store
from node.home import Home

from ...support.browser import path_of
from ...support.hosts import eventually
from ..conftest import Secretary
from ..web.test_restoring import PASSWORD as PAGE_PASSWORD
from ..web.test_restoring import arrive, handed_in
from .conftest import Net, backup_of, computer, log_of, password_in, restored, signed, titles, words_of
from .test_copies import SEALED

PAST_THE_END = {
    "en": ("after its old log ended or forked", "record anew what the commune itself wrote"),
    "es": (
        "después de que su registro anterior terminó",
        "registre de nuevo lo que la propia comuna escribió",
    ),
}


def said_about_what_came_back(net: Net, who: Secretary) -> None:
    """The command and the page of status say that some of what came back does not count."""
    for language, parts in PAST_THE_END.items():
        status = " ".join(who.run("status", speaks=language).stdout.split())
        page = net.node(who).ask("/status", headers={"Accept-Language": language}).body.decode()
        for part in parts:
            assert part in status, status
            assert part in " ".join(page.split()), page


def recorded_since(net: Net, montes: Secretary) -> tuple[str, bytes, int]:
    """What a backup lacks: a debt, and an offer on which nobody relies; then the disk is gone.

    Returns the exchange, the log, and how far it went.
    """
    valle, rio = net.honest
    net.start_neighbours()
    net.start(montes, valle)
    net.agree(montes, valle, rio)
    exchange = net.owe()
    montes.run("offer", "Yuca")
    net.agree(montes, valle, rio)
    old, (size,) = log_of(montes), signed(montes, log_of(montes))
    net.node(montes).kill()
    return exchange, old, size


def goes_on(net: Net, new: Secretary, exchange: str, old: bytes, size: int) -> None:
    """All came back, what another commune relied on counts, the rest is recorded anew, and nothing forked."""
    valle, rio = net.honest
    net.agree(new, valle, rio)
    for who in (new, valle, rio):
        assert signed(who, old) == [size], "own entries come back, and there is one branch of them"
        assert net.owes_maize(who), "no debt disappears"
        assert "Yuca" not in titles(who), "nobody relied on it"
        assert who.json("status")["held"]["forked"] == 0
    assert net.situation(new) == "ready"
    said_about_what_came_back(net, new)
    assert new.json("status")["commune"]["uncounted"] == 2
    assert new.run("log").stdout.count("does not count") == 2

    new.run("receive", exchange)
    new.run("offer", "Yuca")
    net.agree(new, valle, rio)
    for who in (new, valle, rio):
        (account,) = net.debts(who)
        assert (account["owes"]["quantity"], account["owed"]["quantity"]) == ("100", "0")
        assert account["contested"] == [exchange], "until the two settle it"
        assert titles(who) == {"Yuca"}


def test_from_an_old_backup_own_entries_come_back_and_no_debt_disappears(net: Net) -> None:
    montes, (_, rio) = net["Los Montes"], net.honest
    backup = backup_of(net, montes)
    exchange, old, size = recorded_since(net, montes)
    new = restored(net, montes, "nueva", backup)
    net.start(new, rio)
    goes_on(net, new, exchange, old, size)


@pytest.mark.slow
def test_the_same_through_the_pages_of_a_node_that_is_running(net: Net) -> None:
    montes, (valle, rio) = net["Los Montes"], net.honest
    file, password = net.folder / "respaldo", net.folder / "password"
    password.write_text(PAGE_PASSWORD)
    montes.run("backup", str(file), "--password-file", str(password))
    exchange, old, size = recorded_since(net, montes)

    new = computer("Los Montes", net.folder / "nueva")
    new.home.parent.mkdir()
    browser = handed_in(net.start(new, rio), file.read_bytes())
    browser.send("Bring it back", words=Path(words_of(montes)).read_text(encoding="utf-8"))
    assert path_of(arrive(browser)) == "/welcome/restored"
    assert "counts where another commune relied on it" in browser.page.text
    goes_on(net, new, exchange, old, size)
    for address, told in (
        (f"/logs/{old.hex()}", "it counts up to entry 3"),
        (f"/history/{new.commune}", "a new log, after"),
    ):
        page = net.node(valle).ask(address, headers={"Accept-Language": "en"}).body.decode()
        assert told in page, "a neighbour sees where the old log ends, and that another follows"


TWICE = {
    "en": ("was brought back twice", "on one computer alone, make a backup"),
    "es": ("se recuperó dos veces", "en un solo equipo"),
}


def test_a_commune_that_was_brought_back_twice_is_told_and_a_third_log_names_both(net: Net) -> None:
    """Whoever finds a copy may do so on both computers, each told to make a new log."""
    montes, valle = net["Los Montes"], net["El Valle"]
    backup = backup_of(net, montes)
    one, two = restored(net, montes, "una", backup), restored(net, montes, "otra", backup)
    one.run("offer", "Uno")
    two.run("offer", "Dos")
    one.tell(two, valle)
    two.tell(one, valle)
    for who in (one, two):
        assert who.json("status")["commune"]["contested"]
        for speaks, parts in TWICE.items():
            told = " ".join(who.run("status", speaks=speaks).stdout.split())
            assert all(part in told for part in parts), told
        assert titles(who) == {"Uno", "Dos"}, "both count all the same"
    node = net.start(one)
    for speaks, parts in TWICE.items():
        board = " ".join(node.ask("/", headers={"Accept-Language": speaks}).body.decode().split())
        assert all(part in board for part in parts), "and who opens the board need not look for it"
    node.stop()
    third = computer("Los Montes", net.folder / "tercera")
    file = backup_of(net, one, "tercero")
    third.run("restore", file, "--password-file", password_in(net), "--words", words_of(montes))
    third.tell(one, two, valle)
    third.run("offer", "Tres")
    third.tell(one, two, valle)
    assert not third.json("status")["commune"]["contested"]
    for who in (one, two):
        assert who.json("status")["situation"] == "sealed"
    for who in (third, valle):
        assert titles(who) == {"Uno", "Dos", "Tres"}
        assert who.run("communes", "Los Montes").stdout.count("in use") == 1


@pytest.mark.parametrize("knows_better", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_what_a_thief_writes_after_the_seal_counts_for_nobody(net: Net, *, knows_better: bool) -> None:
    """The laptop goes on writing: first because it has not heard, then in defiance of the rules."""
    thief, (valle, rio) = net["Los Montes"], net.honest
    net.start_neighbours()
    net.start(thief, valle)
    net.agree(thief, valle, rio)
    exchange = net.owe()
    backup = backup_of(net, thief)
    net.node(thief).stop()
    new = restored(net, thief, "nueva", backup)
    net.start(new, valle)
    net.agree(new, valle, rio)

    thief.run("offer", "Robado")
    if not knows_better:
        net.start(thief, rio)
        eventually(lambda: net.situation(thief) == "sealed", "the stolen laptop hears of the new log")
        net.says(thief, SEALED)
        assert "another log" in thief.refused("offer", "Sal")
    else:
        home = Home(thief.home)
        offer = Offer(at=1, category="other", title="Robado también")
        cancel = Cancel(at=2, exchange=bytes.fromhex(exchange), reason="no se debe nada")
        with Store(home.ledger, "ensayo") as store:
            head = store.own_log(LogKey(log_of(thief))).head
            store.append(home.read_key(), [to_payload(offer), to_payload(cancel)], head)
        bundle = str(net.folder / "robado.trueque")
        thief.run("export", "--bundle", bundle, "--all")
        for who in (new, valle, rio):
            who.run("import", bundle)
    end = signed(thief, log_of(thief))
    eventually(lambda: signed(rio, log_of(thief)) == end, "a neighbour holds what the thief wrote")
    new.run("offer", "Sal")
    net.agree(new, valle, rio)
    for who in (new, valle, rio):
        assert titles(who) == {"Sal"}
        assert net.owes_maize(who)
        (account,) = net.debts(who)
        assert not account["contested"]
        assert who.run("communes", "Los Montes").stdout.count("in use") == 1
    assert net.situation(new) == "ready"
    said_about_what_came_back(net, new)
