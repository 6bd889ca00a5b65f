"""Parts: bytes cut into codes, and put together again from whatever comes back."""

from __future__ import annotations

import itertools
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger import limits
from ledger.errors import ReceiptError
from ledger.parts import find_parts, join_parts, paper_parts

WHOLE = sha256(b"whole").digest() * 40


def refusal(*parts: str) -> str:
    with pytest.raises(ReceiptError) as caught:
        join_parts(parts)
    return str(caught.value)


@given(st.binary(max_size=3_000), st.integers(limits.MIN_CODE_BYTES, limits.MAX_CODE_BYTES))
@settings(max_examples=60)
def test_any_bytes_come_back_from_their_parts(data: bytes, max_bytes: int) -> None:
    parts = paper_parts(data, max_bytes)
    assert len(parts) == max(1, -(-len(data) // max_bytes))
    assert join_parts(parts) == data
    assert find_parts("\n".join(parts)) == parts


def test_every_length_comes_back() -> None:
    for length in range(80):
        assert join_parts(paper_parts(WHOLE[:length])) == WHOLE[:length]


def test_the_order_and_repeats_of_parts_do_not_matter() -> None:
    parts = paper_parts(WHOLE, 500)
    assert len(parts) == 3
    for order in itertools.permutations(parts):
        assert join_parts([*order, order[0]]) == WHOLE


def test_parts_are_of_one_length_nearly() -> None:
    lengths = [len(part) for part in paper_parts(WHOLE, 500)]
    assert max(lengths) - min(lengths) < 8


def test_a_part_says_in_words_what_it_is() -> None:
    (part,) = paper_parts(b"minga")
    assert part.startswith("TRUEQUE1:1/1:")
    assert part.removeprefix("TRUEQUE1:1/1:").isdecimal()


def test_parts_are_found_in_any_text_and_blanks_between_digits_mean_nothing() -> None:
    parts = paper_parts(WHOLE, 700)
    broken = [
        "\n".join(" ".join(part[at : at + 5] for at in range(13, len(part), 5)).split(" " * 3))
        for part in parts
    ]
    text = "".join(
        f"Receipt 7c0f of 12 communes.\r\n{part[:13]}\n{digits}\r\nSheet {number}\n"
        for number, (part, digits) in enumerate(zip(parts, broken, strict=True), 1)
    )
    assert find_parts(text) == parts
    assert join_parts([part[:40] + "\n" + part[40:] for part in parts]) == WHOLE
    assert find_parts("Nothing 1/2: 345") == []


def test_a_missing_part_is_named() -> None:
    parts = paper_parts(WHOLE, 300)
    assert "Of 5 codes these are missing: 2, 4." in refusal(parts[0], parts[2], parts[4])
    assert "no code" in refusal()


def test_parts_of_two_receipts_are_not_mixed() -> None:
    one, other = paper_parts(WHOLE, 700), paper_parts(WHOLE[1:], 700)
    assert "not all of one receipt" in refusal(one[0], other[1])
    assert "not all of one receipt" in refusal(one[0], paper_parts(WHOLE, 500)[1])


def test_two_different_parts_of_one_number_are_refused() -> None:
    one, other = paper_parts(WHOLE, 700)
    digits = "".join(str(9 - int(digit)) for digit in one[-20:])
    assert refusal(one, one[:-20] + digits, other)


def test_every_changed_digit_is_refused() -> None:
    parts = paper_parts(WHOLE[:90], 64)
    for place in range(len(parts[0])):
        for letter in "07:A":
            changed = parts[0][:place] + letter + parts[0][place + 1 :]
            if changed != parts[0]:
                assert refusal(changed, parts[1])


@pytest.mark.parametrize(
    "part",
    [
        "TRUEQUE1:1/1:",
        "TRUEQUE1:1/1:1",
        "TRUEQUE1:1/1:" + "9" * 29,
        "TRUEQUE1:1/1:" + "1" * 28,
        "TRUEQUE1:2/1:" + "0" * 29,
        "TRUEQUE1:0/1:" + "0" * 29,
        "TRUEQUE1:01/1:" + "0" * 29,
        "TRUEQUE1:1/1:" + "٣" * 29,
        "TRUEQUE2:1/1:" + "0" * 29,
        "",
        "minga",
    ],
)
def test_what_is_no_part_is_refused(part: str) -> None:
    assert refusal(part)


def test_more_codes_than_anybody_scans_are_refused() -> None:
    with pytest.raises(ReceiptError, match="use the file"):
        paper_parts(bytes(limits.MAX_CODE_BYTES * limits.MAX_CODES + 1))


@given(st.text(max_size=200))
@settings(max_examples=60)
def test_junk_is_refused(junk: str) -> None:
    for text in (junk, "TRUEQUE1:1/1:" + junk):
        with pytest.raises(ReceiptError):
            join_parts([text])
        assert find_parts(junk) == []
