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
from protocol.frames import HEADER
from protocol.handshake import Handshake, Hello, Identity, Role, prologue, signed_text
from protocol.noise import CipherState, NoiseHandshake

from .log_vectors import NETWORK

MESSAGE = (0x8F, b"Maizal")
"""Kind and body of what is said once the channel stands; no kind that means anything."""

FURTHER = ((7, b"x"), (65_535, b""))
"""Further things of a hello that nobody knows."""


def seed(number: int) -> bytes:
    """32 bytes for a key."""
    return bytes([number]) * 32


INITIATOR = SigningKey(seed(1))
RESPONDER = SigningKey(seed(2))
STATIC = {Role.INITIATOR: seed(3), Role.RESPONDER: seed(4)}
EPHEMERAL = {Role.INITIATOR: seed(5), Role.RESPONDER: seed(6)}
KEYS = {Role.INITIATOR: INITIATOR, Role.RESPONDER: RESPONDER}
OTHER = {Role.INITIATOR: Role.RESPONDER, Role.RESPONDER: Role.INITIATOR}


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


def channels() -> tuple[Channel, Channel]:
    """The ends of the channel after that: the initiator's, the responder's."""
    initiator, responder, _ = both()
    assert initiator.met is not None
    assert responder.met is not None
    return Channel(initiator.met.keys), Channel(responder.met.keys)


def reader_of(number: int) -> Handshake:
    """The side that awaits message 1, 2 or 3."""
    reader = side(Role.INITIATOR if number == 2 else Role.RESPONDER)
    if number == 2:
        reader.begin()
    if number == 3:
        reader.receive(both()[2][0])
    return reader


def _noise(role: Role) -> NoiseHandshake:
    return NoiseHandshake(
        initiator=role is Role.INITIATOR,
        prologue=prologue(NETWORK),
        static=STATIC[role],
        ephemeral=EPHEMERAL[role],
    )


def forged(role: Role, payload: bytes | None = None, **changes: Any) -> bytes:
    """A side's second or third message with another payload, or with a Hello that is changed."""

    def say(before: bytes) -> bytes:
        if payload is not None:
            return payload
        key = changes.get("key", KEYS[role])
        text = signed_text(
            changes.get("signed_as", role),
            changes.get("noise_key", noise.public),
            changes.get("hash", before),
        )
        purpose, network = changes.get("purpose", "session"), changes.get("network", NETWORK)
        hello = Hello(
            changes.get("log", key.public_key),
            changes.get("versions", (1,)),
            key.sign_in_context(purpose, network, text),
            changes.get("further", ()),
        )
        return msgspec.msgpack.encode(hello)

    messages = both()[2]
    noise = _noise(role)
    if role is Role.INITIATOR:
        noise.write(lambda _: b"")
        noise.read(messages[1])
    else:
        noise.read(messages[0])
    return noise.write(say)


def _refused_hellos(role: Role) -> dict[str, tuple[str, bytes]]:
    """Messages of a side in which its hello is wrong: error and bytes, by what is wrong."""
    other, good = OTHER[role], both()[2][1 if role is Role.RESPONDER else 2]
    valid = msgspec.msgpack.encode(Hello(KEYS[role].public_key, (1,), bytes(64), ()))
    return {
        "the signature is of the other role": ("WrongIdentity", forged(role, signed_as=other)),
        "the signature is of another Noise key": ("WrongIdentity", forged(role, noise_key=bytes(32))),
        "the signature is of another handshake": ("WrongIdentity", forged(role, hash=bytes(64))),
        "the signature is for another purpose": ("WrongIdentity", forged(role, purpose="mandate")),
        "the signature is for another network": ("WrongIdentity", forged(role, network="ensayo")),
        "the log is not that of the key": ("WrongIdentity", forged(role, log=SigningKey(seed(7)).public_key)),
        "the log is no key": ("WrongIdentity", forged(role, log=bytes(32))),
        "the log is the reader's own": ("OwnLog", forged(role, key=KEYS[other])),
        "the log is the reader's own, unproved": ("WrongIdentity", forged(role, log=KEYS[other].public_key)),
        "no version in common": ("NoCommonVersion", forged(role, versions=(2, 3))),
        "versions not ascending": ("IllFormed", forged(role, versions=(2, 1))),
        "a version twice": ("IllFormed", forged(role, versions=(1, 1))),
        "no versions": ("IllFormed", forged(role, versions=())),
        "17 versions": ("IllFormed", forged(role, versions=tuple(range(1, 18)))),
        "version 0": ("IllFormed", forged(role, versions=(0, 1))),
        "further things not ascending": ("IllFormed", forged(role, further=((2, b""), (1, b"")))),
        "nine further things": ("IllFormed", forged(role, further=tuple((one, b"") for one in range(1, 10)))),
        "more than 512 bytes": ("IllFormed", forged(role, further=((1, bytes(410)),))),
        "nothing said": ("IllFormed", forged(role, b"")),
        "an element less": ("IllFormed", forged(role, b"\x93" + valid[1:-1])),
        "an element more": ("IllFormed", forged(role, b"\x95" + valid[1:] + b"\xc0")),
        "something after it": ("IllFormed", forged(role, valid + b"\x00")),
        "a long form": ("IllFormed", forged(role, valid[:1] + b"\xc5\x00" + valid[2:])),
        "a byte less": ("NotUnderstood", good[:-1]),
        "a byte more": ("NotUnderstood", good + b"\x00"),
        "the last bit changed": ("NotUnderstood", good[:-1] + bytes([good[-1] ^ 1])),
    }


