"""Addresses of nodes: one spelling, signed by the log, and nothing that is no host."""

from __future__ import annotations

import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.signing import SigningKey
from protocol.addresses import (
    PURPOSE,
    Place,
    check_host,
    decode_addresses,
    decode_addresses_wanted,
    encode_addresses,
    encode_addresses_wanted,
    sign_addresses,
)
from protocol.errors import MessageError
from protocol.limits import MAX_TOLD_ADDRESSES

from ..support.address_vectors import HOSTS, NO_HOSTS, NUMBER, PLACES, address_vectors, said
from ..support.log_vectors import NETWORK
from ..support.vectors import assert_page_is_from_vectors, assert_regenerates, load, page


def test_the_vectors_come_out_the_same_byte_for_byte() -> None:
    assert_regenerates("addresses", address_vectors())


def test_the_vectors_are_read_and_written_again() -> None:
    vectors = load("addresses")
    for vector in vectors["messages"]:
        body = bytes.fromhex(vector["body"])
        told = decode_addresses(body)
        assert all(each.is_signed(NETWORK) for each in told)
        assert not any(each.is_signed("ensayo") for each in told), "a signature is good in one network"
        assert encode_addresses(told) == body
    wanted = bytes.fromhex(vectors["wanted"]["body"])
    assert encode_addresses_wanted(decode_addresses_wanted(wanted)) == wanted
    signed = bytes.fromhex(vectors["context"] + vectors["signed"])
    assert SigningKey(bytes.fromhex(vectors["seed"])).sign(signed) == said(*PLACES).signature


def test_the_vectors_that_are_forged_are_found_out() -> None:
    for vector in load("addresses")["forged"]:
        (told,) = decode_addresses(bytes.fromhex(vector["body"]))
        assert not told.is_signed(NETWORK)


def test_the_vectors_that_are_refused_are() -> None:
    for vector in load("addresses")["refused"]:
        with pytest.raises(MessageError):
            decode_addresses(bytes.fromhex(vector["body"]))


def test_the_example_on_the_page_is_a_vector() -> None:
    assert assert_page_is_from_vectors("addresses") >= 4
    (example,) = re.findall(r"(?m)(?:^    (?:[0-9a-f]{2,}|  ).*\n){9,}", page("addresses"))
    digits = ""
    for line in example.splitlines():
        for word in line.split():
            if not re.fullmatch(r"(?:[0-9a-f]{2})+", word):
                break  # the rest of the line says in words what the bytes are
            digits += word
    body = load("addresses")["messages"][0]["body"]
    assert digits == f"8500{len(body) // 2:08x}{body}"


@pytest.mark.parametrize("host", HOSTS)
def test_names_and_addresses_are_hosts(host: str) -> None:
    check_host(host)


@pytest.mark.parametrize("host", NO_HOSTS)
def test_what_has_another_spelling_or_is_none_is_no_host(host: str) -> None:
    with pytest.raises(MessageError):
        check_host(host)
    with pytest.raises(MessageError):
        decode_addresses(encode_addresses([msgspec.structs.replace(said(), places=(Place(host, 1),))]))
    with pytest.raises(MessageError):
        sign_addresses(said().key, NUMBER, [Place(host, 1)], lambda text: bytes(64))


@given(st.binary(max_size=300))
def test_junk_raises_nothing_else(junk: bytes) -> None:
    for decode in (decode_addresses, decode_addresses_wanted):
        try:
            decode(junk)
        except MessageError:
            pass


@given(st.integers(0, 400), st.integers(0, 255))
def test_a_changed_byte_is_refused_or_found_out(at: int, byte: int) -> None:
    body = bytearray(encode_addresses([said(*PLACES)]))
    body[at % len(body)] ^= byte
    try:
        told = decode_addresses(bytes(body))
    except MessageError:
        return
    assert byte == 0 or not all(each.is_signed(NETWORK) for each in told)


def test_no_more_than_a_message_may_hold_are_asked_for() -> None:
    for count in (0, -1, MAX_TOLD_ADDRESSES + 1):
        with pytest.raises(MessageError):
            decode_addresses_wanted(encode_addresses_wanted(count))
    assert PURPOSE == "addresses"
