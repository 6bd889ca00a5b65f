"""Records: what a payload says, and the one payload that says it.

Decides what becomes of every payload: a record, one that this version cannot
interpret, or none at all; and which bytes the signatures inside a record cover.
The kinds and their fields are `kinds`', what must hold between fields is
`form`'s; everybody else imports their names from here. What a record means
beside others, and which entries count, is not decided here.

The bytes as received are what is hashed, stored and sent on. A record is
encoded again only to see that the bytes were its one canonical form.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import msgspec

from . import encoding, signing
from .errors import EncodingError, RecordError
from .form import check_form
from .kinds import (
    KINDS,
    Accept,
    Authority,
    AuthorityChange,
    Cancel,
    Charter,
    CommuneId,
    Correct,
    Decline,
    Deliver,
    Dispute,
    Listing,
    Mandate,
    Need,
    Offer,
    Profile,
    Propose,
    Quantity,
    Receive,
    Recognise,
    Record,
    Seal,
    Seen,
    Settle,
    Signed,
    Succession,
    Transfer,
    Unrecognise,
    Withdraw,
)
from .limits import HASH_BYTES, MAX_PAYLOAD_BYTES
from .log import Head

__all__ = [
    "KINDS", "Accept", "Authority", "AuthorityChange", "Cancel", "Charter", "CommuneId", "Correct", "Decline",
    "Deliver", "Dispute", "Listing", "Malformed", "Mandate", "Need", "Offer", "Profile", "Propose",
    "Quantity", "Receive", "Recognise", "Record", "Seal", "Settle", "Signed", "Succession", "Transfer",
    "Uninterpreted", "Unrecognise", "Withdraw", "mandate_body", "parse", "signed_body", "subjects",
    "to_payload",
]  # fmt: skip

IGNORED_PREFIX: Final = "x_"
"""How the names of fields begin that any version may ignore; of the record itself, not of maps inside it."""

SIGNED_KINDS: Final = frozenset({"authority", "succession"})
"""The kinds with `signatures`; each is the purpose of its signatures' context."""


class Uninterpreted(msgspec.Struct, frozen=True):
    """A canonical payload that this version does not understand: kept, passed on, not interpreted.

    `names` are the values of 32 bytes anywhere in it, but for what it has seen,
    signatures and ignored fields: an exchange among them is shown as needing a
    newer version. `seen` is read where it has its form, since it is common to
    all kinds and later entries build on it. `reason` is a sentence.
    """

    kind: str
    reason: str
    names: frozenset[bytes]
    seen: tuple[Head, ...] = ()


class Malformed(msgspec.Struct, frozen=True):
    """A payload that is not a canonical record: a finding against its author, nobody else."""

    reason: str


class _Kinded(msgspec.Struct):
    kind: str


_peek: Final = msgspec.msgpack.Decoder(_Kinded)
_decoders: Final[Mapping[str, msgspec.msgpack.Decoder[Any]]] = {
    name: msgspec.msgpack.Decoder(struct) for name, struct in KINDS.items()
}
_seen_decoder: Final = msgspec.msgpack.Decoder(Seen)
_encoder: Final = msgspec.msgpack.Encoder()


def parse(payload: bytes) -> Record | Uninterpreted | Malformed:
    """Read a payload as a record; never raises, whatever the bytes.

    A canonical payload of an unknown kind, with an unknown field, or with a
    value outside this version's form gives Uninterpreted; one that is not
    canonical gives Malformed. Fields whose names begin with `x_` are ignored.
    """
    if len(payload) > MAX_PAYLOAD_BYTES:
        return Malformed(f"It has {len(payload)} bytes; {MAX_PAYLOAD_BYTES} are allowed.")
    try:
        record: Record = _decoders[_peek.decode(payload).kind].decode(payload)
        if _encoder.encode(record) == payload:
            check_form(record)
            return record
        reason = "A default is written out, or a head in it is cut short."
    except EncodingError as error:
        return Malformed(str(error))
    except RecordError as error:
        reason = str(error)
    except KeyError:
        reason = "This version does not know its kind."
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        reason = f"{error}."
    return _parse_generic(payload, reason)


def reread(payload: bytes) -> Record | Uninterpreted | Malformed:
    """Read again a payload that `parse` has read as a record before, at a third of the cost.

    One that was damaged since is read as `parse` reads it.
    """
    try:
        record: Record = _decoders[_peek.decode(payload).kind].decode(payload)
    except (msgspec.MsgspecError, LookupError, UnicodeDecodeError):
        # It has fields that are ignored.
        return parse(payload)
    return record


