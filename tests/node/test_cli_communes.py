"""Communes through the command line: who is known, who is recognised, and how one presents itself."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.store.writing import Store
from node import keys

from ..support.communes import authority_of, key_of, recovery_of, succeed
from ..support.communes import found as found_writer
from .conftest import Secretary


def commune(secretary: Secretary, name: str) -> dict[str, Any]:
    (row,) = secretary.json("communes", name)
    found: dict[str, Any] = row
    return found


# Recognising ------------------------------------------------------------------------------------


def test_a_commune_is_recognised_and_no_more(montes: Secretary, valle: Secretary) -> None:
    assert {row["name"]: row["kind"] for row in montes.json("communes")} == {
        "El Valle": "known",
        "Los Montes": "own",
    }
    told = montes.run("recognise", "el valle", "--note", "Son vecinos").stdout
    assert "Your commune recognises El Valle." in told
    assert commune(montes, "El Valle")["kind"] == "recognised"
    assert commune(montes, "Los Montes")["recognises"] == [valle.commune]
    assert "recognises that one already" in montes.refused("recognise", "El Valle")
    montes.run("unrecognise", valle.commune[:6], "--note", "Ya no")
    assert commune(montes, "El Valle")["kind"] == "known"
    assert "does not recognise that one" in montes.refused("unrecognise", "El Valle")
    montes.tell(valle)
    assert commune(valle, "Los Montes")["recognises"] == []


def test_json_says_which_commune(montes: Secretary, valle: Secretary) -> None:
    answer = montes.json("recognise", "El Valle")
    assert set(answer) == {"id", "commune"}
    assert answer["commune"] == valle.commune


def test_a_commune_that_nothing_is_known_of_is_recognised_by_its_whole_id(montes: Secretary) -> None:
    """As read from a paper, before its first bundle is imported."""
    stranger = found_writer("La Sierra")
    montes.run("recognise", stranger.commune.hex().upper())
    with Store(montes.home / "ledger.sqlite", "ensayo") as store:
        store.ingest(stranger.run())
    assert commune(montes, "La Sierra")["kind"] == "recognised"
    assert "No commune called" in montes.refused("recognise", stranger.commune.hex()[:63] + "x")


def test_a_commune_does_not_recognise_itself(montes: Secretary) -> None:
    assert "That is this commune itself" in montes.refused("recognise", "Los Montes")
    assert "That is this commune itself" in montes.refused("unrecognise", montes.commune)


def test_before_recognising_a_person_is_shown_the_words_to_compare(
    montes: Secretary, valle: Secretary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("node.cli.desk.is_interactive", lambda: True)
    words = keys.fingerprint_words(bytes.fromhex(valle.commune), "en")
    assert words in montes.run("recognise", "El Valle", typed="y\n").stderr
    assert words in montes.run("communes").stdout


# Presenting itself ------------------------------------------------------------------------------


def test_a_profile_replaces_what_is_given_and_keeps_the_rest(montes: Secretary) -> None:
    montes.run("profile", "--place", "Mérida", "--contact", "Vocería de alimentación")
    montes.run("profile", "--about", "Café\ny papa", "--by", "secretaria")
    row = commune(montes, "Los Montes")
    assert (row["place"], row["about"], row["contact"]) == (
        "Mérida",
        "Café\ny papa",
        "Vocería de alimentación",
    )
    montes.run("profile", "--name", "Los Montes Altos", "--place", "")
    row = commune(montes, "Los Montes Altos")
    assert (row["name"], row["place"], row["contact"]) == (
        "Los Montes Altos",
        None,
        "Vocería de alimentación",
    )
    shown = montes.run("communes", "Los Montes Altos").stdout
    assert "Café\n" in shown
    assert "Vocería de alimentación" in shown


def test_a_profile_that_changes_nothing_is_refused(montes: Secretary) -> None:
    assert "Say what changes" in montes.refused("profile")
    assert "nothing to change" in montes.refused("profile", "--name", "Los Montes")
    assert "It must not be empty." in montes.refused("profile", "--name", "")


# In full ----------------------------------------------------------------------------------------


def test_a_commune_is_shown_with_its_logs_and_its_authority(montes: Secretary) -> None:
    first = found_writer("La Sierra", *(key_of(f"council {number}") for number in range(3)), threshold=2)
    second = succeed(first, "La Sierra: log 2", first.seal(1))
    with Store(montes.home / "ledger.sqlite", "ensayo") as store:
        store.ingest(first.run())
        store.ingest(second.run())
    row = commune(montes, "La Sierra")
    assert row["authority"] == [
        {
            "threshold": 2,
            "keys": [
                key.hex() for key in authority_of(*(key_of(f"council {number}") for number in range(3))).keys
            ],
        }
    ]
    unsealed = {"size": 1, "branches": 1, "forked_at": None, "sealed_at": None, "contested": False}
    assert row["logs"] == [
        {"log": first.log.hex(), **unsealed, "sealed_at": 1},
        {"log": second.log.hex(), **unsealed},
    ]
    shown = montes.run("communes", "La Sierra").stdout
    assert "2 of 3 keys" in shown
    assert "sealed at 1" in shown
    assert "in use" in shown


def test_an_authority_that_was_replaced_twice_is_shown_as_in_force_no_more(montes: Secretary) -> None:
    writer = found_writer("La Sierra")
    charter, recovery = writer.authority, recovery_of("La Sierra")
    writer.replace_authority(key_of("one"), previous=[charter], signers=[recovery])
    writer.replace_authority(key_of("two"), previous=[charter], signers=[recovery])
    with Store(montes.home / "ledger.sqlite", "ensayo") as store:
        store.ingest(writer.run())
    assert len(commune(montes, "La Sierra")["authority"]) == 2
    assert "no authority is in force" in montes.run("communes", "La Sierra").stdout


def test_successions_that_contradict_each_other_are_shown(montes: Secretary) -> None:
    first = found_writer("La Sierra")
    with Store(montes.home / "ledger.sqlite", "ensayo") as store:
        for run in (first.run(), succeed(first, "a").run(), succeed(first, "b").run()):
            store.ingest(run)
    logs = commune(montes, "La Sierra")["logs"]
    assert [log["contested"] for log in logs] == [False, True, True]
    assert montes.run("communes", "La Sierra").stdout.count("contested") == 2


def test_what_a_commune_owes_and_is_owed_is_shown_by_partner_and_category(
    montes: Secretary, valle: Secretary
) -> None:
    offer = montes.sign("offer", "Maíz", "--category", "food-grain", "--quantity", "100", "--unit", "kg")
    montes.tell(valle)
    exchange = valle.sign(
        "propose",
        "--to",
        "Los Montes",
        "--listing",
        offer,
        "--give",
        "Clavos;2,5;kg",
        "--give",
        "Una función",
    )
    valle.tell(montes)
    montes.sign("accept", exchange)
    accounts = commune(montes, "Los Montes")["accounts"]
    assert [
        (row["partner"], row["category"], row["unit"], row["owes"]["quantity"], row["owed"]["quantity"])
        for row in accounts
    ] == [
        (valle.commune, None, None, "0", "1"),
        (valle.commune, None, "kg", "0", "2.5"),
        (valle.commune, "food-grain", "kg", "100", "0"),
    ]
    shown = montes.run("communes", "Los Montes").stdout
    for text in ("What stands open of Los Montes", "Maize, rice and other grain", "100 kg", "2.5 kg"):
        assert text in shown
    montes.tell(valle)
    assert commune(valle, "Los Montes")["accounts"] == accounts


def test_more_than_a_listing_has_is_shown_with_the_listing(montes: Secretary, valle: Secretary) -> None:
    offer = montes.sign("offer", "Maíz", "--category", "food-grain", "--quantity", "100", "--unit", "kg")
    montes.tell(valle)
    for _ in range(2):
        exchange = valle.sign(
            "propose", "--to", "Los Montes", "--listing", offer, "--take", "Maíz;60;kg", "--give", "Clavos"
        )
        valle.tell(montes)
        montes.sign("accept", exchange)
        montes.tell(valle)
    (row,) = montes.json("listings")
    assert (row["left"], row["overcommitted"]) == ("0", True)
    assert "promised too often" in montes.run("listings").stdout


def test_nobody_is_known_by_a_name_that_was_not_given(montes: Secretary) -> None:
    assert "No commune called 'El Cerro' is known here" in montes.refused("communes", "El Cerro")
    assert "No hay aquí ninguna comuna" in montes.refused("communes", "El Cerro", speaks="es")
