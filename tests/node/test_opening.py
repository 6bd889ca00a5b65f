"""Opening a home whose ledger an older version wrote: it is brought up, and never called damaged."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from sqlite_utils import Migrations

from ledger.store import database, migrations
from node.home import Home

from .conftest import Found, Secretary


@pytest.fixture
def older(found: Found, monkeypatch: pytest.MonkeyPatch) -> Secretary:
    """A home as the version left it that did not look for places yet."""
    before = Migrations("ledger")
    for step in (migrations.first, migrations.listings_by_place, migrations.readable_views):
        before()(step)
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "MIGRATIONS", before)
        secretary = found("Los Montes", "--place", "Boconó")
        secretary.sign("offer", "Maíz", "--category", "food-grain")
    with closing(sqlite3.connect(secretary.home / "ledger.sqlite")) as connection, connection:
        for table in ("listing", "commune"):  # what is the first step today has them already
            connection.execute(f"ALTER TABLE {table} DROP COLUMN site")
    return secretary


def test_the_newest_change_to_the_tables_is_the_one_that_readers_look_for() -> None:
    assert migrations.MIGRATIONS._migrations[-1].name == database.NEWEST_CHANGE


def test_a_command_that_reads_brings_an_older_ledger_up_to_this_version(older: Secretary) -> None:
    (row,) = older.json("listings", "--place", "bocono")
    assert row["title"] == "Maíz"


def test_a_command_that_signs_does_so_too(older: Secretary) -> None:
    older.sign("need", "Clavos", "--category", "other")
    assert [row["title"] for row in older.json("listings", "--place", "bocono")] == ["Clavos", "Maíz"]


def test_an_older_ledger_stays_as_it_is_while_another_program_has_it_open(older: Secretary) -> None:
    """A node of the older version may be running in it, and would meet tables that it does not know."""
    ledger = Home(older.home).ledger
    with Home(older.home).locked():
        told = older.refused("listings", "--place", "bocono")
    assert "older version" in told
    assert "stop it and start it again" in told
    with closing(sqlite3.connect(ledger)) as connection:
        assert connection.execute("SELECT name FROM pragma_table_info('listing')").fetchall()[-1] == (
            "ended",
        )


def test_an_older_ledger_that_cannot_be_written_is_not_said_to_be_damaged(older: Secretary) -> None:
    lock = older.home / "lock"
    lock.unlink()
    lock.mkdir()  # stands for a folder that cannot be written, which root always can
    told = older.refused("listings", "--place", "bocono")
    assert "older version" in told
    assert "damaged" not in told
