"""Shapes: what is held, as the JSON that commands print and the API answers (docs/reference/json.md).

Decides which keys there are and how values are spelled; the same Structs are
what the API's document describes. What is put together for them is `overview`'s.

- `listings`: offers and needs, categories and units.
- `exchanges`: exchanges, their transfers, and what was said in them.
- `communes`: communes, who speaks for them, and what stands open.
- `entries`: entries of logs, and one as it is.
- `audits`: what an audit found, and an audit under way.
- `nodes`: other nodes, and what others have done that somebody should know of.
- `receipts`: what a receipt shows.
- `statements`: what came in and went out in a period.
- `charts`: what is counted of exchanges over time.
- `drafts`: forms that were filled and not signed yet.
- `written`: what is answered once something was signed.
"""

from __future__ import annotations

from typing import Annotated, Final, Generic, TypeAlias, TypeVar

import msgspec

ID_PATTERN: Final = r"\A[0-9a-f]{64}\Z"

Id: TypeAlias = Annotated[str, msgspec.Meta(pattern=ID_PATTERN, description="64 hex digits")]
"""An id, a commune, a log or a key."""

Amount: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"\A-?\d+(\.\d+)?\Z", description="a decimal")]
"""A quantity's number, without zeros at its end."""

Time: TypeAlias = Annotated[int, msgspec.Meta(description="milliseconds since 1970")]

Day: TypeAlias = Annotated[str, msgspec.Meta(description="a date like 2030-01-31")]

Item = TypeVar("Item")


def one_of(*values: str) -> msgspec.Meta:
    """What the document says of a text that is one of these."""
    return msgspec.Meta(extra_json_schema={"enum": list(values)})


class Page(msgspec.Struct, Generic[Item], frozen=True):
    """A part of a long list; `next` is the `offset` of the part after it, null where there is none."""

    items: tuple[Item, ...]
    next: int | None


def hex_of(value: bytes | None) -> str | None:
    """Bytes in hex, and nothing as nothing."""
    return None if value is None else value.hex()
