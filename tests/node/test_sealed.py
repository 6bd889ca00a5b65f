"""A sealed file: what goes in comes out with the password, and nothing else opens or changes it."""

from __future__ import annotations

import io
from typing import BinaryIO, cast

import pytest

from node.errors import InputError
from node.sealed import CHUNK_BYTES, OpeningReader, SealingWriter, check_password

PASSWORD = "tres palabras juntas"


def sealed(content: bytes, password: str = PASSWORD) -> bytes:
    file = io.BytesIO()
    writer = SealingWriter(cast(BinaryIO, file), password)
    for at in range(0, len(content), 1000):
        writer.write(content[at : at + 1000])
    writer.finish()
    return file.getvalue()


def opened(data: bytes, password: str = PASSWORD) -> bytes:
    return OpeningReader(cast(BinaryIO, io.BytesIO(data)), password).read()


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES + 7])
def test_what_was_sealed_is_read_again(size: int) -> None:
    content = bytes(range(256)) * (size // 256) + bytes(size % 256)
    assert opened(sealed(content)) == content


def test_it_is_read_in_pieces_of_any_size() -> None:
    content = bytes(range(256)) * 1000
    reader = OpeningReader(cast(BinaryIO, io.BytesIO(sealed(content))), PASSWORD)
    pieces = []
    while piece := reader.read(777):
        pieces.append(piece)
    assert b"".join(pieces) == content
    assert not reader.seekable()


def test_the_same_content_never_looks_the_same() -> None:
    assert sealed(b"semilla") != sealed(b"semilla")
    assert b"semilla" not in sealed(b"semilla")


def test_another_password_does_not_open_it() -> None:
    with pytest.raises(InputError, match="password is wrong"):
        opened(sealed(b"semilla"), "otra clave larga")


@pytest.mark.parametrize(
    ("written", "typed"),
    [("contrase\u00f1a larga", "contrasen\u0303a larga"), ("una \udcff rota", "una \udcff rota")],
)
def test_a_password_is_the_same_however_it_is_typed(written: str, typed: str) -> None:
    """Another keyboard may compose accents otherwise, and a terminal hand over bytes that are no text."""
    assert all(
        opened(sealed(b"the content", one), other) == b"the content"
        for one, other in ((written, typed), (typed, written))
    )


def test_a_file_cut_anywhere_is_refused() -> None:
    """A backup that lost its end on a full stick must not be taken for a whole one."""
    data = sealed(bytes(2 * CHUNK_BYTES + 5))
    for cut in (0, 5, 40, 60, len(data) - 1, len(data) - 20, len(data) - 22, CHUNK_BYTES + 200):
        with pytest.raises(InputError):
            opened(data[:cut])


def test_a_changed_byte_anywhere_is_refused() -> None:
    data = sealed(b"cuarenta sacos de semilla")
    for place in (*range(0, 60, 7), *range(60, len(data), 3)):
        changed = bytearray(data)
        changed[place] ^= 1
        with pytest.raises(InputError):
            opened(bytes(changed))


def test_bytes_after_the_end_are_refused() -> None:
    for content in (b"semilla", bytes(CHUNK_BYTES)):
        with pytest.raises(InputError):
            opened(sealed(content) + b"x")


def test_chunks_in_another_order_are_refused() -> None:
    data = sealed(bytes(4 * CHUNK_BYTES))
    start = len(data) - (4 * (CHUNK_BYTES + 17))
    chunk = CHUNK_BYTES + 17
    swapped = (
        data[:start]
        + data[start + chunk : start + 2 * chunk]
        + data[start : start + chunk]
        + data[start + 2 * chunk :]
    )
    with pytest.raises(InputError):
        opened(swapped)


def test_a_short_password_is_refused_before_anything_is_written() -> None:
    check_password("ocho car")
    with pytest.raises(InputError, match="it has 7"):
        check_password("siete77")
