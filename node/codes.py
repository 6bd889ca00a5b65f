"""Codes: receipts as QR codes on a sheet of paper, drawn and read.

Decides how codes stand on a sheet that prints on A4 and on letter paper, and in
which kinds of file; and what is read from a photo of one. What the codes say is
`ledger.parts`'. A phone reads the codes as well, and its text serves as it is.
In a drawing the text of the codes stands too, so that the file
itself can be read without them.
"""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Sequence
from html import escape
from textwrap import wrap
from typing import Any, Final

from ledger.parts import PREFIX

from .errors import InputError
from .limits import MAX_CODES_ON_SHEET, MAX_IMAGE_BYTES, MAX_IMAGE_PIXELS
from .pictures import FORMATS

Grid = list[list[int]]
"""The modules of a code, row by row; 1 is dark."""

MARGIN: Final = 4
"""light modules around a code (ISO/IEC 18004, section 9.1)."""

SHEET: Final = (186, 255)
"""millimetres, width and height: what both A4 and letter paper leave within ordinary margins."""

TEXT_SIZE: Final = 3.6
"""millimetres of the text above the codes."""

TEXT_COLUMNS: Final = 92
"""characters of such a line; the widest letters still fit."""

TEXT_LINES: Final = 12
"""lines of such text; more would take the codes' room."""

BOLD: Final = ' font-weight="bold"'
"""of what comes first, which says what the sheet is."""

DOTS: Final = 11_811
"""pixels of a metre: 300 dpi, as `pHYs` of a PNG states it."""

DOTS_OF_A_MODULE: Final = (9, 5)
"""pixels of a module where codes stand in one column, and in two: a sheet is 2,197 wide."""

_PNG: Final = b"\x89PNG\r\n\x1a\n"
IMAGES: Final = (_PNG, b"\xff\xd8\xff", b"GIF8", b"RIFF", b"BM")
"""What files of pictures begin with: PNG, JPEG, GIF, WebP, BMP."""


def _codes(parts: Sequence[str]) -> list[Grid]:
    """The modules of the QR codes of these parts, all of one size, with the light margin around them.

    Each has as much error correction as its size leaves room for.
    """
    import segno

    if len(parts) > MAX_CODES_ON_SHEET:
        raise InputError(
            "It would take {count} codes, too many for one sheet: write the paper form into a .txt, or "
            "use --out alone.",
            count=len(parts),
        )
    # Letters, then digits: as two segments the digits take a third less. The types of segno know of one only.
    make: Any = segno.make
    contents = [[part[: part.rindex(":") + 1], part[part.rindex(":") + 1 :]] for part in parts]
    version = max(make(content, error="L", micro=False).version for content in contents)
    return [
        [list(row) for row in make(content, error="L", version=version).matrix_iter(border=MARGIN)]
        for content in contents
    ]


def _columns(count: int) -> int:
    return 1 if count <= 2 else 2


# Drawing ----------------------------------------------------------------------------------------


def draw_text(parts: Sequence[str], lines: Sequence[str]) -> bytes:
    """The parts as text, under lines that say what they are; for mail, or another printer of codes."""
    broken = ["\n".join(wrap(part, 80, break_on_hyphens=False)) for part in parts]
    return "\n\n".join(["\n".join(lines), *broken, ""]).encode()


def draw_svg(parts: Sequence[str], lines: Sequence[str]) -> bytes:
    """A sheet with codes, under lines that say what they are."""
    codes = _codes(parts)
    width, height = SHEET
    text = [
        line
        for each in lines
        for line in wrap(each, TEXT_COLUMNS, subsequent_indent=each[: len(each) - len(each.lstrip())])
    ]
    if len(text) > TEXT_LINES:
        text = [*text[: TEXT_LINES - 1], "…"]
    titled = len(wrap(lines[0], TEXT_COLUMNS)) if lines else 0
    top = (len(text) + 1) * 1.35 * TEXT_SIZE
    columns = _columns(len(codes))
    rows = -(-len(codes) // columns)
    side = min(width / columns, (height - top) / rows)
    drawn = []
    for number, line in enumerate(text, 1):
        look = BOLD if number <= titled else ""
        drawn.append(f'<text x="0" y="{number * 1.35 * TEXT_SIZE:.2f}"{look}>{escape(line)}</text>')
    for number, code in enumerate(codes):
        left = (width - columns * side) / 2 + number % columns * side
        down = top + number // columns * side
        drawn.append(
            f'<path transform="translate({left:.3f} {down:.3f}) scale({side / len(code):.6f})" '
            f'd="{_path(code)}" fill="#000" shape-rendering="crispEdges"/>'
        )
    said = escape("\n".join(parts))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}mm" height="{height}mm" '
        f'viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="{TEXT_SIZE}">\n'
        f'<desc>{said}</desc>\n<rect width="{width}" height="{height}" fill="#fff"/>\n'
        + "\n".join(drawn)
        + "\n</svg>\n"
    ).encode()


