"""Questions: one spelling each, and nothing else is read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.log import LogKey
from protocol import questions
from protocol.errors import MessageError
from protocol.limits import MAX_WANTS
from protocol.questions import Ask, Farewell, Want

LOG, ROOT = b"\x01" * 32, b"\x02" * 32
encode = msgspec.msgpack.encode

HASHES = st.binary(min_size=32, max_size=32)
INDICES = st.integers(0, 2**32 - 1)


@given(
    st.lists(st.tuples(HASHES, INDICES, st.integers(1, 1_000), st.just(b"") | HASHES), min_size=1, max_size=5)
)
def test_wants_are_read_as_they_were_written(rows: list[tuple[bytes, int, int, bytes]]) -> None:
    wants = tuple(Want(log, start, min(start + count, 2**32), root) for log, start, count, root in rows)
    assert questions.decode_wants(questions.encode_wants(wants)) == wants


def test_heads_are_wanted_by_an_end_of_nothing() -> None:
    (want,) = questions.decode_wants(questions.encode_wants([Want(LOG, 0, 0)]))
    assert want.is_for_heads


@given(st.lists(HASHES, max_size=16))
def test_hashes_are_read_as_they_were_written(hashes: list[bytes]) -> None:
    assert list(questions.decode_hashes(questions.encode_hashes(hashes))) == hashes


def test_the_other_messages_are_read_as_they_were_written() -> None:
    ask = Ask(LOG, 9, ROOT, ((0, 8), (8, 9)))
    assert questions.decode_ask(questions.encode_ask(ask)) == ask
    assert questions.decode_absent(questions.encode_absent(LogKey(LOG))) == LOG
    farewell = Farewell("done", "Hasta luego.")
    assert questions.decode_farewell(questions.encode_farewell(farewell)) == farewell


REFUSED: list[tuple[Callable[[bytes], Any], Any]] = [
    (questions.decode_wants, []),
    (questions.decode_wants, [[LOG, 0, 1, b""]] * (MAX_WANTS + 1)),
    (questions.decode_wants, [[LOG[:31], 0, 1, b""]]),
    (questions.decode_wants, [[LOG, 1, 1, b""]]),
    (questions.decode_wants, [[LOG, 1, 0, b""]]),
    (questions.decode_wants, [[LOG, 0, 1, ROOT[:8]]]),
    (questions.decode_wants, [[LOG, 0, 0, ROOT]]),
    (questions.decode_wants, [[LOG, 0, 2**32 + 1, b""]]),
    (questions.decode_wants, [[LOG, 0, 1]]),
    (questions.decode_wants, [[LOG, 0, 1, b"", 0]]),
    (questions.decode_ask, [LOG, 9, ROOT, []]),
    (questions.decode_ask, [LOG, 9, ROOT, [[0, 1]] * 17]),
    (questions.decode_ask, [LOG, 9, ROOT, [[0, 10]]]),
    (questions.decode_ask, [LOG, 9, ROOT, [[3, 3]]]),
    (questions.decode_ask, [LOG, 9, ROOT, [[0, 8], [0, 8]]]),
    (questions.decode_ask, [LOG, 9, ROOT, [[4, 8], [0, 4]]]),
    (questions.decode_ask, [LOG, 0, ROOT, [[0, 1]]]),
    (questions.decode_hashes, [ROOT] * 17),
    (questions.decode_hashes, [ROOT[:31]]),
    (questions.decode_absent, LOG[:31]),
    (questions.decode_farewell, ["Done", ""]),
    (questions.decode_farewell, ["done", "x" * 201]),
    (questions.decode_farewell, ["done", "a\u202eb"]),
    (questions.decode_farewell, ["done", "a\x00b"]),
]


@pytest.mark.parametrize(("decode", "value"), REFUSED, ids=[str(number) for number in range(len(REFUSED))])
def test_what_means_nothing_is_refused(decode: Callable[[bytes], Any], value: Any) -> None:
    with pytest.raises(MessageError):
        decode(encode(value))


DECODERS = (
    questions.decode_wants,
    questions.decode_ask,
    questions.decode_hashes,
    questions.decode_absent,
    questions.decode_farewell,
)


@given(st.binary(max_size=300), st.sampled_from(DECODERS))
def test_junk_raises_the_declared_error_alone(data: bytes, decode: Callable[[bytes], Any]) -> None:
    try:
        decode(data)
    except MessageError:
        pass


def test_a_second_spelling_is_refused() -> None:
    right = questions.encode_wants([Want(LOG, 0, 1)])
    with pytest.raises(MessageError):
        questions.decode_wants(right.replace(b"\x00\x01\xc4\x00", b"\x00\xcc\x01\xc4\x00"))
