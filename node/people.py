"""The people's listener: who may ask it, and how it answers whoever they are.

Decides what is refused before a request reaches a page or the API: names that
are not this computer's (a page elsewhere whose name was bent to point here,
DNS rebinding), writes that a page of another origin sends, and the API without
the home's token. It answers no other origin (no CORS), and says in the language
that is asked for. What the pages and the API do is `pages`' and `api`'s.
"""

from __future__ import annotations

import hmac
import json
import time
from collections.abc import Collection
from typing import Final
from urllib.parse import urlsplit

from aiohttp import ClientPayloadError, web
from aiohttp.http_exceptions import BadHttpMessage
from aiohttp.typedefs import Handler, Middleware

from ledger.errors import LedgerError, LocalError, NotFound, StoreError

from . import journal, language
from .answers import plain_error
from .errors import InputError
from .figures import Figures
from .limits import MAX_API_BYTES

OWN_NAMES: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
"""Names by which a browser on this computer reaches it."""

SAFE: Final = frozenset({"GET", "HEAD"})
"""Methods that change nothing."""

HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""What every answer carries: no script, no style, no frame, nothing from elsewhere."""


def people_app(token: str, hosts: Collection[str], figures: Figures) -> web.Application:
    """The people's listener, without routes yet."""
    allowed = OWN_NAMES | {name.lower() for name in hosts}
    app = web.Application(
        middlewares=[
            _counting(figures),
            _speaking,
            _telling,
            _host_check(allowed),
            _origin_check,
            _token_check(token),
        ],
        client_max_size=MAX_API_BYTES,
    )
    app.on_response_prepare.append(_add_headers)
    return app


async def _add_headers(request: web.Request, response: web.StreamResponse) -> None:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers["Server"] = "Trueque"


def error_answer(error: LedgerError) -> web.Response:
    """An error as an answer: for programs with its parts, for people as a sentence."""
    status = (
        404 if isinstance(error, NotFound)
        else 503 if isinstance(error, StoreError)
        else 400 if isinstance(error, InputError)
        else 409
    )  # fmt: skip
    return web.json_response(
        {**plain_error(error), "sentence": language.told(error)}, status=status, dumps=_json
    )


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def refusal(status: int, error: LocalError) -> web.Response:
    """A refusal that is nobody's record: why, and what to do."""
    return web.json_response(
        {**plain_error(error), "sentence": language.told(error)}, status=status, dumps=_json
    )


def _counting(figures: Figures) -> Middleware:
    @web.middleware
    async def count(request: web.Request, handler: Handler) -> web.StreamResponse:
        begun = time.perf_counter()
        status = 500
        try:
            response = await handler(request)
            status = response.status
            return response
        except web.HTTPException as error:
            status = error.status
            raise
        finally:
            resource = request.match_info.route.resource
            route = "other" if resource is None else resource.canonical
            seconds = time.perf_counter() - begun
            method = request.method if request.method in ("GET", "HEAD", "POST") else "other"
            figures.answered(method, route, status, seconds)
            journal.tell(
                "answered",
                level="debug",
                method=request.method,
                route=route,
                status=status,
                seconds=round(seconds, 4),
            )

    return count


@web.middleware
async def _speaking(request: web.Request, handler: Handler) -> web.StreamResponse:
    language.speak(language.preferred(request.headers.get("Accept-Language", "")))
    return await handler(request)


@web.middleware
async def _telling(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Tell errors in the form of the API, whichever side of it they come from."""
    try:
        return await handler(request)
    except LedgerError as error:
        return error_answer(error)
    except web.HTTPRequestEntityTooLarge:
        return refusal(413, InputError("The request is larger than anything that can be asked for."))
    except web.HTTPNotFound:
        return refusal(404, NotFound("There is nothing at this address."))
    except web.HTTPMethodNotAllowed as error:
        response = refusal(405, InputError("That cannot be done at this address."))
        response.headers["Allow"] = error.headers["Allow"]
        return response
    except (ConnectionError, ClientPayloadError, BadHttpMessage):
        # Whoever asked has gone, or sends something that is no body: nobody may be there to read it.
        return refusal(400, InputError("The request ended before all of it had come."))
    except web.HTTPException:
        raise
    except Exception as error:
        journal.fault("fault", error, path=request.path)
        return refusal(
            500,
            LocalError(
                "The node failed in a way that it should not ({error}): its journal tells more; send that to "
                "those who maintain Trueque.",
                error=f"{type(error).__name__}: {error}",
            ),
        )


def _host_check(allowed: Collection[str]) -> Middleware:
    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if _name_of(request.headers.getall("Host", [])) not in allowed:
            return refusal(
                421,
                InputError(
                    "This computer is not called that: open http://127.0.0.1 with the port, or add the name "
                    "to the setting hosts."
                ),
            )
        return await handler(request)

    return check


def _name_of(hosts: list[str]) -> str | None:
    """The name in a Host header, without the port; None if there is not exactly one."""
    if len(hosts) != 1:
        return None
    name, colon, port = hosts[0].lower().rpartition(":")
    if not colon or hosts[0].endswith("]"):
        return hosts[0].lower()
    return name if port.isdigit() else None


@web.middleware
async def _origin_check(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse writes that a browser sends for a page of another origin.

    Fetch Metadata says so outright (W3C, "Fetch Metadata Request Headers");
    browsers before 2020 tell the origin alone. A program sends neither.
    """
    if request.method not in SAFE and not _is_same_origin(request):
        return refusal(403, InputError("Another page may not write here: do it on this node's own pages."))
    return await handler(request)


def _is_same_origin(request: web.Request) -> bool:
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None and site not in ("same-origin", "none"):
        return False
    origin = request.headers.get("Origin")
    if origin is None:
        return True
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return (
        parts.scheme in ("http", "https") and parts.netloc.lower() == request.headers.get("Host", "").lower()
    )


def _token_check(token: str) -> Middleware:
    expected = f"Bearer {token}".encode()

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        given = request.headers.get("Authorization", "").encode("utf-8", "surrogateescape")
        if request.path.startswith("/api/") and not hmac.compare_digest(given, expected):
            response = refusal(
                401, InputError("The API asks for the token that stands in node.json of the home.")
            )
            response.headers["WWW-Authenticate"] = "Bearer"
            return response
        return await handler(request)

    return check
