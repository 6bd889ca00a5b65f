"""Matching: which listings of others meet this commune's own, and what to say of why.

Decides by category alone, an offer against needs and a need against offers: it
is what people choose from a list, where titles are worded by each in their own
way. What is proposed in the end people decide; nothing is agreed by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from ledger.records import CommuneId, Offer
from ledger.store.reading import ListingRow, Reader

from .overview import Listed, listed
from .typed import OTHER

MAX_OWN: Final = 50
"""own listings that are looked at, the newest; a commune has fewer that stand."""

MAX_EACH: Final = 3
"""listings of others for each own one; all are on the board."""


@dataclass(frozen=True, slots=True)
class Match:
    """A listing of another commune, and the own one that it meets."""

    theirs: Listed
    own: ListingRow

    @property
    def gives(self) -> bool:
        """Whether they offer what is needed here, rather than need what is offered."""
        return isinstance(self.theirs.record, Offer)


def matches(reader: Reader, own: CommuneId, today: str) -> Iterator[Match]:
    """Listings of others that meet own ones, each once, by the newest own one; within one snapshot."""
    shown = set()
    for mine in reader.listings(commune=own, today=today, limit=MAX_OWN):
        if mine.record.category == OTHER:
            continue
        kind = "need" if isinstance(mine.record, Offer) else "offer"
        rows = reader.listings(kind=kind, category=mine.record.category, today=today, limit=4 * MAX_EACH)
        for row in [row for row in rows if row.commune != own and row.id not in shown][:MAX_EACH]:
            shown.add(row.id)
            yield Match(listed(row, reader, today), mine)
