"""The handshake of a session: who the other side is, and which version both speak.

Decides what the payloads of the Noise messages say, and when a side believes
the other. The identity is a log: each side signs, with its log's key, its role,
its own Noise key and the hash of all that was said before, so that the
signature is good in this very session and nowhere else. What is said after
that is `channel`'s and `session`'s (docs/spec/handshake.md).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Final, TypeAlias

import msgspec

from ledger import signing
from ledger.log import Hash, LogKey, Signature
from ledger.sentences import N_

from .errors import (
    HandshakeError,
    IllFormed,
    MessageError,
    NoCommonVersion,
    OwnLog,
    SessionError,
    WrongIdentity,
)
from .limits import MAX_FURTHER, MAX_HELLO_BYTES, MAX_VERSIONS
from .messages import decode_as
from .noise import Keys, NoiseHandshake

VERSIONS: Final = (1,)
"""Versions of the protocol that this program speaks, ascending."""

PURPOSE: Final = "session"
"""The context of the signatures (ledger.signing)."""


class Role(StrEnum):
    """Which side opened the connection; signed, so that nobody is shown their own words."""

    INITIATOR = "initiator"
    RESPONDER = "responder"


_Number: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=65_535)]


class Hello(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What a side says of itself; on the wire an array of four, of 104 bytes with one version.

    `versions` are ascending. The signature covers role, Noise key and handshake
    hash. `further` is room: (number, bytes), ascending by number, for what may
    be said before both know which version they speak. None is defined, and one
    that is not known is passed over.
    """

    log: Hash
    versions: Annotated[tuple[_Number, ...], msgspec.Meta(min_length=1, max_length=MAX_VERSIONS)]
    signature: Signature
    further: Annotated[tuple[tuple[_Number, bytes], ...], msgspec.Meta(max_length=MAX_FURTHER)]


_decoder: Final = msgspec.msgpack.Decoder(Hello)


def prologue(network: str) -> bytes:
    """What both sides have to agree on before anything is said: the protocol and the network."""
    signing.check_network(network)
    return f"trueque/1/{network}".encode("ascii")


def signed_text(role: Role, noise_key: bytes, handshake_hash: bytes) -> bytes:
    """What a side signs: its role and a newline, its Noise key (32 bytes), the handshake hash (64 bytes)."""
    return f"{role}\n".encode("ascii") + noise_key + handshake_hash


@dataclass(frozen=True, slots=True)
class Identity:
    """Who this side is: its log and what signs for it, its network, and the versions it speaks."""

    log: LogKey
    sign: Callable[[bytes], bytes]
    network: str
    versions: tuple[int, ...] = VERSIONS

    @classmethod
    def of(cls, key: signing.SigningKey, network: str) -> Identity:
        """The identity of a log whose key is here."""
        return cls(LogKey(key.public_key), lambda text: key.sign_in_context(PURPOSE, network, text), network)


@dataclass(frozen=True, slots=True)
class Met:
    """What a handshake has led to: whose session it is, in which version, under which keys."""

    peer: LogKey
    version: int
    keys: Keys


class Handshake:
    """One side of the handshake, without a socket.

    Send what `begin` gives (the initiator; nothing of a responder), then give
    every message that comes to `receive` and send what it gives, until `met`
    is there. `static` and `ephemeral` are 32 random bytes each; an ephemeral
    one is used once. Whatever raises SessionError ends it for good.
    """

    def __init__(self, role: Role, identity: Identity, *, static: bytes, ephemeral: bytes) -> None:
        self.role = role
        self.met: Met | None = None
        self._identity = identity
        self._noise = NoiseHandshake(
            initiator=role is Role.INITIATOR,
            prologue=prologue(identity.network),
            static=static,
            ephemeral=ephemeral,
        )
        self._ended = False

    def begin(self) -> list[bytes]:
        """The messages to send before anything has come."""
        return [self._noise.write(lambda _: b"")] if self.role is Role.INITIATOR else []

    def receive(self, message: bytes) -> list[bytes]:
        """Take the other side's next message; what to send then.

        Raises NoiseError (NotUnderstood, IllFormed, WeakKey), WrongIdentity,
        OwnLog, NoCommonVersion; HandshakeError if nothing is awaited.
        """
        if self._ended or self.met is not None:
            raise HandshakeError("The handshake is over.")
        try:
            return self._receive(message)
        except SessionError:
            self._ended = True
            raise

    def _receive(self, message: bytes) -> list[bytes]:
        first = self._noise.turn == 0
        payload, before = self._noise.read(message)
        if first:
            if payload:
                raise IllFormed("The first message of a handshake says more than it may.")
            return [self._noise.write(self._hello)]
        hello = _read_hello(payload)
        self._check(hello, before)
        version = _version_of(self._identity.versions, hello.versions)
        # Only now does an initiator say who it is: not to a liar, nor where nothing could follow.
        sent = [self._noise.write(self._hello)] if self._noise.is_writing else []
        keys = self._noise.keys
        assert keys is not None
        self.met = Met(LogKey(hello.log), version, keys)
        return sent

    def _hello(self, before: bytes) -> bytes:
        identity = self._identity
        signature = identity.sign(signed_text(self.role, self._noise.public, before))
        return msgspec.msgpack.encode(Hello(identity.log, identity.versions, signature, ()))

    def _check(self, hello: Hello, before: bytes) -> None:
        """Whether the other side is the log that it says."""
        remote = self._noise.remote
        assert remote is not None
        theirs = Role.RESPONDER if self.role is Role.INITIATOR else Role.INITIATOR
        text = signed_text(theirs, remote, before)
        if not signing.verify_in_context(PURPOSE, self._identity.network, hello.log, text, hello.signature):
            raise WrongIdentity("The other side does not hold the key of the log that it names.")
        if hello.log == self._identity.log:
            raise OwnLog(
                "The other side holds the key of this very log: it is this program, or a copy of its home."
            )


def _read_hello(payload: bytes) -> Hello:
    try:
        hello: Hello = decode_as(_decoder, payload, MAX_HELLO_BYTES, N_("What the other side says of itself"))
    except MessageError as error:
        raise IllFormed(error.template, **error.fields) from error
    if not _ascend(hello.versions):
        raise IllFormed("The versions of the other side do not stand in their order.")
    if not _ascend([number for number, _ in hello.further]):
        raise IllFormed("What the other side says further does not stand in its order.")
    return hello


def _ascend(numbers: Sequence[int]) -> bool:
    return all(one < other for one, other in pairwise(numbers))


def _version_of(mine: Sequence[int], theirs: Sequence[int]) -> int:
    """The highest version that both speak. Raises NoCommonVersion."""
    common = set(mine) & set(theirs)
    if not common:
        raise NoCommonVersion(
            "The other side speaks version {theirs} of the protocol and this one {mine}: update the older.",
            theirs=max(theirs),
            mine=max(mine),
        )
    return max(common)
