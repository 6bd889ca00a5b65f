"""Bundles: everything whole before a cut is handed out, and no changed byte goes unnoticed."""

from __future__ import annotations

import errno
import io
import os
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ledger.errors import RecordError
from ledger.evidence import Evidence
from ledger.log import Head, Run
from protocol.blobs import BlobChunk
from protocol.bundle import MAGIC, BundleReader, BundleWriter, Item, Totals
from protocol.errors import (
    BlobError,
    BundleError,
    CutShort,
    DamagedBundle,
    NewerBundle,
    NotABundle,
    OtherNetwork,
)
from protocol.frames import HEADER, Kind, to_frames
from protocol.limits import BATCH_BYTES, BLOB_CHUNK_BYTES, MAX_BATCH_HEADS
from protocol.messages import encode_heads, encode_run, join_runs
from tests.support.histories import NETWORK, erased, numbered, written
from tests.support.log_vectors import fork

PHOTO = b"a photo of maize " * 10


@lru_cache
def _small() -> tuple[Item, ...]:
    """Evidence, three heads and four runs, one of them with an erased payload, one from index 5 on."""
    one = written("maizal", numbered("a", 5), numbered("b", 3))
    other = written("yuca", numbered("c", 7))
    late = one.run_between(5, one.runs[1].head, with_before=True)
    heads = [one.runs[1].head, other.runs[0].head]
    return (fork(5, 3, 9), *heads, one.runs[0], erased(one.runs[1], 6), other.runs[0], late)


def small() -> list[Item]:
    """The same few things each time."""
    return list(_small())


def write(
    items: Iterable[Item], *, network: str = NETWORK, compress: bool = True, photos: Iterable[bytes] = ()
) -> bytes:
    """A bundle of these, in this order."""
    file = io.BytesIO()
    writer = BundleWriter(file, network, compress=compress)
    for item in items:
        match item:
            case Evidence():
                writer.add_evidence(item)
            case Head():
                writer.add_head(item)
            case Run():
                writer.add_run(item)
    for photo in photos:
        writer.add_blob(sha256(photo).digest(), len(photo), io.BytesIO(photo))
    writer.close()
    return file.getvalue()


def read(data: bytes) -> tuple[list[Item], BundleError | None]:
    """All that comes out of a bundle, and the error that it ends with, if any."""
    found: list[Item] = []
    try:
        for item in BundleReader(io.BytesIO(data), NETWORK):
            found.append(item)
    except BundleError as error:
        return found, error
    return found, None


def beginning(network: bytes = NETWORK.encode(), version: int = 1) -> bytes:
    """What a bundle begins with."""
    return MAGIC + bytes([version, len(network)]) + network


def ended(data: bytes, totals: Totals) -> bytes:
    """A bundle from its beginning and messages, with an end that agrees."""
    right = msgspec.structs.replace(totals, digest=sha256(data).digest())
    return data + b"".join(to_frames(Kind.END, msgspec.msgpack.encode(right), compress=False))


def boundaries(data: bytes) -> list[int]:
    """Where the frames of a bundle begin."""
    at, found = len(beginning()), []
    while at < len(data):
        found.append(at)
        at += HEADER.size + HEADER.unpack_from(data, at)[2]
    return found


# What is written is read -----------------------------------------------------------------------


@pytest.mark.parametrize("compress", [True, False])
def test_a_bundle_holds_what_was_put_in_in_its_order(compress: bool) -> None:
    items = small()
    data = write(items, compress=compress, photos=[PHOTO, b"x" * (2 * BLOB_CHUNK_BYTES + 1)])
    reader = BundleReader(io.BytesIO(data), NETWORK)
    found = list(reader)
    assert found[: len(items)] == items
    chunks = [chunk for chunk in found[len(items) :] if isinstance(chunk, BlobChunk)]
    assert len(chunks) == len(found) - len(items) == 4
    assert chunks[0].data == PHOTO
    assert reader.position == len(data)
    assert reader.totals is not None
    assert (reader.totals.evidence, reader.totals.heads, reader.totals.runs) == (1, 2, 4)
    assert (reader.totals.entries, reader.totals.blobs) == (18, 2)


def test_an_empty_bundle_is_a_bundle() -> None:
    reader = BundleReader(io.BytesIO(write([])))
    assert reader.network == NETWORK
    assert list(reader) == []
    assert reader.totals == Totals(0, 0, 0, 0, 0, sha256(beginning()).digest())


def test_the_totals_that_the_writer_returns_are_those_that_the_reader_finds() -> None:
    file = io.BytesIO()
    writer = BundleWriter(file, NETWORK)
    for run in written("maizal", numbered("a", 5), numbered("b", 3)).runs:
        writer.add_run(run)
    totals = writer.close()
    file.seek(0)
    reader = BundleReader(file)
    assert len(list(reader)) == 2
    assert reader.totals == totals


