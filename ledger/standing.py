"""What counts: up to where each log does, what is witnessed beyond, and what a writer had seen.

Decides, for entries past a cut or seal, which of them another commune's record
vouches for, and whether one entry was written knowing another. It asks for
what is held through `Holdings`, which the store and the audit each provide, so
that both give the same answer (docs/spec/commune.md).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple, Protocol

from .log import LogKey
from .records import CommuneId, Seal

PLACE_BITS: Final = 32
"""bits of an entry's index within its place; the bits above number the branch."""

INDEX_MASK: Final = (1 << PLACE_BITS) - 1


def place_of(branch: int, index: int) -> int:
    """One number for where an entry is held: the branch's local number, then the index."""
    return branch << PLACE_BITS | index


class Standing(NamedTuple):
    """What a branch of a log is to the exchange.

    `ordinal` is its log's place among its commune's logs. Entries below
    `limit` count (None: all do); `contested` says that the log itself is, by
    successions that contradict each other.
    """

    commune: CommuneId
    ordinal: int
    limit: int | None
    contested: bool


class Sight(NamedTuple):
    """A head in the `seen` of some entry: where that entry is, and what the head states."""

    place: int
    size: int
    root: bytes


class Part(NamedTuple):
    """A stretch of a branch: entries of `branch` below `end`."""

    branch: int
    end: int


class Numbered(Protocol):
    """A branch as its holder numbers it; the number means nothing to anybody else."""

    @property
    def number(self) -> int:
        """What the holder calls the branch."""


class Holdings(Protocol):
    """What the rules ask of whoever holds entries, heads and evidence."""

    def log_of(self, branch: int) -> LogKey:
        """The log that a branch belongs to."""

    def branches_of(self, log: bytes) -> Sequence[Numbered]:
        """All branches of a log that are held."""

    def lineage(self, branch: int, end: int) -> Sequence[Part]:
        """The stretches that make up the first `end` entries of a branch, its own last."""

    def cut(self, log: LogKey) -> int | None:
        """The first index at which the log's branches differ, by the evidence held."""

    def root_at(self, branch: int, size: int) -> bytes | None:
        """The root of a branch's first `size` entries, None if it is not that long."""

    def standing(self, branch: int) -> Standing | None:
        """What the branch is to the exchange, None while its commune is not known."""

    def predecessors(self, branch: int) -> Sequence[Part]:
        """The stretches of older logs that the branch's log continues, up to their seals."""

    def sights(self, parts: Sequence[Part], log: LogKey, above: int) -> Iterable[Sight]:
        """Validly signed heads of `log` of size beyond `above`, seen by entries in `parts`."""

    def is_witnessed(self, place: int) -> bool:
        """Whether an entry past its limit counts nevertheless."""


def limit_of(cut: int | None, seal: Seal | None, on_sealed_branch: bool) -> int | None:
    """Up to which size the entries of a branch count by themselves; None if all do.

    A seal speaks with the commune's authority: on the branch whose root it
    names it reaches even beyond a cut.
    """
    if seal is None:
        return cut
    if cut is None or on_sealed_branch:
        return seal.size
    return min(cut, seal.size)


def limit_on(holdings: Holdings, branch: int, seal: Seal | None) -> int | None:
    """The limit of a held branch, given the seal of its log.

    Where branches part at several indexes, one can share more with the sealed
    branch than with all others: what it shares is sealed on it as well. So an
    entry has one answer on every branch that it stands on, and it does not
    matter as part of which of them it is held.
    """
    log = holdings.log_of(branch)
    limit = limit_of(holdings.cut(log), seal, False)
    if seal is None or limit is None or limit == seal.size:
        return limit
    shared = [
        _shared(holdings.lineage(branch, seal.size), holdings.lineage(other.number, seal.size))
        for other in holdings.branches_of(log)
        if holdings.root_at(other.number, seal.size) == seal.root
    ]
    return max([limit, *shared])


def _shared(one: Sequence[Part], other: Sequence[Part]) -> int:
    """How many leading entries two lineages have in common."""
    shared = 0
    for mine, theirs in zip(one, other, strict=False):
        if mine.branch != theirs.branch:
            break
        shared = min(mine.end, theirs.end)
        if mine.end != theirs.end:
            break
    return shared


def counts(holdings: Holdings, place: int) -> bool:
    """Whether an entry counts, by itself or because another commune vouches for it."""
    standing = holdings.standing(place >> PLACE_BITS)
    if standing is None:
        return False
    if standing.limit is None or place & INDEX_MASK < standing.limit:
        return True
    return holdings.is_witnessed(place)


def is_contested(holdings: Holdings, place: int) -> bool:
    """Whether an entry that counts does so only by a witness, or stands in a contested log."""
    standing = holdings.standing(place >> PLACE_BITS)
    assert standing is not None
    return standing.contested or (standing.limit is not None and place & INDEX_MASK >= standing.limit)


def _stands_in(parts: Iterable[Part], place: int) -> bool:
    """Whether the entry at a place is in one of these stretches."""
    return any(part.branch == place >> PLACE_BITS and place & INDEX_MASK < part.end for part in parts)


