"""Sites: where listings and communes are, in the form in which a place is looked for.

Decides that a place is found by its words or their beginnings, in small or
capital letters, with or without accents. A listing is where it says, and where
its commune is: both are looked through, since "the shed" is found by nobody.
"""

from __future__ import annotations

import re
from typing import Final
from unicodedata import combining, normalize

_WORD: Final = re.compile(r"[^\W_]+")

FOUND: Final = (
    "(instr(listing.site, ?) > 0 OR "
    "listing.commune IN (SELECT id FROM commune WHERE instr(commune.site, ?) > 0))"
)
"""The condition that one word is found; it has the word twice as its parameter."""


def site_of(place: str | None) -> str | None:
    """A place as it is kept to be looked for: its words, with a blank before each; None if it has none."""
    return "".join(words_of(place or "")) or None


def words_of(text: str) -> list[str]:
    """The words of a place as they are looked for, each with the blank before it."""
    letters = normalize("NFKD", text.casefold())
    plain = "".join(letter for letter in letters if not combining(letter))
    return [f" {word}" for word in _WORD.findall(plain)]
