"""Chosen: which listings, exchanges and records an export gives, read one after the other.

Decides whose they are and from when, and that each is given once, whatever
branches of a forked log it stands in. One pass over the entries finds them all;
no list of them is ever held. How they are written is the others'.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from ledger.errors import NotFound
from ledger.exchange import Exchange
from ledger.log import LogKey
from ledger.records import CommuneId, Need, Offer, Propose
from ledger.store.reading import BranchInfo, EntryRow, ListingRow

from .. import overview
from ..overview import Said
from ..service import Service

Progress = Callable[[int, int], None]
"""Called with how many entries are done, and of how many."""

EVERY: int = 256
"""entries between two calls of it."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What is given: of these communes, or of all that is held if None; `since` in milliseconds."""

    communes: frozenset[CommuneId] | None = None
    since: int | None = None

    def of(self, commune: CommuneId | None) -> bool:
        """Whether what is this commune's is given."""
        return self.communes is None or commune in self.communes

    def lasts(self, at: object) -> bool:
        """Whether something of that time is given; what says no time is."""
        return self.since is None or not isinstance(at, int) or at >= self.since


class Dealing(NamedTuple):
    """An exchange with all that was said in it, the proposal first."""

    exchange: Exchange
    said: list[Said]


class Walk:
    """Passes over the entries of a home, within a snapshot of its reader."""

    def __init__(
        self,
        service: Service,
        choice: Choice,
        progress: Progress = lambda done, total: None,
        passes: int = 1,
    ) -> None:
        """`passes` are as many as will be made: what is still to be done is told by them."""
        self.service = service
        self.choice = choice
        self._progress = progress
        self._branches = service.reader.branches()
        self._total = passes * sum(branch.size - _first(branch) for branch in self._branches)
        self._done = 0

    def records(self) -> Iterator[tuple[EntryRow, CommuneId | None]]:
        """Every chosen entry, log by log in the order of signing, with the commune whose log it stands in."""
        for row, commune in self._entries():
            if self.choice.of(commune) and self.choice.lasts(getattr(row.record, "at", None)):
                yield row, commune

    def listings(self) -> Iterator[ListingRow]:
        """Every chosen offer and need that counts."""
        return (item for item in self._items(Offer | Need) if isinstance(item, ListingRow))

    def dealings(self) -> Iterator[Dealing]:
        """Every exchange with a chosen party, in which something was said since."""
        return (item for item in self._items(Propose) if isinstance(item, Dealing))

    def everything(self) -> Iterator[ListingRow | Dealing]:
        """Both in one pass."""
        return self._items(Offer | Need | Propose)

    def listing(self, entry: bytes | None) -> ListingRow | None:
        """The listing that an exchange draws on, if it is one that is given."""
        if entry is None:
            return None
        with contextlib.suppress(NotFound):
            row = self.service.reader.listing(entry)
            return row if self._is_given(row) else None
        return None

    def _is_given(self, row: ListingRow) -> bool:
        return self.choice.of(row.commune) and self.choice.lasts(row.record.at)

    def _items(self, kinds: object) -> Iterator[ListingRow | Dealing]:
        reader = self.service.reader
        for row, _commune in self._entries():
            record = row.record
            if not isinstance(record, kinds):  # type: ignore[arg-type]  # a union of kinds of record
                continue
            with contextlib.suppress(NotFound):  # it does not count
                if isinstance(record, Propose):
                    if self.choice.communes is None or self.choice.communes.intersection(record.parties):
                        exchange = reader.exchange(row.id)
                        said = overview.said_in(exchange, self.service)
                        if any(self.choice.lasts(getattr(each.row.record, "at", None)) for each in said):
                            yield Dealing(exchange, said)
                elif self._is_given(listing := reader.listing(row.id)):
                    yield listing

    def _entries(self) -> Iterator[tuple[EntryRow, CommuneId | None]]:
        """Every entry held, each once, by communes and their logs."""
        reader = self.service.reader
        logs: dict[LogKey, list[BranchInfo]] = {}
        for branch in self._branches:
            logs.setdefault(branch.log, []).append(branch)
        self._progress(self._done, self._total)
        # By commune and key: homes that hold the same give the same, in whatever order it reached them.
        owned = sorted((reader.commune_of(log) or CommuneId(b""), log) for log in logs)
        for owner, log in owned:
            commune, branches = owner or None, logs[log]
            given: set[bytes] = set()  # of a forked log alone: two branches may hold the very same entry
            for branch in branches:
                for row in reader.entries(branch.number, _first(branch)):
                    self._done += 1
                    if self._done % EVERY == 0:
                        self._progress(self._done, self._total)
                    if len(branches) > 1:
                        if row.id in given:
                            continue
                        given.add(row.id)
                    yield row, commune
        self._progress(self._done, self._total)


def _first(branch: BranchInfo) -> int:
    """Where what a branch does not share with an older one begins."""
    return max(branch.start, branch.first)
