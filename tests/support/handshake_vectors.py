"""Vectors for the handshake and the channel, from fixed keys.

A second implementation can be checked against tests/vectors/handshake.json;
tests/protocol/test_handshake.py holds that it comes out the same, byte for
byte. Binary is given as hex digits.
"""

from __future__ import annotations

from typing import Any

import msgspec

from ledger.signing import SigningKey
from protocol.channel import Channel
from protocol.handshake import Handshake, Hello, Identity, Role, prologue, signed_text
from protocol.noise import NoiseHandshake

from .log_vectors import NETWORK

MESSAGE = (0x8F, b"Maizal")
"""Kind and body of what is said once the channel stands; no kind that means anything."""


def seed(number: int) -> bytes:
    """32 bytes for a key."""
    return bytes([number]) * 32


INITIATOR = SigningKey(seed(1))
RESPONDER = SigningKey(seed(2))
STATIC = {Role.INITIATOR: seed(3), Role.RESPONDER: seed(4)}
EPHEMERAL = {Role.INITIATOR: seed(5), Role.RESPONDER: seed(6)}
KEYS = {Role.INITIATOR: INITIATOR, Role.RESPONDER: RESPONDER}


def side(role: Role, **fields: Any) -> Handshake:
    """One side of the handshake of the vectors; `fields` say what is different in it."""
    given: dict[str, Any] = {
        "identity": Identity.of(KEYS[role], NETWORK),
        "static": STATIC[role],
        "ephemeral": EPHEMERAL[role],
    } | fields
    return Handshake(role, given["identity"], static=given["static"], ephemeral=given["ephemeral"])


def both() -> tuple[Handshake, Handshake, list[bytes]]:
    """Both sides after the handshake, and its three messages."""
    initiator, responder = side(Role.INITIATOR), side(Role.RESPONDER)
    (first,) = initiator.begin()
    (second,) = responder.receive(first)
    (third,) = initiator.receive(second)
    assert responder.receive(third) == []
    return initiator, responder, [first, second, third]


def _noise(role: Role) -> NoiseHandshake:
    return NoiseHandshake(
        initiator=role is Role.INITIATOR,
        prologue=prologue(NETWORK),
        static=STATIC[role],
        ephemeral=EPHEMERAL[role],
    )


def forged(payload: bytes | None = None, **changes: Any) -> bytes:
    """The responder's message with another payload, or with a Hello in which something is changed."""

    def say(before: bytes) -> bytes:
        if payload is not None:
            return payload
        key = changes.get("key", RESPONDER)
        text = signed_text(
            changes.get("role", Role.RESPONDER),
            changes.get("noise_key", noise.public),
            changes.get("hash", before),
        )
        purpose, network = changes.get("purpose", "session"), changes.get("network", NETWORK)
        hello = Hello(
            changes.get("log", key.public_key),
            changes.get("versions", (1,)),
            key.sign_in_context(purpose, network, text),
        )
        return msgspec.msgpack.encode(hello)

    noise = _noise(Role.RESPONDER)
    noise.read(side(Role.INITIATOR).begin()[0])
    return noise.write(say)


def refused() -> dict[str, bytes]:
    """Second messages that the initiator refuses, by what is wrong with them."""
    good = both()[2][1]
    valid = msgspec.msgpack.encode(Hello(RESPONDER.public_key, (1,), bytes(64)))
    return {
        "the signature is of the other role": forged(role=Role.INITIATOR),
        "the signature is of another Noise key": forged(noise_key=bytes(32)),
        "the signature is of another handshake": forged(hash=bytes(64)),
        "the signature is for another purpose": forged(purpose="mandate"),
        "the signature is for another network": forged(network="ensayo"),
        "the log is not that of the key": forged(log=KEYS[Role.INITIATOR].public_key),
        "the log is the reader's own": forged(key=INITIATOR),
        "no version in common": forged(versions=(2, 3)),
        "versions not ascending": forged(versions=(2, 1)),
        "a version twice": forged(versions=(1, 1)),
        "nothing said": forged(b""),
        "something after it": forged(valid + b"\x00"),
        "a long form": forged(valid[:1] + b"\xc5\x00" + valid[2:]),
        "a byte less": good[:-1],
        "a byte more": good + b"\x00",
        "no payload": good[:80],
        "a key that hides nothing": bytes(32) + good[32:],
    }


def handshake_vectors() -> dict[str, Any]:
    """All vectors of the handshake."""
    initiator, responder, messages = both()
    assert initiator.met is not None
    assert responder.met is not None
    ends = Channel(initiator.met.keys), Channel(responder.met.keys)
    said = []
    for end in (*ends, *ends):
        end.put(*MESSAGE)
        said += [one.hex() for one in end.flush()]
    return {
        "network": NETWORK,
        "prologue": prologue(NETWORK).hex(),
        "initiator": {
            "log_seed": INITIATOR.seed.hex(), "log": INITIATOR.public_key.hex(),
            "static": STATIC[Role.INITIATOR].hex(), "ephemeral": EPHEMERAL[Role.INITIATOR].hex(),
        },
        "responder": {
            "log_seed": RESPONDER.seed.hex(), "log": RESPONDER.public_key.hex(),
            "static": STATIC[Role.RESPONDER].hex(), "ephemeral": EPHEMERAL[Role.RESPONDER].hex(),
        },
        "messages": [message.hex() for message in messages],
        "payloads": [payload.hex() for payload in payloads()],
        "hashes": [hashed.hex() for hashed in hashes()],
        "handshake_hash": initiator.met.keys.hash.hex(),
        "frame": "8f0000000006" + MESSAGE[1].hex(),
        "said": said,
        "refused": {reason: message.hex() for reason, message in refused().items()},
    }  # fmt: skip


def payloads() -> list[bytes]:
    """What the three messages say once they are decrypted."""
    return [payload for payload, _ in _traced()]


def hashes() -> list[bytes]:
    """The hashes that the second and third payloads are signed over."""
    return [before for _, before in _traced()[1:]]


def _traced() -> list[tuple[bytes, bytes]]:
    found: list[tuple[bytes, bytes]] = [(b"", b"")]
    initiator, responder = _noise(Role.INITIATOR), _noise(Role.RESPONDER)
    messages = both()[2]
    initiator.write(lambda _: b"")
    responder.read(messages[0])
    found.append(initiator.read(messages[1]))
    responder.write(lambda _: found[1][0])

    def own(before: bytes) -> bytes:
        text = signed_text(Role.INITIATOR, initiator.public, before)
        hello = Hello(INITIATOR.public_key, (1,), INITIATOR.sign_in_context("session", NETWORK, text))
        found.append((msgspec.msgpack.encode(hello), before))
        return found[-1][0]

    assert initiator.write(own) == messages[2]
    return found