def to_payload(record: Record) -> bytes:
    """The canonical bytes of a record, checked as a reader would. Raises RecordError."""
    if KINDS.get(record.kind) is not record.__class__:
        raise RecordError(
            "A {type} cannot be recorded as the kind '{kind}'.",
            type=record.__class__.__name__,
            kind=record.kind,
        )
    try:
        # Read back, a list is a tuple and a default is the default: the second encoding is canonical.
        read: Record = _decoders[record.kind].decode(_encoder.encode(record))
        check_form(read)
    except EncodingError as error:
        raise RecordError("A text cannot be recorded: {reason}", reason=error) from error
    except (TypeError, ValueError, OverflowError) as error:
        raise _wrong_field(str(error)) from error
    payload = _encoder.encode(read)
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise RecordError(
            "The record has {count} bytes; {limit} are allowed: shorten its texts.",
            count=len(payload),
            limit=MAX_PAYLOAD_BYTES,
        )
    return payload


def _wrong_field(text: str) -> RecordError:
    """What msgspec says of a value, with the name of its field: `title`, `transfers[0].quantity[2]`."""
    what, _, where = text.partition(" - at `$.")
    field = where.rstrip("`")
    if not field:
        return RecordError(
            "The record cannot be written because of one of its fields: {reason}.", reason=what
        )
    length = re.search(r"of length <= (\d+)$", what)
    if length is not None:
        return RecordError(
            "The field '{field}' is too long: shorten it to {limit}.", field=field, limit=length[1]
        )
    return RecordError("The field '{field}' cannot be written: {reason}.", field=field, reason=what)


def subjects(record: Record) -> list[bytes]:
    """The ids of the entries that a record is about, each once.

    What it answers, takes back, explains, replaces, draws on or is signed under.
    """
    found: list[bytes] = _SUBJECTS[record.__class__](record)
    return found


def _of_proposal(record: Propose) -> list[bytes]:
    named = [record.replaces, *(transfer.listing for transfer in record.transfers)]
    return [entry for entry in dict.fromkeys(named) if entry is not None]


def _of_listing(record: Listing) -> list[bytes]:
    return [] if record.replaces is None else [record.replaces]


# A table and not a match: this is asked of every entry that is stored.
_SUBJECTS: Final[Mapping[type[Record], Callable[[Any], list[bytes]]]] = {
    **dict.fromkeys(KINDS.values(), lambda _: []),
    **dict.fromkeys((Accept, Decline, Deliver, Receive, Dispute, Cancel), lambda record: [record.exchange]),
    **dict.fromkeys((Withdraw, Correct), lambda record: [record.target]),
    **dict.fromkeys((Offer, Need), _of_listing),
    Settle: lambda record: [record.dispute],
    Propose: _of_proposal,
    Succession: lambda record: [record.authority],
    AuthorityChange: lambda record: list(record.previous),
}


def signed_body(payload: bytes, network: str) -> bytes:
    """What the signatures inside a record cover: its context and its encoding without `signatures`.

    Everything else in the payload is covered, fields that this version ignores
    included. Raises EncodingError if the payload is not canonical or not of one
    of `SIGNED_KINDS`, RecordError if `network` cannot name one.
    """
    value = encoding.decode(payload)
    kind = value.get("kind") if isinstance(value, dict) else None
    if not isinstance(value, dict) or not isinstance(kind, str) or kind not in SIGNED_KINDS:
        raise EncodingError("The payload is not a record of a kind that holds signatures.")
    body = encoding.encode({key: field for key, field in value.items() if key != "signatures"})
    return signing.context(kind, network) + body


def mandate_body(mandate: Mandate, network: str) -> bytes:
    """What the signatures of a mandate cover, under the purpose `mandate`."""
    body = _encoder.encode(msgspec.structs.replace(mandate, signatures=()))
    return signing.context("mandate", network) + body


def _parse_generic(payload: bytes, reason: str) -> Record | Uninterpreted | Malformed:
    """What a payload is that is no typed record as it stands, for `reason` if it is canonical."""
    try:
        value = encoding.decode(payload)
    except EncodingError as error:
        return Malformed(str(error))
    kind = value.get("kind") if isinstance(value, dict) else None
    if not isinstance(value, dict) or not isinstance(kind, str):
        return Malformed("It is not a map with a kind.")
    known = {key: field for key, field in value.items() if not key.startswith(IGNORED_PREFIX)}
    if len(known) < len(value):
        return parse(encoding.encode(known))
    return Uninterpreted(kind, reason, frozenset(_names(value)), _seen(value.get("seen")))


def _names(value: encoding.Value) -> Iterator[bytes]:
    if isinstance(value, bytes) and len(value) == HASH_BYTES:
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _names(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key not in ("seen", "signatures"):
                yield from _names(item)


def _seen(value: encoding.Value) -> tuple[Head, ...]:
    """The heads in the field `seen` of an uninterpreted record; none if it does not have its form."""
    data = _encoder.encode(value)
    try:
        heads: tuple[Head, ...] = _seen_decoder.decode(data)
    except msgspec.ValidationError:
        return ()
    return heads if _encoder.encode(heads) == data else ()
