"""Messages: heads, runs and evidence in one spelling each, and nothing else."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ledger.errors import BadRun
from ledger.limits import MAX_PAYLOAD_BYTES, MAX_RUN_BYTES, MAX_RUN_ENTRIES
from ledger.log import Erased, Head, Run
from protocol.blobs import decode_chunk
from protocol.errors import MessageError
from protocol.limits import (
    MAX_BATCH_ENTRIES,
    MAX_BATCH_HEADS,
    MAX_BATCH_RUNS,
    MAX_HEAD_BYTES,
    MAX_MESSAGE_BYTES,
)
from protocol.messages import (
    decode_evidence,
    decode_head,
    decode_heads,
    decode_run,
    decode_runs,
    encode_evidence,
    encode_head,
    encode_heads,
    encode_run,
    join_runs,
)
from tests.support.histories import Author, erased, numbered, written
from tests.support.log_vectors import fork

DECODERS: list[Callable[[bytes], Any]] = [
    decode_head,
    decode_heads,
    decode_run,
    decode_runs,
    decode_evidence,
    decode_chunk,
]


@pytest.fixture
def author() -> Author:
    return written("maizal", numbered("a", 5), numbered("b", 3), numbered("c", 1))


def test_what_is_encoded_is_read_back(author: Author) -> None:
    late = author.run_between(5, author.runs[1].head, with_before=True)
    runs = [*author.runs, late, erased(author.runs[0], 0, 3)]
    for run in runs:
        assert decode_run(encode_run(run)) == run
        assert decode_head(encode_head(run.head)) == run.head
    assert decode_runs(join_runs([encode_run(run) for run in runs])) == runs
    heads = tuple(run.head for run in runs)
    assert decode_heads(encode_heads(heads)) == heads
    evidence = fork(5, 3, 9)
    assert decode_evidence(encode_evidence(evidence)) == evidence


def test_an_extension_line_that_this_version_does_not_know_is_kept(author: Author) -> None:
    head = msgspec.structs.replace(author.runs[0].head, extensions=("a line of tomorrow",))
    assert decode_head(encode_head(head)) == head


def test_a_second_spelling_of_the_same_is_refused(author: Author) -> None:
    """Else one run could be told from another by its bytes, and every spelling would be passed on."""
    run = author.runs[1]
    right = encode_run(run)
    array, head = right[:1], encode_head(run.head)
    spelled = [
        b"\xdc\x00\x04" + right[1:],  # a longer header
        array + b"\x94" + head[1:-1] + right[1 + len(head) :],  # the head's extensions left out
        b"\x93" + right[1:-1],  # `before` left out
        array + head + b"\xcc\x05" + right[1 + len(head) + 1 :],  # the start as a longer integer
        right + b"\x00",
        right[:-1],
    ]
    for data in spelled:
        assert data != right
        with pytest.raises(MessageError):
            decode_run(data)
        with pytest.raises(MessageError):
            decode_runs(b"\x91" + data)
    assert decode_runs(b"\x91" + right) == [run]
    with pytest.raises(MessageError):
        decode_runs(b"\xdc\x00\x01" + right)


def test_lengths_that_do_not_fit_their_head_are_refused(author: Author) -> None:
    run = author.runs[1]
    for wrong in (
        Run(run.head, 4, run.items),
        Run(run.head, 5, run.items[:-1]),
        Run(run.head, 5, run.items, (b"\0" * 32,) * 3),
    ):
        with pytest.raises(BadRun):
            encode_run(wrong)
        with pytest.raises(MessageError):
            decode_run(msgspec.msgpack.encode(wrong))


def head_of(size: int) -> Head:
    """A head that is well-formed and signed by nobody."""
    return Head(b"\1" * 32, size, b"\2" * 32, b"\3" * 64)


def run_of(items: tuple[bytes | Erased, ...], start: int = 0) -> Run:
    """A run that is well-formed under such a head."""
    return Run(head_of(start + len(items)), start, items)


def test_the_longest_run_allowed_passes_and_a_longer_one_does_not() -> None:
    full = (b"\5" * MAX_PAYLOAD_BYTES,) * (MAX_RUN_BYTES // MAX_PAYLOAD_BYTES)
    rest = (Erased(b"\4" * 32),) * (MAX_RUN_ENTRIES - len(full))
    start = 2**32 - 1 - MAX_RUN_ENTRIES
    before = (b"\6" * 32,) * start.bit_count()
    lines = ("x" * 200,) * 4
    run = run_of(full + rest, start)
    run = Run(msgspec.structs.replace(run.head, extensions=lines), start, run.items, before)
    data = encode_run(run)
    assert decode_run(data) == run
    assert decode_runs(join_runs([data])) == [run]
    assert len(encode_head(run.head)) <= MAX_HEAD_BYTES
    for longer in (
        run_of((*full, b"\5")),
        run_of((b"\5",) * (MAX_RUN_ENTRIES + 1)),
        run_of((b"\5" * (MAX_PAYLOAD_BYTES + 1),)),
        run_of((b"",)),
    ):
        with pytest.raises(MessageError):
            decode_run(msgspec.msgpack.encode(longer))


def test_no_more_runs_heads_and_entries_than_allowed_come_in_one_message() -> None:
    short = encode_run(run_of((b"\5",)))
    assert len(decode_runs(join_runs([short] * MAX_BATCH_RUNS))) == MAX_BATCH_RUNS
    with pytest.raises(MessageError):
        decode_runs(join_runs([short] * (MAX_BATCH_RUNS + 1)))
    long = encode_run(run_of((b"\5",) * MAX_RUN_ENTRIES))
    most = MAX_BATCH_ENTRIES // MAX_RUN_ENTRIES
    assert len(decode_runs(join_runs([long] * most))) == most
    with pytest.raises(MessageError):
        decode_runs(join_runs([*[long] * most, short]))
    assert len(decode_heads(encode_heads([head_of(1)] * MAX_BATCH_HEADS))) == MAX_BATCH_HEADS
    with pytest.raises(MessageError):
        decode_heads(encode_heads([head_of(1)] * (MAX_BATCH_HEADS + 1)))
    for decode in (decode_runs, decode_heads):
        with pytest.raises(MessageError):
            decode(b"\x90")


@pytest.mark.parametrize("decode", DECODERS, ids=lambda decode: decode.__name__)
@given(data=st.binary(max_size=200))
@example(b"")
@example(b"\xdd\xff\xff\xff\xff")
@example(b"\x94\xdd\xff\xff\xff\xff")
@example(b"\xc6\xff\xff\xff\xff")
@example(b"\xff" * 40)
def test_junk_raises_the_declared_error_only(decode: Callable[[bytes], Any], data: bytes) -> None:
    with pytest.raises(MessageError):
        decode(data)


@pytest.mark.parametrize("decode", DECODERS, ids=lambda decode: decode.__name__)
def test_deep_nesting_and_oversize_are_refused(decode: Callable[[bytes], Any]) -> None:
    for data in (b"\x91" * 100_000, b"\x94" * 100_000, b"\x81" * 100_000, b"\xc0" * (MAX_MESSAGE_BYTES + 1)):
        with pytest.raises(MessageError):
            decode(data)


@given(st.data())
def test_a_changed_message_is_another_one_or_none(data: st.DataObject) -> None:
    """A flipped bit that still decodes decodes to something else: no two spellings of one message."""
    author = written("maizal", numbered("a", 5), numbered("b", 3))
    right = join_runs([encode_run(run) for run in author.runs])
    bit = data.draw(st.integers(0, 8 * len(right) - 1))
    wrong = bytearray(right)
    wrong[bit // 8] ^= 1 << bit % 8
    try:
        runs = decode_runs(bytes(wrong))
    except MessageError:
        return
    assert runs != author.runs
    assert join_runs([encode_run(run) for run in runs]) == wrong


def test_a_message_of_small_pieces_takes_no_more_memory_than_a_few_messages() -> None:
    """A megabyte of one-byte entries must not become a hundred megabytes of objects."""
    long = encode_run(run_of((b"\5\5",) * MAX_RUN_ENTRIES))
    data = join_runs([long] * (MAX_MESSAGE_BYTES // len(long)))
    nested = b"\x91" + b"\x94" + b"\x80" * (MAX_MESSAGE_BYTES - 2)
    for junk in (data, nested, b"\xdc\x04\x00" + b"\x80" * 1024):
        tracemalloc.start()
        try:
            with pytest.raises(MessageError):
                decode_runs(junk)
            assert tracemalloc.get_traced_memory()[1] < 4 * MAX_MESSAGE_BYTES
        finally:
            tracemalloc.stop()
