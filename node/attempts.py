"""Attempts: how long somebody who gave a wrong password has to wait before the next one is looked at.

Decides by the host that they come from, and by how many were wrong in all, so
that many hosts together gain little over one. A host from which somebody came
in before does not wait for what others do: who only wants to keep people out
reaches those alone who are new. Attempts count before they are looked at, so
that many at once are no way round.

No socket and no clock here: times are in seconds of a clock that never goes back.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network

from .limits import (
    ATTEMPTS_FORGOTTEN_SECONDS,
    FREE_ATTEMPTS,
    FREE_ATTEMPTS_IN_ALL,
    MAX_ATTEMPT_HOSTS,
    MAX_ATTEMPT_SECONDS,
    MAX_ATTEMPT_SECONDS_IN_ALL,
)


@dataclass(slots=True)
class _Tries:
    """Attempts in a row that were wrong, as far as known, and when the last one was."""

    count: int = 0
    last: float = 0.0

    def until(self, free: int, most: float) -> float:
        """When the next one is looked at."""
        over = self.count - free
        return self.last if over < 0 else self.last + min(2.0 ** min(over + 1, 32), most)

    def forget(self, now: float) -> None:
        if now - self.last >= ATTEMPTS_FORGOTTEN_SECONDS:
            self.count = 0


class Attempts:
    """The attempts of all hosts. For one thread."""

    def __init__(self) -> None:
        self._hosts: OrderedDict[str, _Tries] = OrderedDict()
        self._all = _Tries()
        self._known: OrderedDict[str, None] = OrderedDict()

    def begin(self, host: str, now: float) -> float:
        """Count an attempt, and return 0; or the seconds that it has to wait, and it is not one."""
        name = place_of(host)
        tries = self._hosts.get(name) or _Tries()
        tries.forget(now)
        self._all.forget(now)
        until = tries.until(FREE_ATTEMPTS, MAX_ATTEMPT_SECONDS)
        if name not in self._known:
            until = max(until, self._all.until(FREE_ATTEMPTS_IN_ALL, MAX_ATTEMPT_SECONDS_IN_ALL))
        if now < until:
            return until - now
        for counted in (tries, self._all):
            counted.count += 1
            counted.last = now
        self._hosts[name] = tries
        self._hosts.move_to_end(name)
        while len(self._hosts) > MAX_ATTEMPT_HOSTS:
            self._hosts.popitem(last=False)
        return 0.0

    def passed(self, host: str) -> None:
        """The attempt of a host that was begun last was right."""
        name = place_of(host)
        self._hosts.pop(name, None)
        self._all.count = max(0, self._all.count - 1)
        self._known[name] = None
        self._known.move_to_end(name)
        while len(self._known) > MAX_ATTEMPT_HOSTS:
            self._known.popitem(last=False)


def place_of(host: str) -> str:
    """What counts as one host: an IPv4 address, or the network of an IPv6 one, of which anybody has many."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ip_network((address, 64), strict=False))
    return str(address)
