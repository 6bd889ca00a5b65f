"""The service: an open home, and the one way in which anything is signed in it.

Commands, pages and the API all sign through `Service.record`. Decides which
`seen` heads go into a record, and what is refused before it is signed. Shows
nothing and asks nothing: words, tables and confirmations are the callers'. What
a person meant is `moves`', and how a commune begins `founding`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, BinaryIO

import msgspec

from ledger.encoding import check_text
from ledger.errors import EncodingError, MoveRefused, RecordError
from ledger.exchange import Exchange
from ledger.limits import MAX_RUN_BYTES, MAX_RUN_ENTRIES, MAX_SEEN, MAX_TEXT_CHARACTERS
from ledger.log import EntryId, Head, LogKey, entry_id
from ledger.records import (
    AuthorityChange,
    Cancel,
    Charter,
    CommuneId,
    Correct,
    Dispute,
    Need,
    Offer,
    Propose,
    Recognise,
    Record,
    Succession,
    Unrecognise,
    Withdraw,
    to_payload,
)
from ledger.store.reading import EntryRow, Reader

from .errors import HomeError

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

    def moves_of(self, entry: EntryId) -> Iterator[EntryRow]:
        """Every held record about an exchange, its proposal not included, in no order that means anything."""
        for row in self.reader.records_about(entry):
            yield row
            if isinstance(row.record, Dispute | Cancel):
                yield from self.reader.records_about(row.id)

    # Signing ------------------------------------------------------------------------------------

    def check(self, record: Record, about: Exchange | None = None) -> None:
        """Refuse what `record` would, signing nothing.

        Raises SigningStopped, HomeError, RecordError, MoveRefused.
        """
        self.check_signing()
        _ = self.commune  # a log that waits to be opened after a restore belongs to none
        to_payload(record)
        if about is not None:
            from ledger import steps

            steps.check_move(about, self.commune, record)
        match record:
            case Propose():
                self._check_proposal(record)
            case Offer() | Need() if record.replaces is not None:
                self._check_own_listing(record.replaces)
            case Withdraw():
                self._check_withdrawal(record, about)
            case Recognise() | Unrecognise():
                self._check_recognition(record)
            case Correct() if self.reader.commune_of(self.reader.entry(record.target).log) != self.commune:
                raise MoveRefused("That record is another commune's: only its own commune can explain it.")

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
            record = msgspec.structs.replace(record, seen=self._heads_to_show(about))
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

    def _heads_to_show(self, exchange: Exchange) -> tuple[Head, ...]:
        """The newest heads of the other parties' logs that say something about an exchange, if not shown yet.

        A record names what it builds on by having seen it, and makes this
        commune a witness of the other's log; heads already in this log are not
        repeated, since `seen` accumulates. Of a forked log every branch that
        says something is shown: seeing one says nothing about the other.

        A record has room for a few heads, and without those that it needs the
        rules refuse it. So what strangers say is not among them, however many
        do, and the proposal and the answers that count come before all else.
        """
        parties = set(exchange.proposal.parties) - {self.commune}
        weight = {exchange.id: 0, **{answer.id: 1 for answer in exchange.answers}}
        needed: dict[tuple[LogKey, int], tuple[int, int]] = {}
        for row in (self.reader.entry(exchange.id), *self.moves_of(exchange.id)):
            if self.reader.commune_of(row.log) in parties:
                where = (row.log, row.branch)
                rank, size = needed.get(where, (2, 0))
                needed[where] = min(rank, weight.get(row.id, 2)), max(size, row.index + 1)
        heads = []
        for (log, branch), (_, size) in sorted(needed.items(), key=lambda item: (item[1][0], item[0])):
            is_forked = len(self.reader.branches(log)) > 1
            if is_forked or not self.reader.has_seen(self.log, log, size):
                heads.append(self.reader.head(branch))
        return tuple(heads[:MAX_SEEN])

    # What is refused before it is signed --------------------------------------------------------

    def _check_own_listing(self, entry: bytes) -> None:
        row = self.reader.listing(entry)
        if row.commune != self.commune:
            raise MoveRefused("That listing belongs to another commune: only its own commune can change it.")
        if row.ended == "withdrawn":
            raise MoveRefused("That listing has been withdrawn already: post a new one.")
        if row.ended is not None:
            raise MoveRefused("That listing has been replaced already: name the one that replaced it.")

    def _check_withdrawal(self, record: Withdraw, about: Exchange | None) -> None:
        if about is not None:
            return
        row = self.reader.entry(record.target)
        if row.payload is None:
            raise MoveRefused(
                "The content of that entry was erased here, so what it was is not known any more: it stays."
            )
        if not isinstance(row.record, Offer | Need):
            raise MoveRefused(
                "Only a listing, proposal or cancel can be withdrawn: explain others with `trueque correct`."
            )
        self._check_own_listing(record.target)

    def _check_proposal(self, record: Propose) -> None:
        if self.commune not in record.parties:
            raise MoveRefused(
                "This commune is not among the parties of the exchange that it proposes: add it."
            )
        for party in record.parties:
            self.reader.commune(party)

    def _check_recognition(self, record: Recognise | Unrecognise) -> None:
        if record.commune == self.commune:
            raise MoveRefused("That is this commune itself: name another one.")
        is_recognised = record.commune in self.reader.recognised(self.commune)
        if isinstance(record, Recognise) and is_recognised:
            raise MoveRefused("This commune recognises that one already: there is nothing to do.")
        if isinstance(record, Unrecognise) and not is_recognised:
            raise MoveRefused("This commune does not recognise that one: there is nothing to take back.")

    # Erasing ------------------------------------------------------------------------------------

    def check_erasure(self, row: EntryRow, reason: str) -> None:
        """Refuse to erase what is gone already, or what this home's own commune stands on.

        The reason is held to what a record's is: it is shown by every audit from now on.
        """
        try:
            check_text(reason)
        except EncodingError as error:
            raise RecordError("A text cannot be recorded: {reason}", reason=error) from error
        if len(reason) > MAX_TEXT_CHARACTERS:
            raise RecordError(
                "The field '{field}' is too long: shorten it to {limit}.",
                field="reason",
                limit=MAX_TEXT_CHARACTERS,
            )
        if row.payload is None:
            raise MoveRefused(
                "The content of that entry has been erased here already: there is nothing to do."
            )
        if isinstance(row.record, Charter | Succession | AuthorityChange) and (
            self.reader.commune_of(row.log) == self.own
        ):
            raise MoveRefused(
                "That entry says who speaks for this commune: without it nothing here counts, so it stays."
            )

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