def test_the_order_may_be_any_and_everything_may_come_twice() -> None:
    """Evidence first is for those who stop half-way; a reader needs no order."""
    items = small()[::-1] * 2
    found, error = read(write(items))
    assert (found, error) == (items, None)


def test_short_runs_share_a_message_and_long_ones_do_not() -> None:
    runs = [written(f"log {number}", numbered("a", 20)).runs[0] for number in range(60)]
    assert len(boundaries(write(runs, compress=False))) == 2
    long = written("long", [bytes([number]) * 8192 for number in range(64)]).runs[0]
    assert len(encode_run(long)) > BATCH_BYTES
    data = write([runs[0], long, long, runs[1]], compress=False)
    assert read(data) == ([runs[0], long, long, runs[1]], None)
    assert len(boundaries(data)) == 1 + 2 * 3 + 1 + 1


def test_many_heads_take_several_messages() -> None:
    head = written("maizal", [b"a"]).runs[0].head
    heads: list[Item] = [head] * (MAX_BATCH_HEADS + 1)
    data = write(heads)
    assert read(data) == (heads, None)
    assert len(boundaries(data)) == 3


def test_compressed_text_takes_less_room() -> None:
    runs = written("maizal", [b"se ofrecen cien kilos de yuca" * 5] * 100).runs
    assert len(write(runs)) < len(write(runs, compress=False)) / 10


def test_a_network_that_cannot_be_named_is_not_written() -> None:
    for name in ("", "Comunas", "a" * 33, "ñ"):
        with pytest.raises(RecordError):
            BundleWriter(io.BytesIO(), name)


def test_a_blob_that_its_file_does_not_hold_is_not_written() -> None:
    with pytest.raises(BlobError):
        BundleWriter(io.BytesIO(), NETWORK).add_blob(bytes(32), 5, io.BytesIO(b"12345"))


class Dribble(io.RawIOBase):
    """A file that gives one byte at a time, as a pipe may."""

    def __init__(self, data: bytes) -> None:
        self._file = io.BytesIO(data)

    def read(self, size: int = -1) -> bytes:
        return self._file.read(min(size, 1))


def test_a_file_may_give_less_than_it_is_asked_for() -> None:
    file: BinaryIO = Dribble(write(small()))  # type: ignore[assignment]  # a raw file has all that is asked of it
    assert list(BundleReader(file)) == small()


# What is not whole -----------------------------------------------------------------------------


@pytest.mark.parametrize("compress", [True, False])
def test_a_bundle_cut_short_anywhere_gives_what_came_whole_and_says_so(compress: bool) -> None:
    data = write(small(), compress=compress, photos=[PHOTO])
    whole, error = read(data)
    assert error is None
    frames = boundaries(data)
    longest = 0
    for size in range(len(data)):
        found, error = read(data[:size])
        assert type(error) is CutShort
        assert found == whole[: len(found)]
        assert len(found) >= longest
        longest = len(found)
        if size == frames[-1]:
            assert found == whole, "only the end is missing"
    assert longest == len(whole)


