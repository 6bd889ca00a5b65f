"""Grounds: the entries on which the state of an exchange rests, out of all that is held.

Decides which entries a receipt needs, and of which sizes the roots: every step
of every party, the entries by which their writers had seen each other's steps,
and who vouches for a step past a fork or a seal. Nothing else changes what the
rules say. How they are proved is `multiproof`'s; the communes behind the logs
are added by whoever makes the receipt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from .dealings import Finding, commune_at
from .held import INDEX_MASK, PLACE_BITS, Holdings, Sight, Vouchers
from .log import EntryId, LogKey
from .moves import MOVES
from .records import Cancel, Dispute, Propose, Seal, Uninterpreted


class Held(Holdings, Vouchers, Protocol):
    """Whoever holds entries, heads and evidence."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What is needed of one held branch: the entries at `indexes`, and the roots at `sizes`."""

    branch: int
    log: LogKey
    indexes: tuple[int, ...]
    sizes: tuple[int, ...]


def grounds_of(
    held: Held, entry: EntryId, find: Finding, about: Finding, seals: Callable[[LogKey], Sequence[Seal]]
) -> tuple[Ground, ...]:
    """What the state of the exchange with this id rests on; nothing if it is not held.

    `find` and `about` are as for `dealings`; `seals` gives all seals of a log
    that successions of its commune name. Entries that do not count are left
    out, and so are those of communes that are no parties.
    """
    search = _Search(held, find, about, seals)
    search.gather(entry)
    return tuple(search.found())


