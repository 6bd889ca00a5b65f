"""A history in memory: the rules applied to a set of entries, with no database.

Decides nothing of its own: it files entries as they are read, forms the
communes, finds what counts and folds the exchanges, by the rules of the other
modules. The audit reads everything into one, so that it trusts no view; tests
hold the store's views against it. Whoever fills it must have checked trees and
heads; `verify_seen` is asked for heads inside records.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from . import merkle, standing
from .authority import Stated, commune_of
from .commune import Commune, form_commune
from .dealings import Dealings, Found
from .exchange import Exchange
from .log import EntryId, Head, LogKey
from .merkle import CompactRange
from .records import (
    AuthorityChange,
    Charter,
    CommuneId,
    Malformed,
    Propose,
    Record,
    Succession,
    Uninterpreted,
    parse,
    subjects,
)
from .standing import INDEX_MASK, Part, Sight, Standing, place_of

ROOT_STRIDE: Final = 256
"""entries between the sizes whose compact range a branch remembers; any other root costs that many hashes."""


@dataclass(slots=True)
class _Branch:
    """One branch: its own stretch of leaves, and what it stands on.

    `ranges` are the compact ranges of its first `first`, `first` + ROOT_STRIDE,
    ... entries, as far as they were needed.
    """

    number: int
    log: LogKey
    base: Part | None
    first: int
    ranges: list[CompactRange]
    leaves: bytearray = field(default_factory=bytearray)

    @property
    def size(self) -> int:
        return self.first + len(self.leaves) // 32

    def own(self, start: int, end: int) -> list[bytes]:
        """The leaf hashes of its own entries from `start` up to `end`, counted in the whole log."""
        span = range((start - self.first) * 32, (end - self.first) * 32, 32)
        return [bytes(self.leaves[at : at + 32]) for at in span]


class History:
    """Entries of any number of logs, read in order within each branch, in any order otherwise."""

    def __init__(self, network: str, verify_seen: Callable[[Head], bool] | None = None) -> None:
        self.network = network
        self.verify_seen = verify_seen or (lambda head: head.is_signed(network))
        self.branches: dict[int, _Branch] = {}
        self.records: dict[int, Record] = {}
        self.entry_ids: dict[int, EntryId] = {}
        self.places: dict[bytes, list[int]] = {}
        self.about: dict[bytes, list[int]] = {}
        self.uninterpreted: dict[int, Uninterpreted] = {}
        self.communes: dict[CommuneId, Commune] = {}
        self._of_log: dict[bytes, list[_Branch]] = {}
        self._sights: dict[bytes, dict[int, list[tuple[int, Head]]]] = {}
        self._stated: dict[int, Stated] = {}
        self._cuts: dict[bytes, int] = {}
        self._standing: dict[int, Standing] = {}
        self._predecessors: dict[int, Sequence[Part]] = {}
        self._witnessed: frozenset[int] = frozenset()
        self._sound: dict[Head, bool] = {}
        self._dealings = Dealings(
            self,
            lambda entry: self._read_at(self.places.get(entry, ())),
            lambda entry: self._read_at(self.about.get(entry, ())),
        )

    # Filling ------------------------------------------------------------------------------------

    def open_branch(
        self, number: int, log: LogKey, base: Part | None = None, start: int = 0, before: CompactRange = ()
    ) -> None:
        """Open a branch: of a log not held before, or off an older branch from `base.end` on.

        A log whose history is held from `start` on has roots from there on if
        the compact range `before` of what is missing is given, else none.
        """
        if base is not None and base.end == 0:
            base = None  # it shares nothing: its entry 0 is its own
        first = start if base is None else base.end
        known = [before] if len(before) == start.bit_count() and base is None else []
        branch = _Branch(number, log, base, first, known)
        self.branches[number] = branch
        self._of_log.setdefault(log, []).append(branch)

    def read(
        self, number: int, leaf: bytes, payload: bytes | None
    ) -> Record | Uninterpreted | Malformed | None:
        """Read a branch's next entry; None for one whose payload is erased."""
        branch = self.branches[number]
        place = place_of(number, branch.size)
        branch.leaves.extend(leaf)
        if payload is None:
            return None
        record = parse(payload)
        if isinstance(record, Malformed):
            return record
        entry = EntryId(leaf)
        if isinstance(record, Uninterpreted):
            self.uninterpreted[place] = record
            names: Iterable[bytes] = record.names
        else:
            self.records[place] = record
            names = subjects(record)
            if isinstance(record, Charter | AuthorityChange | Succession):
                self._stated[place] = Stated(entry, branch.log, place & INDEX_MASK, payload, record)
        for head in record.seen:
            self._sights.setdefault(head.log, {}).setdefault(number, []).append((place & INDEX_MASK, head))
        self.entry_ids[place] = entry
        self.places.setdefault(entry, []).append(place)
        for name in names:
            self.about.setdefault(name, []).append(place)
        return record

    def add_cut(self, log: LogKey, cut: int) -> None:
        """Take note of evidence: the branches of `log` differ from index `cut` on."""
        self._cuts[log] = min(cut, self._cuts.get(log, cut))

    def decide(self) -> None:
        """Form all communes and find what counts, from everything read so far."""
        self.communes = {commune.id: commune for commune in self._form()}
        self._standing = {}
        self._predecessors = {}
        for number in self.branches:
            commune = self._commune_of(number)
            if commune is not None:
                found = standing.standing_on(self, commune, number, self.opening(number))
                if found is not None:
                    self._standing[number] = found
        self._witnessed = standing.witnessed(self, self)

    def _form(self) -> Iterator[Commune]:
        changes: dict[bytes, dict[EntryId, Stated]] = {}
        successions: dict[bytes, dict[EntryId, Stated]] = {}
        charters: dict[EntryId, Stated] = {}
        for stated in self._stated.values():
            if isinstance(stated.record, Charter):
                if stated.index == 0 and stated.record.network == self.network:
                    charters[stated.id] = stated
            elif isinstance(stated.record, AuthorityChange):
                changes.setdefault(stated.record.commune, {})[stated.id] = stated
            else:
                successions.setdefault(stated.record.commune, {})[stated.id] = stated
        for charter in charters.values():
            yield form_commune(
                charter,
                changes.get(charter.id, {}).values(),
                successions.get(charter.id, {}).values(),
                self.network,
            )

    def opening(self, number: int) -> EntryId | None:
        """The id of a branch's entry 0, None if that is not held or cannot be read."""
        return self.entry_ids.get(place_of(self.lineage(number, 1)[-1].branch, 0))

    def _commune_of(self, number: int) -> Commune | None:
        """The commune whose record opens the branch."""
        stated = self._stated.get(place_of(self.lineage(number, 1)[-1].branch, 0))
        if stated is None or isinstance(stated.record, AuthorityChange):
            return None
        return self.communes.get(commune_of(stated))

    # Holdings, Vouchers -------------------------------------------------------------------------

    def log_of(self, branch: int) -> LogKey:
        return self.branches[branch].log

    def branches_of(self, log: bytes) -> Sequence[_Branch]:
        return self._of_log.get(log, ())

    def lineage(self, branch: int, end: int) -> Sequence[Part]:
        held = self.branches[branch]
        if held.base is None:
            return (Part(branch, end),)
        below = self.lineage(held.base.branch, min(end, held.base.end))
        return below if end <= held.base.end else (*below, Part(branch, end))

    def cut(self, log: LogKey) -> int | None:
        return self._cuts.get(log)

    def root_at(self, branch: int, size: int) -> bytes | None:
        held = self.branches[branch]
        compact = self._range_at(held, size) if size <= held.size else None
        return None if compact is None else merkle.range_root(size, compact)

    def _range_at(self, held: _Branch, size: int) -> CompactRange | None:
        """The compact range of a branch's first `size` entries, None if it is not known."""
        if held.base is not None and size <= held.base.end:
            return self._range_at(self.branches[held.base.branch], size)
        if size < held.first:
            return None
        if not held.ranges and held.base is not None:
            below = self._range_at(self.branches[held.base.branch], held.first)
            held.ranges = [] if below is None else [below]
        if not held.ranges:
            return None
        strides = (size - held.first) // ROOT_STRIDE
        for stride in range(len(held.ranges), strides + 1):
            near = held.first + (stride - 1) * ROOT_STRIDE
            held.ranges.append(merkle.extend_range(near, held.ranges[-1], held.own(near, near + ROOT_STRIDE)))
        near = held.first + strides * ROOT_STRIDE
        return merkle.extend_range(near, held.ranges[strides], held.own(near, size))

    def standing(self, branch: int) -> Standing | None:
        return self._standing.get(branch)

    def predecessors(self, branch: int) -> Sequence[Part]:
        if branch not in self._predecessors:
            state, opening = self._standing.get(branch), self.opening(branch)
            self._predecessors[branch] = (
                ()
                if state is None or opening is None
                else standing.predecessors_on(self, self.communes[state.commune], opening, self.opening)
            )
        return self._predecessors[branch]

    def sights(self, parts: Sequence[Part], log: LogKey, above: int) -> Iterable[Sight]:
        seen = self._sights.get(log, {})
        for part in parts:
            for index, head in seen.get(part.branch, ()):
                if index < part.end and head.size > above and self._is_sound(head):
                    yield Sight(place_of(part.branch, index), head.size, head.root)

    def _is_sound(self, head: Head) -> bool:
        if head not in self._sound:
            self._sound[head] = self.verify_seen(head)
        return self._sound[head]

    def is_witnessed(self, place: int) -> bool:
        return place in self._witnessed

    def limited(self) -> Iterable[int]:
        return [number for number, state in self._standing.items() if state.limit is not None]

    def beyond(self, branch: int, limit: int) -> Iterable[tuple[int, bytes]]:
        for part in self.lineage(branch, self.branches[branch].size):
            for index in range(max(limit, self.branches[part.branch].first), part.end):
                place = place_of(part.branch, index)
                if place in self.entry_ids:
                    yield place, self.entry_ids[place]

    def naming(self, entry: bytes) -> Iterable[int]:
        return self.about.get(entry, ())

    def all_sights(self, log: LogKey, above: int) -> Iterable[Sight]:
        for branch, heads in self._sights.get(log, {}).items():
            for index, head in heads:
                if head.size > above and self._is_sound(head):
                    yield Sight(place_of(branch, index), head.size, head.root)

    # Exchanges ----------------------------------------------------------------------------------

    def record_at(self, place: int) -> Record | Uninterpreted:
        """What the entry at a place says, which must not be erased or malformed."""
        record = self.records.get(place)
        return self.uninterpreted[place] if record is None else record

    def _read_at(self, places: Iterable[int]) -> list[Found]:
        return [(place, self.entry_ids[place], self.record_at(place)) for place in places]

    def exchanges(self) -> Iterator[Exchange]:
        """Fold every exchange whose proposal counts, by its id in no order that means anything."""
        proposals = (
            self.entry_ids[place] for place, record in self.records.items() if isinstance(record, Propose)
        )
        for entry in dict.fromkeys(proposals):
            folded = self.exchange(entry)
            if folded is not None:
                yield folded

    def exchange(self, entry: EntryId) -> Exchange | None:
        """Fold the exchange that an entry opens, None if it opens none that counts."""
        return self._dealings.exchange(entry)
