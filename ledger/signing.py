"""Ed25519 signatures, and the contexts that keep them from meaning something else.

Decides which signatures are valid: public keys canonical and in the subgroup
of prime order, S below the order, R not of small order, and the equation
S·B = R + h·A exactly, without a cofactor. One rule for all nodes matters more
here than which: two that judged a head differently would hold different
ledgers for ever. What is signed, and by whose key, is left to the callers;
keys are kept by the node, and seeds are drawn by it.

The work is libsodium's, through PyNaCl. Releases of libsodium differ in one
point: some compare R byte by byte (no cofactor), others accept an R that is
off by a point of small order (cofactor 8). Where the installed one does, R is
checked to be in the subgroup of prime order too. With A there as well, the two
equations then accept the same signatures.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from nacl.bindings import (
    crypto_core_ed25519_is_valid_point,
    crypto_sign,
    crypto_sign_open,
    crypto_sign_seed_keypair,
)
from nacl.exceptions import BadSignatureError

from .errors import LocalError, RecordError
from .limits import HASH_BYTES, MAX_CACHED_KEYS, MAX_NETWORK_CHARACTERS, SIGNATURE_BYTES

SEED_BYTES: Final = 32
"""bytes of the secret that a key pair is made from (RFC 8032, section 5.1.5)."""

_NAME: Final = re.compile(rf"[a-z0-9-]{{1,{MAX_NETWORK_CHARACTERS}}}")


def check_network(name: str) -> None:
    """Refuse a string that cannot name a network: `[a-z0-9-]{1,32}`. Raises RecordError."""
    if not _NAME.fullmatch(name):
        raise RecordError(
            "'{name}' cannot name a network: use 1 to {limit} of a to z, 0 to 9 and '-'.",
            name=name,
            limit=MAX_NETWORK_CHARACTERS,
        )


def context(purpose: str, network: str) -> bytes:
    """What a signature covers before the message itself: `trueque/<purpose>/v1`, the network, each a line.

    Raises RecordError if either is not `[a-z0-9-]{1,32}`, so that no two pairs
    share a context and none is the beginning of another.
    """
    check_network(network)
    if not _NAME.fullmatch(purpose):
        raise RecordError("'{purpose}' cannot name a purpose of signatures.", purpose=purpose)
    return f"trueque/{purpose}/v1\n{network}\n".encode("ascii")


def is_key(public_key: bytes) -> bool:
    """Whether anybody can sign so that `verify` says so: a canonical point of prime order, 32 bytes."""
    return len(public_key) == HASH_BYTES and _is_valid_key(public_key)


def verify(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether `signature` (64 bytes) is one of `message` under `public_key` (32 bytes).

    The strict rules above (RFC 8032, section 5.1.7, and more). Never raises on
    bytes of any length.
    """
    if len(signature) != SIGNATURE_BYTES or not is_key(public_key):
        return False
    if _ACCEPTS_COFACTOR and not crypto_core_ed25519_is_valid_point(signature[:32]):
        return False
    return _open(public_key, message, signature)


def verify_in_context(
    purpose: str, network: str, public_key: bytes, message: bytes, signature: bytes
) -> bool:
    """Whether `signature` is one of `message` in the context of a purpose and a network.

    False also for a network that cannot be, since that name may come from
    outside; raises RecordError for such a purpose, which never does.
    """
    if not _NAME.fullmatch(network):
        return False
    return verify(public_key, context(purpose, network) + message, signature)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key pair; made from 32 bytes that the caller drew at random. Never shows them."""

    seed: bytes = field(repr=False)
    public_key: bytes = field(init=False)
    _secret: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Derive the pair. Raises LocalError if the seed has not 32 bytes."""
        if len(self.seed) != SEED_BYTES:
            raise LocalError(
                "A signing key is made from {limit} bytes, not {count}.",
                limit=SEED_BYTES,
                count=len(self.seed),
            )
        public_key, secret = crypto_sign_seed_keypair(self.seed)
        object.__setattr__(self, "public_key", public_key)
        object.__setattr__(self, "_secret", secret)

    def sign(self, message: bytes) -> bytes:
        """The signature (64 bytes) of a message that says by itself what it is for, as a note does."""
        return crypto_sign(message, self._secret)[:SIGNATURE_BYTES]

    def sign_in_context(self, purpose: str, network: str, message: bytes) -> bytes:
        """The signature (64 bytes) of `message` in the context of a purpose and a network.

        Raises RecordError, as `context` does, on names that are none.
        """
        return self.sign(context(purpose, network) + message)


@lru_cache(maxsize=MAX_CACHED_KEYS)
def _is_valid_key(public_key: bytes) -> bool:
    """Whether 32 bytes are a canonical point of prime order. Costs as much as verifying a signature."""
    return crypto_core_ed25519_is_valid_point(public_key)


def _open(public_key: bytes, message: bytes, signature: bytes) -> bool:
    try:
        crypto_sign_open(signature + message, public_key)
    except BadSignatureError:
        return False
    return True


# A signature that only the equation with a cofactor accepts: R is r·B and a point of order 8.
_PROBE_KEY: Final = bytes.fromhex("3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29")
_PROBE_SIGNATURE: Final = bytes.fromhex(
    "f1587e1a1f2a51ac9b7859ed6768f0af3f39194f524bebc5b8053ea751550610"
    "b6c03c475538a90d51c0031521afbc4f2bf7779ec22fa959616c63424c956c0a"
)
_ACCEPTS_COFACTOR: Final = _open(_PROBE_KEY, b"", _PROBE_SIGNATURE)
