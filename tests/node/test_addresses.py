"""Addresses of nodes as people type them: how they are read, and what is said of what is none."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from node.addresses import Address, parse_address, parse_place
from node.errors import InputError


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("montes.example:1", "montes.example", 1),
        (" Montes.Example ", "montes.example", 8784),
        ("montes", "montes", 8784),
        ("los-montes.local:65535", "los-montes.local", 65535),
        ("10.0.0.1:8784", "10.0.0.1", 8784),
        ("10.0.0.1", "10.0.0.1", 8784),
        ("[2001:DB8:0::5]:65535", "2001:db8::5", 65535),
        ("[::1]", "::1", 8784),
    ],
)
def test_an_address_is_a_host_and_a_port_or_the_usual_one(text: str, host: str, port: int) -> None:
    address = parse_address(text)
    assert address == Address(host, port)
    assert parse_address(str(address)) == address


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is not an address"),
        (":1", "is not an address"),
        ("montes:", "is not an address"),
        ("a b:1", "is not an address"),
        ("x:1:2", "is not an address"),
        ("é:1", "is not an address"),
        ("-montes:1", "is not an address"),
        ("montes..example:1", "is not an address"),
        ("10.0.0.256", "is not an address"),
        ("10.0.0:8784", "is not an address"),
        ("0.0.0.0:8784", "is not an address"),
        ("[ff02::1]:8784", "is not an address"),
        ("[montes]:8784", "is not an address"),
        ("[fe80::1%eth0]:8784", "is not an address"),
        ("montes:\u0661", "is not an address"),
        ("m" * 64 + ".example", "is not an address"),
        ("montes." * 40 + "example", "is not an address"),
        ("montes:0", "from 1 to 65535"),
        ("montes:65536", "from 1 to 65535"),
        ("2001:db8::5", r"brackets.*\[2001:db8::5\]:8784"),
        ("http://192.168.1.5:8783/", "address of a page"),
    ],
)
def test_what_is_none_is_refused_with_what_to_write(text: str, said: str) -> None:
    with pytest.raises(InputError) as refused:
        parse_address(text)
    refused.match(said)
    assert len(str(refused.value)) < 300


@given(st.text(max_size=60))
@example("[::")
@example("[::1%]:1")
@example("1." * 30)
def test_junk_raises_the_declared_error_alone(text: str) -> None:
    for read in (parse_address, parse_place):
        with suppress(InputError):
            read(text)
