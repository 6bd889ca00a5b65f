"""Drafts: forms that were filled and not signed, so that a power cut costs nobody what was typed.

Decides when one is kept (as soon as it is looked at for the last time, or comes
back with something wrong in it) and when it is gone: once it is signed, or
thrown away. What a form asks is its page's.
"""

from __future__ import annotations

import asyncio
import secrets
from typing import Final

from aiohttp import web

from ledger.errors import NotFound

from .. import clock
from ..api import RESIDENT
from ..language import gettext as _
from ..storage.drafts import Draft, Drafts
from .forms import Form, form_of

ROUTES: Final = web.RouteTableDef()

FIELD: Final = "draft"
"""The field of a form that names its draft."""


def drafts_of(request: web.Request) -> Drafts:
    """The drafts of the open home. Raises HomeError while there is none."""
    return request.app[RESIDENT].opened.storage.drafts


def keep(request: web.Request, form: Form, address: str, title: str) -> None:
    """Keep what was typed into the form at an address, unless it is empty."""
    if not title.strip():
        return
    name = form[FIELD]
    if not (len(name) == 16 and name.isalnum() and name.isascii()):
        name = form.typed[FIELD] = secrets.token_hex(8)
    typed = {field: text for field, text in form.typed.items() if field not in ("token", "edit")}
    drafts_of(request).keep(Draft(name, address, title.strip()[:120], typed, clock.now()))


async def kept(request: web.Request) -> list[Draft]:
    """All drafts, the newest first."""
    return await asyncio.wrap_future(drafts_of(request).all())


async def form_with_draft(request: web.Request, otherwise: Form) -> Form:
    """The form that a page shows: the draft that its address names, else an empty or a filled one."""
    name = request.query.get(FIELD)
    if name is None:
        return otherwise
    for draft in await kept(request):
        if draft.id == name:
            return Form(dict(draft.typed))
    raise NotFound("That draft is not there any more: it was signed or thrown away.")


@ROUTES.post("/drafts/{id}/drop")
async def drop(request: web.Request) -> web.Response:
    """Throw a draft away."""
    await form_of(request)
    drafts_of(request).drop(request.match_info["id"])
    raise web.HTTPSeeOther("/")


def told(draft: Draft) -> str:
    """What a draft is, in words."""
    if draft.form.startswith("/exchanges/"):
        return _("proposal: {title}").format(title=draft.title)
    kind = _("need: {title}") if draft.typed.get("kind") == "need" else _("offer: {title}")
    return kind.format(title=draft.title)
