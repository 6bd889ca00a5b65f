"""The vectors of receipts come out the same, the page is from them, and an independent checker agrees."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Any

import pytest

from ledger import limits
from ledger.errors import ReceiptError
from ledger.paper import from_paper, to_paper
from ledger.parts import join_parts
from ledger.receipt import decode_receipt, verify_receipt
from ledger.shorthand import DICTIONARY

from ..support import check_receipt, receipt_vectors
from ..support.vectors import assert_regenerates, load, page

RECEIPTS: list[dict[str, Any]] = load("receipt")["receipts"]
REFUSED: list[dict[str, Any]] = load("receipt")["refused"]


def comment_of(vector: dict[str, Any]) -> str:
    return str(vector["comment"])


def test_the_vectors_are_made_anew_byte_for_byte() -> None:
    assert_regenerates("receipt", receipt_vectors.vectors())


@pytest.mark.parametrize("vector", RECEIPTS, ids=comment_of)
def test_a_receipt_of_the_vectors_shows_what_they_say(vector: dict[str, Any]) -> None:
    data = bytes.fromhex(vector["receipt"])
    assert receipt_vectors.shows(decode_receipt(data)) == vector["shows"]
    assert verify_receipt(data).exchange.id.hex() == vector["exchange"]


@pytest.mark.parametrize("vector", RECEIPTS, ids=comment_of)
def test_its_paper_form_gives_it_back(vector: dict[str, Any]) -> None:
    data, paper = bytes.fromhex(vector["receipt"]), bytes.fromhex(vector["paper"])
    assert from_paper(paper) == data
    assert join_parts(vector["parts"]) == paper
    assert len(to_paper(data)) <= len(paper) + 8  # another zlib may deflate a little differently


@pytest.mark.parametrize("vector", RECEIPTS, ids=comment_of)
def test_a_checker_that_shares_no_code_with_the_program_agrees(vector: dict[str, Any]) -> None:
    proved = check_receipt.check(bytes.fromhex(vector["receipt"]))
    steps = {(move["id"], move["kind"], move["log"], move["index"]) for move in vector["shows"]["moves"]}
    assert steps <= {(one.id.hex(), one.record["kind"], one.log.hex(), one.index) for one in proved}


@pytest.mark.parametrize("vector", REFUSED, ids=comment_of)
def test_what_the_vectors_say_is_refused_is(vector: dict[str, Any]) -> None:
    with pytest.raises(ReceiptError):
        verify_receipt(bytes.fromhex(vector["receipt"]))


def test_the_independent_checker_refuses_what_is_not_signed() -> None:
    refused = []
    for vector in REFUSED:
        try:
            check_receipt.check(bytes.fromhex(vector["receipt"]))
        except check_receipt.NotProvedError:
            refused.append(vector["comment"])
    passed = {vector["comment"] for vector in REFUSED} - set(refused)
    # These three are well signed, and refused for their form or their purpose.
    assert passed == {
        "a longer spelling",
        "the excerpts in the wrong order",
        "the charter of a commune that has no part in it",
    }


def test_every_flipped_byte_of_a_signed_part_is_refused_by_the_independent_checker_too() -> None:
    data = bytes.fromhex(RECEIPTS[0]["receipt"])
    for place in range(len(data)):
        broken = data[:place] + bytes([data[place] ^ 1 << place % 8]) + data[place + 1 :]
        with pytest.raises(check_receipt.NotProvedError):
            check_receipt.check(broken)


def test_the_page_holds_the_example_and_no_number_that_is_made_up() -> None:
    assert page("receipt") == receipt_vectors.page()
    example = RECEIPTS[0]["receipt"]
    text = page("receipt").replace(sha256(DICTIONARY).hexdigest(), "")
    for number in re.findall(r"\b[0-9a-f]{12,}\b", text):
        assert number in example, number
    assert f"{len(example) // 2} bytes" in text


def test_the_page_gives_the_dictionary_and_the_limits_that_hold() -> None:
    text = page("receipt")
    assert load("receipt")["dictionary"] == DICTIONARY.hex()
    assert sha256(DICTIONARY).hexdigest() in text
    for number in (len(DICTIONARY), limits.MAX_RECEIPT_BYTES, limits.MAX_CODE_BYTES):
        assert f"{number:,} bytes" in text
    for sentence in (
        f"1 to {limits.MAX_RECEIPT_LOGS} excerpts",
        f"at most {limits.MAX_RECEIPT_ENTRIES} items",
        f"at most {limits.MAX_RECEIPT_STATEMENTS}, in ascending order",
        f"at most {limits.MAX_CODES}.",
    ):
        assert sentence in text