def test_a_file_that_cannot_be_read_on_is_cut_short() -> None:
    """A stick pulled out in the middle raises EIO, not an end."""

    class Pulled(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell() > 500:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            return super().read(size)

    items = iter(BundleReader(Pulled(write(small(), compress=False))))
    assert next(items) == small()[0]
    with pytest.raises(CutShort, match="Input/output error"):
        next(items)


@pytest.mark.parametrize("compress", [True, False])
def test_no_flipped_bit_goes_unnoticed(compress: bool) -> None:
    data = write(small(), compress=compress, photos=[PHOTO])
    for at in range(len(data)):
        for bit in (0, 3, 7):
            wrong = bytearray(data)
            wrong[at] ^= 1 << bit
            found, error = read(bytes(wrong))
            assert error is not None, (at, bit)
            assert len(found) <= len(small()) + 1


def test_two_bundles_spliced_do_not_pass_for_one() -> None:
    one, two = write(small()), write(small()[3:] + small()[:1])
    for at in boundaries(one):
        for other_at in boundaries(two):
            if one[:at] + two[other_at:] in (one, two):
                continue
            found, error = read(one[:at] + two[other_at:])
            assert type(error) is DamagedBundle
            assert all(item in small() for item in found), "what came out was whole nevertheless"


def test_what_follows_the_end_is_refused() -> None:
    data = write(small())
    for more in (b"\0", data, data[len(beginning()) :]):
        found, error = read(data + more)
        assert type(error) is DamagedBundle
        assert found == small()


def test_an_end_in_the_middle_of_something_is_refused() -> None:
    photo = b"x" * (BLOB_CHUNK_BYTES + 1)
    with_blob = write([], compress=False, photos=[photo])
    chunk, rest, end = boundaries(with_blob)
    assert type(read(with_blob[:rest] + with_blob[end:])[1]) is DamagedBundle
    heads = b"".join(
        to_frames(Kind.HEADS, encode_heads([item for item in small() if isinstance(item, Head)]))
    )
    assert type(read(with_blob[:rest] + heads + with_blob[rest:])[1]) is DamagedBundle
    long = written("long", [bytes([number]) * 8192 for number in range(64)]).runs[0]
    data = write([long], compress=False)
    assert type(read(data[: boundaries(data)[1]] + data[boundaries(data)[-1] :])[1]) is DamagedBundle
    compressed = HEADER.pack(Kind.END, 1, 5) + b"12345"
    assert type(read(beginning() + compressed)[1]) is DamagedBundle
    assert chunk < rest


def test_an_end_that_states_other_numbers_is_refused() -> None:
    data = beginning() + b"".join(to_frames(Kind.RUNS, join_runs([encode_run(small()[3])])))  # type: ignore[arg-type]
    right = Totals(0, 0, 1, 5, 0, b"")
    assert read(ended(data, right))[1] is None
    for name in ("evidence", "heads", "runs", "entries", "blobs"):
        wrong = msgspec.structs.replace(right, **{name: getattr(right, name) + 1})
        assert type(read(ended(data, wrong))[1]) is DamagedBundle


# What is none, or another's --------------------------------------------------------------------


def test_a_bundle_of_another_network_is_refused_before_anything_is_read_of_it() -> None:
    data = write(small(), network="comunas")
    with pytest.raises(OtherNetwork, match=r"comunas.*ensayo.*never merged"):
        BundleReader(io.BytesIO(data), NETWORK)
    assert BundleReader(io.BytesIO(data)).network == "comunas"


def test_a_file_of_another_kind_is_no_bundle() -> None:
    for data in (
        b"PK\3\4" + bytes(50),
        b"\x89PNG\r\n\x1a\n",
        MAGIC.replace(b"\r\n", b"\n") + bytes(20),
        b"x",
    ):
        with pytest.raises(NotABundle):
            BundleReader(io.BytesIO(data))


def test_a_newer_version_is_refused_with_what_to_do() -> None:
    for version in (0, 2, 255):
        with pytest.raises(NewerBundle, match="install that version"):
            BundleReader(io.BytesIO(beginning(version=version)))


@pytest.mark.parametrize("name", [b"", b"a" * 33, b"Comunas", b"\xc3\xb1", b"a b"])
def test_a_network_that_cannot_be_named_is_refused(name: bytes) -> None:
    with pytest.raises(DamagedBundle):
        BundleReader(io.BytesIO(beginning(name)))


def test_an_unknown_message_is_passed_over_if_it_says_that_it_may_be() -> None:
    data = write(small())
    at = boundaries(data)[2]
    unknown = b"".join(to_frames(0xC7, b"of tomorrow" * 50_000, compress=False))
    tail = data[at : boundaries(data)[-1]]
    totals = BundleReader(io.BytesIO(data))
    assert list(totals) == small()
    assert totals.totals is not None
    assert read(ended(data[:at] + unknown + tail, totals.totals)) == (small(), None)
    found, error = read(data[:at] + b"".join(to_frames(0x47, b"of tomorrow")) + data[at:])
    assert type(error) is NewerBundle
    assert found == small()[:3]


@given(st.binary(max_size=300))
@example(b"")
@example(HEADER.pack(Kind.RUNS, 0, 2**32 - 1))
@example(HEADER.pack(Kind.RUNS, 0, 0))
@example(HEADER.pack(Kind.END, 0, 5) + b"12345")
@example(HEADER.pack(Kind.END, 0, 1) + b"\x90")
def test_junk_raises_the_declared_error_only(data: bytes) -> None:
    for junk in (data, beginning() + data):
        found, error = read(junk)
        assert found == []
        assert error is not None


# Memory ----------------------------------------------------------------------------------------

BIG = 100 * 1024 * 1024


def peak(work: Callable[[], None]) -> int:
    """The most bytes held at once while this works."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_hundred_megabytes_are_written_and_read_in_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "big.trueque"
    long = written("long", [bytes([number]) * 8192 for number in range(128)]).runs[0]
    middling = written("middling", numbered("m", 500)).runs[0]
    photo = b"x" * (4 * 1024 * 1024)

    def runs() -> Iterator[Run]:
        for _ in range(BIG // (1024 * 1024)):
            yield long
            yield middling

    def export() -> None:
        with path.open("wb") as file:
            writer = BundleWriter(file, NETWORK, compress=False)
            for run in runs():
                writer.add_run(run)
            writer.add_blob(sha256(photo).digest(), len(photo), io.BytesIO(photo))
            writer.close()

    def load() -> None:
        with path.open("rb") as file:
            assert sum(isinstance(item, Run) for item in BundleReader(file)) == 200

    assert peak(export) < 8 * 1024 * 1024
    assert path.stat().st_size > BIG
    assert peak(load) < 8 * 1024 * 1024
