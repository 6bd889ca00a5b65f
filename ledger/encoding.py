"""Canonical MessagePack: one value, one encoding.

Decides which values a record may hold and which bytes encode each of them, so
that a record has one id and nobody can make a second one that reads the same.
What the keys of a record mean is left to `records`, which decodes typed
records by itself and shares `check_text` with this module.

Values are nil, booleans, signed 64-bit integers, text, binary, arrays, and
maps with keys `[a-z0-9_]{1,32}`. Every header has its shortest form, the keys
of a map are sorted by their bytes and unique, arrays and maps nest at most 8
levels. Text is in Unicode's normal form C and holds only code points assigned
in Unicode 14, no controls but the newline and no bidirectional controls, so
that one text has one encoding too. No later version of Unicode changes the
normal form of text made of assigned code points (its stability policy), so
that any Python judges it alike.

Decoding is msgspec's, then the value is checked, encoded again, and compared
with the bytes that came: duplicate keys, unsorted keys and long forms all fail
that one comparison.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final, TypeAlias

import msgspec

from .errors import EncodingError
from .limits import MAX_KEY_CHARACTERS, MAX_NESTING, MAX_PAYLOAD_BYTES
from .unicode14 import is_assigned

Value: TypeAlias = "bool | int | str | bytes | list[Value] | dict[str, Value] | None"
"""What canonical MessagePack decodes to."""

_decoder: Final = msgspec.msgpack.Decoder()
_encoder: Final = msgspec.msgpack.Encoder(order="sorted")

_KEY: Final = re.compile(rf"[a-z0-9_]{{1,{MAX_KEY_CHARACTERS}}}")

# Text that holds nothing of this is fine as it is. All else is assigned, no control, and composes with
# nothing of its own kind: ASCII, the Latin letters with their accents, dashes, quotes and the euro sign.
_USUAL: Final = "\n -~\xa0-\u02ff\u2010-\u2027\u20ac"
_UNUSUAL: Final = re.compile(f"[^{_USUAL}]")
_ALL_USUAL: Final = re.compile(f"[{_USUAL}]*+")  # costs half as much as to look for what is not

_BIDIRECTIONAL_CONTROLS: Final = frozenset(
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)
"""Property Bidi_Control of the Unicode Character Database (UAX #9, section 2): they reorder what is shown."""


def encode(value: object) -> bytes:
    """The one encoding of a value: nil, booleans, integers, text, bytes, lists or tuples, dicts.

    Tuples are arrays and come back as lists. Other types are refused, even
    where they could be encoded (bytearray, subclasses of str): what a value is
    must not depend on who holds it. Raises EncodingError for whatever
    `decode` would refuse, its limit of size excepted, which is the caller's.
    """
    _check(value, 0)
    return _encoder.encode(value)


def decode(data: bytes, *, max_bytes: int = MAX_PAYLOAD_BYTES) -> Value:
    """The value that `data` is the canonical encoding of.

    Raises EncodingError, and nothing else, for all other bytes, and for more
    than `max_bytes` of them without looking further.
    """
    if len(data) > max_bytes:
        raise EncodingError("It has {count} bytes; {limit} are allowed.", count=len(data), limit=max_bytes)
    try:
        value: Value = _decoder.decode(data)
    except RecursionError:
        raise EncodingError("It nests deeper than {limit} levels.", limit=MAX_NESTING) from None
    except ValueError as error:  # msgspec.DecodeError and UnicodeDecodeError are both
        raise EncodingError("It is not MessagePack: {reason}.", reason=error) from None
    _check(value, 0)
    if _encoder.encode(value) != data:
        raise EncodingError("It is not canonical: a long form, or map keys that are unsorted or repeated.")
    return value


def check_text(text: str) -> None:
    """Refuse text that is not canonical: see the module's rules. Raises EncodingError."""
    if _ALL_USUAL.fullmatch(text):
        return
    for character in sorted(set(_UNUSUAL.findall(text))):
        code_point = ord(character)
        if not is_assigned(code_point):
            raise EncodingError(
                "A text holds U+{code_point:04X}, which Unicode 14 does not assign.", code_point=code_point
            )
        if character < " " or "\x7f" <= character <= "\x9f":
            raise EncodingError(
                "A text holds the control character U+{code_point:04X}.", code_point=code_point
            )
        if character in _BIDIRECTIONAL_CONTROLS:
            raise EncodingError(
                "A text holds the bidirectional control U+{code_point:04X}.", code_point=code_point
            )
    if not unicodedata.is_normalized("NFC", text):
        raise EncodingError("A text is not in Unicode's normal form C.")


def _check(value: object, depth: int) -> None:
    """Refuse a value that stands inside `depth` arrays and maps unless it has a canonical encoding."""
    if type(value) is str:
        check_text(value)
    elif type(value) is int:
        if not -(2**63) <= value < 2**63:
            raise EncodingError("An integer does not fit in 64 bits with its sign.")
    elif type(value) is dict:
        _check_depth(depth)
        for key, item in value.items():
            if type(key) is not str or _KEY.fullmatch(key) is None:
                raise EncodingError("A map has a key that is not 1 to 32 of a to z, 0 to 9 and '_'.")
            _check(item, depth + 1)
    elif type(value) is list or type(value) is tuple:
        _check_depth(depth)
        for item in value:
            _check(item, depth + 1)
    elif value is not None and type(value) is not bool and type(value) is not bytes:
        raise EncodingError("A record cannot hold a value of type {type}.", type=type(value).__name__)


def _check_depth(depth: int) -> None:
    if depth == MAX_NESTING:
        raise EncodingError("It nests deeper than {limit} levels.", limit=MAX_NESTING)
