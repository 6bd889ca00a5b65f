"""Addresses: where a node that is willing to be called can be reached, signed by its log.

Decides the bytes of such a word and what a host and a port may look like, so
that one place has one spelling. Whom it is told is `spreading`'s; which of these
places a node calls, and how often, is the node's to decide (docs/spec/addresses.md).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from ipaddress import IPv6Address, ip_address
from typing import Annotated, Final

import msgspec

from ledger import signing
from ledger.log import Hash, LogKey, Signature
from ledger.sentences import N_

from .errors import MessageError
from .limits import MAX_HOST_CHARACTERS, MAX_MESSAGE_BYTES, MAX_PLACES, MAX_QUESTION_BYTES, MAX_TOLD_ADDRESSES
from .messages import decode_as

PURPOSE: Final = "addresses"
"""The context of the signatures (ledger.signing)."""

LOWEST_PORT: Final = 1_024
"""The lowest port that is called beside WEB_PORTS; below are the system ports (RFC 6335, section 6)."""

WEB_PORTS: Final = frozenset({80, 443})
"""Ports that are open where others are not."""

_LABEL: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")

_encode: Final = msgspec.msgpack.Encoder().encode


class Place(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """A host, a name or an IP address, and a port; on the wire an array of two."""

    host: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_HOST_CHARACTERS)]
    port: Annotated[int, msgspec.Meta(ge=1, le=65_535)]


class Addresses(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What a log says of where its node is; on the wire an array of four.

    `places` in the order in which they are to be tried; none if the node is not
    to be called any more. Of two the one with the higher `number` counts.
    """

    log: Hash
    number: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
    places: Annotated[tuple[Place, ...], msgspec.Meta(max_length=MAX_PLACES)]
    signature: Signature

    @property
    def key(self) -> LogKey:
        """The log whose node it is."""
        return LogKey(self.log)

    def is_signed(self, network: str) -> bool:
        """Whether the log's key has signed it."""
        text = signed_text(self.log, self.number, self.places)
        return signing.verify_in_context(PURPOSE, network, self.log, text, self.signature)


_addresses: Final = msgspec.msgpack.Decoder(
    Annotated[tuple[Addresses, ...], msgspec.Meta(min_length=1, max_length=MAX_TOLD_ADDRESSES)]
)
_count: Final = msgspec.msgpack.Decoder(Annotated[int, msgspec.Meta(ge=1, le=MAX_TOLD_ADDRESSES)])


def signed_text(log: bytes, number: int, places: Sequence[Place]) -> bytes:
    """What is signed: the encoding of an array of three, all but the signature."""
    return _encode((log, number, places))


def sign_addresses(
    log: LogKey, number: int, places: Sequence[Place], sign: Callable[[bytes], bytes]
) -> Addresses:
    """Say where a node is; `sign` signs with its log's key under PURPOSE. Raises MessageError."""
    for place in places:
        check_host(place.host)
    return Addresses(log, number, tuple(places), sign(signed_text(log, number, places)))


def encode_addresses(told: Sequence[Addresses]) -> bytes:
    """The encoding of some, at most MAX_TOLD_ADDRESSES: an array of them."""
    return _encode(told)


def decode_addresses(data: bytes) -> tuple[Addresses, ...]:
    """Read a message of them, whole or not at all; signatures are not checked. Raises MessageError."""
    told: tuple[Addresses, ...] = decode_as(_addresses, data, MAX_MESSAGE_BYTES, N_("A list of addresses"))
    for each in told:
        for place in each.places:
            check_host(place.host)
        if len(set(each.places)) < len(each.places):
            raise MessageError("A list of addresses names a place twice.")
    return told


def encode_addresses_wanted(count: int) -> bytes:
    """The encoding of the question for addresses, at most so many."""
    return _encode(count)


def decode_addresses_wanted(data: bytes) -> int:
    """Read how many addresses are asked for. Raises MessageError."""
    count: int = decode_as(_count, data, MAX_QUESTION_BYTES, N_("A question for addresses"))
    return count


def is_open_port(port: int) -> bool:
    """Whether a port is one that is called: below 1,024 are services that nobody should be sent to."""
    return port >= LOWEST_PORT or port in WEB_PORTS


def check_host(host: str) -> None:
    """Refuse what is no host in its one spelling. Raises MessageError.

    That is an IP address as RFC 5952 writes it, with no zone and no IPv4 address
    inside an IPv6 one, or a name in lower case with two labels or more, the last
    of which has a letter: `127.1` is no name.
    """
    try:
        address = ip_address(host)
    except ValueError:
        labels = host.split(".")
        is_name = len(labels) > 1 and re.search("[a-z]", labels[-1]) is not None
        if not is_name or not all(_LABEL.fullmatch(label) for label in labels):
            raise MessageError("'{host}' is not a host that can be called.", host=host[:70]) from None
        return
    is_mapped = isinstance(address, IPv6Address) and (
        address.ipv4_mapped is not None or address.scope_id is not None
    )
    if is_mapped or str(address) != host:
        raise MessageError("'{host}' is not a host that can be called.", host=host[:70])
