"""The people's listener: who may ask it, and how it answers whoever they are.

Decides what is refused before a request reaches a page or the API: names that
are not this computer's (a page elsewhere whose name was bent to point here,
DNS rebinding), writes that a page of another origin sends and what it has loaded
unseen, and the API without the home's token. It answers no other origin (no CORS), and says in the language
that is asked for: in the form of the API, and on a page to whoever looks at pages.
What the pages and the API do is `web`'s and `api`'s.
"""

from __future__ import annotations

import hmac
import json
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
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
from .listener import patiently
from .whence import is_from_here, is_from_near, is_reached_at, local_name

OWN_NAMES: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
"""Names by which a browser on this computer reaches it."""


@dataclass(frozen=True, slots=True)
class ErrorPage:
    """How pages tell an error."""

    tell: Callable[[web.Request, int, LedgerError], Awaitable[web.Response]]


ERROR_PAGE: Final = web.AppKey("error_page", ErrorPage)
"""How pages tell an error, in the application; without one it is told as to programs."""


FOR_PROGRAMS: Final = ("/api/", "/healthz", "/metrics", "/static/", "/live")
"""Where addresses begin that are no pages."""

SAFE: Final = frozenset({"GET", "HEAD"})
"""Methods that change nothing."""

PASSED_ON: Final = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via")
"""Headers by which a proxy says that it asks for somebody else (RFC 7239; RFC 9110, section 7.6.3)."""

HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # without any, a browser says that our own forms come from nowhere
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""What every answer carries: no script, no style, no frame, nothing from elsewhere."""


def people_app(
    token: str,
    hosts: Collection[str],
    figures: Figures,
    inner: Collection[Middleware] = (),
    *,
    over_lan: bool = False,
) -> web.Application:
    """The people's listener, without routes yet; `inner` sees what all checks have let through.

    `over_lan`: the one that the local network reaches, not this computer alone.
    """
    allowed = {name.lower() for name in hosts} | ({local_name()} if over_lan else OWN_NAMES)
    app = web.Application(
        middlewares=[
            _counting(figures),
            _speaking,
            _telling,
            _host_check(allowed, over_lan=over_lan),
            _origin_check,
            _token_check(token),
            patiently,
            *inner,
        ],
        client_max_size=MAX_API_BYTES,
    )
    app.on_response_prepare.append(_add_headers)
    return app


async def _add_headers(request: web.Request, response: web.StreamResponse) -> None:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers["Server"] = "Trueque"


class Refused(Exception):
    """A request that is refused before it is looked at: with which status, why, and what to do."""

    def __init__(self, status: int, error: LocalError, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, error)
        self.status = status
        self.error = error
        self.headers = dict(headers or {})


def status_of(error: LedgerError) -> int:
    """The status of HTTP that goes with an error."""
    return (
        404 if isinstance(error, NotFound)
        else 503 if isinstance(error, StoreError)
        else 400 if isinstance(error, InputError)
        else 409
    )  # fmt: skip


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


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
    is_page = not request.path.startswith(FOR_PROGRAMS)
    accepted = request.headers.get("Accept-Language", "")
    language.speak(language.preferred(accepted, otherwise="es" if is_page else "en"))
    return await handler(request)


@web.middleware
async def _telling(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Tell errors, in the form of the API or as a page, whichever side of it they come from."""
    headers: dict[str, str] = {}
    error: LedgerError
    try:
        return await handler(request)
    except Refused as refused:
        status, error = refused.status, refused.error
        headers = refused.headers
    except LedgerError as refused_by_ledger:
        status, error = status_of(refused_by_ledger), refused_by_ledger
    except web.HTTPRequestEntityTooLarge:
        status, error = 413, InputError("The request is larger than anything that can be asked for.")
    except web.HTTPNotFound:
        status, error = 404, NotFound("There is nothing at this address.")
    except web.HTTPMethodNotAllowed as not_allowed:
        status, error = 405, InputError("That cannot be done at this address.")
        headers = {"Allow": not_allowed.headers["Allow"]}
    except (ConnectionError, ClientPayloadError, BadHttpMessage):
        # Whoever asked has gone, or sends something that is no body: nobody may be there to read it.
        status, error = 400, InputError("The request ended before all of it had come.")
    except web.HTTPException:
        raise
    except Exception as fault:
        journal.fault("fault", fault, path=request.path)
        status = 500
        error = LocalError(
            "The node failed in a way that it should not ({error}): its journal tells more; send that to "
            "those who maintain Trueque.",
            error=f"{type(fault).__name__}: {fault}",
        )
    response = await _told(request, status, error)
    response.headers.update(headers)
    return response


