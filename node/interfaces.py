"""Network interfaces: which of them are used, and what it means that they changed.

Decides which interfaces discovery speaks on and which addresses it announces;
when a change counts (a laptop that roams shows several within seconds); and
whether zeroconf can go on after it or has to start anew. Asking the system what
interfaces there are is `adapters`'.

No sockets and no clock here: times are arguments, in seconds of a clock that
never goes back.
"""

from __future__ import annotations

import enum
from collections import Counter
from dataclasses import dataclass
from ipaddress import IPv4Interface, IPv4Network, IPv6Interface, IPv6Network
from typing import TypeAlias

from .limits import MAX_ANNOUNCED_ADDRESSES, MAX_INTERFACES, MAX_SETTLE_SECONDS, SETTLE_SECONDS


@dataclass(frozen=True, slots=True)
class Interface:
    """A network interface that is up: the system's index and name, and its addresses in use."""

    index: int
    name: str
    addresses: tuple[IPv4Interface | IPv6Interface, ...]

    @property
    def version_6(self) -> bool:
        """Whether it has an IPv6 address."""
        return any(address.version == 6 for address in self.addresses)

    @property
    def networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """The networks that it is part of."""
        return tuple(address.network for address in self.addresses)

    def speaker(self, version: int) -> IPv4Interface | IPv6Interface | None:
        """The address that multicast of that version of IP is sent from, if there is one.

        Of IPv6 the link-local one: then a receiver knows on which of its own
        interfaces the link-local addresses in the packet are (RFC 4007).
        """
        candidates = [it for it in self.addresses if it.version == version and str(it.ip) != "::1"]
        near = [address for address in candidates if version == 6 and address.ip.is_link_local]
        return next(iter(near or candidates), None)


Interfaces: TypeAlias = tuple[Interface, ...]
"""All that are used, in the order of their indexes."""


class Change(enum.Enum):
    """What the sockets of discovery have to go through."""

    NONE = enum.auto()
    """Nothing that matters is different."""
    ADJUST = enum.auto()
    """Some interfaces or addresses came or went; those that stayed go on."""
    ANEW = enum.auto()
    """This is another network, or an interface was put back: what was known is in doubt."""
    CLOSE = enum.auto()
    """There is no network."""


def arrange(found: list[Interface]) -> Interfaces:
    """The interfaces to use: those with addresses, in order, not more than anybody needs."""
    usable = sorted((interface for interface in found if interface.addresses), key=lambda it: it.index)
    return tuple(usable[:MAX_INTERFACES])


def speakers(interfaces: Interfaces) -> list[str | int]:
    """What zeroconf is told to speak on: one IPv4 and one IPv6 address of each interface.

    A second address on the same interface could not join the multicast group
    again. An IPv6 address that several interfaces have (virtual ones share the
    hardware's) is told by the interface's index instead.
    """
    fours = [speaker.ip for interface in interfaces if (speaker := interface.speaker(4))]
    sixes = [(interface.index, speaker.ip) for interface in interfaces if (speaker := interface.speaker(6))]
    count = Counter(address for _, address in sixes)
    return [
        *dict.fromkeys(map(str, fours)),
        *(str(address) if count[address] == 1 else index for index, address in sixes),
    ]


def announced(interfaces: Interfaces) -> tuple[str, ...]:
    """The addresses that are announced, as text: IPv4 first, then those that reach farther."""
    addresses = {address.ip for interface in interfaces for address in interface.addresses}
    ordered = sorted(addresses, key=lambda ip: (ip.version, ip.is_link_local, ip.packed))
    return tuple(map(str, ordered[:MAX_ANNOUNCED_ADDRESSES]))


def compare(old: Interfaces, new: Interfaces) -> Change:
    """What has to happen to go from `old` to `new`."""
    if _ends(old) == _ends(new):
        return Change.NONE
    if not new:
        return Change.CLOSE
    before, after = _ends(old), _ends(new)
    if not before & after:
        return Change.ANEW
    # An IPv4 address that moved to another interface looks unchanged to zeroconf, but the membership in the
    # multicast group went with the old one.
    places = {address: index for index, address in before}
    moved = any(places.get(address, index) != index for index, address in after if "." in address)
    return Change.ANEW if moved else Change.ADJUST


def _ends(interfaces: Interfaces) -> set[tuple[int, str]]:
    return {(interface.index, str(address)) for interface in interfaces for address in interface.addresses}


class Damper:
    """Says what the interfaces are, once they stay as they are. Owned by the task that looks at them."""

    def __init__(self) -> None:
        self._settled: Interfaces = ()
        self._latest: Interfaces = ()
        self._changed = self._began = 0.0

    def look(self, found: Interfaces, now: float) -> Interfaces:
        """Takes what was found at `now`; returns what counts. A first network counts at once."""
        if not self._settled or found == self._settled:
            self._settled = self._latest = found
            return self._settled
        if self._latest == self._settled:
            self._began = now
        if found != self._latest:
            self._latest, self._changed = found, now
        if now - self._changed >= SETTLE_SECONDS or now - self._began >= MAX_SETTLE_SECONDS:
            self._settled = found
        return self._settled
