"""Pictures: what a telephone takes is kept small, upright, and without where and when it was taken."""

from __future__ import annotations

import io
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from node.errors import InputError
from node.pictures import PHOTO_PIXELS, small


def taken(size: tuple[int, int] = (4000, 3000), kind: str = "JPEG", orientation: int = 1) -> bytes:
    """A photo, its left half red, its right half blue, with a place in its EXIF data."""
    image = Image.new("RGB", size, "blue")
    image.paste("red", (0, 0, size[0] // 2, size[1]))
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "Telephone of the secretary"
    exif.get_ifd(0x8825)[1] = "N"
    file = io.BytesIO()
    image.save(file, kind, **({"exif": exif} if kind == "JPEG" else {}))
    return file.getvalue()


def test_a_photo_is_made_small() -> None:
    kept = small(taken())
    with Image.open(io.BytesIO(kept)) as image:
        assert image.format == "JPEG"
        assert image.size == (PHOTO_PIXELS, 960)
    assert len(kept) < 300_000


def test_nothing_is_kept_but_the_picture() -> None:
    data = taken()
    assert b"secretary" in data
    kept = small(data)
    assert b"secretary" not in kept
    with Image.open(io.BytesIO(kept)) as image:
        assert not dict(image.getexif())


def test_a_photo_taken_sideways_is_kept_upright() -> None:
    with Image.open(io.BytesIO(small(taken(orientation=6)))) as image:
        assert image.size == (960, PHOTO_PIXELS)
        top, bottom = image.getpixel((480, 10)), image.getpixel((480, 1270))
        assert isinstance(top, tuple)
        assert isinstance(bottom, tuple)
        assert top[0] > 200
        assert bottom[2] > 200


def test_what_is_transparent_becomes_paper() -> None:
    file = io.BytesIO()
    Image.new("RGBA", (10, 10), (0, 0, 0, 0)).save(file, "PNG")
    with Image.open(io.BytesIO(small(file.getvalue()))) as image:
        assert image.getpixel((5, 5)) == (255, 255, 255)


def test_a_picture_that_would_fill_the_memory_is_refused() -> None:
    file = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(file, "PNG")
    assert len(file.getvalue()) < 100_000
    with pytest.raises(InputError, match="larger than a photo"):
        small(file.getvalue())


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize("size", [(4_000, 2_250), (5_120, 5_120), (1_281, 900), (8_000, 10)])
def test_a_photo_is_kept_as_sharp_as_it_may_be_whatever_its_shape(
    size: tuple[int, int], orientation: int
) -> None:
    """A JPEG is decoded at a part of its size, which must not be below the one that is kept."""
    with Image.open(io.BytesIO(small(taken(size, orientation=orientation)))) as image:
        assert max(image.size) == PHOTO_PIXELS


def test_what_a_long_photo_takes_in_memory_is_bounded() -> None:
    """More than a telephone's photo unpacked, in a small file: refused, or decoded in part."""
    flat = Image.new("RGB", (4_900, 4_900))
    for kind, words in (("PNG", "larger than a photo"), ("WEBP", "larger than a photo"), ("JPEG", "")):
        file = io.BytesIO()
        flat.save(file, kind)
        if words:
            with pytest.raises(InputError, match=words):
                small(file.getvalue())
        else:
            assert small(file.getvalue())


@given(st.binary(max_size=200), st.integers(0, 400))
def test_whatever_else_is_refused_in_words(junk: bytes, cut: int) -> None:
    whole = taken((40, 30))
    for data in (junk, whole[:cut], whole[:cut] + junk + whole[cut:]):
        with suppress(InputError):
            small(data)
