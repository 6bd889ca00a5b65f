"""The API in plain fields: a story of two communes told by programs, and requests sent again."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from node.verifying import verified

from ..support.browser import Browser
from ..support.nodes import Answer, NodeProcess
from .conftest import Secretary
from .test_api_document import conforms
from .web.test_papers import trade


class Program:
    """A program that speaks for a commune."""

    def __init__(self, secretary: Secretary, node: NodeProcess) -> None:
        self.secretary = secretary
        self.node = node

    def do(self, path: str, /, template: str | None = None, **fields: Any) -> Any:
        """Something that is signed; its answer, checked against the document."""
        answer = self.node.api(f"/api/1/{path}", fields)
        assert answer.status == 201, answer.body
        return conforms(answer, "POST", f"/api/1/{template or path}")

    def see(self, path: str) -> Any:
        """What is read."""
        answer = self.node.api(f"/api/1/{path}")
        assert answer.status == 200, answer.body
        return answer.json

    def step(self, exchange: str, kind: str, **fields: Any) -> str:
        """A step in an exchange; the state after it."""
        state: str = self.do(f"exchanges/{exchange}/{kind}", f"exchanges/{{id}}/{kind}", **fields)["state"]
        return state


@pytest.fixture
def montes_program(montes: Secretary) -> Iterator[Program]:
    with NodeProcess(montes.home, "--log-json") as node:
        yield Program(montes, node)


def carry(one: Program, other: Program) -> None:
    """Take what one holds to the other, as a bundle does."""
    bundle = one.secretary.home.with_suffix(".bundle")
    one.secretary.run("export", "--all", "--bundle", str(bundle))
    answer = other.node.ask(
        "/api/1/bundles?everything=1",
        "POST",
        bundle.read_bytes(),
        {"Authorization": f"Bearer {other.node.token}"},
    )
    assert "report" in json.loads(answer.body.splitlines()[-1])


def test_an_exchange_from_the_first_offer_to_the_receipt(
    montes: Secretary, valle: Secretary, montes_program: Program
) -> None:
    one = montes_program
    with NodeProcess(valle.home, "--log-json") as node:
        two = Program(valle, node)
        assert one.see("notices")["items"] == []
        offer = one.do(
            "listings", kind="offer", title="  Maíz  ", quantity="100,50", unit="kilogramos",
            category="food-grain", wants="clavos", until="2040-01-31", place="El Galpón", by="secretaria",
        )["id"]  # fmt: skip
        shown = one.see(f"listings/{offer}")
        assert (shown["title"], shown["quantity"], shown["unit"]) == ("Maíz", "100.5", "kg")
        one.do(f"communes/{valle.commune}/recognise", "communes/{id}/recognise", note="Se conocen")
        carry(one, two)
        assert [row["id"] for row in two.see("listings?search=MAIZ&kind=offer")["items"]] == [offer]
        near = "listings?place=galpon&since=2020-01-31&until=2040-01-31"
        assert [row["id"] for row in two.see(near)["items"]] == [offer]
        assert two.see("listings?since=2099-01-31")["items"] == []
        assert two.see("listings?until=2040-02-01")["items"] == []

        exchange = two.do("exchanges", to="Los Montes", listings=[offer],
                          gives=[{"title": "Clavos", "quantity": 20, "unit": "kg"}])["id"]  # fmt: skip
        carry(two, one)
        assert [row["id"] for row in one.see("exchanges?waiting=true")["items"]] == [exchange]
        notices = one.see("notices")["items"]
        assert [(row["kind"], row["subject"], row["read"]) for row in notices] == [
            ("propose", exchange, False)
        ]
        answer = one.node.api("/api/1/notices/read", {"subject": exchange})
        assert conforms(answer, "POST", "/api/1/notices/read") == {"unread": 0}
        assert one.step(exchange, "accept", note="De acuerdo") == "agreed"
        owed = {row["category"]: row["owes"]["quantity"] for row in one.see("accounts")["items"]}
        assert owed == {"food-grain": "100.5", None: "0"}
        carry(one, two)
        assert two.step(exchange, "deliver", transfer=1, quantity="15") == "agreed"
        carry(two, one)
        assert one.step(exchange, "receive", quantity="15", condition="short") == "agreed"
        assert one.step(exchange, "dispute", transfer=1, note="Faltan 5") == "agreed"
        assert one.step(exchange, "settle", outcome="closed") == "agreed"
        carry(one, two)
        assert two.step(exchange, "settle", outcome="closed") == "agreed"
        carry(two, one)
        assert one.step(exchange, "deliver") == "agreed"
        carry(one, two)
        assert two.step(exchange, "receive") == "closed"

        statement = one.see("statement?since=2020-01-01&limit=1")
        assert [(row["title"], row["quantity"], row["way"]) for row in statement["items"]] == [
            ("Clavos", "15", "in")
        ]
        assert (statement["next"], len(statement["sums"])) == (None, 1)
        whole = two.see("statement?since=2020-01-01")
        assert {row["way"]: row["quantity"] for row in whole["items"]} == {"in": "100.5", "out": "15"}

        receipt = two.node.api(f"/api/1/exchanges/{exchange}/receipt").body
        assert verified(receipt).exchange.state == "closed"
        answer = two.node.ask(
            "/api/1/receipts", "POST", receipt, {"Authorization": f"Bearer {two.node.token}"}
        )
        assert conforms(answer, "POST", "/api/1/receipts")["id"] == exchange
        assert node.stop() == 0
    for program in (one, two):
        happened = {each["event"] for each in program.node.happenings()}
        assert "signed" in happened
        assert "fault" not in happened


def test_a_proposal_is_answered_withdrawn_and_explained(
    montes: Secretary, valle: Secretary, montes_program: Program
) -> None:
    one = montes_program
    commune = montes.commune
    transfers = [{"from": "Los Montes", "to": valle.commune, "title": "Queso", "due": "2040-01-31"}]
    exchange = one.do("exchanges", transfers=transfers, note="Regalo", answer_by="2039-01-31")["id"]
    counter = one.do("exchanges", replaces=exchange, gives=[{"title": "Queso"}, {"title": "Miel"}])["id"]
    assert one.see(f"exchanges/{exchange}")["replaced_by"] == counter
    one.do(f"entries/{counter}/withdraw", "entries/{id}/withdraw", reason="Ya no hay")
    assert one.see(f"exchanges/{counter}")["state"] == "withdrawn"
    one.do(f"entries/{counter}/correct", "entries/{id}/correct", note="Se vendió")
    one.do("profile", place="Mérida", about="")
    assert one.see(f"communes/{commune}")["place"] == "Mérida"
    one.do(f"communes/{valle.commune}/recognise", "communes/{id}/recognise")
    kinds = {row["name"]: row["kind"] for row in one.see("communes")["items"]}
    assert kinds == {"Los Montes": "own", "El Valle": "recognised"}
    one.do(f"communes/{valle.commune}/unrecognise", "communes/{id}/unrecognise")
    assert {row["state"] for row in one.see("exchanges?all=true&state=withdrawn")["items"]} == {"withdrawn"}


def test_the_audit_runs_in_the_node(montes_program: Program) -> None:
    node = montes_program.node
    assert conforms(node.api("/api/1/audit"), "GET", "/api/1/audit") == {"running": None, "last": None}
    answer = node.api("/api/1/audit", {"commune": "Los Montes"})
    assert answer.status == 202
    conforms(answer, "POST", "/api/1/audit")
    for _ in range(1_000):
        told = montes_program.see("audit")
        if told["running"] is None:
            break
    assert told["last"]["audit"]["findings"] == []
    assert told["last"]["commune"] == montes_program.secretary.commune
    assert node.api("/api/1/audit/stop", {}).json["running"] is None
    assert node.api("/api/1/audit", {"commune": "nadie"}).status == 404


def test_long_lists_come_in_parts(montes: Secretary, montes_program: Program) -> None:
    for number in range(5):
        montes_program.do("listings", kind="need", title=f"Cosa {number}")
    for path, total in (("listings", 5), ("entries", 6)):
        found: list[str] = []
        following: int | None = 0
        while following is not None:
            part = montes_program.see(f"{path}?limit=2&offset={following}")
            assert len(part["items"]) <= 2
            found += [row["id"] for row in part["items"]]
            following = part["next"]
        assert len(set(found)) == len(found) == total
        assert montes_program.see(f"{path}?offset=1000")["items"] == []
    log = montes.json("status")["commune"]["log"]
    assert len(montes_program.see(f"entries?of={log[:12]}")["items"]) == 6


def test_texts_are_in_the_language_that_is_asked_for(montes_program: Program) -> None:
    node = montes_program.node
    headers = {"Authorization": f"Bearer {node.token}", "Accept-Language": "es"}
    names = {row["code"]: row["name"] for row in node.ask("/api/1/categories", headers=headers).json}
    assert names["food-grain"].startswith("Maíz")
    montes_program.do("listings", kind="offer", title="Maíz", quantity="1.5", unit="kg")
    said = node.ask("/api/1/entries?offset=1", headers=headers).json["items"][0]["summary"]
    assert "1,5 kg" in said
    assert "1.5 kg" in montes_program.see("entries?offset=1")["items"][0]["summary"]
    body = json.dumps({"kind": "offer", "title": "x", "quantity": "1", "unit": "kilo gramo"}).encode()
    assert "No hay" in node.ask("/api/1/listings", "POST", body, headers).json["sentence"]


def test_the_newest_entries_come_first_if_asked_for(montes_program: Program) -> None:
    for number in range(4):
        montes_program.do("listings", kind="need", title=f"Cosa {number}")
    every = [row["index"] for row in montes_program.see("entries?newest=true")["items"]]
    assert every == [4, 3, 2, 1, 0]
    found = []
    for offset in (0, 2, 4, 6):
        part = montes_program.see(f"entries?newest=true&limit=2&offset={offset}")
        assert part["next"] == (offset + 2 if offset < 4 else None)
        found += [row["index"] for row in part["items"]]
    assert found == every


def test_what_meets_an_own_listing_is_found(
    montes: Secretary, valle: Secretary, montes_program: Program
) -> None:
    offer = valle.sign("offer", "Harina", "--category", "food-grain")
    valle.tell(montes)
    need = montes_program.do("listings", kind="need", title="Maíz", category="food-grain")["id"]
    (match,) = conforms(montes_program.node.api("/api/1/matches"), "GET", "/api/1/matches")["items"]
    assert (match["own"], match["theirs"]["id"]) == (need, offer)


def test_exchanges_are_counted_over_time(
    montes: Secretary, valle: Secretary, montes_program: Program
) -> None:
    trade(montes, valle)
    found = conforms(montes_program.node.api("/api/1/charts"), "GET", "/api/1/charts")
    assert (found["total"], found["outside"], found["full"], len(found["months"])) == (1, 0, False, 24)
    (exchanges,) = found["exchanges"]
    assert (exchanges["category"], exchanges["counts"][-1], exchanges["total"]) == (None, 1, 1)
    (received,) = found["received"]
    assert (received["unit"], received["quantities"][-1], received["total"]) == ("kg", "90", "90")
    assert found["pairs"] == [{"communes": sorted([montes.commune, valle.commune]), "exchanges": 1}]
    assert montes_program.see(f"charts?commune={valle.commune}")["total"] == 1
    assert montes_program.node.api("/api/1/charts?commune=nadie").status == 404


def test_a_draft_that_a_program_keeps_is_gone_on_with_on_a_page(montes_program: Program) -> None:
    node = montes_program.node
    asked: dict[str, Any] = {
        "form": "/listings/new",
        "title": "Rope",
        "typed": {"kind": "need", "title": "Rope", "token": "x"},
    }
    kept = montes_program.do("drafts", **asked)
    assert kept["typed"] == {"kind": "need", "title": "Rope", "draft": kept["id"]}
    again = montes_program.do("drafts", **{**asked, "id": kept["id"], "title": "Long rope"})
    (found,) = conforms(node.api("/api/1/drafts"), "GET", "/api/1/drafts")["items"]
    assert found == again
    browser = Browser(node.told["people_port"])
    browser.open("/")
    browser.follow("need: Long rope")
    assert browser.page.form("Look at it once more").fields["title"] == "Rope"
    dropped = node.api("/api/1/drafts/drop", {"id": kept["id"]})
    assert conforms(dropped, "POST", "/api/1/drafts/drop") == again
    assert node.api("/api/1/drafts/drop", {"id": kept["id"]}).status == 404
    for wrong in ({"form": "//evil.example"}, {"form": "/settings"}, {"title": ""}, {"typed": {"a b": "c"}}):
        assert node.api("/api/1/drafts", {**asked, **wrong}).status == 400, wrong


def test_what_is_held_can_be_taken_along(
    montes: Secretary, valle: Secretary, montes_program: Program, places: Path
) -> None:
    node = montes_program.node
    bundle, backup = places / "montes.bundle", places / "montes.backup"
    bundle.write_bytes(node.api("/api/1/bundle?everything=true").body)
    assert valle.json("import", str(bundle), "--all")["known"] == 2
    answer = node.api("/api/1/backup", {"password": "una contraseña larga"})
    assert answer.status == 200
    backup.write_bytes(answer.body)
    (places / "password").write_text("una contraseña larga\n")
    restored = Secretary("Los Montes", places / "restored")
    secret = ("--password-file", str(places / "password"))
    restored.run("restore", str(backup), *secret, "--words", str(places / "los-montes.words"))
    refused = node.api("/api/1/backup", {"password": "corta"})
    assert conforms(refused, "POST", "/api/1/backup")["error"] == "InputError"
    assert not [path for path in montes.home.iterdir() if path.name.startswith(".copy-")]


# Requests that are sent again -------------------------------------------------------------------


def asked(node: NodeProcess, title: str, *keys: str, path: str = "/api/1/listings") -> Answer:
    """Post an offer under a key, or more than one."""
    body = json.dumps({"kind": "offer", "title": title}).encode()
    connection = http.client.HTTPConnection("127.0.0.1", node.told["people_port"], timeout=30)
    try:
        connection.putrequest("POST", path)
        connection.putheader("Authorization", f"Bearer {node.token}")
        connection.putheader("Content-Length", str(len(body)))
        for key in keys:
            connection.putheader("Idempotency-Key", key)
        connection.endheaders(body)
        response = connection.getresponse()
        return Answer(response.status, dict(response.getheaders()), response.read())
    finally:
        connection.close()


def test_under_one_key_a_thing_is_done_once(montes: Secretary, montes_program: Program) -> None:
    node = montes_program.node
    with ThreadPoolExecutor(8) as threads:
        waiting = [threads.submit(asked, node, "Maíz", "una") for _ in range(8)]
        first = {each.result().body for each in waiting}
    assert len(first) == 1
    assert asked(node, "Maíz", "otra").json["id"] != asked(node, "Maíz", "una").json["id"]
    assert len(montes.json("listings")) == 2


def test_what_was_done_under_a_key_is_not_done_again_after_a_restart(montes: Secretary) -> None:
    """An answer is lost when the light goes out, and the keys with it."""
    with NodeProcess(montes.home) as node:
        first = asked(node, "Maíz", "una").json["id"]
        node.kill()
    with NodeProcess(montes.home) as node:
        again = asked(node, "Maíz", "una")
        assert (again.status, again.json["error"]) == (409, "DoneBefore")
        assert again.json["fields"] == {"id": first}
        assert len(montes.json("listings")) == 1
        assert asked(node, "Queso", "otra").status == 201
        assert asked(node, "Queso", "tercera").status == 201
        assert asked(node, "Maíz").status == 201
    assert len(montes.json("listings")) == 4


def test_a_key_serves_one_request(montes: Secretary, montes_program: Program) -> None:
    node = montes_program.node
    assert asked(node, "Maíz", "una").status == 201
    assert asked(node, "Queso", "una").status == 400
    assert asked(node, "Maíz", "una", "otra").status == 400
    assert asked(node, "Maíz", "x" * 201).status == 400
    assert len(montes.json("listings")) == 1


def test_what_was_refused_is_tried_anew_under_its_key(montes: Secretary, montes_program: Program) -> None:
    node = montes_program.node
    exchange = montes_program.do("exchanges", to=_another(montes), gives=[{"title": "Queso"}])["id"]
    path = f"/api/1/entries/{exchange}/withdraw"
    headers = {"Authorization": f"Bearer {node.token}", "Idempotency-Key": "una"}
    refused = node.ask("/api/1/listings", "POST", b'{"kind": "offer", "title": ""}', headers)
    assert refused.status == 400
    assert node.ask(path, "POST", b"", headers).status == 201
    assert node.ask(path, "POST", b"", headers).status == 201
    assert node.ask(path, "POST", b"", {**headers, "Idempotency-Key": "otra"}).status == 409


def _another(montes: Secretary) -> str:
    """Another commune that is known in a home."""
    from ledger.store.writing import Store

    from ..support.communes import found

    writer = found("La Sierra")
    with Store(montes.home / "ledger.sqlite", "ensayo") as store:
        store.ingest(writer.run())
    return "La Sierra"
