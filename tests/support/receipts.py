"""Receipts of stories, made without a store: from what writers wrote, and from nothing but that.

    receipt = receipt_of(trade, montes, valle)           # all entries, each log under its newest head
    receipt = receipt_of(trade, short(montes, 3, 5), valle)
    verify_receipt(encode_receipt(receipt))

`grounds` picks what is needed, as the program does; here a test says what goes
in, so that it can leave out, move and mix.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ledger import merkle
from ledger.evidence import Evidence
from ledger.excerpt import Excerpt, Statement
from ledger.log import EntryId, Erased
from ledger.multiproof import prove
from ledger.receipt import Receipt
from ledger.records import Accept, Deliver, Receive

from .communes import NETWORK, Writer, kg


@dataclass(frozen=True)
class Taken:
    """What is taken of a log: entries at `indexes`, leaf hashes at `blind`, under a head of `size`."""

    writer: Writer
    indexes: tuple[int, ...]
    size: int
    blind: tuple[int, ...] = ()
    opening: bytes | None = None


def short(writer: Writer, *indexes: int, size: int = 0, blind: Sequence[int] = ()) -> Taken:
    """These entries of a log under its newest head, or the one of a size."""
    return Taken(writer, indexes, size or writer.size, tuple(blind))


def excerpt_of(taken: Writer | Taken) -> Excerpt:
    """The excerpt of a log; of a writer alone all entries but the first."""
    if isinstance(taken, Writer):
        taken = short(taken, *range(1, taken.size))
    writer, leaves = taken.writer, taken.writer.leaves[: taken.size]
    head = writer.head_at(taken.size)
    indexes = sorted({*taken.indexes, *taken.blind})
    return Excerpt(
        writer.log,
        head.size,
        head.signature,
        head.extensions,
        None if indexes[0] == 0 else (taken.opening or writer.payloads[0]),
        tuple(indexes),
        tuple(
            Erased(writer.leaves[index]) if index in taken.blind else writer.payloads[index]
            for index in indexes
        ),
        tuple(prove(taken.size, indexes, lambda start, end: merkle.subtree_hash(leaves, start, end))),
    )


def opening_of(writer: Writer, index: int = 0) -> Statement:
    """What says whose a log is, without an excerpt of it; or another record about its commune."""
    return Statement(writer.log, index, writer.payloads[index])


def receipt_of(
    exchange: EntryId,
    *taken: Writer | Taken,
    statements: Iterable[Statement] = (),
    evidence: Iterable[Evidence] = (),
    network: str = NETWORK,
) -> Receipt:
    """A receipt of all that is given, in order."""
    excerpts = [excerpt_of(one) for one in taken]
    return Receipt(
        network,
        exchange,
        tuple(sorted(excerpts, key=lambda one: (one.log, one.size, one.signature))),
        tuple(sorted(statements, key=lambda one: (one.log, one.index, one.payload))),
        tuple(sorted(evidence, key=lambda one: one.log)),
    )


def barter(montes: Writer, valle: Writer) -> EntryId:
    """Maize for nails between two communes, from the proposal to the last receipt; its id."""
    trade = montes.propose((montes, valle, "Maíz blanco", kg(100)), (valle, montes, "Clavos", kg(20)))
    valle.say(Accept, exchange=trade, seen=[montes])
    montes.say(Deliver, exchange=trade, transfer=0, quantity=kg(100), seen=[valle])
    valle.say(Receive, exchange=trade, transfer=0, quantity=kg(100), seen=[montes])
    valle.say(Deliver, exchange=trade, transfer=1, quantity=kg(20))
    montes.say(Receive, exchange=trade, transfer=1, quantity=kg(20), seen=[valle])
    return trade
