"""The committed vectors of records and the page that specifies them: both say what the code does."""

from __future__ import annotations

from typing import Any

import pytest

from ledger import encoding, signing
from ledger.log import entry_id
from ledger.records import KINDS, Malformed, Uninterpreted, parse, signed_body, to_payload
from tests.support import records_page
from tests.support.record_vectors import readable, record_vectors
from tests.support.vectors import assert_regenerates, load

VECTORS = load("records")


def named(group: str) -> list[Any]:
    return [pytest.param(vector, id=vector["name"]) for vector in VECTORS[group]]


def test_the_vectors_come_out_the_same_byte_for_byte() -> None:
    assert_regenerates("records", record_vectors())


def test_every_kind_is_among_the_vectors() -> None:
    assert {vector["kind"] for vector in VECTORS["records"]} == set(KINDS)


@pytest.mark.parametrize(
    "vector", VECTORS["records"], ids=lambda vector: f"{vector['kind']}-{vector['index']}"
)
def test_a_record_reads_as_the_vectors_say(vector: dict[str, Any]) -> None:
    payload = bytes.fromhex(vector["payload"])
    record = parse(payload)
    assert isinstance(record, KINDS[vector["kind"]])
    assert to_payload(record) == payload
    assert readable(encoding.decode(payload)) == vector["value"]
    assert entry_id(bytes.fromhex(vector["log"]), vector["index"], payload).hex() == vector["entry_id"]


def test_the_signatures_in_the_vectors_hold_over_the_bytes_that_they_say() -> None:
    counted = 0
    for vector in VECTORS["records"]:
        for covered, holder in (
            ("signatures_cover", vector["value"]),
            ("mandate_signatures_cover", vector["value"].get("mandate")),
        ):
            if covered in vector:
                for key, signature in holder["signatures"]:
                    message = bytes.fromhex(vector[covered])
                    assert signing.verify(bytes.fromhex(key["hex"]), message, bytes.fromhex(signature["hex"]))
                    counted += 1
    assert counted == 4


def test_a_record_with_ignored_fields_reads_as_the_one_without_and_is_signed_as_a_whole() -> None:
    known = {vector["entry_id"]: vector for vector in VECTORS["records"]}
    for vector in VECTORS["with_ignored_fields"]:
        plain = known[vector["reads_as"]]
        payload = bytes.fromhex(vector["payload"])
        assert parse(payload) == parse(bytes.fromhex(plain["payload"]))
        if "signatures_cover" in plain:
            assert signed_body(payload, VECTORS["network"]).hex() != plain["signatures_cover"]


@pytest.mark.parametrize("vector", named("uninterpreted"))
def test_what_the_vectors_say_is_not_interpreted_is_kept(vector: dict[str, Any]) -> None:
    read = parse(bytes.fromhex(vector["payload"]))
    assert isinstance(read, Uninterpreted)
    assert read.kind == vector["kind"]
    assert {name.hex() for name in read.names} == set(vector["names"])
    assert [[head.log.hex(), head.size] for head in read.seen] == vector["seen"]


@pytest.mark.parametrize("vector", named("malformed"))
def test_what_the_vectors_say_is_malformed_is(vector: dict[str, Any]) -> None:
    assert isinstance(parse(bytes.fromhex(vector["payload"])), Malformed)


# The page ---------------------------------------------------------------------------------------


def test_the_page_shows_the_fields_as_they_are() -> None:
    """Written anew by `python -m tests.support.records_page`."""
    page = records_page.page_path().read_text(encoding="utf-8")
    assert page == records_page.renewed(page)
    assert set(records_page.sections_of(page)) == set(records_page.SECTIONS)


def test_the_example_on_the_page_is_the_bytes_of_a_record() -> None:
    """Put together from the page itself, as a reader would."""
    page = records_page.page_path().read_text(encoding="utf-8")
    assert records_page.hex_of(records_page.sections_of(page)["example"]) == records_page.example().payload
    assert records_page.example().id.hex() in page


def test_every_field_on_the_page_has_its_meaning() -> None:
    assert records_page.meanings_missing() == set()
    assert records_page.meanings_unused() == set()
