"""The kinds of record: one typed Struct each, with the limits of every field.

Decides which fields a kind has and what each may hold by itself. What must hold
between fields is `form`'s; bytes become a record, and a record bytes, in
`records`, which is also where everybody else imports these names from. What a
record means beside others is decided by `authority`, `commune` and `exchange`.

Fields stand in the order of their names, `kind` in its alphabetical place, so
that encoding a Struct gives the one canonical form (docs/spec/records.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, NewType, TypeAlias

import msgspec

from .limits import (
    MAX_AUTHORITY_KEYS,
    MAX_CODE_CHARACTERS,
    MAX_IMAGES,
    MAX_INDEX,
    MAX_NAME_CHARACTERS,
    MAX_NETWORK_CHARACTERS,
    MAX_NUMBER,
    MAX_PARTIES,
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

# `gc=False`: records refer to nothing that could refer back to them, and are made by the thousand.
Meta = msgspec.Meta
Name = Annotated[str, Meta(min_length=1, max_length=MAX_NAME_CHARACTERS)]
Code = Annotated[str, Meta(min_length=1, max_length=MAX_CODE_CHARACTERS)]
Text = Annotated[str, Meta(min_length=1, max_length=MAX_TEXT_CHARACTERS)]
Day = Annotated[str, Meta(min_length=10, max_length=10)]
Network = Annotated[str, Meta(pattern=rf"\A[a-z0-9-]{{1,{MAX_NETWORK_CHARACTERS}}}\Z")]
Time = Annotated[int, Meta(ge=0, le=MAX_TIME)]
PartyPlace = Annotated[int, Meta(ge=0, lt=MAX_PARTIES)]
TransferPlace = Annotated[int, Meta(ge=0, lt=MAX_TRANSFERS)]
Seen = Annotated[tuple[Head, ...], Meta(max_length=MAX_SEEN)]
Images = Annotated[tuple[Hash, ...], Meta(max_length=MAX_IMAGES)]


def _kind(name: str) -> Any:
    """A field that construction fills in and encoding never omits, unlike a plain default."""
    return msgspec.field(default_factory=lambda: name)


class Quantity(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """`number` / 10^`scale` of `unit`, without trailing zeros behind the point; an array of three."""

    number: Annotated[int, Meta(ge=1, le=MAX_NUMBER)]
    scale: Annotated[int, Meta(ge=0, le=MAX_SCALE)]
    unit: Code


class Signed(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """A signature inside a record and the key that made it; an array of two."""

    key: Hash
    signature: Signature


Signatures = Annotated[tuple[Signed, ...], Meta(max_length=MAX_AUTHORITY_KEYS)]


class Seal(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """A log, and up to which size and root it counts; an array of three."""

    log: Hash
    size: Annotated[int, Meta(ge=0, le=MAX_INDEX + 1)]
    root: Hash


class Authority(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`threshold` of these keys, sorted and distinct, speak for the commune."""

    keys: Annotated[tuple[Hash, ...], Meta(min_length=1, max_length=MAX_AUTHORITY_KEYS)]
    threshold: Annotated[int, Meta(ge=1, le=MAX_AUTHORITY_KEYS)]


class Transfer(
    msgspec.Struct,
    frozen=True,
    gc=False,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename={"giver": "from", "receiver": "to"},
):
    """One leg of an exchange; giver and receiver, `from` and `to` in the payload, are places in `parties`."""

    category: Code | None = None
    due: Day | None = None
    giver: PartyPlace
    listing: Hash | None = None
    quantity: Quantity | None = None
    title: Name
    receiver: PartyPlace


class Mandate(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """The act of an assembly that stands behind an acceptance, signed by those who hold it."""

    act: Text
    exchange: Hash
    signatures: Signatures = ()


class _Record(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True, gc=False
):
    """What all kinds have in common is repeated in each, since the order of fields is the encoding."""


class Charter(_Record, frozen=True, kw_only=True):
    """Founds a commune; counts only as entry 0 of its first log, whose id is then the commune's."""

    about: Text | None = None
    at: Time
    authority: Authority
    by: Name | None = None
    kind: Literal["charter"] = _kind("charter")
    name: Name
    network: Network
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
    signatures: Signatures = ()


class AuthorityChange(_Record, frozen=True, kw_only=True):
    """Replaces a commune's authority, signed to the satisfaction of those it replaces.

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
    images: Images = ()
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
    images: Images = ()
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
    transfer: TransferPlace


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
    transfer: TransferPlace


class Dispute(_Record, frozen=True, kw_only=True):
    """Says that something is wrong with a transfer, or (no `transfer`) with the whole exchange."""

    at: Time
    by: Name | None = None
    exchange: Hash
    kind: Literal["dispute"] = _kind("dispute")
    note: Text | None = None
    seen: Seen = ()
    transfer: TransferPlace | None = None


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
