"""Lending: blobs over one session, taken only as they were asked for, and given no faster than is fair."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.blobs import (
    BlobChunk,
    BlobWant,
    chunks_of,
    decode_blob_want,
    decode_chunk,
    decode_no_blob,
    encode_blob_want,
    encode_chunk,
    encode_no_blob,
)
from protocol.errors import BlobError, MessageError, Misbehaved
from protocol.frames import Joiner, Kind, read_header
from protocol.lending import Borrowing, Lending
from protocol.limits import (
    BLOB_CHUNK_BYTES,
    LENT_AT_ONCE_BYTES,
    LENT_BYTES_PER_SECOND,
    LENT_LEAST_BYTES,
    MAX_BLOB_BYTES,
    MAX_OPEN_BLOBS,
)
from protocol.serving import frames_of_blob

from ..support.photos import digest_of, jpeg

PHOTO = jpeg("mercado", 3 * BLOB_CHUNK_BYTES - 7)
OTHER = jpeg("feria", 10)
LISTING = bytes(range(32))


def want_of(photo: bytes) -> BlobWant:
    return BlobWant(digest_of(photo), LISTING)


def cut(photo: bytes) -> list[BlobChunk]:
    return list(chunks_of(digest_of(photo), len(photo), io.BytesIO(photo)))


def said(frames: list[bytes]) -> tuple[int, bytes]:
    """The one message in some frames."""
    joiner = Joiner()
    (frame,) = frames
    message = joiner.take(read_header(frame[:6]), frame[6:])
    assert message is not None
    return message.kind, message.body


# Asking -----------------------------------------------------------------------------------------


def test_questions_and_answers_have_one_spelling() -> None:
    want = want_of(PHOTO)
    assert decode_blob_want(encode_blob_want(want)) == want
    assert decode_no_blob(encode_no_blob(want.digest)) == want.digest
    for junk in (
        b"",
        b"\x92",
        encode_blob_want(want) + b"\x00",
        encode_no_blob(b"short"),
        b"\x92\xc4\x01a\xc0",
    ):
        with pytest.raises(MessageError):
            decode_blob_want(junk)
    for junk in (b"", encode_no_blob(b"short"), encode_no_blob(want.digest) + b"\x00"):
        with pytest.raises(MessageError):
            decode_no_blob(junk)


@given(st.binary(max_size=80))
def test_junk_raises_nothing_else(junk: bytes) -> None:
    for decode in (decode_blob_want, decode_no_blob, decode_chunk):
        try:
            decode(junk)
        except MessageError:
            pass


# Taking -----------------------------------------------------------------------------------------


def test_blobs_come_in_the_order_in_which_they_were_asked_for() -> None:
    borrowing = Borrowing()
    for photo in (PHOTO, OTHER):
        borrowing.want(want_of(photo))
    assert [borrowing.take(chunk) for chunk in cut(PHOTO)] == [want_of(PHOTO)] * 3
    assert len(borrowing) == 1
    assert borrowing.take(cut(OTHER)[0]) == want_of(OTHER)
    assert len(borrowing) == 0


def test_what_is_not_held_is_said_before_or_after_some_of_it() -> None:
    borrowing = Borrowing()
    for photo in (PHOTO, PHOTO, OTHER):
        borrowing.want(want_of(photo))
    assert borrowing.miss(digest_of(PHOTO)) == want_of(PHOTO)
    borrowing.take(cut(PHOTO)[0])
    borrowing.miss(digest_of(PHOTO))
    borrowing.take(cut(OTHER)[0])


def test_nothing_is_taken_that_was_not_asked_for() -> None:
    borrowing = Borrowing()
    with pytest.raises(Misbehaved):
        borrowing.take(cut(OTHER)[0])
    with pytest.raises(Misbehaved):
        borrowing.miss(digest_of(OTHER))
    borrowing.want(want_of(PHOTO))
    for chunk in (cut(OTHER)[0],):
        with pytest.raises(Misbehaved):
            borrowing.take(chunk)
    with pytest.raises(Misbehaved):
        borrowing.miss(digest_of(OTHER))
    with pytest.raises(BlobError):
        borrowing.take(cut(PHOTO)[1])


def test_other_bytes_than_the_name_says_end_the_session_with_their_last_chunk() -> None:
    borrowing = Borrowing()
    borrowing.want(want_of(PHOTO))
    *first, last = cut(PHOTO)
    for chunk in first:
        borrowing.take(chunk)
    with pytest.raises(BlobError):
        borrowing.take(BlobChunk(last.digest, last.size, last.offset, bytes(len(last.data))))


def test_a_blob_that_says_it_is_larger_than_any_is_refused_with_its_first_chunk() -> None:
    chunk = BlobChunk(digest_of(PHOTO), MAX_BLOB_BYTES + 1, 0, bytes(BLOB_CHUNK_BYTES))
    with pytest.raises(MessageError):
        decode_chunk(encode_chunk(chunk))


# Giving -----------------------------------------------------------------------------------------


def test_a_blob_is_given_chunk_by_chunk_and_its_file_closed() -> None:
    file = io.BytesIO(PHOTO)
    pieces = [said(frames) for frames in frames_of_blob(want_of(PHOTO), (len(PHOTO), file))]
    assert pieces == [(Kind.BLOB, encode_chunk(chunk)) for chunk in cut(PHOTO)]
    assert file.closed
    assert [said(frames) for frames in frames_of_blob(want_of(PHOTO), None)] == [
        (Kind.NO_BLOB, encode_no_blob(digest_of(PHOTO)))
    ]


@pytest.mark.parametrize("what", ["other bytes", "cut short"])
def test_a_file_that_changes_while_it_is_given_is_said_not_to_be_held(what: str) -> None:
    """Whoever gets it would blame this side for a last chunk that is another."""
    data = PHOTO[:-1] + bytes([PHOTO[-1] ^ 1]) if what == "other bytes" else PHOTO[:-1]
    kinds = [said(frames)[0] for frames in frames_of_blob(want_of(PHOTO), (len(PHOTO), io.BytesIO(data)))]
    assert kinds == [Kind.BLOB, Kind.BLOB, Kind.NO_BLOB]


def test_a_file_is_closed_where_the_link_ends_before_it() -> None:
    file = io.BytesIO(PHOTO)
    pieces = frames_of_blob(want_of(PHOTO), (len(PHOTO), file))
    next(pieces)
    pieces.close()
    assert file.closed


def test_only_so_many_may_be_wanted_at_once() -> None:
    lending = Lending(0.0)
    for _ in range(MAX_OPEN_BLOBS):
        lending.want(want_of(PHOTO))
    with pytest.raises(Misbehaved):
        lending.want(want_of(PHOTO))
    lending.answered()
    lending.want(want_of(OTHER))
    assert lending.first == want_of(PHOTO)


def test_what_goes_beyond_the_quota_waits() -> None:
    lending = Lending(5.0)
    for _ in range(LENT_AT_ONCE_BYTES // BLOB_CHUNK_BYTES):
        assert lending.pause(5.0) == 0.0
        lending.spend([bytes(BLOB_CHUNK_BYTES)], 5.0)
    lending.spend([bytes(LENT_BYTES_PER_SECOND * 3)], 5.0)
    assert lending.pause(5.0) == 3.0
    assert lending.pause(4.0) == 3.0, "a clock that goes backwards gives nothing"
    assert lending.pause(7.0) == 1.0
    assert lending.pause(8.5) == 0.0


def test_what_was_not_used_does_not_pile_up() -> None:
    lending = Lending(0.0)
    assert lending.pause(1e9) == 0.0
    lending.spend([bytes(LENT_AT_ONCE_BYTES + LENT_BYTES_PER_SECOND)], 1e9)
    assert lending.pause(1e9) == 1.0


def test_asking_for_what_is_not_held_is_not_free() -> None:
    lending, asked = Lending(0.0), 0
    while not lending.pause(0.0):
        lending.spend([b"no"], 0.0)
        asked += 1
    assert asked == LENT_AT_ONCE_BYTES // LENT_LEAST_BYTES + 1
