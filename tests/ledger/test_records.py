"""Records: what becomes of a payload, whatever its bytes, and what the signatures inside one cover."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgpack
import msgspec
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from ledger import encoding, signing
from ledger.errors import EncodingError, RecordError
from ledger.log import Head
from ledger.records import (
    KINDS,
    Accept,
    AuthorityChange,
    Charter,
    Correct,
    Decline,
    Malformed,
    Mandate,
    Need,
    Offer,
    Profile,
    Propose,
    Quantity,
    Receive,
    Recognise,
    Record,
    Settle,
    Signed,
    Succession,
    Transfer,
    Uninterpreted,
    Unrecognise,
    Withdraw,
    mandate_body,
    parse,
    signed_body,
    subjects,
    to_payload,
)
from tests.support.record_examples import NETWORK, examples, story
from tests.support.records import hashes, hashes_in_order, records, records_of

HASHES = hashes_in_order(9)
HEAD = [HASHES[0], 7, HASHES[1], bytes(64), []]


def plain(kind: str) -> dict[str, Any]:
    """The map that the example of a kind is."""
    value: Any = encoding.decode(examples()[kind].payload)
    return dict(value)


def as_map(value: Any) -> Any:
    """What a record is as a plain value, by the rules of the specification and not by msgspec's encoder."""
    if isinstance(value, tuple):
        return [as_map(item) for item in value]
    if not isinstance(value, msgspec.Struct):
        return value
    fields = [(field, getattr(value, field.name)) for field in msgspec.structs.fields(value)]
    if isinstance(value, Quantity | Signed | Head) or value.__struct_config__.array_like:
        return [as_map(item) for _, item in fields]
    return {field.encode_name: as_map(item) for field, item in fields if item != field.default}


def expected(payload: bytes) -> type[Malformed] | None:
    """By the generic decoder alone: Malformed, or None for what is canonical and has a kind."""
    try:
        value = encoding.decode(payload)
    except EncodingError:
        return Malformed
    return None if isinstance(value, dict) and isinstance(value.get("kind"), str) else Malformed


def check(payload: bytes) -> None:
    """What must hold of any bytes: never an error, and the typed path agrees with the generic one."""
    read = parse(payload)
    assert (type(read) if isinstance(read, Malformed) else None) is expected(payload)
    if isinstance(read, Malformed):
        assert read.reason.endswith(".")
        return
    value: Any = encoding.decode(payload)
    known = {key: item for key, item in value.items() if not key.startswith("x_")}
    if isinstance(read, Uninterpreted):
        assert (read.kind, read.reason.endswith(".")) == (value["kind"], True)
        assert all(len(name) == 32 for name in read.names)
    else:
        assert to_payload(read) == encoding.encode(known) == encoding.encode(as_map(read))


# Round trips ------------------------------------------------------------------------------------


@given(records())
def test_a_record_is_read_as_it_was_written(record: Record) -> None:
    payload = to_payload(record)
    assert parse(payload) == record
    assert payload == encoding.encode(as_map(record))
    assert msgpack.unpackb(payload) == encoding.decode(payload)


@pytest.mark.parametrize("kind", KINDS)
def test_the_example_of_every_kind_is_read_as_it_was_written(kind: str) -> None:
    told = examples()[kind]
    assert type(told.record) is KINDS[kind]
    assert parse(told.payload) == told.record
    assert told.payload == encoding.encode(as_map(told.record))


@given(records())
def test_the_writer_takes_lists_and_spelled_out_defaults_as_what_they_mean(record: Record) -> None:
    """A condition typed by a person is not the same object as the default, nor a list a tuple."""
    loose: Any = msgspec.structs.replace(record, seen=list(record.seen))
    if isinstance(loose, Receive):
        loose = msgspec.structs.replace(loose, condition="".join(list(loose.condition)))
    if isinstance(loose, Offer | Need):
        loose = msgspec.structs.replace(loose, images=list(loose.images))
    assert to_payload(loose) == to_payload(record)


# Whatever the bytes -----------------------------------------------------------------------------


