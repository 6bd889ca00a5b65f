"""Messages: heads, runs and evidence as they are sent, in one spelling each.

Decides the bytes of a message and refuses all others; a message that is read
says what the sender claims, and what that proves is the ledger's to check. How
a message is cut into frames and compressed is `frames`', what a file or a
session makes of it `bundle`'s and `session`'s (docs/spec/wire.md).

Sizes are checked before anything is decoded, and a message is decoded whole or
not at all. The encoding is MessagePack of the ledger's own Structs; that it is
the shortest one is seen by encoding again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final

import msgspec

from ledger import evidence as proofs
from ledger.errors import BadRun, EvidenceError
from ledger.evidence import Evidence
from ledger.log import Head, Run, check_form
from ledger.sentences import N_

from .errors import MessageError
from .limits import (
    MAX_BATCH_ENTRIES,
    MAX_BATCH_HEADS,
    MAX_BATCH_RUNS,
    MAX_HEAD_BYTES,
    MAX_MESSAGE_BYTES,
)

_encode: Final = msgspec.msgpack.Encoder().encode
_head: Final = msgspec.msgpack.Decoder(Head)
_heads: Final = msgspec.msgpack.Decoder(
    Annotated[tuple[Head, ...], msgspec.Meta(min_length=1, max_length=MAX_BATCH_HEADS)]
)
_run: Final = msgspec.msgpack.Decoder(Run)
_batch: Final = msgspec.msgpack.Decoder(
    Annotated[tuple[msgspec.Raw, ...], msgspec.Meta(min_length=1, max_length=MAX_BATCH_RUNS)]
)


def decode_as(decoder: msgspec.msgpack.Decoder[Any], data: bytes, limit: int, what: str) -> Any:
    """Decode bytes that must be the one encoding of what they hold, and at most `limit` long.

    Raises MessageError; `what`, marked with `N_`, names the thing in its sentence.
    """
    if len(data) > limit:
        raise MessageError(
            "{what} has {size} bytes; {limit} are allowed.", what=what, size=len(data), limit=limit
        )
    try:
        value = decoder.decode(data)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise MessageError("{what} cannot be read.", what=what) from error
    if _encode(value) != data:
        raise MessageError("{what} is not in its shortest encoding.", what=what)
    return value


def encode_head(head: Head) -> bytes:
    """The encoding of one head: an array of five."""
    return _encode(head)


def decode_head(data: bytes) -> Head:
    """Read one head; its signature is not checked. Raises MessageError."""
    head: Head = decode_as(_head, data, MAX_HEAD_BYTES, N_("A head"))
    return head


def encode_heads(heads: Sequence[Head]) -> bytes:
    """The encoding of some heads, at most MAX_BATCH_HEADS: an array of them."""
    return _encode(heads)


def decode_heads(data: bytes) -> tuple[Head, ...]:
    """Read a message of heads; their signatures are not checked. Raises MessageError."""
    heads: tuple[Head, ...] = decode_as(_heads, data, MAX_MESSAGE_BYTES, N_("A list of heads"))
    return heads


def encode_run(run: Run) -> bytes:
    """The encoding of a run: an array of four. Raises BadRun if it breaks a limit."""
    check_form(run)
    return _encode(run)


def decode_run(data: bytes) -> Run:
    """Read one run whose lengths fit together; hashes and signature are not checked. Raises MessageError."""
    run: Run = decode_as(_run, data, MAX_MESSAGE_BYTES, N_("A run"))
    try:
        check_form(run)
    except BadRun as error:
        raise MessageError(error.template, **error.fields) from error
    return run


def join_runs(encoded: Sequence[bytes]) -> bytes:
    """A message of runs from their encodings, at most MAX_BATCH_RUNS: an array of them."""
    return _encode([msgspec.Raw(run) for run in encoded])


def decode_runs(data: bytes) -> list[Run]:
    """Read a message of runs, whole or not at all. Raises MessageError."""
    runs = []
    entries = 0
    for raw in decode_as(_batch, data, MAX_MESSAGE_BYTES, N_("A batch of runs")):
        run = decode_run(bytes(raw))
        entries += len(run.items)
        if entries > MAX_BATCH_ENTRIES:
            raise MessageError(
                "A batch of runs has more than the {limit} entries allowed.", limit=MAX_BATCH_ENTRIES
            )
        runs.append(run)
    return runs


def encode_evidence(evidence: Evidence) -> bytes:
    """The encoding of evidence: an array of three."""
    return proofs.encode_evidence(evidence)


def decode_evidence(data: bytes) -> Evidence:
    """Read evidence; what it proves is not checked. Raises MessageError."""
    try:
        return proofs.decode_evidence(data)
    except EvidenceError as error:
        raise MessageError(error.template, **error.fields) from error
