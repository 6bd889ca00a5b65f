"""The paper form of a receipt: the same receipt in as few bytes as printed codes can carry.

Decides what is left out because it follows from the rest, and how the rest is
packed. Ids of entries and communes are hashes of what is there, so a number
stands for each; the root of a head that was seen follows from the multi-proof
where that reaches; the rest is written in
`shorthand`. `from_paper` gives back every byte of the
receipt, which is then verified as any other. How the bytes are cut into codes
is `parts`' (docs/spec/receipt.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Annotated, Any, Final

import msgspec

from . import encoding
from .errors import EncodingError, ReceiptError
from .evidence import Evidence
from .excerpt import Excerpt, Statement
from .kinds import Network
from .limits import (
    HASH_BYTES,
    MAX_EXTENSIONS,
    MAX_RECEIPT_ENTRIES,
    MAX_RECEIPT_LOGS,
    MAX_RECEIPT_STATEMENTS,
    SIGNATURE_BYTES,
)
from .log import Erased, ExtensionLine, Index, Size, entry_id
from .multiproof import PartialTree, gaps
from .receipt import Receipt, decode_receipt, encode_receipt
from .shorthand import Known, deflate, inflate, pack, take, unpack

VERSION: Final = 1
"""The first byte of the paper form."""


class _Outline(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """An excerpt without its bytes: the number of its log, and the distances between its indexes.

    `blind` are the places of the leaf hashes among its items.
    """

    log: Annotated[int, msgspec.Meta(ge=0, lt=MAX_RECEIPT_LOGS + MAX_RECEIPT_STATEMENTS)]
    size: Size
    extensions: Annotated[tuple[ExtensionLine, ...], msgspec.Meta(max_length=MAX_EXTENSIONS)]
    opened: bool
    steps: Annotated[tuple[Index, ...], msgspec.Meta(min_length=1, max_length=MAX_RECEIPT_ENTRIES)]
    blind: Annotated[tuple[Index, ...], msgspec.Meta(max_length=MAX_RECEIPT_ENTRIES)]

    @property
    def indexes(self) -> tuple[int, ...]:
        return tuple(accumulate(self.steps))


class _Text(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What is deflated. `order` are slots in the order of `payloads`; `exchange` is that of the proposal.

    Slots number the payloads of the receipt: of each excerpt the opening, if it
    has one, and the items that are payloads; then the statements.
    """

    network: Network
    exchange: int
    excerpts: Annotated[tuple[_Outline, ...], msgspec.Meta(max_length=MAX_RECEIPT_LOGS)]
    statements: Annotated[tuple[tuple[int, Index], ...], msgspec.Meta(max_length=MAX_RECEIPT_STATEMENTS)]
    evidence: tuple[Any, ...]
    order: tuple[int, ...]
    payloads: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class _Slot:
    """Where a payload stands; `excerpt` is the number of the excerpt whose tree has it as a leaf."""

    log: bytes
    index: int
    excerpt: int | None


def _slots(logs: Sequence[bytes], text: _Text) -> list[_Slot]:
    """All payloads of a receipt, in the order of the receipt."""
    slots = []
    for number, outline in enumerate(text.excerpts):
        log = logs[outline.log]
        if outline.opened:
            slots.append(_Slot(log, 0, None))
        blind = frozenset(outline.blind)
        slots += [_Slot(log, index, number) for at, index in enumerate(outline.indexes) if at not in blind]
    return slots + [_Slot(logs[log], index, None) for log, index in text.statements]


def _learn(known: Known, slot: _Slot, payload: bytes) -> None:
    """Take note of a payload: its id, and the roots that follow from it."""
    entry = entry_id(slot.log, slot.index, payload)
    known.ids.append(entry)
    if slot.excerpt is not None:
        known.trees[slot.excerpt][1].put(slot.index, entry)


# Packing ----------------------------------------------------------------------------------------


def to_paper(data: bytes) -> bytes:
    """The paper form of a receipt. Raises ReceiptError if `data` is not a receipt."""
    return _Packing(decode_receipt(data)).paper()


