"""Receipts: one exchange in one file, which proves itself to whoever has nothing else.

Decides the one form that a receipt has, when it is refused, and what it shows:
who the parties are, every transfer, every step with the date it claims, the
state that follows by the rules, what speaks against calling it settled, and
what no receipt can prove. Whether the entries inside are proved is
`excerpt`'s, what they amount to `exchange`'s. A receipt needs no store, no
network and no clock. Its form for paper is `paper`'s.

A receipt holds what its maker put in. It can prove that something was said,
never that nothing else was: what is left out shows nowhere, which is why
`UNPROVEN` is part of every answer (docs/spec/receipt.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Final

import msgspec

from . import standing
from .errors import ReceiptError
from .evidence import Evidence
from .excerpt import Excerpt, Excerpts, Statement, are_ascending
from .exchange import MOVES, Exchange, State
from .held import INDEX_MASK, PLACE_BITS
from .kinds import Network
from .limits import MAX_RECEIPT_BYTES, MAX_RECEIPT_ENTRIES, MAX_RECEIPT_LOGS, MAX_RECEIPT_STATEMENTS
from .log import EntryId, Hash, LogKey
from .moves import named_by
from .records import Cancel, CommuneId, Dispute, Profile, Record, Uninterpreted

MAGIC: Final = b"\x89RECIBO\r\n\x1a\n"
"""What a receipt begins with; it shows a copy made as if it were text, as in PNG (RFC 2083, section 3.1)."""

VERSION: Final = 1
"""The byte after it."""

UNPROVEN: Final[Mapping[str, str]] = {
    "left-out": (
        "It holds what whoever made it put in. What was left out or came later, such as a dispute, a cancel "
        "or another delivery, shows nowhere: ask the parties for what is newer than the sizes given here."
    ),
    "forks": "It does not show that the logs have no second history, nor that no authority was replaced.",
    "names": "A name is what a commune calls itself: compare the ids with those that you know.",
    "dates": "Dates are what the clocks of the communes said.",
    "goods": "It proves what was signed, not that goods changed hands.",
}
"""What no receipt proves, by a stable code, as a sentence for whoever reads it."""

FOUND: Final[Mapping[str, str]] = {
    "not-fulfilled": "The exchange is not fulfilled.",
    "disputed": "A dispute stands open.",
    "contested": "Something in it stands past a fork or a seal of its log, and is contested.",
    "sides-differ": "Giver and receiver do not say the same of a transfer.",
    "damaged": "Something arrived damaged.",
    "newer": "A party said something about it that this version does not understand: use a newer version.",
}
"""What speaks against calling an exchange settled, by a stable code, as a sentence."""


class Receipt(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The content of a receipt; on the wire an array of five, after `MAGIC` and `VERSION`.

    `excerpts` ascend by log, size and signature, `statements` by log, index and
    payload, `evidence` by log, one of each.
    """

    network: Network
    exchange: Hash
    excerpts: Annotated[tuple[Excerpt, ...], msgspec.Meta(min_length=1, max_length=MAX_RECEIPT_LOGS)]
    statements: Annotated[tuple[Statement, ...], msgspec.Meta(max_length=MAX_RECEIPT_STATEMENTS)] = ()
    evidence: Annotated[tuple[Evidence, ...], msgspec.Meta(max_length=MAX_RECEIPT_LOGS)] = ()


@dataclass(frozen=True, slots=True)
class Party:
    """A commune that takes part. `name` and `place` are what it says of itself, None if that is not there."""

    id: CommuneId
    name: str | None
    place: str | None


@dataclass(frozen=True, slots=True)
class Said:
    """A step of the exchange as it was signed; `refused` is a code of `moves.REASONS` if it has no effect."""

    id: EntryId
    commune: CommuneId
    log: LogKey
    index: int
    payload: bytes
    record: Record
    contested: bool
    refused: str | None


@dataclass(frozen=True, slots=True)
class Covered:
    """A log in it, its commune, and the size of its head: what is newer lies beyond that."""

    log: LogKey
    commune: CommuneId
    size: int


@dataclass(frozen=True, slots=True)
class Verified:
    """What a receipt shows. `found` are codes of `FOUND`.

    `said` begins with the proposal; the other steps follow in the order of the dates claimed.
    """

    network: str
    exchange: Exchange
    parties: tuple[Party, ...]
    said: tuple[Said, ...]
    logs: tuple[Covered, ...]
    found: tuple[str, ...]


# Form -------------------------------------------------------------------------------------------


def encode_receipt(receipt: Receipt) -> bytes:
    """The one form of a receipt: magic, version, and MessagePack arrays with the shortest headers."""
    return MAGIC + bytes([VERSION]) + msgspec.msgpack.encode(receipt)


def decode_receipt(data: bytes) -> Receipt:
    """Read a receipt; what it proves is not checked yet. Raises ReceiptError on all but the one form."""
    if len(data) > MAX_RECEIPT_BYTES:
        raise ReceiptError(
            "A receipt has at most {limit} bytes, and this has {count}.",
            limit=MAX_RECEIPT_BYTES,
            count=len(data),
        )
    if not data.startswith(MAGIC):
        raise ReceiptError("This is not a receipt: it does not begin as one.")
    version = data[len(MAGIC) : len(MAGIC) + 1]
    if version != bytes([VERSION]):
        raise ReceiptError("The receipt was made by a newer version, or is damaged: use the newest version.")
    try:
        receipt = _DECODER.decode(data[len(MAGIC) + 1 :])
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise ReceiptError("The receipt is damaged: it breaks off, or holds what none does.") from error
    if encode_receipt(receipt) != data:
        raise ReceiptError("The receipt is not in its shortest encoding.")
    if not (
        are_ascending([(one.log, one.size, one.signature) for one in receipt.excerpts])
        and are_ascending([(one.log, one.index, one.payload) for one in receipt.statements])
        and are_ascending([one.log for one in receipt.evidence])
    ):
        raise ReceiptError("The parts of the receipt do not stand in their order.")
    if sum(len(one.indexes) for one in receipt.excerpts) > MAX_RECEIPT_ENTRIES:
        raise ReceiptError("A receipt has at most {limit} entries.", limit=MAX_RECEIPT_ENTRIES)
    return receipt


