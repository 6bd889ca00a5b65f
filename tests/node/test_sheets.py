"""Tables of listings as spreadsheets save them: encodings, separators, headings, limits."""

from __future__ import annotations

import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node import language
from node.errors import InputError
from node.limits import MAX_SHEET_BYTES, MAX_SHEET_ROWS
from node.sheets import COLUMNS, Row, read_sheet

from ..support.shared import CHECKOUT

TABLE = "tipo;título;cantidad;unidad;nota\r\noferta;Maíz;100,5;kg;\r\nnecesidad;Sal;;;\r\n"


def read(data: str | bytes, encoding: str = "utf-8") -> list[Row]:
    return read_sheet(io.BytesIO(data.encode(encoding) if isinstance(data, str) else data))


def refusal(data: str | bytes) -> str:
    with pytest.raises(InputError) as refused:
        read(data)
    return str(refused.value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_the_encodings_of_spreadsheets_are_understood(encoding: str) -> None:
    assert read(TABLE, encoding) == [
        Row(2, {"kind": "oferta", "title": "Maíz", "quantity": "100,5", "unit": "kg"}, 0),
        Row(3, {"kind": "necesidad", "title": "Sal"}, 0),
    ]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_the_separators_of_spreadsheets_are_understood(separator: str, ending: str) -> None:
    lines = (("kind", "title", "note"), ("offer", '"a, b; c\td"', "x"))
    (row,) = read(ending.join(separator.join(line) for line in lines))
    assert row.cells == {"kind": "offer", "title": "a, b; c\td", "note": "x"}


@pytest.mark.parametrize("spoken", ["en", "es"])
def test_headings_are_understood_in_both_languages_whatever_is_spoken(spoken: str) -> None:
    language.use(spoken)
    for names in ([column.en for column in COLUMNS], [column.es.upper() for column in COLUMNS]):
        (row,) = read(",".join(names) + "\n" + ",".join("x" for _name in names))
        assert list(row.cells) == [column.key for column in COLUMNS]


def test_a_row_is_named_by_the_line_on_which_it_begins() -> None:
    rows = read('kind,title,note\n\noffer,Maíz,"one\ntwo\nthree"\n,,\nneed,Sal,\n')
    assert [row.line for row in rows] == [3, 7]


def test_a_mark_against_formulas_is_taken_away() -> None:
    (row,) = read("kind,title\noffer,'=1+1\n")
    assert row.cells["title"] == "=1+1"


def test_cells_beyond_the_headings_are_counted_unless_they_are_empty() -> None:
    assert [row.extra for row in read("kind,title,\noffer,a,,,\noffer,b,c\noffer,d,,e\n")] == [0, 1, 1]


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ("", "is empty"),
        ("\n , \n", "is empty"),
        ("kind,name of it,colour\n", "name of it, colour"),
        ("title\nx\n", "missing: kind"),
        ("tipo,kind,title\n", "called the same: kind"),
        ('kind,title\noffer,"open\n', "line 2"),
        ('kind,title\noffer,"a"b\n', "line 2"),
        (b"PK\x03\x04\x00\x00", "is no text"),
        (b"kind,title\noffer,\x81\xff\n", "is no text"),
        (b"\xff\xfek", "is no text"),
        ("kind,title\n" + "offer,x\n" * (MAX_SHEET_ROWS + 1), f"more than {MAX_SHEET_ROWS} rows"),
        ("kind,title\n" + "x" * MAX_SHEET_BYTES, "bytes: cut it"),
        ("kind,title\noffer," + "x" * 200_000 + "\n", "line 2"),
    ],
    ids=range(13),
)
def test_what_is_no_such_table_is_refused_with_what_to_do(data: str | bytes, told: str) -> None:
    assert told in refusal(data)


def test_the_longest_table_is_read() -> None:
    assert len(read("kind,title\n" + "offer,x\n" * MAX_SHEET_ROWS)) == MAX_SHEET_ROWS


@given(st.binary(max_size=300) | st.text(max_size=100).map(lambda text: f"kind,title\n{text}".encode()))
def test_junk_raises_nothing_but_the_declared_error(data: bytes) -> None:
    try:
        read(data)
    except InputError:
        pass


def test_every_column_is_documented_in_both_languages() -> None:
    page = (CHECKOUT / "docs" / "reference" / "data.md").read_text()
    section = page.partition("## Importing listings\n")[2].partition("\n## ")[0]
    told = re.findall(r"^\| `([^`]+)` \| `([^`]+)` \| \S", section, re.MULTILINE)
    assert told == [(column.en, column.es) for column in COLUMNS]
    assert f"{MAX_SHEET_ROWS} rows and {MAX_SHEET_BYTES >> 20} MiB" in section
