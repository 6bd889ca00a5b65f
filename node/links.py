"""Links: sessions over WebSockets, and the threads that store and serve what goes over them.

Decides which task and which thread does what. The event loop's thread owns the
sessions and `protocol.gossip`, with a reader of its own; for each link one task
reads its socket and one writes it; one thread verifies and stores what comes
from all of them, many runs at once; one reads and compresses what they want.
Who is met, when, and for how long, is the callers'.
"""

from __future__ import annotations

import asyncio
import os
import socket as sockets
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aiohttp import ClientSession, ClientTimeout, ClientWebSocketResponse, WSMsgType, web

from ledger.errors import EvidenceError, NotFound, StoreError
from ledger.log import LogKey
from ledger.records import CommuneId
from ledger.store.reading import Reader
from protocol.gossip import Deed, Gossip, LinkId, Outcome, Prove, SeeOwn, Take
from protocol.handshake import Identity, Role
from protocol.limits import MAX_NOISE_BYTES
from protocol.serving import frames_for
from protocol.session import Session

from . import journal
from .admission import Admission
from .deeds import Doer, OwnLog
from .holdings import Holdings, Shelf
from .limits import (
    CONNECT_SECONDS,
    MAX_PENDING_ENTRIES,
    MAX_SERVED_WANTS,
    MAX_UNSENT_BYTES,
    PING_SECONDS,
    TWICE_SECONDS,
    UNHEARD_SECONDS,
)

if TYPE_CHECKING:
    from ledger.store.writing import Store

PATH: Final = "/gossip/1"

_UNASKED: Final = frozenset({"User-Agent", "Accept", "Accept-Encoding"})
"""Headers that nobody reads."""

_TOO_LONG: Final = MAX_NOISE_BYTES + 1
"""bytes of a message that aiohttp refuses: the first length that is one too many."""

Socket = web.WebSocketResponse | ClientWebSocketResponse


@dataclass(frozen=True, slots=True)
class Linked:
    """A link that stands: with which log, who opened it, over which address, since when (of `now`)."""

    peer: LogKey
    role: Role
    address: str
    since: float


