"""The parts of docs/spec/records.md that are written from the code: the example and the tables of fields.

    python -m tests.support.records_page

writes them anew between their marks; everything else on the page is written by
hand. A test holds the page against the code, and the meanings below against
the fields that there are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from msgspec import inspect

from ledger import encoding, kinds
from ledger.limits import MAX_TEXT_CHARACTERS
from ledger.log import Head
from ledger.records import KINDS

from .record_examples import Told, story
from .shared import CHECKOUT

COMMON: Final = ("at", "by", "kind", "seen")
PARTS: Final[dict[str, Any]] = {
    "authority map": kinds.Authority,
    "mandate": kinds.Mandate,
    "quantity": kinds.Quantity,
    "seal": kinds.Seal,
    "signature": kinds.Signed,
    "transfer": kinds.Transfer,
}
"""What stands inside records, by the name that the page gives it."""

MEANINGS: Final[dict[str, str]] = {
    "about": "who they are, in their words",
    "answer_by": "until when an answer is hoped for",
    "at": "when it was recorded, in milliseconds since 1970 (UTC), by the writer's clock",
    "authority.authority": "the new authority",
    "authority map.keys": "sorted and distinct",
    "authority.log": "the log that the record stands in; a copy in another log says nothing",
    "authority.previous": "the charter or authority records that it replaces, sorted and distinct: one, "
    "unless a contest is ended",
    "authority.signatures": "enough of every authority replaced",
    "authority map.threshold": "how many of the keys have to sign; at most as many as there are",
    "by": "the role that recorded it: an office, not a person",
    "category": "a code: [the list](../reference/vocabulary.md) is open",
    "charter.authority": "who speaks for the commune",
    "commune": "the id of a commune",
    "condition": "how it arrived",
    "contact": "where to ask: of an office, not of a person; it stays public for ever",
    "correct.note": "what is to be said about it",
    "council": "on whose behalf, by name",
    "council_id": "on whose behalf, by id",
    "dispute": "the entry id of the `dispute`",
    "exchange": "the entry id of the `propose`",
    "images": "SHA-256 of each photo, all different, the first shown first",
    "kind": "the kind's name",
    "mandate": "the act of the assembly behind it",
    "mandate.act": "which act of which assembly",
    "mandate.exchange": "the exchange that the acceptance is of",
    "mandate.signatures": "at least one; absent only while it is being signed",
    "name": "what the commune is called",
    "network": "the network of the log",
    "note": "what else is to be said",
    "outcome": "`due`: the rest is still owed; `closed`: it no longer is",
    "parties": "the ids of the communes that take part, sorted and distinct, the writer's among them; "
    "each gives or receives",
    "place": "where, in words",
    "quantity": "how much, if it can be counted",
    "quantity.number": "of 10^-`scale` units; no multiple of 10 unless `scale` is 0",
    "quantity.scale": "decimal places",
    "quantity.unit": "a code: [the list](../reference/vocabulary.md) is open, and no unit is ever converted",
    "reason": "why",
    "replaces": "the entry id of the writer's own listing that this one takes the place of",
    "propose.replaces": "the entry id of the proposal that this one answers or takes the place of",
    "seal.log": "the log",
    "seal.root": "the root of its first `size` entries; of none, SHA-256 of nothing",
    "seal.size": "how many of its entries count",
    "seen": "heads of other logs that the writer holds; what an entry has seen, later ones of its log "
    "have too",
    "signature.key": "an Ed25519 public key",
    "signature.signature": "its signature",
    "succession.authority": "the entry id of the charter or authority record that it is signed under",
    "succession.log": "the log that it opens, and not one that it continues; in another log it says nothing",
    "succession.previous": "the logs that it continues, sorted by log and distinct, each with its seal",
    "succession.signatures": "enough of the authority named",
    "target": "the entry id of the writer's own record",
    "title": "what it is, in a few words",
    "transfer": "its place in `transfers`, from 0",
    "transfer.due": "by when it is to be handed over",
    "transfer.from": "the giver: its place in `parties`, from 0",
    "transfer.listing": "the entry id of the offer or need that it draws on",
    "transfer.to": "the receiver: its place in `parties`, another one",
    "transfers": "who gives what to whom",
    "until": "the last day on which it stands",
    "wants": "what would be welcome in return",
    "within": "the communal city that it belongs to, by name",
    "within_id": "the communal city that it belongs to, by id",
}
"""What each field says, by `kind.field` or `part.field` where that has a line, else by `field`."""


def example() -> Told:
    """The record that the page begins with: the story's first offer."""
    return next(told for told in story() if told.record.kind == "offer")


# The example ------------------------------------------------------------------------------------


def _dump(value: Any) -> Iterator[str]:
    """A map of plain values as lines of hex digits, each with what it says."""
    yield f"{0x80 + len(value):02x}{' ' * 46}  map of {len(value)}"
    for key, item in value.items():
        digits = f"{encoding.encode(key).hex()} {encoding.encode(item).hex()}"
        shown = f'"{item}"' if isinstance(item, str) else str(item).replace("'", '"')
        yield f"{digits:<48}  {key}: {shown}"


def _example() -> str:
    told = example()
    lines = "\n".join(f"    {line}" for line in _dump(encoding.decode(told.payload)))
    return (
        f"{lines}\n\nAs entry {told.index} of the log\n\n    {told.log.hex()}\n\n"
        f"its entry id, by which other records name it, is\n\n    {told.id.hex()}"
    )


# The tables -------------------------------------------------------------------------------------


def _span(least: int | None, most: int | None) -> str:
    return f"{most:,}" if least == most else f"{least or 0:,} to {most:,}"


