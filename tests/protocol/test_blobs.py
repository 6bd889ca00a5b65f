"""Blobs: cut into chunks, and believed only when the last one has come."""

from __future__ import annotations

import io
from hashlib import sha256

import msgspec
import pytest

from protocol.blobs import BlobCheck, BlobChunk, chunks_of, decode_chunk, encode_chunk
from protocol.errors import BlobError, MessageError
from protocol.limits import BLOB_CHUNK_BYTES, MAX_BLOB_BYTES


def cut(data: bytes) -> list[BlobChunk]:
    """The chunks of a blob."""
    return list(chunks_of(sha256(data).digest(), len(data), io.BytesIO(data)))


@pytest.mark.parametrize("size", [1, BLOB_CHUNK_BYTES - 1, BLOB_CHUNK_BYTES, BLOB_CHUNK_BYTES + 1, 300_000])
def test_a_blob_comes_out_as_it_went_in(size: int) -> None:
    data = bytes(number % 251 for number in range(size))
    chunks = [decode_chunk(encode_chunk(chunk)) for chunk in cut(data)]
    assert b"".join(chunk.data for chunk in chunks) == data
    check = BlobCheck()
    ends = [check.take(chunk) for chunk in chunks]
    assert ends == [chunk.is_last for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert not check.is_waiting


def test_two_blobs_follow_each_other() -> None:
    check = BlobCheck()
    one, other = cut(b"foto"), cut(b"x" * (BLOB_CHUNK_BYTES + 1))
    assert [check.take(chunk) for chunk in (*one, *other, *one)] == [True, False, True, True]


def test_a_chunk_whose_length_does_not_fit_its_place_is_refused() -> None:
    digest = bytes(32)
    full = bytes(BLOB_CHUNK_BYTES)
    for chunk in (
        BlobChunk(digest, 2 * BLOB_CHUNK_BYTES, 1, full),
        BlobChunk(digest, 2 * BLOB_CHUNK_BYTES, 0, full[:-1]),
        BlobChunk(digest, BLOB_CHUNK_BYTES + 5, BLOB_CHUNK_BYTES, b"1234"),
        BlobChunk(digest, BLOB_CHUNK_BYTES + 5, BLOB_CHUNK_BYTES, b"123456"),
        BlobChunk(digest, 5, BLOB_CHUNK_BYTES, b"12345"),
        BlobChunk(digest, 0, 0, b""),
        BlobChunk(digest, MAX_BLOB_BYTES + 1, 0, full),
        BlobChunk(digest, MAX_BLOB_BYTES, 0, full + b"\0"),
        BlobChunk(digest, MAX_BLOB_BYTES, MAX_BLOB_BYTES, full),
        BlobChunk(digest[:-1], 1, 0, b"1"),
    ):
        with pytest.raises(MessageError):
            decode_chunk(msgspec.msgpack.encode(chunk))


def test_a_chunk_out_of_its_turn_is_refused() -> None:
    one, two, three = cut(b"x" * (2 * BLOB_CHUNK_BYTES + 1))
    stranger = cut(b"y" * (2 * BLOB_CHUNK_BYTES + 1))[1]
    for taken, wrong in (([], two), ([one], one), ([one], three), ([one], stranger), ([one, two], two)):
        check = BlobCheck()
        for chunk in taken:
            check.take(chunk)
        with pytest.raises(BlobError):
            check.take(wrong)


def test_bytes_that_are_not_those_of_the_name_are_refused() -> None:
    one, two = cut(b"x" * (BLOB_CHUNK_BYTES + 1))
    check = BlobCheck()
    check.take(one)
    with pytest.raises(BlobError):
        check.take(msgspec.structs.replace(two, data=b"y"))


def test_a_file_that_does_not_hold_the_blob_is_not_cut_up() -> None:
    data = b"x" * (BLOB_CHUNK_BYTES + 1)
    digest = sha256(data).digest()
    for file in (b"", data[:-1], b"y" + data[1:]):
        with pytest.raises(BlobError):
            list(chunks_of(digest, len(data), io.BytesIO(file)))
