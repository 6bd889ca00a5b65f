"""Founding and bringing back through the API: the order is that of the pages, and words are nowhere kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ..support.nodes import Answer, NodeProcess
from .conftest import Secretary
from .test_api_document import conforms

PASSWORD = "clave del respaldo"


@pytest.fixture
def empty(places: Path) -> Iterator[NodeProcess]:
    with NodeProcess(places / "nueva", "--log-level", "debug") as node:
        assert node.started
        yield node


def refused(answer: Answer, path: str) -> Any:
    assert answer.status in (400, 409), answer.body
    return conforms(answer, "POST", path)["error"]


def send(node: NodeProcess, data: bytes) -> Answer:
    headers = {"Authorization": f"Bearer {node.token}", "Content-Type": "application/octet-stream"}
    return node.ask("/api/1/restore/backup", "POST", data, headers)


def backup_of(montes: Secretary, places: Path) -> bytes:
    file, password = places / "montes.backup", places / "password"
    password.write_text(PASSWORD)
    montes.run("backup", str(file), "--password-file", str(password))
    return file.read_bytes()


def test_a_commune_is_founded_once_its_words_have_come_back(empty: NodeProcess) -> None:
    asked = {"name": "La Costa", "network": "ensayo", "place": "Choroní"}
    assert refused(empty.api("/api/1/founding/words", {"words": "x"}), "/api/1/founding/words")
    assert refused(empty.api("/api/1/founding", {"name": " "}), "/api/1/founding") == "InputError"
    assert refused(empty.api("/api/1/founding", {"name": "x" * 500}), "/api/1/founding") == "RecordError"
    former = empty.api("/api/1/founding", asked)
    began = empty.api("/api/1/founding", asked)
    assert began.headers["Cache-Control"] == "no-store"
    words = conforms(began, "POST", "/api/1/founding")["words"]
    assert len(words.split()) == 24
    for wrong in (former.json["words"], "palabras que no son"):
        answer = empty.api("/api/1/founding/words", {"words": wrong})
        assert refused(answer, "/api/1/founding/words") == "WordsError"
    assert empty.api("/api/1/status").json["state"] == "empty"
    answer = empty.api("/api/1/founding/words", {"words": f"  {words.upper()} "})
    assert answer.status == 201
    commune = conforms(answer, "POST", "/api/1/founding/words")["commune"]
    costa = Secretary("La Costa", empty.home)
    assert costa.commune == commune
    assert costa.json("communes")[0]["place"] == "Choroní"
    for path, body in (("founding", asked), ("founding/words", {"words": words})):
        assert refused(empty.api(f"/api/1/{path}", body), f"/api/1/{path}") == "HomeError"
    assert send(empty, b"x").status == 409
    said = empty.journal.read_text().casefold()
    assert "founded" in said
    assert not [
        pair for pair in zip(words.split(), words.split()[1:], strict=False) if " ".join(pair) in said
    ]


def test_a_commune_is_brought_back_from_its_backup(
    montes: Secretary, empty: NodeProcess, places: Path
) -> None:
    montes.sign("offer", "Yellow maize")
    words = (places / "los-montes.words").read_text(encoding="utf-8")
    asked = {"password": PASSWORD, "words": words}
    path = "/api/1/restore"
    assert refused(empty.api(path, asked), path) == "InputError"
    assert send(empty, b"no backup").status == 201
    assert refused(empty.api(path, asked), path) == "InputError"
    data = backup_of(montes, places)
    received = send(empty, data)
    assert conforms(received, "POST", "/api/1/restore/backup") == {"bytes": len(data)}
    assert refused(empty.api(path, {**asked, "password": "otra"}), path) == "InputError"
    assert refused(empty.api(path, {**asked, "words": "uno dos"}), path) == "WordsError"
    answer = empty.api(path, asked)
    assert answer.status == 200
    *_, ended = [json.loads(line) for line in answer.body.splitlines()]
    assert ended["restored"]["commune"] == montes.commune
    assert (ended["restored"]["name"], ended["restored"]["request"]) == ("Los Montes", None)
    again = Secretary("Los Montes", empty.home)
    assert [row["title"] for row in again.json("listings")] == ["Yellow maize"]
    again.sign("need", "Rope")
    assert refused(empty.api(path, asked), path) == "HomeError"
    said = empty.journal.read_text()
    assert PASSWORD not in said
    assert "restored" in said


def test_others_may_sign_for_what_is_brought_back(
    montes: Secretary, empty: NodeProcess, places: Path
) -> None:
    send(empty, backup_of(montes, places))
    answer = empty.api("/api/1/restore", {"password": PASSWORD, "words": None})
    *_, ended = [json.loads(line) for line in answer.body.splitlines()]
    assert ended["restored"]["id"] is None
    assert ended["restored"]["request"]
