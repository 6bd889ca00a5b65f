"""A bundle: the file in which ledgers travel from home to home (`.trueque`).

Decides what a bundle begins and ends with, how its messages follow each other,
and when a file is cut short or damaged. The messages are those of a session
(`messages`, `frames`, `blobs`). What goes into a bundle, and what becomes of
what comes out of one, is the node's to decide (docs/spec/bundle.md).

Both sides stream: neither holds more than a message at a time, and whatever
stands whole before the place where a file ends or fails has been handed out.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from hashlib import sha256
from typing import Annotated, BinaryIO, Final

import msgspec

from ledger import signing
from ledger.errors import RecordError
from ledger.evidence import Evidence
from ledger.limits import MAX_NETWORK_CHARACTERS
from ledger.log import Hash, Head, Run
from ledger.sentences import N_

from .blobs import BlobCheck, BlobChunk, chunks_of, decode_chunk, encode_chunk
from .errors import CutShort, DamagedBundle, MessageError, NewerBundle, NotABundle, OtherNetwork
from .frames import HEADER, Joiner, Kind, Message, read_header, to_frames
from .limits import BATCH_BYTES, MAX_BATCH_ENTRIES, MAX_BATCH_HEADS, MAX_BATCH_RUNS, MAX_MESSAGE_BYTES
from .messages import (
    decode_as,
    decode_evidence,
    decode_heads,
    decode_runs,
    encode_evidence,
    encode_heads,
    encode_run,
    join_runs,
)

MAGIC: Final = b"\x89TRUEQUE\r\n\x1a\n"
"""What a bundle begins with; it shows a copy made as if it were text, as in PNG (RFC 2083, section 3.1)."""

VERSION: Final = 1

_BEGINNING: Final = struct.Struct(">BB")
"""Version, and how many bytes the network's name has."""

Count = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


