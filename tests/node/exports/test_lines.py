"""JSON lines: everything that is held, a line each, also what cannot be read."""

from __future__ import annotations

import json
import re
from typing import Any

from node.exports.lines import Line

from ...support.shared import CHECKOUT
from ..conftest import Secretary
from .conftest import append, newer


def lines(secretary: Secretary, *options: str) -> list[dict[str, Any]]:
    told = secretary.run("export", "--format", "jsonl", *options).stdout_bytes
    return [json.loads(line) for line in told.splitlines()]


def test_every_record_has_its_place_its_commune_and_its_id(full: Secretary) -> None:
    found = lines(full)
    held = {row["id"] for name in ("Los Montes", "El Valle", "La Sierra") for row in full.json("log", name)}
    assert {line["id"] for line in found} == held
    assert len(found) == len(held)
    offered = next(line for line in found if line["kind"] == "offer")
    (raw,) = [full.json("log", "--raw", offered["id"])]
    assert offered["record"] == raw["record"]
    assert (offered["log"], offered["index"]) == (raw["log"], raw["index"])
    assert (offered["commune"], offered["commune_name"]) == (full.commune, "Los Montes")
    assert offered["state"] == "record"
    assert offered["counts"] is True


def test_entries_of_a_log_stand_in_the_order_in_which_they_were_signed(full: Secretary) -> None:
    indices = [line["index"] for line in lines(full, "--commune", "Los Montes")]
    assert indices == list(range(len(indices)))


def test_what_this_version_cannot_interpret_is_marked_and_given(montes: Secretary) -> None:
    append(montes, newer())
    (line,) = [line for line in lines(montes) if line["state"] != "record"]
    assert line["state"] == "uninterpreted"
    assert line["record"]["kind"] == "loan"


def test_what_was_erased_is_marked_and_empty(montes: Secretary) -> None:
    entry = montes.sign("need", "Algo")
    montes.run("erase", entry, "--reason", "Prueba", "--yes")
    (line,) = [line for line in lines(montes) if line["id"] == entry]
    assert (line["state"], line["record"], line["kind"], line["at"]) == ("erased", None, None, None)


def test_only_recognised_communes_are_given_unless_all_are_wanted(
    montes: Secretary, valle: Secretary
) -> None:
    assert {line["commune_name"] for line in lines(montes)} == {"Los Montes"}
    assert {line["commune_name"] for line in lines(montes, "--all")} == {"Los Montes", "El Valle"}
    assert {line["commune_name"] for line in lines(montes, "--commune", "El Valle")} == {"El Valle"}


def test_since_a_day_leaves_out_what_is_older(montes: Secretary) -> None:
    assert lines(montes, "--since", "2001-01-01")
    assert lines(montes, "--since", "2190-01-01") == []


def test_every_key_is_documented() -> None:
    page = (CHECKOUT / "docs" / "reference" / "data.md").read_text()
    section = page.partition("## JSON lines\n")[2].partition("\n## ")[0]
    assert tuple(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)) == Line.__struct_fields__
