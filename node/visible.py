"""Visible: text from anywhere without what shows nothing, or shows something else than is there.

Decides what is put in the place of such characters, on terminals, paper and pages.
"""

from __future__ import annotations

import unicodedata


def safe(text: str) -> str:
    """Text that no terminal can be tricked by: control and formatting characters become `�`; newlines stay.

    What a record holds has no control characters; its other characters that
    show nothing, and text from elsewhere, are made visible here.
    """
    return "".join(
        "\ufffd"
        if unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Zl", "Zp") and letter != "\n"
        else letter
        for letter in text
    )
