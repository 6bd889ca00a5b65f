"""Names: whose log is whose, and what a commune is called.

Decides the name by which people know the writer of a log: that in the newest
profile of its commune that counts, else in its charter, else the first digits
of the log's key.
"""

from __future__ import annotations

from . import standing
from .findings import SHORT_ID_BYTES
from .held import INDEX_MASK, PLACE_BITS
from .history import History
from .log import LogKey
from .records import CommuneId, Profile


class Names:
    """The names in a history on which has been decided."""

    def __init__(self, history: History) -> None:
        self._names = {commune.id: commune.founding.name for commune in history.communes.values()}
        self._communes: dict[bytes, CommuneId] = {}
        for number, branch in history.branches.items():
            state = history.standing(number)
            if state is not None:
                self._communes.setdefault(branch.log, state.commune)
        newest: dict[bytes, tuple[int, int, bytes]] = {}
        for place, record in history.records.items():
            if isinstance(record, Profile) and standing.counts(history, place):
                state = history.standing(place >> PLACE_BITS)
                assert state is not None
                order = (state.ordinal, place & INDEX_MASK, history.entry_id(place))
                if order > newest.get(state.commune, (-1, 0, b"")):
                    newest[state.commune] = order
                    self._names[state.commune] = record.name

    def commune_of(self, log: LogKey) -> CommuneId | None:
        """The commune that a log belongs to."""
        return self._communes.get(log)

    def of_commune(self, commune: bytes) -> str:
        """What a commune is called."""
        return self._names.get(CommuneId(commune)) or commune[:SHORT_ID_BYTES].hex()

    def of_log(self, log: bytes) -> str:
        """Whose a log is, by name; the beginning of its key if that is not known."""
        commune = self._communes.get(log)
        return log[:SHORT_ID_BYTES].hex() if commune is None else self.of_commune(commune)
