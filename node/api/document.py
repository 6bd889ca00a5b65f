"""The document: what the API can do, for programs and tools, in the form of OpenAPI 3.1.

Decides how the rows of `endpoints` are put into that form. It is made of the
same table as the routes and of the shapes that are encoded and decoded, so that
it says what is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

import msgspec

from ..limits import MAX_REPEAT_KEY_CHARACTERS
from .endpoints import PATHS, Endpoint, Media
from .repeats import HEADER

REFERENCE: Final = "#/components/schemas/{name}"

NAMES: Final = {"ledger.exchange.State": "ExchangeState", "node.state.State": "State"}
"""What two things of one name in different modules are called."""

KINDS: Final = {
    400: "The request cannot be understood.",
    401: "The token is missing or wrong.",
    404: "It is not held.",
    409: "The rules or the state of the home do not allow it.",
    413: "The request is larger than anything that can be asked for.",
    503: "The ledger cannot be read or written.",
}
"""Why a request is refused, by status."""


class Refusal(msgspec.Struct, frozen=True):
    """A refusal: the error's class, its sentence in English and its fields; and in the language asked for."""

    error: str
    template: str
    fields: dict[str, Any]
    sentence: str


class Explained(msgspec.Struct, frozen=True):
    """The document of an API."""

    openapi: str
    info: dict[str, Any]
    servers: tuple[dict[str, Any], ...]
    security: tuple[dict[str, tuple[str, ...]], ...]
    paths: dict[str, dict[str, Any]]
    components: dict[str, Any]


@cache
def document(endpoints: Sequence[Endpoint]) -> Explained:
    """The document of these endpoints."""
    types: list[Any] = [Refusal]
    for endpoint in endpoints:
        bodies = [
            shape.line if isinstance(shape, Media) else shape for shape in (endpoint.out, endpoint.body)
        ]
        types += [shape for shape in bodies if shape is not None] + [endpoint.query]
    found, components = msgspec.json.schema_components(types, ref_template=REFERENCE)
    schemas = dict(zip(map(str, types), found, strict=True))
    queries = {endpoint.query: components[endpoint.query.__name__] for endpoint in endpoints}
    for query in queries:
        components.pop(query.__name__)
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        operation = _operation(endpoint, schemas, queries[endpoint.query])
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = operation
    return Explained(
        openapi="3.1.0",
        info={
            "title": "Trueque",
            "version": _version(),
            "summary": "What a commune's node does for programs on the same computer.",
            "license": {"name": "AGPL-3.0-or-later", "identifier": "AGPL-3.0-or-later"},
        },
        servers=({"url": "/"},),
        security=({"token": ()},),
        paths=_portable(paths),
        components={
            "schemas": _portable(components),
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The token in node.json of the home.",
                }
            },
        },
    )


def _version() -> str:
    try:
        return version("trueque")
    except PackageNotFoundError:
        return "0"


def _operation(endpoint: Endpoint, schemas: dict[str, Any], query: dict[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        "description": endpoint.about,
        "parameters": [*_in_path(endpoint), *_in_query(query), *(_REPEAT if endpoint.signs else ())],
        "responses": {
            **{
                str(status): {
                    "description": re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", endpoint.told),
                    "content": _content(endpoint.out, schemas),
                }
                for status in endpoint.statuses
            },
            **_refusals(endpoint),
        },
    }
    if endpoint.body is not None:
        required = isinstance(endpoint.body, Media) or any(
            field.required for field in msgspec.structs.fields(endpoint.body)
        )
        told["requestBody"] = {"required": required, "content": _content(endpoint.body, schemas)}
    if not endpoint.token:
        told["security"] = []
    return told


def _in_path(endpoint: Endpoint) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": PATHS[name][1],
            "schema": {"type": "string", "pattern": f"^{PATHS[name][0]}$"},
        }
        for name in endpoint.names
    ]


def _in_query(query: dict[str, Any]) -> list[dict[str, Any]]:
    found = []
    for name, schema in query["properties"].items():
        schema = {key: value for key, value in schema.items() if not (key == "default" and value == ())}
        parameter = {"name": name, "in": "query", "required": False, "schema": schema}
        if "description" in schema:
            parameter["description"] = schema.pop("description")
        found.append(parameter)
    return found


_REPEAT: Final = (
    {
        "name": HEADER,
        "in": "header",
        "required": False,
        "description": "Asked again under the same key, the request is answered as the first time.",
        "schema": {"type": "string", "minLength": 1, "maxLength": MAX_REPEAT_KEY_CHARACTERS},
    },
)


def _content(shape: Any, schemas: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(shape, Media):
        return {"application/json": {"schema": schemas[str(shape)]}}
    # Lines of JSON are no JSON: their shape is told beside.
    beside = {} if shape.line is None else {"x-line": schemas[str(shape.line)]}
    return {media: {**beside} for media in shape.types}


def _refusals(endpoint: Endpoint) -> dict[str, Any]:
    statuses = [status for status in KINDS if endpoint.token and status not in endpoint.statuses]
    if endpoint.body is None:
        statuses = [status for status in statuses if status != 413]
    kinds: dict[str, str] = {str(status): KINDS[status] for status in statuses}
    kinds["default"] = "It is refused for another reason."
    content = {"application/json": {"schema": {"$ref": REFERENCE.format(name=Refusal.__name__)}}}
    return {status: {"description": said, "content": content} for status, said in kinds.items()}


def _portable(value: Any) -> Any:
    """Schemas as others read them: patterns in the dialect of JSON Schema (ECMA-262), and short names."""
    if isinstance(value, dict):
        return {NAMES.get(key, key): _portable(each) for key, each in value.items()}
    if isinstance(value, str):
        value = re.sub(r"^\\A(.*)\\Z$", r"^\1$", value)
        prefix = REFERENCE.format(name="")
        return (
            prefix + NAMES.get(value.removeprefix(prefix), value.removeprefix(prefix))
            if value.startswith(prefix)
            else value
        )
    return [_portable(each) for each in value] if isinstance(value, list | tuple) else value
