"""Reach: the addresses at which phones on the local network find the pages, the most likely first.

Decides their order: the interface that leads out of the house is the one that
phones share; what virtual machines and containers are given comes last, since
nobody else is there. Link-local IPv6 addresses are left out: no browser takes
them. Asking the system what there is is `adapters`'.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Interface, IPv6Interface
from pathlib import Path
from typing import Final

from . import adapters
from .interfaces import Interface, Interfaces
from .whence import local_name

MAX_SHOWN: Final = 6
"""addresses that are shown; nobody tries more."""

_ROUTES: Final = Path("/proc/net/route")
_VIRTUAL: Final = re.compile(r"(?:docker|br-|veth|virbr|vmnet|vboxnet|lxc|lxdbr|podman|cni|zt|tun|tap|ifb)")


def addresses(port: int) -> tuple[str, ...]:
    """The addresses of the pages for others, as `http://HOST:PORT/`; none while there is no network."""
    try:
        found = adapters.read()
        routes = _ROUTES.read_text(encoding="ascii", errors="replace")
    except OSError:
        found, routes = (), ""
    hosts = likely(found, way_out(routes))
    return tuple(f"http://{host}:{port}/" for host in hosts)


def likely(interfaces: Interfaces, out: str | None) -> tuple[str, ...]:
    """The hosts that a browser may ask for, most likely first; `out` is the interface that leads farther."""
    fours: list[str] = []
    sixes: list[str] = []
    for interface in sorted(interfaces, key=lambda each: _rank(each, out)):
        fours += [str(each.ip) for each in interface.addresses if _is_usable(each) and each.version == 4]
        sixes += [f"[{each.ip}]" for each in interface.addresses if _is_usable(each) and each.version == 6]
    named = [local_name()] if fours or sixes else []
    return tuple(dict.fromkeys([*fours[:1], *named, *fours[1:], *sixes]))[:MAX_SHOWN]


def _rank(interface: Interface, out: str | None) -> tuple[bool, bool, bool, int]:
    private = any(each.ip.is_private for each in interface.addresses if each.version == 4)
    return (
        _VIRTUAL.match(interface.name) is not None,
        interface.name != out,
        not private,
        interface.index,
    )


def _is_usable(address: IPv4Interface | IPv6Interface) -> bool:
    return not (address.ip.is_loopback or (address.version == 6 and address.ip.is_link_local))


def way_out(routes: str) -> str | None:
    """The interface of the default route in a table as /proc/net/route has it (proc(5)), None without one."""
    found: list[tuple[int, str]] = []
    for line in routes.splitlines()[1:]:
        fields = line.split()
        if len(fields) >= 8 and fields[1] == fields[7] == "00000000" and fields[6].isdecimal():
            found.append((int(fields[6]), fields[0]))
    return min(found)[1] if found else None
