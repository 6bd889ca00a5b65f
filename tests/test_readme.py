"""The README: its first exchange, command by command, ends as it says."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from node.cli import trueque

from .support.shared import CHECKOUT

COMMAND = re.compile(r"^    (trueque .+)$", re.MULTILINE)


SECTIONS = {"README.md": "## A first exchange", "README.es.md": "## Un primer intercambio por comandos"}


def commands(page: str) -> list[list[str]]:
    text = (CHECKOUT / page).read_text(encoding="utf-8")
    section = text.split(SECTIONS[page])[1].split("\n## ")[0]
    return [shlex.split(line)[1:] for line in COMMAND.findall(section)]


@pytest.mark.parametrize("page", SECTIONS)
def test_the_first_exchange_goes_as_written(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("XDG_DATA_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    exchange = offer = ""
    given = commands(page)
    assert len(given) > 15
    for words in given:
        arguments = [
            {"EXCHANGE": exchange, "INTERCAMBIO": exchange, "OFFER": offer, "OFERTA": offer}.get(word, word)
            for word in words
        ]
        if words[0] == "init":
            arguments += ["--yes", "--recovery-out", f"{len(list(tmp_path.iterdir()))}.words"]
        result = CliRunner().invoke(trueque, arguments)
        assert result.exit_code == 0, (words, result.output)
        if words[0] == "offer":
            offer = result.stdout.split()[0]
        if words[0] == "propose":
            exchange = result.stdout.split()[0]
    shown = CliRunner().invoke(trueque, ["exchanges", "--json", "--home", "montes"])
    (one,) = json.loads(shown.stdout)
    assert one["state"] == "fulfilled"


# How-tos by commands -----------------------------------------------------------------------------


def told(page: str) -> list[list[str]]:
    text = (CHECKOUT / "docs" / "howto" / page).read_text(encoding="utf-8")
    return [shlex.split(line)[1:] for line in COMMAND.findall(text)]


def test_an_audit_from_outside_and_taking_data_out_go_as_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("XDG_DATA_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    monkeypatch.setenv("TRUEQUE_HOME", str(tmp_path / "montes"))
    unasked = ["--yes", "--recovery-out"]
    given = [
        ["init", "--name", "Los Montes", *unasked, "montes.words"],
        ["offer", "Ma\u00edz", "--yes"],
        *told("audit.md"),
        *told("take-data-out.md"),
        *told("es/sacar-datos.md"),
    ]
    assert len(given) > 10
    for words in given:
        arguments = words if words[0] != "init" or "--yes" in words else [*words, *unasked, "auditor.words"]
        result = CliRunner().invoke(trueque, arguments)
        assert result.exit_code == 0, (words, result.output)
    english = {"listings.csv", "everything.zip", "records.jsonl", "graph.json"}
    spanish = {"publicaciones.csv", "todo.zip", "actas.jsonl", "grafo.json"}
    assert english | spanish <= {path.name for path in tmp_path.iterdir()}