class _Packing:
    """A receipt on its way to paper; `raw` are the bytes that nothing gives."""

    def __init__(self, receipt: Receipt) -> None:
        self.receipt = receipt
        logs = {excerpt.log for excerpt in receipt.excerpts}
        self.logs = sorted(logs | {statement.log for statement in receipt.statements})
        self.raw: list[bytes] = list(self.logs)
        self.known = Known()
        self.known.ids += self.logs

    def paper(self) -> bytes:
        receipt = self.receipt
        outlines = tuple(self._outline(excerpt) for excerpt in receipt.excerpts)
        statements = tuple((self.logs.index(one.log), one.index) for one in receipt.statements)
        text = _Text(receipt.network, 0, outlines, statements, (), (), ())
        slots = _slots(self.logs, text)
        payloads = list(self._payloads())
        ids: list[bytes] = [
            entry_id(slot.log, slot.index, payload) for slot, payload in zip(slots, payloads, strict=True)
        ]
        if receipt.exchange not in ids:
            raise ReceiptError("The receipt does not hold the proposal of the exchange that it is about.")
        order = self._order(slots, payloads, ids)
        packed = []
        for slot in order:
            packed.append(pack(_decoded(payloads[slot]), self.known, self.raw))
            _learn(self.known, slots[slot], payloads[slot])
        evidence = tuple(
            pack(msgspec.to_builtins(one, builtin_types=(bytes,)), self.known, self.raw)
            for one in receipt.evidence
        )
        text = _Text(
            receipt.network, ids.index(receipt.exchange), outlines, statements, evidence, tuple(order),
            tuple(packed),
        )  # fmt: skip
        deflated = deflate(msgspec.msgpack.encode(text))
        return bytes([VERSION]) + len(deflated).to_bytes(2, "big") + deflated + b"".join(self.raw)

    def _outline(self, excerpt: Excerpt) -> _Outline:
        """An excerpt without its bytes; those that nothing gives are raw."""
        blind = [at for at, item in enumerate(excerpt.items) if isinstance(item, Erased)]
        tree = PartialTree(excerpt.size, excerpt.indexes, excerpt.proof)
        self.known.trees.append((excerpt.log, tree))
        self.raw.append(excerpt.signature)
        for at in blind:
            item = excerpt.items[at]
            assert isinstance(item, Erased)
            tree.put(excerpt.indexes[at], item.leaf)
            self.raw.append(item.leaf)
        self.raw += excerpt.proof
        steps = (excerpt.indexes[0], *(after - before for before, after in pairwise(excerpt.indexes)))
        log = self.logs.index(excerpt.log)
        opened = excerpt.opening is not None
        return _Outline(log, excerpt.size, excerpt.extensions, opened, steps, tuple(blind))

    def _payloads(self) -> Iterator[bytes]:
        for excerpt in self.receipt.excerpts:
            if excerpt.opening is not None:
                yield excerpt.opening
            yield from (item for item in excerpt.items if isinstance(item, bytes))
        yield from (statement.payload for statement in self.receipt.statements)

    def _order(self, slots: Sequence[_Slot], payloads: Sequence[bytes], ids: Sequence[bytes]) -> list[int]:
        """The slots so that each stands after all whose ids, or roots over them, are in its payload."""
        number = {entry: slot for slot, entry in enumerate(ids)}
        needed = []
        for payload in payloads:
            value = _decoded(payload)
            found = {number[one] for one in _bytes_in(value) if one in number}
            for log, size, _ in _heads_in(value):
                found |= {
                    at for at, slot in enumerate(slots)
                    if slot.log == log and slot.index < size and slot.excerpt is not None
                }  # fmt: skip
            needed.append(found)
        order: list[int] = []
        done: set[int] = set()
        waiting = list(range(len(slots)))
        while waiting:
            # Hashes cannot name each other in a circle; where sizes do, any order will do.
            slot = next((slot for slot in waiting if needed[slot] <= done), waiting[0])
            waiting.remove(slot)
            order.append(slot)
            done.add(slot)
        return order


def _decoded(payload: bytes) -> Any:
    try:
        return encoding.decode(payload)
    except EncodingError as error:
        raise ReceiptError("An entry is not a record: {reason}", reason=error) from error


