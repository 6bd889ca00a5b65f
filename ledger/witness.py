"""Witnesses: which entries past a limit another commune vouches for.

Decides, for all logs that are cut or sealed, which of the entries past it
count nevertheless. Limits are `standing`'s (docs/spec/commune.md).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from .held import INDEX_MASK, PLACE_BITS, Holdings, Vouchers
from .records import CommuneId


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
