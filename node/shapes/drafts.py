"""Forms that were filled and not signed yet, as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec

from . import Time

if TYPE_CHECKING:
    from ..storage.drafts import Draft as Kept

DraftId = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-z]{16}\Z", description="16 digits and small letters")]


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """What was typed into the form of a page, at the address `form`, by the names of its fields."""

    id: DraftId
    form: str
    title: str
    typed: dict[str, str]
    at: Time


def draft_of(kept: Kept) -> Draft:
    """A draft as it is kept."""
    return Draft(id=kept.id, form=kept.form, title=kept.title, typed=dict(kept.typed), at=kept.at)
