"""Vectors for signed addresses, from a fixed key.

A second implementation can be checked against tests/vectors/addresses.json;
tests/protocol/test_addresses.py holds that it comes out the same, byte for byte.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from ledger.log import LogKey
from ledger.signing import SigningKey, context
from protocol.addresses import (
    PURPOSE,
    Addresses,
    Place,
    encode_addresses,
    encode_addresses_wanted,
    sign_addresses,
    signed_text,
)

from .log_vectors import NETWORK, SEED

NUMBER: Final = 1_767_225_600_000
"""A time in milliseconds, as this program counts; any number that grows will do."""

PLACES: Final = (Place("montes.example", 8784), Place("2001:db8::5", 8784), Place("192.0.2.7", 443))

HOSTS: Final = (
    "montes.example",
    "a-1.b2.example",
    "xn--caf-dma.example",
    "192.0.2.7",
    "10.1.2.3",
    "2001:db8::5",
)

NO_HOSTS: Final = (
    "localhost", "Montes.example", "montes.example.", ".example", "montes..example", "-a.example",
    "a-.example", "a_b.example", "montes example", "127.1", "1.2.3", "0x7f.0.0.1", "010.0.0.1",
    "[2001:db8::5]", "2001:DB8::5", "2001:db8:0:0:0:0:0:5", "fe80::1%eth0", "::ffff:192.0.2.7",
    "montés.example", "a" * 64 + ".example",
)  # fmt: skip


def said(*places: Place, number: int = NUMBER, seed: bytes = SEED) -> Addresses:
    """What the log of a seed says of where its node is."""
    key = SigningKey(seed)
    return sign_addresses(
        LogKey(key.public_key), number, places, lambda text: key.sign_in_context(PURPOSE, NETWORK, text)
    )


def address_vectors() -> dict[str, Any]:
    """Messages, and what is refused as one."""
    told, nowhere = said(*PLACES), said(number=NUMBER + 1)
    body = encode_addresses([told])
    packed = msgspec.msgpack.encode
    fields: list[Any] = [
        told.log,
        told.number,
        [[place.host, place.port] for place in told.places],
        told.signature,
    ]
    return {
        "network": NETWORK,
        "seed": SEED.hex(),
        "context": context(PURPOSE, NETWORK).hex(),
        "signed": signed_text(told.log, told.number, told.places).hex(),
        "messages": [
            {"comment": "three places", "body": body.hex()},
            {"comment": "no place any more", "body": encode_addresses([nowhere]).hex()},
        ],
        "wanted": {"comment": "a question for 64", "body": encode_addresses_wanted(64).hex()},
        "forged": [
            {"comment": "another number", "body": packed([[*fields[:1], NUMBER + 5, *fields[2:]]]).hex()},
            {"comment": "another log", "body": packed([[bytes(32), *fields[1:]]]).hex()},
        ],
        "refused": [
            {"comment": comment, "body": data.hex()}
            for comment, data in (
                ("none", b"\x90"),
                ("outside of an array", body[1:]),
                ("a byte too many", body + b"\x00"),
                ("a place twice", packed([[*fields[:2], [["a.example", 1]] * 2, fields[3]]])),
                (
                    "five places",
                    packed([[*fields[:2], [["a.example", port] for port in range(1, 6)], fields[3]]]),
                ),
                ("port 0", packed([[*fields[:2], [["a.example", 0]], fields[3]]])),
                ("a negative number", packed([[fields[0], -1, *fields[2:]]])),
                ("a signature too short", packed([[*fields[:3], fields[3][:-1]]])),
            )
        ],
        "hosts": list(HOSTS),
        "no_hosts": list(NO_HOSTS),
    }
