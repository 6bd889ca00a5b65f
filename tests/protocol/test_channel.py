"""The channel: messages of any length over encrypted pieces, in order, whole, or not at all."""

from __future__ import annotations

import tracemalloc
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.channel import PIECE_BYTES, Channel
from protocol.errors import FrameError, HandshakeError, NoiseError
from protocol.frames import HEADER
from protocol.limits import MAX_FRAME_BYTES, MAX_MESSAGE_BYTES, MAX_NOISE_BYTES
from protocol.noise import CipherState, Keys
from tests.support.handshake_vectors import both


def channels() -> tuple[Channel, Channel]:
    initiator, responder, _ = both()
    assert initiator.met is not None
    assert responder.met is not None
    return Channel(initiator.met.keys), Channel(responder.met.keys)


def noise(size: int) -> bytes:
    """Bytes that deflate cannot make shorter."""
    return b"".join(sha256(number.to_bytes(8, "big")).digest() for number in range(size // 32 + 1))[:size]


def encrypted(*pieces: bytes) -> tuple[list[bytes], Channel]:
    """Pieces of a stream that no channel would make, encrypted for the one that is given with them."""
    one, other = bytes(32), bytes([1]) * 32
    sending = CipherState(one)
    reader = Channel(Keys(CipherState(other), CipherState(one), bytes(64)))
    return [sending.encrypt(piece) for piece in pieces], reader


@given(st.lists(st.tuples(st.integers(0, 255), st.binary(min_size=1, max_size=2_000)), max_size=8), st.data())
def test_messages_come_out_as_they_were_put_however_they_were_flushed(
    messages: list[tuple[int, bytes]], data: st.DataObject
) -> None:
    sender, receiver = channels()
    found = []
    for kind, body in messages:
        sender.put(kind, body)
        if data.draw(st.booleans()):
            for piece in sender.flush():
                found += receiver.receive(piece)
    for piece in sender.flush():
        found += receiver.receive(piece)
    assert [(message.kind, message.body) for message in found] == messages
    assert sender.waiting == 0


@pytest.mark.parametrize(
    "size",
    [1, PIECE_BYTES - HEADER.size, PIECE_BYTES, MAX_FRAME_BYTES, MAX_FRAME_BYTES + 1, MAX_MESSAGE_BYTES],
)
def test_a_message_of_any_length_comes_whole(size: int) -> None:
    sender, receiver = channels()
    body = noise(size)
    sender.put(3, body)
    sender.put(4, b"after it")
    pieces = sender.flush()
    assert all(len(piece) <= MAX_NOISE_BYTES for piece in pieces)
    found = [message for piece in pieces for message in receiver.receive(piece)]
    assert [message.body for message in found] == [body, b"after it"]


def test_small_messages_share_a_piece() -> None:
    sender, _ = channels()
    for _number in range(100):
        sender.put(3, b"small")
    assert len(sender.flush()) == 1
    assert sender.flush() == []


def test_both_directions_have_keys_of_their_own() -> None:
    one, other = channels()
    one.put(3, b"x")
    with pytest.raises(NoiseError):
        one.receive(one.flush()[0])
    other.put(3, b"y")
    (piece,) = other.flush()
    with pytest.raises(HandshakeError):
        one.receive(piece)


def test_a_piece_that_is_left_out_repeated_or_changed_ends_the_channel() -> None:
    for change in ("left out", "repeated", "changed"):
        sender, receiver = channels()
        pieces = []
        for number in range(3):
            sender.put(3, b"%d" % number)
            pieces += sender.flush()
        receiver.receive(pieces[0])
        wrong = {"left out": pieces[2], "repeated": pieces[0], "changed": pieces[1][:-1] + b"\x00"}[change]
        with pytest.raises(NoiseError):
            receiver.receive(wrong)
        with pytest.raises(HandshakeError):
            receiver.receive(pieces[1])


@pytest.mark.parametrize("size", [0, 1, 16, MAX_NOISE_BYTES + 1])
def test_a_piece_that_is_empty_or_too_long_is_refused(size: int) -> None:
    """An empty one would cost its sender nothing and its reader a decryption."""
    _, receiver = channels()
    with pytest.raises(NoiseError):
        receiver.receive(bytes(size))


def test_frames_that_are_none_end_the_channel() -> None:
    for header in (HEADER.pack(3, 0, 0), HEADER.pack(3, 0, MAX_FRAME_BYTES + 1), HEADER.pack(3, 4, 1)):
        (piece,), receiver = encrypted(HEADER.pack(3, 0, 1) + b"x" + header)
        with pytest.raises(FrameError):
            receiver.receive(piece)


def test_what_is_held_is_bounded() -> None:
    sender, receiver = channels()
    tracemalloc.start()
    for _number in range(12):
        sender.put(3, noise(MAX_MESSAGE_BYTES))
        for piece in sender.flush():
            receiver.receive(piece)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 12 * MAX_MESSAGE_BYTES


@given(st.lists(st.binary(min_size=1, max_size=200), max_size=6))
def test_junk_under_the_right_key_raises_the_declared_errors_alone(pieces: list[bytes]) -> None:
    sealed, receiver = encrypted(*pieces)
    for piece in sealed:
        try:
            receiver.receive(piece)
        except (FrameError, NoiseError, HandshakeError):
            pass