@given(st.binary(max_size=300))
@example(b"")
@example(b"\xc1")
@example(b"\x80")
@example(b"\x81\xa4kind\xc0")
@example(b"\x91" * 8_000)
@example(b"\xdd\xff\xff\xff\xff" * 1_000)
@example(b"\xdf\xff\xff\xff\xff\xa4kind\xa5offer")
@example(b"\x81\xa4kind\xa2\xff\xff")
@example(b"\x81\xa2\xff\xff\xa5offer")
def test_any_bytes_are_read_as_something(payload: bytes) -> None:
    check(payload)


@given(st.data())
def test_a_record_with_some_bytes_changed_is_read_as_something(data: st.DataObject) -> None:
    payload = bytearray(to_payload(data.draw(records())))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(payload) - 1))
        junk = data.draw(
            st.binary(max_size=3) | st.sampled_from([b"\xc0", b"\xd9", b"\xcc\x00", b"\n", b"\x80"])
        )
        payload[at : at + data.draw(st.integers(0, 3))] = junk
        assume(payload)
    check(bytes(payload))


def junk_values() -> SearchStrategy[Any]:
    """Values that MessagePack can hold, canonical or not."""
    leaves = (
        st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | hashes()
        | st.binary(max_size=4) | st.text(max_size=5)
        | st.sampled_from(["good", "kind", "\u202e", "e\u0301", "a\nb"])
    )  # fmt: skip
    keys = st.sampled_from(["kind", "at", "x_a", "note", "from", "to", "title", "Kind", "", "é"])
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
        max_leaves=6,
    )


@given(st.data())
def test_a_record_with_a_field_changed_is_read_as_something(data: st.DataObject) -> None:
    value: Any = encoding.decode(to_payload(data.draw(records())))
    for _ in range(data.draw(st.integers(1, 2))):
        key = data.draw(st.sampled_from([*sorted(value), "x_more", "more", "note", "by", "seen", "kind"]))
        if data.draw(st.booleans()):
            value[key] = data.draw(junk_values())
        else:
            value.pop(key, None)
    encoder = msgspec.msgpack.Encoder(order="sorted" if data.draw(st.booleans()) else None)
    check(encoder.encode(value))


@given(st.data())
def test_a_record_with_something_inside_a_field_changed_is_read_as_something(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(["accept", "authority", "charter", "offer", "propose", "succession"]))
    value: Any = plain(kind)
    inside = data.draw(st.sampled_from([key for key in value if isinstance(value[key], dict | list)]))
    place: Any = value[inside]
    while True:
        keys: list[Any] = sorted(place) if isinstance(place, dict) else list(range(len(place)))
        if not keys:
            return
        key = data.draw(st.sampled_from(keys))
        if not isinstance(place[key], dict | list) or data.draw(st.booleans()):
            break
        place = place[key]
    place[key] = data.draw(junk_values())
    check(msgspec.msgpack.Encoder(order="sorted").encode(value))


# Not canonical ----------------------------------------------------------------------------------


def long_forms(payload: bytes) -> list[bytes]:
    """A payload with its own header, then the header of its first key, in longer forms."""
    count, length = payload[0] - 0x80, payload[1] - 0xA0
    assert 0 <= count < 16
    assert 0 <= length < 32
    rest = payload[2:]
    return [
        b"\xde" + count.to_bytes(2, "big") + payload[1:],
        b"\xdf" + count.to_bytes(4, "big") + payload[1:],
        payload[:1] + b"\xd9" + length.to_bytes(1, "big") + rest,
        payload[:1] + b"\xda" + length.to_bytes(2, "big") + rest,
        payload[:1] + b"\xdb" + length.to_bytes(4, "big") + rest,
    ]


def one_more(payload: bytes) -> bytes:
    """A payload whose header says that one more pair follows."""
    count = payload[0] - 0x80 + 1
    return (bytes([0x80 + count]) if count < 16 else b"\xde" + count.to_bytes(2, "big")) + payload[1:]


def replaced(payload: bytes, old: bytes, new: bytes) -> bytes:
    """A payload with one thing in it replaced."""
    assert payload.count(old) == 1, payload.count(old)
    return payload.replace(old, new)


OTHER_BYTES = {"a byte too many": "trailing", "cut short": "truncated", "a float": "cannot hold a value"}
"""The reasons of those that fail before their bytes are compared."""


