"""Questions: what one side of a session asks of the other, and the answers that are not entries.

Decides the bytes of a question and refuses all others. Which questions may
stand open, and in which order they are answered, is `session`'s; what is asked
of whom is `gossip`'s (docs/spec/session.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Final

import msgspec

from ledger.encoding import check_text
from ledger.errors import EncodingError
from ledger.limits import HASH_BYTES, MAX_INDEX
from ledger.log import Hash, Index, LogKey

from .errors import MessageError
from .limits import MAX_DESCENT_SPANS, MAX_MESSAGE_BYTES, MAX_QUESTION_BYTES, MAX_REASON_CHARACTERS, MAX_WANTS
from .messages import decode_as

_encode: Final = msgspec.msgpack.Encoder().encode


class Want(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """Entries that are wanted: those of a log from index `start` on, until a head of size `end` or more.

    `root` names the branch, by the root of its first `end` entries; empty: the
    branch that the other side holds first. `end` is 0 where no entries are
    wanted, only the newest head of each branch. On the wire an array of four.
    """

    log: Hash
    start: Index
    end: Annotated[int, msgspec.Meta(ge=0, le=MAX_INDEX + 1)]
    root: Annotated[bytes, msgspec.Meta(max_length=HASH_BYTES)] = b""

    @property
    def is_for_heads(self) -> bool:
        """Whether heads are wanted and no entries."""
        return self.end == 0


_wants: Final = msgspec.msgpack.Decoder(
    Annotated[tuple[Want, ...], msgspec.Meta(min_length=1, max_length=MAX_WANTS)]
)


def encode_wants(wants: Sequence[Want]) -> bytes:
    """The encoding of some wants, at most MAX_WANTS: an array of them."""
    return _encode(wants)


def decode_wants(data: bytes) -> tuple[Want, ...]:
    """Read a message of wants. Raises MessageError."""
    wants: tuple[Want, ...] = decode_as(_wants, data, MAX_MESSAGE_BYTES, "A list of what is wanted")
    for want in wants:
        if want.root and (len(want.root) != HASH_BYTES or want.is_for_heads):
            raise MessageError("What is wanted names a branch in a way that means nothing.")
        if want.start >= want.end and (want.start or want.end):
            raise MessageError(
                "The entries from {start} to {end} are wanted, which are none.",
                start=want.start,
                end=want.end,
            )
    return wants


# Descent ----------------------------------------------------------------------------------------


class Ask(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """The hashes that are asked for of some subtrees under one head; on the wire an array of four."""

    log: Hash
    size: Annotated[int, msgspec.Meta(ge=1, le=MAX_INDEX + 1)]
    root: Hash
    spans: Annotated[
        tuple[tuple[Index, Annotated[int, msgspec.Meta(ge=1, le=MAX_INDEX + 1)]], ...],
        msgspec.Meta(min_length=1, max_length=MAX_DESCENT_SPANS),
    ]

    @property
    def leaves(self) -> int:
        """How many leaves are hashed for the answer."""
        return sum(end - start for start, end in self.spans)


_ask: Final = msgspec.msgpack.Decoder(Ask)
_hashes: Final = msgspec.msgpack.Decoder(
    Annotated[tuple[Hash, ...], msgspec.Meta(max_length=MAX_DESCENT_SPANS)]
)


def encode_ask(ask: Ask) -> bytes:
    """The encoding of a question about subtrees."""
    return _encode(ask)


def decode_ask(data: bytes) -> Ask:
    """Read a question about subtrees; whether they are any is the ledger's to say. Raises MessageError."""
    ask: Ask = decode_as(_ask, data, MAX_QUESTION_BYTES, "A question about a tree")
    if any(not start < end <= ask.size for start, end in ask.spans):
        raise MessageError("A question about a tree names what is outside of it.")
    if any(start < end for (_, end), (start, _) in pairwise(ask.spans)):
        raise MessageError("A question about a tree names some of it twice.")
    return ask


def encode_hashes(hashes: Sequence[bytes]) -> bytes:
    """The encoding of the answer: an array of hashes, empty where the tree is not held."""
    return _encode(hashes)


def decode_hashes(data: bytes) -> tuple[bytes, ...]:
    """Read the answer to a question about subtrees. Raises MessageError."""
    hashes: tuple[bytes, ...] = decode_as(_hashes, data, MAX_QUESTION_BYTES, "An answer about a tree")
    return hashes


# What is not there, and the end -----------------------------------------------------------------

_log: Final = msgspec.msgpack.Decoder(Hash)


def encode_absent(log: LogKey) -> bytes:
    """The encoding of the answer that what is wanted of a log is not held: the log."""
    return _encode(log)


def decode_absent(data: bytes) -> LogKey:
    """Read of which log nothing is held that is wanted. Raises MessageError."""
    return LogKey(decode_as(_log, data, MAX_QUESTION_BYTES, "An answer that something is not held"))


class Farewell(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """Why a session ends: a code that programs know, and a sentence in English; an array of two."""

    code: Annotated[str, msgspec.Meta(pattern=r"\A[a-z][a-z-]{0,31}\Z")]
    sentence: Annotated[str, msgspec.Meta(max_length=MAX_REASON_CHARACTERS)] = ""


_farewell: Final = msgspec.msgpack.Decoder(Farewell)


def encode_farewell(farewell: Farewell) -> bytes:
    """The encoding of the reason for which a session ends."""
    return _encode(farewell)


def decode_farewell(data: bytes) -> Farewell:
    """Read the reason for which the other side ends the session. Raises MessageError."""
    farewell: Farewell = decode_as(_farewell, data, MAX_QUESTION_BYTES, "A farewell")
    try:
        check_text(farewell.sentence)
    except EncodingError as error:
        raise MessageError(error.template, **error.fields) from error
    return farewell
