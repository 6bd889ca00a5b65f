"""Keys and the words that people write down for them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.signing import SigningKey
from node import keys
from node.errors import WordsError

SEEDS = st.binary(min_size=32, max_size=32)


@given(SEEDS, st.sampled_from(["es", "en"]))
def test_words_stand_for_the_key_however_they_are_typed(seed: bytes, spoken: str) -> None:
    key = SigningKey(seed)
    words = keys.words_of(key, spoken)
    assert len(words.split()) == keys.WORDS
    assert keys.key_of_words(words).seed == seed
    plain = words.translate(str.maketrans("áéíóúüñ", "aeiouun")).upper()
    assert keys.key_of_words(f"  {plain.replace(' ', chr(10))} ").seed == seed


def test_the_words_are_those_of_bip_39() -> None:
    """Other tools turn them into the same bytes (BIP 39, test vectors of its English list)."""
    assert keys.words_of(SigningKey(bytes(32)), "en") == " ".join(["abandon"] * 23 + ["art"])
    assert keys.words_of(SigningKey(b"\xff" * 32), "en") == " ".join(["zoo"] * 23 + ["vote"])


@given(SEEDS, st.integers(0, 23), st.integers(0, 23))
def test_words_in_another_order_are_another_key_or_none(seed: bytes, one: int, other: int) -> None:
    words = keys.words_of(SigningKey(seed), "en").split()
    words[one], words[other] = words[other], words[one]
    try:
        found = keys.key_of_words(" ".join(words)).seed
    except WordsError:
        return
    # A checksum of 8 bits lets one wrong order in 256 through.
    assert (found == seed) is (words == keys.words_of(SigningKey(seed), "en").split())


@given(st.text(max_size=300))
def test_junk_is_no_key(text: str) -> None:
    with pytest.raises(WordsError):
        keys.key_of_words(text)


@pytest.mark.parametrize("count", [0, 1, 12, 23, 25])
def test_another_number_of_words_is_told_as_such(count: int) -> None:
    with pytest.raises(WordsError, match=f"Words given: {count}; needed: 24"):
        keys.key_of_words(" ".join(["abandon"] * count))


def test_the_word_that_is_wrong_is_named() -> None:
    words = keys.words_of(SigningKey(bytes(32)), "es").split()
    with pytest.raises(WordsError, match="'xyzzy'"):
        keys.key_of_words(" ".join(["xyzzy", *words[1:]]))


def test_two_keys_are_never_the_same() -> None:
    assert keys.new_key().seed != keys.new_key().seed


def test_a_fingerprint_is_the_first_66_bits_in_six_words() -> None:
    assert keys.fingerprint_words(bytes(32), "en") == " ".join(["abandon"] * 6)
    assert keys.fingerprint_words(b"\xff" * 32, "en") == " ".join(["zoo"] * 6)
    last = bytes([0] * 8 + [0x40]) + b"\xff" * 23
    assert keys.fingerprint_words(last, "en") == " ".join(["abandon"] * 5 + ["ability"])
