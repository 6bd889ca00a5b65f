"""Selection: which offers and needs are meant by what somebody chose.

Decides what there is to choose by and how each choice is read, for the board, its
print, the API and the command alike. What is found by it is the ledger's to say.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from ledger.store.reading import ListingRow, Reader

from . import typed
from .overview import Fetch
from .petnames import find_commune


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What was chosen, as it was typed; what is None or empty was left open.

    `place`: words of where a listing or its commune is. `since` and `until` are
    days like 2030-01-31: posted on that day or later, and standing on it still.
    `everything`: those withdrawn, replaced and expired too.
    """

    kind: str | None = None
    category: str | None = None
    commune: str | None = None
    search: str | None = None
    place: str | None = None
    since: str | None = None
    until: str | None = None
    everything: bool = False

    def listings(self, reader: Reader, today: str) -> Fetch[ListingRow]:
        """The listings that are chosen, the newest first. Raises InputError, NotFound."""
        last = typed.day_of(self.until) if self.until else None
        if not self.everything:
            last = max(last or today, today)
        return partial(
            reader.listings,
            kind=self.kind or None,
            category=typed.category_of(self.category) if self.category else None,
            commune=find_commune(reader, self.commune) if self.commune else None,
            search=self.search or None,
            place=self.place or None,
            since=typed.start_of_day(self.since) if self.since else None,
            today=last,
            ended=self.everything,
        )