@pytest.mark.parametrize("kind", KINDS)
def test_what_says_the_same_in_other_bytes_is_malformed(kind: str) -> None:
    payload = examples()[kind].payload
    value = plain(kind)
    time = b"\xcf" + value["at"].to_bytes(8, "big")
    others = {
        "keys backwards": msgspec.msgpack.encode(dict(reversed(list(value.items())))),
        "a key twice": one_more(payload) + b"\xa2at" + time,
        "a kind twice": one_more(payload) + encoding.encode("kind") + encoding.encode(kind),
        "two kinds": one_more(payload) + encoding.encode("kind") + encoding.encode("profile"),
        "a signed integer": replaced(payload, b"\xa2at" + time, b"\xa2at" + b"\xd3" + time[1:]),
        "a float": msgspec.msgpack.encode(value | {"at": float(value["at"])}),
        "a byte too many": payload + b"\xc0",
        "cut short": payload[:-1],
        **{f"long form {place}": other for place, other in enumerate(long_forms(payload))},
    }
    for name, other in others.items():
        read = parse(other)
        assert isinstance(read, Malformed), name
        assert OTHER_BYTES.get(name, "It is not canonical") in read.reason, name


@pytest.mark.parametrize(
    ("name", "encoded"),
    [
        ("not UTF-8", b"\xa2\xc3\x28"),
        ("a surrogate", b"\xa3\xed\xa0\x80"),
        ("a long form of UTF-8", b"\xa2\xc1\x81"),
        ("not NFC", msgspec.msgpack.encode("mai\u0301z")),
        ("a bidirectional control", msgspec.msgpack.encode("a\u2067b")),
        ("a control", msgspec.msgpack.encode("a\x00b")),
        ("not assigned in Unicode 14", msgspec.msgpack.encode("\U0001fae8")),
        ("never assigned", msgspec.msgpack.encode("\ufffe")),
        ("a float", b"\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00"),
        ("a timestamp", b"\xd6\xff\x00\x00\x00\x01"),
        ("an extension", b"\xd4\x05\x00"),
        ("2^63", b"\xcf\x80" + bytes(7)),
        ("eight arrays", b"\x91" * 7 + b"\x90"),
        ("eight thousand arrays", b"\x91" * 7_900 + b"\xc0"),
        ("a map with a number as key", b"\x81\x01\x01"),
        ("a map with a key in capitals", b"\x81\xa1A\x01"),
        ("a map with an empty key", b"\x81\xa0\x01"),
        ("a map with a long key", b"\x81\xd9\x21" + b"a" * 33 + b"\x01"),
        ("an array that does not end", b"\xdd\x00\x00\xff\xff"),
        ("the byte that is never used", b"\xc1"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_value_that_no_record_can_hold_makes_any_payload_malformed(name: str, encoded: bytes) -> None:
    """In a field that is known, in one that may be ignored, in one that is unknown, in an unknown kind."""
    at = b"\xa2at\x01"
    for payload in (
        b"\x84" + at + b"\xa8exchange\xc4\x20" + bytes(32) + b"\xa4kind\xa6accept\xa4note" + encoded,
        b"\x84" + at + b"\xa8exchange\xc4\x20" + bytes(32) + b"\xa4kind\xa6accept\xa3x_a" + encoded,
        b"\x84" + at + b"\xa8exchange\xc4\x20" + bytes(32) + b"\xa4kind\xa6accept\xa3zzz" + encoded,
        b"\x83" + at + b"\xa4kind\xa4poll\xa3zzz" + encoded,
    ):
        assert isinstance(parse(payload), Malformed)
        assert expected(payload) is Malformed


@pytest.mark.parametrize("value", [None, True, 7, "offer", b"offer", [], ["kind", "offer"], {}, {"at": 1}])
def test_what_is_canonical_and_no_map_with_a_kind_is_malformed(value: Any) -> None:
    assert parse(encoding.encode(value)) == Malformed("It is not a map with a kind.")


@pytest.mark.parametrize("kind", [None, 7, b"offer", ["offer"]])
def test_a_kind_is_text(kind: Any) -> None:
    assert parse(encoding.encode({"at": 1, "kind": kind})) == Malformed("It is not a map with a kind.")


def test_a_payload_has_at_most_8192_bytes() -> None:
    value: Any = {"at": 1, "kind": "poll", "text": ""}
    room = 8_192 - len(encoding.encode(value)) - 2
    fits = encoding.encode(value | {"text": "x" * room})
    assert (len(fits), type(parse(fits))) == (8_192, Uninterpreted)
    over = encoding.encode(value | {"text": "x" * (room + 1)})
    assert parse(over) == Malformed("It has 8193 bytes; 8192 are allowed.")
    assert isinstance(parse(b"\x00" * 10_000_000), Malformed)
    long = Profile(at=1, name="x", about="🌽" * 1_500, contact="🌽" * 1_500)
    assert isinstance(parse(msgspec.msgpack.encode(long)), Malformed)


def test_a_field_may_nest_as_deep_as_a_record_can() -> None:
    nested: Any = 1
    for _ in range(7):
        nested = [nested]
    payload = encoding.encode({"at": 1, "kind": "poll", "nested": nested})
    assert isinstance(parse(payload), Uninterpreted)
    deeper = msgspec.msgpack.encode({"at": 1, "kind": "poll", "nested": [nested]})
    assert parse(deeper) == Malformed("It nests deeper than 8 levels.")


# Not interpreted --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["poll", "delegation", "Offer", "offers", "", "mandate", "x_offer", "a\nb"])
def test_an_unknown_kind_is_kept(kind: str) -> None:
    read = parse(encoding.encode({"at": 1, "kind": kind, "exchange": HASHES[0]}))
    assert read == Uninterpreted(kind, "This version does not know its kind.", frozenset({HASHES[0]}))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("field", ["aaa", "kinds", "zzz", "x", "xx_", "_x_"])
def test_an_unknown_field_makes_a_record_uninterpreted(kind: str, field: str) -> None:
    read = parse(encoding.encode(plain(kind) | {field: 1}))
    assert isinstance(read, Uninterpreted)
    assert field in read.reason


@pytest.mark.parametrize("kind", KINDS)
def test_fields_that_may_be_ignored_are(kind: str) -> None:
    record = examples()[kind].record
    extra = {"x_": None, "x_a": [1, {"x_b": HASHES[0]}], "x_kind": "offer", "x_zzz": ""}
    assert parse(encoding.encode(plain(kind) | extra)) == record


def test_fields_that_may_be_ignored_do_not_make_up_for_others() -> None:
    value = {"at": 1, "kind": "accept", "x_exchange": HASHES[0], "x_seen": [HEAD]}
    read = parse(encoding.encode(value))
    assert isinstance(read, Uninterpreted)
    assert (read.names, read.seen) == (frozenset(), ())
    assert "exchange" in read.reason


def test_only_fields_of_the_record_itself_may_be_ignored() -> None:
    """A mandate's signatures cover all that is in it; what is dropped there would undo them."""
    value = plain("accept")
    value["mandate"] = value["mandate"] | {"x_note": "?"}
    assert isinstance(parse(encoding.encode(value)), Uninterpreted)


def test_what_is_not_interpreted_names_the_ids_in_it() -> None:
    """So that an exchange among them is shown as needing a newer version."""
    value = {
        "at": 1,
        "exchange": HASHES[0],
        "kind": "poll",
        "others": [{"about": HASHES[1], "deep": [[HASHES[2]]]}, "x" * 32, bytes(31), bytes(33)],
        "seen": [HEAD],
        "signatures": [[HASHES[3], bytes(64)]],
        "vote": {"mandate": {"exchange": HASHES[4], "signatures": [[HASHES[5], bytes(64)]]}},
        "x_exchange": HASHES[6],
    }
    read = parse(encoding.encode(value))
    assert isinstance(read, Uninterpreted)
    assert read.names == {HASHES[0], HASHES[1], HASHES[2], HASHES[4]}


@given(records())
def test_what_a_record_is_about_is_named_too_when_it_is_not_interpreted(record: Record) -> None:
    """A reader that knows a kind and one that does not find the same exchanges."""
    value: Any = encoding.decode(to_payload(record))
    read = parse(encoding.encode(value | {"later": 1}))
    assert isinstance(read, Uninterpreted)
    assert set(subjects(record)) <= read.names
    assert read.seen == record.seen


@pytest.mark.parametrize(
    "seen",
    [
        [HEAD[:4]],
        [[*HEAD, 0]],
        [[HASHES[0], 0, *HEAD[2:]]],
        [HEAD] * 17,
        HEAD,
        {"a": HEAD},
        "x",
        [None],
        None,
        [],
    ],
)
def test_heads_that_are_not_in_their_form_are_not_seen(seen: Any) -> None:
    read = parse(encoding.encode({"at": 1, "kind": "poll", "seen": seen}))
    assert isinstance(read, Uninterpreted)
    assert read.seen == ()


def test_the_heads_that_an_unknown_kind_has_seen_are_read() -> None:
    """`seen` is common to all kinds, and later entries of the log build on it."""
    read = parse(encoding.encode({"at": 1, "kind": "poll", "seen": [HEAD, [*HEAD[:4], ["x"]]]}))
    assert isinstance(read, Uninterpreted)
    assert read.seen == (
        Head(HASHES[0], 7, HASHES[1], bytes(64)),
        Head(HASHES[0], 7, HASHES[1], bytes(64), ("x",)),
    )


# Writing ----------------------------------------------------------------------------------------

ACCEPT: dict[str, Any] = {"at": 1, "exchange": HASHES[0]}


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"at": -1}, "field 'at'"),
        ({"at": 2**64}, "one of its fields"),
        ({"at": "soon"}, "field 'at'"),
        ({"exchange": None}, "field 'exchange'"),
        ({"exchange": b""}, "field 'exchange'"),
        ({"note": ""}, "field 'note'"),
        ({"note": "x" * 2_001}, "field 'note'"),
        ({"note": object()}, "one of its fields"),
        ({"note": "\ud800"}, "one of its fields"),
        ({"note": "a\u202eb"}, "A text cannot be recorded"),
        ({"by": "a\nb"}, "more than one line"),
        ({"mandate": Mandate(act="x", exchange=HASHES[0])}, "Nobody has signed"),
        ({"kind": "decline"}, "Accept cannot be recorded as the kind 'decline'"),
        ({"kind": "poll"}, "Accept cannot be recorded as the kind 'poll'"),
    ],
)
def test_what_could_not_be_read_is_not_written(fields: dict[str, Any], sentence: str) -> None:
    with pytest.raises(RecordError, match=sentence):
        to_payload(Accept(**ACCEPT | fields))


