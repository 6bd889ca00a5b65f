"""Storage: what a node remembers comes back, and nothing that is wrong with it keeps a node from starting."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ledger.log import LogKey
from node.limits import MAX_PEERS_KEPT
from node.storage import Storage
from node.storage.file import ASIDE
from node.storage.peers import Kept

ONE, OTHER = LogKey(bytes(32)), LogKey(b"\x01" * 32)
MET = Kept("montes.example:8784", ONE, 1_000, 0, 0, "")
FAILED = Kept("10.0.0.1:8784", None, None, 3, 9_000, "refused")

Open = Callable[[], Storage]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "node.sqlite"


@pytest.fixture
def open_again(path: Path) -> Iterator[Open]:
    """Open the storage, the last one having been closed."""
    held: list[Storage] = []

    def opened() -> Storage:
        for storage in held:
            storage.close()
        held[:] = [Storage(path)]
        return held[0]

    yield opened
    for storage in held:
        storage.close()


def works(storage: Storage) -> bool:
    storage.peers.keep(MET)
    return MET in storage.peers.all().result()


def test_what_is_kept_is_there_after_a_restart(open_again: Open) -> None:
    storage = open_again()
    for kept in (MET, FAILED, Kept(MET.name, ONE, 2_000, 0, 0, "")):
        storage.peers.keep(kept)
    storage.accounts.keep([(ONE, 1, 2, 3, None), (OTHER, 1, 2, 3, None)])
    storage.accounts.keep([(OTHER, 4, 5, 6, b"introducer")])
    storage.accounts.keep_days(7, 20_000)
    storage.unknowns.keep(ONE, OTHER, b"heads")
    storage.unknowns.keep(OTHER, ONE, b"heads")
    storage.unknowns.drop(OTHER)
    storage = open_again()
    assert sorted(storage.peers.all().result(), key=lambda kept: kept.failures) == [
        Kept(MET.name, ONE, 2_000, 0, 0, ""),
        FAILED,
    ]
    assert sorted(storage.accounts.all().result()) == sorted(
        [(ONE, 1, 2, 3, None), (OTHER, 4, 5, 6, b"introducer")]
    )
    assert storage.accounts.days().result() == (7, 20_000)
    assert storage.unknowns.all().result() == [(ONE, OTHER, b"heads")]
    storage.accounts.drop([ONE, OTHER])
    assert storage.accounts.all().result() == []


def test_of_too_many_peers_those_met_longest_ago_are_forgotten(
    open_again: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("node.storage.peers.MAX_PEERS_KEPT", 3)
    assert MAX_PEERS_KEPT > 3
    storage = open_again()
    for number in range(6):
        storage.peers.keep(Kept(f"host-{number}:1", None, number or None, 0, 0, ""))
    assert {kept.met for kept in storage.peers.all().result()} == {3, 4, 5}


def junk(path: Path) -> None:
    path.write_bytes(b"SQLite format 3\x00" + bytes(range(256)) * 40)


def text(path: Path) -> None:
    path.write_bytes(b"this is no database at all" * 100)


def zeros_inside(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[4_096:] = bytes(len(data) - 4_096)
    path.write_bytes(bytes(data))


def a_table_is_gone(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TABLE peer")
        connection.commit()


def no_list_of_migrations(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TABLE _sqlite_migrations")
        connection.commit()


def a_newer_version(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('node', 'ninth', '')"
        )
        connection.commit()


@pytest.mark.parametrize(
    "damage", [junk, text, zeros_inside, a_table_is_gone, no_list_of_migrations, a_newer_version]
)
def test_a_file_that_cannot_be_used_is_put_aside_and_begun_anew(
    open_again: Open, path: Path, damage: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    assert works(open_again())
    open_again().close()
    damage(path)
    assert works(open_again())
    open_again().close()
    assert path.with_name(path.name + ASIDE).exists()
    assert "put_aside" in caplog.text
    assert works(open_again())


def test_nothing_is_remembered_after_it_was_closed_and_nobody_falls_over_it(open_again: Open) -> None:
    storage = open_again()
    storage.close()
    storage.peers.keep(MET)
    assert storage.peers.all().result() == []


def test_damage_that_shows_while_it_is_open_is_put_aside_too(open_again: Open) -> None:
    storage = open_again()
    assert works(storage)
    storage.do(lambda database: database.execute("DROP TABLE peer"), None).result()
    assert works(storage)


def test_where_none_can_be_made_it_lasts_until_the_node_stops(
    open_again: Open, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path.mkdir()
    assert works(open_again())
    assert "not_remembered" in caplog.text


def test_what_a_full_disk_does_not_take_is_told_and_not_remembered(
    open_again: Open, caplog: pytest.LogCaptureFixture
) -> None:
    storage = open_again()
    assert works(storage)

    def fill(database: object) -> None:
        pages = storage._database.execute("PRAGMA page_count").fetchone()[0]  # type: ignore[union-attr]
        storage._database.execute(f"PRAGMA max_page_count = {pages}")  # type: ignore[union-attr]

    storage.do(fill, None).result()
    storage.accounts.keep([(LogKey(number.to_bytes(32, "big")), 1, 2, 3, None) for number in range(5_000)])
    assert storage.accounts.all().result() == []
    assert "not_remembered" in caplog.text
    assert works(storage), "what there is room for is still taken"


def test_a_command_without_a_node_says_nothing_of_it(path: Path) -> None:
    """The journal is a node's; its bare words would stand among the sentences of a command."""
    path.write_bytes(b"no database" * 1_000)
    code = f"from pathlib import Path; from node.storage import Storage; Storage(Path({str(path)!r})).close()"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (ran.stdout, ran.stderr) == ("", "")
    assert path.with_name(path.name + ASIDE).exists()
