"""The channel: messages of any length over encrypted pieces, in order, whole, or not at all."""

from __future__ import annotations

import tracemalloc
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.channel import PIECE_BYTES, Channel
from protocol.errors import FrameError, HandshakeError, NoiseError
from protocol.frames import HEADER, Message, to_frames
from protocol.limits import MAX_FRAME_BYTES, MAX_MESSAGE_BYTES, MAX_NOISE_BYTES
from protocol.noise import CipherState, Keys
from tests.support.handshake_vectors import channels


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
    found: list[Message] = []
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
        assert len(list(receiver.receive(pieces[0]))) == 1
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


BAD_FRAMES = {
    "no piece": HEADER.pack(3, 0, 0),
    "too long a piece": HEADER.pack(3, 0, MAX_FRAME_BYTES + 1),
    "an unknown flag": HEADER.pack(3, 4, 1),
    "goes on, and not full": HEADER.pack(3, 2, 1) + b"x",
    "compressed, though not": HEADER.pack(3, 1, 1) + b"x",
}


@pytest.mark.parametrize("frame", BAD_FRAMES.values(), ids=BAD_FRAMES)
def test_what_came_whole_before_a_frame_that_is_none_counts_and_nothing_after_it(frame: bytes) -> None:
    good = HEADER.pack(3, 0, 1)
    (piece, more), receiver = encrypted(good + b"a" + good + b"b" + frame + good + b"c", good + b"d")
    found = []
    with pytest.raises(FrameError):  # noqa: PT012  # what came before it counts
        for message in receiver.receive(piece):
            found.append(message.body)
    assert found == [b"a", b"b"]
    assert receiver.has_ended
    with pytest.raises(HandshakeError):
        receiver.receive(more)


def test_a_frame_that_is_refused_is_refused_before_all_of_it_has_come() -> None:
    (piece,), receiver = encrypted(BAD_FRAMES["too long a piece"])
    with pytest.raises(FrameError):
        next(receiver.receive(piece))


def test_the_messages_of_a_piece_have_to_be_read_before_the_next() -> None:
    good = HEADER.pack(3, 0, 1) + b"a"
    (piece, more), receiver = encrypted(good + good, good)
    messages = receiver.receive(piece)
    for _read in range(2):
        with pytest.raises(HandshakeError):
            receiver.receive(more)
        assert next(messages).body == b"a"
    assert next(messages, None) is None
    assert len(list(receiver.receive(more))) == 1


def test_a_side_that_refuses_can_still_say_why() -> None:
    one, other = channels()
    with pytest.raises(NoiseError):
        one.receive(bytes(20))
    one.put(3, b"because")
    assert [message.body for piece in one.flush() for message in other.receive(piece)] == [b"because"]


@pytest.mark.parametrize(("kind", "size"), [(3, 0), (3, MAX_MESSAGE_BYTES + 1), (-1, 1), (256, 1)])
def test_a_message_that_no_reader_would_take_is_not_put(kind: int, size: int) -> None:
    sender, _ = channels()
    with pytest.raises(HandshakeError):
        sender.put(kind, bytes(size))
    assert sender.flush() == []


def test_what_waits_is_counted() -> None:
    sender, _ = channels()
    sender.put(3, b"abc")
    sender.put_frames(to_frames(3, noise(200)))
    assert sender.waiting == 2 * HEADER.size + 203
    sender.flush()
    assert sender.waiting == 0


def test_what_is_held_is_bounded() -> None:
    sender, receiver = channels()
    tracemalloc.start()
    for _number in range(12):
        sender.put(3, noise(MAX_MESSAGE_BYTES))
        for piece in sender.flush():
            for _message in receiver.receive(piece):
                pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 12 * MAX_MESSAGE_BYTES


def test_many_messages_that_explode_are_inflated_one_at_a_time() -> None:
    """Sixty of the longest messages, all zeros, fit one piece."""
    frame = next(to_frames(3, bytes(MAX_MESSAGE_BYTES)))
    (piece,), receiver = encrypted(frame * (PIECE_BYTES // len(frame)))
    tracemalloc.start()
    count = sum(1 for _ in receiver.receive(piece))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count > 50
    assert peak < 5 * MAX_MESSAGE_BYTES


def test_a_stream_in_pieces_of_one_byte_comes_whole() -> None:
    stream = b"".join(frame for body in (b"a", noise(300), b"b") for frame in to_frames(3, body))
    pieces, receiver = encrypted(*(stream[at : at + 1] for at in range(len(stream))))
    found = [message.body for piece in pieces for message in receiver.receive(piece)]
    assert found == [b"a", noise(300), b"b"]


@given(st.permutations(range(5)))
def test_pieces_out_of_their_order_are_refused_from_the_first_that_is(order: list[int]) -> None:
    good = HEADER.pack(3, 0, 1)
    pieces, receiver = encrypted(*(good + bytes([number]) for number in range(5)))
    for place, number in enumerate(order):
        if number != place:
            with pytest.raises(NoiseError):
                receiver.receive(pieces[number])
            break
        assert [message.body for message in receiver.receive(pieces[number])] == [bytes([number])]


def test_every_flipped_bit_of_a_piece_is_refused() -> None:
    stream = HEADER.pack(3, 0, 6) + b"Maizal"
    for bit in range(8 * (len(stream) + 16)):
        (piece,), receiver = encrypted(stream)
        changed = bytearray(piece)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(NoiseError):
            receiver.receive(bytes(changed))


@given(st.lists(st.binary(min_size=1, max_size=200), max_size=6))
def test_junk_under_the_right_key_raises_the_declared_errors_alone(pieces: list[bytes]) -> None:
    sealed, receiver = encrypted(*pieces)
    for piece in sealed:
        try:
            list(receiver.receive(piece))
        except (FrameError, NoiseError, HandshakeError):
            assert receiver.has_ended


@given(st.binary(max_size=100))
def test_junk_under_no_key_raises_the_declared_error_alone(piece: bytes) -> None:
    _, receiver = channels()
    with pytest.raises(NoiseError):
        receiver.receive(piece)
