"""Evidence of a fork: two branches of one log, proved without a store.

Decides what proves that a log's key signed two histories, and the one form
that such a proof has; builds it from what a node holds of both branches. How a
fork is come upon is `replica`'s (by a run) and `descent`'s (by asking a peer);
what a fork means for the records past it is `commune`'s.

Evidence locates the *cut*, the first index where the branches differ: the two
leaves at it differ, and the left siblings in the two inclusion proofs, which
are the compact range of everything before it, agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec

from . import merkle
from .errors import EvidenceError
from .limits import MAX_EVIDENCE_BYTES, MAX_PROOF_HASHES
from .log import Hash, Head, Index, LogKey
from .merkle import CompactRange

Proof = Annotated[tuple[Hash, ...], msgspec.Meta(max_length=MAX_PROOF_HASHES)]
"""Sibling hashes from the leaf upwards (RFC 6962, section 2.1.1)."""


class Proven(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A leaf that a head covers, with its inclusion proof; on the wire an array of three."""

    head: Head
    leaf: Hash
    proof: Proof


class Evidence(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Two leaves at one index of one log, each under a valid head; on the wire an array of three.

    `first` is the one whose head has the smaller (size, root), so that the
    same two heads prove their fork in one form, whoever puts it together.
    """

    index: Index
    first: Proven
    second: Proven

    @property
    def log(self) -> LogKey:
        """The log that forked."""
        return LogKey(self.first.head.log)

    @property
    def cut(self) -> int:
        """The first index at which the two branches differ."""
        return self.index


def check_evidence(evidence: Evidence, network: str) -> None:
    """Refuse evidence that does not prove a fork whose cut is at its index; needs no store.

    The checks stand in the order of their cost; signatures, two of them, come
    last. Raises EvidenceError.
    """
    index, first, second = evidence.index, evidence.first, evidence.second
    if first.head.log != second.head.log:
        raise EvidenceError("Evidence names two logs; a fork is of one.")
    if _order(first.head) >= _order(second.head):
        raise EvidenceError("The heads of evidence do not stand in the order of their size and root.")
    if index >= first.head.size:
        raise EvidenceError(
            "The head of size {size} does not cover index {index}.", size=first.head.size, index=index
        )
    if first.leaf == second.leaf:
        raise EvidenceError("Both branches hold the same entry at index {index}.", index=index)
    for proven in (first, second):
        head = proven.head
        if not merkle.verify_inclusion(proven.leaf, index, head.size, list(proven.proof), head.root):
            raise EvidenceError(
                "The entry at index {index} is not proved by the head of size {size}.",
                index=index,
                size=head.size,
            )
    if _before(index, first) != _before(index, second):
        raise EvidenceError(
            "The branches differ before index {index}; this is not where they part.", index=index
        )
    for proven in (first, second):
        if not proven.head.is_signed(network):
            raise EvidenceError("The head of size {size} is not validly signed.", size=proven.head.size)


def prove_entry(head: Head, index: int, before: CompactRange, leaves: Sequence[bytes]) -> Proven:
    """The entry at `index` under `head`, from the right-hand side of the tree alone.

    `before` is the compact range of the first `index` leaves; `leaves` are the
    leaf hashes from `index` up to the head's size. What lies before need not
    be held, so that a log stored from some index on can prove too. O(leaves).
    Raises EvidenceError if the numbers of hashes do not fit.
    """
    if len(leaves) != head.size - index or len(before) != index.bit_count() or not leaves:
        raise EvidenceError(
            "{count} leaf hashes from index {index} do not fit a head of {size}.",
            count=len(leaves),
            index=index,
            size=head.size,
        )
    low, high = 0, head.size
    left = iter(before)  # the largest, and leftmost, subtree first: the order in which the path meets them
    downwards = []
    while high - low > 1:
        middle = low + (1 << ((high - low - 1).bit_length() - 1))
        if index < middle:
            downwards.append(merkle.root(leaves[middle - index : high - index]))
            high = middle
        else:
            downwards.append(next(left))
            low = middle
    return Proven(head, leaves[0], tuple(reversed(downwards)))


def build_evidence(index: int, one: Proven, other: Proven, network: str) -> Evidence:
    """Evidence of a fork at `index` from an entry of each branch, in either order.

    Checked before it is returned, so that nobody is accused by a mistake of
    this node. Raises EvidenceError.
    """
    first, second = sorted((one, other), key=lambda proven: _order(proven.head))
    evidence = Evidence(index, first, second)
    check_evidence(evidence, network)
    return evidence


def encode_evidence(evidence: Evidence) -> bytes:
    """The one encoding of evidence: MessagePack arrays, shortest headers."""
    return msgspec.msgpack.encode(evidence)


def decode_evidence(data: bytes) -> Evidence:
    """Read evidence; what it proves is not checked yet.

    Raises EvidenceError on anything but the one encoding of well-formed
    evidence: a second spelling of the same fork would be stored and gossiped
    as another one.
    """
    if len(data) > MAX_EVIDENCE_BYTES:
        raise EvidenceError(
            "Evidence has {count} bytes; {limit} are allowed.", count=len(data), limit=MAX_EVIDENCE_BYTES
        )
    try:
        evidence = _DECODER.decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise EvidenceError("Evidence cannot be read: it breaks off, or holds what none does.") from error
    if encode_evidence(evidence) != data:
        raise EvidenceError("Evidence is not in its shortest encoding.")
    return evidence


_DECODER = msgspec.msgpack.Decoder(Evidence)


def _order(head: Head) -> tuple[int, bytes]:
    return head.size, head.root


def _before(index: int, proven: Proven) -> Sequence[bytes]:
    """What a proof says of the entries before `index`: the same for trees of any size."""
    return merkle.left_siblings(index, proven.head.size, list(proven.proof))