class Totals(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What a bundle holds, and the SHA-256 of its bytes before the message that says so; an array of six."""

    evidence: Count
    heads: Count
    runs: Count
    entries: Count
    blobs: Count
    digest: Hash


_totals: Final = msgspec.msgpack.Decoder(Totals)

Item = Evidence | Head | Run | BlobChunk
"""What a bundle is made of, one at a time."""


class _Counter:
    """Counts what has passed, as the end of a bundle states it."""

    def __init__(self) -> None:
        self.hash = sha256()
        self.evidence = self.heads = self.runs = self.entries = self.blobs = 0

    def count(self, item: Item) -> None:
        match item:
            case Evidence():
                self.evidence += 1
            case Head():
                self.heads += 1
            case Run():
                self.runs += 1
                self.entries += len(item.items)
            case BlobChunk():
                self.blobs += item.is_last

    def totals(self) -> Totals:
        return Totals(self.evidence, self.heads, self.runs, self.entries, self.blobs, self.hash.digest())


class BundleWriter:
    """Writes a bundle into a binary file, in the order of the calls.

    Evidence should come first, then heads, runs and blobs; `close` writes the
    end, without which a reader takes the file for one that is cut short. What
    the file raises (OSError) passes through. Belongs to one thread.
    """

    def __init__(self, file: BinaryIO, network: str, *, compress: bool = True) -> None:
        """Write the beginning. Raises RecordError if `network` cannot name one."""
        signing.check_network(network)
        self._file = file
        self._compress = compress
        self._counter = _Counter()
        self._heads: list[Head] = []
        self._runs: list[bytes] = []
        self._runs_bytes = self._runs_entries = 0
        name = network.encode("ascii")
        self._write(MAGIC + _BEGINNING.pack(VERSION, len(name)) + name)

    def add_evidence(self, evidence: Evidence) -> None:
        """Add evidence of a fork."""
        self._flush()
        self._message(Kind.EVIDENCE, encode_evidence(evidence))
        self._counter.count(evidence)

    def add_head(self, head: Head) -> None:
        """Add the newest head of a branch that the sender holds, whether or not its entries follow."""
        if self._runs or len(self._heads) == MAX_BATCH_HEADS:
            self._flush()
        self._heads.append(head)
        self._counter.count(head)

    def add_run(self, run: Run) -> None:
        """Add a run; short ones share a message. Raises BadRun if it breaks a limit."""
        encoded = encode_run(run)
        if (
            self._heads
            or self._runs_bytes + len(encoded) > BATCH_BYTES
            or self._runs_entries + len(run.items) > MAX_BATCH_ENTRIES
            or len(self._runs) == MAX_BATCH_RUNS
        ):
            self._flush()
        self._runs.append(encoded)
        self._runs_bytes += len(encoded)
        self._runs_entries += len(run.items)
        self._counter.count(run)

    def add_blob(self, digest: bytes, size: int, file: BinaryIO) -> None:
        """Add a blob from a file that holds `size` bytes of it. Raises BlobError if they are not its."""
        self._flush()
        for chunk in chunks_of(digest, size, file):
            self._message(Kind.BLOB, encode_chunk(chunk))
            self._counter.count(chunk)

    def close(self) -> Totals:
        """Write what is waiting and the end; the file itself stays open."""
        self._flush()
        totals = self._counter.totals()
        self._message(Kind.END, msgspec.msgpack.encode(totals), compress=False)
        return totals

    def _flush(self) -> None:
        if self._heads:
            self._message(Kind.HEADS, encode_heads(self._heads))
        if self._runs:
            self._message(Kind.RUNS, join_runs(self._runs))
        self._heads, self._runs, self._runs_bytes, self._runs_entries = [], [], 0, 0

    def _message(self, kind: Kind, body: bytes, *, compress: bool = True) -> None:
        for frame in to_frames(kind, body, compress=compress and self._compress):
            self._write(frame)

    def _write(self, data: bytes) -> None:
        self._file.write(data)
        self._counter.hash.update(data)


class BundleReader:
    """Reads a bundle from a binary file; iterate over it once for all that it holds, in its order.

    `network` is the one that it is of, `position` how many bytes have been
    read, and `totals` what its end says, None before that has been reached and
    found to agree. Belongs to one thread.
    """

    def __init__(self, file: BinaryIO, network: str | None = None) -> None:
        """Read the beginning.

        Raises NotABundle, CutShort, NewerBundle, DamagedBundle, and OtherNetwork if `network` is given
        and the bundle is of another one.
        """
        self._file = file
        self._counter = _Counter()
        self._joiner = Joiner()
        self._blob = BlobCheck()
        self.position = 0
        self.totals: Totals | None = None
        self.network = self._beginning()
        if network is not None and self.network != network:
            raise OtherNetwork(
                "This bundle belongs to the network {theirs}, and the ledger here to {ours}: networks are "
                "never merged. A home of that network can take it in: found one in another folder.",
                theirs=self.network,
                ours=network,
            )

    def __iter__(self) -> Iterator[Item]:
        """Evidence, heads, runs and chunks of blobs, none of them verified yet.

        A message is read whole before anything of it is given out. Raises
        CutShort, DamagedBundle or NewerBundle where it cannot go on.
        """
        while (message := self._message()) is not None:
            try:
                items = self._items(message)
            except MessageError as error:
                raise self._damaged(error) from error
            for item in items:
                self._counter.count(item)
                yield item

    def _beginning(self) -> str:
        magic = b""
        while len(magic) < len(MAGIC) and MAGIC.startswith(magic):
            magic += self._exactly(1)
        if magic != MAGIC:
            raise NotABundle("This file is not a bundle: bundles are written by `trueque export --bundle`.")
        version, length = _BEGINNING.unpack(self._exactly(_BEGINNING.size))
        if version != VERSION:
            raise self._newer()
        if not 1 <= length <= MAX_NETWORK_CHARACTERS:
            raise self._damaged(MessageError("The name of its network has an impossible length."))
        name = self._exactly(length)
        try:
            network = name.decode("ascii")
            signing.check_network(network)
        except (UnicodeDecodeError, RecordError) as error:
            raise self._damaged(MessageError("It names no network.")) from error
        self._counter.hash.update(magic + _BEGINNING.pack(version, length) + name)
        return network

    def _message(self) -> Message | None:
        """The next message, None after the end."""
        while True:
            data = self._exactly(HEADER.size)
            try:
                header = read_header(data)
                if header.kind == Kind.END:
                    self._end(data, self._exactly(header.length))
                    return None
                piece = self._exactly(header.length)
                self._counter.hash.update(data + piece)
                message = self._joiner.take(header, piece)
            except MessageError as error:
                raise self._damaged(error) from error
            if message is not None:
                return message

    def _items(self, message: Message) -> list[Item]:
        if self._blob.is_waiting and message.kind != Kind.BLOB:
            raise MessageError("A blob is not complete where something else begins.")
        match message.kind:
            case Kind.EVIDENCE:
                return [decode_evidence(message.body)]
            case Kind.HEADS:
                return list(decode_heads(message.body))
            case Kind.RUNS:
                return list(decode_runs(message.body))
            case Kind.BLOB:
                chunk = decode_chunk(message.body)
                self._blob.take(chunk)
                return [chunk]
        if not message.may_be_skipped:
            raise self._newer()
        return []

    def _end(self, header: bytes, body: bytes) -> None:
        if header[1] or self._joiner.is_waiting or self._blob.is_waiting:
            raise MessageError("It ends in the middle of a message or blob.")
        totals: Totals = decode_as(_totals, body, MAX_MESSAGE_BYTES, N_("Its end"))
        if totals != self._counter.totals():
            raise MessageError("What it holds is not what its end says.")
        if self._read(1):
            raise MessageError("It goes on after its end.")
        self.totals = totals

    def _exactly(self, size: int) -> bytes:
        parts = []
        wanted = size
        while wanted:
            part = self._read(wanted)
            if not part:
                raise CutShort(
                    "The bundle is cut short: it ends after {position} bytes, in the middle. Copy it again "
                    "from where it came.",
                    position=self.position,
                )
            parts.append(part)
            wanted -= len(part)
        return b"".join(parts)

    def _read(self, size: int) -> bytes:
        try:
            data = self._file.read(size)
        except OSError as error:
            raise CutShort(
                "The bundle cannot be read on after {position} bytes ({reason}): copy it again from where "
                "it came.",
                position=self.position,
                reason=error.strerror,
            ) from error
        self.position += len(data)
        return data

    def _damaged(self, reason: MessageError) -> DamagedBundle:
        return DamagedBundle(
            "The bundle is damaged before byte {position}. {reason} Copy it again from where it came.",
            position=self.position,
            reason=reason,
        )

    @staticmethod
    def _newer() -> NewerBundle:
        return NewerBundle(
            "This bundle was written by a newer version of Trueque, or is damaged: install that version, or "
            "copy the file again."
        )