def _bytes_in(value: object) -> Iterator[bytes]:
    if isinstance(value, bytes):
        yield value
    elif isinstance(value, list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _bytes_in(item)


def _heads_in(value: object) -> Iterator[tuple[bytes, int, bytes]]:
    """What in a value looks like a log, a size and a root, next to each other in an array."""
    if isinstance(value, dict):
        for item in value.values():
            yield from _heads_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from _heads_in(item)
        for log, size, root in zip(value, value[1:], value[2:], strict=False):
            if isinstance(log, bytes) and type(size) is int and isinstance(root, bytes):
                yield log, size, root


# Unpacking --------------------------------------------------------------------------------------


def from_paper(paper: bytes) -> bytes:
    """The receipt that a paper form is of; what it proves is not checked. Raises ReceiptError."""
    if paper[:1] != bytes([VERSION]):
        raise ReceiptError("The codes were made by a newer version, or are damaged: use the newest version.")
    try:
        return encode_receipt(_Unpacking(paper).receipt())
    except (msgspec.MsgspecError, EncodingError, ValueError, LookupError, RecursionError) as error:
        raise ReceiptError("The codes are damaged: scan all of them again.") from error


class _Unpacking:
    """A receipt on its way from paper."""

    def __init__(self, paper: bytes) -> None:
        length = int.from_bytes(paper[1:3], "big")
        self.text = _TEXT.decode(inflate(paper[3 : 3 + length]))
        self.raw = iter(paper[3 + length :])
        self.known = Known()

    def receipt(self) -> Receipt:
        text = self.text
        count = 1 + max(
            (*(outline.log for outline in text.excerpts), *(log for log, _ in text.statements)), default=0
        )
        logs = [take(self.raw, HASH_BYTES) for _ in range(count)]
        self.known.ids += logs
        proved = [self._proved(logs, outline) for outline in text.excerpts]
        slots = _slots(logs, text)
        payloads: dict[int, bytes] = {}
        for slot, value in zip(text.order, text.payloads, strict=True):
            if slot in payloads:
                raise ValueError("an entry is given twice")
            payloads[slot] = encoding.encode(unpack(value, self.known, self.raw))
            _learn(self.known, slots[slot], payloads[slot])
        in_order = iter([payloads[slot] for slot in range(len(slots))])
        ids = self.known.ids[count:]
        excerpts = []
        for (signature, leaves, proof), outline in zip(proved, text.excerpts, strict=True):
            opening = next(in_order) if outline.opened else None
            items = [
                Erased(leaves[at]) if at in leaves else next(in_order) for at in range(len(outline.steps))
            ]
            log, indexes = logs[outline.log], outline.indexes
            excerpts.append(
                Excerpt(
                    log, outline.size, signature, outline.extensions, opening, indexes, tuple(items), proof
                )
            )
        statements = tuple(
            Statement(logs[log], index, payload)
            for (log, index), payload in zip(text.statements, in_order, strict=True)
        )
        evidence = tuple(
            msgspec.convert(unpack(value, self.known, self.raw), Evidence, builtin_types=(bytes,))
            for value in text.evidence
        )
        if next(self.raw, None) is not None:
            raise ValueError("there is something after the end")
        exchange = ids[text.order.index(text.exchange)]
        return Receipt(text.network, exchange, tuple(excerpts), statements, evidence)

    def _proved(
        self, logs: Sequence[bytes], outline: _Outline
    ) -> tuple[bytes, Mapping[int, bytes], tuple[bytes, ...]]:
        """Signature, leaf hashes by their places among the items, and multi-proof of an excerpt."""
        signature = take(self.raw, SIGNATURE_BYTES)
        leaves = {at: take(self.raw, HASH_BYTES) for at in outline.blind}
        indexes = outline.indexes
        if indexes[-1] >= outline.size or any(one >= other for one, other in pairwise(indexes)):
            raise ValueError("the entries of a log do not ascend")
        proof = [take(self.raw, HASH_BYTES) for _ in gaps(outline.size, indexes)]
        tree = PartialTree(outline.size, indexes, proof)
        for at, leaf in leaves.items():
            tree.put(indexes[at], leaf)
        self.known.trees.append((logs[outline.log], tree))
        return signature, leaves, tuple(proof)


_TEXT: Final = msgspec.msgpack.Decoder(_Text)