def _path(code: Grid) -> str:
    """The dark modules of a code, a rectangle for every stretch of them."""
    found = []
    for y, row in enumerate(code):
        start: int | None = None
        for x, dark in enumerate(row):
            if dark and start is None:
                start = x
            elif not dark and start is not None:
                found.append(f"M{start} {y}h{x - start}v1H{start}z")
                start = None
    return "".join(found)


def draw_png(parts: Sequence[str]) -> bytes:
    """A picture of the codes alone, at 300 dpi, black and white."""
    grids = _codes(parts)
    columns = _columns(len(grids))
    notes = [
        (b"pHYs", struct.pack(">IIB", DOTS, DOTS, 1)),
        # The full stop ends the last part: the checksum that follows can begin with a digit.
        (b"tEXt", b"Comment\x00" + "\n".join(parts).encode("ascii") + b"."),
    ]
    return _picture(grids, columns, DOTS_OF_A_MODULE[columns - 1], notes)


def draw_each(parts: Sequence[str]) -> list[bytes]:
    """Each code as a picture, a pixel for every module, to be shown as large as a page likes."""
    return [_picture([grid], 1, 1, []) for grid in _codes(parts)]


def _picture(grids: list[Grid], columns: int, dots: int, notes: Sequence[tuple[bytes, bytes]]) -> bytes:
    """A PNG of codes side by side, a module so many dots wide, with further chunks."""
    side = len(grids[0])
    grids = [*grids, *([[[0] * side] * side] * (-len(grids) % columns))]
    rows = []
    for first in range(0, len(grids), columns):
        for modules in zip(*grids[first : first + columns], strict=True):
            bits = "".join(("0" if dark else "1") * dots for row in modules for dark in row)
            bits += "1" * (-len(bits) % 8)
            rows += [b"\x00" + int(bits, 2).to_bytes(len(bits) // 8, "big")] * dots
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", columns * side * dots, len(rows), 1, 0, 0, 0, 0)),
        *notes,
        (b"IDAT", zlib.compress(b"".join(rows), 9)),
        (b"IEND", b""),
    ]
    return _PNG + b"".join(_chunk(name, data) for name, data in chunks)


def _chunk(name: bytes, data: bytes) -> bytes:
    """A chunk of a PNG: length, name, data, checksum (RFC 2083, section 3.2)."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


# Reading ----------------------------------------------------------------------------------------


def is_image(data: bytes) -> bool:
    """Whether a file is a picture, by how it begins."""
    return data.startswith(IMAGES)


def read_image(data: bytes) -> list[str]:
    """The texts of all QR codes in a picture. Raises InputError if none can be read."""
    import zxingcpp
    from PIL import Image

    too_large = InputError("The picture is too large: photograph each code by itself.")
    if len(data) > MAX_IMAGE_BYTES:
        raise too_large
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(data), formats=FORMATS)
        with image:
            if image.width * image.height > MAX_IMAGE_PIXELS:
                raise too_large
            image.draft("L", image.size)  # a JPEG need not be decoded in colour
            found = [barcode.text for barcode in zxingcpp.read_barcodes(image.convert("L"))]
    except InputError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise too_large from error
    except Exception as error:  # Pillow's readers raise whatever their formats bring about
        raise InputError("The picture cannot be read: photograph the codes again.") from error
    texts = [text for text in found if text.startswith(PREFIX)]
    if not texts:
        raise InputError(
            "No code of a receipt can be read in the picture: photograph each code by itself, flat and sharp."
        )
    return texts
