"""Pages: what a browser is shown at the node's address.

Decides that somebody who opens it before there is a commune reads how to create
one, and afterwards how the node is: plain HTML, without script or style, in the
language that the browser asks for.
"""

from __future__ import annotations

from html import escape

from aiohttp import web

from . import language
from .api import RESIDENT
from .home import Home, default_home
from .language import gettext as _
from .reporting import facts
from .state import State

ROUTES = web.RouteTableDef()


@ROUTES.get("/")
async def front(request: web.Request) -> web.Response:
    """How to create a commune, or how the node is."""
    resident = request.app[RESIDENT]
    state = await resident.state()
    body = _welcome(resident.home) if state.state == "empty" else _state(state)
    return web.Response(text=body, content_type="text/html", headers={"Content-Language": language.current()})


def _page(title: str, body: str) -> str:
    return (
        f'<!doctype html>\n<html lang="{language.current()}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n</head>\n<body>\n<main>\n<h1>{escape(title)}</h1>\n{body}"
        "</main>\n</body>\n</html>\n"
    )


def _welcome(home: Home) -> str:
    founding, restoring = ["trueque", "init"], ["trueque", "restore", "FILE"]
    if home.path != default_home():
        where = f"--home {home.path}"
        founding.append(where)
        restoring.append(where)
    told = (
        ("p", _("This node runs, and there is no commune in its home. Found one in a terminal:")),
        ("pre", " ".join(founding)),
        ("p", _("Have paper at hand: it shows recovery words to be written down.")),
        ("p", _("Or bring one back from a backup:")),
        ("pre", " ".join(restoring)),
        ("p", _("The node goes on by itself then: load this page again.")),
    )
    body = "".join(f"<{tag}>{escape(text)}</{tag}>\n" for tag, text in told)
    return _page(_("No commune yet"), body)


def _state(state: State) -> str:
    name = None if state.commune is None else state.commune.name
    rows = "".join(
        f'<tr><th scope="row">{escape(label)}</th><td>{escape(value)}</td></tr>\n'
        for label, value in facts(state)
    )
    return _page(name or "Trueque", f"<table>\n{rows}</table>\n")
