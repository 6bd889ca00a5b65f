"""Vectors for messages, frames and bundles, from fixed keys.

A second implementation can be checked against tests/vectors/wire.json and
bundle.json; tests/protocol/test_vectors.py holds that they come out the same,
byte for byte. Binary is given as hex digits.

What deflate makes of the same bytes differs between its implementations. So
the compressed messages here are written by hand (a stored block, RFC 1951,
section 3.2.4) or are constants, which are read and never made again.
"""

from __future__ import annotations

import io
import zlib
from hashlib import sha256
from typing import Any, Final

import msgspec

from ledger.log import Run, leaf_hashes
from protocol.blobs import BlobWant, chunks_of, encode_blob_want, encode_chunk, encode_no_blob
from protocol.bundle import MAGIC, BundleWriter
from protocol.frames import COMPRESSED, CONTINUED, HEADER, Kind, to_frames
from protocol.limits import MAX_FRAME_BYTES, MAX_MESSAGE_BYTES
from protocol.messages import encode_evidence, encode_head, encode_heads, encode_run, join_runs

from .histories import Author, erased
from .log_vectors import NETWORK, SEED, author_of, fork

PHOTO: Final = b"a photo, or what stands for one here"

DEFLATED: Final = (
    "789c9b34f58802f342f6fd9fcf09ec932db82bf1dcfbc0ccf427d70c662fe58d97bdd39622146ab883f188425b4648c4"
    "c90c3d3f7d3d2efef42f390d6c66b1e75e5c8e3cb99077ddf2254e8bac8f384c29167ad9b991eb4eded6a86f693714aa"
    "6c8e26ec8e7ee12fbf71f3fd87995fdfe786b7d8152e89b674288a7bf0ccf6e6f487935de7bf9890117dc6e26c02cb43"
    "ef44fe09443884ed88828998d6df0a4729f609bf23d6bba8aff55558672798c71bec72e3ab61cecb6d9b1a8e3834edda"
    "f3db77dd9cff6922736203de2e3cb2f5b7bad8bf1f89475ddf844bbd79b477aec60b8ee57f9eaaaf50d83471ea2e3fbe"
    "fd8b9c04bce3dab6cfdfd1ebcb15e965cd380100a2ed8604"
)
"""What zlib 1.2.13 makes of the message of two heads."""

BOMB: Final = "78daedc13101000000c2a0f54f6d094fa0" + "00" * 1079 + "e06001000001"
"""What zlib 1.2.13 makes of 1,114,113 zeros."""


def written() -> Author:
    """The log of the vectors: six entries in three runs."""
    author = author_of(SEED)
    for batch in [[b"Maizal"], [b"100 kg", "yuca fría".encode(), b"\x00"], [b"cine", b"jornada"]]:
        author.write(*batch)
    return author


def frame(kind: int, flags: int, body: bytes) -> bytes:
    """One frame, whatever it says."""
    return HEADER.pack(kind, flags, len(body)) + body


def stored(body: bytes) -> bytes:
    """A zlib stream that holds bytes as they are, in one stored block; at most 65,535."""
    block = b"\x01" + len(body).to_bytes(2, "little") + (len(body) ^ 0xFFFF).to_bytes(2, "little") + body
    return b"\x78\x01" + block + zlib.adler32(body).to_bytes(4, "big")


def beginning(network: str = NETWORK, version: int = 1) -> bytes:
    """What a bundle begins with."""
    return MAGIC + bytes([version, len(network)]) + network.encode()


def end(before: bytes, *counts: int) -> bytes:
    """The end of a bundle: evidence, heads, runs, entries, blobs, and the digest of what stands before."""
    return frame(Kind.END, 0, msgspec.msgpack.encode([*counts, sha256(before).digest()]))