def _type_and_limits(kind: inspect.Type) -> tuple[str, str]:
    """What a field holds, and how much of it."""
    match kind:
        case inspect.UnionType(types=(held, inspect.NoneType())):
            return _type_and_limits(held)
        case inspect.LiteralType(values=values):
            return "line", " or ".join(f"`{value}`" for value in values)
        case inspect.StrType(pattern=str(pattern)):
            return "line", f"`{pattern.removeprefix(chr(92) + 'A').removesuffix(chr(92) + 'Z')}`"
        case inspect.StrType(min_length=10, max_length=10):
            return "day", "0001-01-01 to 9999-12-31"
        case inspect.StrType(min_length=least, max_length=most):
            return "text" if most == MAX_TEXT_CHARACTERS else "line", f"{_span(least, most)} characters"
        case inspect.IntType(ge=least, le=None, lt=int(most)):
            return "integer", _span(least, most - 1)
        case inspect.IntType(ge=least, le=most):
            return "integer", _span(least, most)
        case inspect.BytesType(min_length=least, max_length=most):
            return "binary", f"{_span(least, most)} bytes"
        case inspect.VarTupleType(item_type=item, min_length=least, max_length=most):
            each_type, each = _type_and_limits(item)
            # An empty array that may be left out has to be: it is its own default.
            count = _span(max(least or 0, 1), most)
            return f"array of {each_type}", f"{count}{', each ' + each if each else ''}"
        case inspect.StructType(cls=struct) if struct is Head:
            return "[head](log-and-head.md#head)", ""
        case inspect.StructType(cls=struct):
            name = next(name for name, part in PARTS.items() if part is struct)
            return f"[{name}](#{name.replace(' ', '-')})", ""
    raise AssertionError(f"the page has no words for {kind}")


def _default(field: inspect.Field) -> str:
    if field.required:
        return "required"
    return "none" if field.default in (None, ()) else f"`{field.default}`"


def _meaning_key(owner: str, field: str) -> str:
    return f"{owner}.{field}" if f"{owner}.{field}" in MEANINGS else field


def _row(owner: str, field: inspect.Field) -> str:
    held, limits = _type_and_limits(field.type)
    meaning = MEANINGS[_meaning_key(owner, field.encode_name)]
    cells = (f"`{field.encode_name}`", held, limits, _default(field), meaning)
    return "| " + " | ".join(cells) + " |"


def _table(rows: Iterable[str]) -> str:
    return "\n".join(["| field | type | limits | default | what it says |", "|---|---|---|---|---|", *rows])


def _fields(struct: Any) -> tuple[inspect.Field, ...]:
    info = inspect.type_info(struct)
    assert isinstance(info, inspect.StructType)
    return info.fields


def _about(struct: Any) -> str:
    return re.sub(r"\s*\n\s*", "\n", (struct.__doc__ or "").strip())


def _common() -> str:
    rows = []
    for field in _fields(KINDS["correct"]):
        if field.encode_name == "kind":
            rows.append(f"| `kind` | line | one of the {len(KINDS)} below | required | {MEANINGS['kind']} |")
        elif field.encode_name in COMMON:
            rows.append(_row("", field))
    return _table(rows)


def _kinds() -> str:
    sections = []
    for name, struct in KINDS.items():
        rows = [_row(name, field) for field in _fields(struct) if field.encode_name not in COMMON]
        sections.append(f"### {name}\n\n{_about(struct)}\n\n{_table(rows)}")
    return "\n\n".join(sections)


def _parts() -> str:
    sections = []
    for name, struct in PARTS.items():
        rows = [_row(name, field) for field in _fields(struct)]
        sections.append(f"### {name}\n\n{_about(struct)}\n\n{_table(rows)}")
    return "\n\n".join(sections)


SECTIONS: Final[dict[str, Callable[[], str]]] = {
    "example": _example,
    "common": _common,
    "kinds": _kinds,
    "parts": _parts,
}
"""The parts of the page that are written from the code, in the order in which they stand on it."""


# The page ---------------------------------------------------------------------------------------

_MARKED: Final = re.compile(r"<!-- from the code: (\w+) -->\n+(.*?)\n*<!-- to here -->", re.DOTALL)


def page_path() -> Path:
    """Where the page stands in the checkout."""
    return CHECKOUT / "docs" / "spec" / "records.md"


def sections_of(page: str) -> dict[str, str]:
    """The marked parts of a page as they are, by name."""
    return dict(_MARKED.findall(page))


def renewed(page: str) -> str:
    """The page with its marked parts written from the code."""
    return _MARKED.sub(
        lambda found: f"<!-- from the code: {found[1]} -->\n\n{SECTIONS[found[1]]()}\n\n<!-- to here -->",
        page,
    )


def _meanings_used() -> set[str]:
    owners: dict[str, Any] = {**KINDS, **PARTS}
    return {_meaning_key(owner, field.encode_name) for owner in owners for field in _fields(owners[owner])}


def hex_of(block: str) -> bytes:
    """The bytes that the example on the page shows: in each line the digits before two spaces."""
    lines = block.partition("\n\n")[0].splitlines()
    return bytes.fromhex("".join(line.strip().partition("  ")[0] for line in lines))


def meanings_missing() -> set[str]:
    """Fields that nothing is said about."""
    return _meanings_used() - set(MEANINGS)


def meanings_unused() -> set[str]:
    """Meanings of fields that are not there."""
    return set(MEANINGS) - _meanings_used()


if __name__ == "__main__":
    page_path().write_text(renewed(page_path().read_text(encoding="utf-8")), encoding="utf-8")
