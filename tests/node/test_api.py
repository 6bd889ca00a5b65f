"""The API: it signs what a command would sign, and refuses the rest without harm."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from ledger.records import Charter, Offer, parse, to_payload

from ..support.nodes import NodeProcess
from .conftest import Found, Secretary


@pytest.fixture
def node(montes: Secretary) -> Iterator[NodeProcess]:
    with NodeProcess(montes.home, "--log-json") as running:
        assert running.started
        yield running
        assert running.stop() == 0
        assert not [each for each in running.happenings() if each["event"] in ("fault", "library")]


def offer(title: str) -> dict[str, Any]:
    return {"payload": to_payload(Offer(at=1_795_000_000_000, category="other", title=title)).hex()}


def test_a_record_is_signed_once_it_is_answered(montes: Secretary, node: NodeProcess) -> None:
    answer = node.api("/api/1/records", offer("Algo"))
    assert answer.status == 201
    (row,) = montes.json("listings")
    assert row["id"] == answer.json["id"]
    assert {"signed"} <= {each["event"] for each in node.happenings()}


def test_many_at_once_stand_one_after_the_other(montes: Secretary, node: NodeProcess) -> None:
    with ThreadPoolExecutor(8) as threads:
        asked = [threads.submit(node.api, "/api/1/records", offer(f"Cosa {number}")) for number in range(40)]
        ids = {each.result().json["id"] for each in asked}
    rows = montes.json("log")
    assert [row["index"] for row in rows] == list(range(41))
    assert {row["id"] for row in rows[1:]} == ids
    assert montes.json("audit")["findings"] == []


def bad_bodies(montes: Secretary) -> Iterator[tuple[str, Any]]:
    entry = montes.json("log")[0]["id"]
    for payload in ("", "00", "zz", "0", "ff" * 9_000, "80", "81a46b696e64a178", 7, None):
        yield "/api/1/records", {"payload": payload}
    yield "/api/1/records", {"payload": to_payload(_charter(montes)).hex()}
    yield "/api/1/records", {**offer("x"), "about": "ff"}
    yield "/api/1/records", {**offer("x"), "about": "ff" * 32}
    yield "/api/1/records", {**offer("x"), "about": entry}
    yield "/api/1/records", {**offer("x"), "more": 1}
    values: list[Any] = [[], "x", 1, {}, [[[[]]]]]
    for value in values:
        for path in ("records", "erasures", "authority", "succession"):
            yield f"/api/1/{path}", value
    yield "/api/1/erasures", {"id": entry, "reason": "x"}
    yield "/api/1/erasures", {"id": "00" * 32, "reason": "x"}
    yield "/api/1/erasures", {"id": entry, "reason": ""}
    lists: list[list[Any]] = [[], [{}], [{"trueque": "request"}], [1], [{}] * 100]
    for requests in lists:
        for path in ("authority", "succession"):
            yield f"/api/1/{path}", {"requests": requests}


def _charter(montes: Secretary) -> Charter:
    entry = json.loads(montes.run("log", "--raw", montes.json("log")[0]["id"], "--json").stdout)
    charter = parse(bytes.fromhex(entry["payload"]))
    assert isinstance(charter, Charter)
    return charter


def test_what_cannot_be_done_changes_nothing(montes: Secretary, node: NodeProcess) -> None:
    for path, value in bad_bodies(montes):
        answer = node.api(path, value)
        assert 400 <= answer.status < 500, (path, value, answer.body)
        assert answer.json["sentence"].endswith(".")
    deep = b"[" * 200_000
    headers = {"Authorization": f"Bearer {node.token}"}
    assert node.ask("/api/1/records", "POST", deep, headers).status == 400
    assert len(montes.json("log")) == 1


def test_a_refusal_keeps_its_class_and_its_fields(node: NodeProcess) -> None:
    answer = node.api("/api/1/erasures", {"id": "00" * 32, "reason": "x"})
    assert (answer.status, answer.json["error"]) == (404, "NotFound")


def test_a_bundle_that_breaks_off_on_the_way_changes_nothing(
    found: Found, montes: Secretary, node: NodeProcess, places: Path
) -> None:
    valle = found("El Valle")
    bundle = places / "valle.trueque"
    valle.run("export", "--bundle", str(bundle))
    data = bundle.read_bytes()
    with socket.create_connection(("127.0.0.1", node.told["people_port"])) as link:
        head = (
            "POST /api/1/bundles?everything=1 HTTP/1.1\r\nHost: localhost\r\n"
            f"Authorization: Bearer {node.token}\r\nContent-Length: {len(data)}\r\n\r\n"
        )
        link.sendall(head.encode() + data[:-10])
    assert node.api("/api/1/signing").status == 200
    assert [row["name"] for row in montes.json("communes")] == ["Los Montes"]
    headers = {"Authorization": f"Bearer {node.token}"}
    answer = node.ask("/api/1/bundles?everything=1", "POST", data, headers)
    last = json.loads(answer.body.splitlines()[-1])
    assert last["report"]["counts"]["new"] == 1
    assert len(montes.json("communes")) == 2
    assert not [path for path in montes.home.iterdir() if path.name.startswith("tmp")]


def test_what_is_erased_through_the_node_is_in_no_file_any_more(montes: Secretary, node: NodeProcess) -> None:
    entry = montes.sign("offer", "Algo", "--note", "lo-que-pone-en-peligro")
    assert b"lo-que-pone-en-peligro" in _files(montes)
    montes.run("erase", entry, "--reason", "Pone en peligro", "--yes")
    assert b"lo-que-pone-en-peligro" not in _files(montes)


def _files(montes: Secretary) -> bytes:
    return b"".join(path.read_bytes() for path in montes.home.iterdir() if path.is_file())


def test_a_body_that_is_none_is_refused(node: NodeProcess) -> None:
    head = (
        "POST /api/1/bundles HTTP/1.1\r\nHost: localhost\r\n"
        f"Authorization: Bearer {node.token}\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nslowly"
    )
    with socket.create_connection(("127.0.0.1", node.told["people_port"]), timeout=20) as link:
        link.sendall(head.encode())
        assert link.recv(100).split()[1] == b"400"
    assert node.api("/api/1/signing").status == 200


def test_while_a_bundle_comes_slowly_others_sign(montes: Secretary, node: NodeProcess) -> None:
    with socket.create_connection(("127.0.0.1", node.told["people_port"])) as link:
        head = (
            "POST /api/1/bundles HTTP/1.1\r\nHost: localhost\r\n"
            f"Authorization: Bearer {node.token}\r\nContent-Length: 1000000\r\n\r\nslowly"
        )
        link.sendall(head.encode())
        assert node.api("/api/1/records", offer("Algo")).status == 201
        assert montes.json("status")["held"]["entries"] == 2


def test_a_new_log_after_a_restore_is_opened_through_the_node(montes: Secretary, places: Path) -> None:
    password, backup, words = places / "password", str(places / "backup"), str(places / "los-montes.words")
    password.write_text("una contraseña larga\n")
    secret = ("--password-file", str(password))
    keys = []
    for name in ("one", "two"):
        made = montes.json("authority", "key", "--out", str(places / f"{name}.words"))
        keys += ["--key", made["key"]]
    montes.run("authority", "replace", *keys, "--threshold", "2", "--words", words, "--yes")
    montes.run("backup", backup, *secret)
    restored = Secretary("Los Montes", places / "restored")
    asked = str(places / "request.json")
    restored.run("restore", backup, *secret, "--request-out", asked)
    with NodeProcess(restored.home) as node:
        assert restored.json("status")["commune"]["id"] is None
        assert "does not belong to a commune yet" in restored.refused("offer", "Algo")
        signed = []
        for name in ("one", "two"):
            signed.append(str(places / f"{name}.json"))
            signing = ("--words", str(places / f"{name}.words"), "--out", signed[-1], "--yes")
            restored.run("authority", "sign", asked, *signing)
        assert "still needed: 1" in restored.refused("restore", "--signed", signed[0])
        opened = restored.json("restore", "--signed", signed[1])
        assert restored.json("log", restored.json("status")["commune"]["log"])[0]["id"] == opened["id"]
        assert "No restore waits" in restored.refused("restore", "--signed", signed[1])
        restored.run("offer", "Algo")
        assert node.stop() == 0
