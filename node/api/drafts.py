"""Drafts: forms of the pages that were filled and not signed, for programs that fill them for people.

Decides that a draft belongs to a form that there is, so that the pages can show
it; nothing in it is checked, as nothing that is typed into a form is before it is
sent. What is kept, and how many, is `storage`'s.
"""

from __future__ import annotations

import asyncio
import secrets
from typing import Annotated, Final, Literal

import msgspec

from ledger.errors import NotFound

from .. import clock
from ..shapes import Page
from ..shapes.drafts import Draft, DraftId, draft_of
from ..storage.drafts import Draft as Kept
from ..storage.drafts import Drafts
from ..wishes import about
from .asking import Asked
from .endpoints import Endpoint
from .parts import Part, page_of, part_of

Field = Annotated[str, msgspec.Meta(pattern=r"\A[a-z_0-9]{1,40}\Z")]
Typed = Annotated[str, msgspec.Meta(max_length=10_000)]


class DraftAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A form, and what is typed into it."""

    form: Annotated[
        Literal["/listings/new", "/exchanges/new", "/exchanges/ring"],
        about("[the page](pages.md) whose form it is"),
    ]
    title: Annotated[str, msgspec.Meta(min_length=1, max_length=120, description="what it is about")]
    typed: Annotated[
        dict[Field, Typed], msgspec.Meta(max_length=256, description="text by the names of the form's fields")
    ]
    id: Annotated[DraftId | None, about("a draft that is kept already, to put this in its place")] = None


class DropAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which draft."""

    id: DraftId


def _drafts(asked: Asked) -> Drafts:
    return asked.resident.opened.storage.drafts


async def list_drafts(asked: Asked) -> Page[Draft]:
    """Drafts, the newest first."""
    query: Part = asked.query
    every = await asyncio.wrap_future(_drafts(asked).all())
    kept = part_of(every, query.limit, query.offset)
    return page_of([draft_of(each) for each in kept], query.limit, query.offset)


async def keep_draft(asked: Asked) -> Draft:
    """Keep what was typed."""
    body: DraftAsked = asked.body
    typed = {name: text for name, text in body.typed.items() if name not in ("token", "edit", "draft")}
    name = body.id or secrets.token_hex(8)
    kept = Kept(name, body.form, body.title, {**typed, "draft": name}, clock.now())
    _drafts(asked).keep(kept)
    return draft_of(kept)


async def drop_draft(asked: Asked) -> Draft:
    """Throw a draft away."""
    body: DropAsked = asked.body
    for kept in await asyncio.wrap_future(_drafts(asked).all()):
        if kept.id == body.id:
            _drafts(asked).drop(kept.id)
            return draft_of(kept)
    raise NotFound("That draft is not there any more: it was signed or thrown away.")


ENDPOINTS: Final = (
    Endpoint(
        "GET", "/api/1/drafts", "listDrafts",
        "Forms of the pages that were filled and not signed yet, the newest first.",
        list_drafts, "[drafts](json.md#draft)", Page[Draft], query=Part,
    ),
    Endpoint(
        "POST", "/api/1/drafts", "keepDraft",
        "Keeps what was typed into a form, or puts it in the place of what is kept: the page of the form "
        "shows it to whoever goes on with it, and nothing of it is signed or checked before that.",
        keep_draft, "[the draft](json.md#draft)", Draft, body=DraftAsked, statuses=(201,),
    ),
    Endpoint(
        "POST", "/api/1/drafts/drop", "dropDraft", "Throws a draft away.",
        drop_draft, "[the draft](json.md#draft) that was kept", Draft, body=DropAsked,
    ),
)  # fmt: skip
"""Drafts."""
