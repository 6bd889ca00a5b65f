"""Noise_XX_25519_ChaChaPoly_BLAKE2b: three messages after which two sides share two keys.

Decides the bytes of the handshake and of what is encrypted afterwards, by the
Noise protocol framework, revision 34 (noiseprotocol.org/noise.html; section
numbers below are of it). Who the other side is, and what the payloads of the
handshake say, is `handshake`'s. Draws no randomness: private keys are given.

Whatever fails ends the exchange for good: the object refuses all further use.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from hashlib import blake2b
from typing import Final

from nacl.bindings import (
    crypto_aead_chacha20poly1305_ietf_decrypt,
    crypto_aead_chacha20poly1305_ietf_encrypt,
    crypto_scalarmult,
    crypto_scalarmult_base,
)
from nacl.exceptions import CryptoError

from .errors import HandshakeError, IllFormed, NoiseError, NotUnderstood, WeakKey
from .limits import MAX_NOISE_BYTES

PROTOCOL_NAME: Final = b"Noise_XX_25519_ChaChaPoly_BLAKE2b"

KEY_BYTES: Final = 32
"""bytes of a private or public key of X25519, and of a key of the cipher."""

TAG_BYTES: Final = 16
"""bytes that encryption adds."""

_HASH_BYTES: Final = 64
_MAX_NONCE: Final = 2**64 - 1
"""The last nonce is reserved (section 5.1)."""

PayloadAt = Callable[[bytes], bytes]
"""Makes a payload from the handshake hash (64 bytes) just before it is encrypted."""


class CipherState:
    """A key and a counter (section 5.1): one direction of an encrypted channel. Belongs to one task."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._nonce = 0

    def encrypt(self, plaintext: bytes, data: bytes = b"") -> bytes:
        """Encrypt the next message; `data` is authenticated with it. Raises NoiseError after the last."""
        sealed = crypto_aead_chacha20poly1305_ietf_encrypt(plaintext, data, self._next(), self._key)
        self._nonce += 1
        return sealed

    def decrypt(self, ciphertext: bytes, data: bytes = b"") -> bytes:
        """Decrypt the next message. Raises NoiseError if it is not the one that was encrypted next.

        After that the nonce has not moved (section 5.1), but who reads on would read what others chose.
        """
        if len(ciphertext) < TAG_BYTES:
            raise IllFormed("A message is too short to be encrypted.")
        try:
            opened = crypto_aead_chacha20poly1305_ietf_decrypt(ciphertext, data, self._next(), self._key)
        except CryptoError as error:
            raise NoiseError("A message was not encrypted for this session, or not next in it.") from error
        self._nonce += 1
        return opened

    def _next(self) -> bytes:
        if self._nonce == _MAX_NONCE:
            raise NoiseError("The session has sent all messages that its key is good for: open a new one.")
        return b"\x00\x00\x00\x00" + self._nonce.to_bytes(8, "little")


class _Symmetric:
    """The chaining key, the handshake hash and the cipher of a handshake (section 5.2)."""

    def __init__(self) -> None:
        self.hash = PROTOCOL_NAME.ljust(_HASH_BYTES, b"\x00")
        self._chaining = self.hash
        self._cipher: CipherState | None = None

    def mix_key(self, secret: bytes) -> None:
        self._chaining, key = self._derive(secret)
        self._cipher = CipherState(key[:KEY_BYTES])

    def mix_hash(self, data: bytes) -> None:
        self.hash = blake2b(self.hash + data).digest()

    def encrypt(self, plaintext: bytes) -> bytes:
        sent = plaintext if self._cipher is None else self._cipher.encrypt(plaintext, self.hash)
        self.mix_hash(sent)
        return sent

    def decrypt(self, received: bytes) -> bytes:
        plaintext = received if self._cipher is None else self._open(self._cipher, received)
        self.mix_hash(received)
        return plaintext

    def _open(self, cipher: CipherState, received: bytes) -> bytes:
        try:
            return cipher.decrypt(received, self.hash)
        except IllFormed:
            raise
        except NoiseError as error:
            raise NotUnderstood(
                "A message of the handshake cannot be decrypted: the other side is of another network or "
                "speaks another protocol, or something between changed it. These cannot be told apart."
            ) from error

    def split(self) -> tuple[CipherState, CipherState]:
        first, second = self._derive(b"")
        return CipherState(first[:KEY_BYTES]), CipherState(second[:KEY_BYTES])

    def _derive(self, secret: bytes) -> tuple[bytes, bytes]:
        """HKDF with two outputs (section 4.3)."""
        temporary = hmac.digest(self._chaining, secret, "blake2b")
        first = hmac.digest(temporary, b"\x01", "blake2b")
        return first, hmac.digest(temporary, first + b"\x02", "blake2b")


class Token(Enum):
    """What a message of the pattern carries, or mixes in (section 7.1)."""

    E = "e"
    S = "s"
    EE = "ee"
    ES = "es"
    SE = "se"


PATTERN: Final = (
    (Token.E,),
    (Token.E, Token.EE, Token.S, Token.ES),
    (Token.S, Token.SE),
)
"""XX (section 7.5): the first message is the initiator's, and they take turns."""


