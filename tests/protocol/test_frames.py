"""Frames: messages cut up, compressed, and put together with bounded memory."""

from __future__ import annotations

import tracemalloc
import zlib
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import FrameError
from protocol.frames import COMPRESSED, CONTINUED, HEADER, Joiner, Kind, Message, read_header, to_frames
from protocol.limits import MAX_FRAME_BYTES, MAX_MESSAGE_BYTES


def join(data: bytes) -> list[Message]:
    """All messages of a stream of frames."""
    joiner, found = Joiner(), []
    while data:
        header = read_header(data[: HEADER.size])
        end = HEADER.size + header.length
        message = joiner.take(header, data[HEADER.size : end])
        if message is not None:
            found.append(message)
        data = data[end:]
    assert not joiner.is_waiting
    return found


def noise(size: int) -> bytes:
    """Bytes that deflate cannot make shorter."""
    blocks = (sha256(number.to_bytes(8, "big")).digest() for number in range(size // 32 + 1))
    return b"".join(blocks)[:size]


@pytest.mark.parametrize("compress", [True, False])
@pytest.mark.parametrize(
    "body",
    [
        b"x",
        b"x" * 127,
        b"x" * MAX_FRAME_BYTES,
        b"x" * MAX_MESSAGE_BYTES,
        noise(MAX_FRAME_BYTES),
        noise(MAX_FRAME_BYTES + 1),
        noise(MAX_MESSAGE_BYTES),
    ],
    ids=len,
)
def test_a_message_comes_out_as_it_went_in(body: bytes, compress: bool) -> None:
    frames = list(to_frames(Kind.RUNS, body, compress=compress))
    assert all(len(frame) <= HEADER.size + MAX_FRAME_BYTES for frame in frames)
    assert join(b"".join(frames)) == [Message(Kind.RUNS, body)]


@given(st.lists(st.tuples(st.integers(0, 255), st.binary(min_size=1, max_size=600)), max_size=5))
def test_messages_follow_each_other_in_one_stream(messages: list[tuple[int, bytes]]) -> None:
    stream = b"".join(frame for kind, body in messages for frame in to_frames(kind, body))
    assert join(stream) == [Message(kind, body) for kind, body in messages]


def test_a_message_is_compressed_where_that_makes_it_shorter() -> None:
    (short,) = to_frames(Kind.RUNS, b"yuca " * 100)
    assert read_header(short[:6]).flags == COMPRESSED
    assert len(short) < 100
    for body in (noise(1_000), b"x" * 20):
        (plain,) = to_frames(Kind.RUNS, body)
        assert plain == HEADER.pack(Kind.RUNS, 0, len(body)) + body


def test_what_the_header_may_not_say_is_refused_before_the_piece_is_read() -> None:
    for flags, length in (
        (0, 0),
        (0, MAX_FRAME_BYTES + 1),
        (0, 2**32 - 1),
        (0x04, 5),
        (0x80, 5),
        (CONTINUED, 5),
        (CONTINUED, MAX_FRAME_BYTES - 1),
    ):
        with pytest.raises(FrameError):
            read_header(HEADER.pack(Kind.RUNS, flags, length))


def test_a_message_that_does_not_go_on_as_it_began_is_refused() -> None:
    piece = b"x" * MAX_FRAME_BYTES
    for kind, flags in ((Kind.HEADS, 0), (Kind.RUNS, COMPRESSED)):
        joiner = Joiner()
        assert joiner.take(read_header(HEADER.pack(Kind.RUNS, CONTINUED, len(piece))), piece) is None
        assert joiner.is_waiting
        with pytest.raises(FrameError):
            joiner.take(read_header(HEADER.pack(kind, flags, 1)), b"x")


def test_a_message_without_end_is_refused_when_it_is_too_long() -> None:
    joiner = Joiner()
    piece = b"x" * MAX_FRAME_BYTES
    header = read_header(HEADER.pack(Kind.RUNS, CONTINUED, len(piece)))
    for _ in range(MAX_MESSAGE_BYTES // MAX_FRAME_BYTES):
        joiner.take(header, piece)
    with pytest.raises(FrameError):
        joiner.take(header, piece)


def compressed(data: bytes) -> bytes:
    """One frame that says that its piece is compressed."""
    return HEADER.pack(Kind.RUNS, COMPRESSED, len(data)) + data


def test_a_message_that_explodes_is_refused_in_bounded_memory() -> None:
    bomb = zlib.compress(bytes(200 * 1024 * 1024))
    assert len(bomb) <= MAX_FRAME_BYTES
    tracemalloc.start()
    try:
        with pytest.raises(FrameError):
            join(compressed(bomb))
        assert tracemalloc.get_traced_memory()[1] < 4 * MAX_MESSAGE_BYTES
    finally:
        tracemalloc.stop()
    just = bytes(MAX_MESSAGE_BYTES)
    assert join(compressed(zlib.compress(just))) == [Message(Kind.RUNS, just)]
    with pytest.raises(FrameError):
        join(compressed(zlib.compress(just + b"\0")))


def test_what_is_not_one_whole_zlib_stream_is_refused() -> None:
    whole = zlib.compress(b"maiz" * 50)
    with_dictionary = zlib.compressobj(zdict=b"maiz")
    for data in (
        b"x" * 50,
        whole[:-1],
        whole[:5],
        whole + b"\0",
        whole + whole,
        whole[:-1] + bytes([whole[-1] ^ 1]),
        with_dictionary.compress(b"maiz" * 50) + with_dictionary.flush(),
        zlib.compress(b"")[:-4],
    ):
        with pytest.raises(FrameError):
            join(compressed(data))


@given(st.integers(0, 255), st.integers(0, 3), st.binary(min_size=1, max_size=300))
def test_junk_raises_the_declared_error_only(kind: int, flags: int, piece: bytes) -> None:
    try:
        Joiner().take(read_header(HEADER.pack(kind, flags, len(piece))), piece)
    except FrameError:
        pass


def test_a_kind_says_whether_it_may_be_skipped() -> None:
    assert Message(Kind.BLOB, b"x").may_be_skipped
    assert Message(0xFF, b"x").may_be_skipped
    for kind in (Kind.EVIDENCE, Kind.HEADS, Kind.RUNS, Kind.END, 0x7F):
        assert not Message(kind, b"x").may_be_skipped
