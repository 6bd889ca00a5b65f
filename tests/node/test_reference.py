"""The reference of commands and of JSON: nothing is undocumented, and what is written there holds."""

from __future__ import annotations

import json
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ledger.store.writing import Store
from node import shares
from node.cli import COMMANDS
from node.home import Home
from node.proposals import WrittenProposal, WrittenTransfer
from node.quotas import Quotas
from node.rations import Rations
from node.unknown import Unknown

from ..support import command_pages, limits_page
from ..support.communes import found as found_writer
from ..support.communes import key_of
from ..support.shared import CHECKOUT
from .conftest import Secretary

JSON = (CHECKOUT / "docs" / "reference" / "json.md").read_text()


def shape(heading: str) -> set[str]:
    """The keys that the page gives under a heading."""
    matched = re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#)", JSON + "\n#", re.MULTILINE | re.DOTALL)
    assert matched is not None, heading
    keys = set(re.findall(r"^\| `(\w+)` \|", matched[1], re.MULTILINE))
    assert keys, heading
    return keys


def check(value: Any, heading: str, *, without: set[str] = frozenset()) -> None:  # type: ignore[assignment]
    """Compare the keys of an object, or of every object of an array, with the page."""
    for one in value if isinstance(value, list) else [value]:
        assert set(one) == shape(heading) - without, heading


# Commands ---------------------------------------------------------------------------------------


def test_the_page_of_commands_is_that_of_the_commands() -> None:
    """Write it anew with `python -m tests.support.command_pages`."""
    assert command_pages.page_path().read_text() == command_pages.page()


def test_the_page_is_in_english_whatever_is_spoken() -> None:
    from node import language

    language.use("es")
    assert command_pages.page_path().read_text() == command_pages.page()
    assert language.current() == "es"


@pytest.mark.parametrize("name", [row.name for row in COMMANDS])
def test_what_every_command_prints_as_json_is_documented(name: str) -> None:
    table = JSON.partition("## What the commands print")[2].partition("\n## ")[0]
    assert f"`trueque {name}`" in table


def test_what_is_told_of_quotas_is_documented() -> None:
    check(shares.facts_of(Rations(Quotas()), Unknown("ensayo"), [], lambda log: None), "Quotas")


# JSON -------------------------------------------------------------------------------------------


@pytest.fixture
def story(montes: Secretary, valle: Secretary) -> str:
    """An exchange in which everything that can be shown was said."""
    offer = montes.sign("offer", "Maíz", "--category", "food-grain", "--quantity", "100", "--unit", "kg")
    montes.tell(valle)
    exchange = valle.sign("propose", "--to", "Los Montes", "--listing", offer, "--give", "Clavos;20;kg")
    valle.tell(montes)
    check(montes.json("accept", exchange), "Answer about an exchange")
    montes.tell(valle)
    check(valle.json("deliver", exchange), "Answer about an exchange")
    check(valle.json("receive", exchange, "--quantity", "9"), "Answer about an exchange")
    dispute = valle.json("dispute", exchange, "--note", "Falta")
    check(dispute, "Answer about an exchange")
    check(valle.json("settle", dispute["id"], "--outcome", "due"), "Answer about an exchange")
    check(valle.json("cancel", exchange), "Answer about an exchange")
    return exchange


def test_answers_are_documented(montes: Secretary, valle: Secretary) -> None:
    listing = montes.json("need", "Algo")
    check(listing, "Answer")
    check(montes.json("withdraw", listing["id"]), "Answer")
    check(montes.json("correct", listing["id"], "--note", "Nada"), "Answer")
    check(montes.json("profile", "--place", "Mérida"), "Answer")
    check(montes.json("propose", "--to", "El Valle", "--give", "Algo"), "Answer")
    check(montes.json("recognise", "El Valle"), "Answer about a commune")
    check(montes.json("unrecognise", "El Valle"), "Answer about a commune")
    check(montes.json("erase", listing["id"], "--reason", "Prueba"), "Answer")
    check(montes.json("rebuild"), "Rebuilt")
    declined = valle.json("propose", "--to", "Los Montes", "--give", "Algo")["id"]
    valle.tell(montes)
    check(montes.json("decline", declined), "Answer about an exchange")


def test_codes_are_documented(montes: Secretary) -> None:
    for asked in ("--categories", "--units"):
        check(montes.json("listings", asked), "Code")


