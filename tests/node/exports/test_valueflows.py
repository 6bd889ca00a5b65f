"""Valueflows: the graph against the vocabulary's own schemas and ontology, and what it says."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.limits import MAX_NUMBER, MAX_SCALE, MAX_TIME
from ledger.store.reading import Reader
from ledger.store.writing import Store
from node.exports import valueflows
from node.home import Home

from ...support.valueflows import (
    check_ontology,
    check_references,
    check_schemas,
    embedded,
    nodes_of,
    ontology,
    references,
    validators,
)
from ..conftest import Found, Secretary

Node = dict[str, Any]
VF: Final = "https://w3id.org/valueflows/ont/vf#"


def graph_of(secretary: Secretary, *options: str) -> Node:
    found: Node = json.loads(secretary.run("export", "--format", "valueflows", *options).stdout_bytes)
    return found


# The schemas and the ontology -------------------------------------------------------------------


def test_every_node_is_valid_by_the_official_schemas(full: Secretary) -> None:
    graph = graph_of(full)
    check_schemas(graph, validators())
    assert {node["@type"] for node in graph["@graph"]} == {
        "Agreement", "Commitment", "EconomicEvent", "Intent", "Organization", "Proposal",
        "ResourceSpecification", "Unit",
    }  # fmt: skip


def test_the_check_by_schemas_can_fail(full: Secretary) -> None:
    validator = validators()
    nodes = nodes_of(graph_of(full))
    agreement = embedded(next(node for node in nodes.values() if node["@type"] == "Agreement"), nodes)
    for broken in (
        {**agreement, "created": "2030-01-31"},
        {key: value for key, value in agreement.items() if key != "name"},
        {**agreement, "stipulates": [{"note": "no action"}]},
    ):
        assert not validator("Agreement").is_valid(broken)


def test_every_class_and_property_is_in_the_ontology_and_used_as_it_says(full: Secretary) -> None:
    known = ontology()
    seen = check_ontology(graph_of(full), known)
    assert {"satisfies", "fulfills", "reciprocal", "proposedTo", "availableQuantity"} <= seen
    assert references() | {"action", "purpose"} <= set(known.told)


def test_the_check_by_the_ontology_can_fail(full: Secretary) -> None:
    known = ontology()
    graph = graph_of(full)
    offer = next(node for node in graph["@graph"] if node["@type"] == "Proposal")
    for broken in (
        {"created": "2030-01-31"},
        {"purpose": "gift"},
        {"publishes": ["om2:kilogram"]},
        {"provider": offer["publishes"][0]},
        {"title": "no such property"},
    ):
        with pytest.raises((AssertionError, KeyError)):
            check_ontology({"@graph": [*graph["@graph"], {**offer, **broken}]}, known)


def test_the_context_gives_each_property_the_type_that_the_ontology_does() -> None:
    known = ontology()
    types = {"xsd:dateTimeStamp": "xsd:dateTimeStamp", "xsd:anyURI": "xsd:anyURI"}
    assert valueflows.context()["@vocab"] == VF
    for name, told in valueflows.context().items():
        if isinstance(told, dict):
            range_ = known.told[name]["rdfs:range"][0]
            is_named = range_ in ("vf:Action", "vf:ProposalPurpose")
            assert told["@type"] == types.get(range_, "@vocab" if is_named else "@id"), name


# What it says -----------------------------------------------------------------------------------


def test_every_reference_leads_to_a_node_of_the_file(full: Secretary) -> None:
    for options in ((), ("--commune", "La Sierra"), ("--all",), ("--since", "2001-01-01")):
        check_references(graph_of(full, *options))


def test_offers_and_needs_are_proposals_that_publish_an_intent(full: Secretary) -> None:
    nodes = nodes_of(graph_of(full))
    agent = f"trueque:{full.commune}"
    maize = next(node for node in nodes.values() if node.get("name") == "Maíz")
    assert (maize["@type"], maize["purpose"]) == ("Proposal", "offer")
    assert maize["hasEnd"] == "2090-01-31T23:59:59Z"
    assert "Del año pasado" in maize["note"]
    assert "=HYPERLINK" in maize["note"]
    intent = nodes[maize["publishes"][0]]
    assert (intent["provider"], intent["action"]) == (agent, "transfer")
    assert "receiver" not in intent
    assert intent["resourceQuantity"]["hasNumericalValue"] == 100.5
    assert nodes[maize["reciprocal"][0]]["receiver"] == agent
    work = next(node for node in nodes.values() if node.get("name") == "Mano de obra")
    assert work["purpose"] == "request"
    intent = nodes[work["publishes"][0]]
    assert (intent["receiver"], intent["action"]) == (agent, "deliverService")
    assert "provider" not in intent


def test_an_exchange_is_an_agreement_and_what_was_delivered_an_event(full: Secretary) -> None:
    nodes = nodes_of(graph_of(full))
    agreements = [node for node in nodes.values() if node["@type"] == "Agreement"]
    barter, ring = sorted(
        agreements, key=lambda node: len({nodes[leg]["provider"] for leg in node["stipulates"]})
    )
    assert {nodes[leg]["clauseOf"] for leg in barter["stipulates"]} == {barter["@id"]}
    assert "Para marzo" in barter["note"]
    (event,) = [node for node in nodes.values() if node["@type"] == "EconomicEvent"]
    assert event["resourceQuantity"]["hasNumericalValue"] == 60
    assert "Eran 61" in event["note"]
    commitment = nodes[event["fulfills"]]
    assert commitment["resourceQuantity"]["hasNumericalValue"] == 100.5
    assert "59" in commitment["note"]
    assert nodes[commitment["satisfies"]]["name"] == "Maíz"
    assert len(ring["stipulates"]) == 3
    assert "stipulatesReciprocal" not in ring
    assert len({nodes[leg]["provider"] for leg in ring["stipulates"]}) == 3
    assert {nodes[leg]["due"] for leg in ring["stipulates"]} == {"2090-03-01T23:59:59Z"}


def test_what_was_never_agreed_is_no_agreement(full: Secretary) -> None:
    nodes = nodes_of(graph_of(full))
    (refused,) = [
        node for node in nodes.values() if node.get("name") == "Café" and node["@type"] == "Proposal"
    ]
    assert refused["proposedTo"] == [f"trueque:{full.commune}"]
    assert [nodes[intent]["finished"] for intent in refused["publishes"]] == [True]


def test_units_have_their_om2_names_where_they_exist(full: Secretary) -> None:
    units = {node["@id"]: node for node in nodes_of(graph_of(full)).values() if node["@type"] == "Unit"}
    om2 = "http://www.ontology-of-units-of-measure.org/resource/om-2/"
    assert units["om2:kilogram"] == {
        "@id": "om2:kilogram", "@type": "Unit", "label": "kilogram", "symbol": "kg",
        "omUnitIdentifier": f"{om2}kilogram",
    }  # fmt: skip
    assert units["trueque:unit/saco"]["omUnitIdentifier"] == f"{om2}one"


def test_a_party_whose_charter_is_not_held_is_named_by_its_id(
    montes: Secretary, valle: Secretary, found: Found
) -> None:
    sierra = found("La Sierra")
    sierra.tell(valle)
    valle.sign("propose", "--to", "La Sierra", "--give", "Clavos;1;kg")
    with (
        Reader(valle.home / "ledger.sqlite") as reader,
        Store(montes.home / "ledger.sqlite", "ensayo") as store,
    ):
        for branch in reader.branches(Home(valle.home).read_key().public_key):
            for run in reader.runs(branch.number):
                store.ingest(run)
    nodes = nodes_of(graph_of(montes, "--all"))
    assert nodes[f"trueque:{sierra.commune}"]["name"] == sierra.commune[:12]


def test_the_file_needs_no_address_to_be_understood(full: Secretary, places: Path) -> None:
    out = places / "graph.json"
    full.run("export", "--format", "valueflows", "--out", str(out))
    data = out.read_bytes()
    assert data.startswith(valueflows.SIGN)
    assert json.loads(data)["@context"] == valueflows.context()


@given(st.integers(1, MAX_NUMBER), st.integers(0, MAX_SCALE), st.integers(0, MAX_TIME))
def test_numbers_are_exact_and_times_have_a_zone(number: int, scale: int, at: int) -> None:
    value = valueflows._number(number, scale)
    encoded = msgspec.json.Encoder(decimal_format="number").encode(value)
    assert Decimal(encoded.decode()) == Decimal(number).scaleb(-scale)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", valueflows._time(at))
