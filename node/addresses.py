"""Addresses of nodes, as people type them: HOST, or HOST:PORT.

Decides what is one, in which spelling it is kept, and what is said of what is
none. Those that logs have signed are `protocol.addresses`'; which are called is
`named`'s and `calling`'s.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from protocol.addresses import Place, check_host, is_open_port
from protocol.errors import MessageError

from .errors import InputError

PEER_PORT: Final = 8784
"""The port at which other nodes are listened for, unless their operators say otherwise."""

EXAMPLE: Final = f"montes.example:{PEER_PORT}"

_TYPED: Final = re.compile(r"(?:\[(?P<six>[^\[\]]*)\]|(?P<host>[^\[\]:]*))(?::(?P<port>\d{1,9}))?", re.ASCII)
_LABEL: Final = r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)"
_NAME: Final = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*")
_NUMBERS: Final = re.compile(r"[0-9.]+")


@dataclass(frozen=True, slots=True)
class Address:
    """Where a node can be reached: a name or an IP address, and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_address(text: str) -> Address:
    """Read HOST or HOST:PORT, with brackets around an IPv6 address. Raises InputError.

    Names are kept in small letters, IP addresses in their one short spelling; without a
    port it is `PEER_PORT`.
    """
    given = text.strip()
    if "/" in given:
        raise InputError(
            "'{text}' is the address of a page: write that of a node, HOST:PORT, without http:// and "
            "without what follows, as in {example}.",
            text=given[:70],
            example=EXAMPLE,
        )
    matched = _TYPED.fullmatch(given)
    if matched is None and given.count(":") > 1 and _is_ip(given, 6):
        raise InputError(
            "An IPv6 address stands in brackets, so that its port is told from it: [{text}]:{port}.",
            text=given[:70],
            port=PEER_PORT,
        )
    host = None if matched is None else _host(matched["six"], matched["host"])
    if matched is None or host is None:
        raise InputError(
            "'{text}' is not an address of a node: write HOST:PORT, a name or an IP address and a port, as "
            "in {example}.",
            text=given[:70],
            example=EXAMPLE,
        )
    port = PEER_PORT if matched["port"] is None else int(matched["port"])
    if not 1 <= port <= 65_535:
        raise InputError(
            "'{text}' has a port that there is not: write HOST:PORT with a port from 1 to 65535.",
            text=given[:70],
        )
    return Address(host, port)


def _host(six: str | None, other: str | None) -> str | None:
    """A host in the spelling that is kept, None if it is none."""
    if six is not None:
        return str(ip_address(six)) if _is_ip(six, 6) and _is_somebody(six) else None
    assert other is not None
    if _NUMBERS.fullmatch(other):
        return str(ip_address(other)) if _is_ip(other, 4) and _is_somebody(other) else None
    return other.lower() if _NAME.fullmatch(other) else None


def _is_ip(text: str, version: int) -> bool:
    try:
        return "%" not in text and ip_address(text).version == version
    except ValueError:
        return False


def _is_somebody(text: str) -> bool:
    """Whether one computer can be at an IP address."""
    address = ip_address(text)
    return not (address.is_unspecified or address.is_multicast)


def parse_place(text: str) -> Place:
    """Read an address that others are to be told, in the one spelling that is signed. Raises InputError."""
    address = parse_address(text)
    try:
        check_host(address.host)
    except MessageError as error:
        raise _no_place(text) from error
    if not is_open_port(address.port):
        raise _no_place(text)
    return Place(address.host, address.port)


def _no_place(text: str) -> InputError:
    return InputError(
        "'{text}' is no address at which others call: write a whole name or an IP address, and a port "
        "from 1024 on, 80 or 443.",
        text=text[:70],
    )