def test_a_record_that_is_too_long_is_not_written() -> None:
    long = Profile(at=1, name="x", about="🌽" * 1_500, contact="🌽" * 1_500)
    with pytest.raises(RecordError, match="8192 are allowed"):
        to_payload(long)


# What a record is about -------------------------------------------------------------------------

ABOUT: list[tuple[Callable[..., Record], dict[str, Any], list[bytes]]] = [
    (Withdraw, {"target": HASHES[0]}, [HASHES[0]]),
    (Correct, {"target": HASHES[0], "note": "x"}, [HASHES[0]]),
    (Settle, {"dispute": HASHES[0], "outcome": "due"}, [HASHES[0]]),
    (Offer, {"category": "x", "title": "x"}, []),
    (Offer, {"category": "x", "title": "x", "replaces": HASHES[0], "images": (HASHES[1],)}, [HASHES[0]]),
    (Need, {"category": "x", "title": "x", "replaces": HASHES[0], "council_id": HASHES[1]}, [HASHES[0]]),
    (Profile, {"name": "x"}, []),
    (Recognise, {"commune": HASHES[0]}, []),
    (Unrecognise, {"commune": HASHES[0]}, []),
    (Decline, {"exchange": HASHES[0]}, [HASHES[0]]),
]


@pytest.mark.parametrize(("kind", "fields", "about"), ABOUT)
def test_a_record_is_about_the_entries_that_it_names(
    kind: Callable[..., Record], fields: dict[str, Any], about: list[bytes]
) -> None:
    assert subjects(kind(at=1, **fields)) == about


