"""The site: the frame in which every page stands, and what a page says when something cannot be done.

Decides the language (the browser's own choice on these pages, what it asks for
otherwise, Spanish if it asks for neither), the headers that keep a page from
running anything that is not this node's, and how an error is told as a page.
What stands in the frame is the pages' own.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from typing import Any, Final, TypeVar

import aiohttp_jinja2
import jinja2
from aiohttp import web
from aiohttp.typedefs import Handler
from markupsafe import Markup

from ledger import vocabulary
from ledger.author import SENTENCES, Situation
from ledger.errors import LedgerError

from .. import clock, keys, language, telling, wording
from ..api import RESIDENT
from ..custody import is_founded
from ..errors import HomeError
from ..lan import FROM_LAN
from ..people import ERROR_PAGE, FOR_PROGRAMS, ErrorPage
from ..service import Service
from ..visible import safe
from .assets import address_of
from .forms import form_of
from .sayings import SAYINGS, with_links
from .visits import INSIDE, VISITS

Answer = TypeVar("Answer")

LANGUAGE_COOKIE: Final = "trueque-language"
YEAR_SECONDS: Final = 31_536_000

HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    # Kept for the back button alone, so that a form comes back as it was.
    "Cache-Control": "private, no-cache",
}
"""What a page carries beside what every answer does; Pico's style has its marks as data."""

SAYING: Final = language.Saying(SAYINGS, with_links)

ROUTES: Final = web.RouteTableDef()


async def ask(request: web.Request, question: Callable[[Service], Answer]) -> Answer:
    """Ask the ledger something, in the language of who asks.

    Raises what `question` raises, and HomeError while no home is open.
    """
    context = contextvars.copy_context()
    return await request.app[RESIDENT].opened.ask(lambda service: context.run(question, service))


async def ask_aside(request: web.Request, question: Callable[[Service], Answer]) -> Answer:
    """As `ask`, for what takes long: with a reader of its own, a few at a time."""
    return await request.app[RESIDENT].ask_aside(question)


async def page(
    request: web.Request, template: str, /, status: int = 200, *, is_secret: bool = False, **shown: Any
) -> web.Response:
    """A page, in the language of who asks; `shown` are the template's names beside those of the frame.

    Of one that `is_secret` the browser keeps no copy.
    """
    shown = {**await _frame(request), **shown}
    response = aiohttp_jinja2.render_template(template, request, shown, status=status)
    response.headers.update(HEADERS)
    if is_secret:
        response.headers["Cache-Control"] = "no-store"
    response.headers["Content-Language"] = language.current()
    response.enable_compression()
    return response


async def _frame(request: web.Request) -> dict[str, Any]:
    """What the frame of a page shows: whose home it is, and what keeps it from signing."""
    resident = request.app[RESIDENT]
    shown: dict[str, Any] = {
        "path": request.path,
        "address": request.path_qs if request.method == "GET" else "/",
        "language": language.current(),
        "token": lambda: request.app[VISITS].token(request),
        "own_name": None,
        "warning": None,
        "unread": 0,
        "waits": False,
        "is_inside": bool(request.get(INSIDE)),
    }
    if request.app[FROM_LAN] and not request.get(INSIDE):
        return shown  # whoever has not given the password is shown nothing of the commune
    if resident.custody is not None:
        situation: Situation = resident.custody.situation
        if situation != "ready":
            shown["warning"] = language.gettext(SENTENCES[situation])
        try:
            resident.custody.store.check_in_place()
            shown["own_name"], last = await ask(request, _standing)
            shown["waits"] = shown["own_name"] is None
            shown["unread"] = await resident.noticing.unread()
            shown["warning"] = shown["warning"] or wording.doubt_of_clock(clock.now(), last)
        except LedgerError as error:
            shown["warning"] = language.told(error)
    return shown


def _standing(service: Service) -> tuple[str | None, int | None]:
    own = service.own
    return None if own is None else service.reader.commune(own).name, service.last_recorded


def begin(app: web.Application, port: int) -> None:
    """Give an application what pages need; `port` is that of the people's listener."""
    from .visits import Visits

    app[VISITS] = Visits(port)
    app[ERROR_PAGE] = ErrorPage(error_page)
    environment = aiohttp_jinja2.setup(
        app,
        loader=jinja2.PackageLoader("node.web"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        _=language.gettext,
        ngettext=language.ngettext,
        pgettext=language.pgettext,
        asset=address_of,
        wording=wording,
        telling=telling,
        safe=_safe,
        told=language.told,
        vocabulary=vocabulary,
    )
    environment.filters.update(lines=_lines, words=_words)


def _safe(text: str) -> str:
    """As `safe`; what is HTML already stays it."""
    return Markup(safe(text)) if isinstance(text, Markup) else safe(text)  # noqa: S704  # nothing is added


def _lines(text: str) -> Markup:
    """Text with its lines kept, and nothing in it that is not text."""
    return Markup("<br>").join(text.splitlines())


def _words(identity: bytes) -> str:
    """An id as words that people compare aloud."""
    return keys.fingerprint_words(identity, language.current())


# Errors -----------------------------------------------------------------------------------------


async def error_page(request: web.Request, status: int, error: LedgerError) -> web.Response:
    """What could not be done, as a page; while no commune is open yet, the way to one."""
    if isinstance(error, HomeError):
        resident = request.app[RESIDENT]
        phase = resident.phase
        # For a moment, again and again, an empty home is looked at whether there is something to open.
        is_looking = phase == "starting" and not await asyncio.to_thread(is_founded, resident.home)
        if phase == "empty" or is_looking:
            return web.Response(status=303, headers={"Location": "/welcome"})
        if phase == "open" and await ask(request, lambda service: service.own) is None:
            return web.Response(status=303, headers={"Location": "/welcome/signatures"})
    return await page(request, "error.html", status=status, sentence=language.told(error))


# Language ---------------------------------------------------------------------------------------


@web.middleware
async def speaking(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Speak the language that was chosen on these pages, and say what to do on them, not by which command."""
    if request.path.startswith(FOR_PROGRAMS):
        return await handler(request)
    chosen = request.cookies.get(LANGUAGE_COOKIE)
    known = chosen if chosen is not None and chosen in language.LOCALES else language.current()
    language.speak(known, SAYING)
    return await handler(request)


@ROUTES.post("/language")
async def choose_language(request: web.Request) -> web.Response:
    """Speak another language to this browser from now on."""
    form = await form_of(request)
    chosen = form["language"]
    response = web.Response(status=303, headers={"Location": own_path(form["back"])})
    if chosen in language.LOCALES:
        response.set_cookie(LANGUAGE_COOKIE, chosen, max_age=YEAR_SECONDS, httponly=True, samesite="Lax")
    return response


def own_path(text: object) -> str:
    """An address within these pages; anything else is the first page."""
    is_own = isinstance(text, str) and text.startswith("/") and not text.startswith(("//", "/\\"))
    return text if is_own and isinstance(text, str) and text.isprintable() else "/"
