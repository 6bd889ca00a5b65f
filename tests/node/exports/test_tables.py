"""Tables: what a spreadsheet shows, in the language of whoever opens it, and nothing that it computes."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from pathlib import Path

import pytest

from node import columns, language
from node.exports.tables import TABLES

from ...support.shared import CHECKOUT
from ..conftest import Secretary


def rows_of(data: bytes, separator: str = ",") -> list[dict[str, str]]:
    assert data.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""), delimiter=separator))


def table(secretary: Secretary, name: str, *options: str) -> list[dict[str, str]]:
    return rows_of(secretary.run("export", "--format", "csv", "--table", name, *options).stdout_bytes)


def test_listings_are_rows_with_what_is_left_of_them(full: Secretary) -> None:
    maize, yuca, work = table(full, "listings")
    assert list(maize) == [column.en for column in TABLES["listings"]]
    assert (maize["kind"], maize["title"], maize["quantity"], maize["unit"]) == (
        "offer",
        "Maíz",
        "100.5",
        "saco",
    )
    assert (maize["category"], maize["left"], maize["state"]) == ("Maize, rice and other grain", "0", "open")
    assert (maize["place"], maize["council"]) == ("Galpón; norte", "Consejo Las Flores")
    assert (yuca["state"], yuca["quantity"]) == ("withdrawn", "1")
    assert work["kind"] == "need"


def test_transfers_are_rows_with_how_far_they_are_by_the_word_of_each_side(full: Secretary) -> None:
    found = table(full, "transfers")
    assert len(found) == 3 + 1 + 3
    maize = next(row for row in found if row["title"] == "Maíz")
    assert (maize["from"], maize["to"]) == ("Los Montes", "El Valle")
    assert (maize["given"], maize["received"], maize["still due"]) == ("60", "59", "41.5")
    assert maize["remarks"] == "less than agreed; disputed"
    coffee = next(row for row in found if row["title"] == "Café")
    assert (coffee["state"], coffee["still due"]) == ("declined", "0")
    assert {row["form"] for row in found if row["title"].startswith("De ")} == {"ring"}


def test_what_was_said_is_a_row_each(full: Secretary) -> None:
    found = table(full, "moves")
    assert [row["kind"] for row in found].count("proposal") == 3
    received = next(row for row in found if row["kind"] == "receipt of goods")
    assert (received["commune"], received["quantity"], received["condition"]) == (
        "El Valle", "59", "less than agreed",
    )  # fmt: skip
    assert {row["has effect"] for row in found} == {"yes"}


def test_no_cell_is_a_formula(full: Secretary) -> None:
    """Whoever opens the file must not run what another commune wrote (OWASP, CSV Injection)."""
    assert table(full, "listings")[0]["note"] == '\'=HYPERLINK("x")\notra línea'
    for text in ("=1+1", "+1", "-1", "@x", "\uff1d1"):
        assert columns.cell(text)[0] == "'"
        assert columns.plain(columns.cell(text)) == text
    for text in ("'tis", "a=1", "'", "so, 'tis; that\n* is 3 - 1"):
        assert columns.plain(columns.cell(text)) == columns.cell(text) == text


@pytest.mark.parametrize("between", [";", ",", "\t", ", ", ';"', "\n", "\n  "])
def test_none_is_where_another_separator_or_a_line_breaks_it(between: str) -> None:
    """A table in one language is opened where spreadsheets speak the other."""
    for sign in ("=", "+", "-", "@", "\uff1d", "'=", "''="):
        text = f"maize{between}{sign}1+1"
        written = io.StringIO()
        csv.writer(written, quoting=csv.QUOTE_ALL).writerow([columns.cell(text), columns.cell(text)])
        for separator in ";,\t":
            for row in csv.reader(io.StringIO(written.getvalue()), delimiter=separator):
                assert not [each for each in row if each.lstrip(' "').startswith(tuple("=+-@\uff1d"))]
            for line in written.getvalue().splitlines():
                for part in line.split(separator):
                    assert not part.lstrip(' "').startswith(tuple("=+-@\uff1d"))
        assert columns.plain(columns.cell(text)) == text


def test_in_spanish_it_is_as_spreadsheets_there_expect_it(full: Secretary) -> None:
    told = full.run("export", "--format", "csv", "--table", "listings", speaks="es").stdout_bytes
    maize = rows_of(told, ";")[0]
    assert (maize["título"], maize["cantidad"], maize["tipo"]) == ("Maíz", "100,5", "oferta")
    # Read with the other separator no cell falls apart, and none begins with what somebody wrote inside one.
    assert all(len(row) == 16 for row in csv.reader(io.StringIO(told.decode("utf-8-sig")), delimiter=";"))


def test_all_tables_are_one_archive_and_the_same_twice(full: Secretary, places: Path) -> None:
    first, second = places / "one.zip", places / "two.zip"
    answer = full.json("export", "--format", "csv", "--out", str(first))
    full.run("export", "--format", "csv", "--out", str(second))
    assert first.read_bytes() == second.read_bytes()
    with zipfile.ZipFile(first) as archive:
        assert archive.namelist() == [f"trueque/{name}.csv" for name in TABLES]
        counts = [len(rows_of(archive.read(name))) for name in archive.namelist()]
    assert answer == {"path": str(first), "format": "csv", "table": None, "count": sum(counts)}


def test_columns_have_names_of_their_own_in_both_languages() -> None:
    for table_columns in TABLES.values():
        for spoken in ("en", "es"):
            language.use(spoken)
            names = [column.name for column in table_columns]
            assert len(set(map(columns.fold, names))) == len(names)


@pytest.mark.parametrize("name", list(TABLES))
def test_every_column_is_documented_in_both_languages(name: str) -> None:
    page = (CHECKOUT / "docs" / "reference" / "data.md").read_text()
    section = re.search(rf"^### Table of {name}\n(.*?)^#", page, re.MULTILINE | re.DOTALL)
    assert section is not None
    told = re.findall(r"^\| `([^`]+)` \| `([^`]+)` \| \S", section[1], re.MULTILINE)
    assert told == [(column.en, column.es) for column in TABLES[name]]  # type: ignore[index]  # a table's name
