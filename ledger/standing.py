"""Standing: up to where each branch of a log counts, and what the writer of an entry had seen.

Decides the limit of every branch from its seal and the cut, which entries
count and which of those are contested, and whether one entry was written after
another or knowing it. Which entries past a limit are vouched for is
`witness`'s; how a commune comes to its logs and seals is `commune`'s
(docs/spec/commune.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from .commune import Commune
from .held import (
    INDEX_MASK,
    PLACE_BITS,
    Holdings,
    Numbered,
    Part,
    Sight,
    Standing,
    Vouchers,
    place_of,
)
from .log import EntryId, LogKey
from .records import Seal
from .witness import witnessed

__all__ = [
    "INDEX_MASK", "PLACE_BITS", "Holdings", "Numbered", "Part", "Sight", "Standing", "Vouchers", "counts",
    "had_seen", "had_written", "is_contested", "limit_of", "limit_on", "place_of", "predecessors_on",
    "standing_on", "witnessed",
]  # fmt: skip


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


def standing_on(
    holdings: Holdings, commune: Commune, branch: int, opening: EntryId | None
) -> Standing | None:
    """What a held branch is to the exchange, by the commune that its entry 0 names; None if that is not so.

    `opening` is the id of the branch's entry 0, None if that is not held.
    """
    log = holdings.log_of(branch)
    if opening not in commune.openings:
        return None
    limit = limit_on(holdings, branch, commune.seals.get(log))
    return Standing(commune.id, commune.logs.index(log), limit, log in commune.contested)


def predecessors_on(
    holdings: Holdings, commune: Commune, opening: EntryId, opening_of: Callable[[int], EntryId | None]
) -> list[Part]:
    """The held stretches of older logs that a branch opened by this entry continues, up to their seals.

    Where a log is forked at entry 0 its branches may continue different logs:
    each what its own entry 0 says. `opening_of` gives the id of entry 0 of a branch.
    """
    parts: list[Part] = []
    waiting = list(commune.openings[opening])
    for seal in waiting:
        older = commune.continues.get(LogKey(seal.log), ())
        for held in holdings.branches_of(seal.log):
            if seal.size and holdings.root_at(held.number, seal.size) == seal.root:
                parts += holdings.lineage(held.number, seal.size)
                entry = opening_of(held.number)
                older = older if entry is None else commune.openings.get(entry, older)
        waiting += [further for further in older if further not in waiting]
    return parts


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
    parts = holdings.lineage(branch, index + 1)
    if before := holdings.predecessors(branch):
        parts = (*before, *parts)
    sights = holdings.sights(parts, log, other & INDEX_MASK)
    if cut is None or other & INDEX_MASK < cut:
        for _ in sights:
            return True
        return False
    return any(_covers(holdings, log, sight, other) for sight in sights)


def _covers(holdings: Holdings, log: LogKey, sight: Sight, other: int) -> bool:
    """Whether a head is of a branch that the entry at `other` stands on, held as part of whichever."""
    return any(
        _stands_in(holdings.lineage(held.number, sight.size), other)
        and holdings.root_at(held.number, sight.size) == sight.root
        for held in holdings.branches_of(log)
    )
