"""Files of exports: whole or not at all, and never in the place of something else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from node.exports import writing

from ..conftest import Secretary

FORMS = (("--format", "jsonl"), ("--format", "valueflows"), ("--format", "csv"),
         ("--format", "csv", "--table", "moves"))  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_a_file_of_the_same_kind_is_replaced_and_no_other(
    montes: Secretary, places: Path, form: tuple[str, ...]
) -> None:
    montes.sign("offer", "Maíz")
    out, photo = places / "out", places / "photo.png"
    montes.run("export", *form, "--out", str(out))
    first = out.read_bytes()
    montes.sign("need", "Sal")
    montes.run("export", *form, "--out", str(out))
    assert out.read_bytes() != first or form[-1] == "moves"
    photo.write_bytes(b"\x89PNG")
    assert "not replaced" in montes.refused("export", *form, "--out", str(photo))
    assert photo.read_bytes() == b"\x89PNG"
    other = next(each for each in FORMS if each != form)
    assert "not replaced" in montes.refused("export", *other, "--out", str(out))


def test_a_table_in_the_other_language_is_a_file_of_the_same_kind(montes: Secretary, places: Path) -> None:
    arguments = ("export", "--format", "csv", "--table", "listings", "--out", str(places / "out.csv"))
    montes.run(*arguments, speaks="es")
    montes.run(*arguments)


def test_a_file_that_cannot_be_finished_leaves_what_stood_there(
    montes: Secretary, places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = places / "out.jsonl"
    montes.run("export", "--format", "jsonl", "--out", str(out))
    before = out.read_bytes()

    def full(*arguments: Any) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writing, "write", full)
    told = montes.refused("export", "--format", "jsonl", "--out", str(out))
    assert "free some space" in told
    assert out.read_bytes() == before
    assert [path.name for path in places.glob(".trueque-*")] == []


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "Give either --bundle FILE"),
        (("--bundle", "b", "--format", "csv"), "Give either --bundle FILE"),
        (("--bundle", "b", "--commune", "x"), "A bundle takes"),
        (("--format", "jsonl", "--no-photos"), "Photos go into bundles"),
        (("--format", "jsonl", "--table", "moves"), "Only csv has tables"),
        (("--format", "jsonl", "--all", "--commune", "x"), "either --all or --commune"),
        (("--format", "csv"), "are a ZIP file"),
        (("--format", "jsonl", "--json"), "give --out FILE"),
        (("--format", "jsonl", "--since", "yesterday"), "is not a date"),
        (("--format", "jsonl", "--commune", "Nadie"), "No commune called"),
    ],
)
def test_what_makes_no_sense_is_refused(montes: Secretary, arguments: tuple[str, ...], told: str) -> None:
    assert told in montes.refused("export", *arguments)
