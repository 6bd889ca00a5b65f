"""Valueflows: the graph against the vocabulary's own schemas and ontology, and what it says."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import jsonschema_rs
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.limits import MAX_NUMBER, MAX_SCALE, MAX_TIME
from ledger.store.reading import Reader
from ledger.store.writing import Store
from node.exports import valueflows
from node.home import Home

from ...support.shared import shared_path
from ..conftest import Found, Secretary

Node = dict[str, Any]
VF: Final = "https://w3id.org/valueflows/ont/vf#"

SCHEMAS: Final = {"Organization": "Agent"}
"""Classes of which the schemas have only the larger one."""


def graph_of(secretary: Secretary, *options: str) -> Node:
    found: Node = json.loads(secretary.run("export", "--format", "valueflows", *options).stdout_bytes)
    return found


def nodes_of(graph: Node) -> dict[str, Node]:
    return {node["@id"]: node for node in graph["@graph"]}


def all_nodes(value: Any) -> Iterator[Node]:
    """Every node, those that stand inside others too."""
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, dict):
            if "@type" in item:
                yield item
            for name, inner in item.items():
                if name != "@context":
                    yield from all_nodes(inner)


def references() -> frozenset[str]:
    """The properties whose value is the id of a node, by the context."""
    return frozenset(
        name
        for name, told in valueflows.context().items()
        if isinstance(told, dict) and told["@type"] == "@id"
    )


# The schemas ------------------------------------------------------------------------------------


def validators() -> Callable[[str], jsonschema_rs.Validator]:
    """The official schema of a class."""
    folder = shared_path("vectors/valueflows/json-schemas")
    schemas = {path.stem: json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))}
    registry = jsonschema_rs.Registry([(schema["$id"], schema) for schema in schemas.values()])

    def validator(kind: str) -> jsonschema_rs.Validator:
        schema = schemas[SCHEMAS.get(kind, kind)]
        return jsonschema_rs.validator_for(schema, registry=registry, validate_formats=True)

    return validator


def embedded(node: Node, nodes: dict[str, Node], inside: frozenset[str] = frozenset()) -> Node:
    """A node as the schemas want it: with those that it refers to inside, and not their ids.

    What would stand inside itself is left out: an agreement holds its commitments.
    """

    def inner(value: Any) -> Any:
        if isinstance(value, dict):
            return embedded(value, nodes, inside)
        here = inside | {node.get("@id", "")}
        return None if value in here else embedded(nodes[value], nodes, here)

    found: Node = {}
    for name, value in node.items():
        if name not in references() | {"@type", "@id"}:
            found[name] = value
        elif name in references():
            many = [inner(item) for item in value] if isinstance(value, list) else inner(value)
            if many is not None and many != [None]:
                found[name] = many
    return found


def test_every_node_is_valid_by_the_official_schemas(full: Secretary) -> None:
    validator = validators()
    graph = graph_of(full)
    nodes = nodes_of(graph)
    kinds = set()
    for node in graph["@graph"]:
        kinds.add(node["@type"])
        validator(node["@type"]).validate(embedded(node, nodes))
    assert kinds == {
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


# The ontology -----------------------------------------------------------------------------------


class Ontology:
    """What the ontology says of classes, properties and individuals, as far as this check needs it."""

    def __init__(self, turtle: str) -> None:
        self.kinds: dict[str, set[str]] = {}
        self.told: dict[str, dict[str, list[str]]] = {}
        text = re.sub(r'"(?:[^"\\]|\\.)*"(?:@\w+)?', '""', turtle)
        text = re.sub(r"^#.*$", "", text, flags=re.MULTILINE)
        for statement in re.split(r"\s\.(?=\s|$)", text):
            matched = re.fullmatch(r"\s*vf:(\w+)\s+(.*)", statement, re.DOTALL)
            if matched is not None:
                self._take(matched[1], matched[2])

    def _take(self, name: str, body: str) -> None:
        statements = [part.split(None, 1) for part in body.split(";") if len(part.split(None, 1)) == 2]
        told = self.told.setdefault(name, {})
        for predicate, values in statements:
            told.setdefault(predicate, []).extend(re.findall(r"[\w-]+:[\w-]+|\d+", values))
        self.kinds.setdefault(name, set()).update(told.get("a", ()))

    def classes(self, term: str) -> set[str]:
        """The classes that a domain or range stands for, with those below them."""
        name = term.removeprefix("vf:")
        union = self.told.get(name, {}).get("owl:unionOf")
        found = {item.removeprefix("vf:") for item in union} if union else {name}
        return found | {
            below
            for below, told in self.told.items()
            if any(above.removeprefix("vf:") in found for above in told.get("rdfs:subClassOf", ()))
        }


@pytest.fixture
def ontology() -> Ontology:
    return Ontology(shared_path("vectors/valueflows/all_vf.TTL").read_text())


def test_every_class_and_property_is_in_the_ontology_and_used_as_it_says(
    full: Secretary, ontology: Ontology
) -> None:
    graph = graph_of(full)
    nodes = nodes_of(graph)
    seen = set()
    for node in all_nodes(graph["@graph"]):
        assert "owl:Class" in ontology.kinds[node["@type"]], node["@type"]
        for name, value in node.items():
            if name.startswith("@"):
                continue
            seen.add(name)
            told = ontology.told[name]
            assert node["@type"] in ontology.classes(told["rdfs:domain"][0]), (name, node["@type"])
            values = value if isinstance(value, list) else [value]
            assert len(values) == 1 or "owl:maxCardinality" not in told, name
            for item in values:
                check_range(name, item, told["rdfs:range"][0], ontology, nodes)
    assert {"satisfies", "fulfills", "reciprocal", "proposedTo", "availableQuantity"} <= seen
    assert references() | {"action", "purpose"} <= set(ontology.told)


def check_range(name: str, value: Any, range_: str, ontology: Ontology, nodes: dict[str, Node]) -> None:
    match range_:
        case "xsd:dateTimeStamp":
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z", value), (name, value)
        case "xsd:string":
            assert isinstance(value, str), (name, value)
        case "xsd:anyURI":
            assert re.match(r"[a-z]+:", value), (name, value)
        case "xsd:boolean":
            assert isinstance(value, bool), (name, value)
        case "dtype:numericUnion":
            assert isinstance(value, int | float), (name, value)
        case "vf:Action" | "vf:ProposalPurpose":
            assert range_ in ontology.kinds[value], (name, value)
        case _:
            pointed = value if isinstance(value, dict) else nodes[value]
            assert pointed["@type"] in ontology.classes(range_), (name, value)


def test_the_context_gives_each_property_the_type_that_the_ontology_does(ontology: Ontology) -> None:
    types = {"xsd:dateTimeStamp": "xsd:dateTimeStamp", "xsd:anyURI": "xsd:anyURI"}
    assert valueflows.context()["@vocab"] == VF
    for name, told in valueflows.context().items():
        if isinstance(told, dict):
            range_ = ontology.told[name]["rdfs:range"][0]
            is_named = range_ in ("vf:Action", "vf:ProposalPurpose")
            assert told["@type"] == types.get(range_, "@vocab" if is_named else "@id"), name


# What it says -----------------------------------------------------------------------------------


def test_every_reference_leads_to_a_node_of_the_file(full: Secretary) -> None:
    for options in ((), ("--commune", "La Sierra"), ("--all",), ("--since", "2001-01-01")):
        graph = graph_of(full, *options)
        nodes = nodes_of(graph)
        assert len(nodes) == len(graph["@graph"])
        for node in all_nodes(graph["@graph"]):
            for name in references() & node.keys():
                for value in node[name] if isinstance(node[name], list) else [node[name]]:
                    assert isinstance(value, dict) or value in nodes, (name, value)


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
