"""The form of a record: what must hold beyond the types of its fields.

Decides that texts are canonical, which of them are one line, that dates exist,
that a number has one way to be written, and what fields of one record must say
beside each other. What a field may hold by itself is `kinds`'; what becomes of
a record that fails here is `records`'.

This is on the way of every entry that is read or audited, hence the tables
made once and one check over all texts of a record together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from operator import attrgetter
from typing import Any, Final, NamedTuple

from .encoding import check_text
from .errors import RecordError
from .kinds import (
    KINDS,
    Accept,
    Authority,
    AuthorityChange,
    Charter,
    Deliver,
    Need,
    Offer,
    Propose,
    Quantity,
    Receive,
    Record,
    Succession,
)

_LINE_FIELDS: Final = ("kind", "by", "category", "council", "name", "place", "title", "within")
_TEXT_FIELDS: Final = ("about", "contact", "note", "reason", "wants")
# Dates and the name of a network are not among them: their own form leaves no room for other characters.


def check_form(record: Record) -> None:
    """Refuse a record whose fields have their types and do not make a record together.

    Raises EncodingError if a text in it is not canonical, RecordError for all else.
    """
    strings, rule = _CHECKS[record.__class__]
    found = strings.get(record)
    lines = [line for line in found[: strings.lines] if line is not None]
    texts = [text for text in found[strings.lines :] if text is not None]
    if strings.more is not None:
        strings.more(record, lines, texts)
    # Joined by newlines, which are allowed and compose with nothing: one check for all.
    joined = "\n".join(lines)
    check_text("\n".join((joined, *texts)))
    if joined.count("\n") >= len(lines) or "\u2028" in joined or "\u2029" in joined:
        raise RecordError("A name, title, place or code has more than one line.")
    if rule is not None:
        rule(record)


# Texts inside fields ----------------------------------------------------------------------------


def _unit(record: Offer | Need | Deliver | Receive, lines: list[str], _texts: list[str]) -> None:
    if record.quantity is not None:
        lines.append(record.quantity.unit)


def _transfers(record: Propose, lines: list[str], _texts: list[str]) -> None:
    for transfer in record.transfers:
        lines.append(transfer.title)
        if transfer.category is not None:
            lines.append(transfer.category)
        if transfer.quantity is not None:
            lines.append(transfer.quantity.unit)


def _act(record: Accept, _lines: list[str], texts: list[str]) -> None:
    if record.mandate is not None:
        texts.append(record.mandate.act)


# Rules ------------------------------------------------------------------------------------------


def _check_listing(record: Offer | Need) -> None:
    if record.quantity is not None:
        _check_quantity(record.quantity)
    if record.until is not None:
        _check_day(record.until)
    if len(record.images) > 1 and len(set(record.images)) < len(record.images):
        raise RecordError("An image is named twice.")


def _check_amount(record: Deliver | Receive) -> None:
    if record.quantity is not None:
        _check_quantity(record.quantity)


def _check_proposal(record: Propose) -> None:
    parties = record.parties
    _check_ascending(parties, "The parties")
    involved = set()
    for transfer in record.transfers:
        if transfer.giver == transfer.receiver:
            raise RecordError("A transfer goes from a party to itself.")
        involved.add(transfer.giver)
        involved.add(transfer.receiver)
        if transfer.quantity is not None:
            _check_quantity(transfer.quantity)
        if transfer.due is not None:
            _check_day(transfer.due)
    if max(involved) >= len(parties):
        raise RecordError("A transfer names a party that is not there.")
    if len(involved) < len(parties):
        raise RecordError("A party neither gives nor receives anything.")


def _check_mandate(record: Accept) -> None:
    if record.mandate is None:
        return
    if record.mandate.exchange != record.exchange:
        raise RecordError("The mandate is for another exchange.")
    if not record.mandate.signatures:
        raise RecordError("Nobody has signed the mandate.")


def _check_charter(record: Charter) -> None:
    _check_authority(record.authority)


def _check_authority_change(record: AuthorityChange) -> None:
    _check_authority(record.authority)
    _check_ascending(record.previous, "The authorities replaced")


def _check_succession(record: Succession) -> None:
    logs = tuple(seal.log for seal in record.previous)
    _check_ascending(logs, "The logs continued")
    if record.log in logs:
        raise RecordError("A log cannot continue itself.")


def _check_authority(authority: Authority) -> None:
    _check_ascending(authority.keys, "The keys of an authority")
    if authority.threshold > len(authority.keys):
        raise RecordError("An authority asks for more signatures than it has keys.")


def _check_ascending(items: tuple[bytes, ...], what: str) -> None:
    if tuple(sorted(set(items))) != items:
        raise RecordError(f"{what} are not sorted and distinct.")


def _check_quantity(quantity: Quantity) -> None:
    if quantity.scale and quantity.number % 10 == 0:
        raise RecordError("A quantity has zeros at the end of its decimals.")


def _check_day(day: str) -> None:
    try:
        # fromisoformat reads other forms too (2030-W05-4); what it writes is the one that counts.
        found = date.fromisoformat(day).isoformat()
    except ValueError:
        found = None
    if found != day:
        raise RecordError(f"{day!r} is not a date like 2030-01-31.")


# Tables -----------------------------------------------------------------------------------------


class _Strings(NamedTuple):
    """How to find a kind's texts: `get` gives its fields, the first `lines` of them one line each."""

    get: Callable[[Any], tuple[str | None, ...]]
    lines: int
    more: Callable[[Any, list[str], list[str]], None] | None


_Rule = Callable[[Any], None]

_MORE: Final[Mapping[type[Record], Callable[[Any, list[str], list[str]], None]]] = {
    Accept: _act,
    Deliver: _unit,
    Need: _unit,
    Offer: _unit,
    Propose: _transfers,
    Receive: _unit,
}

_RULES: Final[Mapping[type[Record], _Rule]] = {
    Accept: _check_mandate,
    AuthorityChange: _check_authority_change,
    Charter: _check_charter,
    Deliver: _check_amount,
    Need: _check_listing,
    Offer: _check_listing,
    Propose: _check_proposal,
    Receive: _check_amount,
    Succession: _check_succession,
}


def _strings_of(kind: type[Record]) -> _Strings:
    lines = [field for field in _LINE_FIELDS if field in kind.__struct_fields__]
    texts = [field for field in _TEXT_FIELDS if field in kind.__struct_fields__]
    # Every kind has `kind` and `by`, so that the getter gives a tuple and not one value.
    return _Strings(attrgetter(*lines, *texts), len(lines), _MORE.get(kind))


_CHECKS: Final[Mapping[type[Record], tuple[_Strings, _Rule | None]]] = {
    kind: (_strings_of(kind), _RULES.get(kind)) for kind in KINDS.values()
}
