"""The committed vectors of communes: they come out the same, and mean what they say."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest

from ledger import merkle, signing
from ledger.log import Head, LogKey, entry_id
from ledger.records import Seal
from tests.support.commune_vectors import CASES, PAGE, VECTORS, amounts_to, page, read_case, text
from tests.support.communes import history_of
from tests.support.vectors import assert_page_is_from_vectors

GIVEN: dict[str, Any] = json.loads(VECTORS.read_text(encoding="utf-8"))


def test_the_vectors_come_out_the_same_byte_for_byte() -> None:
    assert VECTORS.read_bytes() == text().encode()
    assert [case["name"].replace(" ", "_") for case in GIVEN["cases"]] == [case.__name__ for case in CASES]


@pytest.mark.parametrize("case", GIVEN["cases"], ids=lambda case: case["name"])
def test_the_branches_of_a_case_are_whole_and_under_signed_heads(case: dict[str, Any]) -> None:
    for branch in case["branches"]:
        log = LogKey(bytes.fromhex(branch["log"]))
        payloads = [bytes.fromhex(payload) for payload in branch["payloads"]]
        ids = [entry_id(log, index, payload) for index, payload in enumerate(payloads)]
        assert [one.hex() for one in ids] == branch["ids"]
        signature = bytes.fromhex(branch["head"]["signature"])
        head = Head(log, branch["head"]["size"], merkle.root(ids), signature)
        assert head.size == len(ids)
        assert head.root.hex() == branch["head"]["root"]
        assert head.is_signed(GIVEN["network"])


@pytest.mark.parametrize("case", GIVEN["cases"], ids=lambda case: case["name"])
@pytest.mark.parametrize("rng", [None, Random(1), Random(2), Random(3)])
def test_a_case_amounts_to_what_it_says_from_its_bytes_alone(
    case: dict[str, Any], rng: Random | None
) -> None:
    writers = read_case(case, GIVEN["network"])
    history = history_of(*writers, rng=rng)
    assert amounts_to(history, writers) == {name: case[name] for name in ("communes", "entries", "exchanges")}
    cuts = {log: history.cut(LogKey(bytes.fromhex(log))) for log in {writer.log.hex() for writer in writers}}
    assert {log: cut for log, cut in cuts.items() if cut is not None} == case["cuts"]


def test_the_cases_show_every_standing_and_nearly_every_reason() -> None:
    standings = {one for case in GIVEN["cases"] for branch in case["entries"] for one in branch}
    assert standings == {"counts", "contested", "does not count"}
    codes = {item["code"] for case in GIVEN["cases"] for one in case["communes"] for item in one["refused"]}
    assert codes == {
        "authority-copied",
        "authority-unsigned",
        "succession-authority-replaced",
        "succession-beside-another",
        "succession-copied",
        "succession-unsigned",
    }
    assert codes <= {line.split("`")[1] for line in PAGE.read_text().splitlines() if line.startswith("| `")}


def test_the_signature_in_the_example_covers_the_bytes_that_are_given() -> None:
    key = signing.SigningKey(bytes.fromhex(GIVEN["recovery"]["seed"]))
    assert key.public_key.hex() == GIVEN["recovery"]["key"]
    payload, covers = GIVEN["signed"]["payload"], bytes.fromhex(GIVEN["signed"]["covers"])
    assert covers.startswith(b"trueque/succession/v1\ncomunas\n")
    assert key.sign(covers).hex() in payload
    assert Seal(bytes(32), 0, bytes.fromhex(GIVEN["seal_of_nothing"])).root == merkle.EMPTY_ROOT


def test_the_page_has_the_example_and_no_number_that_is_not_in_the_vectors() -> None:
    assert PAGE.read_text(encoding="utf-8") == page()
    assert assert_page_is_from_vectors("commune") > 20
    assert f"this case and {len(CASES) - 1} more" in PAGE.read_text(encoding="utf-8")
