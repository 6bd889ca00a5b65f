"""Wishes: records as people and programs ask for them, in plain fields.

Decides which fields there are for each kind of record, how their texts become
its values, and which exchange a record is about; what was left open, `moves` and
`proposals` fill in. Commands and the API ask alike, so that both are refused
alike. Whether the record is allowed is `Service.check`'s, and nothing is signed
here. Every function raises InputError, and NotFound for what is not held.

- `listings`: offers and needs, and taking back.
- `exchanges`: proposals, answers, and what is handed over, disputed and settled.
- `communes`: whom a commune recognises, how it presents itself, and explanations.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Annotated, TypeAlias

import msgspec

from ledger.exchange import Exchange
from ledger.records import Quantity, Record

from .. import typed
from ..errors import InputError


def about(description: str) -> msgspec.Meta:
    """What the document of the API says of a field."""
    return msgspec.Meta(description=description)


Number: TypeAlias = Annotated[str | int, about("a decimal with at most six decimals")]
By: TypeAlias = Annotated[str | None, about("role that records it")]
Note: TypeAlias = Annotated[str | None, about("what else to know about it")]


class Wish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all of them may say."""

    by: By = None


class Remark(Wish, frozen=True, kw_only=True):
    """What else there is to say."""

    note: Note = None


@dataclass(frozen=True, slots=True)
class Meant:
    """A record that is meant, and the exchange that it is about."""

    record: Record
    about: Exchange | None = None

    @property
    def exchange(self) -> Exchange:
        """The exchange, of a record that is about one."""
        assert self.about is not None
        return self.about


def line_of(text: str | None, field: str) -> str | None:
    """One line, as records hold it: composed (NFC), without blanks around it."""
    found = text_of(text, field)
    if found is not None and len(found.splitlines()) > 1:
        raise InputError("'{field}' has to be one line: change it.", field=field)
    return found


def text_of(text: str | None, field: str) -> str | None:
    """Text of several lines, as records hold it."""
    if text is None:
        return None
    found = unicodedata.normalize("NFC", text).strip()
    if not found:
        raise InputError("'{field}' is empty: fill it in, or leave it out.", field=field)
    return found


def quantity_of(number: str | int | None, unit: str | None) -> Quantity | None:
    """A quantity from a number and its unit, None if neither is given."""
    return typed.quantity_of(None if number is None else str(number), unit)
