"""Adapters: what network interfaces the system has at this moment.

Decides nothing but what is up and can multicast; what is made of it is
`interfaces`'. The flags come from the system call, not from /sys, which shows
the interfaces of whoever mounted it.
"""

from __future__ import annotations

import socket
import struct
import sys
from contextlib import suppress
from ipaddress import IPv4Interface, IPv6Interface, ip_interface
from pathlib import Path
from typing import Final

from .interfaces import Interface, Interfaces, arrange

# Linux, include/uapi/linux/if.h and sockios.h
_GET_FLAGS: Final = 0x8913
_UP: Final = 0x1
_LOOPBACK: Final = 0x8
_POINT_TO_POINT: Final = 0x10
_RUNNING: Final = 0x40
_MULTICAST: Final = 0x1000
_NEEDED: Final = _UP | _RUNNING | _MULTICAST

# Linux, include/uapi/linux/if_addr.h: an address that is not yet known to be unique cannot be bound.
_ADDRESSES_6: Final = Path("/proc/net/if_inet6")
_DUPLICATE: Final = 0x08
_TENTATIVE: Final = 0x40


def read(loopback: bool = False) -> Interfaces:
    """The interfaces that are up, connected and can multicast, with their addresses; tunnels are none.

    With `loopback` this computer's own as well, for several nodes on one
    computer. Raises OSError if the system does not answer.
    """
    import ifaddr

    tentative = _tentative()
    found = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        for adapter in ifaddr.get_adapters():
            if adapter.index is None or not _is_usable(asking, adapter.name, loopback):
                continue
            addresses: list[IPv4Interface | IPv6Interface] = []
            for address in adapter.ips:
                text = address.ip if isinstance(address.ip, str) else address.ip[0]
                with suppress(ValueError):
                    parsed = ip_interface(f"{text.partition('%')[0]}/{address.network_prefix}")
                    if (adapter.index, parsed.ip.packed) not in tentative:
                        addresses.append(parsed)
            addresses.sort(key=lambda it: (it.version, it.ip.packed))
            found.append(Interface(adapter.index, adapter.name, tuple(addresses)))
    return arrange(found)


def _is_usable(asking: socket.socket, name: str, loopback: bool) -> bool:
    if sys.platform != "linux":
        return loopback or not name.startswith("lo")
    import fcntl

    try:
        request = struct.pack("16sH14x", name.encode()[:15], 0)
        (flags,) = struct.unpack_from("H", fcntl.ioctl(asking.fileno(), _GET_FLAGS, request), 16)
    except OSError:
        return False  # gone since it was listed
    if flags & _LOOPBACK:
        return loopback and bool(flags & _UP)
    return flags & _NEEDED == _NEEDED and not flags & _POINT_TO_POINT


def _tentative() -> set[tuple[int, bytes]]:
    """Index and address of IPv6 addresses that are not in use yet, or are someone else's."""
    try:
        lines = _ADDRESSES_6.read_text().splitlines()
    except OSError:
        return set()
    waiting = set()
    for line in lines:
        address, index, _, _, flags, *_ = line.split()
        if int(flags, 16) & (_DUPLICATE | _TENTATIVE):
            waiting.add((int(index, 16), bytes.fromhex(address)))
    return waiting
