"""Links: sessions over WebSockets, and the threads that store and serve what goes over them.

Decides which task and which thread does what. The event loop's thread owns the
sessions and `protocol.gossip`, with a reader of its own; for each link one task
reads its socket and one writes it; one thread verifies and stores what comes
from all of them (`storing`); one reads and compresses what they want. Who is
met, when, and for how long, is the callers'.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
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
from protocol.addresses import Addresses
from protocol.deeds import LinkId
from protocol.gossip import Gossip
from protocol.handshake import Identity, Role
from protocol.limits import MAX_NOISE_BYTES
from protocol.serving import frames_for, hashes_for
from protocol.session import Session

from . import journal
from .admission import Admission
from .blobs import Blobs
from .deeds import Doer, OwnLog
from .door import Guest
from .ends import End, Linked, Parting, Socket, Twins
from .hearsay import Hearsay, Judge
from .holdings import Holdings, Shelf
from .lending import Lender
from .limits import FAREWELL_SECONDS, MAX_SERVED_WANTS, MAX_UNSENT_BYTES, PING_SECONDS, REST_SECONDS
from .photos import Giving, Photos
from .places import client_for
from .storing import Storing

if TYPE_CHECKING:
    from ledger.store.writing import Store

    from .unknown import Unknown

PATH: Final = "/gossip/1"

_UNASKED: Final = frozenset({"User-Agent", "Accept", "Accept-Encoding"})
"""Headers that nobody reads."""

_TOO_LONG: Final = MAX_NOISE_BYTES + 1
"""bytes of a message that aiohttp refuses: the first length that is one too many."""


class Troubles(NamedTuple):
    """Why what neighbours want could not be read, and what came from them could not be stored."""

    serving: StoreError | None
    storing: StoreError | None


class Watch:
    """Who is told of what happens on links; each method may be left as it is here."""

    def stored(self) -> None:
        """Something that came has been stored."""

    def changed(self) -> None:
        """Somebody was met, or a link has ended."""

    def faulted(self, peer: LogKey | None, host: str, fault: Exception) -> None:
        """Somebody did what they may not."""

    def learned(self, told: Sequence[Addresses]) -> None:
        """Addresses of nodes are known that were not, or are newer."""

    def outdone(self, told: Addresses) -> None:
        """Newer addresses of this very log are about than it has said."""

    def is_kept_out(self, peer: LogKey) -> bool:
        """Whether somebody who has just proved who they are is sent away again."""
        return False


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
        self._twins = Twins(identity.log)
        self._serving_trouble: StoreError | None = None
        self._reading_trouble: StoreError | None = None
        self.sent = self.received = 0
        """bytes of messages that went out and came in over all links, as they were on the wire"""

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
            self._reader, self._server = reader, server
            self._doer = Doer(self._store, self._author, lambda: self._judged(storing), self._unknown)
            self._shelf = Shelf(serving)
            self._lender = Lender(serving, self._blobs, self._identity.log)
            own = self._identity.log
            with reader.snapshot():
                self.gossip = Gossip(Holdings(reader, own))
            self._hearsay = Hearsay(
                self.gossip,
                server,
                Judge(serving, self._judged),
                look=self._look_at_all,
                learned=self._watch.learned,
                outdone=self._watch.outdone,
            )
            self._photos = Photos(self._lender, server, self.gossip.blobs, self._look_at_all)
            self._storing = Storing(
                self._store,
                taker,
                self._doer,
                self.gossip,
                reader,
                look=self._look_at_all,
                stored=self._watch.stored,
                failed=lambda: self._end_all("trouble"),
            )
            worker = asyncio.create_task(self._storing.do_all())
            try:
                yield self
            finally:
                self._photos.close()
                self._hearsay.close()
                self._end_all()
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
        self._end_all("trouble")

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
        return Troubles(self._serving_trouble or self._reading_trouble, self._storing.trouble)

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
            self._say_farewell(end, code)

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
        writer = asyncio.create_task(self._write(end))
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
            try:
                self._look(end)
            except StoreError as error:
                self._unread(end, error)
        end.look()
        with suppress(asyncio.CancelledError, ConnectionError, TimeoutError):
            async with asyncio.timeout(FAREWELL_SECONDS):
                await writer

    def _unread(self, end: End, error: StoreError) -> None:
        """End a link, since what is held cannot be read at this time."""
        self._reading_trouble = error
        journal.tell("reading_failed", level="error", link=end.number, error=error)
        end.session.end("trouble", "This node cannot read what it holds.")
        self.gossip.lose(end.number)
        end.look()

    def _welcome(self, end: End) -> None:
        """Somebody has just proved who they are."""
        if (peer := end.peer) is None:
            return
        if self._watch.is_kept_out(peer):
            self._say_farewell(end, "later", "This node does not speak with that log for some time.")
        self._watch.changed()

    async def _write(self, end: End) -> None:
        """Send what a session has to say; when there is nothing, what is wanted; else a piece of a photo."""
        giving = Giving(self._lender, self._server)
        try:
            while True:
                for piece in end.session.outgoing():
                    self.sent += len(piece)
                    await end.socket.send_bytes(piece)
                if end.session.is_over:
                    # Whoever said farewell closes: the reading task waits for the other's close otherwise.
                    await end.socket.close()
                    return
                if await self._answer(end):
                    continue
                pause = await giving.go_on(end.session, self._now())
                if pause != 0.0:
                    await self._wait(end, pause)
        finally:
            giving.close()

    async def _answer(self, end: End) -> bool:
        """Say some of what the other side asks or wants; whether there was anything."""
        loop, session = asyncio.get_running_loop(), end.session
        try:
            if (ask := session.question) is not None:
                session.answer(await loop.run_in_executor(self._server, hashes_for, ask, self._shelf))
            elif wants := session.to_serve(MAX_SERVED_WANTS):
                session.serve(*await loop.run_in_executor(self._server, frames_for, wants, self._shelf))
            else:
                return False
        except StoreError as error:
            self._serving_trouble = error
            journal.tell("serving_failed", level="error", link=end.number, error=error)
            self._say_farewell(end, "trouble", "This node cannot read what it holds.")
        else:
            self._serving_trouble = None
        return True

    async def _wait(self, end: End, pause: float | None) -> None:
        """Wait until there is something to say, the other side has had its time, or a pause is over."""
        timer = end.session.timer
        waits = [] if timer is None else [max(0.0, timer - self._now())]
        waits += [] if pause is None else [pause]
        try:
            async with asyncio.timeout(min(waits, default=None)):
                await end.wake.wait()
        except TimeoutError:
            end.session.tick(self._now())
            try:
                self._look(end)
            except StoreError as error:
                self._unread(end, error)
        end.wake.clear()

    def _look(self, end: End) -> None:
        """Let gossip see what has happened in a session. Raises StoreError."""
        with self._reader.snapshot():
            self.gossip.look(end.number)
        self._reading_trouble = None
        end.rested = end.rested or self.gossip.is_at_rest(end.number)
        self._end_duplicates(end)
        self._storing.add(self.gossip.deeds())
        self._look_at_all()

    def _end_duplicates(self, end: End) -> None:
        """Keep one link with each neighbour."""
        for other in list(self._ends.values()):
            if end.peer is None:
                return
            if other is not end and other.peer == end.peer:
                loser, code = self._twins.loser(end, other, self._now())
                if code == "copy":
                    journal.tell("copy", level="warning", peer=end.peer.hex()[:16], host=loser.host)
                    # If the one that was there is not any more, the system finds out by this.
                    kept = other if loser is end else end
                    asyncio.get_running_loop().create_task(_ping(kept.socket))
                self._say_farewell(loser, code)

    def _say_farewell(self, end: End, code: str, sentence: str = "") -> None:
        """End a session that is not over, and let gossip know."""
        end.session.end(code, sentence)
        end.look()
        asyncio.get_running_loop().call_later(FAREWELL_SECONDS, end.cut)
        try:
            with self._reader.snapshot():
                self.gossip.look(end.number)
        except StoreError as error:
            self._unread(end, error)

    def _end_all(self, code: str = "stopping") -> None:
        for end in list(self._ends.values()):
            self._say_farewell(end, code)

    def _look_at_all(self) -> None:
        for end in list(self._ends.values()):
            if end.session.unsent > MAX_UNSENT_BYTES and not end.session.is_over:
                self._say_farewell(end, "slow", "The other side takes too little at a time.")
        for end in self._ends.values():
            end.look()
        self._photos.collect()
        self._hearsay.collect()
        self._tell_of_ends()

    def _tell_of_ends(self) -> None:
        """Note how sessions ended: what neighbours did wrong, and what they said."""
        faults, self.gossip.faults = self.gossip.faults, []
        farewells, self.gossip.farewells = self.gossip.farewells, []
        for number, peer, fault in faults:
            end = self._ends.get(number)
            host = end.host if end is not None else ""
            journal.tell("fault", link=number, peer=_short(peer), host=host, error=fault)
            if end is not None:
                end.fault = fault
            self._watch.faulted(peer, host, fault)
        for number, peer, said in farewells:
            end = self._ends.get(number)
            if end is not None:
                end.said = said.code
            level = "debug" if said.code == "enough" else "info"  # that is said at every visit
            told = {"link": number, "peer": _short(peer), "code": said.code, "said": said.sentence}
            journal.tell("farewell", level=level, **told)


def _short(peer: LogKey | None) -> str:
    return peer.hex()[:16] if peer else "?"


async def _ping(socket: Socket) -> None:
    with suppress(ConnectionError):
        await socket.ping()
