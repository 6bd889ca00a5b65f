"""The service: what a person can do with a home, one method an act.

Commands, pages and the API all call these; none of them signs or reads by
itself. Decides which `seen` heads go into a record, which moves are refused
before they are signed, and what a move is about where a person leaves it open.
Shows nothing and asks nothing: words, tables and confirmations are the callers'.
How a commune begins is `founding`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import msgspec

from ledger.errors import MoveRefused
from ledger.exchange import Exchange
from ledger.limits import MAX_SEEN
from ledger.log import EntryId, Head, LogKey, entry_id
from ledger.records import (
    Cancel,
    CommuneId,
    Dispute,
    Need,
    Offer,
    Propose,
    Record,
    Transfer,
    Withdraw,
    to_payload,
)
from ledger.store.reading import EntryRow, Reader

from . import clock
from .errors import HomeError
from .home import Home

if TYPE_CHECKING:
    from ledger.author import Author
    from ledger.store.writing import Store


class Service:
    """An open home, for one thread: `reader` answers, the methods sign."""

    def __init__(
        self, reader: Reader, log: LogKey, store: Store | None, author: Author | None, now: Callable[[], int]
    ) -> None:
        self.reader = reader
        self.log = log
        self._store = store
        self._author = author
        self._now = now

    # What is held -------------------------------------------------------------------------------

    @property
    def store(self) -> Store:
        """The store, of a home opened for writing."""
        assert self._store is not None, "the home was opened for reading"
        return self._store

    @property
    def author(self) -> Author:
        """The author of the home's log, of a home opened for writing."""
        assert self._author is not None, "the home was opened for reading"
        return self._author

    @property
    def commune(self) -> CommuneId:
        """The commune that the home's log belongs to. Raises HomeError while it belongs to none."""
        commune = self.reader.commune_of(self.log)
        if commune is None:
            raise HomeError(
                "This home's log does not belong to a commune yet: finish `trueque restore` with the "
                "signatures that it asked for."
            )
        return commune

    @property
    def last_recorded(self) -> int | None:
        """The time that the newest readable entry of the home's log claims, in milliseconds."""
        for branch in self.reader.branches(self.log):
            for row in self.reader.entries(branch.number, max(branch.start, branch.size - 1)):
                at = getattr(row.record, "at", None)
                return at if isinstance(at, int) else None
        return None

    @property
    def network(self) -> str:
        """The network that the home belongs to."""
        return self.reader.network

    # Acts ---------------------------------------------------------------------------------------

    def record(self, record: Record, about: Exchange | None = None) -> EntryId:
        """Sign a record as it is, with the heads that it has to have seen; returns its id.

        Raises SigningStopped, RecordError, MoveRefused or StoreError; then
        nothing was signed.
        """
        self.author.check()
        if about is not None:
            from ledger import steps

            steps.check_move(about, self.commune, record)
            record = msgspec.structs.replace(record, seen=self._heads_to_show(about))
        payload = to_payload(record)
        run = self.author.append([payload])
        return entry_id(run.log, run.head.size - 1, payload)

    def _heads_to_show(self, exchange: Exchange) -> tuple[Head, ...]:
        """The newest heads of the other parties' logs that say something about an exchange, if not shown yet.

        A record names what it builds on by having seen it, and makes this
        commune a witness of the other's log; heads already in this log are
        not repeated, since `seen` accumulates.
        """
        needed: dict[bytes, int] = {}
        for row in (self.reader.entry(exchange.id), *self._moves_of(exchange.id)):
            if self.reader.commune_of(row.log) not in (self.commune, None):
                needed[row.log] = max(needed.get(row.log, 0), row.index + 1)
        heads: list[Head] = []
        for log, size in sorted(needed.items()):
            if not self.reader.has_seen(self.log, log, size):
                head = self.reader.newest_head(log)
                if head is not None:
                    heads.append(head)
        return tuple(heads[:MAX_SEEN])

    def _moves_of(self, entry: EntryId) -> Iterator[EntryRow]:
        for row in self.reader.records_about(entry):
            yield row
            if isinstance(row.record, Dispute | Cancel):
                yield from self.reader.records_about(row.id)

    def post(self, listing: Offer | Need) -> EntryId:
        """Post an offer or a need. One that replaces another must replace one of our own that stands."""
        if listing.replaces is not None:
            self._own_listing(listing.replaces)
        return self.record(listing)

    def _own_listing(self, entry: bytes) -> None:
        row = self.reader.listing(entry)
        if row.commune != self.commune:
            raise MoveRefused("That listing belongs to another commune: only its own commune can change it.")
        if row.ended == "withdrawn":
            raise MoveRefused("That listing has been withdrawn already: post a new one.")
        if row.ended is not None:
            raise MoveRefused("That listing has been replaced already: name the one that replaced it.")

    def withdraw(self, target: EntryId, reason: str | None = None, *, by: str | None = None) -> EntryId:
        """Take back one of our own listings, proposals or cancels."""
        record = Withdraw(at=self._now(), by=by, reason=reason, target=target)
        named = self.reader.entry(target).record
        if isinstance(named, Offer | Need):
            self._own_listing(target)
            return self.record(record)
        if isinstance(named, Propose | Cancel):
            return self.record(record, self.reader.exchange(self.reader.exchange_of(target)))
        raise MoveRefused(
            "Only a listing, a proposal or a cancel can be withdrawn; explain others with `trueque correct`."
        )

    def propose(
        self,
        parties: Sequence[CommuneId],
        transfers: Sequence[Transfer],
        *,
        note: str | None = None,
        answer_by: int | None = None,
        replaces: EntryId | None = None,
    ) -> EntryId:
        """Propose an exchange; `transfers` name parties by their place in `parties`, as given here.

        With `replaces` it is a counter-offer, or takes the place of a proposal of our own.
        """
        order = sorted(set(parties))
        place = {old: order.index(party) for old, party in enumerate(parties)}
        record = Propose(
            at=self._now(),
            answer_by=answer_by,
            note=note,
            parties=tuple(order),
            replaces=replaces,
            transfers=tuple(
                msgspec.structs.replace(leg, giver=place[leg.giver], receiver=place[leg.receiver])
                for leg in transfers
            ),
        )
        if self.commune not in order:
            raise MoveRefused("This commune is not among the parties of the exchange that it proposes.")
        for party in order:
            self.reader.commune(party)
        return self.record(record, None if replaces is None else self.reader.exchange(replaces))

    def move(self, exchange: Exchange, record: Record) -> EntryId:
        """Make a move in an exchange: accept, decline, deliver, receive, dispute, settle or cancel."""
        return self.record(record, exchange)


@contextmanager
def open_home(home: Home, *, writing: bool, now: Callable[[], int] = clock.now) -> Iterator[Service]:
    """Open a home. For writing it is locked, so that one process at a time signs.

    Raises HomeError if there is no commune in it or another process holds it,
    StoreError if the database cannot be used.
    """
    key = home.read_key()
    if not writing:
        with Reader(home.ledger) as reader:
            yield Service(reader, LogKey(key.public_key), None, None, now)
        return
    from ledger.author import Author
    from ledger.store.writing import Store

    with home.locked():
        with Reader(home.ledger) as reader:
            network = reader.network
        with Store(home.ledger, network) as store, Reader(home.ledger) as reader:
            author = Author(store, key, home.anchors(LogKey(key.public_key)))
            yield Service(reader, LogKey(key.public_key), store, author, now)
