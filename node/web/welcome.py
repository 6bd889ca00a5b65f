"""Welcome: the first run, from an empty home to a commune whose recovery words are on paper.

Decides the order: nothing is founded before the words have been typed back, and
the words are shown only to the browser that asked for them, until then. They
live in memory alone. How one is brought back is `restoring`'s.
"""

from __future__ import annotations

import asyncio
import hmac
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from ledger.errors import LedgerError
from ledger.signing import SigningKey

from .. import clock, journal, keys, language
from ..api import RESIDENT
from ..errors import HomeError, WordsError
from ..founding import Founding, check_unfounded, found
from ..limits import STARTING_SECONDS
from .forms import Form, check_token, form_of
from .site import page
from .visits import VISIT, VISITS

ROUTES: Final = web.RouteTableDef()

MAX_BEGUN: Final = 8
"""foundings under way at once; there is one home."""

NETWORK: Final = "comunas"
"""The network for real use."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A founding whose words are shown: what was typed, and the key that the words stand for."""

    form: Form
    founding: Founding
    recovery: SigningKey
    words: tuple[str, ...]


class Foundings:
    """Foundings under way, by visit; the oldest gives way."""

    def __init__(self) -> None:
        self._begun: dict[str, Begun] = {}

    def of(self, visit: str) -> Begun | None:
        """The one that a browser has begun."""
        return self._begun.get(visit)

    def put(self, visit: str, begun: Begun) -> None:
        """A browser begins, or begins anew."""
        self._begun.pop(visit, None)
        self._begun[visit] = begun
        while len(self._begun) > MAX_BEGUN:
            del self._begun[next(iter(self._begun))]

    def end(self, visit: str) -> None:
        """Forget the words of one."""
        self._begun.pop(visit, None)


BEGUN: Final = web.AppKey("begun", Foundings)


def check_empty(request: web.Request) -> None:
    """Go to the board if there is a commune already."""
    if request.app[RESIDENT].phase == "open":
        raise web.HTTPSeeOther("/")


@ROUTES.get("/welcome")
async def welcome(request: web.Request) -> web.Response:
    """What this is, and the two ways on."""
    check_empty(request)
    return await page(request, "welcome.html")


@ROUTES.get("/welcome/new")
async def new(request: web.Request) -> web.Response:
    """The form of a new commune."""
    check_empty(request)
    begun = request.app[BEGUN].of(request[VISIT])
    return await _form(request, begun.form if begun is not None else Form({"network": NETWORK}))


@ROUTES.post("/welcome/new")
async def begin(request: web.Request) -> web.Response:
    """Make the recovery key of a commune that is to be, and show its words."""
    check_empty(request)
    form = await form_of(request)
    name = form.line("name", needed=True)
    network = form["network"].strip() or NETWORK
    founding = Founding(name or "-", network, form.line("place"), form.text("about"), form.line("within"))
    recovery = keys.new_key()
    check_token(request, form)
    if form.is_good:
        try:
            founding.charter(recovery, clock.now())
            await asyncio.to_thread(check_unfounded, request.app[RESIDENT].home)
        except LedgerError as error:
            form.refuse("", error)
    if not form.is_good:
        return await _form(request, form)
    words = tuple(keys.words_of(recovery, language.current()).split())
    request.app[BEGUN].put(request[VISIT], Begun(form, founding, recovery, words))
    raise web.HTTPSeeOther("/welcome/words")


async def _form(request: web.Request, form: Form) -> web.Response:
    return await page(request, "welcome_new.html", status=200 if form.is_good else 422, form=form)


def _begun(request: web.Request) -> Begun:
    check_empty(request)
    begun = request.app[BEGUN].of(request[VISIT])
    if begun is None:
        raise web.HTTPSeeOther("/welcome/new")
    return begun


@ROUTES.get("/welcome/words")
async def words(request: web.Request) -> web.Response:
    """The recovery words, to be written down."""
    begun = _begun(request)
    return await page(
        request, "welcome_words.html", is_secret=True, words=begun.words, name=begun.founding.name
    )


@ROUTES.get("/welcome/check")
async def check(request: web.Request) -> web.Response:
    """The form into which the words are typed back."""
    begun = _begun(request)
    return await page(request, "welcome_check.html", is_secret=True, form=Form(), count=len(begun.words))


@ROUTES.post("/welcome/check")
async def settle(request: web.Request) -> web.Response:
    """Found the commune if the words are those that were shown."""
    begun, form = _begun(request), await form_of(request)
    check_token(request, form)
    try:
        typed = keys.key_of_words(form["words"]).public_key
        if not hmac.compare_digest(typed, begun.recovery.public_key):
            raise WordsError("These are the recovery words of another commune: copy those shown here.")
    except WordsError as error:
        form.refuse("words", error)
    if not form.is_good:
        return await page(
            request, "welcome_check.html", status=422, is_secret=True, form=form, count=len(begun.words)
        )

    async def work() -> str:
        await asyncio.to_thread(found, request.app[RESIDENT].home, begun.founding, begun.recovery)
        journal.tell("founded", network=begun.founding.network)
        request.app[BEGUN].end(request[VISIT])
        await _opened(request)
        return "/welcome/lan?step=4"

    try:
        where = await request.app[VISITS].once(form["token"], work)
    except LedgerError as error:
        form.refuse("", error)
        return await page(
            request, "welcome_check.html", status=409, is_secret=True, form=form, count=len(begun.words)
        )
    raise web.HTTPSeeOther(where)


async def _opened(request: web.Request) -> None:
    """Wait until the node has opened the home that was founded just now."""
    resident = request.app[RESIDENT]
    for _wait in range(STARTING_SECONDS * 10):
        if resident.custody is not None:
            return
        await asyncio.sleep(0.1)
    raise HomeError("The commune is founded, and its home is not open yet: load this page again in a moment.")