@dataclass(slots=True)
class _Search:
    """The places and roots found so far; `steps` and `counting` are those of them that have to count."""

    held: Held
    find: Finding
    about: Finding
    seals: Callable[[LogKey], Sequence[Seal]]
    steps: set[int] = field(default_factory=set)
    counting: set[int] = field(default_factory=set)
    places: set[int] = field(default_factory=set)
    sizes: set[tuple[LogKey, int]] = field(default_factory=set)
    covered: set[int] = field(default_factory=set)
    """branches by whose roots heads that were seen cover what they share with others"""

    def gather(self, entry: EntryId) -> None:
        """Find everything for one exchange."""
        self._find_steps(entry)
        known = None
        while known != (len(self.places), len(self.sizes), len(self.covered)):
            known = len(self.places), len(self.sizes), len(self.covered)
            for branch in self._branches():
                self._find_sights(branch)
                log = self.held.log_of(branch)
                # By these roots a succession continues the branch.
                self.sizes |= {(log, seal.size) for seal in self.seals(log) if seal.size}
            for place in sorted(self.counting):
                self._find_voucher(place)

    def found(self) -> Iterator[Ground]:
        """What is needed, branch by branch: of each what it shares with others as well."""
        for branch in sorted(self._branches()):
            log = self.held.log_of(branch)
            indexes = {place & INDEX_MASK for place in self.places if self._is_on(branch, place)}
            size = {size for other, size in self.sizes if other == log}
            if indexes:
                yield Ground(branch, log, tuple(sorted(indexes)), tuple(sorted(size)))

    # Steps --------------------------------------------------------------------------------------

    def _find_steps(self, entry: EntryId) -> None:
        """The proposal, and what its parties said about it, its disputes and its cancels."""
        parties: tuple[bytes, ...] = ()
        for place, _, record in self.find(entry):
            if isinstance(record, Propose) and commune_at(self.held, place) is not None:
                parties = record.parties
                self.steps.add(place)
        waiting: list[bytes] = [entry] if parties else []
        for name in waiting:
            for place, found, record in self.about(name):
                if commune_at(self.held, place) not in parties:
                    continue
                if isinstance(record, Uninterpreted) or record.kind in MOVES:
                    self.steps.add(place)
                if isinstance(record, Dispute | Cancel) and found not in waiting:
                    waiting.append(found)
        self.counting |= self.steps
        self.places |= self.steps

    # Branches -----------------------------------------------------------------------------------

    def _branches(self) -> set[int]:
        """Those that hold a place, and of a cut log the sealed ones: what they share counts by the seal."""
        branches = {place >> PLACE_BITS for place in self.places} | self.covered
        for log in {self.held.log_of(branch) for branch in branches}:
            if self.held.cut(log) is not None:
                branches |= {
                    other.number
                    for seal in self.seals(log)
                    for other in self.held.branches_of(log)
                    if self.held.root_at(other.number, seal.size) == seal.root
                    and self.held.standing(other.number) is not None
                }
        return branches

    def _is_on(self, branch: int, place: int, end: int | None = None) -> bool:
        """Whether the entry at a place stands on a branch (below `end`), as its own or in what it shares."""
        index = place & INDEX_MASK
        parts = self.held.lineage(branch, index + 1 if end is None else end)
        return any(part.branch == place >> PLACE_BITS and index < part.end for part in parts)

    # What writers had seen ----------------------------------------------------------------------

    def _find_sights(self, branch: int) -> None:
        """For every step of another commune, the first entry of this branch that had seen it."""
        own = [place & INDEX_MASK for place in self.steps if self._is_on(branch, place)]
        state = self.held.standing(branch)
        if not own or state is None:
            return
        parts = [*self.held.predecessors(branch), *self.held.lineage(branch, max(own) + 1)]
        targets: dict[LogKey, list[int]] = {}
        for place in self.steps:
            if commune_at(self.held, place) != state.commune:
                targets.setdefault(self.held.log_of(place >> PLACE_BITS), []).append(place)
        for log, places in targets.items():
            lowest = min(place & INDEX_MASK for place in places)
            sights = list(self.held.sights(parts, log, lowest))
            sights.sort(key=lambda sight: self._age(branch, sight))
            for place in places:
                self._find_sight(log, sights, place)

    def _age(self, branch: int, sight: Sight) -> tuple[bool, bool, int]:
        """What is less for an entry that stands before; in older logs one is as good as another."""
        if self._is_on(branch, sight.place):
            return True, False, sight.place & INDEX_MASK
        return False, sight.place not in self.places, sight.place

    def _find_sight(self, log: LogKey, sights: Sequence[Sight], target: int) -> None:
        cut = self.held.cut(log)
        index = target & INDEX_MASK
        for sight in sights:
            if sight.size <= index:
                continue
            if cut is not None and index >= cut:
                branch = self._covering(log, sight, target)
                if branch is None:
                    continue
                self.sizes.add((log, sight.size))
                self.covered.add(branch)
            self.places.add(sight.place)
            return

    def _covering(self, log: LogKey, sight: Sight, place: int) -> int | None:
        """A branch that an entry stands on and a head is of; its own if that is one."""
        branches = [other.number for other in self.held.branches_of(log)]
        branches.sort(key=lambda branch: (self.held.standing(branch) is None, branch != place >> PLACE_BITS))
        for branch in branches:
            if self._is_on(branch, place, sight.size) and self.held.root_at(branch, sight.size) == sight.root:
                return branch
        return None

    # Who vouches --------------------------------------------------------------------------------

    def _find_voucher(self, place: int) -> None:
        """Who vouches for an entry past its limit: one that counts by itself, else all that count."""
        if self._is_firm(place):
            return
        branch, index = place >> PLACE_BITS, place & INDEX_MASK
        log, own = self.held.log_of(branch), commune_at(self.held, place)
        entry = next(entry for at, entry in self.held.beyond(branch, index) if at == place)
        vouchers: list[tuple[int, int | None, int | None]]
        vouchers = [(naming, None, None) for naming in self.held.naming(entry)]
        vouchers += [
            (sight.place, sight.size, covering)
            for sight in self.held.all_sights(log, index)
            if (covering := self._covering(log, sight, place)) is not None
        ]
        others = [each for each in vouchers if commune_at(self.held, each[0]) not in (None, own)]
        firm = [each for each in others if self._is_firm(each[0])]
        firm.sort(key=lambda each: (each[0] not in self.places, each[0], each[1] or 0))
        for voucher, size, covering in firm[:1] or others:
            self.counting.add(voucher)
            self.places.add(voucher)
            if size is not None and covering is not None:
                self.sizes.add((log, size))
                self.covered.add(covering)

    def _is_firm(self, place: int) -> bool:
        """Whether an entry counts by itself, if it counts at all."""
        state = self.held.standing(place >> PLACE_BITS)
        return state is None or state.limit is None or place & INDEX_MASK < state.limit
