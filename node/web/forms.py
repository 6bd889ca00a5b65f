"""Forms: what was typed, as values of records, or as a sentence at the field that it belongs to.

Decides how a field's text is read, by the rules that commands use (`typed`),
and keeps what was typed, so that a form that is refused comes back as it was.
What the fields of a form are is the pages' to say.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from typing import Final, TypeVar

from aiohttp import web

from ledger.errors import LedgerError
from ledger.limits import MAX_NAME_CHARACTERS, MAX_TEXT_CHARACTERS
from ledger.log import EntryId
from ledger.records import Quantity

from .. import language, typed
from ..errors import InputError
from .visits import VISITS

Value = TypeVar("Value")

MAX_FIELDS: Final = 256
"""fields of a form; a proposal among eight with all its transfers has fewer."""


class Form:
    """A form: `typed` by field, and in `faults` what is wrong with a field, "" standing for the whole."""

    def __init__(self, given: Mapping[str, str] | None = None) -> None:
        self.typed: dict[str, str] = dict(given or {})
        self.faults: dict[str, str] = {}

    def __getitem__(self, name: str) -> str:
        """What was typed into a field, empty if nothing was; for templates."""
        return self.typed.get(name, "")

    @property
    def is_good(self) -> bool:
        """Whether nothing is wrong with it so far."""
        return not self.faults

    def refuse(self, name: str, error: LedgerError) -> None:
        """Say at a field what is wrong with it; the first fault of a field stays."""
        self.faults.setdefault(name, language.told(error))

    def read(self, name: str, reading: Callable[[str], Value]) -> Value | None:
        """A field by a reading that raises LedgerError; None if it is empty, or wrong, which is noted."""
        text = self[name].strip()
        if not text:
            return None
        try:
            return reading(text)
        except LedgerError as error:
            self.refuse(name, error)
            return None

    def line(self, name: str, *, needed: bool = False) -> str | None:
        """One line, as long as names are."""
        found = self.read(name, lambda text: _fitting(typed.line_of(text), MAX_NAME_CHARACTERS))
        if found is None and needed and name not in self.faults:
            self.refuse(name, InputError("This is needed: fill it in."))
        return found

    def text(self, name: str) -> str | None:
        """Lines of text, as long as notes are."""
        return self.read(name, lambda text: _fitting(_lines_of(text), MAX_TEXT_CHARACTERS))

    def quantity(self, number: str, unit: str) -> Quantity | None:
        """A quantity from two fields; none if the number is left empty."""
        if not self[number].strip():
            return None
        code = self.read(unit, typed.unit_of)
        if code is None and unit not in self.faults:
            self.refuse(unit, InputError("A quantity needs a unit: choose one."))
        digits = self.read(number, typed.decimal_of)
        return None if digits is None or code is None else Quantity(*digits, code)

    def coming_day(self, name: str) -> str | None:
        """A date that is not over, as records hold it."""
        return self.read(name, typed.coming_day)

    def end_of_day(self, name: str) -> int | None:
        """The end of a day that is not over, in milliseconds."""
        return self.read(name, lambda text: typed.end_of_day(typed.coming_day(text)))


async def form_of(request: web.Request) -> Form:
    """The form that a browser sends. Raises InputError on what no form of these pages is."""
    try:
        posted = await request.post()
    except (ValueError, LookupError, RuntimeError) as error:  # the last of an encoding that is none
        raise unreadable() from error
    if len(posted) > MAX_FIELDS:
        raise InputError("The form has more fields than any form of these pages.")
    return Form({name: plain(value) for name, value in posted.items() if isinstance(value, str)})


def plain(text: str) -> str:
    """What was typed, composed and with plain ends of lines, as records hold text."""
    return unicodedata.normalize("NFC", text.replace("\r\n", "\n"))


def _lines_of(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def _fitting(text: str, limit: int) -> str:
    if len(text) > limit:
        raise InputError(
            "This has {count} characters; {limit} are allowed: shorten it.", count=len(text), limit=limit
        )
    return text


def unreadable() -> InputError:
    """What is said of a form that no page of this node can have made."""
    return InputError("The form cannot be read: load the page again and send it once more.")


def id_in(text: str) -> EntryId:
    """An id that a page has put into a form. Raises InputError."""
    try:
        return EntryId(bytes.fromhex(text))
    except ValueError:
        raise unreadable() from None


def check_token(request: web.Request, form: Form, field: str = "") -> None:
    """Refuse a form that was not shown to this browser since the node was started."""
    if not request.app[VISITS].knows(request, form["token"]):
        form.refuse(field, from_before())


def from_before() -> InputError:
    """What is said of such a form, whichever it is; what was typed is kept, but for passwords and files."""
    return InputError(
        "This page was from before the node was started anew: look at it once more, then send it again."
    )


def whole(text: str) -> int:
    """A whole number in an address; 0 for what is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0
