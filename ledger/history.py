"""A history in memory: the rules applied to a set of entries, with no database.

Decides nothing of its own: it files entries as they are read, forms the
communes, finds what counts and folds the exchanges, by the rules of the other
modules. The audit reads everything into one, so that it trusts no view; tests
hold the store's views against it. Whoever fills it must have checked trees and
heads; `verify_seen` is asked for heads inside records.

It holds every record, and so that a large ledger still fits, no text that no
rule reads if it is told to leave those out: about 500 bytes an entry then.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, cast

from msgspec.structs import force_setattr

from . import merkle, standing
from .authority import Stated, commune_of
from .commune import Commune, form_commune
from .dealings import Dealings, Found
from .exchange import Exchange
from .log import EntryId, Head, LogKey
from .merkle import CompactRange
from .records import (
    KINDS,
    AuthorityChange,
    Charter,
    CommuneId,
    Deliver,
    Malformed,
    Need,
    Offer,
    Propose,
    Receive,
    Record,
    Succession,
    Uninterpreted,
    parse,
    subjects,
)
from .standing import INDEX_MASK, PLACE_BITS, Part, Sight, Standing, place_of

ROOT_STRIDE: Final = 256
"""entries between the sizes whose compact range a branch remembers; any other root costs that many hashes."""


TEXTS: Final = frozenset({"about", "by", "contact", "council", "note", "place", "reason", "until", "wants"})
"""Fields that no rule reads, all of them optional."""

_TEXTS_OF: Final[Mapping[type[object], tuple[str, ...]]] = {
    kind: tuple(field for field in kind.__struct_fields__ if field in TEXTS) for kind in KINDS.values()
}
_CODED: Final = (Deliver, Receive, Offer, Need)
_OPENING: Final = frozenset({AuthorityChange, Charter, Propose, Succession})


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
    doubtful: int | None = None
    """from which of its own entries on it is not known what was signed; None: all is"""

    @property
    def size(self) -> int:
        return self.first + len(self.leaves) // 32

    def own(self, start: int, end: int) -> list[bytes]:
        """The leaf hashes of its own entries from `start` up to `end`, counted in the whole log."""
        span = range((start - self.first) * 32, (end - self.first) * 32, 32)
        return [bytes(self.leaves[at : at + 32]) for at in span]

    def leaf(self, index: int) -> bytes:
        """The leaf hash of one of its own entries."""
        at = (index - self.first) * 32
        return bytes(self.leaves[at : at + 32])


class Shown(NamedTuple):
    """A head in the `seen` of an entry, and the place of that entry."""

    place: int
    head: Head


@dataclass(slots=True)
class _Seen:
    """Heads of one log in the entries of one branch, in their order.

    `most` is, for each, the largest size among it and those before: what was
    seen of a log accumulates, so the first that covers an entry is found by halving.
    """

    indexes: list[int] = field(default_factory=list)
    heads: list[Head] = field(default_factory=list)
    most: list[int] = field(default_factory=list)

    def add(self, index: int, head: Head) -> None:
        self.indexes.append(index)
        self.heads.append(head)
        self.most.append(max(head.size, self.most[-1]) if self.most else head.size)

    def above(self, size: int, end: int) -> Iterator[tuple[int, Head]]:
        """Index and head of those beyond a size, in entries below `end`."""
        for at in range(bisect_right(self.most, size), len(self.heads)):
            if self.indexes[at] >= end:
                return
            if self.heads[at].size > size:
                yield self.indexes[at], self.heads[at]


class History:
    """Entries of any number of logs, read in order within each branch, in any order otherwise."""

    def __init__(
        self,
        network: str,
        verify_seen: Callable[[Head], bool] | None = None,
        *,
        keep_texts: bool = True,
    ) -> None:
        self.network = network
        self.verify_seen = verify_seen or (lambda head: head.is_signed(network))
        self.branches: dict[int, _Branch] = {}
        self.records: dict[int, Record] = {}
        self.places: dict[bytes, list[int]] = {}
        self.about: dict[bytes, list[int]] = {}
        self.uninterpreted: dict[int, Uninterpreted] = {}
        self.stated: dict[int, Stated] = {}
        self.communes: dict[CommuneId, Commune] = {}
        self._keep_texts = keep_texts
        self._codes: dict[str, str] = {}
        self._of_log: dict[bytes, list[_Branch]] = {}
        self._seen: dict[bytes, dict[int, _Seen]] = {}
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
        place = place_of(number, self.branches[number].size)
        malformed = self.read_run(number, [leaf], [payload])
        return malformed[0][1] if malformed else self.records.get(place, self.uninterpreted.get(place))

    def read_run(
        self, number: int, leaves: Sequence[bytes], payloads: Sequence[bytes | None]
    ) -> list[tuple[int, Malformed]]:
        """Read a branch's next entries, with None for the payload of an erased one.

        Returns the indexes of those that are malformed, with the reason.
        """
        branch = self.branches[number]
        records, about = self.records, self.about
        lean = not self._keep_texts
        malformed: list[tuple[int, Malformed]] = []
        place = place_of(number, branch.size) - 1
        branch.leaves += b"".join(leaves)
        for leaf, payload in zip(leaves, payloads, strict=True):
            place += 1
            if payload is None:
                continue
            record = parse(payload)
            kind = record.__class__
            if kind in _TEXTS_OF:
                read = cast("Record", record)
                records[place] = read
                if lean:
                    self._slim(read)
                if kind in _OPENING:
                    self._file(place, leaf, payload, read)
                names: Iterable[bytes] = subjects(read)
                seen = read.seen
            elif isinstance(record, Uninterpreted):
                self.uninterpreted[place] = record
                names, seen = record.names, record.seen
            else:
                assert isinstance(record, Malformed)
                malformed.append((place & INDEX_MASK, record))
                continue
            for head in seen:
                self._seen.setdefault(head.log, {}).setdefault(number, _Seen()).add(place & INDEX_MASK, head)
            for name in names:
                if name in about:
                    about[name].append(place)
                else:
                    about[name] = [place]
        return malformed

    def _slim(self, record: Record) -> None:
        """Leave out of a record the texts that no rule reads, and keep equal codes once."""
        for text in _TEXTS_OF[record.__class__]:
            force_setattr(record, text, None)
        coded: tuple[Any, ...] = ()
        if isinstance(record, Propose):
            coded = record.transfers
        elif isinstance(record, _CODED):
            coded = (record,)
        for item in coded:
            quantity, category = item.quantity, getattr(item, "category", None)
            if category is not None:
                force_setattr(item, "category", self._codes.setdefault(category, category))
            if quantity is not None:
                force_setattr(quantity, "unit", self._codes.setdefault(quantity.unit, quantity.unit))

    def _file(self, place: int, leaf: bytes, payload: bytes, record: Record) -> None:
        """File a record that opens something: an exchange, a commune, or another log or authority of one."""
        if isinstance(record, Propose):
            self.places.setdefault(leaf, []).append(place)
        else:
            assert isinstance(record, Charter | AuthorityChange | Succession)
            log = self.branches[place >> PLACE_BITS].log
            self.stated[place] = Stated(EntryId(leaf), log, place & INDEX_MASK, payload, record)

    def doubt(self, number: int, index: int) -> None:
        """Take note that a branch's leaves are not proved from `index` on: it has no roots beyond."""
        branch = self.branches[number]
        branch.doubtful = index if branch.doubtful is None else min(index, branch.doubtful)

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
        for stated in self.stated.values():
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
        place = place_of(self.lineage(number, 1)[-1].branch, 0)
        return self.entry_id(place) if self.is_read(place) else None

    def _commune_of(self, number: int) -> Commune | None:
        """The commune whose record opens the branch."""
        stated = self.stated.get(place_of(self.lineage(number, 1)[-1].branch, 0))
        if stated is None or isinstance(stated.record, AuthorityChange):
            return None
        return self.communes.get(commune_of(stated))

    # Holdings, Vouchers -------------------------------------------------------------------------

    def log_of(self, branch: int) -> LogKey:
        return self.branches[branch].log

    def branches_of(self, log: bytes) -> Sequence[_Branch]:
        return self._of_log.get(log, ())

    def lineage(self, branch: int, end: int) -> Sequence[Part]:
        # No recursion, here and below: whoever holds a log's key can fork it a thousand times over.
        parts: list[Part] = []
        while (base := self.branches[branch].base) is not None:
            if end > base.end:
                parts.append(Part(branch, end))
                end = base.end
            branch = base.branch
        parts.append(Part(branch, end))
        return tuple(reversed(parts))

    def _holder(self, held: _Branch, size: int) -> _Branch:
        """The branch that holds the last of a branch's first `size` entries."""
        while held.base is not None and size <= held.base.end:
            held = self.branches[held.base.branch]
        return held

    def cut(self, log: LogKey) -> int | None:
        return self._cuts.get(log)

    def root_at(self, branch: int, size: int) -> bytes | None:
        compact = self.range_at(branch, size)
        return None if compact is None else merkle.range_root(size, compact)

    def range_at(self, branch: int, size: int) -> CompactRange | None:
        """The compact range of a branch's first `size` entries, None if they are not all held or provable."""
        held = self.branches[branch]
        return self._range_at(held, size) if size <= held.size else None

    def roots(self, branch: int) -> Iterator[tuple[int, bytes]]:
        """Every size of a branch's own stretch with its root; none if it is not known what it stands on."""
        held = self.branches[branch]
        compact = self._range_at(held, held.first)
        if compact is None:
            return
        for size in range(held.first, held.size):
            compact = merkle.extend_range(size, compact, [held.leaf(size)])
            yield size + 1, merkle.range_root(size + 1, compact)

    def _range_at(self, held: _Branch, size: int) -> CompactRange | None:
        """The compact range of a branch's first `size` entries, None if it is not known."""
        held = self._holder(held, size)
        # The branch that another stands on may not have been read so far yet.
        reach = held.size if held.doubtful is None else min(held.size, held.doubtful)
        if not held.first <= size <= reach:
            return None
        if not held.ranges:
            self._begin(held)
        if not held.ranges:
            return None
        strides = (size - held.first) // ROOT_STRIDE
        for stride in range(len(held.ranges), strides + 1):
            near = held.first + (stride - 1) * ROOT_STRIDE
            held.ranges.append(merkle.extend_range(near, held.ranges[-1], held.own(near, near + ROOT_STRIDE)))
        near = held.first + strides * ROOT_STRIDE
        return merkle.extend_range(near, held.ranges[strides], held.own(near, size))

    def _begin(self, held: _Branch) -> None:
        """Find the compact range that a branch begins with, and that of every branch below it."""
        waiting: list[_Branch] = []
        while held.base is not None and not held.ranges:
            waiting.append(held)
            held = self._holder(self.branches[held.base.branch], held.first)
        for upper in reversed(waiting):
            below = self._range_at(held, upper.first)
            if below is None:
                return
            upper.ranges.append(below)
            held = upper

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
        seen = self._seen.get(log, {})
        for part in parts:
            found = seen.get(part.branch)
            if found is not None:
                for index, head in found.above(above, part.end):
                    if self._is_sound(head):
                        yield Sight(place_of(part.branch, index), head.size, head.root)

    def _is_sound(self, head: Head) -> bool:
        sound = self._sound.get(head)
        if sound is None:
            sound = self._sound[head] = self.verify_seen(head)
        return sound

    def is_witnessed(self, place: int) -> bool:
        return place in self._witnessed

    def limited(self) -> Iterable[int]:
        return [number for number, state in self._standing.items() if state.limit is not None]

    def beyond(self, branch: int, limit: int) -> Iterable[tuple[int, bytes]]:
        for part in self.lineage(branch, self.branches[branch].size):
            for index in range(max(limit, self.branches[part.branch].first), part.end):
                place = place_of(part.branch, index)
                if self.is_read(place):
                    yield place, self.entry_id(place)

    def naming(self, entry: bytes) -> Iterable[int]:
        return self.about.get(entry, ())

    def all_sights(self, log: LogKey, above: int) -> Iterable[Sight]:
        for branch, seen in self._seen.get(log, {}).items():
            for index, head in seen.above(above, self.branches[branch].size):
                if self._is_sound(head):
                    yield Sight(place_of(branch, index), head.size, head.root)

    def shown(self) -> Iterator[Shown]:
        """Every head in the `seen` of any entry, whether or not it is signed, those of one log together."""
        for branches in self._seen.values():
            for branch, seen in branches.items():
                for index, head in zip(seen.indexes, seen.heads, strict=True):
                    yield Shown(place_of(branch, index), head)

    # Entries ------------------------------------------------------------------------------------

    def entry_id(self, place: int) -> EntryId:
        """The id of the entry at a place that is held."""
        return EntryId(self.branches[place >> PLACE_BITS].leaf(place & INDEX_MASK))

    def find(self, entries: Collection[bytes]) -> dict[bytes, int]:
        """Where entries are held, by their ids; one place each, looked for through all leaves."""
        found: dict[bytes, int] = {}
        for number, branch in self.branches.items() if entries else ():
            leaves = bytes(branch.leaves)
            for at in range(0, len(leaves), 32):
                if leaves[at : at + 32] in entries:
                    found.setdefault(leaves[at : at + 32], place_of(number, branch.first + at // 32))
        return found

    def leaf_at(self, branch: int, index: int) -> bytes | None:
        """The leaf hash at an index of a branch, what it shares included; None if it is not held."""
        held = self.branches[self.lineage(branch, index + 1)[-1].branch]
        return held.leaf(index) if held.first <= index < held.size else None

    def is_read(self, place: int) -> bool:
        """Whether the entry at a place could be read: it is neither erased nor malformed."""
        return place in self.records or place in self.uninterpreted

    @property
    def entry_ids(self) -> dict[int, EntryId]:
        """The ids of all entries that could be read, by place; collected anew each time."""
        return {place: self.entry_id(place) for place in sorted((*self.records, *self.uninterpreted))}

    # Exchanges ----------------------------------------------------------------------------------

    def record_at(self, place: int) -> Record | Uninterpreted:
        """What the entry at a place says, which must not be erased or malformed."""
        record = self.records.get(place)
        return self.uninterpreted[place] if record is None else record

    def _read_at(self, places: Iterable[int]) -> list[Found]:
        found: list[Found] = []
        for place in places:  # `entry_id` and `record_at` written out: this is asked of every move
            record = self.records.get(place)
            branch = self.branches[place >> PLACE_BITS]
            at = ((place & INDEX_MASK) - branch.first) * 32
            leaf = bytes(branch.leaves[at : at + 32])
            found.append((place, leaf, self.uninterpreted[place] if record is None else record))
        return found

    def exchanges(self) -> Iterator[Exchange]:
        """Fold every exchange whose proposal counts, by its id in no order that means anything."""
        for entry in self.places:
            folded = self.exchange(EntryId(entry))
            if folded is not None:
                yield folded

    def exchange(self, entry: EntryId) -> Exchange | None:
        """Fold the exchange that an entry opens, None if it opens none that counts."""
        return self._dealings.exchange(entry)
