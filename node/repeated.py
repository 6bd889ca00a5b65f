"""Repeated: whether the same was recorded a moment ago, by whatever way.

Decides what counts as the same (a record but for its time, and for the heads
that it has seen) and how far back is looked. What is done about it is the
callers': pages show it, the API refuses what a lost answer may have been about.
"""

from __future__ import annotations

from typing import Final

import msgspec

from ledger.records import Record
from ledger.store.reading import EntryRow

from .service import Service

RECENT: Final = 16
"""newest own entries among which the same record is looked for; nobody signs more in a careless minute."""


def same_as(record: Record, service: Service) -> EntryRow | None:
    """The newest own entry that says the same, None if none of the newest does."""
    plain = _timeless(record)
    found: EntryRow | None = None
    for branch in service.reader.branches(service.log):
        for row in service.reader.entries(branch.number, max(branch.start, branch.size - RECENT)):
            said = row.record
            if type(said) is type(record) and _timeless(said) == plain:
                found = row
    return found


def _timeless(record: Record) -> Record:
    return msgspec.structs.replace(record, at=0, seen=())