def test_listings_are_documented(montes: Secretary) -> None:
    montes.sign("offer", "Algo")
    check(montes.json("listings"), "Listing")


def test_exchanges_are_documented(montes: Secretary, valle: Secretary, story: str) -> None:
    check(valle.json("exchanges"), "Exchange", without={"moves"})
    (row,) = valle.json("exchanges", story)
    check(row, "Exchange")
    check(row["parties"], "Party")
    check(row["transfers"], "Transfer")
    check(row["answers"], "Answer to a proposal")
    check(row["waiting_for"], "Step")
    check(row["disputes"], "Dispute")
    check(row["disputes"][0]["words"], "Word")
    check(row["moves"], "Move")


def test_receipts_are_documented(valle: Secretary, story: str, tmp_path: Path) -> None:
    answer = valle.json("receipt", story, "--out", str(tmp_path / "r"), "--paper", str(tmp_path / "r.txt"))
    check(answer, "Answer about a receipt")
    receipt = json.loads(valle.run("verify", str(tmp_path / "r"), "--json", status=1).stdout)
    check(receipt, "Receipt")
    check(receipt["parties"], "Party of a receipt")
    check(receipt["transfers"], "Transfer")
    check(receipt["moves"], "Move")
    check(receipt["logs"], "Log of a receipt")
    check(receipt["found"], "Remark")
    check(receipt["unproven"], "Remark")


def test_communes_are_documented(montes: Secretary, valle: Secretary, story: str) -> None:
    check(valle.json("communes"), "Commune")
    writer = found_writer("La Sierra")
    writer.replace_authority(key_of("another"), signers=[], previous=[bytes(32)])
    with Store(valle.home / "ledger.sqlite", "ensayo") as store:
        store.ingest(writer.run())
    for name in ("El Valle", "La Sierra"):
        (row,) = valle.json("communes", name)
        assert set(row) == shape("Commune") | shape("Commune in full")
        check(row["authority"], "Authority of a commune")
        check(row["logs"], "Log of a commune")
        check(row["refused"], "Record without effect")
        check(row["accounts"], "Account")
        for account in row["accounts"]:
            for figure in ("owes", "owed", "giving", "getting"):
                check(account[figure], "Figure")
    (row,) = valle.json("communes", "El Valle")
    assert row["accounts"]


def test_logs_are_documented(montes: Secretary) -> None:
    rows = montes.json("log")
    check(rows, "Entry")
    check(montes.json("log", "--raw", rows[0]["id"]), "Entry as it is")


def test_audits_are_documented(montes: Secretary, valle: Secretary, story: str) -> None:
    audit = json.loads(valle.run("audit", "--json", status=1).stdout)
    check(audit, "Audit")
    check(audit["findings"], "Finding")
    check(audit["checked"], "Checked")
    assert audit["findings"]


def test_what_is_passed_on_and_kept_is_documented(montes: Secretary, valle: Secretary, places: Path) -> None:
    bundle, password = places / "montes.trueque", places / "password"
    password.write_text("una contraseña larga\n")
    check(montes.json("export", "--bundle", str(bundle)), "Export")
    lines = ("export", "--format", "jsonl", "--out", str(places / "lines"))
    check(montes.json(*lines), "Export for programs")
    report = valle.json("import", str(bundle), "--all")
    check(report, "Import")
    check(report["logs"], "Log of an import")
    assert set(report["evidence"]) == {"new", "known", "refused", "left_out"}
    table = places / "table.csv"
    table.write_text("kind,title\noffer,Algo\nneed,Sal\n")
    answer = montes.json("import", "--csv", str(table))
    check(answer, "Import of a table")
    check(answer["rows"], "Row of a table")
    backup = places / "montes.backup"
    answer = montes.json("backup", str(backup), "--password-file", str(password))
    check(answer, "Answer about a backup")
    restored = Secretary("Los Montes", places / "restored")
    words = places / "los-montes.words"
    check(
        restored.json("restore", str(backup), "--password-file", str(password), "--words", str(words)),
        "Answer",
    )


