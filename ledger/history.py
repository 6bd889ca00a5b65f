"""A history in memory: the rules applied to a set of entries, with no database.

Decides nothing of its own: it files entries as they are read, forms the
communes, finds what counts and folds the exchanges, by the rules of the other
modules; `leaves` has the branches under it, `sights` the heads that were seen.
The audit reads everything into one, so that it trusts no view; tests hold the
store's views against it. Whoever fills it must have checked trees and heads;
`verify_seen` is asked for heads inside records.

It holds every record, and so that a large ledger still fits, no text that no
rule reads if it is told to leave those out: about 500 bytes an entry then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, cast

from msgspec.structs import force_setattr

from . import standing
from .authority import Stated, commune_of
from .commune import Commune, form_commune
from .dealings import Dealings, Found
from .exchange import Exchange
from .leaves import Leaves
from .log import EntryId, Head, LogKey
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
from .sights import Shown, Sights
from .standing import INDEX_MASK, PLACE_BITS, Part, Sight, Standing, place_of

TEXTS: Final = frozenset({"about", "by", "contact", "council", "note", "place", "reason", "until", "wants"})
"""Fields that no rule reads, all of them optional."""

_TEXTS_OF: Final[Mapping[type[object], tuple[str, ...]]] = {
    kind: tuple(field for field in kind.__struct_fields__ if field in TEXTS) for kind in KINDS.values()
}
_CODED: Final = (Deliver, Receive, Offer, Need)
_OPENING: Final = frozenset({AuthorityChange, Charter, Propose, Succession})


class History(Leaves):
    """Entries of any number of logs, read in order within each branch, in any order otherwise."""

    def __init__(
        self,
        network: str,
        verify_seen: Callable[[Head], bool] | None = None,
        *,
        keep_texts: bool = True,
    ) -> None:
        super().__init__()
        self.network = network
        self.records: dict[int, Record] = {}
        self.places: dict[bytes, list[int]] = {}
        self.about: dict[bytes, list[int]] = {}
        self.uninterpreted: dict[int, Uninterpreted] = {}
        self.stated: dict[int, Stated] = {}
        self.communes: dict[CommuneId, Commune] = {}
        self._keep_texts = keep_texts
        self._codes: dict[str, str] = {}
        self._standing: dict[int, Standing] = {}
        self._predecessors: dict[int, Sequence[Part]] = {}
        self._witnessed: frozenset[int] = frozenset()
        self._sights = Sights(verify_seen or (lambda head: head.is_signed(network)))
        self._dealings = Dealings(
            self,
            lambda entry: self._read_at(self.places.get(entry, ())),
            lambda entry: self._read_at(self.about.get(entry, ())),
        )

    # Filling ------------------------------------------------------------------------------------

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
        branch.grow(leaves)
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
            if seen:
                self._sights.add(number, place & INDEX_MASK, seen)
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
        return self._sights.within(parts, log, above)

    def all_sights(self, log: LogKey, above: int) -> Iterable[Sight]:
        return self._sights.anywhere(log, above)

    def shown(self) -> Iterator[Shown]:
        """Every head in the `seen` of any entry, whether or not it is signed, those of one log together."""
        return self._sights.shown()

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

    # Entries ------------------------------------------------------------------------------------

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
