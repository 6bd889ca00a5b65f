"""Records: what a payload can say, one typed Struct a kind.

Decides the fields of every kind, their form (lengths, ranges, one way to write
each) and what becomes of a payload that this version cannot interpret. What a
record means beside others is `commune`'s and `exchange`'s; which entries count
is not decided here.

Fields stand in the order of their names, `kind` in its alphabetical place, so
that encoding a Struct gives the one canonical form (docs/spec/records.md).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Annotated, Any, Final, Literal, NewType, TypeAlias

import msgspec

from . import encoding, signing
from .errors import EncodingError, RecordError
from .limits import (
    MAX_AUTHORITY_KEYS,
    MAX_CODE_CHARACTERS,
    MAX_IMAGES,
    MAX_NAME_CHARACTERS,
    MAX_NETWORK_CHARACTERS,
    MAX_NUMBER,
    MAX_PARTIES,
    MAX_PAYLOAD_BYTES,
    MAX_PREVIOUS,
    MAX_SCALE,
    MAX_SEEN,
    MAX_TEXT_CHARACTERS,
    MAX_TIME,
    MAX_TRANSFERS,
    MIN_PARTIES,
)
from .log import Hash, Head, Signature

CommuneId = NewType("CommuneId", bytes)
"""The entry id (32 bytes) of a commune's charter."""

Meta = msgspec.Meta
Name = Annotated[str, Meta(min_length=1, max_length=MAX_NAME_CHARACTERS)]
Code = Annotated[str, Meta(min_length=1, max_length=MAX_CODE_CHARACTERS)]
Text = Annotated[str, Meta(min_length=1, max_length=MAX_TEXT_CHARACTERS)]
Day = Annotated[str, Meta(min_length=10, max_length=10)]
Time = Annotated[int, Meta(ge=0, le=MAX_TIME)]
Seen = Annotated[tuple[Head, ...], Meta(max_length=MAX_SEEN)]


def _kind(name: str) -> Any:
    """A field that construction fills in and encoding never omits, unlike a plain default."""
    return msgspec.field(default_factory=lambda: name)


