"""The service: an open home, and the one way in which anything is signed in it.

Commands, pages and the API all sign through `Service.record`. Decides in which
order a record is refused, completed and appended. Shows nothing and asks
nothing: words, tables and confirmations are the callers'. What is refused is
`refusals`' to say, which heads a record names `shown`'s; what a person meant is
`moves`', and how a commune begins `founding`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, BinaryIO

import msgspec

from ledger.exchange import Exchange
from ledger.limits import MAX_RUN_BYTES, MAX_RUN_ENTRIES
from ledger.log import EntryId, LogKey, entry_id
from ledger.records import (
    CommuneId,
    Need,
    Offer,
    Record,
    to_payload,
)
from ledger.store.reading import EntryRow, Reader

from .errors import HomeError
from .refusals import refuse_erasure, refuse_record
from .shown import heads_to_show

if TYPE_CHECKING:
    from pathlib import Path

    from ledger.author import Author, Situation
    from ledger.store.writing import Store
    from protocol.bundle import Totals

    from .bundles import Known, Progress
    from .intake import ImportReport
    from .rations import Rations
    from .requests import Request


def _portions(payloads: Sequence[bytes]) -> Iterator[list[bytes]]:
    """Payloads in portions that one head may cover."""
    portion: list[bytes] = []
    for payload in payloads:
        if portion and (
            len(portion) == MAX_RUN_ENTRIES or sum(map(len, portion)) + len(payload) > MAX_RUN_BYTES
        ):
            yield portion
            portion = []
        portion.append(payload)
    if portion:
        yield portion


class Service:
    """An open home, for one thread: `reader` answers, the methods sign."""

    def __init__(
        self,
        reader: Reader,
        log: LogKey,
        store: Store | None,
        author: Author | None,
        now: Callable[[], int],
        rations: Rations | None = None,
    ) -> None:
        """`rations` are those of a running node; else they are looked up when something is imported."""
        self.reader = reader
        self.log = log
        self._store = store
        self._author = author
        self._now = now
        self._rations = rations

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
    def situation(self) -> Situation:
        """Whether the home's log may be signed; of a home opened for writing."""
        return self.author.situation

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

    @property
    def own(self) -> CommuneId | None:
        """The home's commune, None while its log belongs to none."""
        return self.reader.commune_of(self.log)

    def find_exchange(self, text: str) -> Exchange:
        """The exchange that an id, or the beginning of one, means: its own id, or that of any move in it."""
        return self.reader.exchange(self.reader.exchange_of(self.reader.find(text)))

    # Signing ------------------------------------------------------------------------------------

    def check(self, record: Record, about: Exchange | None = None) -> None:
        """Refuse what `record` would, signing nothing.

        Raises SigningStopped, HomeError, RecordError, MoveRefused.
        """
        self.check_signing()
        # A log that waits to be opened after a restore belongs to no commune: that is said before all else.
        refuse_record(self.reader, self.commune, record, about)

    def check_signing(self) -> None:
        """Raise SigningStopped, with what to do, if this home's log may not be signed now."""
        self.author.check()

    def record(self, record: Record, about: Exchange | None = None) -> EntryId:
        """Sign a record, with the heads that it has to have seen of the exchange that it is about.

        Returns its id once nothing can lose it. Raises what `check` raises, and
        StoreError; then nothing was signed.
        """
        self.check(record, about)
        if about is not None:
            record = msgspec.structs.replace(
                record, seen=heads_to_show(self.reader, self.log, self.commune, about)
            )
        payload = to_payload(record)
        run = self.author.append([payload])
        return entry_id(run.log, run.head.size - 1, payload)

    def record_all(self, records: Sequence[Record]) -> Iterator[EntryId]:
        """Sign records that are about no exchange, in this order; each id comes once nothing can lose it.

        As many as one head may cover are stored together, or none of them. Raises as `record` does.
        """
        for record in records:
            self.check(record)
        for payloads in _portions([to_payload(record) for record in records]):
            run = self.author.append(payloads)
            for index, payload in enumerate(payloads, run.head.size - len(payloads)):
                yield entry_id(run.log, index, payload)

    # Erasing ------------------------------------------------------------------------------------

    def check_erasure(self, row: EntryRow, reason: str) -> None:
        """Refuse to erase what has to stay. Raises RecordError, MoveRefused."""
        refuse_erasure(self.reader, self.own, row, reason)

    def erase(self, row: EntryRow, reason: str) -> None:
        """Erase the payload of an entry for ever; its hash and the note of it stay.

        Photos of a listing go with it, unless another listing names them.
        """
        self.check_erasure(row, reason)
        self.store.erase(row.log, row.index, row.id, self._now(), reason)
        if isinstance(row.record, Offer | Need) and row.record.images:
            from .blobs import Blobs
            from .home import Home

            others = self.reader.listings(illustrated=True, ended=True)
            named = {digest for other in others for digest in other.record.images}
            Blobs(Home(self.reader.path.parent).blobs).drop(set(row.record.images) - named)

    # What other modules decide, done where the home is open --------------------------------------

    def change_authority(self, requests: Sequence[Request]) -> EntryId:
        """As `authority.apply_change`."""
        from .authority import apply_change

        return apply_change(self, requests)

    def export_bundle(
        self,
        path: Path,
        progress: Progress,
        *,
        everything: bool,
        known: Known | None = None,
        photos: bool = True,
    ) -> Totals:
        """As `bundles.export_bundle`, of what this commune follows; of everything if that is wanted."""
        from .admission import followed
        from .blobs import Blobs
        from .bundles import export_bundle
        from .home import Home

        communes = None if everything else followed(self.reader, self.commune)
        lend = {"lend": Blobs(Home(self.reader.path.parent).blobs).open} if photos else {}
        return export_bundle(self.reader, path, communes, progress, known, **lend)

    def import_bundle(self, file: BinaryIO, progress: Progress, *, everything: bool) -> ImportReport:
        """As `bundles.import_bundle`, of what this commune and its operator follow, within their quotas.

        If `everything` is wanted, of everything.
        """
        from .admission import reach_of
        from .blobs import Blobs
        from .bundles import import_bundle
        from .home import Home
        from .rations import counting
        from .settings import read_settings

        home = Home(self.reader.path.parent)
        settings = read_settings(home.settings_file)
        reach = reach_of(self.reader, self.commune, settings)
        with counting(self._rations, home, settings) as rations:
            rations.open(self.reader, reach, self.log)
            return import_bundle(
                self.store,
                self.reader,
                file,
                author=self.author,
                admitted=None if everything else reach.followed(),
                progress=progress,
                blobs=Blobs.of(home),
                rations=rations,
            )
