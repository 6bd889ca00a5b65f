"""Receipts: what is held of one exchange, made into a file that proves itself.

Decides under which heads the entries are proved, and which charters,
successions, authority records and evidence go with them. Which entries the
exchange rests on is `ledger.grounds`', what a receipt is `ledger.receipt`'s.
Every receipt is verified before it leaves, and has to say what is held here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

import msgspec

from ledger import merkle
from ledger.commune import Commune
from ledger.errors import NotFound, ReceiptError
from ledger.excerpt import Excerpt, Statement
from ledger.exchange import Exchange
from ledger.grounds import Ground, grounds_of
from ledger.limits import MAX_RECEIPT_ENTRIES
from ledger.log import EntryId, Erased, Head, LogKey, entry_id
from ledger.moves import named_by
from ledger.multiproof import gaps, prove
from ledger.receipt import Receipt, encode_receipt, verify_receipt
from ledger.records import AuthorityChange, CommuneId, Malformed, Seal, Uninterpreted, parse
from ledger.store.reading import Reader

from .errors import ReceiptFailed

MAX_HEADS_TRIED: Final = 256
"""heads of one log among which the one with the shortest proof is looked for."""

LEAVES_AT_ONCE: Final = 4_096
"""leaf hashes that are read at once to hash a subtree."""


def make_receipt(reader: Reader, exchange: EntryId, *, short: bool = False) -> bytes:
    """A receipt of an exchange that is held here.

    The entries of each log stand under its newest head, so that whoever holds
    the log sees what was left out; with `short` under the one that proves them
    with the fewest hashes. Inside `reader.snapshot()` where others write
    meanwhile. Raises NotFound, ReceiptFailed.
    """
    held = reader.exchange(exchange)
    receipt = _Making(reader, held, short).receipt()
    data = encode_receipt(receipt)
    try:
        shown = verify_receipt(data).exchange
    except ReceiptError as error:
        raise ReceiptFailed(
            "No receipt can be made of this exchange ({reason}): export a bundle instead.", reason=error
        ) from error
    if not _is_told(reader, held, shown):
        raise ReceiptFailed(
            "No receipt can show this exchange as it stands here, since its logs are forked in several "
            "places: export a bundle instead."
        )
    return data


def _is_told(reader: Reader, held: Exchange, shown: Exchange) -> bool:
    """Whether a receipt says of an exchange what is held; what strangers said of it stays out."""
    # A stranger's word comes along where the same entry vouches for another.
    outside = {one.id for told in (held, shown) for one in told.refused if one.code == "stranger"}
    refused = [
        {one for one in told.refused if one.id not in outside and _named(reader, one.id) not in outside}
        for told in (held, shown)
    ]
    plain = msgspec.structs.replace
    return plain(held, refused=()) == plain(shown, refused=()) and refused[0] == refused[1]


def _named(reader: Reader, entry: EntryId) -> bytes | None:
    """What a refused move is about: a party can settle a stranger's dispute, to no effect."""
    record = reader.entry(entry).record
    return None if isinstance(record, Uninterpreted | Malformed | None) else named_by(record)


