"""The entry: what somebody on the local network gets to see before and after the password.

Decides that a request from there without a session gets the login page and
nothing of the commune, not even its name; what is done at the computer itself
alone (recovery words, passwords, backups), since what goes over the network can
be read there; and the cookie that carries a session. Whether a password is right
is the `entrance`'s. The API goes by its token, here as there.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from aiohttp import web
from aiohttp.typedefs import Handler

from ..entrance import Entrance
from ..errors import ComeLater, InputError
from ..lan import FROM_LAN, LAN
from ..limits import MAX_ENTRY_BYTES, SESSION_SECONDS
from ..people import FOR_PROGRAMS, SAFE, Refused
from ..whence import host_of
from .forms import Form, check_token, form_of
from .site import own_path, page
from .visits import INSIDE, VISITS

FOR_ALL: Final = frozenset({"/static/{mark}/{name}"})
"""Addresses that hold nothing of a commune."""

DOORS: Final = frozenset({"/login", "/language"})
"""Addresses of which something may be asked before the password was given."""

HERE_ALONE: Final = (
    "/welcome",
    "/settings/lan",
    "/settings/password",
    "/settings/sessions",
    "/settings/backup",
)
"""Where addresses begin at which secrets are typed or shown."""

NEVER: Final = frozenset({"/healthz", "/metrics"})
"""Addresses that are there for this computer alone."""

ROUTES: Final = web.RouteTableDef()


def _cookie(request: web.Request) -> str:
    return f"{request.app[VISITS].cookie}-session"


def _entrance(request: web.Request) -> Entrance:
    return request.app[LAN].entrance


@web.middleware
async def guarding(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let through what may be seen from the local network, by the route that was found for it."""
    resource = request.match_info.route.resource
    where = "" if resource is None else resource.canonical
    if where in NEVER:
        raise web.HTTPNotFound
    if where in FOR_ALL or (where.startswith("/api/") and request.path.startswith("/api/")):
        return await handler(request)
    if _entrance(request).knows(request.cookies.get(_cookie(request), "")):
        request[INSIDE] = True
        if where.startswith(HERE_ALONE):
            return await page(request, "here_alone.html", status=403)
        return await handler(request)
    if where in DOORS:
        _check_size(request)
        return await handler(request)
    if request.method in SAFE and not request.path.startswith(FOR_PROGRAMS):
        raise web.HTTPSeeOther(f"/login?to={quote(request.path_qs, safe='/')}")
    raise Refused(
        401, InputError("Log in first: open this node's pages, give the password, and do it once more.")
    )


def _check_size(request: web.Request) -> None:
    """Refuse to read much of what somebody sends who may be anybody."""
    if request.can_read_body and (request.content_length or MAX_ENTRY_BYTES + 1) > MAX_ENTRY_BYTES:
        raise web.HTTPRequestEntityTooLarge(MAX_ENTRY_BYTES, request.content_length or 0)


@ROUTES.get("/login")
async def login(request: web.Request) -> web.Response:
    """The page that asks for the password."""
    to = own_path(request.query.get("to"))
    if not request.app[FROM_LAN] or request.get(INSIDE):
        raise web.HTTPSeeOther(to)
    return await page(request, "login.html", form=Form({"to": to}))


@ROUTES.post("/login")
async def enter(request: web.Request) -> web.Response:
    """Look at the password, and begin a session if it is right."""
    form = await form_of(request)
    to = own_path(form["to"])
    if not request.app[FROM_LAN] or request.get(INSIDE):
        raise web.HTTPSeeOther(to)
    status, headers, secret = 422, {}, ""
    check_token(request, form)
    if not form["password"]:
        form.refuse("password", InputError("This is needed: fill it in."))
    if form.is_good:
        try:
            secret = await _entrance(request).enter(host_of(request), form["password"])
        except ComeLater as error:
            status, headers = 429, {"Retry-After": str(int(error.wait) + 1)}
            form.refuse("", error)
        except InputError as error:
            status = 403
            form.refuse("password", error)
    if not form.is_good:
        shown = Form({"to": to})
        shown.faults = form.faults
        answer = await page(request, "login.html", status=status, form=shown)
        answer.headers.update(headers)
        return answer
    response = web.Response(status=303, headers={"Location": to})
    # Whoever knew this browser by its cookie before, knows it no longer.
    request.app[VISITS].renew(response)
    response.set_cookie(
        _cookie(request), secret, max_age=SESSION_SECONDS, httponly=True, samesite="Lax", path="/"
    )
    return response


@ROUTES.post("/logout")
async def leave(request: web.Request) -> web.Response:
    """End the session of this browser."""
    if not request.app[FROM_LAN]:
        raise web.HTTPSeeOther("/")
    await _entrance(request).leave(request.cookies.get(_cookie(request), ""))
    response = web.Response(status=303, headers={"Location": "/login"})
    response.del_cookie(_cookie(request), path="/")
    request.app[VISITS].renew(response)
    return response
