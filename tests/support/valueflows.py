"""Whether a graph is good Valueflows: by the official JSON Schemas, and by the ontology.

    python -m tests.support.valueflows FILE...

checks files that `trueque export --format valueflows` wrote. The schemas want
objects inside each other where a graph refers to them: `embedded` makes them so.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import jsonschema_rs

from node.exports import valueflows

from .shared import shared_path

Node = dict[str, Any]

SCHEMAS: Final = {"Organization": "Agent"}
"""Classes of which the schemas have only the larger one."""


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


def ontology() -> Ontology:
    """The official ontology."""
    return Ontology(shared_path("vectors/valueflows/all_vf.TTL").read_text())


def nodes_of(graph: Node) -> dict[str, Node]:
    """The nodes of a graph by their ids."""
    return {node["@id"]: node for node in graph["@graph"]}


def check_schemas(graph: Node, validator: Callable[[str], jsonschema_rs.Validator]) -> None:
    """Every node by the schema of its class."""
    nodes = nodes_of(graph)
    for node in graph["@graph"]:
        validator(node["@type"]).validate(embedded(node, nodes))


def check_ontology(graph: Node, known: Ontology) -> set[str]:
    """Every class and property, and what it is said of; gives the properties that there are."""
    nodes = nodes_of(graph)
    seen = set()
    for node in all_nodes(graph["@graph"]):
        assert "owl:Class" in known.kinds[node["@type"]], node["@type"]
        for name, value in node.items():
            if name.startswith("@"):
                continue
            seen.add(name)
            told = known.told[name]
            assert node["@type"] in known.classes(told["rdfs:domain"][0]), (name, node["@type"])
            values = value if isinstance(value, list) else [value]
            assert len(values) == 1 or "owl:maxCardinality" not in told, name
            for item in values:
                check_range(name, item, told["rdfs:range"][0], known, nodes)
    return seen


def check_references(graph: Node) -> None:
    """Every reference leads to a node of the same file, and no id stands twice."""
    nodes = nodes_of(graph)
    assert len(nodes) == len(graph["@graph"])
    for node in all_nodes(graph["@graph"]):
        for name in references() & node.keys():
            for value in node[name] if isinstance(node[name], list) else [node[name]]:
                assert isinstance(value, dict) or value in nodes, (name, value)


def check_graph(graph: Node) -> None:
    """All of it."""
    assert graph["@context"] == valueflows.context()
    check_references(graph)
    check_schemas(graph, validators())
    check_ontology(graph, ontology())


if __name__ == "__main__":
    for name in sys.argv[1:]:
        checked = json.loads(Path(name).read_text())
        check_graph(checked)
        print(f"{name}: {len(checked['@graph'])} nodes, all valid")