@dataclass(frozen=True, slots=True)
class Keys:
    """What a handshake has led to: the cipher of each direction, and the hash that names the session."""

    sending: CipherState
    receiving: CipherState
    hash: bytes


class NoiseHandshake:
    """One side of a handshake (section 5.3). Call `write` and `read` in turn, the initiator writing first.

    `static` and `ephemeral` are private keys (32 random bytes each); an
    ephemeral one is used for one handshake only. `public` is this side's static
    public key, `remote` the other side's once it has come, and `keys` is there
    after the last message.
    Raises HandshakeError where it is not this side's turn, which changes
    nothing, and NoiseError where a message is wrong: nothing is accepted after
    that, nor after a payload that could not be made.
    """

    def __init__(self, *, initiator: bool, prologue: bytes, static: bytes, ephemeral: bytes) -> None:
        if len(static) != KEY_BYTES or len(ephemeral) != KEY_BYTES:
            raise HandshakeError("A private key of the handshake has {limit} bytes.", limit=KEY_BYTES)
        self.is_initiator = initiator
        self.remote: bytes | None = None
        self.keys: Keys | None = None
        self._symmetric = _Symmetric()
        self._symmetric.mix_hash(prologue)
        self.public = crypto_scalarmult_base(static)
        self._private = {Token.S: static, Token.E: ephemeral}
        self._theirs: dict[Token, bytes] = {}
        self._turn = 0
        self._failed = False

    @property
    def turn(self) -> int:
        """How many messages have gone either way."""
        return self._turn

    @property
    def is_writing(self) -> bool:
        """Whether the next message is this side's."""
        return self.keys is None and not self._failed and (self._turn % 2 == 0) == self.is_initiator

    @property
    def hash(self) -> bytes:
        """The hash (64 bytes) of all that was said so far."""
        return self._symmetric.hash

    def write(self, payload: PayloadAt) -> bytes:
        """The next message, with a payload that may depend on the hash just before it is encrypted."""
        if not self.is_writing:
            raise HandshakeError("It is not this side's turn in the handshake.")
        self._failed = True  # until all of it has gone well, whatever is raised on the way
        message = self._write(payload)
        self._failed = False
        return message

    def _write(self, payload: PayloadAt) -> bytes:
        message = b""
        for token in PATTERN[self._turn]:
            match token:
                case Token.E:
                    public = crypto_scalarmult_base(self._private[Token.E])
                    self._symmetric.mix_hash(public)
                    message += public
                case Token.S:
                    message += self._symmetric.encrypt(self.public)
                case _:
                    self._mix(token)
        message += self._symmetric.encrypt(payload(self.hash))
        self._go_on()
        return message

    def read(self, message: bytes) -> tuple[bytes, bytes]:
        """Take the other side's next message: its payload, and the hash just before that was encrypted."""
        if self.keys is not None or self._failed or self.is_writing:
            raise HandshakeError("No message of a handshake is expected here.")
        self._failed = True  # as in `write`
        found = self._read(message)
        self._failed = False
        return found

    def _read(self, message: bytes) -> tuple[bytes, bytes]:
        if len(message) > MAX_NOISE_BYTES:
            raise IllFormed(
                "A message of the handshake has more than the {limit} bytes allowed.", limit=MAX_NOISE_BYTES
            )
        at = 0
        for token in PATTERN[self._turn]:
            match token:
                case Token.E:
                    at += KEY_BYTES
                    self._theirs[Token.E] = _whole(message[at - KEY_BYTES : at], KEY_BYTES)
                    self._symmetric.mix_hash(self._theirs[Token.E])
                case Token.S:
                    length = KEY_BYTES + TAG_BYTES
                    at += length
                    sealed = _whole(message[at - length : at], length)
                    self.remote = self._theirs[Token.S] = self._symmetric.decrypt(sealed)
                case _:
                    self._mix(token)
        before = self.hash
        payload = self._symmetric.decrypt(message[at:])
        self._go_on()
        return payload, before

    def _mix(self, token: Token) -> None:
        """Mix in a shared secret: the first letter names the initiator's key, the second the responder's."""
        first, second = Token(token.value[0]), Token(token.value[1])
        mine, theirs = (first, second) if self.is_initiator else (second, first)
        try:
            secret = crypto_scalarmult(self._private[mine], self._theirs[theirs])
        except CryptoError as error:
            # libsodium refuses a public key with which every secret is zero (RFC 7748, section 6.1).
            raise WeakKey("A key of the other side is one that hides nothing.") from error
        self._symmetric.mix_key(secret)

    def _go_on(self) -> None:
        self._turn += 1
        if self._turn == len(PATTERN):
            first, second = self._symmetric.split()
            sending, receiving = (first, second) if self.is_initiator else (second, first)
            self.keys = Keys(sending, receiving, self.hash)


def _whole(piece: bytes, length: int) -> bytes:
    if len(piece) != length:
        raise IllFormed("A message of the handshake is too short.")
    return piece
