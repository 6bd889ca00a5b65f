"""What counts: up to where each log does, what is witnessed beyond, and what a writer had seen.

Decides, for entries past a cut or seal, which of them another commune's record
vouches for, and whether one entry was written knowing another. It asks for
what is held through `Holdings`, which the store and the audit each provide, so
that both give the same answer (docs/spec/commune.md).
"""

from __future__ import annotations

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


class Holdings(Protocol):
    """What the rules ask of whoever holds entries, heads and evidence."""

    def log_of(self, branch: int) -> LogKey:
        """The log that a branch belongs to."""

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


def had_seen(holdings: Holdings, place: int, other: int) -> bool:
    """Whether the writer of the entry at `place` held the entry at `other` when writing it.

    That is so if a head seen there, or earlier in its log or in what its log
    continues, covers it: a larger size, and past a cut the root of the same branch.
    """
    branch, index = place >> PLACE_BITS, place & INDEX_MASK
    other_branch, other_index = other >> PLACE_BITS, other & INDEX_MASK
    log = holdings.log_of(other_branch)
    cut = holdings.cut(log)
    parts = [*holdings.predecessors(branch), *holdings.lineage(branch, index + 1)]
    for sight in holdings.sights(parts, log, other_index):
        if cut is None or other_index < cut or holdings.root_at(other_branch, sight.size) == sight.root:
            return True
    return False


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
    found: set[int] = set()
    limited = [
        (branch, standing)
        for branch in vouchers.limited()
        if (standing := holdings.standing(branch)) is not None and standing.limit is not None
    ]

    def vouches(place: int, commune: CommuneId) -> bool:
        standing = holdings.standing(place >> PLACE_BITS)
        if standing is None or standing.commune == commune:
            return False
        return standing.limit is None or place & INDEX_MASK < standing.limit or place in found

    while True:
        more: set[int] = set()
        for branch, standing in limited:
            assert standing.limit is not None
            more |= _vouched(holdings, vouchers, branch, standing, vouches) - found
        if not more:
            return frozenset(found)
        found |= more


def _vouched(
    holdings: Holdings, vouchers: Vouchers, branch: int, standing: Standing, vouches: _Vouches
) -> set[int]:
    assert standing.limit is not None
    covered = max(
        (
            sight.size
            for sight in vouchers.all_sights(holdings.log_of(branch), standing.limit)
            if vouches(sight.place, standing.commune) and holdings.root_at(branch, sight.size) == sight.root
        ),
        default=0,
    )
    return {
        place
        for place, entry in vouchers.beyond(branch, standing.limit)
        if place & INDEX_MASK < covered
        or any(vouches(naming, standing.commune) for naming in vouchers.naming(entry))
    }


class _Vouches(Protocol):
    def __call__(self, place: int, commune: CommuneId, /) -> bool: ...