def had_written(holdings: Holdings, place: int, other: int) -> bool:
    """Whether the entry at `other` stands before the one at `place`: in its log, or in what that continues.

    Of two branches of a log, or two logs of which neither continues the other,
    no entry stands before another, whatever their indexes.
    """
    branch, index = place >> PLACE_BITS, place & INDEX_MASK
    return _stands_in((*holdings.lineage(branch, index), *holdings.predecessors(branch)), other)


def had_seen(holdings: Holdings, place: int, other: int) -> bool:
    """Whether the writer of the entry at `place` held the entry at `other` when writing it.

    That is so if a head seen there, or earlier in its log or in what its log
    continues, covers it: a larger size, and past a cut the root of a branch
    that the other entry stands on.
    """
    branch, index = place >> PLACE_BITS, place & INDEX_MASK
    log = holdings.log_of(other >> PLACE_BITS)
    cut = holdings.cut(log)
    parts = [*holdings.predecessors(branch), *holdings.lineage(branch, index + 1)]
    return any(
        cut is None or other & INDEX_MASK < cut or _covers(holdings, log, sight, other)
        for sight in holdings.sights(parts, log, other & INDEX_MASK)
    )


def _covers(holdings: Holdings, log: LogKey, sight: Sight, other: int) -> bool:
    """Whether a head is of a branch that the entry at `other` stands on, held as part of whichever."""
    return any(
        _stands_in(holdings.lineage(held.number, sight.size), other)
        and holdings.root_at(held.number, sight.size) == sight.root
        for held in holdings.branches_of(log)
    )


class Vouchers(Protocol):
    """What finding witnesses needs beyond `Holdings`."""

    def limited(self) -> Iterable[int]:
        """The branches of logs that have a limit, whether or not they hold entries beyond it."""

    def beyond(self, branch: int, limit: int) -> Iterable[tuple[int, bytes]]:
        """Place and entry id of every entry of a branch (its lineage too) from `limit` on."""

    def naming(self, entry: bytes) -> Iterable[int]:
        """Places of records that name an entry by its id."""

    def all_sights(self, log: LogKey, above: int) -> Iterable[Sight]:
        """Validly signed heads of `log` of size beyond `above` in the `seen` of any entry."""


def witnessed(holdings: Holdings, vouchers: Vouchers) -> frozenset[int]:
    """The places of all entries past a limit that count because another commune's record vouches.

    A record vouches by naming an entry's id, or by having seen a head on its
    branch that covers it, and only if it counts itself: the least fixed point,
    so that two forked logs cannot vouch for each other.
    """
    words = _Words(holdings)
    for branch in vouchers.limited():
        standing = holdings.standing(branch)
        if standing is None or standing.limit is None:
            continue
        entries = sorted(
            (place & INDEX_MASK, place, entry) for place, entry in vouchers.beyond(branch, standing.limit)
        )
        if not entries:
            continue
        for _, place, entry in entries:
            for naming in vouchers.naming(entry):
                words.hear(naming, standing.commune, _Stretch([place]), 1)
        stretch = _Stretch([place for _, place, _ in entries])
        roots: dict[int, bytes | None] = {}
        for sight in vouchers.all_sights(holdings.log_of(branch), standing.limit):
            if sight.size not in roots:
                roots[sight.size] = holdings.root_at(branch, sight.size)
            if roots[sight.size] == sight.root:
                covered = bisect_left(entries, (sight.size,))
                words.hear(sight.place, standing.commune, stretch, covered)
    return words.follow()


class _Stretch:
    """Entries past a limit in the order of their indexes; the first `heard` of them are vouched for."""

    def __init__(self, places: Sequence[int]) -> None:
        self.places = places
        self.heard = 0

    def take(self, count: int) -> Sequence[int]:
        """The places among the first `count` that nobody has vouched for before."""
        more = self.places[self.heard : count]
        self.heard = max(self.heard, count)
        return more


class _Words:
    """Who vouches for what; the word of a record that is not known to count waits until it is."""

    def __init__(self, holdings: Holdings) -> None:
        self.holdings = holdings
        self.fresh: list[int] = []
        self.waiting: dict[int, list[tuple[_Stretch, int]]] = {}

    def hear(self, voucher: int, commune: CommuneId, stretch: _Stretch, count: int) -> None:
        """The record at `voucher` vouches for the first `count` entries of a stretch of `commune`."""
        standing = self.holdings.standing(voucher >> PLACE_BITS)
        if standing is None or standing.commune == commune:
            return
        if standing.limit is None or voucher & INDEX_MASK < standing.limit:
            self.fresh += stretch.take(count)
        else:
            self.waiting.setdefault(voucher, []).append((stretch, count))

    def follow(self) -> frozenset[int]:
        """All that is vouched for, by records that count or that somebody else vouches for."""
        found: set[int] = set()
        while self.fresh:
            place = self.fresh.pop()
            found.add(place)
            for stretch, count in self.waiting.pop(place, ()):
                self.fresh += stretch.take(count)
        return frozenset(found)
