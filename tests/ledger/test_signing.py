"""Signatures: which are accepted, and what a context keeps apart."""

from __future__ import annotations

import json

import pytest

from ledger import signing
from ledger.errors import LocalError, RecordError
from ledger.signing import SigningKey
from tests.support.shared import shared_path


def test_every_wycheproof_signature_is_judged_as_it_says() -> None:
    vectors = json.loads(shared_path("vectors/ed25519/wycheproof.json").read_text())
    count = 0
    for group in vectors["testGroups"]:
        public_key = bytes.fromhex(group["publicKey"]["pk"])
        for case in group["tests"]:
            accepted = signing.verify(public_key, bytes.fromhex(case["msg"]), bytes.fromhex(case["sig"]))
            assert accepted is (case["result"] == "valid"), case["tcId"]
            count += 1
    assert count == vectors["numberOfTests"] == 151


def test_the_signatures_of_rfc_8032_are_made_and_judged_as_it_says() -> None:
    cases = json.loads(shared_path("vectors/ed25519/rfc8032.json").read_text())["cases"]
    assert len(cases) == 8
    for case in cases:
        public_key, message, signature = (bytes.fromhex(case[name]) for name in ("pk", "msg", "sig"))
        assert signing.verify(public_key, message, signature) is case["ok"], case["name"]
        if "seed" in case:
            key = SigningKey(bytes.fromhex(case["seed"]))
            assert key.public_key == public_key
            assert key.sign(message) == signature


def test_a_signature_counts_only_in_its_own_context() -> None:
    key = SigningKey(bytes(range(32)))
    signature = key.sign_in_context("charter", "comunas", b"Comuna El Maizal")
    arguments = (key.public_key, b"Comuna El Maizal", signature)
    assert signing.verify_in_context("charter", "comunas", *arguments)
    assert not signing.verify_in_context("authority", "comunas", *arguments)
    assert not signing.verify_in_context("charter", "prueba", *arguments)
    assert not signing.verify(*arguments)


def test_a_context_names_purpose_and_network_each_on_a_line() -> None:
    assert signing.context("charter", "comunas") == b"trueque/charter/v1\ncomunas\n"


@pytest.mark.parametrize("name", ["", "Comunas", "co munas", "comunas\n", "a" * 33, "comunás", "a/b"])
def test_a_name_that_could_blur_a_context_is_refused(name: str) -> None:
    with pytest.raises(RecordError):
        signing.check_network(name)
    with pytest.raises(RecordError):
        signing.context("charter", name)
    with pytest.raises(RecordError):
        signing.context(name, "comunas")
    key = SigningKey(bytes(32))
    assert not signing.verify_in_context("charter", name, key.public_key, b"", key.sign(b""))


def test_a_network_is_named_by_small_letters_digits_and_hyphens() -> None:
    for name in ("comunas", "prueba-2", "0", "-", "a" * 32):
        signing.check_network(name)


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_a_seed_of_another_length_makes_no_key(length: int) -> None:
    with pytest.raises(LocalError):
        SigningKey(bytes(length))


def test_a_key_never_shows_its_seed() -> None:
    seed = b"thirty-two bytes nobody may read"
    shown = repr(SigningKey(seed)) + str(SigningKey(seed))
    assert "nobody" not in shown
    assert seed.hex() not in shown


def test_bytes_of_any_length_are_refused_without_an_error() -> None:
    key = SigningKey(bytes(32))
    signature = key.sign(b"m")
    for length in (0, 1, 31, 33, 64, 1000):
        assert not signing.verify(bytes(length), b"m", signature)
    for length in (0, 1, 63, 65, 1000):
        assert not signing.verify(key.public_key, b"m", signature[:length].ljust(length, b"\0"))