@pytest.mark.parametrize("kind", ["accept", "decline", "deliver", "receive", "dispute", "cancel"])
def test_the_steps_of_an_exchange_are_about_it(kind: str) -> None:
    assert subjects(examples()[kind].record) == [plain(kind)["exchange"]]


def test_records_of_a_commune_are_about_the_authority_they_are_signed_under() -> None:
    succession, change = examples()["succession"].record, examples()["authority"].record
    assert subjects(succession) == [plain("succession")["authority"]] == [examples()["authority"].id]
    assert subjects(change) == plain("authority")["previous"]
    assert subjects(examples()["charter"].record) == []


def test_a_proposal_is_about_each_listing_once() -> None:
    transfers = tuple(
        Transfer(giver=0, receiver=1, title="x", listing=listing)
        for listing in (HASHES[3], None, HASHES[2], HASHES[3])
    )
    proposal = Propose(at=1, parties=(HASHES[0], HASHES[1]), transfers=transfers)
    assert subjects(proposal) == [HASHES[3], HASHES[2]]
    assert subjects(msgspec.structs.replace(proposal, replaces=HASHES[2])) == [HASHES[2], HASHES[3]]


# Signatures inside ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["authority", "succession"])
def test_signatures_cover_the_record_without_them(kind: str) -> None:
    payload = examples()[kind].payload
    value = plain(kind)
    signatures = value.pop("signatures")
    body = signed_body(payload, NETWORK)
    assert body == f"trueque/{kind}/v1\n{NETWORK}\n".encode() + encoding.encode(value)
    assert signatures
    for key, signature in signatures:
        assert signing.verify(key, body, signature)
        assert not signing.verify(key, signed_body(payload, "comunas"), signature)


