"""Looks: what is left of a name at a glance, so that those that look the same are known for it.

Decides which letters are taken for each other: those of other scripts that look
like Latin ones (facts from Unicode's table of confusables, UTS #39), digits that
are read as letters in a hurry, and letters that run together. Names in Spanish
and in the languages of Venezuela's peoples are written in Latin letters. Two names
that merely resemble each other may be taken for the same: that costs a few words
beside them. What is done about it is `petnames`' and the pages'.
"""

# ruff: noqa: RUF001  # letters that look like others are what this is about

from __future__ import annotations

from functools import lru_cache
from typing import Final
from unicodedata import combining, normalize

_LOOKS: Final = {
    # Greek
    "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧϹϺ": "ABEZHIKMNOPTYXCM",
    "αβγεηικνορτυχωϲϳ": "abyenikvoptuxwcj",
    # Cyrillic
    "АВЕЅІЈКМНОРСТУХҮԌԚԜ": "ABESIJKMHOPCTYXYGQW",
    "авгԁеһіјкӏмнопрԛѕтѵԝхуүи": "abrdehijklmhonpqstvwxyyu",
    # Armenian
    "ՍՏՕհոսօց": "USOhnuog",
    # Cherokee
    "ᎪᏴᏟᎠᎬᏀᎻᎥᎫᏦᏞᎷᏢᏒᏚᎢᏙᎳᏃ": "ABCDEGHIJKLMPRSTVWZ",
    # Latin letters with strokes, without dots, of phonetics; marks that stand like letters
    "ØøĐđŁłĦħŦŧƗɨıɩɪɑɡʋǀ|∆": "OoDdLlHhTtIiiiiagvllA",
    "0135": "oies",
}
"""Letters, and the Latin ones that they look like, in their order."""

_CONFUSED: Final = {
    ord(letter): like
    for letters, likes in _LOOKS.items()
    for letter, like in zip(letters, likes, strict=True)
}

_TOGETHER: Final = (("l", "i"), ("rn", "m"), ("vv", "w"))


@lru_cache(65_536)  # the names of all communal councils
def skeleton(name: str) -> str:
    """What is left of a name at a glance: small letters without accents, blanks and marks."""
    letters = normalize("NFKD", name).translate(_CONFUSED).casefold().translate(_CONFUSED)
    bare = "".join(letter for letter in letters if letter.isalnum() and not combining(letter))
    for run, like in _TOGETHER:
        bare = bare.replace(run, like)
    return bare