class _Making:
    """A receipt while it is made."""

    def __init__(self, reader: Reader, exchange: Exchange, short: bool) -> None:
        self.reader = reader
        self.holding = reader.holding
        self.exchange = exchange
        self.short = short
        self._formed: dict[CommuneId, Commune | None] = {}

    def receipt(self) -> Receipt:
        """All of it, its parts in their order."""
        grounds = grounds_of(
            self.holding,
            self.exchange.id,
            self.holding.located,
            self.holding.about,
            self._seals,
        )
        grounds = tuple(self._with_profiles(grounds))
        excerpts = list(self._excerpts(grounds))
        count = sum(len(excerpt.indexes) for excerpt in excerpts)
        if count > MAX_RECEIPT_ENTRIES:
            raise ReceiptFailed(
                "The exchange rests on {count} entries, and a receipt has at most {limit}: export a bundle "
                "instead.",
                count=count,
                limit=MAX_RECEIPT_ENTRIES,
            )
        logs = {excerpt.log for excerpt in excerpts}
        evidence = [found for log in sorted(logs) if (found := self.holding.evidence(log)) is not None]
        return Receipt(
            self.reader.network,
            self.exchange.id,
            tuple(sorted(excerpts, key=lambda one: (one.log, one.size, one.signature))),
            tuple(
                sorted(self._statements(grounds, excerpts), key=lambda one: (one.log, one.index, one.payload))
            ),
            tuple(evidence),
        )

    # Communes -----------------------------------------------------------------------------------

    def _commune(self, commune: CommuneId) -> Commune | None:
        if commune not in self._formed:
            try:
                self._formed[commune] = self.reader.formed(commune)
            except NotFound:
                self._formed[commune] = None
        return self._formed[commune]

    def _owner(self, branch: int) -> Commune | None:
        """The commune that a branch belongs to; by a fork at entry 0 a log can have several."""
        state = self.holding.standing(branch)
        return None if state is None else self._commune(state.commune)

    def _seals(self, log: LogKey) -> Sequence[Seal]:
        """Every seal of a log that a succession of its commune names."""
        owners = [self._owner(branch.number) for branch in self.holding.branches_of(log)]
        openings = [formed.openings for formed in owners if formed is not None]
        return [seal for opened in openings for seals in opened.values() for seal in seals if seal.log == log]

    def _statements(self, grounds: Sequence[Ground], excerpts: Sequence[Excerpt]) -> Iterator[Statement]:
        """What says whose the logs are, and what the parties are called, as far as no excerpt holds it."""
        held = {stated for excerpt in excerpts for stated in _stated_in(excerpt)}
        concerned = [self._commune(CommuneId(party)) for party in self.exchange.proposal.parties]
        concerned += [self._owner(ground.branch) for ground in grounds]
        for formed in {formed.id: formed for formed in concerned if formed is not None}.values():
            ids = {*formed.openings, *(entry for link in formed.chain.links.values() for entry in link.ids)}
            for entry in sorted(ids - held):
                row = self.reader.entry(entry)
                assert row.payload is not None
                yield Statement(row.log, row.index, row.payload)

    def _with_profiles(self, grounds: Iterable[Ground]) -> Iterator[Ground]:
        """The grounds, and the profile of each party that is not called what its charter says."""
        by_branch = {ground.branch: ground for ground in grounds}
        for party in self.exchange.proposal.parties:
            formed, row = self._commune(CommuneId(party)), self.reader.profile(party)
            if formed is None or row is None or self._name(party) == formed.founding.name:
                continue
            ground = by_branch.get(row.branch, Ground(row.branch, row.log, (), ()))
            indexes = tuple(sorted({*ground.indexes, row.index}))
            by_branch[row.branch] = Ground(row.branch, row.log, indexes, ground.sizes)
        yield from by_branch.values()

    def _name(self, party: bytes) -> str:
        return self.reader.commune(party).name

    # Excerpts -----------------------------------------------------------------------------------

    def _excerpts(self, grounds: Sequence[Ground]) -> Iterator[Excerpt]:
        """One excerpt for each head; where branches of a log share the head, they are proved together."""
        under: dict[Head, Ground] = {}
        for ground in grounds:
            indexes = {*ground.indexes}
            owner = self._owner(ground.branch)
            if owner is not None and owner.id not in self.exchange.proposal.parties:
                indexes.add(0)  # its charter is named by nobody, so that its log has to prove it
            sizes = [size for size in ground.sizes if size <= self.holding.branch(ground.branch).size]
            head = self._head(ground, sizes)
            if head in under:
                indexes |= {*under[head].indexes}
            under[head] = Ground(ground.branch, ground.log, tuple(sorted(indexes)), tuple(sizes))
        for head, ground in under.items():
            yield self._excerpt(head, ground)

    def _excerpt(self, head: Head, ground: Ground) -> Excerpt:
        """The entries of one branch, with what proves them under a head."""
        # A leaf and the hashes left of it give the tree that ends before it, and the one that ends with it.
        blind = {
            size - 1
            for size in ground.sizes
            if size != head.size and size - 1 not in ground.indexes and size not in ground.indexes
        }
        indexes = sorted({*ground.indexes, *blind})
        items: list[bytes | Erased] = []
        for index in indexes:
            row = next(iter(self.reader.entries(ground.branch, index, index + 1)))
            whole = row.payload is not None and (index == 0 or index in ground.indexes)
            items.append(row.payload if whole and row.payload is not None else Erased(row.id))
        opening = next(iter(self.reader.entries(ground.branch, 0, 1)))
        return Excerpt(
            ground.log,
            head.size,
            head.signature,
            head.extensions,
            None if indexes[0] == 0 else opening.payload,
            tuple(indexes),
            tuple(items),
            tuple(prove(head.size, indexes, lambda start, end: self._subtree(ground.branch, start, end))),
        )

    def _head(self, ground: Ground, sizes: Sequence[int]) -> Head:
        """The newest head of the branch, or the one with the shortest proof."""
        newest = self.reader.head(ground.branch)
        if not self.short:
            return newest
        above = max([ground.indexes[-1], *(size - 1 for size in sizes)])
        tried = [*islice(self.reader.heads(ground.branch, above), MAX_HEADS_TRIED), newest]
        return min(tried, key=lambda head: (sum(1 for _ in gaps(head.size, ground.indexes)), -head.size))

    def _subtree(self, branch: int, start: int, end: int) -> bytes:
        """The hash of a subtree of a branch."""
        compact: merkle.CompactRange = ()
        for at in range(start, end, LEAVES_AT_ONCE):
            leaves = self.holding.leaves(branch, at, min(at + LEAVES_AT_ONCE, end))
            compact = merkle.extend_range(at - start, compact, leaves)
        return merkle.range_root(end - start, compact)


def _stated_in(excerpt: Excerpt) -> Iterator[EntryId]:
    """The ids of the charters, successions and authority records that an excerpt brings along."""
    if excerpt.opening is not None:
        yield entry_id(excerpt.log, 0, excerpt.opening)
    for index, item in zip(excerpt.indexes, excerpt.items, strict=True):
        if isinstance(item, bytes) and (index == 0 or isinstance(parse(item), AuthorityChange)):
            yield entry_id(excerpt.log, index, item)
