"""Frames: a message as it travels, in a file as in a session.

Decides how a message is compressed, cut into frames and put together again,
with bounded memory whatever comes in. What a message says is `messages`';
which kinds belong where, and what becomes of an unknown one, is decided by
whoever reads (docs/spec/wire.md).

A frame is `kind (1) || flags (1) || length (4, big-endian) || piece`.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, NamedTuple

from .errors import FrameError
from .limits import MAX_FRAME_BYTES, MAX_MESSAGE_BYTES

HEADER: Final = struct.Struct(">BBI")
"""kind, flags, and how many bytes follow."""

COMPRESSED: Final = 0x01
"""flag: the message is a zlib stream (RFC 1950)."""

CONTINUED: Final = 0x02
"""flag: the message goes on in the next frame."""

SKIPPABLE: Final = 0x80
"""bit of a kind: a reader that does not know the kind passes over the message."""

_WORTH_TRYING: Final = 128
"""bytes below which deflate does not help."""


class Kind(IntEnum):
    """The kinds of message that this version knows."""

    EVIDENCE = 0x01
    HEADS = 0x02
    RUNS = 0x03
    RECONCILE = 0x04
    WANT = 0x05
    ABSENT = 0x06
    ASK = 0x07
    HASHES = 0x08
    STATE = 0x09
    WANT_BLOB = 0x0A
    NO_BLOB = 0x0B
    FAREWELL = 0x0E
    END = 0x0F
    BLOB = 0x84
    ADDRESSES = 0x85
    WANT_ADDRESSES = 0x86


class FrameHeader(NamedTuple):
    """What stands before a piece of a message. `kind` may be one that this version does not know."""

    kind: int
    flags: int
    length: int


@dataclass(frozen=True, slots=True)
class Message:
    """A message put together again, inflated; not decoded."""

    kind: int
    body: bytes

    @property
    def may_be_skipped(self) -> bool:
        """Whether a reader that does not know the kind passes over it."""
        return bool(self.kind & SKIPPABLE)


def to_frames(kind: int, body: bytes, *, compress: bool = True) -> Iterator[bytes]:
    """The frames of a message, compressed if that is allowed and makes it shorter."""
    flags = 0
    if compress and len(body) >= _WORTH_TRYING:
        shorter = zlib.compress(body)
        if len(shorter) < len(body):
            flags, body = COMPRESSED, shorter
    for start in range(0, len(body), MAX_FRAME_BYTES):
        piece = body[start : start + MAX_FRAME_BYTES]
        more = CONTINUED if start + len(piece) < len(body) else 0
        yield HEADER.pack(kind, flags | more, len(piece)) + piece


def read_header(data: bytes) -> FrameHeader:
    """What the header of a frame (6 bytes) says. Raises FrameError; the piece need not be there yet."""
    header = FrameHeader(*HEADER.unpack(data))
    if header.flags & ~(COMPRESSED | CONTINUED):
        raise FrameError("A frame has flags that have no meaning: {flags}.", flags=f"{header.flags:#04x}")
    if not 1 <= header.length <= MAX_FRAME_BYTES:
        raise FrameError(
            "A frame has {size} bytes; 1 to {limit} are allowed.", size=header.length, limit=MAX_FRAME_BYTES
        )
    if header.flags & CONTINUED and header.length != MAX_FRAME_BYTES:
        raise FrameError("A frame that is not the last of its message has {size} bytes.", size=header.length)
    return header


class Joiner:
    """Puts messages together from their frames, one after the other; holds one message at most."""

    def __init__(self) -> None:
        self._first: FrameHeader | None = None
        self._pieces: list[bytes] = []

    @property
    def is_waiting(self) -> bool:
        """Whether a message has begun and not ended."""
        return self._first is not None

    def take(self, header: FrameHeader, piece: bytes) -> Message | None:
        """Take the next frame; the message that it ends, or None if that goes on. Raises FrameError."""
        first = self._first or header
        if (header.kind, header.flags & COMPRESSED) != (first.kind, first.flags & COMPRESSED):
            raise FrameError("A frame does not go on with the message that has begun.")
        self._pieces.append(piece)
        size = sum(len(one) for one in self._pieces)
        if size > MAX_MESSAGE_BYTES:
            raise FrameError("A message has more than the {limit} bytes allowed.", limit=MAX_MESSAGE_BYTES)
        if header.flags & CONTINUED:
            self._first = first
            return None
        body = b"".join(self._pieces)
        self._first, self._pieces = None, []
        return Message(header.kind, _inflate(body) if header.flags & COMPRESSED else body)


def _inflate(data: bytes) -> bytes:
    """Inflate a whole zlib stream, and no more of it than a message may have."""
    inflater = zlib.decompressobj()
    try:
        body = inflater.decompress(data, MAX_MESSAGE_BYTES + 1)
    except zlib.error as error:
        raise FrameError("A message cannot be inflated.") from error
    if len(body) > MAX_MESSAGE_BYTES:
        raise FrameError("A message has more than the {limit} bytes allowed.", limit=MAX_MESSAGE_BYTES)
    if not inflater.eof or inflater.unused_data:
        raise FrameError("A message does not end where its compressed form does.")
    return body
