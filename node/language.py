"""The language: which one a person is spoken to in, and the texts in it.

Decides the language from the environment, finds the translation of a text, and
puts an error into words. Texts in the code are English and stand in
`locale/<locale>/LC_MESSAGES/trueque.po`; without a compiled translation they
are shown as they are. What is said is everybody else's business.

The language belongs to the context (PEP 567) that runs, so that pages can speak
to several people at once; `use` also sets it for click, whose own texts look at
the environment of the process.
"""

from __future__ import annotations

import gettext as catalogues
import os
import re
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ledger.errors import LedgerError
from ledger.sentences import N_

DOMAIN: Final = "trueque"
LOCALE_DIR: Final = Path(__file__).parent / "locale"
LOCALES: Final[Mapping[str, str]] = {"es": "es_VE", "en": "en"}
"""Languages that the interface speaks, and the locale whose words and numbers each takes."""

SYSTEM_REASONS: Final = (
    N_("No such file or directory"),
    N_("Permission denied"),
    N_("Operation not permitted"),
    N_("File exists"),
    N_("Not a directory"),
    N_("Is a directory"),
    N_("No space left on device"),
    N_("Disk quota exceeded"),
    N_("Read-only file system"),
    N_("Input/output error"),
    N_("Device or resource busy"),
    N_("File name too long"),
    N_("File too large"),
    N_("No such device"),
    N_("Address already in use"),
)
"""What the system says where something is amiss with a file, a stick or a disk."""


@dataclass(frozen=True, slots=True)
class Saying:
    """What a part of the program says in place of some texts, and how that is finished."""

    texts: Mapping[str, str]
    finish: Callable[[str], str]


_saying: ContextVar[Saying | None] = ContextVar("saying", default=None)
_current: ContextVar[str] = ContextVar("language", default="en")


def language_of(environment: Mapping[str, str]) -> str:
    """The language that POSIX's variables ask for: the first of LC_ALL, LC_MESSAGES and LANG that is set."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        asked = environment.get(name)
        if asked:
            return "es" if asked[:2].lower() == "es" else "en"
    return "en"


def use(language: str) -> None:
    """Speak a language from here on, one of `LOCALES`."""
    _current.set(language)
    catalogues.textdomain(DOMAIN)
    catalogues.bindtextdomain(DOMAIN, str(LOCALE_DIR))
    os.environ["LANGUAGE"] = LOCALES[language]


def speak(language: str, saying: Saying | None = None) -> None:
    """Speak a language in this context alone, as to one of several people; one of `LOCALES`."""
    _current.set(language)
    _saying.set(saying)


def preferred(accepted: str, otherwise: str = "en") -> str:
    """The language that `Accept-Language` likes best of those that there are (RFC 9110, section 12.5.4)."""
    best, weight = otherwise, 0.0
    for part in accepted.split(","):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        quality = 1.0
        for parameter in parameters:
            if matched := re.fullmatch(r"q\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)", parameter):
                quality = float(matched[1])
        spoken = name.partition("-")[0]
        if spoken in LOCALES and quality > weight:
            best, weight = spoken, quality
    return best


def current() -> str:
    """The language that is spoken: `es` or `en`."""
    return _current.get()


_found: Final[dict[tuple[Path, str], catalogues.GNUTranslations]] = {}
"""The compiled translations that were found: a page has a thousand texts, and to look costs a file each."""


def _catalogue() -> catalogues.NullTranslations:
    key = LOCALE_DIR, current()
    if key in _found:
        return _found[key]
    found = catalogues.translation(DOMAIN, str(LOCALE_DIR), [LOCALES[key[1]]], fallback=True)
    if isinstance(found, catalogues.GNUTranslations):
        _found[key] = found
    return found


def gettext(text: str) -> str:
    """A text in the language that is spoken; imported as `_`."""
    saying = _saying.get()
    if saying is not None and (otherwise := saying.texts.get(text)) is not None:
        return saying.finish(_catalogue().gettext(otherwise))
    return _catalogue().gettext(text) if text else text


def pgettext(context: str, text: str) -> str:
    """A text that stands for different words in another language, by what it is said of."""
    return _catalogue().pgettext(context, text)


def ngettext(one: str, many: str, count: int) -> str:
    """The form of a text that goes with a number."""
    return _catalogue().ngettext(one, many, count)


def reason_told(reason: str) -> str:
    """What the system says of a failure: Python gives it in English whatever language is spoken."""
    return gettext(reason)


def told(error: LedgerError) -> str:
    """An error as a sentence in the language that is spoken. Errors among its fields are told too."""
    if not error.fields:
        return gettext(error.template)
    fields = {
        name: told(value)
        if isinstance(value, LedgerError)
        else gettext(value)
        if name in ("reason", "what") and isinstance(value, str)
        else value
        for name, value in error.fields.items()
    }
    return gettext(error.template).format(**fields)
