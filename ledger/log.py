"""A log: what its entries and heads are, and what extends it.

Decides the bytes that a leaf covers, the text that a head signs, which run of
entries extends a log, and how a log's own writer signs the next run. Reads no
store and no clock. What a run means beside branches already held, and forks,
are `evidence`'s; reading a payload as a record is `records`'.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, NewType

import msgspec

from . import merkle, note, signing
from .errors import BadHead, BadRun
from .limits import (
    HASH_BYTES,
    MAX_EXTENSION_CHARACTERS,
    MAX_EXTENSIONS,
    MAX_INDEX,
    MAX_PAYLOAD_BYTES,
    MAX_RUN_BYTES,
    MAX_RUN_ENTRIES,
    SIGNATURE_BYTES,
)
from .merkle import CompactRange

LogKey = NewType("LogKey", bytes)
"""The Ed25519 public key (32 bytes) that names a log and signs its heads."""

EntryId = NewType("EntryId", bytes)
"""The leaf hash (32 bytes) of an entry: what records call each other by."""

Hash = Annotated[bytes, msgspec.Meta(min_length=HASH_BYTES, max_length=HASH_BYTES)]
"""32 bytes, checked when decoded."""

Signature = Annotated[bytes, msgspec.Meta(min_length=SIGNATURE_BYTES, max_length=SIGNATURE_BYTES)]
"""64 bytes, checked when decoded."""

Index = Annotated[int, msgspec.Meta(ge=0, le=MAX_INDEX)]
Size = Annotated[int, msgspec.Meta(ge=1, le=MAX_INDEX + 1)]
ExtensionLine = Annotated[
    str, msgspec.Meta(pattern=r"\A[!-~]([ -~]*[!-~])?\Z", max_length=MAX_EXTENSION_CHARACTERS)
]


class Head(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """A signed statement of a log's size and root; on the wire an array of five.

    `root` is the RFC 6962 tree hash over the first `size` leaves; `signature`
    is Ed25519 over `body(network)`, so that the same head rebuilt as text is a
    C2SP tlog-checkpoint. `extensions` are lines that the signature covers too;
    none is defined today.
    """

    log: Hash
    size: Size
    root: Hash
    signature: Signature
    extensions: Annotated[tuple[ExtensionLine, ...], msgspec.Meta(max_length=MAX_EXTENSIONS)] = ()

    def body(self, network: str) -> bytes:
        """The signed text, UTF-8: origin, size and root, one a line, then the extension lines."""
        return head_body(self.log, self.size, self.root, network, self.extensions)

    def is_signed(self, network: str) -> bool:
        """Whether the log's key signed this head for `network`."""
        return signing.verify(self.log, self.body(network), self.signature)

    def to_note(self, network: str) -> str:
        """The head as a C2SP signed note, ready for any checkpoint verifier."""
        name = origin(self.log, network)
        line = b64encode(note.key_id(name, self.log) + self.signature).decode("ascii")
        return f"{self.body(network).decode('utf-8')}\n— {name} {line}\n"


def origin(log: bytes, network: str) -> str:
    """The name of a log in checkpoints: `trueque/<network>/<log key, hex>`."""
    return f"trueque/{network}/{log.hex()}"


def head_body(log: bytes, size: int, root: bytes, network: str, extensions: Sequence[str] = ()) -> bytes:
    """The text that a head signs (C2SP tlog-checkpoint, note text)."""
    lines = "".join(f"{line}\n" for line in extensions)
    return f"trueque/{network}/{log.hex()}\n{size}\n{b64encode(root).decode('ascii')}\n{lines}".encode()


