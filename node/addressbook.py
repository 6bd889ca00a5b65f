"""The address book: nodes that are called because somebody here gave their addresses.

Decides where these stand: those of the settings in `config.toml`, which is the
operator's own file and which no program writes; those that were given on a page,
by a command or a program in `addresses.json` beside it, which stays when
`node.sqlite` is lost. And what may be given: no address twice, and not this
node's own. What is an address at all is `addresses'`; when each is called is
`named`'s and `meeting`'s.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from ipaddress import ip_address

import msgspec

from ledger.errors import NotFound

from . import adapters
from .addresses import Address, parse_address
from .errors import InputError
from .home import Home
from .kept import read_kept
from .limits import MAX_GIVEN_ADDRESSES
from .settings import Settings
from .whence import local_name


class _Kept(msgspec.Struct, frozen=True):
    addresses: tuple[str, ...] = ()


class Addressbook:
    """The addresses of one home: `fixed` by its settings, and `given` here. For one thread at a time."""

    def __init__(self, home: Home, settings: Settings) -> None:
        """Read what is kept; a file that cannot be read counts as empty, and the journal tells of it."""
        self._home = home
        self._port = settings.peer_port
        self.fixed = tuple(dict.fromkeys(settings.addresses))
        self.given = tuple(dict.fromkeys(_read(home)))

    @property
    def all(self) -> tuple[Address, ...]:
        """All that are called."""
        return tuple(dict.fromkeys((*self.fixed, *self.given)))

    def add(self, text: str, port: int | None = None) -> Address:
        """Keep an address; `port` is where this node is heard. Raises InputError, HomeError."""
        address = parse_address(text)
        if address in self.all:
            raise InputError("The address {address} is there already.", address=address)
        if address.port == (port or self._port) and address.host in _own_hosts(address.host):
            raise InputError(
                "{address} is this node itself: give the address at which another one is heard.",
                address=address,
            )
        if len(self.given) >= MAX_GIVEN_ADDRESSES:
            raise InputError(
                "There are {limit} addresses already, as many as can be given: remove one first. Nodes in "
                "one network need none, and neighbours pass on where others are.",
                limit=MAX_GIVEN_ADDRESSES,
            )
        self._keep((*self.given, address))
        return address

    def remove(self, text: str) -> Address:
        """Keep it no longer. Raises InputError, NotFound, HomeError."""
        address = parse_address(text)
        if address not in self.given:
            if address in self.fixed:
                raise InputError(
                    "{address} was given when the node was started: take it out of peers in config.toml, or "
                    "leave out --peer, and start the node anew.",
                    address=address,
                )
            raise NotFound("{address} is not among the addresses that were given.", address=address)
        self._keep(tuple(each for each in self.given if each != address))
        return address

    def _keep(self, given: tuple[Address, ...]) -> None:
        data = msgspec.json.encode(_Kept(tuple(map(str, given))))
        self._home.write_private(self._home.addresses_file, data + b"\n")
        self.given = given


def _read(home: Home) -> Iterator[Address]:
    kept = read_kept(home.addresses_file, _Kept, "addresses_unreadable") or _Kept()
    for text in kept.addresses[:MAX_GIVEN_ADDRESSES]:
        with suppress(InputError):  # of a version that allowed more
            yield parse_address(text)


def _own_hosts(host: str) -> frozenset[str]:
    """The hosts at which this computer is, as far as it knows now; a name may lead here all the same."""
    found = {"localhost", local_name()}
    with suppress(ValueError):
        if ip_address(host).is_loopback:
            found.add(host)
    with suppress(OSError):
        found |= {str(each.ip) for interface in adapters.read() for each in interface.addresses}
    return frozenset(found)
