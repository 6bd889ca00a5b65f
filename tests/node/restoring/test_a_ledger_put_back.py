"""The ledger's file is put back to an earlier state while the node runs on it."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from ...support.hosts import eventually
from ..conftest import Secretary
from .conftest import Net, log_of, signed, titles


def keep(who: Secretary, where: Path) -> None:
    """Copy the ledger as a program does that knows SQLite."""
    with (
        closing(sqlite3.connect(who.home / "ledger.sqlite")) as ledger,
        closing(sqlite3.connect(where)) as file,
    ):
        ledger.backup(file)


def put_back(who: Secretary, file: Path, how: str) -> None:
    """Put such a copy in the place of the ledger: through SQLite, by writing over it, or as another file."""
    ledger = who.home / "ledger.sqlite"
    with closing(sqlite3.connect(ledger)) as connection:
        # As after a while: what is in the write-ahead log would hide what is done to the file.
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    match how:
        case "sqlite":
            with closing(sqlite3.connect(file)) as older, closing(sqlite3.connect(ledger)) as connection:
                older.backup(connection)
        case "overwritten":
            shutil.copyfile(file, ledger)
        case _:
            shutil.copyfile(file, ledger.with_name("older"))
            ledger.with_name("older").replace(ledger)


@pytest.fixture
def trading(net: Net) -> Net:
    """All three run, and Los Montes owes maize; a copy of its ledger from before that is in `older`."""
    montes = net["Los Montes"]
    net.start_neighbours()
    net.start(montes, *net.honest)
    net.agree(montes, *net.honest)
    keep(montes, net.folder / "older")
    net.owe()
    return net


def comes_back(net: Net, how: str) -> None:
    """Nothing is signed on the older ledger, all comes back from neighbours, and it goes on."""
    montes = net["Los Montes"]
    log, before = log_of(montes), signed(montes, log_of(montes))
    put_back(montes, net.folder / "older", how)
    assert "older than what this computer has signed" in montes.refused("offer", "Sal")
    eventually(lambda: net.situation(montes) == "ready", "the missing entries have come back by themselves")
    eventually(lambda: signed(montes, log) == before, "all of them")
    montes.run("offer", "Sal")
    net.agree(montes, *net.honest)
    for who in (montes, *net.honest):
        assert net.owes_maize(who)
        assert titles(who) == {"Sal"}
        assert len(signed(who, log)) == 1, "nothing forked"


def test_a_ledger_that_was_put_back_under_a_running_node_comes_back_from_neighbours(trading: Net) -> None:
    comes_back(trading, "sqlite")


@pytest.mark.slow
def test_a_ledger_whose_file_was_written_over_comes_back_from_neighbours(trading: Net) -> None:
    """Whoever does that has luck if it can be read at all; what it must never do is sign."""
    comes_back(trading, "overwritten")


@pytest.mark.slow
def test_in_a_file_that_nobody_finds_any_more_nothing_is_signed(trading: Net) -> None:
    """SQLite would go on in the file that was there, and all that was signed be gone with the process."""
    montes = trading["Los Montes"]
    node, log = trading.node(montes), log_of(montes)
    before = signed(montes, log)
    put_back(montes, trading.folder / "older", "replaced")
    assert "was replaced or removed while this program was using it" in montes.refused("offer", "Sal")
    for speaks, told in (
        ("en", "close the program and start it again"),
        ("es", "cierre el programa y vuelva a iniciarlo"),
    ):
        assert told in " ".join(montes.run("status", speaks=speaks).stdout.split())
        page = node.ask("/", headers={"Accept-Language": speaks}).body.decode()
        assert told in page
    assert "was replaced" in node.api("/api/1/status").json["trouble"]["template"]
    assert node.ask("/healthz").json["status"] == "failing"

    node.stop()
    trading.start(montes, *trading.honest)
    eventually(lambda: trading.situation(montes) == "ready", "the missing entries have come back")
    eventually(lambda: signed(montes, log) == before, "all of them")
    montes.run("offer", "Sal")
    trading.agree(montes, *trading.honest)
    for who in (montes, *trading.honest):
        assert trading.owes_maize(who)
        assert len(signed(who, log)) == 1, "nothing forked"
