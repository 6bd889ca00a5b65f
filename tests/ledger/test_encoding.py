"""Canonical MessagePack: one value, one encoding, and only EncodingError for anything else."""

from __future__ import annotations

import json
import re
import unicodedata
from enum import IntEnum
from itertools import product
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import encoding, unicode14
from ledger.errors import EncodingError
from ledger.limits import MAX_PAYLOAD_BYTES
from tests.support import unicode_table
from tests.support.shared import CHECKOUT, shared_path
from tests.support.vectors import assert_page_is_from_vectors, assert_regenerates, load, page


def _is_canonical_text(text: str) -> bool:
    try:
        encoding.check_text(text)
    except EncodingError:
        return False
    return True


_texts = (
    (st.text(alphabet="abcñáéíóú ¿?\n", max_size=20) | st.text(max_size=10))
    .map(lambda text: unicodedata.normalize("NFC", text))
    .filter(_is_canonical_text)
)
_scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.binary(max_size=40) | _texts
_keys = st.from_regex(r"[a-z0-9_]{1,32}", fullmatch=True)
_values = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=20) | st.dictionaries(_keys, inner, max_size=20),
    max_leaves=30,
)


def _depth(value: object) -> int:
    if isinstance(value, list):
        return 1 + max(map(_depth, value), default=0)
    if isinstance(value, dict):
        return 1 + max(map(_depth, value.values()), default=0)
    return 0


_canonical = _values.filter(lambda value: _depth(value) <= 8)


def _sorted(value: Any) -> Any:
    if isinstance(value, list):
        return [_sorted(item) for item in value]
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return value


# Against others --------------------------------------------------------------------------------------


def _suite() -> list[tuple[dict[str, Any], list[bytes]]]:
    files = json.loads(shared_path("vectors/msgpack/msgpack-test-suite.json").read_text())
    return [
        (case, [bytes.fromhex(text.replace("-", "")) for text in case["msgpack"]])
        for cases in files.values()
        for case in cases
    ]


def _suite_value(case: dict[str, Any]) -> Any:
    """The value that a case of the suite is about, or a float where it cannot be held here."""
    if "timestamp" in case or "ext" in case:
        return 0.5
    if "binary" in case:
        return bytes.fromhex(case["binary"].replace("-", ""))
    if "bignum" in case:
        return int(case["bignum"])
    (value,) = (case[key] for key in case if key != "msgpack")
    return value


def test_of_the_encodings_of_a_value_in_the_msgpack_test_suite_at_most_one_is_canonical() -> None:
    suite = _suite()
    assert (len(suite), sum(len(encodings) for _, encodings in suite)) == (85, 233)
    refused = 0
    for case, encodings in suite:
        value = _suite_value(case)
        accepted = []
        for data in encodings:
            try:
                assert encoding.decode(data) == value
            except EncodingError:
                continue
            accepted.append(data)
        try:
            assert accepted == [encoding.encode(value)], case
        except EncodingError:
            assert accepted == [], case
            refused += 1
    # 19 timestamps, 7 extensions, 2 floats, and 2 integers beyond signed 64 bits.
    assert refused == 30


@given(_canonical)
def test_what_is_encoded_decodes_to_itself_here_and_in_the_package_msgpack(value: Any) -> None:
    data = encoding.encode(value)
    assert encoding.decode(data) == value
    assert msgpack.unpackb(data, strict_map_key=True) == value
    assert data == msgpack.packb(_sorted(value), use_bin_type=True)


def _long_form(data: bytes) -> list[bytes]:
    """Other encodings of the value whose canonical one begins `data`: its header in each longer form."""
    first, rest = data[0], data[1:]
    if first < 0x80:
        numbers = [b"\xcc%c", b"\xcd\0%c", b"\xce\0\0\0%c", b"\xcf\0\0\0\0\0\0\0%c", b"\xd0%c", b"\xd1\0%c"]
        return [number % first + rest for number in numbers]
    if first < 0x90:
        return [b"\xde\0" + bytes([first & 15]) + rest, b"\xdf\0\0\0" + bytes([first & 15]) + rest]
    if first < 0xA0:
        return [b"\xdc\0" + bytes([first & 15]) + rest, b"\xdd\0\0\0" + bytes([first & 15]) + rest]
    if first < 0xC0:
        count = bytes([first & 31])
        return [b"\xd9" + count + rest, b"\xda\0" + count + rest, b"\xdb\0\0\0" + count + rest]
    return []


@given(_canonical)
def test_a_header_in_a_longer_form_is_refused(value: Any) -> None:
    for data in _long_form(encoding.encode(value)):
        assert msgpack.unpackb(data) == value
        with pytest.raises(EncodingError):
            encoding.decode(data)


