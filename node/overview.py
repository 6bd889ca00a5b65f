"""What is shown of a ledger: listings with what is left of them, and how the home's own commune stands.

Decides which pieces of the reader and the views make up one thing on a screen,
for commands and pages alike. How it is put into words is `wording`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ledger import view
from ledger.log import EntryId
from ledger.records import CommuneId, Need, Offer
from ledger.store.reading import ListingRow, Reader


@dataclass(frozen=True, slots=True)
class Listed:
    """A listing as lists show it.

    `state` is `open`, `withdrawn` or `replaced`; `expired` is by the reader's
    calendar. `left` is in millionths of the listing's unit, None if it has no
    quantity; `overcommitted`: exchanges agreed promise more than it has.
    """

    id: EntryId
    commune: CommuneId
    record: Offer | Need
    state: str
    expired: bool
    left: int | None
    overcommitted: bool


def listed(row: ListingRow, reader: Reader, today: str) -> Listed:
    """A listing with what exchanges have left of it; `today` is a date like 2030-01-31."""
    drawing = reader.drawing_on(row.id)
    return Listed(
        row.id,
        row.commune,
        row.record,
        row.ended or view.ListingState.OPEN.value,
        view.is_expired(row.record, today),
        view.left(row, drawing),
        view.over_commitment(row, drawing) is not None,
    )


class Names:
    """The names of communes, looked up once."""

    def __init__(self, reader: Reader) -> None:
        self._names: Mapping[CommuneId, str] = {row.id: row.name for row in reader.communes()}

    def __getitem__(self, commune: bytes) -> str:
        """The name of a commune; of one that is not known here, the beginning of its id."""
        return self._names.get(CommuneId(commune)) or commune.hex()[:12]
