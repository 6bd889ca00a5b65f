"""Keys: the log's key and the recovery key, which people write down as words.

Decides how a recovery key becomes words and how typed words become the key
again (BIP 39 word lists, 24 words for 256 bits with their checksum). Random
bytes come from the operating system, here and nowhere else.
"""

from __future__ import annotations

import os
import unicodedata
from functools import cache
from typing import TYPE_CHECKING, Final

from ledger.signing import SigningKey

from .errors import WordsError

if TYPE_CHECKING:
    from mnemonic import Mnemonic

WORDS: Final = 24
"""words of a recovery key: 256 bits and 8 of checksum."""

LANGUAGES: Final = {"es": "spanish", "en": "english"}
"""Word lists by the language of the interface."""


def new_key() -> SigningKey:
    """A new random key."""
    return SigningKey(os.urandom(32))


@cache
def _list(language: str) -> Mnemonic:
    # Imported here: lists name communes by petnames, and only some of these have words beside them.
    from mnemonic import Mnemonic

    return Mnemonic(LANGUAGES[language])


def words_of(key: SigningKey, language: str) -> str:
    """A key as 24 words in `es` or `en`, with blanks between them, NFC."""
    return unicodedata.normalize("NFC", _list(language).to_mnemonic(key.seed))


def _plain(word: str) -> str:
    """A word as it may be typed: without accents, in small letters."""
    decomposed = unicodedata.normalize("NFKD", word.casefold())
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


@cache
def _by_plain(language: str) -> dict[str, str]:
    return {_plain(word): word for word in _list(language).wordlist}


def key_of_words(text: str) -> SigningKey:
    """The key that typed words stand for, in either language, with or without accents. Raises WordsError."""
    typed = text.split()
    if len(typed) != WORDS:
        raise WordsError(
            "Words given: {count}; needed: {words}. Copy them from the paper in their order.",
            count=len(typed),
            words=WORDS,
        )
    unknown: list[str] = []
    for language in LANGUAGES:
        known = _by_plain(language)
        missing = [word for word in typed if _plain(word) not in known]
        if not missing:
            try:
                entropy = _list(language).to_entropy([known[_plain(word)] for word in typed])
            except (ValueError, LookupError):
                continue
            return SigningKey(bytes(entropy))
        if not unknown or len(missing) < len(unknown):
            unknown = missing
    if unknown and len(unknown) < WORDS:
        raise WordsError(
            "{word!r} is not one of the recovery words: look at the paper again.", word=unknown[0]
        )
    raise WordsError("These are not recovery words of Trueque: a word is wrong, or their order is.")


def fingerprint_words(identity: bytes, language: str) -> str:
    """Six words by which people compare an id aloud: its first 66 bits."""
    number = int.from_bytes(identity[:9], "big") >> 6
    wordlist = _list(language).wordlist
    return unicodedata.normalize(
        "NFC", " ".join(wordlist[number >> shift & 2047] for shift in range(55, -1, -11))
    )
