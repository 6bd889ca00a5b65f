"""Whence: from where a browser connects, and by which names it may call this computer.

Decides both by the connection alone, its two addresses, and never by what a
request says of itself: what somebody adds before a request on its way (a proxy's
headers) can be added by anybody.
"""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

from aiohttp import web

from . import adapters
from .door import is_here

Ip = IPv4Address | IPv6Address

LOCAL: Final = tuple(
    ip_network(network)
    for network in (
        "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16",  # RFC 1918
        "169.254.0.0/16", "fe80::/10",  # link-local: RFC 3927, RFC 4291
        "100.64.0.0/10",  # behind the translation of a carrier or a private overlay: RFC 6598
        "fc00::/7",  # RFC 4193
        "127.0.0.0/8", "::1/128",
    )
)  # fmt: skip
"""Networks that no address of the open internet is in."""


def host_of(request: web.Request) -> str:
    """The address at the other end of a request's connection, empty if it is gone."""
    peer = None if request.transport is None else request.transport.get_extra_info("peername")
    return str(peer[0]) if peer else ""


def is_from_here(request: web.Request) -> bool:
    """Whether this very computer is at the other end."""
    return is_here(host_of(request))


def is_from_near(request: web.Request) -> bool:
    """Whether somebody on a local network is at the other end: the open internet is let in by no password."""
    address = _address(host_of(request))
    if address is None:
        return False
    if any(address in network for network in LOCAL):
        return True
    try:
        interfaces = adapters.read(loopback=True)
    except OSError:
        return False
    return any(address in network for interface in interfaces for network in interface.networks)


def is_reached_at(request: web.Request, name: str) -> bool:
    """Whether a name, as a Host header has it, is the address at which this very connection came in.

    That is an address of this computer now, however often they change, and no
    page elsewhere can have its name bent to it and still send it (DNS rebinding).
    """
    own = None if request.transport is None else request.transport.get_extra_info("sockname")
    given = _address(name[1:-1] if name.startswith("[") and name.endswith("]") else name)
    return own is not None and given is not None and given == _address(str(own[0]))


def local_name() -> str:
    """The name of this computer on the local network, where something there answers to it (RFC 6762)."""
    return f"{socket.gethostname().partition('.')[0].lower()}.local"


def _address(text: str) -> Ip | None:
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
