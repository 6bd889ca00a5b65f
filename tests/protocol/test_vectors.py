"""The committed vectors of messages, frames and bundles: they come out the same, and mean what they say."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest

from ledger.evidence import check_evidence
from ledger.log import LogKey, LogState, Run, check_head, extend
from protocol.blobs import (
    BlobCheck,
    decode_blob_want,
    decode_chunk,
    decode_no_blob,
    encode_blob_want,
    encode_chunk,
    encode_no_blob,
)
from protocol.bundle import BundleReader
from protocol.errors import BundleError, FrameError, MessageError
from protocol.frames import HEADER, Joiner, Kind, Message, read_header, to_frames
from protocol.messages import (
    decode_evidence,
    decode_heads,
    decode_runs,
    encode_evidence,
    encode_heads,
    encode_run,
    join_runs,
)
from tests.support.bundle_vectors import BOMB, bundle_vectors, wire_vectors
from tests.support.log_vectors import NETWORK
from tests.support.vectors import assert_page_is_from_vectors, assert_regenerates, load, page

DECODERS: dict[int, Callable[[bytes], Any]] = {
    Kind.EVIDENCE: decode_evidence,
    Kind.HEADS: decode_heads,
    Kind.RUNS: decode_runs,
    Kind.BLOB: decode_chunk,
    Kind.WANT_BLOB: decode_blob_want,
    Kind.NO_BLOB: decode_no_blob,
}


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
    return found


def test_the_vectors_come_out_the_same_byte_for_byte() -> None:
    assert_regenerates("wire", wire_vectors())
    assert_regenerates("bundle", bundle_vectors())


def test_the_messages_are_read_and_written_again() -> None:
    for vector in load("wire")["messages"]:
        body = bytes.fromhex(vector["body"])
        value = DECODERS[vector["kind"]](body)
        match vector["kind"]:
            case Kind.EVIDENCE:
                check_evidence(value, NETWORK)
                assert encode_evidence(value) == body
            case Kind.HEADS:
                for head in value:
                    check_head(head, NETWORK)
                assert encode_heads(value) == body
            case Kind.RUNS:
                assert join_runs([encode_run(run) for run in value]) == body
            case Kind.BLOB:
                assert BlobCheck().take(value)
                assert encode_chunk(value) == body
            case Kind.WANT_BLOB:
                assert encode_blob_want(value) == body
            case Kind.NO_BLOB:
                assert encode_no_blob(value) == body


def test_the_messages_that_are_refused_are() -> None:
    for vector in load("wire")["refused_messages"]:
        with pytest.raises(MessageError):
            DECODERS[vector["kind"]](bytes.fromhex(vector["body"]))


def test_the_frames_give_their_message() -> None:
    for vector in load("wire")["frames"]:
        (message,) = join(bytes.fromhex(vector["frames"]))
        assert message == Message(Kind.HEADS, bytes.fromhex(vector["body"]))


def test_a_long_message_is_cut_where_the_vector_says() -> None:
    vector = load("wire")["long"]
    count, byte = re.match(r"(\d+) times the byte (..)", vector["comment"]).groups()  # type: ignore[union-attr]
    frames = list(to_frames(Kind.RUNS, bytes.fromhex(byte) * int(count), compress=False))
    assert [frame[: HEADER.size].hex() for frame in frames] == vector["headers"]
    assert sha256(b"".join(frames)).hexdigest() == vector["sha256"]


def test_the_frames_that_are_refused_are() -> None:
    assert BOMB in load("wire")["refused_frames"][-1]["frames"]
    for vector in load("wire")["refused_frames"]:
        with pytest.raises(FrameError):
            join(bytes.fromhex(vector["frames"]))


def test_the_bundles_are_read_to_their_end() -> None:
    vectors = load("bundle")
    small = vectors["small"]
    assert "".join(piece["bytes"] for piece in small["pieces"]) == small["bundle"]
    for vector in [*vectors["read"], {"bundle": small["bundle"], "totals": [0, 1, 2, 4, 0]}]:
        reader = BundleReader(io.BytesIO(bytes.fromhex(vector["bundle"])), vectors["network"])
        items = list(reader)
        totals = reader.totals
        assert totals is not None
        counted = [totals.evidence, totals.heads, totals.runs, totals.entries, totals.blobs]
        assert counted == vector["totals"]
        runs = [item for item in items if isinstance(item, Run)]
        for start in [run for run in runs if run.start == 0]:
            state = LogState(LogKey(start.head.log))
            for run in runs:
                state = extend(state, run, NETWORK).state
            assert state.size == totals.entries


def test_the_bundles_that_are_refused_are_with_the_error_named() -> None:
    for vector in load("bundle")["refused"]:
        items = []
        with pytest.raises(BundleError) as refused:  # noqa: PT012  # what came before it counts
            for item in BundleReader(io.BytesIO(bytes.fromhex(vector["bundle"])), NETWORK):
                items.append(item)
        assert type(refused.value).__name__ == vector["error"], vector["comment"]
        assert len(items) == vector["items"], vector["comment"]


@pytest.mark.parametrize(("name", "least"), [("wire", 5), ("bundle", 8)])
def test_every_long_number_on_a_page_is_from_the_vectors(name: str, least: int) -> None:
    assert assert_page_is_from_vectors(name) >= least


def test_the_frames_on_the_page_of_sessions_are_made_of_the_vectors() -> None:
    bodies = {vector["kind"]: vector["body"] for vector in load("wire")["messages"]}
    examples = re.findall(r"(?m)(?:^    (?:[0-9a-f]{2}|  ).*\n)+", page("session").partition("## Photos")[2])
    digits = [
        "".join(
            re.findall(
                r"^[0-9a-f]{2}(?: [0-9a-f]{2,})*|(?<=  )[0-9a-f]{4} [0-9a-f]{64}", example, re.MULTILINE
            )
        )
        for example in (re.sub(r"(?m)^    ", "", example) for example in examples)
    ]
    said = [frame.replace(" ", "") for frame in digits]
    assert said == [
        (HEADER.pack(kind, 0, len(bodies[kind]) // 2)).hex() + bodies[kind]
        for kind in (Kind.WANT_BLOB, Kind.NO_BLOB)
    ]


def test_the_bundle_taken_apart_on_its_page_is_a_vector() -> None:
    (example,) = re.findall(r"(?m)(?:^    (?:[0-9a-f]{2,}|  ).*\n){9,}", page("bundle"))
    digits = ""
    for line in example.splitlines():
        for word in line.split():
            if not re.fullmatch(r"(?:[0-9a-f]{2})+", word):
                break  # the rest of the line says in words what the bytes are
            digits += word
    assert digits == load("bundle")["small"]["bundle"]
