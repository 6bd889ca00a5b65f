"""Parts: long lists are given in parts, as whoever asks says."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Annotated, TypeAlias, TypeVar

import msgspec

from ..limits import API_PAGE, MAX_API_OFFSET, MAX_API_PAGE
from ..shapes import Page
from ..wishes import about

Item = TypeVar("Item")

Name: TypeAlias = Annotated[str, about("a commune, by its name or id")]


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which part of a long list."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=MAX_API_PAGE, description="how many at the most")] = API_PAGE
    offset: Annotated[int, msgspec.Meta(ge=0, le=MAX_API_OFFSET, description="how many to pass over")] = 0


def page_of(rows: Sequence[Item], limit: int, offset: int) -> Page[Item]:
    """A part of a list, of one row more than its limit if there are further ones."""
    return Page(tuple(rows[:limit]), offset + limit if len(rows) > limit else None)


def part_of(rows: Iterable[Item], limit: int, offset: int) -> list[Item]:
    """The rows of such a part, and one more."""
    return list(islice(rows, offset, offset + limit + 1))