def wire_vectors() -> dict[str, Any]:
    """Messages and frames, and what is refused as such."""
    author = written()
    first, second, third = author.runs
    late = author.run_between(4, third.head, with_before=True)
    batch = [first, erased(second, 2), late]
    encoded = encode_run(first)
    (chunk,) = chunks_of(sha256(PHOTO).digest(), len(PHOTO), io.BytesIO(PHOTO))
    want = BlobWant(chunk.digest, leaf_hashes(author.state.log, 0, author.payloads)[0])
    heads = encode_heads([first.head, third.head])
    long = b"y" * (MAX_FRAME_BYTES + 1)
    cut = list(to_frames(Kind.RUNS, long, compress=False))
    return {
        "network": NETWORK,
        "seed": SEED.hex(),
        "messages": [
            {"kind": kind, "comment": comment, "body": body.hex()}
            for kind, comment, body in (
                (Kind.EVIDENCE, "evidence of a fork after 5 entries", encode_evidence(fork(5, 3, 9))),
                (Kind.HEADS, "two heads of one log", heads),
                (Kind.RUNS, "one run of one entry", join_runs([encoded])),
                (
                    Kind.RUNS,
                    "three runs: as signed, with an erased payload, from index 4 on",
                    join_runs([encode_run(run) for run in batch]),
                ),
                (Kind.BLOB, "the only chunk of a blob", encode_chunk(chunk)),
                (Kind.WANT_BLOB, "a question for it, as the photo of a listing", encode_blob_want(want)),
                (Kind.NO_BLOB, "the answer that it is not held", encode_no_blob(chunk.digest)),
            )
        ],
        "frames": [
            {"comment": "as it is", "body": heads.hex(), "frames": frame(Kind.HEADS, 0, heads).hex()},
            {
                "comment": "compressed, in a stored block",
                "body": heads.hex(),
                "frames": frame(Kind.HEADS, COMPRESSED, stored(heads)).hex(),
            },
            {
                "comment": "compressed by zlib 1.2.13; other implementations make other bytes",
                "body": heads.hex(),
                "frames": frame(Kind.HEADS, COMPRESSED, bytes.fromhex(DEFLATED)).hex(),
            },
        ],
        "long": {
            "comment": f"{len(long)} times the byte 79, in two frames; the digest is of both together",
            "headers": [one[: HEADER.size].hex() for one in cut],
            "sha256": sha256(b"".join(cut)).hexdigest(),
        },
        "refused_messages": [
            {"kind": kind, "comment": comment, "body": body.hex()}
            for kind, comment, body in (
                (Kind.HEADS, "no heads", b"\x90"),
                (Kind.HEADS, "a longer header of the array", b"\xdc\x00\x02" + heads[1:]),
                (Kind.HEADS, "a byte too many", heads + b"\x00"),
                (Kind.RUNS, "a run outside an array", encoded),
                (Kind.RUNS, "a run without `before`", b"\x91\x93" + encoded[1:-1]),
                (Kind.RUNS, "a head without extension lines", b"\x91" + shortened(first)),
                (Kind.RUNS, "a start that does not fit", b"\x91" + misplaced(first)),
                (Kind.BLOB, "a chunk shorter than its blob", encode_chunk(chunk)[:-1]),
                (
                    Kind.BLOB,
                    "an offset that is none",
                    msgspec.msgpack.encode(msgspec.structs.replace(chunk, offset=1)),
                ),
                (Kind.WANT_BLOB, "a question without a listing", b"\x91" + encode_no_blob(chunk.digest)),
                (Kind.NO_BLOB, "a name that is too short", encode_no_blob(chunk.digest[:-1])),
                (Kind.EVIDENCE, "evidence cut short", encode_evidence(fork(5, 3, 9))[:-1]),
            )
        ],
        "refused_frames": [
            {"comment": comment, "frames": data.hex()}
            for comment, data in (
                ("empty", frame(Kind.HEADS, 0, b"")),
                ("a flag that has no meaning", frame(Kind.HEADS, 4, heads)),
                ("continued, and not full", frame(Kind.HEADS, CONTINUED, heads)),
                ("too long", HEADER.pack(Kind.HEADS, 0, MAX_FRAME_BYTES + 1)),
                ("not compressed, though it says so", frame(Kind.HEADS, COMPRESSED, heads)),
                ("a compressed message cut short", frame(Kind.HEADS, COMPRESSED, stored(heads)[:-1])),
                (
                    "bytes after the compressed message",
                    frame(Kind.HEADS, COMPRESSED, stored(heads) + b"\x00"),
                ),
                ("a wrong checksum", frame(Kind.HEADS, COMPRESSED, stored(heads)[:-1] + b"\x00")),
                (
                    f"more than {MAX_MESSAGE_BYTES} bytes when inflated",
                    frame(Kind.HEADS, COMPRESSED, bytes.fromhex(BOMB)),
                ),
            )
        ],
    }


