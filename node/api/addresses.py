"""Neighbours by address: those that somebody here gave, and how it stands with each."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from ..shapes.nodes import GivenAddress
from ..wishes import about
from .asking import Asked
from .endpoints import Endpoint


class Addresses(msgspec.Struct, frozen=True):
    """All addresses of nodes that somebody here gave."""

    items: list[GivenAddress]


class AddressAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The address of a node."""

    address: Annotated[str, about("`HOST:PORT`, or `HOST` alone for port 8784; IPv6 in brackets")]


async def list_addresses(asked: Asked) -> Addresses:
    """The addresses that were given."""
    return Addresses(await asked.resident.addresses())


async def add_address(asked: Asked) -> Addresses:
    """Call a node from now on."""
    body: AddressAsked = asked.body
    await asked.resident.add_address(body.address)
    return await list_addresses(asked)


async def remove_address(asked: Asked) -> Addresses:
    """Call it no longer."""
    body: AddressAsked = asked.body
    await asked.resident.remove_address(body.address)
    return await list_addresses(asked)


_TOLD: Final = "`items`: [all addresses that were given](json.md#given-address)"

ENDPOINTS: Final = (
    Endpoint(
        "GET", "/api/1/addresses", "listAddresses",
        "The addresses of other nodes that somebody here gave, and how it stands with the node at each.",
        list_addresses, _TOLD, Addresses,
    ),
    Endpoint(
        "POST", "/api/1/addresses", "addAddress",
        "Has a node called from now on, also after a restart; it is tried at once, and not waited for. An "
        "address that is none, stands there already or is this node's own is refused.",
        add_address, _TOLD, Addresses, body=AddressAsked, statuses=(201,),
    ),
    Endpoint(
        "POST", "/api/1/addresses/remove", "removeAddress",
        "Has it called no longer, and ends the link that was opened there. One of the settings is refused.",
        remove_address, _TOLD, Addresses, body=AddressAsked,
    ),
)  # fmt: skip
"""Neighbours by address."""