@dataclass(slots=True)
class _End:
    """This end of a link."""

    number: LinkId
    session: Session
    socket: Socket
    wake: asyncio.Event
    address: str
    since: float

    def look(self) -> None:
        """Let the writing task see whether there is something to send."""
        self.wake.set()

    def give_up_early(self) -> None:
        """Have the system end the connection soon where what is sent is not heard of."""
        connection = self.socket.get_extra_info("socket")
        if connection is not None and sys.platform == "linux":
            milliseconds = int(UNHEARD_SECONDS * 1_000)
            connection.setsockopt(sockets.IPPROTO_TCP, sockets.TCP_USER_TIMEOUT, milliseconds)

    def cut(self) -> None:
        """End the connection without a word: it leads nowhere, so nobody would hear it."""
        connection = self.socket.get_extra_info("socket")
        if connection is not None:
            with suppress(OSError):
                connection.shutdown(sockets.SHUT_RDWR)


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
        stored: Callable[[], None] = lambda: None,
    ) -> None:
        """`judged` makes the admission of what comes; `stored` is called when something has been stored."""
        self._ledger = ledger
        self._store = store
        self._author = author
        self._identity = identity
        self._judged = judged
        self._now = now
        self._stored = stored
        self._static = os.urandom(32)
        self._numbers = count(1)
        self._ends: dict[LinkId, _End] = {}
        self._deeds: list[Deed] = []
        self._pending = 0
        self._work = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._is_judging = self._forgives_later = False

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
            self._reader, self._taker, self._server = reader, taker, server
            self._doer = Doer(self._store, self._author, lambda: self._judged(storing))
            self._shelf = Shelf(serving)
            own = self._identity.log
            with reader.snapshot():
                self.gossip = Gossip(Holdings(reader, own))
            worker = asyncio.create_task(self._do_all())
            try:
                yield self
            finally:
                for end in list(self._ends.values()):
                    end.session.end("stopping")
                    end.look()
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
        await self._run(socket, Role.RESPONDER, request.remote or "")
        return socket

    async def meet(self, client: ClientSession, host: str, port: int) -> LogKey | None:
        """Open a link to another node, and stay until it ends. Raises aiohttp.ClientError, OSError.

        Returns who it was, None if nobody proved to be anybody.
        """
        address = f"[{host}]" if ":" in host else host
        async with client.ws_connect(
            f"ws://{address}:{port}{PATH}", max_msg_size=_TOO_LONG, heartbeat=PING_SECONDS
        ) as socket:
            return await self._run(socket, Role.INITIATOR, f"{address}:{port}")

    @staticmethod
    def client() -> ClientSession:
        """What links are opened with."""
        timeout = ClientTimeout(total=None, sock_connect=CONNECT_SECONDS)
        return ClientSession(skip_auto_headers=_UNASKED, timeout=timeout)

    def wrote(self, log: LogKey) -> None:
        """Tell neighbours of entries that were signed here."""
        self.took_in([log])

    def forgive(self) -> None:
        """Ask again for logs that were not taken in: whom this commune recognises has changed."""
        self.gossip.forgive()
        self._forgives_later = self._is_judging  # what is judged at this moment does not know of it yet
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

    @property
    def linked(self) -> list[Linked]:
        """Who is linked now, the first first."""
        return [
            Linked(end.session.met.peer, end.session.role, end.address, end.since)
            for end in self._ends.values()
            if end.session.met is not None and not end.session.is_over
        ]

    @property
    def count(self) -> int:
        """How many links there are, those that have not met yet included."""
        return len(self._ends)

    # One link -----------------------------------------------------------------------------------

    async def _run(self, socket: Socket, role: Role, address: str) -> LogKey | None:
        number = LinkId(next(self._numbers))
        session = Session(
            role,
            self._identity,
            self.gossip.snapshot,
            self._now(),
            static=self._static,
            ephemeral=os.urandom(32),
        )
        end = _End(number, session, socket, asyncio.Event(), address, self._now())
        self._ends[number] = end
        self.gossip.add(number, session)
        end.give_up_early()
        end.look()
        writer = asyncio.create_task(self._write(end))
        try:
            async for message in socket:
                if message.type is not WSMsgType.BINARY:
                    break
                session.receive(message.data, self._now())
                self._look(end)
                if session.is_over:
                    break
                await self._room.wait()
        finally:
            if not session.is_over:
                session.lost()
                self._look(end)
            end.look()
            with suppress(asyncio.CancelledError, ConnectionError):
                await writer
            del self._ends[number]
            await socket.close()
        return None if session.met is None else session.met.peer

    def cut(self, link: Linked) -> None:
        """End a link that leads nowhere any more."""
        for end in self._ends.values():
            if end.session.met is not None and (end.session.met.peer, end.since) == (link.peer, link.since):
                end.cut()

    async def _write(self, end: _End) -> None:
        """Send what a session has to say, and what the other side wants when there is nothing else."""
        loop = asyncio.get_running_loop()
        while True:
            for piece in end.session.outgoing():
                await end.socket.send_bytes(piece)
            if end.session.is_over:
                # Whoever said farewell closes: the reading task waits for the other side's close otherwise.
                await end.socket.close()
                return
            wants = end.session.to_serve(MAX_SERVED_WANTS)
            if wants:
                frames = await loop.run_in_executor(self._server, frames_for, wants, self._shelf)
                end.session.serve(frames)
                continue
            await self._wait(end)

    async def _wait(self, end: _End) -> None:
        """Wait until there is something to say, or the other side has had its time."""
        timer = end.session.timer
        try:
            async with asyncio.timeout(None if timer is None else max(0.0, timer - self._now())):
                await end.wake.wait()
        except TimeoutError:
            end.session.tick(self._now())
            self._look(end)
        end.wake.clear()

    def _look(self, end: _End) -> None:
        """Let gossip see what has happened in a session."""
        with self._reader.snapshot():
            self.gossip.look(end.number)
        self._end_duplicates(end)
        self._add(self.gossip.deeds())
        self._look_at_all()

    def _end_duplicates(self, end: _End) -> None:
        """Of two links with one neighbour keep the newer: whoever opened it had lost the older one.

        Of two that were opened at the same time, because neither knew that the
        other one did it too, keep that which the lower log opened.
        """
        met = end.session.met
        if met is None or end.session.is_over:
            return
        for other in list(self._ends.values()):
            theirs = other.session.met
            if other is end or theirs is None or theirs.peer != met.peer or other.session.is_over:
                continue
            older, newer = sorted((end, other), key=lambda each: each.number)
            lower = Role.INITIATOR if self._identity.log < met.peer else Role.RESPONDER
            crossed = (
                newer.since - older.since < TWICE_SECONDS and newer.session.role is not older.session.role
            )
            loser = newer if crossed and newer.session.role is not lower else older
            loser.session.end("duplicate")
            loser.look()
            with self._reader.snapshot():
                self.gossip.look(loser.number)
            if loser is end:
                return

    def _look_at_all(self) -> None:
        for end in self._ends.values():
            if end.session.unsent > MAX_UNSENT_BYTES and not end.session.is_over:
                end.session.end("slow", "The other side takes too little at a time.")
            end.look()
        for number, peer, fault in self.gossip.faults:
            journal.tell("fault", link=number, peer=peer.hex()[:16] if peer else "?", error=fault)
        self.gossip.faults.clear()

    # Storing ------------------------------------------------------------------------------------

    def _add(self, deeds: Sequence[Deed]) -> None:
        """Take note of deeds; while too much waits to be stored, nothing more is read from anybody."""
        for deed in deeds:
            self._deeds.append(deed)
            self._pending += _entries_in(deed)
            self._work.set()
        if self._pending >= MAX_PENDING_ENTRIES:
            self._room.clear()

    async def _do_all(self) -> None:
        """Do what gossip wants, in its order; runs that follow each other at once."""
        loop = asyncio.get_running_loop()
        while True:
            await self._work.wait()
            self._work.clear()
            while self._deeds:
                deeds = _first_alike(self._deeds)
                del self._deeds[: len(deeds)]
                self._pending -= sum(map(_entries_in, deeds))
                if self._pending < MAX_PENDING_ENTRIES:
                    self._room.set()
                self._is_judging = True
                try:
                    outcomes = await loop.run_in_executor(self._taker, self._do, deeds)
                except StoreError as error:
                    self._fail(error)
                    return
                finally:
                    self._is_judging = False
                with self._reader.snapshot():
                    for deed, outcome in zip(deeds, outcomes, strict=True):
                        if not isinstance(deed, SeeOwn):
                            self.gossip.done(deed, outcome)
                    if self._forgives_later:
                        self._forgives_later = False
                        self.gossip.forgive()
                self._add(self.gossip.deeds())
                self._look_at_all()
            await loop.run_in_executor(self._taker, self._store.sync)
            self._stored()

    def _do(self, deeds: Sequence[Deed]) -> list[list[Outcome | EvidenceError | bool]]:
        """Do some deeds of one kind; on the storing thread."""
        takes = [deed for deed in deeds if isinstance(deed, Take)]
        if takes:
            return [list(outcomes) for outcomes in self._doer.take(takes)]
        (deed,) = deeds
        if isinstance(deed, Prove):
            return [[self._doer.prove(deed)]]
        assert isinstance(deed, SeeOwn)
        self._doer.see(deed)
        return [[]]

    def _fail(self, error: StoreError) -> None:
        """Nothing can be stored any more: say so to all, and take nothing."""
        journal.tell("storing_failed", level="error", error=error)
        for end in self._ends.values():
            end.session.end("stopping")
            end.look()


def _entries_in(deed: Deed) -> int:
    return sum(len(run.items) for run in deed.runs) if isinstance(deed, Take) else 0


def _first_alike(deeds: list[Deed]) -> list[Deed]:
    """The first deeds, as far as they are takes, or the first one alone."""
    alike: list[Deed] = []
    for deed in deeds:
        if alike and not (isinstance(deed, Take) and isinstance(alike[0], Take)):
            break
        alike.append(deed)
        if not isinstance(deed, Take):
            break
    return alike