class Erased(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """An entry of which only the leaf hash is left; on the wire an array of one."""

    leaf: Hash


Payload = Annotated[bytes, msgspec.Meta(min_length=1, max_length=MAX_PAYLOAD_BYTES)]


class Run(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Consecutive entries under one head; on the wire an array of four.

    `items` are the payloads (or leaf hashes) from index `start` up to the
    head's size. `before` is the compact range of the first `start` entries,
    given only to a reader that starts there, and proven by the head's root.
    """

    head: Head
    start: Index
    items: Annotated[tuple[Payload | Erased, ...], msgspec.Meta(min_length=1, max_length=MAX_RUN_ENTRIES)]
    before: Annotated[tuple[Hash, ...], msgspec.Meta(max_length=32)] = ()

    @property
    def log(self) -> LogKey:
        """The log that the run belongs to."""
        return LogKey(self.head.log)


@dataclass(frozen=True, slots=True)
class LogState:
    """Where a log stands: all that is needed to extend it and check a new head.

    `compact` is the compact range of the first `size` leaves. `head` is the
    newest head, None before the first.
    """

    log: LogKey
    size: int = 0
    compact: CompactRange = ()
    head: Head | None = None

    @property
    def root(self) -> bytes:
        """The root of the first `size` leaves."""
        return merkle.range_root(self.size, self.compact)


def leaf_prefix(log: bytes) -> bytes:
    """What every leaf's hash input starts with: the RFC 6962 leaf byte, then the log key."""
    return b"\x00" + log


def entry_id(log: bytes, index: int, payload: bytes) -> EntryId:
    """The leaf hash of an entry: SHA-256 of 0x00, log key, index (8 bytes, big-endian), payload."""
    return EntryId(sha256(leaf_prefix(log) + index.to_bytes(8, "big") + payload).digest())


def leaf_hashes(log: bytes, start: int, items: Sequence[bytes | Erased]) -> list[bytes]:
    """The leaf hashes of consecutive items of a log, the first at index `start`."""
    prefix = leaf_prefix(log)
    return [
        sha256(prefix + index.to_bytes(8, "big") + item).digest() if isinstance(item, bytes) else item.leaf
        for index, item in enumerate(items, start)
    ]


def check_form(run: Run) -> None:
    """Refuse a run whose lengths break a limit or do not fit its head; no hashing.

    Raises BadRun. A run decoded from the wire has passed most of this already;
    one built in this process has not.
    """
    count = len(run.items)
    if not 1 <= count <= MAX_RUN_ENTRIES:
        raise BadRun(
            "A run has {count} entries; 1 to {limit} are allowed.", count=count, limit=MAX_RUN_ENTRIES
        )
    if run.start < 0 or run.head.size != run.start + count or run.head.size > MAX_INDEX + 1:
        raise BadRun(
            "A head of size {size} does not end a run of {count} from {start}.",
            size=run.head.size,
            count=count,
            start=run.start,
        )
    total = 0
    for item in run.items:
        if isinstance(item, bytes):
            if not 1 <= len(item) <= MAX_PAYLOAD_BYTES:
                raise BadRun(
                    "A payload has {count} bytes; 1 to {limit} are allowed.",
                    count=len(item),
                    limit=MAX_PAYLOAD_BYTES,
                )
            total += len(item)
        elif len(item.leaf) != HASH_BYTES:
            raise BadRun(
                "A leaf hash has {count} bytes instead of {limit}.", count=len(item.leaf), limit=HASH_BYTES
            )
    if total > MAX_RUN_BYTES:
        raise BadRun(
            "A run has {total} bytes of payloads; {limit} are allowed.", total=total, limit=MAX_RUN_BYTES
        )
    if run.before and len(run.before) != run.start.bit_count():
        raise BadRun(
            "A compact range of {count} hashes does not fit size {start}.",
            count=len(run.before),
            start=run.start,
        )
    if any(len(one) != HASH_BYTES for one in run.before):
        raise BadRun("A compact range holds a hash that is not {limit} bytes long.", limit=HASH_BYTES)


def check_head(head: Head, network: str) -> None:
    """Refuse a head that its log did not sign for `network`. Raises BadHead."""
    if not head.is_signed(network):
        raise BadHead(
            "The head of size {size} of log {log} is not validly signed.",
            size=head.size,
            log=head.log.hex()[:16],
        )


@dataclass(frozen=True, slots=True)
class Extension:
    """The result of extending a log: its new state and the leaf hashes of the run's items."""

    state: LogState
    leaves: list[bytes]


def extend(state: LogState, run: Run, network: str) -> Extension:
    """Extend `state` by a run that starts where it ends, in O(run).

    Checks form, root and signature, in the order of their cost. Raises BadRun
    or BadHead; the state given is never changed.
    """
    check_form(run)
    if run.head.log != state.log or run.start != state.size:
        raise BadRun(
            "A run from {start} does not continue a log of size {held}.", start=run.start, held=state.size
        )
    leaves = leaf_hashes(state.log, run.start, run.items)
    compact = merkle.extend_range(state.size, state.compact, leaves)
    if merkle.range_root(run.head.size, compact) != run.head.root:
        raise BadRun("The root of the head of size {size} is not that of its entries.", size=run.head.size)
    check_head(run.head, network)
    return Extension(LogState(state.log, run.head.size, compact, run.head), leaves)


def sign_run(
    state: LogState, payloads: Sequence[bytes], key: signing.SigningKey, network: str
) -> tuple[Run, Extension]:
    """Sign the next entries of one's own log: the run with its head, and the state after it.

    Raises BadRun if the payloads break a limit or the key is not the log's.
    """
    if key.public_key != state.log:
        raise BadRun("The key is not the one that this log is named by.")
    leaves = leaf_hashes(state.log, state.size, list(payloads))
    size = state.size + len(leaves)
    compact = merkle.extend_range(state.size, state.compact, leaves)
    root = merkle.range_root(size, compact)
    signature = key.sign(head_body(state.log, size, root, network))
    run = Run(Head(state.log, size, root, signature), state.size, tuple(payloads))
    check_form(run)
    return run, Extension(LogState(state.log, size, compact, run.head), leaves)
