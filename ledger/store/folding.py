"""Exchanges from the tables: fetches what is said about a proposal.

Decides nothing: what becomes a move is `dealings`', what follows from the moves
is `exchange`'s. The writer folds what new entries touch; readers fold what they
show, so that no second copy of an exchange has to be kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..dealings import Dealings, commune_at
from ..exchange import Exchange, Move
from ..log import EntryId
from ..records import CommuneId, Malformed, Record, Uninterpreted
from .holding import MAX_ASKED, Found, Holding, Read


class Folding:
    """Folds over one holding; `read` are entries known already, by place."""

    def __init__(self, holding: Holding, read: Mapping[int, Read] | None = None) -> None:
        self.holding = holding
        self.read: Mapping[int, Read] = {} if read is None else read
        self._about: dict[bytes, list[Found]] = {}
        self._held: dict[bytes, list[Found]] = {}
        self._dealings = Dealings(holding, self.held, self.about)

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

    def proposal(self, entry: EntryId) -> Move | None:
        """The proposal with this id as a move, if it is one that counts."""
        return self._dealings.proposal(entry)

    def exchange(self, entry: EntryId) -> Exchange | None:
        """The state of the exchange with this id, None if no proposal that counts has it."""
        return self._dealings.exchange(entry)

    def fold(self, opening: Move) -> Exchange:
        """Fold everything held about a proposal."""
        return self._dealings.fold(opening)

    def commune_at(self, place: int) -> CommuneId | None:
        """The commune whose record stands at a place, None if it does not count."""
        return commune_at(self.holding, place)
