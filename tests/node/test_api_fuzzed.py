"""The API asked at random, as its document says and otherwise: it never fails, and answers as it says.

Schemathesis makes the requests from the document that the node serves. Ids are
those of a story told before, so that what is asked for is there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode
from schemathesis.generation.case import Case
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from ledger.records import Accept, Offer, to_payload
from node.api import TABLE

from ..support.nodes import NodeProcess
from .conftest import Secretary

CHECKS: Final = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]

QUICK: Final = 4
THOROUGH: Final = 60
"""requests of each kind that are made at each address."""


class Target:
    """A node with a story behind it, and the document that it serves."""

    def __init__(self, node: NodeProcess, ids: list[str]) -> None:
        self.node = node
        self.ids = ids
        self.address = f"http://127.0.0.1:{node.told['people_port']}"
        document = node.api("/api/1/openapi.json").json
        self.schemas: dict[str, Any] = document["components"]["schemas"]
        self.operations: list[APIOperation[Any, Any, Any, Any]] = [
            found.ok()
            for found in schemathesis.openapi.from_dict(document).get_all_operations()
            if isinstance(found, Ok)
        ]
        assert len(self.operations) == len(TABLE)
        self.asked = 0

    def ask(self, case: Case[Any]) -> None:
        """Make a request, and look at its answer."""
        headers = {"Authorization": f"Bearer {self.node.token}"}
        response = case.call(self.address, headers=headers, timeout=30)
        case.validate_response(response, checks=CHECKS)
        self.asked += 1


@pytest.fixture
def target(montes: Secretary, valle: Secretary) -> Iterator[Target]:
    offer = montes.sign("offer", "Maíz", "--category", "food-grain", "--quantity", "100", "--unit", "kg")
    montes.tell(valle)
    open_one = valle.sign("propose", "--to", "Los Montes", "--listing", offer, "--give", "Clavos;20;kg")
    agreed = valle.sign("propose", "--to", "Los Montes", "--take", "Queso", "--give", "Miel;2;kg")
    valle.tell(montes)
    montes.sign("accept", agreed)
    dispute = montes.sign("dispute", agreed, "--note", "Falta")
    entries = [row["id"] for row in montes.json("log")]
    ids = [offer, open_one, agreed, dispute, montes.commune, valle.commune, *entries, "00" * 32]
    with NodeProcess(montes.home, "--log-json") as node:
        target = Target(node, ids)
        yield target
        assert node.api("/healthz").status == 200
        audit = json.loads(montes.run("audit", "--json", status=1).stdout)
        assert "error" not in {finding["severity"] for finding in audit["findings"]}
        assert node.stop() == 0
        assert not [each for each in node.happenings() if each["event"] in ("fault", "library")]


def ask_at_random(target: Target, examples: int) -> None:
    for operation in target.operations:
        told = operation.definition.raw
        can_be_wrong = bool(told["parameters"]) or "requestBody" in told
        for mode in (GenerationMode.POSITIVE, *([GenerationMode.NEGATIVE] if can_be_wrong else [])):
            _ask_one(target, operation, mode, examples)


def _ask_one(
    target: Target, operation: APIOperation[Any, Any, Any, Any], mode: GenerationMode, examples: int
) -> None:
    """Ask at one address; most ids are those of the story."""
    content = operation.definition.raw.get("requestBody", {}).get("content", {})
    shape = content.get("application/json", {}).get("schema", {"$ref": ""})["$ref"].rpartition("/")[2]
    fields = target.schemas[shape]["properties"] if shape else {}

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=examples == QUICK,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(
        case=operation.as_strategy(generation_mode=mode),
        known=st.sampled_from([*target.ids, None]),
        likely=likely_fields(target.ids),
    )
    def ask(case: Case[Any], known: str | None, likely: dict[str, Any]) -> None:
        if known is not None and "{id}" in operation.path:
            case.path_parameters["id"] = known
        if mode is GenerationMode.POSITIVE and isinstance(case.body, dict):
            case.body |= {name: value for name, value in likely.items() if name in fields}
        target.ask(case)

    ask()


def likely_fields(ids: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    """What people would write in some fields, since texts at random name nothing that there is."""
    things = st.lists(
        st.fixed_dictionaries(
            {"title": st.sampled_from(["Queso", "Miel"])},
            optional={"quantity": st.sampled_from(["1", 2, "0,5"]), "unit": st.sampled_from(["kg", "l"])},
        ),
        max_size=2,
    )
    payloads = [
        to_payload(Offer(at=1_795_000_000_000, category="other", title="Algo")),
        to_payload(Accept(at=1_795_000_000_000, exchange=bytes.fromhex(ids[1]))),
    ]
    return st.fixed_dictionaries(
        {},
        optional={
            "title": st.sampled_from(["Queso", "Miel"]),
            "category": st.sampled_from(["food-grain", "other", None]),
            "quantity": st.sampled_from(["1", 2, "0,5", None]),
            "unit": st.sampled_from(["kg", "litros", None]),
            "until": st.sampled_from(["2040-01-31", None]),
            "answer_by": st.sampled_from(["2040-01-31", None]),
            "note": st.sampled_from(["Así es", None]),
            "to": st.sampled_from(["El Valle", "Los Montes", None]),
            "gives": things,
            "takes": things,
            "transfers": st.just([]),
            "listings": st.lists(st.sampled_from(ids), max_size=1),
            "replaces": st.sampled_from([*ids, None]),
            "about": st.sampled_from([*ids, None]),
            "payload": st.sampled_from([payload.hex() for payload in payloads]),
            "id": st.sampled_from(ids),
        },
    )


def test_the_api_asked_at_random_never_fails_and_answers_as_it_says(target: Target) -> None:
    ask_at_random(target, QUICK)
    assert target.asked >= 2 * len(target.operations)


@pytest.mark.slow
@pytest.mark.timeout(1_800)
def test_the_api_asked_at_random_for_long(target: Target) -> None:
    ask_at_random(target, THOROUGH)