def shortened(run: Run) -> bytes:
    """A run whose head is an array of four."""
    head = encode_head(run.head)
    return b"\x94\x94" + head[1:-1] + encode_run(run)[1 + len(head) :]


def misplaced(run: Run) -> bytes:
    """A run that says that it begins later."""
    return msgspec.msgpack.encode(msgspec.structs.replace(run, start=1))


def bundle_pieces() -> list[tuple[str, bytes]]:
    """A small bundle, piece by piece."""
    author = written()
    pieces = [
        ("beginning: network comunas, version 1", beginning()),
        ("one head", frame(Kind.HEADS, 0, encode_heads([author.runs[1].head]))),
        ("two runs", frame(Kind.RUNS, 0, join_runs([encode_run(run) for run in author.runs[:2]]))),
    ]
    before = b"".join(piece for _, piece in pieces)
    return [*pieces, ("end: 0 evidence, 1 head, 2 runs, 4 entries, 0 blobs", end(before, 0, 1, 2, 4, 0))]


def everything() -> bytes:
    """A bundle with each kind of message in it, as the writer writes it without compression."""
    author = written()
    file = io.BytesIO()
    writer = BundleWriter(file, NETWORK, compress=False)
    writer.add_evidence(fork(5, 3, 9))
    writer.add_head(author.runs[-1].head)
    for run in author.runs:
        writer.add_run(run)
    writer.add_blob(sha256(PHOTO).digest(), len(PHOTO), io.BytesIO(PHOTO))
    writer.close()
    return file.getvalue()


def bundle_vectors() -> dict[str, Any]:
    """Bundles that are read, and bundles that are not, with the error that says why."""
    pieces = [piece for _, piece in bundle_pieces()]
    start, heads, runs, last = pieces
    whole = b"".join(pieces)
    bare = start + heads + runs
    numbers = [0, 1, 2, 4, 0]
    packed = start + heads + frame(Kind.RUNS, COMPRESSED, stored(runs[HEADER.size :]))
    later = start + heads + frame(0xC7, 0, b"of a later version") + runs
    strange = start + heads + frame(0x47, 0, b"of a later version") + runs
    flipped = bytearray(whole)
    flipped[len(start) + len(heads) + HEADER.size + 147] ^= 1  # in the payload of the first entry
    return {
        "network": NETWORK,
        "seed": SEED.hex(),
        "small": {
            "bundle": whole.hex(),
            "pieces": [{"comment": comment, "bytes": piece.hex()} for comment, piece in bundle_pieces()],
        },
        "read": [
            {"comment": comment, "bundle": data.hex(), "totals": counts}
            for comment, data, counts in (
                ("nothing in it", start + end(start, 0, 0, 0, 0, 0), [0, 0, 0, 0, 0]),
                ("runs compressed, in a stored block", packed + end(packed, *numbers), numbers),
                ("an unknown message that may be skipped", later + end(later, *numbers), numbers),
                ("each kind of message", everything(), [1, 1, 3, 6, 1]),
            )
        ],
        "refused": [
            {"comment": comment, "error": error, "items": items, "bundle": data.hex()}
            for comment, error, items, data in (
                ("without its end", "CutShort", 3, whole[: -len(last)]),
                ("cut in the middle of the runs", "CutShort", 1, whole[: len(start) + len(heads) + 100]),
                ("cut in its beginning", "CutShort", 0, whole[:9]),
                ("one bit of a payload changed", "DamagedBundle", 3, bytes(flipped)),
                ("runs left out", "DamagedBundle", 1, start + heads + last),
                ("other numbers at its end", "DamagedBundle", 3, bare + end(bare, 0, 1, 2, 5, 0)),
                ("bytes after its end", "DamagedBundle", 3, whole + b"\x00"),
                ("an unknown message not to skip", "NewerBundle", 1, strange + end(strange, *numbers)),
                ("of another version", "NewerBundle", 0, beginning(version=2) + whole[len(start) :]),
                ("of another network", "OtherNetwork", 0, beginning("ensayo") + whole[len(start) :]),
                ("copied as if it were text", "NotABundle", 0, whole.replace(b"\r\n", b"\n", 1)),
                ("another kind of file", "NotABundle", 0, b"\x89PNG\r\n\x1a\n"),
            )
        ],
    }  # fmt: skip
