"""Noticing: what others have done that somebody here should know of, until they have looked at it.

Decides what is worth a notice: what another commune says in an exchange of this
one, the fork of a log, and an own listing that ends soon. What has come is
looked through once, log by log from where it was looked at last; a home whose
`node.sqlite` was lost begins with what comes next. Notices are this node's
alone; nothing of them is signed or told to anybody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from ledger.errors import NotFound
from ledger.log import EntryId, LogKey
from ledger.moves import named_by
from ledger.records import CommuneId, Malformed, Need, Offer, Propose, Record, Uninterpreted
from ledger.store.reading import Reader

from . import clock
from .storage.notices import Notice

if TYPE_CHECKING:
    from .custody import Custody
    from .service import Service

SOON_DAYS: Final = 7
"""days before its end from which a listing is said to end; a weekly assembly can still renew it."""

FORK: Final = "fork"
EXPIRY: Final = "expiry"


class Noticing:
    """The notices of an open home. Used on the event loop's thread."""

    def __init__(self, custody: Custody) -> None:
        self._custody = custody
        self._kept = custody.storage.notices
        self._version: tuple[int, str] | None = None
        self._looking = asyncio.Lock()

    async def unread(self) -> int:
        """How many nobody has looked at. Raises StoreError."""
        await self._look()
        return await asyncio.wrap_future(self._kept.count())

    async def all(self) -> list[Notice]:
        """Those that are kept, the newest first. Raises StoreError."""
        await self._look()
        return await asyncio.wrap_future(self._kept.all())

    async def read(self, subject: bytes | None = None) -> None:
        """Somebody has looked at what a notice is about, or at all of them."""
        await asyncio.wrap_future(self._kept.read(subject))

    async def _look(self) -> None:
        """Look through what has come since the last time."""
        async with self._looking:
            today = clock.today()
            version = (await self._custody.ask(lambda service: service.reader.version), today)
            if version == self._version:
                return
            looked = await asyncio.wrap_future(self._kept.sizes())
            found, sizes = await self._custody.ask(lambda service: look_through(service, looked, today))
            await asyncio.wrap_future(self._kept.keep(found, sizes))
            self._version = version


def look_through(
    service: Service, sizes: Mapping[LogKey, int] | None, today: str
) -> tuple[list[Notice], dict[LogKey, int]]:
    """What is worth a notice beyond `sizes`, the entries of each log that were looked at; and the sizes now.

    Without `sizes` nothing was looked at ever: what is there now is no news.
    """
    reader, own = service.reader, service.own
    with reader.snapshot():
        now = {branch.log: branch.size for branch in reversed(reader.branches())}
        if own is None:
            return [], now
        found = list(_ending(reader, own, today))
        if sizes is not None:
            found += _forks(reader)
            exchanges = set(reader.exchange_ids(own))
            for branch in reader.branches():
                held = sizes.get(branch.log, 0)
                if branch.commune in (None, own) or branch.size <= held or now[branch.log] != branch.size:
                    continue
                for row in reader.entries(branch.number, max(branch.start, held)):
                    exchange = _exchange_of(reader, row.record, row.id, exchanges)
                    if exchange is not None:
                        kind = getattr(row.record, "kind", "")
                        found.append(Notice(row.id, kind, exchange, branch.commune, clock.now()))
        return found, now


def _exchange_of(
    reader: Reader,
    record: Record | Uninterpreted | Malformed | None,
    entry: EntryId,
    exchanges: set[EntryId],
) -> EntryId | None:
    """The exchange of this commune in which a record says something."""
    if record is None or isinstance(record, Uninterpreted | Malformed):
        return None
    if isinstance(record, Propose):
        return entry if entry in exchanges else None
    named = named_by(record)
    if named is None or named in exchanges:
        return None if named is None else EntryId(named)
    if record.kind not in ("settle", "withdraw"):
        return None  # the others name the exchange itself
    try:
        exchange = reader.exchange_of(named)
    except NotFound:
        return None
    return exchange if exchange in exchanges else None


def _forks(reader: Reader) -> Iterator[Notice]:
    for evidence in reader.evidence():
        yield Notice(evidence.log, FORK, evidence.log, reader.commune_of(evidence.log), clock.now())


def ends_soon(listing: Offer | Need, today: str) -> bool:
    """Whether a listing ends within some days, or ended as long ago and may be wanted on."""
    now = date.fromisoformat(today)
    first, last = ((now + timedelta(days=days)).isoformat() for days in (-SOON_DAYS, SOON_DAYS))
    return listing.until is not None and first <= listing.until <= last


def _ending(reader: Reader, own: CommuneId, today: str) -> Iterator[Notice]:
    for row in reader.listings(commune=own, today=today):
        if ends_soon(row.record, today):
            yield Notice(row.id, EXPIRY, row.id, own, clock.now())
