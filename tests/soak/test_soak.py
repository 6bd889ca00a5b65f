"""The soak finds what it is there to find, and a short one finds nothing.

`python -m tests.soak FOLDER --minutes 20 --nodes 10` is the long one.
"""

from __future__ import annotations

import json
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ledger.records import Offer, to_payload

from ..support.shared import CHECKOUT
from .clocked import Clock
from .commune import Commune
from .promises import become_even, broken, exported, held_in
from .wires import Way, Wires


@pytest.fixture
def commune(tmp_path: Path) -> Iterator[Commune]:
    made = Commune("El Valle", tmp_path, 0, 1)
    made.found()
    (tmp_path / "home.journal").touch()
    yield made
    made.clock.close()


def found_in(commune: Commune) -> list[str]:
    return list(broken([commune], lambda done: None))


def test_a_home_that_keeps_its_promises_breaks_none(commune: Commune) -> None:
    signed = json.loads(commune.command("offer", "Maíz", "--json").stdout)["id"]
    commune.told.acknowledged[signed] = "offer"
    assert found_in(commune) == []
    assert become_even([commune], lambda alike: None) is not None


def test_an_acknowledged_entry_that_is_gone_is_found(commune: Commune) -> None:
    commune.told.acknowledged["ab" * 32] = "offer"
    assert [sentence for sentence in found_in(commune) if "lacks 1 acknowledged" in sentence]


def test_what_no_node_may_do_is_found(commune: Commune) -> None:
    commune.told.broken.append("/api/1/listings: 500")
    commune.most_memory = 1_000.0
    journal = commune.home.with_name("home.journal")
    journal.write_text(
        json.dumps({"event": "fault", "error": "KeyError"}) + "\nTraceback (most recent call last):\n"
    )
    told = " ".join(found_in(commune))
    for part in ("500", "1000 MB", "had a fault", "wrote a traceback"):
        assert part in told


def test_a_changed_entry_and_another_story_are_found(commune: Commune, tmp_path: Path) -> None:
    commune.command("offer", "Maíz")
    (tmp_path / "other").mkdir()
    other = Commune("Los Montes", tmp_path / "other", 0, 2)
    other.found()
    (tmp_path / "other" / "home.journal").touch()
    assert held_in(commune.home) != held_in(other.home)
    assert exported(commune) != exported(other)
    told = list(broken([commune, other], lambda done: None))
    assert told == ["Los Montes tells another story of the same entries than El Valle"]
    other.clock.close()

    with closing(sqlite3.connect(commune.home / "ledger.sqlite")) as database:
        rows = database.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'entry'"
        )
        for (name,) in rows.fetchall():
            database.execute(f"DROP TRIGGER {name}")
        payload = to_payload(Offer(at=1, category="other", title="Oro"))
        database.execute(
            "UPDATE entry SET payload = ? WHERE place = (SELECT max(place) FROM entry)", (payload,)
        )
        database.commit()
    assert [sentence for sentence in found_in(commune) if "entry-altered" in sentence]


def test_a_wire_can_be_cut_and_can_stall() -> None:
    wires = Wires()
    try:
        with socket.create_server(("127.0.0.1", 0)) as server:
            wire = wires.lay(server.getsockname()[1])
            with socket.create_connection(("127.0.0.1", wire.port), timeout=5) as here:
                there, _ = server.accept()
                with there:
                    here.sendall(b"one")
                    assert there.recv(3) == b"one"
                    wire.turn(Way.STALLED)
                    here.sendall(b"two")
                    there.settimeout(0.2)
                    with pytest.raises(TimeoutError):
                        there.recv(3)
                    wire.turn(Way.UP)
                    there.settimeout(5)
                    assert there.recv(3) == b"two"
                    wire.turn(Way.CUT)
                    assert there.recv(1) == b""
            with socket.create_connection(("127.0.0.1", wire.port), timeout=5) as here:
                assert here.recv(1) == b""
    finally:
        wires.close()


def test_a_clock_is_wrong_as_soon_as_somebody_says_so(tmp_path: Path) -> None:
    clock, same = Clock(tmp_path / "clock"), Clock(tmp_path / "clock")
    clock.wrong = -5_000
    assert same.wrong == -5_000
    clock.close()
    same.close()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_short_soak_breaks_no_promise(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.soak", str(tmp_path / "soak"), "--minutes", "1", "--nodes", "4"]
    ended = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    found = json.loads(ended.stdout)
    assert found["broken"] == []
    assert sum(found["acknowledged"].values()) > 20