def test_the_authority_is_documented(montes: Secretary, valle: Secretary, places: Path) -> None:
    check(montes.json("authority", "show"), "Authority")
    made = montes.json("authority", "key", "--out", str(places / "one.words"))
    check(made, "Key")
    other = montes.json("authority", "key", "--out", str(places / "two.words"))
    recovery = ("--words", str(places / "los-montes.words"))
    keys = ("--key", made["key"], "--key", other["key"])
    check(montes.json("authority", "replace", *keys, "--threshold", "2", *recovery), "Answer")
    first = ("--key", made["key"], "--threshold", "1")
    request = str(places / "request.json")
    check(
        montes.json("authority", "replace", *first, "--words", str(places / "one.words"), "--out", request),
        "Request",
    )
    shown = montes.json("authority", "show", request)
    check(shown, "Request in full")
    check(shown["authorities"], "Authority that signs")
    check(shown["authorities"][0]["keys"], "Key that signs")
    password, backup = places / "password", places / "montes.backup"
    password.write_text("una contraseña larga\n")
    montes.run("backup", str(backup), "--password-file", str(password))
    restored = Secretary("Los Montes", places / "restored")
    arguments = ("--password-file", str(password), "--request-out", str(places / "restore.json"))
    check(restored.json("restore", str(backup), *arguments), "Answer about a restore")


def test_the_file_of_a_proposal_is_documented(montes: Secretary, valle: Secretary, places: Path) -> None:
    assert {field.encode_name for field in msgspec.structs.fields(WrittenProposal)} == shape(
        "Proposal in a file"
    )
    assert {field.encode_name for field in msgspec.structs.fields(WrittenTransfer)} == shape(
        "Transfer in a file"
    )


def test_the_example_of_such_a_file_can_be_proposed(
    montes: Secretary, valle: Secretary, places: Path
) -> None:
    sierra = found_writer("La Sierra")
    with Store(montes.home / "ledger.sqlite", "ensayo") as store:
        store.ingest(sierra.run())
    section = JSON.partition("## The file of")[2]
    example = re.search(r"^    \{\n.*?^    \}\n", section, re.MULTILINE | re.DOTALL)
    assert example is not None
    file = places / "exchange.json"
    file.write_text(json.dumps(json.loads(example[0])))
    montes.sign("propose", "--file", str(file))
    (row,) = montes.json("exchanges")
    assert row["form"] == "ring"


def test_nodes_are_documented(montes: Secretary, monkeypatch: pytest.MonkeyPatch) -> None:
    from node.cli import running
    from node.state import PartTold, look

    facts = {
        "peers": [
            {
                "log": "ab" * 32, "commune": "cd" * 32, "name": "El Valle", "address": "127.0.0.1:8784",
                "opened_here": True, "seconds": 3, "kept": True, "met": 1_790_000_000_000, "failures": 0,
            },
        ],
        "known": [
            {
                "log": "ef" * 8, "commune": None, "name": None, "address": "192.0.2.1:8784", "again": 1,
                "state": state, "why": why, "failures": failures, "met": met,
            }
            for state, why, failures, met in (
                ("new", None, 0, None),
                ("resting", None, 0, 1_790_000_000_000),
                ("soon", None, 0, 1_790_000_000_000),
                ("waiting", "unreachable", 5, None),
            )
        ],
    }  # fmt: skip
    state = msgspec.structs.replace(look(Home(montes.home)), parts={"gossip": PartTold(facts, ())})
    monkeypatch.setattr(running, "state_of", lambda desk: state)
    rows = montes.json("peers")
    check(rows, "Node")
    assert [row["state"] for row in rows] == ["linked", "new", "resting", "soon", "waiting"]
    told = " ".join(montes.run("peers").stdout.split())
    assert "El Valle" in told
    assert "linked, not recognised" in told
    assert "5 failures" in told


# Limits -----------------------------------------------------------------------------------------


def test_the_page_of_limits_is_that_of_the_layers() -> None:
    """Write it anew with `python -m tests.support.limits_page`."""
    assert limits_page.page_path().read_text(encoding="utf-8") == limits_page.page()


@pytest.mark.parametrize("layer", limits_page.LAYERS)
def test_every_limit_says_what_it_counts_and_why(layer: str) -> None:
    found = list(limits_page.limits(layer))
    assert len(found) > 30
    assert [limit.name for limit in found if not limit.unit or not limit.reason] == []
    module = import_module(f"{layer}.limits")
    assert {limit.name for limit in found} == {name for name in vars(module) if re.fullmatch("[A-Z_]+", name)}
