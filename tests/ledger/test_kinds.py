"""The kinds of record: one order of fields, and every limit at its edge and beyond it."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest

from ledger import encoding, kinds
from ledger.records import (
    KINDS,
    Authority,
    Mandate,
    Quantity,
    Signed,
    Transfer,
    Uninterpreted,
    parse,
    to_payload,
)
from tests.support.record_examples import examples
from tests.support.records import hashes_in_order

STRUCTS: list[Any] = [*KINDS.values(), Authority, Mandate, Transfer]
ALL_FIELDS = [(kind, field) for kind, struct in KINDS.items() for field in struct.__struct_encode_fields__]


def least(kind: str) -> dict[str, Any]:
    """The plain map of a kind with the fields that it must have, from its example."""
    value: Any = encoding.decode(examples()[kind].payload)
    needed = {field.encode_name for field in msgspec.structs.fields(KINDS[kind]) if field.required}
    return {key: value[key] for key in value if key in needed or key == "kind"}


def is_read(kind: str, **fields: Any) -> bool:
    """Whether the least record of a kind is interpreted with these fields; it is canonical anyhow."""
    payload = encoding.encode(least(kind) | fields)
    read = parse(payload)
    if isinstance(read, Uninterpreted):
        return False
    assert isinstance(read, KINDS[kind]), read
    assert to_payload(read) == payload
    return True


# The edges -------------------------------------------------------------------------------------

HASHES = hashes_in_order(65)
HEAD = [HASHES[0], 2**32, HASHES[1], bytes(64), []]
SIGNED = [HASHES[0], bytes(64)]
OF_32_BYTES = ([bytes(32), b"\xff" * 32], [b"", bytes(31), bytes(33), "x" * 32])
A_TIME = ([0, 253_402_300_799_999], [-1, 253_402_300_800_000, 2**63 - 1])
A_DAY = (
    ["0001-01-01", "2028-02-29", "9999-12-31"],
    ["", "0000-01-01", "2030-02-29", "2030-13-01", "2030-1-31", "20300131", "2030-W05-4", "2030-031",
     "10000-01-01", "2030-01-31\n", "2030/01/31", "\uff12\uff10\uff13\uff10-01-31", "2030-01-3\uff11"],
)  # fmt: skip
A_TRANSFER_PLACE = ([0, 31], [-1, 32])


def line(most: int) -> tuple[list[str], list[str]]:
    """A text of one line: no break in it, whatever the code point for it."""
    breaks = ["a\nb", "\n", "a\n", "a\u2028b", "a\u2029"]
    return ["x", "ñ" * most, "🌽" * most], ["", "x" * (most + 1), "🌽" * (most + 1), *breaks]


A_NAME = line(120)
A_CODE = line(48)
A_TEXT = (["x", "a\n\nb\n", "a\u2028b", "ñ" * 2_000, "🌽" * 1_500], ["", "x" * 2_001])
AMOUNTS = (
    [[1, 0, "u"], [10**12, 0, "u"], [999_999, 6, "x" * 48], [10, 0, "🌽"]],
    [[0, 0, "u"], [-1, 0, "u"], [10**12 + 1, 0, "u"], [1, -1, "u"], [1, 7, "u"], [1, 0, ""], [1, 0, "x" * 49],
     [10, 1, "u"], [1_000_000, 6, "u"], [1, 0, "a\nb"], [1, 0], [1, 0, "u", 0], [], [1, 0, None],
     ["1", 0, "u"], [True, 0, "u"], {"number": 1, "scale": 0, "unit": "u"}],
)  # fmt: skip
AUTHORITIES = (
    [{"keys": HASHES[:1], "threshold": 1}, {"keys": HASHES[:32], "threshold": 32}],
    [{"keys": [], "threshold": 1}, {"keys": HASHES[:33], "threshold": 1},
     {"keys": HASHES[:2], "threshold": 0}, {"keys": HASHES[:2], "threshold": 3},
     {"keys": HASHES[:32], "threshold": 33},
     {"keys": [HASHES[1], HASHES[0]], "threshold": 1}, {"keys": [HASHES[0]] * 2, "threshold": 1},
     {"keys": [bytes(31)], "threshold": 1}, {"keys": HASHES[:1]}, {"threshold": 1}, {},
     {"keys": HASHES[:1], "threshold": 1, "note": "x"}, {"keys": HASHES[:1], "threshold": 1, "x_note": "x"},
     {"keys": HASHES[:1], "threshold": True}, [HASHES[:1], 1]],
)  # fmt: skip
SEEN = (
    [[HEAD], [HEAD] * 16, [[*HEAD[:4], ["!", "~ ~", "x" * 200, "x"]]], [[HASHES[0], 1, *HEAD[2:]]]],
    [[], [HEAD] * 17, [HEAD[:4]], [[*HEAD, 0]], [[HASHES[0], 0, *HEAD[2:]]],
     [[HASHES[0], 2**32 + 1, *HEAD[2:]]], [[bytes(31), *HEAD[1:]]], [[*HEAD[:2], bytes(33), *HEAD[3:]]],
     [[*HEAD[:3], bytes(63), []]],
     [[*HEAD[:4], ["x"] * 5]], [[*HEAD[:4], [" x"]]], [[*HEAD[:4], ["x "]]], [[*HEAD[:4], [""]]],
     [[*HEAD[:4], ["x" * 201]]], [[*HEAD[:4], ["ñ"]]], [[*HEAD[:4], ["x\n"]]], [HEAD, None], {"0": HEAD}],
)  # fmt: skip
IMAGES = (
    [HASHES[:1], HASHES[:8], [HASHES[1], HASHES[0]]],
    [[], HASHES[:9], [HASHES[0]] * 2, [bytes(31)], [None]],
)
SIGNATURES_BAD: list[Any] = [
    [], [SIGNED[:1]], [[*SIGNED, 0]], [[bytes(31), bytes(64)]], [[HASHES[0], bytes(65)]], [None],
]  # fmt: skip
SEALS = [[log, 2**32, HASHES[0]] for log in HASHES[:34]]


def mandate(**fields: Any) -> dict[str, Any]:
    """A mandate for the exchange of the example of `accept`."""
    return {"act": "Acta 1", "exchange": least("accept")["exchange"], "signatures": [SIGNED]} | fields


def proposal(count: int) -> list[dict[str, Any]]:
    """So many transfers, back and forth between two parties."""
    return [{"from": place % 2, "title": "x", "to": 1 - place % 2} for place in range(count)]


def transfer(**fields: Any) -> list[dict[str, Any]]:
    """One transfer, with these fields beside those that it must have."""
    return [{"from": 0, "title": "x", "to": 1} | fields]


def without(key: str) -> list[dict[str, Any]]:
    """One transfer that lacks a field."""
    return [{other: value for other, value in transfer()[0].items() if other != key}]


TRANSFERS = (
    [proposal(1), proposal(32), *(transfer(title=title) for title in A_NAME[0]), transfer(listing=bytes(32)),
     *(transfer(category=code) for code in A_CODE[0]), *(transfer(due=day) for day in A_DAY[0]),
     *(transfer(quantity=amount) for amount in AMOUNTS[0]), transfer(**{"from": 1, "to": 0})],
    [[], proposal(33), *(transfer(title=title) for title in A_NAME[1]), transfer(listing=bytes(31)),
     *(transfer(category=code) for code in A_CODE[1]), *(transfer(due=day) for day in A_DAY[1]),
     *(transfer(quantity=amount) for amount in AMOUNTS[1]),
     transfer(to=2), transfer(to=8), transfer(to=0), transfer(**{"from": -1}), transfer(**{"from": 2}),
     transfer(note="x"), transfer(x_note="x"), transfer(due=None), transfer(giver=0),
     without("title"), without("from"), without("to"), [[0, "x", 1]]],
)  # fmt: skip

LIMITS: dict[str, tuple[list[Any], list[Any]]] = {
    "about": A_TEXT,
    "answer_by": A_TIME,
    "at": A_TIME,
    "by": A_NAME,
    "category": A_CODE,
    "commune": OF_32_BYTES,
    "condition": (["short", "damaged"], ["good", "", "Short", "broken"]),
    "contact": A_TEXT,
    "council": A_NAME,
    "council_id": OF_32_BYTES,
    "dispute": OF_32_BYTES,
    "exchange": OF_32_BYTES,
    "images": IMAGES,
    "log": OF_32_BYTES,
    "mandate": (
        [mandate(), mandate(signatures=[SIGNED] * 32), *(mandate(act=act) for act in A_TEXT[0])],
        [mandate(exchange=bytes(32)), mandate(exchange=bytes(31)), mandate(x_note="x"), mandate(note="x"), {},
         mandate(signatures=[SIGNED] * 33), *(mandate(signatures=bad) for bad in SIGNATURES_BAD),
         *(mandate(act=act) for act in A_TEXT[1]),
         {key: value for key, value in mandate().items() if key != "signatures"}],
    ),
    "name": A_NAME,
    "network": (["a", "0-9", "z" * 32], ["", "z" * 33, "Comunas", "a_b", "a b", "a\n", "ñ"]),
    "note": A_TEXT,
    "outcome": (["due", "closed"], ["", "Due", "open"]),
    "parties": (
        [HASHES[:2]], [[], HASHES[:1], HASHES[:3], HASHES[:9], [HASHES[1], HASHES[0]], [HASHES[0]] * 2],
    ),
    "place": A_NAME,
    "quantity": AMOUNTS,
    "reason": A_TEXT,
    "replaces": OF_32_BYTES,
    "seen": SEEN,
    "target": OF_32_BYTES,
    "title": A_NAME,
    "transfer": A_TRANSFER_PLACE,
    "transfers": TRANSFERS,
    "until": A_DAY,
    "wants": A_TEXT,
    "within": A_NAME,
    "within_id": OF_32_BYTES,
}  # fmt: skip

LIMITS_OF: dict[tuple[str, str], tuple[list[Any], list[Any]]] = {
    ("authority", "authority"): AUTHORITIES,
    ("authority", "previous"): (
        [HASHES[:1], HASHES[:32]], [[], HASHES[:33], [HASHES[1], HASHES[0]], [HASHES[0]] * 2, [bytes(31)]],
    ),
    ("authority", "signatures"): ([[SIGNED], [SIGNED] * 64], [[SIGNED] * 65, *SIGNATURES_BAD]),
    ("charter", "authority"): AUTHORITIES,
    ("succession", "authority"): OF_32_BYTES,
    ("succession", "previous"): (
        [SEALS[:1], SEALS[:32], [[HASHES[0], 0, HASHES[0]]]],
        [[], SEALS[:33], [SEALS[1], SEALS[0]], [SEALS[0]] * 2, [[HASHES[0], -1, HASHES[0]]],
         [[HASHES[0], 2**32 + 1, HASHES[0]]], [SEALS[0][:2]], [[*SEALS[0], 0]], [[bytes(31), 1, HASHES[0]]],
         [[HASHES[0], 1, bytes(33)]], [[least("succession")["log"], 1, HASHES[0]]]],
    ),
    ("succession", "signatures"): ([[SIGNED], [SIGNED] * 32], [[SIGNED] * 33, *SIGNATURES_BAD]),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "field"), ALL_FIELDS)
def test_a_field_is_read_up_to_its_limits_and_not_beyond(kind: str, field: str) -> None:
    """The tables above are written by hand; a field without a line in them fails here."""
    if field == "kind":
        return
    read, not_read = LIMITS_OF.get((kind, field)) or LIMITS[field]
    for value in read:
        assert is_read(kind, **{field: value}), value
    for value in not_read:
        assert not is_read(kind, **{field: value}), value


@pytest.mark.parametrize(("kind", "field"), ALL_FIELDS)
def test_a_value_of_another_type_is_not_read(kind: str, field: str) -> None:
    whole: Any = encoding.decode(examples()[kind].payload)
    for other in (None, False, True, 0, 7, "7", b"7", [], ["7"], {}, {"a": 1}):
        if field != "kind" and type(other) is not type(whole[field]):
            assert not is_read(kind, **{field: other}), other


@pytest.mark.parametrize("kind", KINDS)
def test_the_least_record_of_a_kind_is_read_and_each_of_its_fields_is_needed(kind: str) -> None:
    assert is_read(kind)
    for field in least(kind):
        payload = encoding.encode({key: value for key, value in least(kind).items() if key != field})
        assert not isinstance(parse(payload), KINDS[kind]), field


@pytest.mark.parametrize("kind", KINDS)
def test_an_optional_field_that_spells_out_its_default_is_not_read(kind: str) -> None:
    for field in msgspec.structs.fields(KINDS[kind]):
        if field.default is not msgspec.NODEFAULT:
            assert not is_read(kind, **{field.encode_name: field.default}), field.name


# Their shape -----------------------------------------------------------------------------------


@pytest.mark.parametrize("struct", STRUCTS, ids=lambda struct: struct.__name__)
def test_fields_stand_in_the_order_of_their_names(struct: Any) -> None:
    """Encoding a Struct gives the canonical form only so."""
    assert list(struct.__struct_encode_fields__) == sorted(struct.__struct_encode_fields__)


@pytest.mark.parametrize("struct", STRUCTS, ids=lambda struct: struct.__name__)
def test_structs_are_frozen_know_their_fields_and_leave_defaults_out(struct: Any) -> None:
    config = struct.__struct_config__
    assert config.frozen
    assert config.forbid_unknown_fields
    assert config.omit_defaults or not struct.__struct_defaults__


@pytest.mark.parametrize("struct", [Quantity, Signed, kinds.Seal])
def test_small_things_are_arrays_without_defaults(struct: Any) -> None:
    """An array with a default at its end would have two lengths."""
    assert struct.__struct_config__.array_like
    assert struct.__struct_defaults__ == ()


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_the_common_fields_and_its_name(kind: str) -> None:
    struct = KINDS[kind]
    assert {"at", "by", "kind", "seen"} <= set(struct.__struct_fields__)
    assert re.fullmatch("[a-z]{1,32}", kind)
    assert examples()[kind].record.kind == kind
    assert list(KINDS) == sorted(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_the_example_of_a_kind_leaves_no_field_out(kind: str) -> None:
    """What is tested by changing the examples is then tested for every field."""
    value: Any = encoding.decode(examples()[kind].payload)
    assert tuple(value) == KINDS[kind].__struct_encode_fields__
