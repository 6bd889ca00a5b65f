"""Welcome: the first run, from an empty home to a commune whose recovery words are on paper.

Decides the order of the pages, and that the words are shown only to the browser
that asked for them. That nothing is founded before they have been typed back is
`beginnings`', how a commune is brought back `restoring`'s.
"""

from __future__ import annotations

from typing import Final

from aiohttp import web

from ledger.errors import LedgerError

from ..api import BEGINNINGS, RESIDENT
from ..beginnings import NETWORK, Begun
from ..errors import WordsError
from ..founding import Founding
from .forms import Form, check_token, form_of
from .site import page
from .visits import VISIT, VISITS

ROUTES: Final = web.RouteTableDef()


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
    begun = request.app[BEGINNINGS].of(request[VISIT])
    return await _form(request, Form({"network": NETWORK}) if begun is None else _typed(begun.founding))


def _typed(founding: Founding) -> Form:
    """The form as it was filled."""
    typed = (founding.name, founding.network, founding.place, founding.about, founding.within)
    return Form(
        dict(zip(("name", "network", "place", "about", "within"), (t or "" for t in typed), strict=True))
    )


@ROUTES.post("/welcome/new")
async def begin(request: web.Request) -> web.Response:
    """Make the recovery key of a commune that is to be, and show its words."""
    check_empty(request)
    form = await form_of(request)
    name = form.line("name", needed=True)
    network = form["network"].strip() or NETWORK
    founding = Founding(name or "-", network, form.line("place"), form.text("about"), form.line("within"))
    check_token(request, form)
    if form.is_good:
        try:
            await request.app[BEGINNINGS].begin(request[VISIT], founding, request.app[RESIDENT])
        except LedgerError as error:
            form.refuse("", error)
    if not form.is_good:
        return await _form(request, form)
    raise web.HTTPSeeOther("/welcome/words")


async def _form(request: web.Request, form: Form) -> web.Response:
    return await page(request, "welcome_new.html", status=200 if form.is_good else 422, form=form)


def _begun(request: web.Request) -> Begun:
    check_empty(request)
    begun = request.app[BEGINNINGS].of(request[VISIT])
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
        request.app[BEGINNINGS].check_words(begun, form["words"])
    except WordsError as error:
        form.refuse("words", error)
    if not form.is_good:
        return await page(
            request, "welcome_check.html", status=422, is_secret=True, form=form, count=len(begun.words)
        )

    async def work() -> str:
        await request.app[BEGINNINGS].found(request[VISIT], begun, request.app[RESIDENT])
        return "/welcome/lan?step=4"

    try:
        where = await request.app[VISITS].once(form["token"], work)
    except LedgerError as error:
        form.refuse("", error)
        return await page(
            request, "welcome_check.html", status=409, is_secret=True, form=form, count=len(begun.words)
        )
    raise web.HTTPSeeOther(where)
