"""Hints: what a node says of itself on the local network, and what it makes of what others say.

Decides which bytes stand in the text record, which of those of others can be
read, and which addresses are worth a try. All of it is a hint: anybody on the
network can announce anything. Who a node is, its handshake proves. What becomes
of a hint that could be read is `neighbours`'; how bytes get to the network
and back, `presence`'s. See docs/spec/discovery.md.

No sockets and no clock here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

from ledger.encoding import check_text
from ledger.errors import EncodingError

from .errors import AnnouncementRefused
from .interfaces import Interfaces
from .limits import MAX_ANNOUNCED_NAME_BYTES, MAX_ANNOUNCEMENT_BYTES, MAX_HINT_ADDRESSES

SERVICE: Final = "_trueque._tcp.local."
"""The type of service (RFC 6763, section 7)."""

LOG_BYTES: Final = 8
"""bytes of the log's key that are announced: enough to tell logs apart, too few to prove one."""

_LOG: Final = re.compile(rb"[0-9a-f]{16}")
_NETWORK: Final = re.compile(rb"[a-z0-9-]{1,32}")
_VERSIONS: Final = re.compile(rb"[1-9][0-9]{0,4}(,[1-9][0-9]{0,4}){0,15}")
_MAX_VERSION: Final = 65_535  # as in the handshake
_INSTANCE_BYTES: Final = 63  # of a label (RFC 1035, section 2.3.4)

# RFC 1918, 3927 and 4193: a router may lie between, and what is announced here is here.
_PRIVATE: Final = tuple(
    map(ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "fc00::/7"))
)


@dataclass(frozen=True, slots=True)
class Announcement:
    """What a node says of itself: `log` is the first 8 bytes of its key, `name` that of its commune."""

    network: str
    log: bytes
    versions: tuple[int, ...]
    name: str


@dataclass(frozen=True, slots=True)
class Seen:
    """What zeroconf says of one announced name, as it came: nothing of it is checked.

    `instance` is the name without the type, `host` what its address records
    belong to, `text` the text record, `addresses` as text, link-local ones with
    `%` and the index of an interface where zeroconf knows it.
    """

    instance: str
    host: str
    port: int | None
    text: bytes
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Hint:
    """Somebody claims that a node of this network can be reached at one of `addresses`, on `port`.

    `instance` names the announcement, `log` is 8 bytes, `name` may be empty.
    `addresses` are 1 to 8, the newest first, as `socket.getaddrinfo` takes them.
    """

    instance: str
    log: bytes
    network: str
    versions: tuple[int, ...]
    name: str
    port: int
    addresses: tuple[str, ...]


def instance_label(log: bytes) -> str:
    """The name that a node is announced under: the same at every start, and no other log's."""
    return f"trueque-{log[:LOG_BYTES].hex()}"


def write_text(announcement: Announcement) -> bytes:
    """The text record of an announcement: strings of `key=value`, each after a byte with its length."""
    pairs = (
        ("v", ",".join(map(str, announcement.versions))),
        ("net", announcement.network),
        ("log", announcement.log[:LOG_BYTES].hex()),
        ("name", _cut(announcement.name)),
    )
    strings = [f"{key}={value}".encode() for key, value in pairs if value]
    return b"".join(bytes([len(string)]) + string for string in strings)


def read_text(data: bytes) -> Announcement:
    """What the text record of an announcement says.

    Of keys that stand there twice the first counts, and unknown ones are
    ignored (RFC 6763, section 6.4). A name that is not one line of canonical
    text is left out. Raises AnnouncementRefused.
    """
    if len(data) > MAX_ANNOUNCEMENT_BYTES:
        raise AnnouncementRefused("It says more than {limit} bytes of itself.", limit=MAX_ANNOUNCEMENT_BYTES)
    values = _pairs(data)
    versions, network, log = values.get(b"v", b""), values.get(b"net", b""), values.get(b"log", b"")
    numbers = tuple(map(int, versions.split(b","))) if _VERSIONS.fullmatch(versions) else ()
    if not numbers or max(numbers) > _MAX_VERSION:
        raise AnnouncementRefused("It names no version of the protocol.")
    if not _NETWORK.fullmatch(network):
        raise AnnouncementRefused("It names no network.")
    if not _LOG.fullmatch(log):
        raise AnnouncementRefused("It names no log.")
    return Announcement(
        network.decode(),
        bytes.fromhex(log.decode()),
        numbers,
        _name(values.get(b"name", b"")),
    )


def judge(seen: Seen, network: str, interfaces: Interfaces) -> Hint:
    """The hint in what zeroconf says of a name. Raises AnnouncementRefused if there is none in it.

    `interfaces` are this node's: of a link-local address that came without its
    interface each of them is tried, and a public address must be in one of
    their networks, lest somebody sends all nodes of a room to a stranger.
    """
    instance = seen.instance.lower()
    if not 0 < len(instance.encode(errors="replace")) <= _INSTANCE_BYTES:
        raise AnnouncementRefused("Its name is none.")
    said = read_text(seen.text)
    if said.network != network:
        raise AnnouncementRefused("It belongs to another network.")
    if seen.port is None or not 0 < seen.port < 65_536:
        raise AnnouncementRefused("It names no port.")
    places = _places(seen.addresses, interfaces)
    if not places:
        raise AnnouncementRefused("It names no address that can be reached from here.")
    return Hint(instance, said.log, said.network, said.versions, said.name, seen.port, places)


def _pairs(data: bytes) -> dict[bytes, bytes]:
    pairs: dict[bytes, bytes] = {}
    start = 0
    while start < len(data):
        end = start + 1 + data[start]
        if end > len(data):
            raise AnnouncementRefused("What it says of itself ends too soon.")
        key, equals, value = data[start + 1 : end].partition(b"=")
        if equals:
            pairs.setdefault(key.lower(), value)
        start = end
    return pairs


def _cut(name: str) -> str:
    """As much of a name as is announced, whole characters."""
    return name.encode()[:MAX_ANNOUNCED_NAME_BYTES].decode(errors="ignore").rstrip()


def _name(value: bytes) -> str:
    if len(value) > MAX_ANNOUNCED_NAME_BYTES:
        return ""
    try:
        name = value.decode()
        check_text(name)
    except (UnicodeDecodeError, EncodingError):
        return ""
    return "" if "\n" in name or "\u2028" in name or "\u2029" in name else name.strip()


def _places(addresses: Iterable[str], interfaces: Interfaces) -> tuple[str, ...]:
    """Those of `addresses` that are worth a try, link-local ones with the interface."""
    places: dict[str, None] = {}
    for text in addresses:
        for place in _place(text, interfaces):
            if len(places) < MAX_HINT_ADDRESSES:
                places[place] = None
    return tuple(places)


def _place(text: str, interfaces: Interfaces) -> tuple[str, ...]:
    plain, _, scope = text.partition("%")
    try:
        address = ip_address(plain)
    except ValueError:
        return ()
    if isinstance(address, IPv6Address) and address.is_link_local:
        indexes = [interface.index for interface in interfaces if interface.version_6]
        return tuple(f"{address}%{index}" for index in indexes if scope in ("", "0", str(index)))
    return (str(address),) if _is_sane(address, interfaces) else ()


def _is_sane(address: IPv4Address | IPv6Address, interfaces: Interfaces) -> bool:
    if address.is_multicast or address.is_unspecified:
        return False
    # The loopback is among them if, and only if, it is one of the interfaces in use.
    near = [address in network for interface in interfaces for network in interface.networks]
    return any(near) or any(address in network for network in _PRIVATE)
