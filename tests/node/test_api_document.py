"""The API's document: it is good OpenAPI, made of what the node does, and so is the page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import msgspec
import pytest
from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR

from node import api
from node.api.document import document
from node.api.endpoints import Media
from node.limits import MAX_API_PAGE

from ..support import api_page
from ..support.nodes import Answer, NodeProcess
from .conftest import Secretary
from .test_reference import JSON, shape

DOCUMENT: dict[str, Any] = json.loads(msgspec.json.encode(document(api.TABLE)))


def answers_to(method: str, path: str, status: int) -> jsonschema_rs.Validator:
    """What the document says of an answer."""
    responses = DOCUMENT["paths"][path][method.lower()]["responses"]
    told = responses.get(str(status), responses["default"])
    schema = told["content"]["application/json"]["schema"]
    return jsonschema_rs.validator_for({**schema, "components": DOCUMENT["components"]})


def conforms(answer: Answer, method: str, path: str) -> Any:
    """Check an answer against the document, and give what it says."""
    answers_to(method, path, answer.status).validate(answer.json)
    return answer.json


@pytest.fixture
def node(montes: Secretary) -> Iterator[NodeProcess]:
    with NodeProcess(montes.home, "--log-json") as running:
        yield running
        assert running.stop() == 0
        assert not [each for each in running.happenings() if each["event"] in ("fault", "library")]


def test_the_document_is_openapi() -> None:
    OPENAPI_31_VALIDATOR.validate(DOCUMENT)


def test_every_route_is_in_it_and_every_operation_is_a_route(node: NodeProcess) -> None:
    described = {
        (method.upper(), path) for path, operations in DOCUMENT["paths"].items() for method in operations
    }
    routed = {(route.method, route.path.replace(":[0-9a-f]{64}", "")) for route in api.ROUTES}
    assert described == routed
    assert node.api("/api/1/openapi.json").json == DOCUMENT


def test_operations_have_names_of_their_own() -> None:
    names = [row.name for row in api.TABLE]
    assert len(set(names)) == len(names)


def test_every_reference_leads_somewhere() -> None:
    def references(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            yield from (each for key, each in value.items() if key == "$ref")
            for each in value.values():
                yield from references(each)
        elif isinstance(value, list):
            for each in value:
                yield from references(each)

    schemas = DOCUMENT["components"]["schemas"]
    found = {reference.removeprefix("#/components/schemas/") for reference in references(DOCUMENT)}
    assert found == set(schemas)
    assert not [name for name in schemas if "." in name]


def test_the_page_is_that_of_the_endpoints() -> None:
    """Write it anew with `python -m tests.support.api_page`."""
    assert api_page.page_path().read_text() == api_page.page()


SHAPES = {
    "Listing": "Listing",
    "Code": "Code",
    "Match": "Match",
    "HeldLog": "Held log",
    "Exchange": "Exchange",
    "Party": "Party",
    "Transfer": "Transfer",
    "Answer": "Answer to a proposal",
    "Step": "Step",
    "Dispute": "Dispute",
    "Word": "Word",
    "Move": "Move",
    "Commune": "Commune",
    "Authority": "Authority of a commune",
    "Log": "Log of a commune",
    "RefusedRecord": "Record without effect",
    "Account": "Account",
    "Figure": "Figure",
    "Statement": "Statement",
    "Passing": "Passing",
    "Sum": "Sum",
    "Entry": "Entry",
    "EntryAsItIs": "Entry as it is",
    "Audit": "Audit",
    "Finding": "Finding",
    "Checked": "Checked",
    "Audits": "Audits",
    "AuditUnderWay": "Audit under way",
    "AuditEnded": "Audit that ended",
    "Node": "Node",
    "Notice": "Notice",
    "Receipt": "Receipt",
    "PartyOfReceipt": "Party of a receipt",
    "LogOfReceipt": "Log of a receipt",
    "ReceiptRemark": "Remark",
    "Written": "Answer",
    "WrittenMove": "Answer about an exchange",
    "WrittenRecognition": "Answer about a commune",
    "State": "State",
    "Process": "Process",
    "Held": "Held",
    "Clock": "Clock",
}


@pytest.mark.parametrize("name", SHAPES)
def test_shapes_are_those_of_the_page_on_json(name: str) -> None:
    keys = set(DOCUMENT["components"]["schemas"][name]["properties"])
    assert keys == shape(SHAPES[name]) - ({"moves"} if name == "Exchange" else set())


def test_a_file_of_a_proposal_and_the_api_take_the_same_transfers() -> None:
    keys = set(DOCUMENT["components"]["schemas"]["WrittenTransfer"]["properties"])
    assert keys == shape("Transfer in a file")
    assert "## Answers" in JSON


# Of a real node ---------------------------------------------------------------------------------


@pytest.fixture
def exchange(montes: Secretary, valle: Secretary) -> str:
    """An exchange in which everything that can be shown was said."""
    offer = montes.sign("offer", "Maíz", "--category", "food-grain", "--quantity", "100", "--unit", "kg")
    montes.tell(valle)
    exchange = valle.sign("propose", "--to", "Los Montes", "--listing", offer, "--give", "Clavos;20;kg")
    valle.tell(montes)
    montes.sign("accept", exchange)
    montes.tell(valle)
    valle.sign("deliver", exchange, "--quantity", "5")
    dispute = valle.sign("dispute", exchange, "--note", "Falta")
    valle.sign("settle", dispute, "--outcome", "due")
    valle.tell(montes)
    return exchange


def test_what_a_node_answers_is_what_the_document_says(
    montes: Secretary, exchange: str, node: NodeProcess
) -> None:
    listing = montes.json("listings")[0]["id"]
    named = {
        "/api/1/listings/{id}": listing,
        "/api/1/exchanges/{id}": exchange,
        "/api/1/communes/{id}": montes.commune,
        "/api/1/entries/{id}": exchange,
    }
    for row in api.TABLE:
        if row.method != "GET" or isinstance(row.out, Media):
            continue
        answer = node.api(row.path.format(id=named.get(row.path)))
        assert answer.status == 200, row.path
        assert answer.headers["Content-Type"].startswith("application/json")
        value = conforms(answer, "GET", row.path)
        if isinstance(value, dict) and "items" in value and "notices" not in row.path:
            assert value["items"] or row.path in MAY_BE_EMPTY, row.path


MAY_BE_EMPTY = ("/api/1/nodes", "/api/1/addresses", "/api/1/drafts", "/api/1/matches", "/api/1/statement")


def test_commands_and_the_api_show_the_same(montes: Secretary, exchange: str, node: NodeProcess) -> None:
    for path, command in (
        ("/api/1/listings", ("listings",)),
        ("/api/1/exchanges", ("exchanges",)),
        ("/api/1/communes", ("communes",)),
        ("/api/1/entries", ("log",)),
    ):
        assert node.api(path).json["items"] == montes.json(*command), path
    assert node.api(f"/api/1/exchanges/{exchange}").json == montes.json("exchanges", exchange)[0]
    commune = montes.commune
    assert node.api(f"/api/1/communes/{commune}").json == montes.json("communes", commune)[0]
    assert node.api(f"/api/1/entries/{exchange}").json == montes.json("log", "--raw", exchange)
    assert node.api("/api/1/accounts").json["items"] == montes.json("communes", commune)[0]["accounts"]


def test_refusals_are_what_the_document_says(montes: Secretary, node: NodeProcess) -> None:
    nothing = "00" * 32
    asked: list[tuple[str, str, Any, int]] = [
        ("GET", "/api/1/listings?limit=0", None, 400),
        ("GET", f"/api/1/listings?limit={MAX_API_PAGE + 1}", None, 400),
        ("GET", "/api/1/listings?limit=1&limit=2", None, 400),
        ("GET", "/api/1/listings?color=red", None, 400),
        ("GET", "/api/1/listings?category=nadie", None, 400),
        ("GET", "/api/1/listings?commune=nadie", None, 404),
        ("GET", "/api/1/listings?since=ayer", None, 400),
        ("GET", "/api/1/listings?until=2030-02-30", None, 400),
        ("GET", "/api/1/exchanges?state=lost", None, 400),
        ("GET", "/api/1/entries?offset=-1", None, 400),
        ("POST", "/api/1/listings", {"kind": "wish", "title": "x"}, 400),
        ("POST", "/api/1/listings", {"kind": "offer", "title": "x", "colour": "red"}, 400),
        ("POST", "/api/1/listings", {"kind": "offer", "title": "x" * 200}, 409),
        ("POST", "/api/1/listings", {"kind": "offer", "title": "x\ny"}, 400),
        ("POST", "/api/1/listings", {"kind": "offer", "title": "x", "until": "2020-01-01"}, 400),
        ("POST", "/api/1/listings", {"kind": "offer", "title": "x", "quantity": -1, "unit": "kg"}, 400),
        ("POST", "/api/1/exchanges", {"gives": [{"title": "x"}]}, 400),
        ("POST", "/api/1/exchanges", {"to": "nadie"}, 404),
        ("POST", "/api/1/profile", {}, 400),
        ("POST", "/api/1/listings", "x" * 1_100_000, 413),
    ]
    for method, address, value, status in asked:
        answer = node.api(address, value)
        assert answer.status == status, (address, value, answer.body)
        assert conforms(answer, method, address.partition("?")[0])["sentence"].endswith(".")
    for row in api.TABLE:
        if "{id}" in row.path:
            answer = node.api(row.path.format(id=nothing), None if row.method == "GET" else _least(row.body))
            assert answer.status in ((404, 409, 201) if "recognise" in row.path else (404,)), row.path


def _least(body: Any) -> dict[str, str]:
    """A body with what it needs."""
    fields = {field.name for field in msgspec.structs.fields(body) if field.required}
    return {name: "due" if name == "outcome" else "x" for name in fields}


def test_without_a_commune_every_address_says_so(tmp_path: Path) -> None:
    with NodeProcess(tmp_path / "nothing", "--log-json") as node:
        for row in api.TABLE:
            if row.method == "GET" and row.token and row.path not in WITHOUT_A_HOME:
                answer = node.api(row.path.format(id="00" * 32, digest="00" * 32))
                assert answer.status in (404, 409), row.path
                assert conforms(answer, "GET", row.path)["error"] in ("HomeError", "NotFound")
        for path in WITHOUT_A_HOME:
            conforms(node.api(path), "GET", path)
        assert node.stop() == 0
        assert not [each for each in node.happenings() if each["event"] in ("fault", "library")]


WITHOUT_A_HOME = (
    "/api/1/status",
    "/api/1/signing",
    "/api/1/categories",
    "/api/1/units",
    "/api/1/audit",
    "/api/1/addresses",
    "/api/1/openapi.json",
)
"""Addresses that answer before there is a commune."""
