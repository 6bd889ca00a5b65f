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
from random import Random

from ledger import merkle
from ledger.evidence import Evidence
from ledger.excerpt import Excerpt, Statement
from ledger.log import EntryId, Erased
from ledger.multiproof import prove
from ledger.receipt import Receipt
from ledger.records import Accept, Deliver, Propose, Quantity, Receive, Transfer

from .communes import NETWORK, Writer, found, kg


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


def _founded(name: str, place: str) -> Writer:
    """A commune as an installation founds it."""
    writer = found(name, place=place, network="comunas")
    writer.clock = 1_770_000_000_000
    return writer


def _fill(writer: Writer, until: int) -> None:
    """Entries about other things."""
    while writer.size < until:
        writer.quote(b"%d" % writer.size)


def long_barter(
    mine: Sequence[int], theirs: Sequence[int], rng: Random, log_size: int, *, lavish: bool = False
) -> tuple[EntryId, Writer, Writer]:
    """A fulfilled barter whose steps stand at these indexes of logs of one size; its id and both sides.

    Each side shows the newest head of the other that it has, a few entries past
    the step that it answers, as `node.service` does. `lavish`: roles, and a
    listing for each transfer.
    """
    a = _founded("Comuna Los Montes de San Isidro", "Lara, Crespo")
    b = _founded("Comuna El Valle de la Esperanza", "Yaracuy, Nirgua")
    fields = {"by": "secretaria"} if lavish else {}

    def step(writer: Writer, index: int, kind: type, seen: Writer | None = None, **more: object) -> EntryId:
        a.clock = b.clock = max(a.clock, b.clock) + rng.randrange(10**6, 3 * 10**8)
        heads = []
        if seen is not None:
            _fill(seen, min(seen.size + rng.randrange(1, 20), follows[seen.name].pop(0)))
            heads = [seen.head]
        _fill(writer, index)
        return writer.say(kind, seen=heads, **fields, **more)

    # No further than where the next step of that log stands.
    follows = {a.name: [mine[1], mine[2]], b.name: [theirs[1], log_size]}
    parties = tuple(sorted((a.commune, b.commune)))
    here, there = parties.index(a.commune), parties.index(b.commune)
    maize, nails = Quantity(125, 0, "saco"), Quantity(45, 0, "kg")
    listing = rng.randbytes(32) if lavish else None
    trade = step(
        a, mine[0], Propose, parties=parties,
        transfers=(
            Transfer(
                giver=here, receiver=there, title="Maíz blanco en saco, cosecha 26", category="food-grain",
                quantity=maize, listing=listing,
            ),
            Transfer(
                giver=there, receiver=here, title="Clavos galvanizados de 2 pulg.", quantity=nails,
                category="building-materials", listing=listing and listing[::-1],
            ),
        ),
    )  # fmt: skip
    step(b, theirs[0], Accept, exchange=trade, seen=a)
    step(a, mine[1], Deliver, exchange=trade, transfer=0, quantity=maize, seen=b)
    step(b, theirs[1], Receive, exchange=trade, transfer=0, quantity=maize, seen=a)
    step(b, theirs[2], Deliver, exchange=trade, transfer=1, quantity=nails)
    step(a, mine[2], Receive, exchange=trade, transfer=1, quantity=nails, seen=b)
    _fill(a, log_size)
    _fill(b, log_size)
    return trade, a, b