@given(records_of("authority") | records_of("succession"), st.sampled_from(["x_a", "zzz", "at", "log"]))
def test_signatures_cover_whatever_else_is_in_the_payload(record: Any, field: str) -> None:
    """A field that this version ignores may matter to another, and must not be added by others."""
    bare = to_payload(msgspec.structs.replace(record, signatures=()))
    assert signed_body(to_payload(record), NETWORK) == signed_body(bare, NETWORK)
    value: Any = encoding.decode(bare)
    changed = encoding.encode(value | {field: "changed"})
    assert signed_body(changed, NETWORK) != signed_body(bare, NETWORK)


@pytest.mark.parametrize(
    "kind", [*sorted(set(KINDS) - {"authority", "succession"}), "head", "mandate", "A", "a_b"]
)
def test_only_two_kinds_hold_signatures(kind: str) -> None:
    """So that a payload from outside cannot choose the context in which it is signed."""
    payload = encoding.encode({"at": 1, "kind": kind, "signatures": []})
    with pytest.raises(EncodingError):
        signed_body(payload, NETWORK)


@given(st.binary(max_size=60))
@example(encoding.encode({"at": 1}))
@example(encoding.encode({"kind": 1}))
@example(encoding.encode(["kind"]))
@example(b"\x81\xa4kind\xaasuccession\xc0")
def test_junk_has_no_signed_body(payload: bytes) -> None:
    with pytest.raises(EncodingError):
        signed_body(payload, NETWORK)


def test_a_network_that_cannot_be_is_told_apart() -> None:
    with pytest.raises(RecordError):
        signed_body(examples()["succession"].payload, "No Network")


def test_the_signatures_of_a_mandate_cover_it_without_them() -> None:
    record = examples()["accept"].record
    assert isinstance(record, Accept)
    mandate = record.mandate
    assert mandate is not None
    body = mandate_body(mandate, NETWORK)
    value = {"act": mandate.act, "exchange": record.exchange}
    assert body == f"trueque/mandate/v1\n{NETWORK}\n".encode() + encoding.encode(value)
    for signed in mandate.signatures:
        assert signing.verify(signed.key, body, signed.signature)


def test_the_examples_tell_of_one_commune() -> None:
    """The ids in the story are those of its own entries, so that it can be followed by hand."""
    ids = {told.id for told in story()}
    for told in story():
        assert set(subjects(told.record)) <= ids
        if isinstance(told.record, Succession | AuthorityChange):
            assert told.record.commune in ids
        if isinstance(told.record, Charter):
            assert told.index == 0
