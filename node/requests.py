"""Requests for signatures: a record that several keys of an authority have to sign.

Decides the file in which a succession or a change of authority travels from
the computer that needs it to those who hold the keys, and back. Whoever signs
is shown what the record itself says, never what the file says about it. What
the record means is `ledger.commune`'s and `ledger.authority`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import msgspec

from ledger.authority import satisfied
from ledger.errors import LedgerError
from ledger.limits import MAX_PAYLOAD_BYTES
from ledger.log import entry_id
from ledger.records import (
    Authority,
    AuthorityChange,
    Charter,
    Signed,
    Succession,
    parse,
    signed_body,
    to_payload,
)
from ledger.signing import SigningKey, verify

from .errors import InputError

MAX_REQUEST_BYTES: Final = 131_072
"""bytes of a request file; two payloads and 64 signatures in hex are far fewer."""

Hex = Annotated[str, msgspec.Meta(pattern=r"\A([0-9a-f]{2})*\Z", max_length=2 * MAX_PAYLOAD_BYTES)]


class HexSigned(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A key and its signature, in hex."""

    key: Hex
    signature: Hex


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A request file, as JSON. `payload` is the record without signatures.

    `charter` and `charter_log` prove the commune's name: together they hash to
    its id. `authorities` are those that have to be satisfied, each with its
    keys and threshold.
    """

    trueque: str
    network: str
    payload: Hex
    charter: Hex
    charter_log: Hex
    authorities: tuple[Authority, ...]
    signatures: tuple[HexSigned, ...] = ()

    @property
    def record(self) -> Succession | AuthorityChange:
        """What is to be signed. Raises InputError."""
        record = parse(bytes.fromhex(self.payload))
        if not isinstance(record, Succession | AuthorityChange) or record.signatures:
            raise InputError("The request does not ask for a signature that this version of Trueque knows.")
        return record

    @property
    def commune_name(self) -> str:
        """The name of the commune in its charter, proven to be that of the record. Raises InputError."""
        payload = bytes.fromhex(self.charter)
        charter = parse(payload)
        identity = entry_id(bytes.fromhex(self.charter_log), 0, payload)
        if not isinstance(charter, Charter) or identity != self.record.commune:
            raise InputError(
                "The request names a commune that its own charter does not prove: do not sign it."
            )
        return charter.name

    @property
    def message(self) -> bytes:
        """What is signed."""
        return signed_body(bytes.fromhex(self.payload), self.network)

    @property
    def valid(self) -> tuple[Signed, ...]:
        """The signatures that are valid and by a key asked for, one a key, sorted."""
        asked = {key for authority in self.authorities for key in authority.keys}
        found = {
            bytes.fromhex(item.key): bytes.fromhex(item.signature)
            for item in self.signatures
            if bytes.fromhex(item.key) in asked
            and verify(bytes.fromhex(item.key), self.message, bytes.fromhex(item.signature))
        }
        return tuple(Signed(key, signature) for key, signature in sorted(found.items()))

    @property
    def is_complete(self) -> bool:
        """Whether enough valid signatures are there for every authority concerned."""
        return all(satisfied(authority, self.valid, self.message) for authority in self.authorities)

    @property
    def missing(self) -> int:
        """How many signatures are still needed, at least."""
        signers = {item.key for item in self.valid}
        return max(
            (authority.threshold - len(signers & set(authority.keys)) for authority in self.authorities),
            default=0,
        )

    def signed_payload(self) -> bytes:
        """The record with its signatures, ready to be an entry. Raises InputError while some are missing."""
        if not self.is_complete:
            raise InputError(
                "Signatures that are still needed: {count}. Have them added with `trueque authority sign`.",
                count=max(self.missing, 1),
            )
        return to_payload(msgspec.structs.replace(self.record, signatures=self.valid))


def request_for(
    record: Succession | AuthorityChange,
    network: str,
    charter: bytes,
    charter_log: bytes,
    authorities: Sequence[Authority],
) -> Request:
    """A request for the signatures that a record needs."""
    return Request(
        "request",
        network,
        to_payload(msgspec.structs.replace(record, signatures=())).hex(),
        charter.hex(),
        charter_log.hex(),
        tuple(authorities),
    )


def sign_request(request: Request, key: SigningKey) -> Request:
    """Add one key's signature. Raises InputError if the key is not asked for."""
    if not any(key.public_key in authority.keys for authority in request.authorities):
        raise InputError(
            "These recovery words are of another key than those that are asked for: look for the right paper."
        )
    added = HexSigned(key.public_key.hex(), key.sign(request.message).hex())
    kept = tuple(item for item in request.signatures if item.key != added.key)
    return msgspec.structs.replace(request, signatures=(*kept, added))


def merge_requests(requests: Sequence[Request]) -> Request:
    """Put the signatures of several copies of one request together. Raises InputError if they differ."""
    first = requests[0]
    for other in requests[1:]:
        if (other.payload, other.network) != (first.payload, first.network):
            raise InputError(
                "The files are not copies of one request: take those that were made from the same one."
            )
    return msgspec.structs.replace(
        first, signatures=tuple(item for each in requests for item in each.signatures)
    )


def encode_request(request: Request) -> bytes:
    """The request as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(request), indent=2) + b"\n"


def decode_request(data: bytes) -> Request:
    """Read a request. Raises InputError on anything else."""
    if len(data) > MAX_REQUEST_BYTES:
        raise InputError("The file is too long to be a request for signatures.")
    try:
        request = msgspec.json.decode(data, type=Request)
        if request.trueque == "request" and request.commune_name and request.message:
            return request
    except (msgspec.MsgspecError, LedgerError, RecursionError, UnicodeDecodeError):
        pass
    raise InputError("This is not a request for signatures: choose the file that Trueque wrote.")


def read_request(path: Path) -> Request:
    """Read a request from a file. Raises InputError, OSError."""
    with path.open("rb") as file:
        return decode_request(file.read(MAX_REQUEST_BYTES + 1))
