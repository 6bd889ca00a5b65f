"""Links: all sessions of a node, over WebSockets, and what the rest of it asks of them.

Decides which task and which thread does what. The event loop's thread owns the
sessions and `protocol.gossip`, with a reader of its own; for each link one task
reads its socket and one writes it (`speaking`); one thread verifies and stores
what comes from all of them (`storing`); one reads and compresses what they want.
How links end is `farewells`' to say; who is met, when, and for how long, is the
callers'.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from aiohttp import ClientSession, WSMsgType, web

from ledger.errors import NotFound, StoreError
from ledger.log import LogKey
from ledger.records import CommuneId
from ledger.store.reading import Reader
from protocol.deeds import LinkId
from protocol.gossip import Gossip
from protocol.handshake import Identity, Role
from protocol.limits import MAX_NOISE_BYTES
from protocol.session import Session

from . import journal
from .admission import Admission
from .blobs import Blobs
from .deeds import Doer, OwnLog
from .door import Guest
from .ends import End, Linked, Parting, Socket
from .farewells import Farewells
from .hearsay import Hearsay, Judge
from .holdings import Holdings, Shelf
from .lending import Lender
from .limits import FAREWELL_SECONDS, PING_SECONDS, REST_SECONDS
from .photos import Photos
from .places import client_for
from .speaking import Speaking
from .storing import Storing
from .watch import Watch

if TYPE_CHECKING:
    from ledger.store.writing import Store

    from .unknown import Unknown

PATH: Final = "/gossip/1"

_UNASKED: Final = frozenset({"User-Agent", "Accept", "Accept-Encoding"})
"""Headers that nobody reads."""

_TOO_LONG: Final = MAX_NOISE_BYTES + 1
"""bytes of a message that aiohttp refuses: the first length that is one too many."""


_UNREADABLE: Final = "This node cannot read what it holds."


class Troubles(NamedTuple):
    """Why what neighbours want could not be read, and what came from them could not be stored."""

    serving: StoreError | None
    storing: StoreError | None


class Links:
    """All links of a node. Used in the event loop's thread; `open` starts them, leaving that ends them."""

    def __init__(
        self,
        ledger: Path,
        store: Store,
        author: OwnLog | None,
        identity: Identity,
        judged: Callable[[Reader], Admission],
        now: Callable[[], float] = time.monotonic,
        watch: Watch | None = None,
        blobs: Blobs | None = None,
        unknown: Unknown | None = None,
    ) -> None:
        """`judged` makes the admission of what comes; without `blobs` no photo is kept.

        `unknown` keeps the newest heads of logs that are not taken in.
        """
        self._ledger = ledger
        self._store = store
        self._author = author
        self._identity = identity
        self._judged = judged
        self._now = now
        self._watch = watch or Watch()
        self._unknown = unknown
        self._blobs = blobs or Blobs(ledger.parent / "blobs")
        self._static = os.urandom(32)
        self._numbers = count(1)
        self._ends: dict[LinkId, End] = {}
        self._trouble: StoreError | None = None
        """why gossip could not look at what is held the last time; None once it could"""
        self.received = 0
        """bytes of messages that came in over all links, as they were on the wire"""

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Links]:
        """Read what is held, and do what gossip wants to have done until the end. Raises StoreError."""
        with (
            Reader(self._ledger) as reader,
            Reader(self._ledger) as storing,
            Reader(self._ledger) as serving,
            ThreadPoolExecutor(1, "trueque-take") as taker,
            ThreadPoolExecutor(1, "trueque-serve") as server,
        ):
            self._reader = reader
            self._doer = Doer(self._store, self._author, lambda: self._judged(storing), self._unknown)
            own = self._identity.log
            lender = Lender(serving, self._blobs, own)
            with reader.snapshot():
                self.gossip = Gossip(Holdings(reader, own))
            self._farewells = Farewells(
                own, self._ends, self.gossip, reader, self._watch, self._now, self._unread
            )
            self._speaking = Speaking(
                server,
                Shelf(serving),
                lender,
                self._now,
                look=self._look_if_readable,
                failed=lambda end: self._farewells.say(end, "trouble", _UNREADABLE),
            )
            self._hearsay = Hearsay(
                self.gossip,
                server,
                Judge(serving, self._judged),
                look=self._look_at_all,
                learned=self._watch.learned,
                outdone=self._watch.outdone,
            )
            self._photos = Photos(lender, server, self.gossip.blobs, self._look_at_all)
            self._storing = Storing(
                self._store,
                taker,
                self._doer,
                self.gossip,
                reader,
                look=self._look_at_all,
                stored=self._watch.stored,
                failed=lambda: self._farewells.say_to_all("trouble"),
            )
            worker = asyncio.create_task(self._storing.do_all())
            try:
                yield self
            finally:
                self._photos.close()
                self._hearsay.close()
                self._farewells.say_to_all("stopping")
                async with asyncio.timeout(1):
                    with suppress(TimeoutError):
                        while self._ends:
                            await asyncio.sleep(0.01)
                worker.cancel()
                with suppress(asyncio.CancelledError):
                    await worker

    # Meeting ------------------------------------------------------------------------------------

    async def accept(self, request: web.Request) -> web.WebSocketResponse:
        """Take a link that another node opens: the handler of `PATH`."""
        socket = web.WebSocketResponse(compress=False, max_msg_size=_TOO_LONG, heartbeat=PING_SECONDS)
        await socket.prepare(request)
        await self._run(socket, Role.RESPONDER, (request.remote or "").removeprefix("::ffff:"))
        return socket

    async def meet(self, client: ClientSession, host: str, port: int) -> Parting:
        """Open a link to another node, and stay until it ends. Raises aiohttp.ClientError, OSError."""
        address = f"[{host}]" if ":" in host else host
        async with client.ws_connect(
            f"ws://{address}:{port}{PATH}", max_msg_size=_TOO_LONG, heartbeat=PING_SECONDS
        ) as socket:
            return (await self._run(socket, Role.INITIATOR, f"{address}:{port}")).parting()

    @staticmethod
    def client(network: str | None = None) -> ClientSession:
        """What links are opened with; with a `network`, to places that others have told (`places`)."""
        return client_for(_UNASKED, network)

    def wrote(self, log: LogKey) -> None:
        """Tell neighbours of entries that were signed here."""
        self.took_in([log])

    def forgive(self) -> None:
        """Ask again for logs that were not taken in: whom this commune recognises has changed."""
        self.gossip.forgive()
        self._storing.forgive()
        self._look_at_all()

    def commune_of(self, log: LogKey) -> CommuneId | None:
        """The commune that a log belongs to, or says it does."""
        stranger = self._doer.strangers.get(log)
        return self._reader.commune_of(log) or (stranger.commune if stranger else None)

    def name_of(self, log: LogKey) -> str | None:
        """What that commune calls itself."""
        commune = self._reader.commune_of(log)
        if commune is not None:
            with suppress(NotFound):
                return self._reader.commune(commune).name
        stranger = self._doer.strangers.get(log)
        return stranger.name if stranger else None

    def took_in(self, logs: Iterable[LogKey]) -> None:
        """Tell neighbours of entries that came in a bundle."""
        with self._reader.snapshot():
            self.gossip.refresh(logs)
        self._look_at_all()

    def ask_about_own(self) -> int:
        """Ask all neighbours how far they hold this node's log; how many are asked."""
        asked = self.gossip.ask_about_own()
        self._look_at_all()
        return asked

    def begin_anew(self) -> None:
        """End all links after the ledger was put back to an earlier state: the next ones compare anew."""
        with self._reader.snapshot():
            self.gossip.begin_anew()
        self._farewells.say_to_all("trouble")

    def look(self) -> None:
        """Have sent what sessions have to say."""
        self._look_at_all()

    async def fetch(self, digest: bytes, listing: bytes) -> bool:
        """Have a photo that a listing names fetched from neighbours; whether it is held then."""
        return await self._photos.fetch(digest, listing)

    @property
    def linked(self) -> list[Linked]:
        """Who is linked now, the first first."""
        return [
            Linked(peer, end.session.role, end.address, end.since, end.number)
            for end in self._ends.values()
            if (peer := end.peer) is not None
        ]

    @property
    def troubles(self) -> Troubles:
        """What of the ledger could not be read or written the last time it was needed."""
        return Troubles(self._speaking.trouble or self._trouble, self._storing.trouble)

    @property
    def sent(self) -> int:
        """Bytes of messages that went out over all links, as they were on the wire."""
        return self._speaking.sent

    @property
    def guests(self) -> list[Guest]:
        """All links that there are, those that have not met yet included."""
        return [
            Guest(end.host, end.session.role is Role.RESPONDER, end.session.met is not None)
            for end in self._ends.values()
        ]

    def rests(self, link: Linked) -> bool:
        """Whether neither side of a link wants anything of the other, for some time by now."""
        end = self._ends.get(link.number)
        if end is None or end.session.unsent or self._now() - end.heard < REST_SECONDS:
            return False
        if end.session.open_blobs or end.session.blob_to_lend() is not None:
            return False
        return self.gossip.is_at_rest(link.number)

    def behind(self, link: Linked) -> int:
        """How many entries the other side is known to hold that are not held here."""
        with self._reader.snapshot():
            return self.gossip.behind(link.number)

    def cut(self, link: Linked) -> None:
        """End a link that leads nowhere any more."""
        if link.number in self._ends:
            self._ends[link.number].cut()

    def leave(self, link: Linked, code: str) -> None:
        """End a link in good order."""
        end = self._ends.get(link.number)
        if end is not None and end.peer is not None:
            end.left = True
            self._farewells.say(end, code)

    # One link -----------------------------------------------------------------------------------

    async def _run(self, socket: Socket, role: Role, address: str) -> End:
        number = LinkId(next(self._numbers))
        now = self._now()
        session = Session(
            role,
            self._identity,
            self.gossip.snapshot,
            now,
            static=self._static,
            ephemeral=os.urandom(32),
        )
        end = End(number, session, socket, asyncio.Event(), address, now, now)
        self._ends[number] = end
        self.gossip.add(number, session)
        writer = asyncio.create_task(self._speaking.write(end))
        writer.add_done_callback(lambda _: end.cut())  # nobody would hear anything over it any more
        try:
            end.give_up_early()
            end.look()
            async for message in socket:
                if message.type is not WSMsgType.BINARY:
                    break
                end.heard = self._now()
                self.received += len(message.data)
                is_met = session.met is not None
                session.receive(message.data, end.heard)
                self._look(end)
                if not is_met and session.met is not None:
                    self._welcome(end)
                if session.is_over:
                    break
                await self._storing.room.wait()
                await asyncio.sleep(0)  # whoever says much in one go keeps nobody else waiting for all of it
        except StoreError as error:
            self._unread(end, error)
        finally:
            try:
                await self._part(end, writer)
            finally:
                self.gossip.lose(number)
                del self._ends[number]
                self._watch.changed()
                await socket.close()
        return end

    async def _part(self, end: End, writer: asyncio.Task[None]) -> None:
        """Have the last words said, as long as somebody takes them."""
        if not end.session.is_over:
            end.session.lost()
            self._look_if_readable(end)
        end.look()
        with suppress(asyncio.CancelledError, ConnectionError, TimeoutError):
            async with asyncio.timeout(FAREWELL_SECONDS):
                await writer

    def _unread(self, end: End, error: StoreError) -> None:
        """End a link, since what is held cannot be read at this time."""
        self._trouble = error
        journal.tell("reading_failed", level="error", link=end.number, error=error)
        end.session.end("trouble", _UNREADABLE)
        self.gossip.lose(end.number)
        end.look()

    def _welcome(self, end: End) -> None:
        """Somebody has just proved who they are."""
        if (peer := end.peer) is None:
            return
        if self._watch.is_kept_out(peer):
            self._farewells.say(end, "later", "This node does not speak with that log for some time.")
        self._watch.changed()

    def _look(self, end: End) -> None:
        """Let gossip see what has happened in a session. Raises StoreError."""
        with self._reader.snapshot():
            self.gossip.look(end.number)
        self._trouble = None
        end.rested = end.rested or self.gossip.is_at_rest(end.number)
        self._farewells.end_twins(end)
        self._storing.add(self.gossip.deeds())
        self._look_at_all()

    def _look_if_readable(self, end: End) -> None:
        try:
            self._look(end)
        except StoreError as error:
            self._unread(end, error)

    def _look_at_all(self) -> None:
        self._farewells.end_slow()
        for end in self._ends.values():
            end.look()
        self._photos.collect()
        self._hearsay.collect()
        self._farewells.note()
