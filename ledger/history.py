"""A history in memory: the rules applied to a set of entries, with no database.

Decides nothing of its own: it files entries as they are read, forms the
communes, finds what counts and folds the exchanges, by the rules of the other
modules. The audit reads everything into one, so that it trusts no view; tests
hold the store's views against it. Whoever fills it must have checked trees and
heads; `verify_seen` is asked for heads inside records.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from . import exchange, merkle, standing
from .authority import Stated
from .commune import Commune, form_commune
from .exchange import Exchange, Move
from .log import EntryId, Head, LogKey
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
from .standing import INDEX_MASK, PLACE_BITS, Part, Sight, Standing, place_of


class _Branch(NamedTuple):
    log: LogKey
    base: Part | None
    start: int
    leaves: bytearray
    """the leaf hashes of its own stretch, 32 bytes each"""

    @property
    def first(self) -> int:
        """The index of its own first entry."""
        return self.base.end if self.base else self.start

    @property
    def size(self) -> int:
        return self.first + len(self.leaves) // 32


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
        self._sights: dict[tuple[int, bytes], list[tuple[int, Head]]] = {}
        self._stated: dict[int, Stated] = {}
        self._cuts: dict[bytes, int] = {}
        self._standing: dict[int, Standing] = {}
        self._witnessed: frozenset[int] = frozenset()
        self._roots: dict[tuple[int, int], bytes | None] = {}
        self._sound: dict[Head, bool] = {}

    # Filling ------------------------------------------------------------------------------------

    def open_branch(self, number: int, log: LogKey, base: Part | None = None, start: int = 0) -> None:
        """Open a branch: of a log not held before, or off an older branch from `base.end` on."""
        self.branches[number] = _Branch(log, base, start, bytearray())

    def read(self, number: int, leaf: bytes, payload: bytes | None) -> Record | Uninterpreted | Malformed | None:
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
            self._sights.setdefault((number, head.log), []).append((place & INDEX_MASK, head))
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
        for number, branch in self.branches.items():
            commune = self._commune_of(number)
            if commune is not None and branch.log in commune.logs:
                seal = commune.seals.get(branch.log)
                on_sealed = seal is not None and self.root_at(number, seal.size) == seal.root
                self._standing[number] = Standing(
                    commune.id,
                    commune.logs.index(branch.log),
                    standing.limit_of(self.cut(branch.log), seal, on_sealed),
                    branch.log in commune.contested,
                )
        self._witnessed = frozenset()
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

    def _commune_of(self, number: int) -> Commune | None:
        """The commune whose record opens the branch, found at entry 0 of its lineage."""
        opening = self.lineage(number, 1)[0].branch
        stated = self._stated.get(place_of(opening, 0))
        if stated is None:
            return None
        if isinstance(stated.record, Charter):
            return self.communes.get(CommuneId(stated.id))
        if isinstance(stated.record, Succession):
            return self.communes.get(CommuneId(stated.record.commune))
        return None

    # Holdings, Vouchers -------------------------------------------------------------------------

    def log_of(self, branch: int) -> LogKey:
        return self.branches[branch].log

    def lineage(self, branch: int, end: int) -> Sequence[Part]:
        held = self.branches[branch]
        if held.base is None:
            return (Part(branch, end),)
        below = self.lineage(held.base.branch, min(end, held.base.end))
        return below if end <= held.base.end else (*below, Part(branch, end))

    def cut(self, log: LogKey) -> int | None:
        return self._cuts.get(log)

    def root_at(self, branch: int, size: int) -> bytes | None:
        key = (branch, size)
        if key not in self._roots:
            self._roots[key] = self._root_at(branch, size)
        return self._roots[key]

    def _root_at(self, branch: int, size: int) -> bytes | None:
        held = self.branches[branch]
        if size > held.size or any(self.branches[part.branch].start for part in self.lineage(branch, size)):
            return None
        leaves: list[bytes] = []
        for part in self.lineage(branch, size):
            own = self.branches[part.branch]
            stop = (min(part.end, size) - own.first) * 32
            leaves += [bytes(own.leaves[at : at + 32]) for at in range(0, stop, 32)]
        return merkle.root(leaves)

    def standing(self, branch: int) -> Standing | None:
        return self._standing.get(branch)

    def predecessors(self, branch: int) -> Sequence[Part]:
        state = self._standing.get(branch)
        if state is None:
            return ()
        commune = self.communes[state.commune]
        parts: list[Part] = []
        waiting = list(commune.continues.get(self.branches[branch].log, ()))
        for seal in waiting:
            for number, held in self.branches.items():
                if held.log == seal.log and self.root_at(number, seal.size) == seal.root:
                    parts += self.lineage(number, seal.size)
            waiting += [older for older in commune.continues.get(LogKey(seal.log), ()) if older not in waiting]
        return parts

    def sights(self, parts: Sequence[Part], log: LogKey, above: int) -> Iterable[Sight]:
        for part in parts:
            for index, head in self._sights.get((part.branch, log), ()):
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
        for (branch, seen), heads in self._sights.items():
            if seen == log:
                for index, head in heads:
                    if head.size > above and self._is_sound(head):
                        yield Sight(place_of(branch, index), head.size, head.root)

    # Exchanges ----------------------------------------------------------------------------------

    def move(self, place: int) -> Move | None:
        """An entry as a move, or None if it does not count."""
        record = self.records.get(place)
        if record is None or not standing.counts(self, place):
            return None
        state = self._standing[place >> PLACE_BITS]
        entry = self.entry_ids[place]
        return Move(
            entry,
            state.commune,
            (state.ordinal, place & INDEX_MASK, entry),
            record,
            standing.is_contested(self, place),
            place,
        )

    def _first_move(self, entry: bytes) -> Move | None:
        """One entry as a move: two branches may hold equal leaves, so the one that counts most."""
        moves = [move for place in self.places.get(entry, ()) if (move := self.move(place)) is not None]
        return min(moves, key=lambda move: (move.contested, move.order), default=None)

    def saw(self, move: Move, other: Move) -> bool:
        """`exchange.Saw` over this history."""
        if move.commune == other.commune:
            return other.order < move.order
        return standing.had_seen(self, move.place, other.place)

    def exchanges(self) -> Iterator[Exchange]:
        """Fold every exchange whose proposal counts, by its id in no order that means anything."""
        for place, record in self.records.items():
            if isinstance(record, Propose):
                entry = self.entry_ids[place]
                if self.places[entry][0] == place and (folded := self.exchange(entry)) is not None:
                    yield folded

    def exchange(self, entry: EntryId) -> Exchange | None:
        """Fold the exchange that an entry opens, None if it opens none that counts."""
        proposal = self._first_move(entry)
        if proposal is None or not exchange.is_proposal(proposal):
            return None
        assert isinstance(proposal.record, Propose)
        moves: dict[bytes, Move] = {}
        newer = False
        waiting = [bytes(entry)]
        for name in waiting:
            for place in self.about.get(name, ()):
                if place in self.uninterpreted:
                    newer |= self._is_partys(place, proposal.record)
                    continue
                found = self.entry_ids[place]
                move = self._first_move(found)
                if move is not None and found not in moves:
                    moves[found] = move
                    if move.record.kind in ("dispute", "cancel"):
                        waiting.append(found)
        return exchange.fold(proposal, moves.values(), self.saw, newer=newer)

    def _is_partys(self, place: int, proposal: Propose) -> bool:
        state = self._standing.get(place >> PLACE_BITS)
        return state is not None and state.commune in proposal.parties and standing.counts(self, place)