# Junk ------------------------------------------------------------------------------------------------


def _is_refused_or_canonical(data: bytes) -> None:
    """Whatever the bytes, either EncodingError or the value whose one encoding they are."""
    try:
        value = encoding.decode(data)
    except EncodingError:
        return
    assert encoding.encode(value) == data
    assert msgpack.unpackb(data, strict_map_key=True) == value


@given(st.binary(max_size=300))
def test_random_bytes_end_in_an_encoding_error_or_are_canonical(data: bytes) -> None:
    _is_refused_or_canonical(data)


@given(_canonical, st.data())
def test_a_changed_bit_ends_in_an_encoding_error_or_is_canonical(value: Any, data: st.DataObject) -> None:
    changed = bytearray(encoding.encode(value))
    position = data.draw(st.integers(0, len(changed) * 8 - 1))
    changed[position // 8] ^= 1 << position % 8
    _is_refused_or_canonical(bytes(changed))


@given(_canonical)
def test_a_value_cut_short_or_with_bytes_after_it_is_refused(value: Any) -> None:
    data = encoding.encode(value)
    for length in range(len(data)):
        with pytest.raises(EncodingError):
            encoding.decode(data[:length])
    for more in (b"\0", data):
        with pytest.raises(EncodingError):
            encoding.decode(data + more)


@pytest.mark.parametrize("opening", [b"\x91", b"\x81\xa1a", b"\xdc\0\1", b"\x81", b"\x92\xc0"])
@pytest.mark.parametrize("count", [9, 100, 2_000])
def test_deep_nesting_is_refused(opening: bytes, count: int) -> None:
    for data in (opening * count, opening * count + b"\xc0"):
        with pytest.raises(EncodingError):
            encoding.decode(data)


@pytest.mark.parametrize("header", [b"\xc6", b"\xc9", b"\xdb", b"\xdd", b"\xdf"])
def test_a_header_that_claims_four_gigabytes_is_refused(header: bytes) -> None:
    for claimed in (b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff"):
        with pytest.raises(EncodingError):
            encoding.decode(header + claimed + bytes(100))


def test_size_is_checked_before_anything_is_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A megabyte of empty maps would become 73 megabytes of objects."""
    maps = b"\xdd\x00\x0f\xff\xff" + b"\x80" * 0xFFFFF
    monkeypatch.setattr(encoding, "_decoder", None)
    with pytest.raises(EncodingError, match="8192 are allowed"):
        encoding.decode(maps)


def test_the_limit_of_size_is_inclusive_and_the_caller_s_to_raise() -> None:
    largest = encoding.encode(bytes(MAX_PAYLOAD_BYTES - 3))
    assert len(largest) == MAX_PAYLOAD_BYTES
    assert encoding.decode(largest) == bytes(MAX_PAYLOAD_BYTES - 3)
    larger = encoding.encode(bytes(MAX_PAYLOAD_BYTES - 2))
    with pytest.raises(EncodingError):
        encoding.decode(larger)
    assert encoding.decode(larger, max_bytes=len(larger)) == bytes(MAX_PAYLOAD_BYTES - 2)


# What is not canonical -------------------------------------------------------------------------------

REFUSED = {
    "nothing": "",
    "the byte that MessagePack never uses": "c1",
    "a second value after the first": "0101",
    "zero in two bytes": "cc00",
    "127 in two bytes": "cc7f",
    "128 in three bytes": "cd0080",
    "128 as a signed number": "d10080",
    "-1 in two bytes": "d0ff",
    "-33 in three bytes": "d1ffdf",
    "2 to the 63rd": "cf8000000000000000",
    "a 32-bit float": "ca3f800000",
    "a 64-bit float": "cb3ff0000000000000",
    "not a number": "cb7ff8000000000000",
    "an extension": "d40100",
    "a timestamp": "d6ff5a4af6a5",
    "a text with a header of two bytes where one does": "d90161",
    "a text with a header of three bytes where two do": "da0020" + "61" * 32,
    "binary with a header of three bytes where two do": "c5000161",
    "binary with a header of five bytes where three do": "c600000100" + "00" * 256,
    "an array with a header of three bytes where one does": "dc0001c0",
    "a map with a header of three bytes where one does": "de0001a16101",
    "map keys that are not sorted": "82a16202a16101",
    "a map key twice": "82a16101a16101",
    "a map key twice with two values": "82a16101a16102",
    "a map key that is a number": "810101",
    "a map key that is binary": "81c4016101",
    "a map key that is nil": "81c001",
    "a map key that is an array": "819001",
    "a map key that is a map": "818001",
    "a map key with a capital": "81a14101",
    "a map key with a hyphen": "81a3612d6201",
    "a map key with a letter beyond a to z": "81a2c3b101",
    "a map key with a newline at its end": "81a2610a01",
    "an empty map key": "81a001",
    "a map key of 33 characters": "81d921" + "61" * 33 + "01",
    "arrays nine deep": "91" * 8 + "90",
    "maps nine deep": "81a161" * 8 + "80",
    "UTF-8 cut short": "a1c3",
    "UTF-8 in a longer form": "a2c0af",
    "a surrogate in UTF-8": "a3eda080",
    "a text that is not in form C": "a66d6169cc817a",
    "a letter and an accent that compose": "a3" + "61cc81",
    "the ohm sign, which form C replaces": "a3e284a6",
    "a code point that no version assigns": "a3efbfbf",
    "a code point that Unicode 15 assigned": "a4f09e9390",
    "a tab": "a109",
    "a carriage return": "a10d",
    "the zero character": "a100",
    "delete": "a17f",
    "the control U+0085": "a2c285",
    "a right-to-left override": "a3e280ae",
    "a right-to-left isolate": "a3e281a7",
    "a right-to-left mark": "a3e2808f",
    "an Arabic letter mark": "a2d89c",
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_canonical_is_refused(name: str) -> None:
    with pytest.raises(EncodingError):
        encoding.decode(bytes.fromhex(REFUSED[name]))


def test_an_error_says_which_rule_was_broken() -> None:
    with pytest.raises(EncodingError, match="unsorted or repeated"):
        encoding.decode(bytes.fromhex("82a16202a16101"))
    with pytest.raises(EncodingError, match="MessagePack"):
        encoding.decode(b"\xc1")


class _Text(str):
    pass


class _Number(IntEnum):
    ONE = 1


@pytest.mark.parametrize(
    "value",
    [
        0.0,
        float("nan"),
        2**63,
        -(2**63) - 1,
        2**200,
        "mai\u0301z",
        "\ud800",
        "a\tb",
        _Text("a"),
        _Number.ONE,
        bytearray(b"a"),
        memoryview(b"a"),
        {"a"},
        {1: 2},
        {"A": 1},
        {"": 1},
        {"a" * 33: 1},
        {_Text("a"): 1},
        {b"a": 1},
        [[[[[[[[[]]]]]]]]],
        ((((((((({},),),),),),),),),),
        [None, 1, ["x", {"y": 0.5}]],
        object(),
        Ellipsis,
    ],
    # Without addresses, which differ from one process to the next.
    ids=lambda value: repr(value).split(" at 0x")[0],
)
def test_a_value_without_a_canonical_encoding_is_not_encoded(value: object) -> None:
    with pytest.raises(EncodingError):
        encoding.encode(value)


def test_a_value_that_holds_itself_is_not_encoded() -> None:
    endless: list[object] = []
    endless.append(endless)
    with pytest.raises(EncodingError):
        encoding.encode(endless)


def test_a_tuple_is_encoded_as_an_array() -> None:
    assert encoding.encode((1, ("a",))) == encoding.encode([1, ["a"]])


def test_eight_levels_are_canonical() -> None:
    value: object = 7
    for level in range(8):
        value = {"a": value} if level % 2 else [value]
    assert encoding.decode(encoding.encode(value)) == value


# Text ------------------------------------------------------------------------------------------------

GOOD_TEXTS = [
    "",
    "maíz",
    "Ñame, ocumo y yuca: ¿cuánto hay?\n«Cien kilos», dijo ella – y sonrió…",
    "100 €",
    "Ελληνικά русский 汉字 한글 हिन्दी العربية עברית",
    "👩🏾‍🌾 con unión de ancho cero",
    "\u1ec7",
    "q\u0323\u0307",  # composes with nothing, and stands in canonical order
    "\ue000",  # private use counts as assigned
    "\U0001fae0",  # Unicode 14
    "\u2028",
]


@pytest.mark.parametrize("text", GOOD_TEXTS)
def test_text_as_people_write_it_is_canonical(text: str) -> None:
    encoding.check_text(text)


def test_marks_out_of_canonical_order_are_refused() -> None:
    with pytest.raises(EncodingError):
        encoding.check_text("q\u0307\u0323")


def test_an_error_names_the_code_point() -> None:
    for text, named in (("a\tb", "U\\+0009"), ("a\u202eb", "U\\+202E"), ("\U0001e4d0", "U\\+1E4D0")):
        with pytest.raises(EncodingError, match=named):
            encoding.check_text(text)


def test_the_quick_way_takes_only_what_the_slow_way_takes() -> None:
    """No two characters that the quick way lets through compose, and each is canonical by itself."""
    usual = [chr(point) for point in range(0x110000) if not encoding._UNUSUAL.search(chr(point))]
    assert len(usual) == 1 + 95 + 0x260 + 24 + 1
    for one in usual:
        assert unicode14.is_assigned(ord(one))
        assert one == "\n" or unicodedata.category(one) != "Cc"
        assert one not in encoding._BIDIRECTIONAL_CONTROLS
    pairs = "".join(f"{one}{other}" for one, other in product(usual, usual))
    assert unicodedata.is_normalized("NFC", pairs)


def test_the_bidirectional_controls_are_those_of_unicode() -> None:
    by_class = {
        chr(point)
        for point in range(0x110000)
        if unicodedata.bidirectional(chr(point))
        in {"LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI"}
    }
    marks = {
        unicodedata.lookup(f"{name} MARK") for name in ("LEFT-TO-RIGHT", "RIGHT-TO-LEFT", "ARABIC LETTER")
    }
    assert by_class | marks == encoding._BIDIRECTIONAL_CONTROLS


def test_the_table_of_unicode_14_regenerates_byte_for_byte() -> None:
    if unicodedata.unidata_version != unicode_table.VERSION:
        pytest.skip(f"this Python has Unicode {unicodedata.unidata_version}; the table is of Unicode 14.0.0")
    shipped = CHECKOUT / "ledger" / "unicode14.py"
    assert shipped.read_text(encoding="utf-8") == unicode_table.source()


def test_the_table_of_unicode_14_knows_its_edges() -> None:
    for point in (0, 0x41, 0x378 - 1, 0xE000, 0xFFFD, 0x1FAE7, 0x10FFFD):
        assert unicode14.is_assigned(point), hex(point)
    for point in (0x378, 0xD800, 0xDFFF, 0xFDD0, 0xFFFF, 0x1FAE8, 0x1E4D0, 0xFFFFE, 0x10FFFE, 0x10FFFF):
        assert not unicode14.is_assigned(point), hex(point)


# Our own vectors -------------------------------------------------------------------------------------


def _own_values() -> dict[str, object]:
    return {
        "the example of the page": {
            "at": 1_767_225_600_000,
            "kind": "need",
            "quantity": {"number": 25, "scale": 1, "unit": "kg"},
            "title": "Maíz",
        },
        "nil, false and true": [None, False, True],
        "integers at the edges of their forms": [
            *(0, 127, 128, 255, 256, 65_535, 65_536, 2**32 - 1, 2**32, 2**63 - 1),
            *(-1, -32, -33, -128, -129, -32_768, -32_769, -(2**31), -(2**31) - 1, -(2**63)),
        ],
        "texts at the edges of their forms": ["", "a" * 31, "a" * 32, "a" * 255, "a" * 256],
        "binary at the edges of its forms": [b"", b"\x00" * 255, b"\x00" * 256],
        "arrays at the edges of their forms": [[], [0] * 15, [0] * 16],
        "a map of sixteen": {f"k{number:02}": number for number in range(16)},
        "keys sorted by their bytes": {"_": 1, "0": 2, "a": 3, "a_": 4, "a0": 5, "aa": 6, "z" * 32: 7},
        "eight levels": [[[[[[[{"a": 1}]]]]]]],
        "text beyond ASCII": GOOD_TEXTS,
    }


def _as_json(value: Any) -> Any:
    """The value with binary as {"hex": ...}, which no map here has for a key."""
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    if isinstance(value, list):
        return [_as_json(item) for item in value]
    if isinstance(value, dict):
        return {key: _as_json(item) for key, item in value.items()}
    return value


def _own_vectors() -> dict[str, Any]:
    return {
        "about": "The encoding of docs/spec/encoding.md, made by tests/ledger/test_encoding.py; "
        "in values, binary is an object with its bytes under 'hex'",
        "canonical": [
            {"name": name, "value": _as_json(value), "encoded": encoding.encode(value).hex()}
            for name, value in _own_values().items()
        ],
        "refused": [{"name": name, "encoded": encoded} for name, encoded in REFUSED.items()],
    }


def test_our_own_vectors_regenerate_byte_for_byte() -> None:
    assert_regenerates("encoding", _own_vectors())


def test_our_own_vectors_hold_in_the_package_msgpack_as_well() -> None:
    for case in load("encoding")["canonical"]:
        data = bytes.fromhex(case["encoded"])
        assert _as_json(msgpack.unpackb(data)) == case["value"]
        assert _as_json(encoding.decode(data)) == case["value"]


def test_the_page_of_the_specification_shows_the_vectors() -> None:
    assert assert_page_is_from_vectors("encoding") > 3
    taken_apart = re.findall(r"(?m)^    ((?:[0-9a-f]{2})+(?: (?:[0-9a-f]{2})+)*)  +[^ ]", page("encoding"))
    example = load("encoding")["canonical"][0]["encoded"]
    assert "".join(taken_apart).replace(" ", "") == example
