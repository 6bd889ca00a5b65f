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
from functools import lru_cache
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
    # Texts are never empty, so that only absent ones are left out. Neither a blank nor a newline between
    # two texts composes with what follows: one check for all, and a newline among the lines is within one.
    lines = " ".join(filter(None, strings.lines(record)))
    texts = "\n".join(filter(None, strings.texts(record)))
    if strings.more is not None:
        lines, texts = strings.more(record, lines, texts)
    check_text(f"{lines}\n{texts}")
    if "\n" in lines or "\u2028" in lines or "\u2029" in lines:
        raise RecordError("A name, title, place or code has more than one line.")
    if rule is not None:
        rule(record)


# Texts inside fields ----------------------------------------------------------------------------


def _unit(record: Offer | Need | Deliver | Receive, lines: str, texts: str) -> tuple[str, str]:
    return (lines if record.quantity is None else f"{lines} {record.quantity.unit}"), texts


def _transfers(record: Propose, lines: str, texts: str) -> tuple[str, str]:
    found = [lines]
    for transfer in record.transfers:
        unit = None if transfer.quantity is None else transfer.quantity.unit
        found += filter(None, (transfer.title, transfer.category, unit))
    return " ".join(found), texts


def _act(record: Accept, lines: str, texts: str) -> tuple[str, str]:
    return lines, (texts if record.mandate is None else f"{texts}\n{record.mandate.act}")


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
    _check_ascending(parties, "The parties are not sorted and distinct.")
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
    _check_ascending(record.previous, "The authorities replaced are not sorted and distinct.")


def _check_succession(record: Succession) -> None:
    logs = tuple(seal.log for seal in record.previous)
    _check_ascending(logs, "The logs continued are not sorted and distinct.")
    if record.log in logs:
        raise RecordError("A log cannot continue itself.")


def _check_authority(authority: Authority) -> None:
    _check_ascending(authority.keys, "The keys of an authority are not sorted and distinct.")
    if authority.threshold > len(authority.keys):
        raise RecordError("An authority asks for more signatures than it has keys.")


def _check_ascending(items: tuple[bytes, ...], sentence: str) -> None:
    if tuple(sorted(set(items))) != items:
        raise RecordError(sentence)


def _check_quantity(quantity: Quantity) -> None:
    if quantity.scale and quantity.number % 10 == 0:
        raise RecordError("A quantity has zeros at the end of its decimals.")


@lru_cache(maxsize=1_024)
def _check_day(day: str) -> None:
    # Remembered, since most listings of a season name the same days.
    try:
        # fromisoformat reads other forms too (2030-W05-4); what it writes is the one that counts.
        found = date.fromisoformat(day).isoformat()
    except ValueError:
        found = None
    if found != day:
        raise RecordError("'{day}' is not a date like 2030-01-31.", day=day)


# Tables -----------------------------------------------------------------------------------------


_More = Callable[[Any, str, str], tuple[str, str]]
"""Adds the texts inside a record's fields to its lines and its longer texts."""


class _Strings(NamedTuple):
    """How to find a kind's texts: those of one line, the longer ones, and those inside fields."""

    lines: Callable[[Any], tuple[str | None, ...]]
    texts: Callable[[Any], tuple[str | None, ...]]
    more: _More | None


_Rule = Callable[[Any], None]

_MORE: Final[Mapping[type[Record], _More]] = {
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


def _getter(kind: type[Record], fields: tuple[str, ...]) -> Callable[[Any], tuple[str | None, ...]]:
    found = [field for field in fields if field in kind.__struct_fields__]
    if len(found) > 1:
        return attrgetter(*found)
    # `attrgetter` gives a tuple only for two names or more.
    return (lambda record: (getattr(record, found[0]),)) if found else (lambda _: ())


def _strings_of(kind: type[Record]) -> _Strings:
    return _Strings(_getter(kind, _LINE_FIELDS), _getter(kind, _TEXT_FIELDS), _MORE.get(kind))


_CHECKS: Final[Mapping[type[Record], tuple[_Strings, _Rule | None]]] = {
    kind: (_strings_of(kind), _RULES.get(kind)) for kind in KINDS.values()
}