async def _told(request: web.Request, status: int, error: LedgerError) -> web.Response:
    error_page = request.app.get(ERROR_PAGE)
    is_page = not request.path.startswith(FOR_PROGRAMS) and "text/html" in request.headers.get("Accept", "")
    if error_page is not None and is_page and status not in (421, 403):
        try:
            return await error_page.tell(request, status, error)
        except Exception as fault:  # a page that fails while it tells of a failure: say it plainly
            journal.fault("fault", fault, path=request.path)
    return web.json_response(
        {**plain_error(error), "sentence": language.told(error)}, status=status, dumps=_json
    )


def _host_check(allowed: Collection[str], *, over_lan: bool) -> Middleware:
    """Refuse connections from where nobody is expected, and names that are not this computer's.

    Both by the connection itself (`whence`): no header says where it comes from.
    One that says that it comes from elsewhere is believed, though: a proxy on this
    computer lets in at 127.0.0.1 whoever reaches it, and no browser sends such. An
    operator who means it gives the proxy a name (the setting `hosts`).
    """
    is_expected = is_from_near if over_lan else is_from_here

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not is_expected(request):
            raise Refused(403, InputError("The pages are for the local network of this computer alone."))
        name = _name_of(request.headers.getall("Host", [])) or ""
        if name not in allowed and not (over_lan and is_reached_at(request, name)):
            raise Refused(
                421,
                InputError("This computer is not called that: open it by its address, as its pages show it.")
                if over_lan
                else InputError(
                    "This computer is not called that: open http://127.0.0.1 with the port, or add the name "
                    "to the setting hosts."
                ),
            )
        if not over_lan and name in OWN_NAMES and any(header in request.headers for header in PASSED_ON):
            raise Refused(
                403,
                InputError(
                    "A proxy passes this on for somebody who may be anybody, and no password is asked for "
                    "here: let the local network in instead, or have the proxy ask for a name of the setting "
                    "hosts."
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
    """Refuse writes that a browser sends for a page of another origin, and reads that are no link followed.

    Fetch Metadata says so outright (W3C, "Fetch Metadata Request Headers");
    browsers before 2020 tell the origin alone. A program sends neither. A page
    elsewhere that only has pages loaded cannot read them (`HEADERS`), but it
    would cost the node their making, and keep lines open that are counted.
    """
    if request.method not in SAFE and not _is_same_origin(request):
        raise Refused(403, InputError("Another page may not write here: do it on this node's own pages."))
    if request.method in SAFE and not (_is_own_site(request) or _is_visit(request)):
        raise Refused(403, InputError("Another page may not load this: open it on this node's own pages."))
    return await handler(request)


def _is_own_site(request: web.Request) -> bool:
    return request.headers.get("Sec-Fetch-Site", "none") in ("same-origin", "none")


def _is_visit(request: web.Request) -> bool:
    """Whether somebody goes to a page with a window of their own, as by a link."""
    is_going = request.headers.get("Sec-Fetch-Mode") == "navigate"
    return is_going and request.headers.get("Sec-Fetch-Dest", "document") == "document"


def _is_same_origin(request: web.Request) -> bool:
    if not _is_own_site(request):
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
            raise Refused(
                401,
                InputError("The API asks for the token that stands in node.json of the home."),
                {"WWW-Authenticate": "Bearer"},
            )
        return await handler(request)

    return check
