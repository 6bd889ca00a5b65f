"""The resident: the node that lives in a home, from before there is a commune until it is told to stop.

Decides when the home is opened and what is answered meanwhile, what comes
before a signature, and when the parts hear of what was written. How the parts
are called is `ensemble`'s; listeners and signals are `app`'s, the open home
`custody`'s.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, BinaryIO, TypeVar

from ledger.author import Situation
from ledger.errors import LedgerError, NotFound
from ledger.store.totals import totals

from . import clock, journal
from .addressbook import Addressbook
from .addresses import Address
from .aside import Aside
from .auditing import Auditing
from .blobs import Blobs, picture_type
from .copies import Copies
from .custody import Custody, is_founded
from .ensemble import Ensemble
from .entrance import Entrance
from .errors import HomeError, HomeInUse, ImportStopped
from .figures import Figures
from .home import Home
from .lan import Lan
from .limits import MEGABYTE, PICK_UP_SECONDS, TROUBLE_SECONDS
from .noticing import Noticing
from .parts import Part, Place
from .service import Service
from .settings import Settings
from .shapes.nodes import GivenAddress, given_of
from .state import Process, State, clock_of, commune_of, disk_of, held_of, nearby_of, told_error, told_parts

if TYPE_CHECKING:
    from .bundles import Progress
    from .intake import ImportReport

Result = TypeVar("Result")


class Resident:
    """A running node apart from its sockets. Belongs to the event loop's thread."""

    def __init__(self, home: Home, settings: Settings, parts: Sequence[Part]) -> None:
        self.home = home
        self.settings = settings
        self.parts = Ensemble(parts)
        self.blobs = Blobs(home.blobs, settings.photo_megabytes * MEGABYTE)
        self.figures = Figures()
        self.token = secrets.token_hex(32)
        self.since = clock.now()
        self.people_port = 0
        self.peer_port: int | None = None
        self.custody: Custody | None = None
        self.trouble: LedgerError | None = None
        self.addressbook = Addressbook(home, settings)
        self.lan = Lan(Entrance(home), settings.lan)
        self.aside = Aside()
        self.copies = Copies()
        self.auditing = Auditing()
        self._noticing: Noticing | None = None
        self._opening = self._in_use = False
        self._addressing = asyncio.Lock()

    # Opening ------------------------------------------------------------------------------------

    async def try_to_open(self) -> bool:
        """Open the home if there is a commune in it that nobody else holds. Raises HomeError, StoreError."""
        self._opening, in_use = True, False
        try:
            if await asyncio.to_thread(is_founded, self.home):
                self.custody = await Custody.open(self.home, self.figures.wrote, self.settings)
                self.trouble = None
                journal.tell("opened", log=self.custody.log.hex(), situation=self.custody.situation)
            else:
                self._lament(await asyncio.to_thread(_loss_of, self.home))
        except HomeInUse:
            in_use = True  # a command is at work in it, as `init` is; it will not be long
        finally:
            self._opening, self._in_use = False, in_use
        return self.custody is not None

    async def wait_for_home(self) -> Custody:
        """Look again and again until the home could be opened."""
        while self.custody is None:
            await asyncio.sleep(PICK_UP_SECONDS if self.trouble is None else TROUBLE_SECONDS)
            try:
                await self.try_to_open()
            except LedgerError as error:
                self._lament(error)
        return self.custody

    def _lament(self, error: LedgerError | None) -> None:
        """Remember what keeps the home from being opened, and tell the journal once."""
        if error is not None and str(error) != str(self.trouble):
            journal.tell("trouble", level="error", sentence=error)
        self.trouble = error

    async def keep_writing(self) -> None:
        """Open the ledger anew whenever a write has failed, for ever: the disk may have room again."""
        told = ""
        while True:
            await asyncio.sleep(TROUBLE_SECONDS)
            if self.custody is None or not self.custody.has_failed:
                continue
            try:
                situation = await self.custody.recover()
            except LedgerError as error:
                if str(error) != told:
                    journal.tell("trouble", level="error", sentence=error)
                told = str(error)
            else:
                told = ""
                journal.tell("reopened", level="warning", situation=situation)
                self.parts.written()

    async def start_parts(self, peer_port: int) -> None:
        """Start all parts with the open home."""
        listed = await self.opened.ask(_own_photos)
        await asyncio.to_thread(self.blobs.release, listed)
        await self.parts.start(Place(self.opened, self.settings, peer_port, self.addressbook.all))

    async def close(self) -> None:
        """Let go of the home."""
        if self.custody is not None:
            await self.custody.close()

    # Answers ------------------------------------------------------------------------------------

    @property
    def phase(self) -> str:
        """How far it is: `open`, `starting`, `in-use`, `trouble`, or `empty`: there is nothing to open."""
        if self.custody is not None:
            return "open"
        if self.trouble is not None:
            return "trouble"
        if self._in_use:
            return "in-use"
        return "starting" if self._opening else "empty"

    @property
    def opened(self) -> Custody:
        """The open home. Raises HomeError while there is none, and what kept it from being opened."""
        if self.custody is not None:
            return self.custody
        if self._in_use:
            raise HomeInUse(
                "Another program is using {path}: wait until it has finished, or close it.",
                path=self.home.path,
            )
        raise self.trouble or HomeError(
            "There is no commune in {path}: create one with `trueque init`, or bring one back with "
            "`trueque restore`.",
            path=self.home.path,
        )

    @property
    def noticing(self) -> Noticing:
        """The notices of the open home. Raises HomeError as `opened` does."""
        if self._noticing is None:
            self._noticing = Noticing(self.opened)
        return self._noticing

    async def ask_aside(self, question: Callable[[Service], Result]) -> Result:
        """As `Aside.ask`, of the open home. Raises HomeError as `opened` does."""
        return await self.aside.ask(self.opened, question)

    async def state(self) -> State:
        """How it is. What cannot be told is told as trouble."""
        process = Process(os.getpid(), self.people_port, self.peer_port, self.since)
        home, disk, custody = str(self.home.path), disk_of(self.home), self.custody
        lan = await asyncio.to_thread(nearby_of, self.lan, self.people_port)
        if custody is None:
            trouble = None if self.trouble is None else told_error(self.trouble)
            return State(
                home=home,
                state=self.phase,
                process=process,
                trouble=trouble,
                disk=disk,
                clock=clock_of(None),
                lan=lan,
            )
        states = self.parts.states()

        def look(service: Service) -> State:
            trouble: LedgerError | None = None
            held = commune = last = None
            try:
                custody.store.check_in_place()
                held, commune = held_of(totals(service.reader)), commune_of(service)
                last = service.last_recorded
            except LedgerError as error:
                trouble = error
            return State(
                home=home,
                state="open",
                process=process,
                commune=commune,
                situation=custody.situation,
                trouble=None if trouble is None else told_error(trouble),
                held=held,
                disk=disk,
                clock=clock_of(last),
                lan=lan,
                parts=told_parts(states),
            )

        return await custody.ask(look)

    # Writing ------------------------------------------------------------------------------------

    async def write(self, work: Callable[[Service], Result]) -> Result:
        """Do something that writes, then tell the parts. Raises what `work` raises, and as `opened`."""
        custody = self.opened
        try:
            return await custody.do(work)
        finally:
            self.parts.written()

    async def take_in(self, file: BinaryIO, progress: Progress, *, everything: bool) -> ImportReport:
        """Take in a bundle, and tell the journal. Raises ImportStopped, HomeError, StoreError."""
        try:
            report = await self.write(
                lambda service: service.import_bundle(file, progress, everything=everything)
            )
        except ImportStopped as error:
            _tell_imported(error.report, whole=False)
            raise
        _tell_imported(report, whole=True)
        return report

    async def sign(self, work: Callable[[Service], Result]) -> Result:
        """As `write`, for what signs: neighbours are asked before the first time, the anchors before each."""
        _ = self.opened
        await self.parts.before_first_signature()
        found: list[Situation] = []

        def reviewed(service: Service) -> Result:
            found.extend((service.situation, service.author.review()))
            return work(service)

        try:
            return await self.write(reviewed)
        finally:
            if found == [Situation.READY, Situation.BEHIND]:
                # It was put back while this node was running: what neighbours hold is compared with anew.
                journal.tell("rolled_back", level="warning")
                self.parts.rolled_back()

    # Neighbours by address ----------------------------------------------------------------------

    async def add_address(self, text: str) -> None:
        """Call a node from now on. Raises InputError, HomeError."""
        await self._change_addresses(lambda: self.addressbook.add(text, self.peer_port))

    async def remove_address(self, text: str) -> None:
        """Call it no longer. Raises InputError, NotFound, HomeError."""
        await self._change_addresses(lambda: self.addressbook.remove(text))

    async def _change_addresses(self, change: Callable[[], Address]) -> None:
        async with self._addressing:
            await asyncio.to_thread(change)
            self.parts.named(self.addressbook.all)

    async def addresses(self) -> list[GivenAddress]:
        """Those that were given, and how it stands with each."""
        state = await self.state()
        return given_of(self.addressbook, state.facts_of("gossip"))

    # Photos -------------------------------------------------------------------------------------

    async def photo(self, digest: bytes, listing: bytes | None = None) -> tuple[str, bytes] | None:
        """A photo and its media type, None if it is not to be had.

        Where it is not held, neighbours are asked as long as somebody may wait, if a
        listing that is held and names it is given; it goes on coming after that.
        """
        data = await asyncio.to_thread(self.blobs.read, digest)
        if data is None and listing is not None and await self.opened.ask(_names(listing, digest)):
            await self.parts.fetch(digest, listing)
            data = await asyncio.to_thread(self.blobs.read, digest)
        media = None if data is None else picture_type(data[:12])
        return None if data is None or media is None else (media, data)

    async def keep_photo(self, data: bytes) -> bytes:
        """Keep a photo for a listing of this commune; its SHA-256. Raises BlobRefused, StoreError."""
        _ = self.opened
        digest = sha256(data).digest()
        await asyncio.to_thread(self.blobs.keep, digest, data, own=True)
        return digest


def _loss_of(home: Home) -> LedgerError | None:
    """What is said of a home in which there is nothing to open any more, None of one that is new."""
    try:
        home.check_unsigned()
    except HomeError as error:
        return error
    return None


def _tell_imported(report: ImportReport, *, whole: bool) -> None:
    journal.tell(
        "imported",
        whole=whole,
        new=report.new,
        known=report.known,
        refused=report.refused,
        left_out=report.left_out,
        evidence=report.evidence_new,
    )


def _own_photos(service: Service) -> frozenset[bytes]:
    """The photos of this commune's listings that stand."""
    if service.own is None:
        return frozenset()
    rows = service.reader.listings(commune=service.own, illustrated=True)
    return frozenset(digest for row in rows for digest in row.record.images)


def _names(listing: bytes, digest: bytes) -> Callable[[Service], bool]:
    """Whether a listing that is held names a photo."""

    def ask(service: Service) -> bool:
        try:
            return digest in service.reader.listing(listing).record.images
        except NotFound:
            return False

    return ask