_DECODER: Final = msgspec.msgpack.Decoder(Receipt)


# Verifying --------------------------------------------------------------------------------------


def verify_receipt(data: bytes) -> Verified:
    """What a receipt shows, from its bytes alone. Raises ReceiptError alone, if it proves nothing.

    Every head is signed, every entry proved by one, every record in its form,
    and every log that of a commune; nothing in it is without a purpose.
    """
    receipt = decode_receipt(data)
    excerpts = Excerpts(receipt.network, receipt.excerpts, receipt.statements, receipt.evidence)
    exchange = excerpts.exchange(EntryId(receipt.exchange))
    if exchange is None:
        raise ReceiptError("The receipt does not hold the proposal of the exchange that it is about.")
    _check_purpose(receipt, excerpts, exchange)
    return Verified(
        receipt.network,
        exchange,
        tuple(_parties(excerpts, exchange)),
        tuple(_said(excerpts, exchange)),
        tuple(
            Covered(branch.log, excerpts.commune_at(branch.number), branch.head.size)
            for branch in excerpts.branches
        ),
        tuple(_found(exchange)),
    )


def _check_purpose(receipt: Receipt, excerpts: Excerpts, exchange: Exchange) -> None:
    """Refuse what a reader could take for a part of the proof, though nothing depends on it."""
    parties = set(exchange.proposal.parties)
    for excerpt, branch in zip(receipt.excerpts, excerpts.branches, strict=True):
        # The proposal names the parties by the ids of their charters. What opens the log of anybody else
        # could be made up, unless its head covers it.
        if excerpts.commune_at(branch.number) not in parties and excerpt.opening is not None:
            raise ReceiptError("The receipt does not prove to whom a log of others than the parties belongs.")
    concerned = {excerpts.commune_at(branch.number) for branch in excerpts.branches}
    if not excerpts.communes.keys() <= concerned | parties:
        raise ReceiptError("The receipt holds the charter of a commune that has no part in it.")
    if not excerpts.stated_communes() <= excerpts.communes.keys():
        raise ReceiptError("The receipt holds a record about a commune whose charter is missing.")
    logs = {branch.log for branch in excerpts.branches}
    if not {one.log for one in receipt.evidence} <= logs:
        raise ReceiptError("The receipt holds evidence about a log that has no part in it.")


def _parties(excerpts: Excerpts, exchange: Exchange) -> Iterator[Party]:
    """The parties in the order of the proposal, by their newest profile, else their charter."""
    newest: dict[CommuneId, tuple[tuple[int, int, bytes], Profile]] = {}
    for place, entry, record in excerpts.entries():
        if isinstance(record, Profile) and standing.counts(excerpts, place):
            state = excerpts.standing(place >> PLACE_BITS)
            assert state is not None
            order = (state.ordinal, place & INDEX_MASK, entry)
            if state.commune not in newest or order > newest[state.commune][0]:
                newest[state.commune] = (order, record)
    for party in exchange.proposal.parties:
        commune = CommuneId(party)
        formed = excerpts.communes.get(commune)
        if commune in newest:
            profile = newest[commune][1]
            yield Party(commune, profile.name, profile.place)
        elif formed is not None:
            yield Party(commune, formed.founding.name, formed.founding.place)
        else:
            yield Party(commune, None, None)


def _said(excerpts: Excerpts, exchange: Exchange) -> Iterator[Said]:
    """The proposal and every step about it that counts, each once, in the order of the dates claimed."""
    refused = {one.id: one.code for one in exchange.refused}
    entries = [
        (place, entry, record)
        for place, entry, record in excerpts.entries()
        if not isinstance(record, Uninterpreted) and record.kind in MOVES and standing.counts(excerpts, place)
    ]
    names: set[bytes] = {exchange.id}
    names |= {
        entry
        for _, entry, record in entries
        if isinstance(record, Dispute | Cancel) and record.exchange == exchange.id
    }
    steps: dict[bytes, Said] = {}
    for place, entry, record in entries:
        commune = excerpts.commune_at(place >> PLACE_BITS)
        about_it = entry == exchange.id or named_by(record) in names
        if not about_it or commune not in exchange.proposal.parties:
            continue
        contested = standing.is_contested(excerpts, place)
        if entry not in steps or (steps[entry].contested and not contested):
            log = excerpts.log_of(place >> PLACE_BITS)
            steps[entry] = Said(
                EntryId(entry),
                commune,
                log,
                place & INDEX_MASK,
                excerpts.payload(place),
                record,
                contested,
                refused.get(EntryId(entry)),
            )
    yield from sorted(steps.values(), key=lambda said: (said.id != exchange.id, said.record.at, said.id))


def _found(exchange: Exchange) -> Iterator[str]:
    if exchange.state is not State.FULFILLED:
        yield "not-fulfilled"
    if exchange.disputed:
        yield "disputed"
    if exchange.contested:
        yield "contested"
    if any(leg.disagreement for leg in exchange.legs):
        yield "sides-differ"
    if any(leg.damaged for leg in exchange.legs):
        yield "damaged"
    if exchange.newer:
        yield "newer"
