"""The door: who of those that knock is let in, before anybody has said who they are.

Decides from the host that a connection comes from, and from how many there are:
so that no host takes all places, and that whoever breaks the protocol again and
again from somewhere waits for longer each time before they may knock there again.
Whoever is refused here gets no handshake, only "come later"; whose log is to
wait, is seen once they have proved which it is (`company`).

Connections of this very computer are counted in all, and not by host: tunnels
and relays end here, and bring many. No socket and no clock here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from .limits import MAX_GUESTS, MAX_HALF_OPEN, MAX_HALF_OPEN_AT_HOST, MAX_LINKS, MAX_LINKS_AT_HOST


@dataclass(frozen=True, slots=True)
class Guest:
    """A link that there is: the host at its other end, whether that opened it, whether they have met."""

    host: str
    came: bool
    is_met: bool


def is_here(host: str) -> bool:
    """Whether a host is this very computer."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def refusal(host: str, guests: Sequence[Guest], *, is_blamed: bool) -> str | None:
    """Why a connection from a host is refused, in one word; None if it may come in."""
    came = [guest for guest in guests if guest.came]
    if len(guests) >= MAX_LINKS or len(came) >= MAX_GUESTS:
        return "full"
    if sum(not guest.is_met for guest in came) >= MAX_HALF_OPEN:
        return "busy"
    if is_here(host):
        return None
    if is_blamed:
        return "faults"
    there = [guest for guest in came if guest.host == host]
    if len(there) >= MAX_LINKS_AT_HOST:
        return "full-host"
    if sum(not guest.is_met for guest in there) >= MAX_HALF_OPEN_AT_HOST:
        return "busy-host"
    return None
