"""Exchanges from the tables: gathers the moves about a proposal and folds them.

Decides nothing: what counts is `standing`'s, what follows is `exchange`'s. The
writer folds what new entries touch; readers fold what they show, so that no
second copy of an exchange has to be kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .. import exchange, ordinary, standing
from ..exchange import Exchange, Move
from ..log import EntryId
from ..records import Cancel, CommuneId, Dispute, Malformed, Propose, Record, Uninterpreted
from ..standing import INDEX_MASK, PLACE_BITS
from .holding import MAX_ASKED, Found, Holding, Read


class Folding:
    """Folds over one holding; `read` are entries known already, by place."""

    def __init__(self, holding: Holding, read: Mapping[int, Read] | None = None) -> None:
        self.holding = holding
        self.read: Mapping[int, Read] = {} if read is None else read
        self._about: dict[bytes, list[Found]] = {}
        self._held: dict[bytes, list[Found]] = {}

    def prepare(self, entries: Sequence[bytes]) -> None:
        """Fetch at once what folding up to `MAX_ASKED` exchanges needs; forgets what was fetched before."""
        assert len(entries) <= MAX_ASKED
        self._about = self.holding.about_all(entries, self.read)
        self._held = self.holding.held_as(entries, self.read)

    def about(self, entry: bytes) -> list[Found]:
        """Every record that names an entry."""
        found = self._about.get(entry)
        return self.holding.about_all([entry], self.read)[entry] if found is None else found

    def held(self, entry: bytes) -> list[Found]:
        """Where an entry is held, and what it says."""
        found = self._held.get(entry)
        return self.holding.held_as([entry], self.read)[entry] if found is None else found

    def record(self, place: int) -> tuple[bytes, Record | Uninterpreted | Malformed | None]:
        """Id and content of the entry at a place."""
        return self.read.get(place) or self.holding.record_at(place)

    def move(self, place: int, entry: bytes, record: Record) -> Move | None:
        """An entry as a move, or None if it does not count."""
        held = self.holding.standing(place >> PLACE_BITS)
        if held is None:
            return None
        index = place & INDEX_MASK
        firm = held.limit is None or index < held.limit
        if not firm and not self.holding.is_witnessed(place):
            return None
        return Move(
            EntryId(entry),
            held.commune,
            (held.ordinal, index, entry),
            record,
            not firm or held.contested,
            place,
        )

    def saw(self, move: Move, other: Move) -> bool:
        """`exchange.Saw` over the holding."""
        if move.commune == other.commune:
            return other.order < move.order
        return standing.had_seen(self.holding, move.place, other.place)

    def proposal(self, entry: EntryId) -> Move | None:
        """The proposal with this id as a move, if it is one that counts."""
        moves = [
            move
            for place, _, record in self.held(entry)
            if isinstance(record, Propose) and (move := self.move(place, entry, record)) is not None
        ]
        best = min(moves, key=lambda move: (move.contested, move.order), default=None)
        return best if best is not None and exchange.is_proposal(best) else None

    def exchange(self, entry: EntryId) -> Exchange | None:
        """The state of the exchange with this id, None if no proposal that counts has it."""
        opening = self.proposal(entry)
        return None if opening is None else self.fold(opening)

    def fold(self, opening: Move) -> Exchange:
        """Fold everything held about a proposal."""
        assert isinstance(opening.record, Propose)
        moves: dict[bytes, Move] = {}
        newer = False
        waiting = [bytes(opening.id)]
        for name in waiting:
            for place, entry, record in self.about(name):
                if isinstance(record, Uninterpreted):
                    newer = newer or self._is_partys(place, opening.record)
                    continue
                move = self.move(place, entry, record)
                if move is None:
                    continue
                held = moves.get(entry)
                if held is None and isinstance(record, Dispute | Cancel):
                    waiting.append(entry)
                if held is None or (move.contested, move.order) < (held.contested, held.order):
                    moves[entry] = move
        return ordinary.fold(opening, moves.values(), self.saw, newer=newer)

    def _is_partys(self, place: int, proposal: Propose) -> bool:
        held = self.holding.standing(place >> PLACE_BITS)
        return held is not None and held.commune in proposal.parties and standing.counts(self.holding, place)

    def commune_at(self, place: int) -> CommuneId | None:
        """The commune whose record stands at a place, None if it does not count."""
        held = self.holding.standing(place >> PLACE_BITS)
        return held.commune if held is not None and standing.counts(self.holding, place) else None
