"""Places: where this node lets itself be sent by what others say.

Decides which hosts and ports may be called that a log has signed, and how such
a call is made: a name is looked up, and every address that it leads to is looked
at, before anything is sent; nobody is followed to another address. What the
operator gave, or what is announced on the local network, is not judged here.

Addresses of networks of one's own (10.0.0.0/8 and the like) may be called: a
region's wireless network has no others. Loopback may on networks for trials
alone: on a real one it would let others send this node to its own services.
"""

from __future__ import annotations

import socket
from ipaddress import ip_address
from typing import Any, Final

from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector, ThreadedResolver, TraceConfig
from aiohttp.abc import AbstractResolver, ResolveResult

from protocol.addresses import Addresses, Place, is_open_port

from .limits import CONNECT_SECONDS

REAL_NETWORK: Final = "comunas"
"""The network for real use; any other is for trials (docs/GLOSSARY.md)."""


class _NotToBeCalled(ClientError, OSError):
    """A place leads where this node does not call."""


def may_call(host: str, network: str) -> bool:
    """Whether an IP address may be called; a name is not known to lead anywhere before it is looked up."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return False
    address = getattr(address, "ipv4_mapped", None) or address
    if address.is_loopback:
        return network != REAL_NETWORK
    return not (
        address.is_link_local or address.is_multicast or address.is_unspecified or address.is_reserved
    )


def callable_places(told: Addresses, network: str) -> list[Place]:
    """The places of a log that may be called, names among them, which are looked up later."""
    return [
        place
        for place in told.places
        if is_open_port(place.port) and (may_call(place.host, network) or not _is_literal(place.host))
    ]


def _is_literal(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


class GuardedResolver(AbstractResolver):
    """Looks names up, and gives none of the addresses that may not be called."""

    def __init__(self, network: str, resolver: AbstractResolver | None = None) -> None:
        self._network = network
        self._resolver = resolver or ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """What a name leads to, less what may not be called. Raises OSError if nothing is left."""
        found = [
            each
            for each in await self._resolver.resolve(host, port, family)
            if may_call(each["host"], self._network)
        ]
        if not found:
            raise _NotToBeCalled(f"{host} leads nowhere that may be called")
        return found

    async def close(self) -> None:
        """End the lookups."""
        await self._resolver.close()


async def _refuse_redirect(*_: Any) -> None:
    raise _NotToBeCalled("sent on to another address")


def client_for(unasked: frozenset[str], network: str | None = None) -> ClientSession:
    """What links are opened with, without the `unasked` headers: goes nowhere else than it is sent.

    With a `network`, names are looked up by a `GuardedResolver`.
    """
    trace = TraceConfig()
    trace.on_request_redirect.append(_refuse_redirect)
    return ClientSession(
        connector=None if network is None else TCPConnector(resolver=GuardedResolver(network)),
        skip_auto_headers=unasked,
        timeout=ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
        trace_configs=[trace],
    )
