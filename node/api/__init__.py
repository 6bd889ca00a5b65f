"""The API: what programs ask a running node to do, under `/api/1` of the people's listener.

Decides the addresses and what goes in and comes out, as docs/reference/api.md
tells and the node itself in OpenAPI. Everything is done by the functions that
commands use without a node, and refused with their errors; the side that asks
for commands is `remote`. Who may ask at all is `people`'s.

- `endpoints`: what is said of an address, once, for the route and the document.
- `asking`: what a request brings, and on which thread it is done.
- `repeats`: what is asked again under the same key.
- `parts`: long lists in parts.
- `dealings`: listings and exchanges, as they are read.
- `holdings`: communes, accounts, logs and entries, as they are read.
- `signing`: what is signed.
- `drafts`: forms that were filled and not signed yet.
- `standing`: how the node is, other nodes, notices, the audit.
- `addresses`: neighbours by address.
- `files`: photos, bundles, receipts, and what takes long.
- `copies`: what is held, in bundles for others and backups.
- `beginning`: founding a commune, or bringing one back.
- `document`: all of it in the form of OpenAPI.
"""

from __future__ import annotations

from typing import Final

from aiohttp import web

from ..beginnings import Beginnings
from ..resident import Resident
from . import addresses, beginning, copies, dealings, drafts, files, holdings, signing, standing
from .asking import RESIDENT as RESIDENT
from .asking import Asked
from .beginning import BEGINNINGS as BEGINNINGS
from .document import Explained, document
from .endpoints import Endpoint
from .files import picture as picture
from .files import read_photo as read_photo
from .repeats import REPEATS, Repeats


async def explain(asked: Asked) -> Explained:
    """The document of the API."""
    return document(TABLE)


TABLE: Final[tuple[Endpoint, ...]] = (
    *standing.ENDPOINTS,
    *addresses.ENDPOINTS,
    *dealings.ENDPOINTS,
    *holdings.ENDPOINTS,
    *signing.ENDPOINTS,
    *drafts.ENDPOINTS,
    *files.ENDPOINTS,
    *copies.ENDPOINTS,
    *beginning.ENDPOINTS,
    Endpoint(
        "GET",
        "/api/1/openapi.json",
        "explain",
        "All of this, for tools.",
        explain,
        "a document of OpenAPI 3.1",
        Explained,
    ),
)
"""All endpoints."""

ROUTES: Final = tuple(endpoint.route for endpoint in TABLE)


def begin(app: web.Application, resident: Resident) -> None:
    """Add the API to the people's listener, of the node that answers."""
    app[RESIDENT] = resident
    app[REPEATS] = Repeats()
    app[BEGINNINGS] = Beginnings()
    app[beginning.SENT] = beginning.Sent()
    app.add_routes(ROUTES)
