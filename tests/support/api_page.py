"""The reference page of the API, written from its table of endpoints.

    python -m tests.support.api_page

writes docs/reference/api.md anew; a test holds the two equal.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from node.api import TABLE
from node.api.document import document
from node.api.endpoints import Endpoint, Media
from node.limits import API_PAGE, MAX_API_PAGE, MAX_REPEAT_KEY_CHARACTERS, MAX_REPEATS
from node.repeated import RECENT

from .shared import CHECKOUT

OPENING = f"""\
# The API

A running node answers programs on this computer under `http://127.0.0.1:PORT/api/1/`: whatever pages and
commands can do, with the same checks and the same errors. Commands use it for everything that they write,
so that one process alone signs. Addresses are only ever added, and keys as well.

`node.json` in the home, readable by its owner alone, says where: `people` is the port, `token` what
`Authorization: Bearer TOKEN` has to carry. It is there while a node runs, and another token is in it after
each start. A file without a node is left by one that was killed: the lock of `node.lock` (flock) says
whether one runs. `trueque status` tells where the home is.

    $ TOKEN=$(sed 's/.*"token":"\\([^"]*\\)".*/\\1/' ~/.local/share/trueque/node.json)
    $ curl -H "Authorization: Bearer $TOKEN" http://127.0.0.1:8783/api/1/signing
    {{"home":"open","situation":"ready"}}

    $ curl -H "Authorization: Bearer $TOKEN" http://127.0.0.1:8783/api/1/listings \\
        -d '{{"kind": "offer", "title": "Maíz", "quantity": "100", "unit": "kg"}}'
    {{"id":"1b32..."}}

