"""Sheets: a table of listings as a spreadsheet saves it, read into rows of text.

Decides which encodings and separators are understood, what the headings mean,
and how long a table may be. What the cells of a row amount to is `batches`'.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final

from . import columns
from .columns import Column
from .errors import InputError
from .limits import MAX_SHEET_BYTES, MAX_SHEET_ROWS

COLUMNS: Final = (
    columns.KIND,
    columns.TITLE,
    columns.CATEGORY,
    columns.QUANTITY,
    columns.UNIT,
    columns.UNTIL,
    columns.NOTE,
    columns.WANTS,
    columns.PLACE,
    columns.COUNCIL,
)
"""What a table may have, in any order."""

REQUIRED: Final = (columns.KIND, columns.TITLE)
"""What it must have."""

SEPARATORS: Final = (",", ";", "\t")


@dataclass(frozen=True, slots=True)
class Row:
    """A row: the line of the file on which it begins, and its cells by the keys of their columns.

    Empty cells are left out. `extra` is how many stand beyond the headings.
    """

    line: int
    cells: Mapping[str, str]
    extra: int


def read_sheet(file: BinaryIO) -> list[Row]:
    """The rows of a table of listings, without empty ones. Raises InputError, OSError."""
    data = file.read(MAX_SHEET_BYTES + 1)
    if len(data) > MAX_SHEET_BYTES:
        raise InputError("The table has more than {limit} bytes: cut it into several.", limit=MAX_SHEET_BYTES)
    text = decoded(data)
    lines = _lines(text, _separator_of(text))
    if not lines:
        raise InputError("The table is empty: its first line has to hold the headings.")
    headings = _columns_of(lines[0][1])
    rows = []
    for line, cells in lines[1:]:
        named = {
            column.key: columns.plain(cell.strip())
            for column, cell in zip(headings, cells, strict=False)
            if column is not None and cell.strip()
        }
        extra = sum(
            bool(cell.strip())
            for place, cell in enumerate(cells)
            if place >= len(headings) or headings[place] is None
        )
        rows.append(Row(line, named, extra))
    if len(rows) > MAX_SHEET_ROWS:
        raise InputError("The table has more than {limit} rows: cut it into several.", limit=MAX_SHEET_ROWS)
    return rows


def decoded(data: bytes) -> str:
    """The text of a table in UTF-8, in UTF-16 with its mark, else in Windows-1252. Raises InputError."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encodings = ("utf-16",)
    else:
        encodings = ("utf-8-sig", "cp1252")  # type: ignore[assignment]  # two of them
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise InputError("The table is no text: save it as CSV in UTF-8, and try again.")


def _separator_of(text: str) -> str:
    """What stands between cells: that with which most of the headings are known."""
    first = next((line for line in text.splitlines() if line.strip()), "")

    def known(separator: str) -> int:
        try:
            cells = next(csv.reader([first], delimiter=separator), [])
        except csv.Error:
            return 0
        return sum(_column_of(cell) is not None for cell in cells)

    return max(SEPARATORS, key=known)


def _lines(text: str, separator: str) -> list[tuple[int, list[str]]]:
    """The lines that hold something, each with its number; a cell in quotes may go over several."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    found = []
    line = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                found.append((line, cells))
            if len(found) > MAX_SHEET_ROWS + 1:
                break
            line = reader.line_num + 1
    except csv.Error:
        raise InputError(
            "The table cannot be read from line {line} on: look for a quotation mark there that nothing "
            "closes.",
            line=line,
        ) from None
    return found


def _columns_of(headings: Sequence[str]) -> list[Column | None]:
    """The column of each heading, None for an empty one. Raises InputError."""
    found = [_column_of(heading) for heading in headings]
    unknown = [
        heading.strip()
        for heading, column in zip(headings, found, strict=True)
        if not column and heading.strip()
    ]
    known = ", ".join(column.name for column in COLUMNS)
    if unknown:
        raise InputError(
            "Columns that a table of listings does not have: {names}. It may have: {known}.",
            names=", ".join(name[:40] for name in unknown[:5]),
            known=known,
        )
    missing = [column.name for column in REQUIRED if column not in found]
    if missing:
        raise InputError(
            "The first line has to hold the headings, and these are missing: {names}. A table may have: "
            "{known}.",
            names=", ".join(missing),
            known=known,
        )
    twice = [column.name for column in COLUMNS if found.count(column) > 1]
    if twice:
        raise InputError("Two columns are called the same: {names}.", names=", ".join(twice))
    return found


def _column_of(heading: str) -> Column | None:
    return next((column for column in COLUMNS if column.is_called(heading)), None)
