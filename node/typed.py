"""What people type: quantities, units, categories, dates, and transfers in one line.

Decides how typed text becomes the values of records, and what to say where it
does not. Whether the record is allowed is the ledger's.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Final, NamedTuple

from ledger import vocabulary
from ledger.limits import MAX_NUMBER, MAX_SCALE
from ledger.records import Quantity

from . import clock, wording
from .errors import InputError
from .language import current

OTHER: Final = "other"
"""The category of what was given none."""

_DECIMAL: Final = re.compile(r"(\d+)(?:[.,](\d+))?")
_THOUSANDS: Final = re.compile(r"[1-9]\d{0,2}[.,]\d{3}")
"""How 1,500 is written by some and 1.5 by nobody."""


class Item(NamedTuple):
    """One thing of a transfer, as typed in one line."""

    title: str
    quantity: Quantity | None


def quantity_of(number: str | None, unit: str | None) -> Quantity | None:
    """A quantity from a typed number and unit, None if neither is given. Raises InputError."""
    if number is None and unit is None:
        return None
    if number is None:
        raise InputError("A unit needs a quantity: give both, or neither.")
    if unit is None:
        raise InputError(
            "A quantity needs a unit: kg, l, piece, hour, ... `trueque listings --units` shows all."
        )
    digits, scale = decimal_of(number)
    return Quantity(digits, scale, unit_of(unit))


def decimal_of(text: str) -> tuple[int, int]:
    """A typed decimal as whole number and decimal places, without zeros at the end. Raises InputError."""
    matched = _DECIMAL.fullmatch("".join(text.split()))
    if matched is None or not matched[0].isascii():
        raise InputError(
            "'{text}' is not a quantity: write digits, with a point or comma before decimals, like 12.5.",
            text=text,
        )
    whole, fraction = matched[1], (matched[2] or "").rstrip("0")
    if len(fraction) > MAX_SCALE:
        raise InputError("'{text}' has more than {count} decimals: round it.", text=text, count=MAX_SCALE)
    value = int(whole + fraction) if len(whole) <= len(str(MAX_NUMBER)) else MAX_NUMBER + 1
    if value == 0:
        raise InputError("A quantity is more than zero: leave it out if there is nothing to count.")
    if value > MAX_NUMBER:
        raise InputError("'{text}' is too large: use a larger unit.", text=text)
    return value, len(fraction)


def may_be_thousands(number: str) -> bool:
    """Whether some would read a typed number as thousands, like 1.500; it is read as 1.5."""
    return _THOUSANDS.fullmatch("".join(number.split())) is not None


def unit_of(text: str) -> str:
    """The code of a unit, from its code, symbol or any of its names. Raises InputError with suggestions."""
    code = vocabulary.find_unit(text)
    if code is not None:
        return code
    names = [
        _named(code, vocabulary.unit_name(code, current(), False)) for code in vocabulary.suggest_units(text)
    ]
    if names:
        raise InputError(
            "There is no unit '{text}'. Did you mean: {names}? `trueque listings --units` shows all.",
            text=text,
            names=", ".join(names),
        )
    raise InputError(
        "There is no unit '{text}': `trueque listings --units` shows those there are.", text=text
    )


def category_of(text: str | None) -> str:
    """The code of a category, from its code or name in either language; `other` if none is given.

    Raises InputError with suggestions.
    """
    if text is None:
        return OTHER
    code = vocabulary.find_category(text)
    if code is not None:
        return code
    suggested = vocabulary.suggest_categories(text)
    names = [_named(code, vocabulary.category_name(code, current())) for code in suggested]
    if names:
        raise InputError(
            "There is no category '{text}'. Did you mean: {names}? `trueque listings --categories` shows "
            "all.",
            text=text,
            names="; ".join(names),
        )
    raise InputError(
        "There is no category '{text}': `trueque listings --categories` shows them, and 'other' is one.",
        text=text,
    )


def _named(code: str, name: str) -> str:
    return code if code == name else f"{code} ({name})"


def day_of(text: str) -> str:
    """A date as records hold it. Raises InputError."""
    typed = text.strip()
    try:
        if date.fromisoformat(typed).isoformat() == typed:
            return typed
    except ValueError:
        pass
    raise InputError("'{text}' is not a date: write year, month and day, like 2030-01-31.", text=text)


def start_of_day(text: str) -> int:
    """The first millisecond of a local day, in milliseconds since 1970. Raises InputError."""
    return _midnight(text, 0)


def coming_day(text: str) -> str:
    """A date that is not over. Raises InputError.

    What ended before it was posted nobody would ever see, and it would stay for
    ever: a slip of the hand, or a wrong clock.
    """
    day = day_of(text)
    if day < clock.today():
        raise InputError(
            "{day} is over already, by this computer's clock: give a later day.", day=wording.day(day)
        )
    return day


def end_of_day(text: str) -> int:
    """The last millisecond of a local day, in milliseconds since 1970. Raises InputError."""
    return _midnight(text, 1) - 1


def _midnight(text: str, days: int) -> int:
    """When a local day begins that is so many days after the one that was typed, in milliseconds."""
    day = date.fromisoformat(day_of(text))
    try:
        begun = datetime.combine(day + timedelta(days=days), time()).astimezone()
        at = int(begun.timestamp() * 1000)
    except (OverflowError, ValueError, OSError):
        at = -1
    if at < 0:
        raise InputError("'{text}' is too far away: give another date.", text=text)
    return at


def parts_of(text: str) -> tuple[str, str | None, str | None]:
    """`TITLE`, `TITLE;QUANTITY;UNIT` or `TITLE;;` in its parts. Raises InputError."""
    parts: Sequence[str] = [part.strip() for part in unicodedata.normalize("NFC", text).split(";")]
    if len(parts) not in (1, 3) or not parts[0]:
        raise InputError(
            "'{text}' cannot be read: write 'TITLE;QUANTITY;UNIT', like 'maize;100;kg', or the title alone.",
            text=text,
        )
    number, unit = (parts[1] or None, parts[2] or None) if len(parts) == 3 else (None, None)
    return parts[0], number, unit


def item_of(text: str) -> Item:
    """`TITLE`, `TITLE;QUANTITY;UNIT` or `TITLE;;` as one thing of a transfer. Raises InputError."""
    title, number, unit = parts_of(text)
    return Item(title, quantity_of(number, unit))


def line_of(text: str) -> str:
    """One line of text as records hold it: composed (NFC), without blanks around it. Raises InputError."""
    line = unicodedata.normalize("NFC", text).strip()
    if not line or len(line.splitlines()) > 1:
        raise InputError("A title is one line and not empty: change it.")
    return line
