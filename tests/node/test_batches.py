"""Listings from a table: all or none, and none twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ledger.errors import StoreError
from ledger.store.writing import Store

from ..support.nodes import NodeProcess
from .conftest import Secretary

GOOD = """\
tipo;título;categoría;cantidad;unidad;hasta;nota;a cambio;lugar;consejo comunal
oferta;Maíz;food-grain;100,5;saco;31/12/2090;Del año;Clavos;Galpón;Las Flores
necesidad;Sal;;3;kg;;;;;
"""


@pytest.fixture
def table(places: Path) -> Path:
    path = places / "listings.csv"
    path.write_text(GOOD, encoding="cp1252")
    return path


def test_a_table_is_shown_and_posted(montes: Secretary, table: Path) -> None:
    told = montes.run("import", "--csv", str(table), "--by", "secretaria", speaks="es").stdout
    assert "Maíz" in told
    assert "2090-12-31" in told
    sal, maize = sorted(montes.json("listings"), key=lambda row: str(row["kind"]))
    assert (sal["kind"], sal["title"], sal["category"], sal["quantity"]) == ("need", "Sal", "other", "3")
    assert {key: maize[key] for key in ("title", "category", "quantity", "unit", "until", "note")} == {
        "title": "Maíz", "category": "food-grain", "quantity": "100.5", "unit": "saco", "until": "2090-12-31",
        "note": "Del año",
    }  # fmt: skip
    assert (maize["wants"], maize["place"], maize["council"]) == ("Clavos", "Galpón", "Las Flores")
    assert maize["by"] == "secretaria"


def test_a_dry_run_posts_nothing(montes: Secretary, table: Path) -> None:
    answer = montes.json("import", "--csv", str(table), "--dry-run")
    assert (answer["dry_run"], answer["posted"]) == (True, [])
    assert [(row["line"], row["state"]) for row in answer["rows"]] == [(2, "new"), (3, "new")]
    assert montes.json("listings") == []


def test_while_one_row_is_bad_none_is_posted_and_each_is_told_with_its_line(
    montes: Secretary, places: Path
) -> None:
    table = places / "bad.csv"
    rows = (
        "offer,Good,,,,",
        "ofer,Kind,,,,",
        ",No kind,,,,",
        "offer,Number,,ten,kg,",
        "offer,Thousands,,1.500,kg,",
        "offer,No unit,,5,,",
        "offer,Category,nothing like it,,,",
        "offer,Over,,,,2001-01-31",
        "offer,Date,,,,05/06/2090",
        "offer,Cells,,,,,more",
        "offer,Good,,,,",
        f"offer,{'x' * 500},,,,",
    )
    table.write_text("kind,title,category,quantity,unit,until\n" + "\n".join(rows))
    result = montes.run("import", "--csv", str(table), status=2)
    told = result.stderr
    expected = {
        3: "no kind of listing", 4: "needs 'kind' and 'title'", 5: "not a quantity",
        6: "thousands or decimals", 7: "needs a unit", 8: "no category", 9: "over already",
        10: "may be two dates", 11: "more cells", 12: "same as line 2", 13: "",
    }  # fmt: skip
    for line, sentence in expected.items():
        (found,) = [each for each in told.splitlines() if each.startswith(f"Line {line}: ")]
        assert sentence in found
    assert "11 rows cannot be posted, so nothing was" in told.splitlines()[-1]
    assert montes.json("listings") == []
    answer = montes.run("import", "--csv", str(table), "--json", status=2)
    assert '"state": "refused"' in answer.stdout


def test_a_date_with_the_day_first_is_understood_where_that_is_how_people_write(
    montes: Secretary, places: Path
) -> None:
    table = places / "dates.csv"
    table.write_text("tipo,título,hasta\noferta,a,5/6/2090\noferta,b,31-12-2090\noferta,c,2090-01-31\n")
    montes.run("import", "--csv", str(table), speaks="es")
    assert {row["title"]: row["until"] for row in montes.json("listings")} == {
        "a": "2090-06-05", "b": "2090-12-31", "c": "2090-01-31",
    }  # fmt: skip


def test_the_same_table_again_posts_nothing_and_one_row_more_that_alone(
    montes: Secretary, table: Path
) -> None:
    first = montes.json("import", "--csv", str(table))
    again = montes.json("import", "--csv", str(table))
    assert len(first["posted"]) == 2
    assert again["posted"] == []
    assert {row["state"] for row in again["rows"]} == {"standing"}
    table.write_text(GOOD + "oferta;Papa;;;;;;;;\n")
    assert len(montes.json("import", "--csv", str(table))["posted"]) == 1
    assert len(montes.json("listings")) == 3


def test_what_was_withdrawn_may_be_posted_again(montes: Secretary, table: Path) -> None:
    for entry in montes.json("import", "--csv", str(table))["posted"]:
        montes.sign("withdraw", entry)
    assert len(montes.json("import", "--csv", str(table))["posted"]) == 2


def test_what_was_exported_and_cut_down_is_recognised_as_what_stands(
    montes: Secretary, table: Path, places: Path
) -> None:
    montes.run("import", "--csv", str(table), speaks="es")
    exported = places / "out.csv"
    arguments = ("export", "--format", "csv", "--table", "listings", "--out", str(exported))
    montes.run(*arguments, speaks="es")
    lines = exported.read_text("utf-8-sig").splitlines()
    exported.write_text("\n".join(";".join(line.split(";")[:10]) for line in lines))
    assert {row["state"] for row in montes.json("import", "--csv", str(exported))["rows"]} == {"standing"}


def test_after_a_failure_in_the_middle_the_rest_is_posted_and_nothing_twice(
    montes: Secretary, places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that fills up: what one head covers is stored whole or not at all."""
    table = places / "long.csv"
    note = "x" * 1_900
    rows = [f"offer,Listing {number},{note}" for number in range(700)]
    table.write_text("\n".join(["kind,title,note", *rows]))
    append, calls = Store.append, []

    def failing(self: Store, *arguments: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:
            raise StoreError("The disk that holds the ledger is full: free some space, then start again.")
        return append(self, *arguments)

    monkeypatch.setattr(Store, "append", failing)
    told = montes.refused("import", "--csv", str(table), "--json")
    assert "disk" in told
    assert "of 700" in told
    monkeypatch.undo()
    before = len(montes.json("listings"))
    assert 0 < before < 700
    answer = montes.json("import", "--csv", str(table))
    assert len(answer["posted"]) == 700 - before
    titles = [row["title"] for row in montes.json("listings")]
    assert sorted(titles) == sorted(f"Listing {number}" for number in range(700))


def test_with_a_node_that_runs_the_node_posts_them(montes: Secretary, table: Path) -> None:
    with NodeProcess(montes.home) as node:
        assert len(montes.json("import", "--csv", str(table))["posted"]) == 2
        assert node.stop() == 0
    assert len(montes.json("listings")) == 2


def test_somebody_at_a_terminal_is_asked_once(
    montes: Secretary, table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("node.cli.desk.is_interactive", lambda: True)
    told = montes.run("import", "--csv", str(table), typed="n\n", status=2)
    assert told.stderr.count("2 listings will be posted.") == 1
    assert montes.json("listings") == []
    montes.run("import", "--csv", str(table), typed="s\n")
    assert len(montes.json("listings")) == 2


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "Give either a bundle"),
        (("--csv", "a", "b"), "Give either a bundle"),
        (("--csv", "a", "--all"), "--all is for bundles"),
        (("b", "--dry-run"), "are for tables"),
        (("--csv", "none.csv"), "No such file"),
    ],
)
def test_what_makes_no_sense_is_refused(montes: Secretary, arguments: tuple[str, ...], told: str) -> None:
    assert told in montes.refused("import", *arguments)


def test_nothing_is_read_into_a_home_that_may_not_sign(montes: Secretary, table: Path, places: Path) -> None:
    nobody = Secretary("Nobody", places / "none")
    assert nobody.refused("import", "--csv", str(table))
