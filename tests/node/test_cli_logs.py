"""Logs, explanations and upkeep through the command line."""

from __future__ import annotations

import re
import sqlite3
from base64 import b64decode
from typing import Any

import pytest

from ledger import merkle, note
from ledger.encoding import decode
from ledger.log import entry_id, origin
from ledger.store.writing import Store
from node.blobs import Blobs
from node.home import Home

from ..support.communes import found as found_writer
from ..support.communes import succeed
from ..support.photos import digest_of, jpeg, post_with_photos
from .conftest import Secretary


def entries(secretary: Secretary, *arguments: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = secretary.json("log", *arguments)
    return rows


def test_a_log_is_shown_as_it_was_signed(montes: Secretary, valle: Secretary) -> None:
    offer = montes.sign("offer", "Maíz", "--quantity", "3", "--unit", "kg", "--by", "secretaria")
    montes.sign("recognise", "El Valle")
    rows = entries(montes)
    assert [(row["index"], row["kind"], row["state"]) for row in rows] == [
        (0, "charter", "record"),
        (1, "offer", "record"),
        (2, "recognise", "record"),
    ]
    assert rows[1]["id"] == offer
    assert rows[1]["summary"] == "«Maíz», 3 kg"
    assert rows[1]["by"] == "secretaria"
    assert rows[2]["summary"] == "El Valle"
    assert {row["commune"] for row in rows} == {montes.commune}
    assert [row["index"] for row in entries(montes, "--last", "2")] == [1, 2]
    shown = montes.run("log").stdout
    assert re.search(
        rf"^ +1  {offer[:12]}  \d{{4}}-\d\d-\d\d \d\d:\d\d  offer  «Maíz», 3 kg$", shown, re.MULTILINE
    )


def test_the_log_of_another_is_named_by_its_commune_or_its_key(montes: Secretary, valle: Secretary) -> None:
    log = entries(montes, "El Valle")[0]["log"]
    held = entries(montes, "El Valle")
    assert entries(montes, log) == entries(montes, log[:8]) == entries(montes, valle.commune) == held
    assert [row["id"] for row in entries(valle)] == [row["id"] for row in held]
    assert "No commune called" in montes.refused("log", "La Sierra")


def test_all_logs_of_a_commune_are_shown_in_their_order(montes: Secretary) -> None:
    first = found_writer("La Sierra")
    second = succeed(first, "La Sierra: log 2")
    with Store(montes.home / "ledger.sqlite", "ensayo") as store:
        store.ingest(first.run())
        store.ingest(second.run())
    assert [row["log"] for row in entries(montes, "La Sierra")] == [first.log.hex(), second.log.hex()]
    shown = montes.run("log", "La Sierra").stdout
    assert shown.count("of La Sierra, entries: 1") == 2
    assert "counts up to 1" in shown


def test_a_log_of_nobody_known_is_shown_all_the_same(montes: Secretary) -> None:
    stranger = found_writer("La Sierra")
    stranger.payloads, stranger.leaves = [], []
    stranger.quote(b"\xff no record")
    with Store(montes.home / "ledger.sqlite", "ensayo") as store:
        store.ingest(stranger.run())
    (row,) = entries(montes, stranger.log.hex())
    assert (row["commune"], row["kind"], row["state"]) == (None, None, "malformed")
    shown = montes.run("log", stranger.log.hex()[:10]).stdout
    assert "no known commune" in shown
    assert "It is no record." in shown
    raw = montes.run("log", "--raw", row["id"]).stdout
    assert "It is no record." in raw


def test_a_forked_log_shows_each_branch(montes: Secretary) -> None:
    writer = found_writer("La Sierra")
    twin = writer.twin()
    from ledger.records import Offer

    writer.say(Offer, category="other", title="Una cosa")
    twin.say(Offer, category="other", title="Otra cosa")
    with Store(montes.home / "ledger.sqlite", "ensayo") as store:
        store.ingest(writer.run())
        store.ingest(twin.run())
    rows = entries(montes, "La Sierra")
    assert [(row["branch"] == rows[0]["branch"], row["index"]) for row in rows] == [
        (True, 0), (True, 1), (False, 1)
    ]  # fmt: skip
    assert montes.run("log", "La Sierra").stdout.count("forked at 1") == 2


def test_one_entry_can_be_checked_with_other_tools(montes: Secretary) -> None:
    """What is printed is enough: the payload, where it stands, its proof, and a C2SP checkpoint."""
    montes.sign("offer", "Maíz")
    offer = montes.sign("offer", "Café")
    montes.sign("offer", "Papas")
    raw = montes.json("log", "--raw", offer[:8])
    log, payload = bytes.fromhex(raw["log"]), bytes.fromhex(raw["payload"])
    assert entry_id(log, raw["index"], payload).hex() == raw["id"] == offer
    opened = note.open_note(raw["head"], [note.VerifierKey(origin(log, "ensayo"), log)])
    checkpoint = note.parse_checkpoint(opened.text)
    proof = [bytes.fromhex(step) for step in raw["proof"]]
    assert merkle.verify_inclusion(
        bytes.fromhex(offer), raw["index"], checkpoint.size, proof, checkpoint.root
    )
    assert raw["record"]["title"] == "Café"
    decoded = decode(payload)
    assert isinstance(decoded, dict)
    assert decoded["title"] == "Café"

    shown = montes.run("log", "--raw", offer).stdout
    assert '"title": "Café"' in shown
    assert raw["head"] in shown
    assert all(step in shown for step in raw["proof"])
    signature = shown.rsplit(" ", 1)[1].strip()
    assert len(b64decode(signature)) == 68


def test_raw_takes_an_id_alone(montes: Secretary) -> None:
    assert "with an id alone" in montes.refused("log", "Los Montes", "--raw", montes.commune)
    assert "Nothing held here" in montes.refused("log", "--raw", "abcdef0123")


# Explaining -------------------------------------------------------------------------------------


def test_a_record_is_explained_and_stays_as_it_is(montes: Secretary, valle: Secretary) -> None:
    offer = montes.sign("offer", "Maíz")
    told = montes.run("correct", offer[:8], "--note", "Es amarillo").stdout
    assert f"The explanation stands beside {offer[:12]}." in told
    assert entries(montes)[-1]["summary"] == f"of {offer[:12]}: Es amarillo"
    (row,) = montes.json("listings")
    assert row["title"] == "Maíz"
    montes.tell(valle)
    assert "only its own commune can explain it" in valle.refused("correct", offer, "--note", "No es cierto")


# Erasing ----------------------------------------------------------------------------------------


def test_what_endangers_somebody_is_erased_and_the_proofs_stand(montes: Secretary, valle: Secretary) -> None:
    offer = valle.sign("offer", "Medicinas en casa de Ana")
    valle.tell(montes)
    told = montes.run("erase", offer[:8], "--reason", "Nombra a una persona").stdout
    assert told.startswith(offer[:12])
    assert montes.json("listings") == []
    row = entries(montes, "El Valle")[-1]
    assert (row["id"], row["state"], row["summary"]) == (offer, "erased", "Its content was erased here.")
    raw = montes.json("log", "--raw", offer)
    assert (raw["payload"], raw["record"]) == (None, None)
    assert raw["proof"]
    with sqlite3.connect(montes.home / "ledger.sqlite") as database:
        assert database.execute("SELECT reason FROM erasure").fetchall() == [("Nombra a una persona",)]
    database.close()
    assert "erased here already" in montes.refused("erase", offer, "--reason", "Otra vez")
    # It stays with whoever else holds it.
    assert len(valle.json("listings")) == 1


def test_photos_go_with_the_listing_that_is_erased_unless_another_shows_them(montes: Secretary) -> None:
    """A face in a photo can endanger somebody as a name can."""
    shared, alone = jpeg("shared"), jpeg("alone")
    entry = post_with_photos(montes.home, "Maíz", shared, alone).hex()
    post_with_photos(montes.home, "Yuca", shared)
    blobs = Blobs.of(Home(montes.home))
    (blobs._own / digest_of(alone).hex()).write_bytes(b"damaged")
    assert blobs.read(digest_of(alone)) is None, "put aside"
    blobs.keep(digest_of(alone), alone, own=True)
    montes.run("erase", entry, "--reason", "endangers somebody", "--yes")
    assert not list((montes.home / "blobs").rglob(digest_of(alone).hex()))
    assert blobs.read(digest_of(shared)) == shared


def test_what_a_commune_stands_on_cannot_be_erased(montes: Secretary, valle: Secretary) -> None:
    assert "so it stays" in montes.refused("erase", montes.commune, "--reason", "No")
    montes.run("erase", valle.commune, "--reason", "Piden que no se les nombre")


@pytest.mark.parametrize("reason", ["\u202eotra", "\x1b[2J", "\u0378"])
def test_the_reason_of_an_erasure_is_text_as_records_hold_it(montes: Secretary, reason: str) -> None:
    """Every audit shows it from then on."""
    offer = montes.sign("offer", "Maíz")
    assert "A text cannot be recorded" in montes.refused("erase", offer, "--reason", reason, "--yes")
    assert "too long: shorten it to 2000" in montes.refused("erase", offer, "--reason", "a" * 2_001, "--yes")
    assert len(montes.json("listings")) == 1


def test_before_erasing_a_person_is_asked(montes: Secretary, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("node.cli.desk.is_interactive", lambda: True)
    offer = montes.sign("offer", "Maíz")
    asked = montes.run("erase", offer, "--reason", "Prueba", typed="n\n", status=2).stderr
    assert "It cannot be brought back. Erase it? [y/N]" in asked
    assert len(montes.json("listings")) == 1
    montes.run("erase", offer, "--reason", "Prueba", "--yes")
    assert montes.json("listings") == []


# Rebuilding -------------------------------------------------------------------------------------


def test_everything_computed_is_made_anew_from_the_entries(montes: Secretary, valle: Secretary) -> None:
    offer = montes.sign("offer", "Maíz")
    exchange = montes.sign("propose", "--to", "El Valle", "--give", "Maíz", "--listing", offer)
    before = montes.json("listings"), montes.json("exchanges"), montes.json("communes", "Los Montes")
    database = sqlite3.connect(montes.home / "ledger.sqlite")
    with database:
        for table in ("listing", "exchange", "party"):
            database.execute(f"DELETE FROM {table}")
    database.close()
    assert montes.json("listings") == montes.json("exchanges") == []
    assert montes.json("rebuild") == {"entries": 4}
    assert (
        montes.json("listings"),
        montes.json("exchanges"),
        montes.json("communes", "Los Montes"),
    ) == before
    assert montes.json("exchanges")[0]["id"] == exchange
    assert montes.run("rebuild").stdout == "Made anew from 4 entries.\n"
    assert montes.run("rebuild", speaks="es").stdout == "Rehecho a partir de 4 asientos.\n"
