"""Blobs: photos and other files named by their SHA-256, in chunks.

Decides how a blob is cut into chunks, when chunks make up the blob that they
name, and how one is asked for. What one side of a session asks and sends is
`lending`'s, whom to ask `fetching`'s; where blobs are kept, and which, is the
node's to decide (docs/spec/wire.md, docs/spec/session.md).
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import Annotated, BinaryIO, Final

import msgspec

from ledger.log import EntryId, Hash
from ledger.sentences import N_

from .errors import BlobError
from .limits import BLOB_CHUNK_BYTES, MAX_BLOB_BYTES, MAX_MESSAGE_BYTES, MAX_QUESTION_BYTES
from .messages import decode_as


class BlobChunk(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A piece of a blob; on the wire an array of four.

    `digest` is the SHA-256 of the whole blob, `size` its length. All chunks
    but the last have BLOB_CHUNK_BYTES.
    """

    digest: Hash
    size: Annotated[int, msgspec.Meta(ge=1, le=MAX_BLOB_BYTES)]
    offset: Annotated[int, msgspec.Meta(ge=0, lt=MAX_BLOB_BYTES)]
    data: Annotated[bytes, msgspec.Meta(min_length=1, max_length=BLOB_CHUNK_BYTES)]

    @property
    def is_last(self) -> bool:
        """Whether the blob ends with it."""
        return self.offset + len(self.data) == self.size


_decoder: Final = msgspec.msgpack.Decoder(BlobChunk)


def encode_chunk(chunk: BlobChunk) -> bytes:
    """The encoding of one chunk."""
    return msgspec.msgpack.encode(chunk)


def decode_chunk(data: bytes) -> BlobChunk:
    """Read one chunk whose place and length fit its blob; nothing is hashed. Raises MessageError."""
    chunk: BlobChunk = decode_as(_decoder, data, MAX_MESSAGE_BYTES, N_("A chunk of a blob"))
    if chunk.offset % BLOB_CHUNK_BYTES or len(chunk.data) != min(BLOB_CHUNK_BYTES, chunk.size - chunk.offset):
        raise BlobError(
            "A chunk of {length} bytes at {offset} does not fit a blob of {size}.",
            length=len(chunk.data),
            offset=chunk.offset,
            size=chunk.size,
        )
    return chunk


class BlobWant(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """A blob that is wanted, and the entry that names it: a listing; on the wire an array of two."""

    digest: Hash
    listing: Hash

    @property
    def entry(self) -> EntryId:
        """The listing's id."""
        return EntryId(self.listing)


_want: Final = msgspec.msgpack.Decoder(BlobWant)
_digest: Final = msgspec.msgpack.Decoder(Hash)


def encode_blob_want(want: BlobWant) -> bytes:
    """The encoding of a question for a blob."""
    return msgspec.msgpack.encode(want)


def decode_blob_want(data: bytes) -> BlobWant:
    """Read a question for a blob. Raises MessageError."""
    want: BlobWant = decode_as(_want, data, MAX_QUESTION_BYTES, N_("A question for a blob"))
    return want


def encode_no_blob(digest: bytes) -> bytes:
    """The encoding of the answer that a blob is not given: its SHA-256."""
    return msgspec.msgpack.encode(digest)


def decode_no_blob(data: bytes) -> bytes:
    """Read which blob is not given. Raises MessageError."""
    digest: bytes = decode_as(_digest, data, MAX_QUESTION_BYTES, N_("An answer that a blob is not held"))
    return digest


def chunks_of(digest: bytes, size: int, file: BinaryIO) -> Iterator[BlobChunk]:
    """Cut a blob into chunks. Raises BlobError, with the last chunk at the latest, if it is another."""
    check = BlobCheck()
    for offset in range(0, size, BLOB_CHUNK_BYTES):
        wanted = min(BLOB_CHUNK_BYTES, size - offset)
        data = file.read(wanted)
        if len(data) != wanted:
            raise BlobError("The blob {digest} is shorter than it should be.", digest=digest.hex()[:16])
        chunk = BlobChunk(digest, size, offset, data)
        check.take(chunk)
        yield chunk


class BlobCheck:
    """Follows the chunks of one blob after the other; holds none of them."""

    def __init__(self) -> None:
        self._chunk: BlobChunk | None = None
        self._hash = sha256()

    @property
    def is_waiting(self) -> bool:
        """Whether a blob has begun and not ended."""
        return self._chunk is not None

    def take(self, chunk: BlobChunk) -> bool:
        """Take the next chunk; True when it ends its blob, whose bytes are then those that its name says.

        Raises BlobError if it is not the next one, or the bytes are others.
        """
        before = self._chunk
        expected = (
            (chunk.digest, chunk.size, 0)
            if before is None
            else (before.digest, before.size, before.offset + len(before.data))
        )
        if (chunk.digest, chunk.size, chunk.offset) != expected:
            raise BlobError("A chunk does not go on with the blob that has begun.")
        if before is None:
            self._hash = sha256()
        self._hash.update(chunk.data)
        self._chunk = None if chunk.is_last else chunk
        if not chunk.is_last:
            return False
        if self._hash.digest() != chunk.digest:
            raise BlobError(
                "The bytes of the blob {digest} are not those that it is named by.",
                digest=chunk.digest.hex()[:16],
            )
        return True
