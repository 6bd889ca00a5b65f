"""Communes from the tables: forms them, and writes what each branch of a log is to the exchange.

Decides nothing: who a commune is follows by `commune`'s rules, up to where a
log counts by `standing`'s. Says which branches came to stand otherwise, so
that `projection` can look at their entries anew.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

import msgspec

from .. import standing
from ..authority import Stated, satisfied
from ..commune import Commune, form_commune
from ..held import INDEX_MASK, PLACE_BITS, place_of
from ..log import EntryId
from ..records import AuthorityChange, Charter, CommuneId, Seal, Succession, parse, signed_body
from .branches import make_room
from .holding import Holding

_encode = msgspec.msgpack.Encoder().encode

_Row = tuple[int, int | None, int, bytes]
"""Ordinal, limit, contested and predecessors, as the table `standing` has them."""


@dataclass(slots=True)
class Changed:
    """The branches whose standing changed, their communes, and whether the limit of any did."""

    branches: set[int] = field(default_factory=set)
    communes: set[CommuneId] = field(default_factory=set)
    limits: bool = False


class Forming:
    """Forms communes over one connection."""

    def __init__(self, holding: Holding) -> None:
        self.holding = holding
        self.connection = holding.connection
        self._continued: dict[bytes, set[CommuneId]] | None = None
        self._formed: dict[CommuneId, Commune] = {}

    def forget(self) -> None:
        """Drop everything remembered: the tables may have changed."""
        self._continued = None
        self._formed.clear()

    def note(self, place: int, commune: CommuneId) -> bool:
        """Take note of a record about a commune just stored; whether the commune has to be formed anew."""
        formed = self._formed.get(commune)
        if formed is not None and self._changes_nothing(formed, place):
            return False
        self._formed.pop(commune, None)
        return True

    def _changes_nothing(self, formed: Commune, place: int) -> bool:
        """Whether a record about a commune is refused whatever else is held of it now.

        It may count once what it builds on has come, and that changes the commune.
        """
        (payload,) = self.connection.execute("SELECT payload FROM entry WHERE place = ?", (place,)).fetchone()
        record = parse(payload)
        if not isinstance(record, AuthorityChange | Succession):
            return False
        if record.log != self.holding.log_of(place >> PLACE_BITS):
            return True
        if isinstance(record, Succession):
            if place & INDEX_MASK:
                return True
            links = [formed.chain.link_of(record.authority)]
        else:
            links = [formed.chain.link_of(entry) for entry in record.previous]
        message = signed_body(payload, self.holding.network)
        return not all(link and satisfied(link.authority, record.signatures, message) for link in links)

    def commune(self, commune: CommuneId) -> Commune | None:
        """Form a commune from what is held of it, None if its charter is not."""
        if not self.holding.places_of(commune):
            return None
        charter: Stated | None = None
        changes: list[Stated] = []
        successions: list[Stated] = []
        rows = self.connection.execute(
            "SELECT place, leaf, payload FROM stated JOIN entry USING (place) WHERE commune = ?",
            (commune,),
        )
        for place, leaf, payload in rows.fetchall():
            record = parse(payload)
            if not isinstance(record, Charter | AuthorityChange | Succession):
                raise sqlite3.DatabaseError("malformed record of a commune")
            log = self.holding.log_of(place >> PLACE_BITS)
            stated = Stated(EntryId(leaf), log, place & INDEX_MASK, payload, record)
            if isinstance(record, Charter):
                charter = stated
            elif isinstance(record, AuthorityChange):
                changes.append(stated)
            else:
                successions.append(stated)
        if charter is None:
            return None
        return form_commune(charter, changes, successions, self.holding.network)

    def concerned(self, branch: int) -> set[CommuneId]:
        """The communes to which it can matter that a branch has grown.

        Those that its entry 0 names, if it is the first that is heard of it,
        and those of logs that continue its log: it may have reached the seal.
        """
        log = self.holding.log_of(branch)
        communes = set(self._continuing().get(log, ()))
        return communes if self.holding.standing(branch) is not None else communes | self._opened(branch)

    def _continuing(self) -> dict[bytes, set[CommuneId]]:
        """The communes that have a succession of each log; few logs have any."""
        if self._continued is None:
            self._continued = {}
            rows = self.connection.execute(
                "SELECT commune, payload FROM stated JOIN entry USING (place) WHERE kind = 'succession'"
            )
            for commune, payload in rows.fetchall():
                record = parse(payload)
                if not isinstance(record, Succession):
                    raise sqlite3.DatabaseError("malformed succession")
                self._note_continued(CommuneId(commune), record.previous)
        return self._continued

    def _note_continued(self, commune: CommuneId, seals: Iterable[Seal]) -> None:
        for seal in seals:
            self._continuing().setdefault(seal.log, set()).add(commune)

    def _opened(self, branch: int) -> set[CommuneId]:
        """The commune that a branch's entry 0 says it opens a log of."""
        place = place_of(self.holding.lineage(branch, 1)[-1].branch, 0)
        row = self.connection.execute(
            "SELECT commune FROM stated WHERE place = ? AND kind != 'authority'", (place,)
        ).fetchone()
        return set() if row is None else {CommuneId(row[0])}

    def form(self, communes: Iterable[CommuneId]) -> Changed:
        """Write the standing of the branches of communes, formed anew where `note` asked for that."""
        changed = Changed()
        for identity in sorted(communes):
            formed = self._formed.get(identity) or self.commune(identity)
            if formed is not None:
                make_room(self._formed)
                # What is refused may be much, and nothing here depends on it.
                self._formed[identity] = replace(formed, chain=replace(formed.chain, refused=()), refused=())
                self._write(formed, changed)
        return changed

    def _write(self, formed: Commune, changed: Changed) -> None:
        rows = self.connection.execute(
            "SELECT branch, ordinal, bound, contested, predecessors FROM standing WHERE commune = ?",
            (formed.id,),
        )
        before: dict[int, _Row] = {row[0]: row[1:] for row in rows}
        for seals in formed.openings.values():
            self._note_continued(formed.id, seals)
        after = dict(self._standings(formed))
        different = {number for number in before.keys() | after if before.get(number) != after.get(number)}
        self.holding.write(
            "DELETE FROM standing WHERE branch = ?", [(number,) for number in before.keys() & different]
        )
        self.holding.write(
            "INSERT INTO standing VALUES (?, ?, ?, ?, ?, ?)",
            [(number, formed.id, *after[number]) for number in sorted(after.keys() & different)],
        )
        if different:
            changed.branches |= different
            changed.communes.add(formed.id)
        for number in different:
            self.holding.forget_branch(number)
            limits = {row[1] for row in (before.get(number), after.get(number)) if row is not None}
            changed.limits = changed.limits or limits != {None}

    def _standings(self, formed: Commune) -> Iterator[tuple[int, _Row]]:
        """The standing of each held branch of a commune's logs."""
        for log in formed.logs:
            for held in self.holding.branches_of(log):
                opening = self.holding.opening(held.number)
                state = standing.standing_on(self.holding, formed, held.number, opening)
                if state is None or opening is None:
                    continue
                parts = standing.predecessors_on(self.holding, formed, opening, self.holding.opening)
                yield held.number, (state.ordinal, state.limit, int(state.contested), _encode(parts))
