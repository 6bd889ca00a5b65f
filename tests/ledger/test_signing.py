"""Signatures: which are accepted, and what a context keeps apart."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import signing
from ledger.errors import LocalError, RecordError
from ledger.signing import SigningKey
from tests.support import ed25519
from tests.support.shared import shared_path
from tests.support.vectors import assert_page_is_from_vectors, assert_regenerates, load

SEED = bytes(range(32))
KEY = SigningKey(SEED)
MESSAGE = "Cien kilos de maíz".encode()


# Vectors of others -----------------------------------------------------------------------------------


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


# Signatures that trick -------------------------------------------------------------------------------


def _tricks() -> list[tuple[str, bytes, bytes, bytes]]:
    """Signatures that some verifiers accept and ours must not: name, public key, message, signature."""
    secret, nonce = ed25519.secret_scalar(SEED), 1234567890
    torsion = ed25519.torsion()
    point = ed25519.multiply(secret, ed25519.BASE)
    commitment = ed25519.multiply(nonce, ed25519.BASE)
    plain = ed25519.to_bytes(commitment)
    tricks = []
    for step, small in enumerate(torsion):
        encoded = ed25519.to_bytes(small)
        # A key of small order: S = nonce satisfies the equation for every message with h·A = 0.
        tricks.append(
            _trick_with_key(f"key is the point of small order {step}", encoded, small, 0, plain, nonce)
        )
        # R of small order: S = h·secret, so that S·B = R + h·A up to that point.
        signature = ed25519.sign_with(secret, KEY.public_key, 0, encoded, MESSAGE)
        tricks.append((f"R is the point of small order {step}", KEY.public_key, MESSAGE, signature))
        if step:
            mixed_key = ed25519.add(point, small)
            tricks.append(
                _trick_with_key(
                    f"key is off the subgroup by point {step}",
                    ed25519.to_bytes(mixed_key),
                    small,
                    secret,
                    plain,
                    nonce,
                )
            )
            mixed = ed25519.to_bytes(ed25519.add(commitment, small))
            signature = ed25519.sign_with(secret, KEY.public_key, nonce, mixed, MESSAGE)
            tricks.append((f"R is off the subgroup by point {step}", KEY.public_key, MESSAGE, signature))
    signature = KEY.sign(MESSAGE)
    scalar = int.from_bytes(signature[32:], "little")
    for factor in (1, 2, 14):
        raised = (scalar + factor * ed25519.ORDER).to_bytes(32, "little")
        tricks.append((f"S raised by {factor} L", KEY.public_key, MESSAGE, signature[:32] + raised))
    for name, y, sign, small in (  # encodings that the RFC forbids, of points of small order
        ("y=0 written as p", ed25519.P, 0, torsion[2]),
        ("y=0 written as p, x negative", ed25519.P, 1, torsion[6]),
        ("y=1 written as p+1", ed25519.P + 1, 0, torsion[0]),
        ("x=0 negative, y=1", 1, 1, torsion[0]),
        ("x=0 negative, y=-1", ed25519.P - 1, 1, torsion[4]),
    ):
        encoded = (y | sign << 255).to_bytes(32, "little")
        tricks.append(_trick_with_key(f"key has {name}", encoded, small, 0, plain, nonce))
        signature = ed25519.sign_with(secret, KEY.public_key, 0, encoded, MESSAGE)
        tricks.append((f"R has {name}", KEY.public_key, MESSAGE, signature))
    return tricks


def _trick_with_key(
    name: str, public_key: bytes, small: ed25519.Point, secret: int, commitment: bytes, nonce: int
) -> tuple[str, bytes, bytes, bytes]:
    """A signature under a bad key over the first message for which S·B = R + h·A holds exactly."""
    for count in range(1_000):
        message = b"%d" % count
        hashed = ed25519.challenge(commitment, public_key, message)
        if ed25519.multiply(hashed, small) == ed25519.NEUTRAL:
            return (
                name,
                public_key,
                message,
                ed25519.sign_with(secret, public_key, nonce, commitment, message),
            )
    pytest.fail("no message was found, though one in eight should do")


def test_no_signature_that_tricks_is_accepted() -> None:
    for name, public_key, message, signature in _tricks():
        assert not signing.verify(public_key, message, signature), name


def test_libsodium_alone_would_accept_keys_off_the_subgroup() -> None:
    """The check of keys is what refuses them; were this to fail, that check could go."""
    accepted = [name for name, *trick in _tricks() if signing._open(*trick)]
    assert "key is off the subgroup by point 4" in accepted


def test_a_libsodium_with_the_cofactor_accepts_the_same_signatures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Newer releases accept R off the subgroup; nodes must agree whichever release they have."""

    def opens_with_cofactor(public_key: bytes, message: bytes, signature: bytes) -> bool:
        return ed25519.verify_with_cofactor(public_key, message, signature)

    probe = (signing._PROBE_KEY, b"", signing._PROBE_SIGNATURE)
    assert ed25519.verify_with_cofactor(*probe)
    assert not ed25519.verify_strictly(*probe)
    monkeypatch.setattr(signing, "_open", opens_with_cofactor)
    monkeypatch.setattr(signing, "_ACCEPTS_COFACTOR", False)
    assert any(signing.verify(*trick) for _, *trick in _tricks())
    monkeypatch.setattr(signing, "_ACCEPTS_COFACTOR", True)
    assert signing.verify(KEY.public_key, MESSAGE, KEY.sign(MESSAGE))
    for name, public_key, message, signature in _tricks():
        assert not signing.verify(public_key, message, signature), name


