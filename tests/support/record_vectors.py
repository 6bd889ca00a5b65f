"""The vectors of records: every kind from fixed keys, what is not interpreted, and what is no record.

tests/ledger/test_record_vectors.py holds tests/vectors/records.json against
them; tests/support/vectors.py says how they are written anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from ledger import encoding
from ledger.records import Accept, Uninterpreted, mandate_body, parse, signed_body, subjects

from .record_examples import NETWORK, SEEDS, Told, examples, story

ABOUT = (
    "The records of docs/spec/records.md, made by tests/support/record_vectors.py; in values, binary is an "
    "object with its bytes under 'hex'"
)


def record_vectors() -> dict[str, Any]:
    """All of tests/vectors/records.json."""
    return {
        "about": ABOUT,
        "network": NETWORK,
        "seeds": {name: seed.hex() for name, seed in SEEDS.items()},
        "records": [_record(told) for told in story()],
        "with_ignored_fields": list(_ignored()),
        "uninterpreted": list(_uninterpreted()),
        "malformed": [{"name": name, "payload": data.hex()} for name, data in _malformed().items()],
    }


def readable(value: Any) -> Any:
    """A value as JSON can show it."""
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    if isinstance(value, list):
        return [readable(item) for item in value]
    if isinstance(value, dict):
        return {key: readable(item) for key, item in value.items()}
    return value


def _record(told: Told) -> dict[str, Any]:
    vector: dict[str, Any] = {
        "kind": told.record.kind,
        "log": told.log.hex(),
        "index": told.index,
        "entry_id": told.id.hex(),
        "payload": told.payload.hex(),
        "value": readable(encoding.decode(told.payload)),
        "about": [entry.hex() for entry in subjects(told.record)],
    }
    if told.record.kind in ("authority", "succession"):
        vector["signatures_cover"] = signed_body(told.payload, NETWORK).hex()
    if isinstance(told.record, Accept) and told.record.mandate is not None:
        vector["mandate_signatures_cover"] = mandate_body(told.record.mandate, NETWORK).hex()
    return vector


def _plain(kind: str) -> dict[str, Any]:
    value: Any = encoding.decode(examples()[kind].payload)
    return dict(value)


def _ignored() -> Iterator[dict[str, Any]]:
    for kind in ("offer", "succession"):
        told = examples()[kind]
        payload = encoding.encode(_plain(kind) | {"x_": None, "x_colour": ["rojo", {"x_deep": told.id}]})
        yield {"reads_as": told.id.hex(), "payload": payload.hex()}


def _uninterpreted() -> Iterator[dict[str, Any]]:
    exchange, head = _plain("accept")["exchange"], _plain("accept")["seen"][0]
    offer, propose = _plain("offer"), _plain("propose")
    transfer = propose["transfers"][0]
    values: dict[str, dict[str, Any]] = {
        "an unknown kind, with ids inside and heads": {
            "at": 1,
            "kind": "poll",
            "options": [{"exchange": exchange}, "x" * 32],
            "seen": [head],
            "signatures": [[head[0], head[3]]],
            "x_exchange": propose["replaces"],
        },
        "a kind that is reserved": {"at": 1, "kind": "delegation"},
        "an unknown field": _plain("accept") | {"later": 1},
        "an unknown field inside a field": propose | {"transfers": [transfer | {"x_note": "?"}]},
        "a field is missing": {key: value for key, value in offer.items() if key != "title"},
        "a default is written out: nil": offer | {"place": None},
        "a default is written out: an empty array": offer | {"images": []},
        "a default is written out: good": _plain("receive") | {"condition": "good"},
        "a head without its list of extension lines": offer | {"seen": [head[:4]]},
        "another type": offer | {"title": 7},
        "a title of 121 characters": offer | {"title": "x" * 121},
        "an empty note": offer | {"note": ""},
        "a title of two lines": offer | {"title": "maíz\ncaraotas"},
        "a number with a zero at the end of its decimals": offer | {"quantity": [1050, 2, "kg"]},
        "a day that is not in the calendar": offer | {"until": "2030-02-29"},
        "an image twice": offer | {"images": offer["images"] * 2},
        "parties in another order": propose | {"parties": propose["parties"][::-1]},
        "a transfer from a party to itself": propose | {"transfers": [transfer | {"to": transfer["from"]}]},
        "a transfer to a party that is not there": propose | {"transfers": [transfer | {"to": 2}]},
        "a mandate for another exchange": _plain("accept")
        | {"mandate": _plain("accept")["mandate"] | {"exchange": bytes(32)}},
        "more signatures asked for than there are keys": _plain("charter")
        | {"authority": _plain("charter")["authority"] | {"threshold": 2}},
        "a log that continues itself": _plain("succession") | {"log": _plain("succession")["previous"][0][0]},
    }
    for name, value in values.items():
        payload = encoding.encode(value)
        read = parse(payload)
        assert isinstance(read, Uninterpreted), name
        yield {
            "name": name,
            "payload": payload.hex(),
            "kind": read.kind,
            "names": sorted(entry.hex() for entry in read.names),
            "seen": [[seen.log.hex(), seen.size] for seen in read.seen],
        }


def _malformed() -> dict[str, bytes]:
    offer = _plain("offer")
    payload, withdraw = examples()["offer"].payload, examples()["withdraw"].payload
    return {
        "empty": b"",
        "not MessagePack": b"\xc1",
        "text": encoding.encode("offer"),
        "an array": encoding.encode(["kind", "offer"]),
        "a map without a kind": encoding.encode({"at": 1}),
        "a kind that is a number": encoding.encode({"at": 1, "kind": 1}),
        "keys in another order": msgspec.msgpack.encode(dict(reversed(list(offer.items())))),
        "a key twice": bytes([withdraw[0] + 1]) + withdraw[1:] + withdraw[withdraw.index(b"\xa6target") :],
        "a long form of the map's header": b"\xde\x00" + bytes([payload[0] - 0x80]) + payload[1:],
        "a float": msgspec.msgpack.encode(offer | {"at": 1.0}),
        "a bidirectional control in a title of two lines": msgspec.msgpack.encode(
            offer | {"title": "a\n\u202e"}
        ),
        "a text that is not in normal form C": msgspec.msgpack.encode(offer | {"note": "mai\u0301z"}),
        "a code point of Unicode 15": msgspec.msgpack.encode(offer | {"note": "\U0001fae8"}),
        "a float in a field that could be ignored": msgspec.msgpack.encode(offer | {"x_a": 0.5}),
        "a byte too many": payload + b"\xc0",
        "cut short": payload[:-1],
        "8,193 bytes": encoding.encode({"kind": "poll", "text": "x" * (8_193 - 19)}),
    }
