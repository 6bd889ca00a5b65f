"""Assets: the files that a page needs beside itself, sent once and kept by the browser.

Decides their addresses: each carries the beginning of its content's hash, so
that a browser may keep it for a year and never shows an old one. They lie in
`static/`, those of others with their licences beside them, and nothing is ever
fetched from elsewhere.
"""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from aiohttp import web

FOLDER: Final = Path(__file__).parent / "static"
TYPES: Final = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webmanifest": "application/manifest+json",
}
FOREVER: Final = "public, max-age=31536000, immutable"

ROUTES: Final = web.RouteTableDef()


@dataclass(frozen=True, slots=True)
class Asset:
    """A file: what it is, its bytes, the same compressed, and the mark by which it is known."""

    content_type: str
    body: bytes
    packed: bytes
    mark: str


@cache
def assets() -> dict[str, Asset]:
    """All files by name."""
    found = {}
    for path in sorted(FOLDER.iterdir()):
        if path.suffix in TYPES:
            body = path.read_bytes()
            mark = hashlib.sha256(body).hexdigest()[:12]
            found[path.name] = Asset(TYPES[path.suffix], body, gzip.compress(body, 9, mtime=0), mark)
    return found


def address_of(name: str) -> str:
    """Where a page finds a file. Raises KeyError."""
    return f"/static/{assets()[name].mark}/{name}"


@ROUTES.get("/static/{mark}/{name}")
async def asset(request: web.Request) -> web.Response:
    """A file of the pages, under the mark of its content."""
    found = assets().get(request.match_info["name"])
    if found is None or found.mark != request.match_info["mark"]:
        raise web.HTTPNotFound
    headers = {"Cache-Control": FOREVER, "Vary": "Accept-Encoding"}
    body = found.body
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        headers["Content-Encoding"], body = "gzip", found.packed
    return web.Response(body=body, content_type=found.content_type, charset=None, headers=headers)
