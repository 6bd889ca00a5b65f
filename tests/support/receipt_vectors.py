"""Vectors for receipts, from fixed keys: `python -m tests.support.receipt_vectors` writes them anew.

A second implementation can be checked against tests/vectors/receipt.json. It
writes the example of docs/spec/receipt.md as well. Binary is hex digits. The
paper form of a receipt that is written already is kept where it gives the same
receipt: what deflates differently on another machine is as good.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from ledger import encoding
from ledger.errors import ReceiptError
from ledger.excerpt import Excerpt
from ledger.log import EntryId, entry_id
from ledger.paper import from_paper, to_paper
from ledger.parts import paper_parts
from ledger.receipt import MAGIC, Receipt, encode_receipt, verify_receipt
from ledger.records import Accept, Decline, Deliver, Dispute, Offer, Receive
from ledger.shorthand import DICTIONARY

from .communes import Writer, found, key_of, kg, recovery_of, succeed
from .networks import proof_of_fork
from .receipts import Taken, barter, opening_of, receipt_of, short
from .shared import CHECKOUT

VECTORS: Final = CHECKOUT / "tests" / "vectors" / "receipt.json"
PAGE: Final = CHECKOUT / "docs" / "spec" / "receipt.md"
NETWORK: Final = "comunas"
PART_BYTES: Final = 500

Case = tuple[str, Receipt]


def founded(name: str) -> Writer:
    """A commune on the network of the vectors, whose keys come from its name."""
    writer = found(name, recovery_of(name), network=NETWORK, log=f"{name}: log 1")
    writer.clock = 1_767_225_600_000
    return writer


def made(exchange: EntryId, *taken: Writer | Taken, **more: Any) -> Receipt:
    """A receipt on the network of the vectors."""
    return receipt_of(exchange, *taken, network=NETWORK, **more)


def example() -> Case:
    """A gift that was agreed, the first entries of two logs about something else."""
    montes, valle = founded("Los Montes"), founded("El Valle")
    montes.say(Offer, title="Yuca", category="food-tubers")
    gift = montes.propose((montes, valle, "Cine", None))
    valle.say(Accept, exchange=gift, seen=[montes])
    return "a gift that was agreed", made(gift, short(montes, 2), valle)


def cases() -> Iterator[Case]:
    """What receipts show, one case each."""
    yield example()

    montes, valle = founded("Los Montes"), founded("El Valle")
    for number in range(20):
        montes.say(Offer, title=f"Yuca {number}", category="food-tubers")
    trade = barter(montes, valle)
    yield (
        "a barter handed over from both sides, deep in a log of 25",
        made(trade, short(montes, 21, 22, 23), valle),
    )
    valle.say(Dispute, exchange=trade, transfer=0, note="Mojado", seen=[montes])
    yield "the same, with a dispute that stands open", made(trade, short(montes, 21, 22, 23), valle)

    montes, valle = founded("Los Montes"), founded("El Valle")
    first = montes.propose((montes, valle, "Maíz", kg(100)))
    second = valle.propose(
        (montes, valle, "Maíz", kg(80)), (valle, montes, "Clavos", kg(5)), replaces=first, seen=[montes]
    )
    montes.say(Accept, exchange=second, seen=[valle])
    yield "a proposal that was replaced by a counter-offer", made(first, montes, valle)
    yield "the counter-offer, which was agreed", made(second, montes, valle)

    montes, valle, costa = founded("Los Montes"), founded("El Valle"), founded("La Costa")
    ring = montes.propose(
        (montes, valle, "Maíz", kg(10)), (valle, costa, "Clavos", kg(5)), (costa, montes, "Sal", kg(3))
    )
    valle.say(Accept, exchange=ring, seen=[montes])
    yield (
        "a ring that one party has not answered; its charter names it",
        made(ring, montes, valle, statements=[opening_of(costa)]),
    )

    montes, valle = founded("Los Montes"), founded("El Valle")
    gift = montes.propose((montes, valle, "Maíz", kg(10)))
    valle.say(Accept, exchange=gift, seen=[montes])
    montes.say(Offer, title="Yuca", category="food-tubers", seen=[valle])
    montes.replace_authority(key_of("council of water"), key_of("council of food"), threshold=2)
    new = succeed(montes, "Los Montes: log 2")
    new.say(Deliver, exchange=gift, transfer=0, quantity=kg(10))
    valle.say(Receive, exchange=gift, transfer=0, quantity=kg(10), seen=[new])
    yield (
        "a gift handed over in a log that continues another, under a replaced authority",
        made(gift, short(montes, 1, 2, blind=[3]), new, valle, statements=[opening_of(montes, 3)]),
    )

    montes, valle = founded("Los Montes"), founded("El Valle")
    gift = montes.propose((montes, valle, "Maíz", kg(10)))
    lie = valle.twin()
    valle.say(Accept, exchange=gift, seen=[montes])
    montes.say(Deliver, exchange=gift, transfer=0, quantity=kg(10), seen=[valle])
    lie.say(Decline, exchange=gift, seen=[montes])
    evidence = proof_of_fork(valle, lie)
    assert evidence is not None
    yield (
        "a party that forked its log: contested, by evidence",
        made(gift, montes, valle, evidence=[evidence]),
    )


def refusals() -> Iterator[tuple[str, bytes]]:
    """What proves nothing."""
    _, receipt = example()
    right = encode_receipt(receipt)
    mine, theirs = receipt.excerpts
    replace = msgspec.structs.replace

    def with_first(**fields: Any) -> bytes:
        return encode_receipt(replace(receipt, excerpts=(replace(mine, **fields), theirs)))

    yield "a version that is not known", MAGIC + b"\x02" + right[len(MAGIC) + 1 :]
    yield "cut short", right[:-1]
    yield "a byte too many", right + b"\x00"
    yield "a longer spelling", MAGIC + b"\x01\xdc\x00\x05" + right[len(MAGIC) + 2 :]
    yield "the excerpts in the wrong order", encode_receipt(replace(receipt, excerpts=(theirs, mine)))
    yield "another network", encode_receipt(replace(receipt, network="ensayo"))
    yield "another exchange", encode_receipt(replace(receipt, exchange=bytes(32)))
    yield "an entry at another index", with_first(indexes=(mine.indexes[0] + 1,), size=mine.size + 1)
    yield "a proof with a hash too many", with_first(proof=(*mine.proof, bytes(32)))
    yield "another head's signature", with_first(signature=theirs.signature)
    yield "another log's opening", with_first(opening=theirs.opening)
    yield (
        "the charter of a commune that has no part in it",
        encode_receipt(replace(receipt, statements=(opening_of(founded("La Costa")),))),
    )
    yield "without the proposal", encode_receipt(replace(receipt, excerpts=(_excerpt_without(receipt),)))


def _excerpt_without(receipt: Receipt) -> Excerpt:
    """The excerpt in which the proposal does not stand."""
    return next(
        one
        for one in receipt.excerpts
        for index, item in zip(one.indexes, one.items, strict=True)
        if isinstance(item, bytes) and entry_id(one.log, index, item) != receipt.exchange
    )


def shows(receipt: Receipt) -> dict[str, Any]:
    """What a receipt shows, as the vectors have it."""
    seen = verify_receipt(encode_receipt(receipt))
    exchange = seen.exchange
    return {
        "state": exchange.state.value,
        "form": exchange.form.value,
        "contested": exchange.contested,
        "parties": [{"commune": party.id.hex(), "name": party.name} for party in seen.parties],
        "transfers": [
            {
                "title": leg.transfer.title,
                "from": leg.giver.hex(),
                "to": leg.receiver.hex(),
                "agreed": leg.agreed,
                "given": leg.given,
                "got": leg.got,
            }
            for leg in exchange.legs
        ],
        "moves": [
            {"id": step.id.hex(), "kind": step.record.kind, "log": step.log.hex(), "index": step.index}
            for step in seen.said
        ],
        "logs": [{"log": log.log.hex(), "commune": log.commune.hex(), "size": log.size} for log in seen.logs],
        "found": list(seen.found),
    }


def vectors() -> dict[str, Any]:
    """All cases, and what is refused."""
    kept = {}
    if VECTORS.exists():
        kept = {one["receipt"]: one["paper"] for one in json.loads(VECTORS.read_text())["receipts"]}
    receipts = []
    for comment, receipt in cases():
        data = encode_receipt(receipt)
        paper = _kept(kept.get(data.hex(), ""), data) or to_paper(data)
        receipts.append(
            {
                "comment": comment,
                "exchange": receipt.exchange.hex(),
                "receipt": data.hex(),
                "shows": shows(receipt),
                "paper": paper.hex(),
                "parts": paper_parts(paper, PART_BYTES),
            }
        )
    return {
        "comment": "quantities are millionths of their unit, 1 for a transfer without one",
        "network": NETWORK,
        "dictionary": DICTIONARY.hex(),
        "receipts": receipts,
        "refused": [{"comment": comment, "receipt": data.hex()} for comment, data in refusals()],
    }


def _kept(paper: str, data: bytes) -> bytes | None:
    """A paper form that was written before, if it is one of this receipt."""
    try:
        return bytes.fromhex(paper) if from_paper(bytes.fromhex(paper)) == data else None
    except ReceiptError:
        return None


# The example of the page ------------------------------------------------------------------------


def taken_apart() -> str:
    """The bytes of the example, a line for each thing, with what it is."""
    _, receipt = example()
    lines = [
        (0, MAGIC, "what a receipt begins with"),
        (0, b"\x01", "version"),
        (0, b"\x95", "array of 5"),
        (1, _packed(receipt.network), "network: comunas"),
        (1, _packed(receipt.exchange), "exchange: the id of the proposal"),
        (1, b"\x92", "excerpts: array of 2"),
    ]
    for excerpt in receipt.excerpts:
        assert excerpt.opening is not None
        (item,) = excerpt.items
        assert isinstance(item, bytes)
        lines += [
            (2, b"\x98", "array of 8"),
            (3, _packed(excerpt.log), "log"),
            (3, _packed(excerpt.size), "size"),
            (3, _packed(excerpt.signature), "signature of the head"),
            (3, b"\x90", "extension lines: none"),
            (3, _packed(excerpt.opening), f"opening: {_told(excerpt.opening)}"),
            (3, b"\x91", "indexes: array of 1"),
            (4, _packed(excerpt.indexes[0]), f"index {excerpt.indexes[0]}"),
            (3, b"\x91", "items: array of 1"),
            (4, _packed(item), f"payload: {_told(item)}"),
            (3, bytes([0x90 + len(excerpt.proof)]), f"multi-proof: array of {len(excerpt.proof)}"),
            *((4, _packed(one), "hash of a subtree without the entry") for one in excerpt.proof),
        ]
    lines += [(1, b"\x90", "statements: none"), (1, b"\x90", "proofs of forks: none")]
    assert b"".join(data for _, data, _ in lines) == encode_receipt(receipt)
    return "".join(text for line in lines for text in _lines(*line))


def _packed(value: Any) -> bytes:
    return msgspec.msgpack.encode(value)


def _told(payload: bytes) -> str:
    """The kind of a record, which is what a reader needs to find it on the page about records."""
    value = encoding.decode(payload)
    assert isinstance(value, dict)
    assert isinstance(value["kind"], str)
    return f"record of the kind {value['kind']}"


def _lines(depth: int, data: bytes, note: str) -> Iterator[str]:
    blanks = " " * (4 + 2 * depth)
    digits = data.hex()
    if len(data) > 66:
        header = 2 if data[0] == 0xC4 else 3
        rest = data[header:].hex()
        yield f"{blanks}{data[:header].hex()}{' ' * (6 if header == 2 else 4)}{note}\n"
        yield from (f"{blanks}  {rest[at : at + 80]}\n" for at in range(0, len(rest), 80))
    elif len(data) > 34:
        yield f"{blanks}{digits[:4]} {digits[4:68]}  {note}\n"
        yield f"{blanks}     {digits[68:]}\n"
    elif len(data) > 20:
        yield f"{blanks}{digits[:4]} {digits[4:]}  {note}\n"
    else:
        yield f"{blanks}{digits.ljust(26)}  {note}\n"


def page() -> str:
    """The page with today's example in it."""
    text = PAGE.read_text(encoding="utf-8")
    example_of_page = re.compile(r"(?m)(?:^    (?:[0-9a-f]{2}|  ).*\n){9,}")
    assert example_of_page.search(text) is not None
    return example_of_page.sub(lambda _: taken_apart(), text, count=1)


def main() -> None:
    """Write the vectors and the example."""
    VECTORS.write_text(json.dumps(vectors(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    if PAGE.exists():
        PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