class Quantity(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """`number` / 10^`scale` of `unit`, without trailing zeros behind the point; an array of three."""

    number: Annotated[int, Meta(ge=1, le=MAX_NUMBER)]
    scale: Annotated[int, Meta(ge=0, le=MAX_SCALE)]
    unit: Code


class Signed(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A signature inside a record and the key that made it; an array of two."""

    key: Hash
    signature: Signature


class Seal(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A log, and up to which size and root it counts; an array of three."""

    log: Hash
    size: Annotated[int, Meta(ge=0, le=2**32)]
    root: Hash


class Authority(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`threshold` of these keys, sorted and distinct, speak for the commune."""

    keys: Annotated[tuple[Hash, ...], Meta(min_length=1, max_length=MAX_AUTHORITY_KEYS)]
    threshold: Annotated[int, Meta(ge=1, le=MAX_AUTHORITY_KEYS)]


class Transfer(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={"giver": "from", "receiver": "to"},
):
    """One leg of an exchange. `giver` (`from`) and `receiver` (`to`) are places in `parties`."""

    category: Code | None = None
    due: Day | None = None
    giver: Annotated[int, Meta(ge=0, lt=MAX_PARTIES)]
    listing: Hash | None = None
    quantity: Quantity | None = None
    title: Name
    receiver: Annotated[int, Meta(ge=0, lt=MAX_PARTIES)]


class Mandate(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """The act of an assembly that stands behind an acceptance, signed by those who hold it."""

    act: Text
    exchange: Hash
    signatures: Annotated[tuple[Signed, ...], Meta(max_length=MAX_AUTHORITY_KEYS)] = ()


class _Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What all kinds have in common is repeated in each, since the order of fields is the encoding."""


class Charter(_Record, frozen=True, kw_only=True):
    """Founds a commune; counts only as entry 0 of its first log, whose id is then the commune's."""

    about: Text | None = None
    at: Time
    authority: Authority
    by: Name | None = None
    kind: Literal["charter"] = _kind("charter")
    name: Name
    network: Annotated[str, Meta(min_length=1, max_length=MAX_NETWORK_CHARACTERS)]
    place: Name | None = None
    seen: Seen = ()
    within: Name | None = None
    within_id: Hash | None = None


class Profile(_Record, frozen=True, kw_only=True):
    """How a commune presents itself; each replaces the one before, whole."""

    about: Text | None = None
    at: Time
    by: Name | None = None
    contact: Text | None = None
    kind: Literal["profile"] = _kind("profile")
    name: Name
    place: Name | None = None
    seen: Seen = ()


class Succession(_Record, frozen=True, kw_only=True):
    """Opens a commune's next log: which logs it continues and where each of them ends."""

    at: Time
    authority: Hash
    by: Name | None = None
    commune: Hash
    kind: Literal["succession"] = _kind("succession")
    log: Hash
    previous: Annotated[tuple[Seal, ...], Meta(min_length=1, max_length=MAX_PREVIOUS)]
    reason: Text | None = None
    seen: Seen = ()
    signatures: Annotated[tuple[Signed, ...], Meta(max_length=MAX_AUTHORITY_KEYS)] = ()


class AuthorityChange(_Record, frozen=True, kw_only=True):
    """Replaces a commune's authority (kind `authority`), signed to the satisfaction of those it replaces.

    `log` must be the log that it stands in: a copy elsewhere says nothing.
    """

    at: Time
    authority: Authority
    by: Name | None = None
    commune: Hash
    kind: Literal["authority"] = _kind("authority")
    log: Hash
    previous: Annotated[tuple[Hash, ...], Meta(min_length=1, max_length=MAX_PREVIOUS)]
    seen: Seen = ()
    signatures: Annotated[tuple[Signed, ...], Meta(max_length=2 * MAX_AUTHORITY_KEYS)] = ()


class Offer(_Record, frozen=True, kw_only=True):
    """A surplus that the commune would give."""

    at: Time
    by: Name | None = None
    category: Code
    council: Name | None = None
    council_id: Hash | None = None
    images: Annotated[tuple[Hash, ...], Meta(max_length=MAX_IMAGES)] = ()
    kind: Literal["offer"] = _kind("offer")
    note: Text | None = None
    place: Name | None = None
    quantity: Quantity | None = None
    replaces: Hash | None = None
    seen: Seen = ()
    title: Name
    until: Day | None = None
    wants: Text | None = None


class Need(_Record, frozen=True, kw_only=True):
    """Something that the commune lacks."""

    at: Time
    by: Name | None = None
    category: Code
    council: Name | None = None
    council_id: Hash | None = None
    images: Annotated[tuple[Hash, ...], Meta(max_length=MAX_IMAGES)] = ()
    kind: Literal["need"] = _kind("need")
    note: Text | None = None
    place: Name | None = None
    quantity: Quantity | None = None
    replaces: Hash | None = None
    seen: Seen = ()
    title: Name
    until: Day | None = None
    wants: Text | None = None


class Withdraw(_Record, frozen=True, kw_only=True):
    """Takes back one's own listing, proposal or cancel."""

    at: Time
    by: Name | None = None
    kind: Literal["withdraw"] = _kind("withdraw")
    reason: Text | None = None
    seen: Seen = ()
    target: Hash


class Propose(_Record, frozen=True, kw_only=True):
    """Opens an exchange among `parties` (sorted); its entry id is the exchange id."""

    answer_by: Time | None = None
    at: Time
    by: Name | None = None
    kind: Literal["propose"] = _kind("propose")
    note: Text | None = None
    parties: Annotated[tuple[Hash, ...], Meta(min_length=MIN_PARTIES, max_length=MAX_PARTIES)]
    replaces: Hash | None = None
    seen: Seen = ()
    transfers: Annotated[tuple[Transfer, ...], Meta(min_length=1, max_length=MAX_TRANSFERS)]


class Accept(_Record, frozen=True, kw_only=True):
    """Agrees to a proposal; `seen` (here or earlier in the log) must cover it."""

    at: Time
    by: Name | None = None
    exchange: Hash
    kind: Literal["accept"] = _kind("accept")
    mandate: Mandate | None = None
    note: Text | None = None
    seen: Seen = ()


class Decline(_Record, frozen=True, kw_only=True):
    """Answers a proposal with no."""

    at: Time
    by: Name | None = None
    exchange: Hash
    kind: Literal["decline"] = _kind("decline")
    note: Text | None = None
    seen: Seen = ()


class Deliver(_Record, frozen=True, kw_only=True):
    """The giver's word that (part of) a transfer was handed over."""

    at: Time
    by: Name | None = None
    exchange: Hash
    kind: Literal["deliver"] = _kind("deliver")
    note: Text | None = None
    quantity: Quantity | None = None
    seen: Seen = ()
    transfer: Annotated[int, Meta(ge=0, lt=MAX_TRANSFERS)]


class Receive(_Record, frozen=True, kw_only=True):
    """The receiver's word that (part of) a transfer arrived, and how."""

    at: Time
    by: Name | None = None
    condition: Literal["good", "short", "damaged"] = "good"
    exchange: Hash
    kind: Literal["receive"] = _kind("receive")
    note: Text | None = None
    quantity: Quantity | None = None
    seen: Seen = ()
    transfer: Annotated[int, Meta(ge=0, lt=MAX_TRANSFERS)]


class Dispute(_Record, frozen=True, kw_only=True):
    """Says that something is wrong with a transfer, or (no `transfer`) with the whole exchange."""

    at: Time
    by: Name | None = None
    exchange: Hash
    kind: Literal["dispute"] = _kind("dispute")
    note: Text | None = None
    seen: Seen = ()
    transfer: Annotated[int, Meta(ge=0, lt=MAX_TRANSFERS)] | None = None


class Settle(_Record, frozen=True, kw_only=True):
    """One side's word on how a dispute ends: the rest stays due, or the matter is closed."""

    at: Time
    by: Name | None = None
    dispute: Hash
    kind: Literal["settle"] = _kind("settle")
    note: Text | None = None
    outcome: Literal["due", "closed"]
    seen: Seen = ()


class Cancel(_Record, frozen=True, kw_only=True):
    """One party's wish to end an agreed exchange; it ends when all parties have said so."""

    at: Time
    by: Name | None = None
    exchange: Hash
    kind: Literal["cancel"] = _kind("cancel")
    reason: Text | None = None
    seen: Seen = ()


class Correct(_Record, frozen=True, kw_only=True):
    """An explanation beside a record of one's own; it changes nothing."""

    at: Time
    by: Name | None = None
    kind: Literal["correct"] = _kind("correct")
    note: Text
    seen: Seen = ()
    target: Hash


class Recognise(_Record, frozen=True, kw_only=True):
    """Says publicly that this commune deals with another."""

    at: Time
    by: Name | None = None
    commune: Hash
    kind: Literal["recognise"] = _kind("recognise")
    note: Text | None = None
    seen: Seen = ()


class Unrecognise(_Record, frozen=True, kw_only=True):
    """Takes a recognition back."""

    at: Time
    by: Name | None = None
    commune: Hash
    kind: Literal["unrecognise"] = _kind("unrecognise")
    note: Text | None = None
    seen: Seen = ()


Listing: TypeAlias = Offer | Need
Record: TypeAlias = (
    Charter | Profile | Succession | AuthorityChange | Offer | Need | Withdraw | Propose | Accept | Decline
    | Deliver | Receive | Dispute | Settle | Cancel | Correct | Recognise | Unrecognise
)  # fmt: skip

KINDS: Final[Mapping[str, type[Record]]] = {
    "accept": Accept, "authority": AuthorityChange, "cancel": Cancel, "charter": Charter, "correct": Correct,
    "decline": Decline, "deliver": Deliver, "dispute": Dispute, "need": Need, "offer": Offer,
    "profile": Profile, "propose": Propose, "receive": Receive, "recognise": Recognise, "settle": Settle,
    "succession": Succession, "unrecognise": Unrecognise, "withdraw": Withdraw,
}  # fmt: skip
"""Every kind that this version interprets, by the name it has in `kind`."""


class Uninterpreted(msgspec.Struct, frozen=True):
    """A canonical payload that this version does not understand: kept, passed on, not interpreted.

    `names` are the 32-byte values among its top-level fields: an exchange
    among them is shown as needing a newer version.
    """

    kind: str
    reason: str
    names: frozenset[bytes]


class Malformed(msgspec.Struct, frozen=True):
    """A payload that is not a canonical record: a finding against its author, nobody else."""

    reason: str


class _Kinded(msgspec.Struct):
    kind: str


_peek = msgspec.msgpack.Decoder(_Kinded)
_decoders: Final[Mapping[str, msgspec.msgpack.Decoder[Any]]] = {
    name: msgspec.msgpack.Decoder(struct) for name, struct in KINDS.items()
}
_encoder = msgspec.msgpack.Encoder()

# Which fields are one line, and which are text of any lines; checked as one string a record.
_LINES: Final[Mapping[str, tuple[str, ...]]] = {
    name: tuple(
        field for field in struct.__struct_fields__
        if field in ("by", "category", "council", "name", "network", "place", "title", "until", "within")
    )
    for name, struct in KINDS.items()
}  # fmt: skip
_TEXTS: Final[Mapping[str, tuple[str, ...]]] = {
    name: tuple(field for field in struct.__struct_fields__ if field in ("about", "contact", "note", "reason", "wants"))
    for name, struct in KINDS.items()
}


def parse(payload: bytes) -> Record | Uninterpreted | Malformed:
    """Read a payload as a record; never raises, whatever the bytes.

    A canonical payload of an unknown kind, with an unknown field, or with a
    value outside this version's form gives Uninterpreted; one that is not
    canonical gives Malformed. Fields whose names begin with `x_` are ignored.
    """
    if len(payload) > MAX_PAYLOAD_BYTES:
        return Malformed(f"it has {len(payload)} bytes; {MAX_PAYLOAD_BYTES} are allowed")
    try:
        kind = _peek.decode(payload).kind
        record: Record = _decoders[kind].decode(payload)
        if _encoder.encode(record) != payload:
            return _parse_generic(payload)
    except (msgspec.MsgspecError, KeyError, UnicodeDecodeError, RecursionError):
        return _parse_generic(payload)
    try:
        _check_strings(record)
    except EncodingError as error:
        return Malformed(str(error))
    except RecordError as error:
        return _uninterpreted(payload, str(error))
    try:
        _check_form(record)
    except RecordError as error:
        return _uninterpreted(payload, str(error))
    return record


def _parse_generic(payload: bytes) -> Record | Uninterpreted | Malformed:
    try:
        value = encoding.decode(payload)
    except EncodingError as error:
        return Malformed(str(error))
    if not isinstance(value, dict) or not isinstance(value.get("kind"), str):
        return Malformed("it is not a map with a kind")
    known = {key: field for key, field in value.items() if not key.startswith("x_")}
    if len(known) < len(value):
        stripped = parse(encoding.encode(known))
        if not isinstance(stripped, Uninterpreted | Malformed):
            return stripped
    return _uninterpreted(payload, "its kind, or a field or value of it, is not known to this version")


def _uninterpreted(payload: bytes, reason: str) -> Uninterpreted | Malformed:
    value = encoding.decode(payload)
    assert isinstance(value, dict)
    names = frozenset(item for item in value.values() if isinstance(item, bytes) and len(item) == 32)
    return Uninterpreted(str(value["kind"]), reason, names)


def to_payload(record: Record) -> bytes:
    """The canonical bytes of a record, checked as a reader would. Raises RecordError."""
    try:
        _check_strings(record)
    except EncodingError as error:
        raise RecordError(f"A text cannot be recorded: {error}") from error
    _check_form(record)
    payload = _encoder.encode(record)
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise RecordError(f"The record has {len(payload)} bytes; {MAX_PAYLOAD_BYTES} are allowed: shorten its texts.")
    read = parse(payload)
    if isinstance(read, Uninterpreted | Malformed):
        raise RecordError(f"The record cannot be written: {read.reason}.")
    return payload


def subjects(record: Record) -> list[bytes]:
    """The ids of the entries that a record is about: what it answers, takes back, replaces or draws on."""
    match record:
        case Accept() | Decline() | Deliver() | Receive() | Dispute() | Cancel():
            return [record.exchange]
        case Settle():
            return [record.dispute]
        case Withdraw() | Correct():
            return [record.target]
        case Propose():
            named = [transfer.listing for transfer in record.transfers if transfer.listing is not None]
            return named if record.replaces is None else [record.replaces, *named]
        case Offer() | Need():
            return [] if record.replaces is None else [record.replaces]
        case Succession():
            return [record.authority]
        case AuthorityChange():
            return list(record.previous)
    return []


def signed_body(payload: bytes, network: str) -> bytes:
    """What the signatures inside a record cover: its context and its encoding without `signatures`.

    Raises EncodingError if the payload is not a canonical map with a kind.
    """
    value = encoding.decode(payload)
    if not isinstance(value, dict) or not isinstance(value.get("kind"), str):
        raise EncodingError("The payload is not a record.")
    body = encoding.encode({key: field for key, field in value.items() if key != "signatures"})
    return signing.context(str(value["kind"]), network) + body


def mandate_body(mandate: Mandate, network: str) -> bytes:
    """What the signatures of a mandate cover, under the purpose `mandate`."""
    return signing.context("mandate", network) + _encoder.encode(msgspec.structs.replace(mandate, signatures=()))


def _strings(record: Record, fields: tuple[str, ...]) -> list[str]:
    return [text for field in fields if (text := getattr(record, field)).__class__ is str]


def _check_strings(record: Record) -> None:
    """One pass over all strings of a record: joined by newlines, which neither compose nor are refused."""
    lines = _strings(record, _LINES[record.kind])
    texts = _strings(record, _TEXTS[record.kind])
    extra = _nested_strings.get(record.kind)
    if extra is not None:
        more_lines, more_texts = extra(record)
        lines += more_lines
        texts += more_texts
    joined = "\n".join(lines)
    if joined.count("\n") != max(len(lines) - 1, 0):
        raise RecordError("A name, title, place or code has more than one line.")
    if texts:
        joined = f"{joined}\n" + "\n".join(texts)
    encoding.check_text(joined)


def _listing_strings(record: Any) -> tuple[list[str], list[str]]:
    return ([record.quantity.unit] if record.quantity else []), []


def _propose_strings(record: Propose) -> tuple[list[str], list[str]]:
    lines = [transfer.title for transfer in record.transfers]
    for transfer in record.transfers:
        lines += [text for text in (transfer.category, transfer.due) if text is not None]
        if transfer.quantity is not None:
            lines.append(transfer.quantity.unit)
    return lines, []


def _accept_strings(record: Accept) -> tuple[list[str], list[str]]:
    return [], [record.mandate.act] if record.mandate else []


_nested_strings: Final[Mapping[str, Callable[[Any], tuple[list[str], list[str]]]]] = {
    "offer": _listing_strings,
    "need": _listing_strings,
    "deliver": _listing_strings,
    "receive": _listing_strings,
    "propose": _propose_strings,
    "accept": _accept_strings,
}


def _check_form(record: Record) -> None:
    """What types cannot say. Raises RecordError."""
    match record:
        case Offer() | Need():
            _check_quantity(record.quantity)
            _check_day(record.until)
            if len(set(record.images)) != len(record.images):
                raise RecordError("An image is named twice.")
        case Deliver() | Receive():
            _check_quantity(record.quantity)
        case Propose():
            _check_proposal(record)
        case Charter():
            signing.check_network(record.network)
            _check_authority(record.authority)
        case AuthorityChange():
            _check_authority(record.authority)
            if list(record.previous) != sorted(set(record.previous)):
                raise RecordError("The authorities replaced are not sorted and distinct.")
        case Succession():
            logs = [seal.log for seal in record.previous]
            if logs != sorted(set(logs)):
                raise RecordError("The logs continued are not sorted and distinct.")
            if record.log in logs:
                raise RecordError("A log cannot continue itself.")
        case Accept():
            if record.mandate is not None and record.mandate.exchange != record.exchange:
                raise RecordError("The mandate is for another exchange.")


def _check_proposal(record: Propose) -> None:
    if list(record.parties) != sorted(set(record.parties)):
        raise RecordError("The parties are not sorted and distinct.")
    for transfer in record.transfers:
        if max(transfer.giver, transfer.receiver) >= len(record.parties):
            raise RecordError("A transfer names a party that is not there.")
        if transfer.giver == transfer.receiver:
            raise RecordError("A transfer goes from a party to itself.")
        _check_quantity(transfer.quantity)
        _check_day(transfer.due)
    involved = {place for transfer in record.transfers for place in (transfer.giver, transfer.receiver)}
    if len(involved) < len(record.parties):
        raise RecordError("A party neither gives nor receives anything.")


def _check_quantity(quantity: Quantity | None) -> None:
    if quantity is not None and quantity.scale and quantity.number % 10 == 0:
        raise RecordError("A quantity has zeros at the end of its decimals.")


def _check_day(day: str | None) -> None:
    if day is None:
        return
    try:
        if date.fromisoformat(day).isoformat() != day:
            raise ValueError
    except ValueError:
        raise RecordError(f"{day!r} is not a date like 2030-01-31.") from None


def _check_authority(authority: Authority) -> None:
    if list(authority.keys) != sorted(set(authority.keys)):
        raise RecordError("The keys of an authority are not sorted and distinct.")
    if authority.threshold > len(authority.keys):
        raise RecordError("An authority asks for more signatures than it has keys.")