The node describes all of this itself, in [OpenAPI 3.1](https://spec.openapis.org/oas/v3.1.1.html), at
[`/api/1/openapi.json`](#get-api1openapijson); that document and the routes are made of one table.

Requests under a name that is not this computer's are refused (421), and so is whatever a page of another
origin would write (403); no other origin is ever answered (no CORS). Without the token every address under
`/api/` answers 401. A request has at most 1 MiB, bundles, photos and receipts aside; a larger one is
refused (413).

Where [the local network is let in](pages.md#from-the-local-network), the same port on the other
interfaces answers under `/api/` as well, with the token and nothing else. It is not encrypted there: a
program elsewhere does better with a tunnel that ends on this computer.

## What goes in

A body is one JSON object; a key that is not listed is an error. Where every key may be left out, so may the
body. Ids in addresses are whole, in small letters. A quantity is a decimal string or a whole number beside
its `unit`; a commune is named by its name or id, or the beginning of that. Everything signed stays for
ever: pages and commands ask their people once more before that, and programs have to do likewise.

`Idempotency-Key`, a header of 1 to {MAX_REPEAT_KEY_CHARACTERS} characters that whoever asks makes up, can
go with every request that signs. Asked again under the same key, it is answered as the first time and signs
nothing, so that it may be sent anew when the answer was lost. A request that was refused is tried anew; one
that asks for something else under a known key is refused (400). The newest {MAX_REPEATS:,} keys are known
for as long as the node runs; what stands among the last {RECENT} own entries from before it was started
is not recorded once more under a key (409, `DoneBefore`, with its id).

What else writes comes to the same when it is sent twice. Founding a commune and restoring one go in the order
of the pages: recovery words are shown once, in an answer, and nothing is founded before they are sent back.
Making the keys of councils is left to commands.

## What comes out

JSON as on [the page on it](json.md), which commands print too; texts are in the language of
`Accept-Language`. Lists that may be long come in parts: `limit` says how many at the most ({API_PAGE} if it
is not given, {MAX_API_PAGE} at the most), `offset` how many are passed over. Such a part is an object with
`items`, and in `next` the `offset` of the part that follows, null if there is none.

## Errors

A refusal is an object with the keys below, and the status tells its kind: 400 a request that cannot be
understood, 404 something that is not held, 409 what the rules or the state of the home do not allow, 503 a
ledger that cannot be read or written. At the address of [a page](pages.md) a browser is told the same as a
page.

| key | |
|---|---|
| `error` | the class, as in the `errors.py` of the layers: `MoveRefused`, `NotFound`, ... |
| `template` | the sentence in English, its fields in braces |
| `fields` | the fields by name; one may be an error itself |
| `sentence` | the sentence in the language of `Accept-Language`, Spanish or English |

This page is written from the endpoints in `node/api` by `python -m tests.support.api_page`.
"""

OPEN = """\
## Addresses without a token

Beside these there are [the pages](pages.md), for people.
"""

PART = frozenset({"limit", "offset"})
"""What every address takes that gives a list in parts."""

TITLES = {
    "standing": "How the node is, and what runs in it",
    "addresses": "Neighbours by address",
    "dealings": "Listings and exchanges",
    "holdings": "Communes and logs",
    "signing": "What is signed",
    "drafts": "Drafts",
    "files": "Files, and what takes long",
    "copies": "Copies of what is held",
    "beginning": "Founding a commune, or bringing one back",
    "api": "The document",
}
"""Headings, by the module in which an endpoint's function stands."""


def page() -> str:
    """The whole page, Markdown, ending in one newline."""
    schemas = msgspec.to_builtins(document(TABLE))
    parts = [OPENING, OPEN]
    untold = {row.do.__module__.rpartition(".")[2] for row in TABLE if row.token} - set(TITLES)
    if untold:
        raise ValueError(f"give a heading to {', '.join(sorted(untold))}")
    parts += [_section(endpoint, schemas) for endpoint in TABLE if not endpoint.token]
    for module, title in TITLES.items():
        rows = [row for row in TABLE if row.token and row.do.__module__.rpartition(".")[2] == module]
        parts += [f"## {title}\n", *(_section(row, schemas) for row in rows)]
    return "\n".join(parts)


def _section(endpoint: Endpoint, described: dict[str, Any]) -> str:
    operation = described["paths"][endpoint.path][endpoint.method.lower()]
    lines = [f"### {endpoint.method} {endpoint.path}", "", *_wrapped(endpoint.about), ""]
    asked = [each for each in operation["parameters"] if each["in"] == "query"]
    rows = [_row(each["name"], each) for each in asked if each["name"] not in PART]
    if len(rows) < len(asked):
        lines[-2] += " [In parts](#what-comes-out)."
    if rows:
        lines += ["Query:", "", "| name | |", "|---|---|", *rows, ""]
    body = operation.get("requestBody")
    if body is not None and not isinstance(endpoint.body, Media):
        schema = described["components"]["schemas"][endpoint.body.__name__]
        needed = set(schema.get("required", ()))
        fields = [_row(name, each, needed=name in needed) for name, each in schema["properties"].items()]
        lines += ["In:", "", "| key | |", "|---|---|", *fields, ""]
    statuses = "" if endpoint.statuses[0] == 200 else f", with status {endpoint.statuses[0]}"
    lines.append(f"Out{statuses}: {endpoint.told}.")
    return "\n".join(lines) + "\n"


def _row(name: str, described: dict[str, Any], *, needed: bool = False) -> str:
    schema = described.get("schema", described)
    among = [described, *described.get("anyOf", ())]
    said = next((each["description"] for each in among if "description" in each), "")
    if not said and "enum" in schema:
        said = " or ".join(f"`{value}`" for value in sorted(schema["enum"], reverse=True))
    if "default" in schema and schema["default"] not in (None, [], ()):
        default = str(schema["default"]).lower()
        said += f" (`{default}` if it is not given)"
    return f"| `{name}` | {said}{'; needed' if needed else ''} |"


def _wrapped(text: str) -> Iterator[str]:
    """Markdown in lines of at most 120 characters; what is indented stays as it is."""
    from textwrap import wrap

    for place, paragraph in enumerate(text.split("\n\n")):
        if place:
            yield ""
        if paragraph.startswith("    "):
            yield paragraph
        else:
            yield from wrap(paragraph, 120, break_long_words=False, break_on_hyphens=False)


def page_path() -> Path:
    """Where the page stands in the checkout."""
    return CHECKOUT / "docs" / "reference" / "api.md"


if __name__ == "__main__":
    page_path().write_text(page(), encoding="utf-8")