def test_the_probe_tells_which_equation_the_installed_libsodium_checks() -> None:
    off_by_two = [trick for trick in _tricks() if trick[0] == "R is off the subgroup by point 4"]
    assert [signing._open(*trick[1:]) for trick in off_by_two] == [signing._ACCEPTS_COFACTOR]


@given(st.binary(max_size=40), st.integers(0, 511), st.booleans())
def test_a_plain_second_implementation_agrees(message: bytes, position: int, is_changed: bool) -> None:
    signature = bytearray(KEY.sign(message))
    if is_changed:
        signature[position // 8] ^= 1 << position % 8
    expected = ed25519.verify_strictly(KEY.public_key, message, bytes(signature))
    assert expected is not is_changed
    assert signing.verify(KEY.public_key, message, bytes(signature)) is expected


def test_every_changed_bit_of_key_message_or_signature_is_refused() -> None:
    whole = KEY.public_key + KEY.sign(MESSAGE) + MESSAGE
    for position in range(len(whole) * 8):
        changed = bytearray(whole)
        changed[position // 8] ^= 1 << position % 8
        assert not signing.verify(bytes(changed[:32]), bytes(changed[96:]), bytes(changed[32:96]))


@given(st.binary(max_size=80), st.binary(max_size=80), st.binary(max_size=80))
def test_junk_of_any_length_is_refused_without_an_error(key: bytes, message: bytes, signature: bytes) -> None:
    assert not signing.verify(key, message, signature)
    assert not signing.verify(KEY.public_key, message, signature)
    assert not signing.verify(key, message, KEY.sign(message))


# Contexts --------------------------------------------------------------------------------------------


def test_a_signature_counts_only_in_its_own_context() -> None:
    signature = KEY.sign_in_context("charter", "comunas", MESSAGE)
    arguments = (KEY.public_key, MESSAGE, signature)
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
    with pytest.raises(RecordError):
        KEY.sign_in_context("charter", name, MESSAGE)
    assert not signing.verify_in_context("charter", name, KEY.public_key, b"", KEY.sign(b""))


def test_a_network_is_named_by_small_letters_digits_and_hyphens() -> None:
    for name in ("comunas", "prueba-2", "0", "-", "a" * 32):
        signing.check_network(name)


# Keys ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_a_seed_of_another_length_makes_no_key(length: int) -> None:
    with pytest.raises(LocalError):
        SigningKey(bytes(length))


def test_a_key_never_shows_its_seed() -> None:
    seed = b"thirty-two bytes nobody may read"
    shown = f"{SigningKey(seed)!r} {SigningKey(seed)}"
    assert "nobody" not in shown
    assert seed.hex() not in shown


def test_keys_of_one_seed_are_equal_and_cannot_be_changed() -> None:
    assert SigningKey(SEED) == KEY != SigningKey(bytes(32))
    with pytest.raises(AttributeError):
        KEY.seed = bytes(32)  # type: ignore[misc]


# Our own vectors -------------------------------------------------------------------------------------


def _own_vectors() -> dict[str, Any]:
    signed = []
    for purpose, network, message in (
        ("charter", "comunas", b""),
        ("succession", "comunas", MESSAGE),
        ("session", "prueba-2", bytes(range(256))),
    ):
        signed.append(
            {
                "purpose": purpose,
                "network": network,
                "message": message.hex(),
                "context": signing.context(purpose, network).hex(),
                "signature": KEY.sign_in_context(purpose, network, message).hex(),
            }
        )
    return {
        "about": "The signatures of docs/spec/signing.md, made by tests/ledger/test_signing.py; bytes in hex",
        "seed": SEED.hex(),
        "public_key": KEY.public_key.hex(),
        "signed": signed,
        "refused": [
            {
                "name": name,
                "public_key": public_key.hex(),
                "message": message.hex(),
                "signature": signature.hex(),
            }
            for name, public_key, message, signature in _tricks()
        ],
    }


def test_our_own_vectors_regenerate_byte_for_byte() -> None:
    assert_regenerates("signing", _own_vectors())


def test_our_own_vectors_hold_in_the_second_implementation_as_well() -> None:
    vectors = load("signing")
    public_key = bytes.fromhex(vectors["public_key"])
    for case in vectors["signed"]:
        covered = bytes.fromhex(case["context"]) + bytes.fromhex(case["message"])
        assert ed25519.verify_strictly(public_key, covered, bytes.fromhex(case["signature"]))
    for case in vectors["refused"]:
        arguments = [bytes.fromhex(case[name]) for name in ("public_key", "message", "signature")]
        assert not ed25519.verify_strictly(*arguments), case["name"]


def test_the_page_of_the_specification_shows_the_vectors() -> None:
    assert assert_page_is_from_vectors("signing") >= 6