def refused() -> list[dict[str, Any]]:
    """Messages that their reader refuses: number, what is wrong, error and bytes."""
    first, second, third = both()[2]
    found: dict[int, dict[str, tuple[str, bytes]]] = {
        1: {
            "it says something": ("IllFormed", first + b"x"),
            "a byte less": ("IllFormed", first[:-1]),
            "nothing": ("IllFormed", b""),
            "a key that hides nothing": ("WeakKey", bytes(32)),
        },
        2: _refused_hellos(Role.RESPONDER)
        | {
            "no payload": ("IllFormed", second[:80]),
            "a key that hides nothing": ("WeakKey", bytes(32) + second[32:]),
            "of another network": ("NotUnderstood", _of_another_network(first)),
            "the first message, sent back": ("IllFormed", first),
        },
        3: _refused_hellos(Role.INITIATOR)
        | {
            "no payload": ("IllFormed", third[:48]),
            "of another handshake": ("NotUnderstood", _of_another_handshake()),
            "the second message, sent back": ("NotUnderstood", second),
        },
    }
    return [
        {"message": number, "comment": comment, "error": error, "bytes": data.hex()}
        for number, messages in found.items()
        for comment, (error, data) in messages.items()
    ]


def _of_another_network(first: bytes) -> bytes:
    (answer,) = side(Role.RESPONDER, identity=Identity.of(RESPONDER, "ensayo")).receive(first)
    return answer


def _of_another_handshake() -> bytes:
    initiator = side(Role.INITIATOR)
    (first,) = initiator.begin()
    (second,) = side(Role.RESPONDER, ephemeral=seed(8)).receive(first)
    (third,) = initiator.receive(second)
    return third


def refused_pieces() -> list[dict[str, str]]:
    """First pieces of the initiator that the responder refuses: what is wrong, error and bytes."""
    sending = both()[0].met.keys.sending  # type: ignore[union-attr]
    key = sending._key

    def sealed(stream: bytes) -> bytes:
        return CipherState(key).encrypt(stream)

    frame = HEADER.pack(MESSAGE[0], 0, len(MESSAGE[1])) + MESSAGE[1]
    sending.encrypt(frame)
    second = sending.encrypt(frame)
    (answer,) = _said(channels()[1])
    whole = sealed(frame)
    return [
        {"comment": comment, "error": error, "piece": piece.hex()}
        for comment, error, piece in (
            ("nothing in it", "IllFormed", sealed(b"")),
            ("shorter than a tag", "IllFormed", whole[:15]),
            ("the second piece before the first", "NoiseError", second),
            ("the responder's own words, sent back", "NoiseError", answer),
            ("a byte less", "NoiseError", whole[:-1]),
            ("the last bit changed", "NoiseError", whole[:-1] + bytes([whole[-1] ^ 1])),
            ("a frame without a piece", "FrameError", sealed(HEADER.pack(0x8F, 0, 0))),
            (
                "a frame with a flag that has no meaning",
                "FrameError",
                sealed(HEADER.pack(0x8F, 4, 6) + b"Maizal"),
            ),
            ("a frame that is too long", "FrameError", sealed(HEADER.pack(0x8F, 0, 262_145))),
        )
    ]


def _said(end: Channel) -> list[bytes]:
    end.put(*MESSAGE)
    return end.flush()


def handshake_vectors() -> dict[str, Any]:
    """All vectors of the handshake and the channel."""
    initiator, responder, messages = both()
    assert initiator.met is not None
    assert responder.met is not None
    ends = Channel(initiator.met.keys), Channel(responder.met.keys)
    said = [piece.hex() for end in (*ends, *ends) for piece in _said(end)]
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
        "with_further_things": forged(Role.RESPONDER, versions=(1, 9), further=FURTHER).hex(),
        "refused": refused(),
        "refused_pieces": refused_pieces(),
    }  # fmt: skip


def payloads() -> list[bytes]:
    """What the three messages say once they are decrypted."""
    return [payload for payload, _ in _traced()]


def hashes() -> list[bytes]:
    """The hashes that the second and third payloads are signed over."""
    return [before for _, before in _traced()[1:]]


def _traced() -> list[tuple[bytes, bytes]]:
    first, second, third = both()[2]
    initiator, responder = _noise(Role.INITIATOR), _noise(Role.RESPONDER)
    initiator.write(lambda _: b"")
    found = [responder.read(first), initiator.read(second)]
    responder.write(lambda _: found[1][0])
    return [*found, responder.read(third)]
