"""Noise: against vectors written by others, a second implementation, and whatever may go wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import HandshakeError, NoiseError, WeakKey
from protocol.limits import MAX_NOISE_BYTES
from protocol.noise import PROTOCOL_NAME, CipherState, NoiseHandshake
from tests.support.shared import shared_path

KEYS = {"static": bytes([1]) * 32, "ephemeral": bytes([2]) * 32}
OTHERS = {"static": bytes([3]) * 32, "ephemeral": bytes([4]) * 32}


def say(payload: bytes) -> Any:
    return lambda _: payload


def pair(prologue: bytes = b"") -> tuple[NoiseHandshake, NoiseHandshake]:
    return (
        NoiseHandshake(initiator=True, prologue=prologue, **KEYS),
        NoiseHandshake(initiator=False, prologue=prologue, **OTHERS),
    )


def met() -> tuple[NoiseHandshake, NoiseHandshake]:
    initiator, responder = pair()
    responder.read(initiator.write(say(b"")))
    initiator.read(responder.write(say(b"")))
    responder.read(initiator.write(say(b"")))
    return initiator, responder


def test_the_vectors_of_others() -> None:
    vectors = json.loads(shared_path("vectors/noise/xx_25519_chachapoly.json").read_text())["vectors"]
    (vector,) = [one for one in vectors if one["protocol_name"].encode() == PROTOCOL_NAME]
    sides = [
        NoiseHandshake(
            initiator=name == "init",
            prologue=bytes.fromhex(vector[f"{name}_prologue"]),
            static=bytes.fromhex(vector[f"{name}_static"]),
            ephemeral=bytes.fromhex(vector[f"{name}_ephemeral"]),
        )
        for name in ("init", "resp")
    ]
    for number, message in enumerate(vector["messages"]):
        payload, expected = (bytes.fromhex(message[name]) for name in ("payload", "ciphertext"))
        writer, reader = sides[number % 2], sides[1 - number % 2]
        if number < 3:
            assert writer.write(say(payload)) == expected
            assert reader.read(expected)[0] == payload
            continue
        assert writer.keys is not None
        assert reader.keys is not None
        assert writer.keys.hash.hex() == vector["handshake_hash"]
        assert writer.keys.sending.encrypt(payload) == expected
        assert reader.keys.receiving.decrypt(expected) == payload


@pytest.mark.parametrize("ours_begins", [True, False])
def test_a_second_implementation_understands_it_and_is_understood(ours_begins: bool) -> None:
    from noise.connection import Keypair, NoiseConnection

    theirs = NoiseConnection.from_name(PROTOCOL_NAME)
    (theirs.set_as_responder if ours_begins else theirs.set_as_initiator)()
    theirs.set_prologue(b"trueque/1/comunas")
    theirs.set_keypair_from_private_bytes(Keypair.STATIC, OTHERS["static"])
    theirs.start_handshake()
    ours = NoiseHandshake(initiator=ours_begins, prologue=b"trueque/1/comunas", **KEYS)
    for number in range(3):
        payload = b"payload %d" % number
        if ours.is_writing:
            assert bytes(theirs.read_message(ours.write(say(payload)))) == payload
        else:
            assert ours.read(bytes(theirs.write_message(payload)))[0] == payload
    assert ours.keys is not None
    assert theirs.handshake_finished
    assert ours.keys.hash == theirs.get_handshake_hash()
    for number in range(3):
        text = b"message %d" % number
        assert bytes(theirs.decrypt(ours.keys.sending.encrypt(text))) == text
        assert ours.keys.receiving.decrypt(bytes(theirs.encrypt(text))) == text


@given(st.binary(max_size=200))
def test_both_sides_have_one_hash_before_each_payload(payload: bytes) -> None:
    initiator, responder = pair()
    seen: list[bytes] = []

    def keep(before: bytes) -> bytes:
        seen.append(before)
        return payload

    for writer, reader in ((initiator, responder), (responder, initiator), (initiator, responder)):
        assert reader.read(writer.write(keep)) == (payload, seen[-1])
    assert initiator.keys is not None
    assert responder.keys is not None
    assert initiator.keys.hash == responder.keys.hash
    assert initiator.remote is not None
    assert len({*seen, initiator.keys.hash}) == 4


def test_who_begins_with_another_prologue_is_not_understood() -> None:
    initiator, _ = pair(b"trueque/1/comunas")
    _, responder = pair(b"trueque/1/ensayo")
    responder.read(initiator.write(say(b"")))
    with pytest.raises(NoiseError):
        initiator.read(responder.write(say(b"")))


@pytest.mark.parametrize("number", [1, 2])
def test_every_flipped_bit_of_an_encrypted_part_is_refused(number: int) -> None:
    """The first message is a bare key: a change in it shows in the second."""
    for bit in range(8 * (96 if number == 1 else 64)):
        initiator, responder = pair()
        sides = (responder, initiator)
        message = initiator.write(say(b""))
        responder.read(message)
        for turn in range(1, number + 1):
            message = sides[(turn + 1) % 2].write(say(b""))
            if turn < number:
                sides[turn % 2].read(message)
        changed = bytearray(message)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(NoiseError):
            sides[number % 2].read(bytes(changed))


def test_after_a_fault_nothing_is_taken_or_said_any_more() -> None:
    initiator, responder = pair()
    initiator.write(say(b""))
    with pytest.raises(NoiseError):
        initiator.read(b"")
    with pytest.raises(HandshakeError):
        initiator.read(responder.hash)
    with pytest.raises(HandshakeError):
        initiator.write(say(b""))


def test_nobody_speaks_out_of_turn() -> None:
    initiator, responder = pair()
    with pytest.raises(HandshakeError):
        responder.write(say(b""))
    with pytest.raises(HandshakeError):
        initiator.read(b"")
    for side in met():
        with pytest.raises(HandshakeError):
            side.write(say(b""))
        with pytest.raises(HandshakeError):
            side.read(b"")


P = 2**255 - 19
LOW_ORDER = (
    *(number.to_bytes(32, "little") for number in (0, 1, P - 1, P, P + 1, 2**255, 2**255 + 1)),
    bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
    bytes.fromhex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
)
"""All points of small order (cr.yp.to/ecdh.html), two of them also with the bit that is not looked at."""


@pytest.mark.parametrize("key", LOW_ORDER, ids=[key.hex() for key in LOW_ORDER])
def test_a_key_with_which_every_secret_is_the_same_is_refused(key: bytes) -> None:
    """RFC 7748, section 6.1."""
    initiator, responder = pair()
    responder.read(key)
    with pytest.raises(WeakKey):
        responder.write(say(b""))
    initiator.write(say(b""))
    with pytest.raises(WeakKey):
        initiator.read(key + bytes(64))


def test_a_message_that_is_too_long_is_refused() -> None:
    _, responder = pair()
    with pytest.raises(NoiseError):
        responder.read(bytes(MAX_NOISE_BYTES + 1))


@given(st.lists(st.binary(max_size=300), max_size=5))
def test_junk_raises_the_declared_error_alone(messages: list[bytes]) -> None:
    for side in pair():
        if side.is_writing:
            side.write(say(b""))
        for message in messages:
            try:
                side.read(message)
                side.write(say(b""))
            except (NoiseError, HandshakeError):
                pass


# Afterwards -------------------------------------------------------------------------------------


def test_messages_are_taken_in_their_order_and_once() -> None:
    initiator, responder = met()
    assert initiator.keys is not None
    assert responder.keys is not None
    first, second, third = (initiator.keys.sending.encrypt(b"%d" % number) for number in range(3))
    receiving = responder.keys.receiving
    assert receiving.decrypt(first) == b"0"
    for wrong in (first, third):
        with pytest.raises(NoiseError):
            CipherState.decrypt(receiving, wrong)
    assert second != third


def test_the_last_nonce_is_not_used() -> None:
    cipher = CipherState(bytes(32))
    cipher._nonce = 2**64 - 2
    cipher.encrypt(b"")
    with pytest.raises(NoiseError):
        cipher.encrypt(b"")
