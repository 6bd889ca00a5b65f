"""Visible: text from anywhere without what shows nothing, or shows something else than is there.

Decides what is put in the place of such characters, on terminals, paper and pages.
"""

from __future__ import annotations

import unicodedata
from typing import Final

BEGIN_APART: Final = "\u2068"
END_APART: Final = "\u2069"
"""First strong isolate and its end (UAX #9); no text of a record can hold them."""


_LEFT: Final = frozenset({"\n", BEGIN_APART, END_APART})


def apart(text: str) -> str:
    """Text for the middle of a sentence: letters that run from right to left take nothing beside them along.

    Without it the figure of `«سكر», 40 kg` is shown where another belongs.
    """
    if not any(unicodedata.bidirectional(letter) in ("R", "AL", "AN") for letter in text):
        return text
    return f"{BEGIN_APART}{text}{END_APART}"


def safe(text: str) -> str:
    """Text that no terminal can be tricked by: control and formatting characters become `�`; newlines stay.

    What a record holds has no control characters; its other characters that
    show nothing, and text from elsewhere, are made visible here. What `apart`
    puts around a text stays.
    """
    return "".join(
        "\ufffd"
        if unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Zl", "Zp") and letter not in _LEFT
        else letter
        for letter in text
    )
