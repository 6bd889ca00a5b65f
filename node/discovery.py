"""Discovery: finds the nodes of one network on the local networks, and lets them find this one.

Decides when to look at the interfaces, when to ask who is there, and what is
done at a time; what a change of interfaces means is `interfaces`', what an
announcement is worth `neighbours`' and `hints`', how zeroconf is
spoken to `presence`'s. What comes out are hints. Whoever takes them tries the
addresses, and believes the handshake alone.

Nothing here waits for a network: with none it starts at once, looks again every
second, and begins when there is one. Whatever fails is logged and tried again.
"""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from protocol.handshake import VERSIONS

from . import adapters
from .hints import LOG_BYTES, Announcement, Hint, Seen
from .interfaces import Change, Damper, Interfaces, compare
from .limits import (
    ASK_ALONE_SECONDS,
    ASK_SECONDS,
    ASK_SOON_SECONDS,
    LOOK_SECONDS,
    MAX_NAMES_ASKED,
    MAX_NAMES_WAITING,
    MAX_RETRY_SECONDS,
    RECONCILE_SECONDS,
    RENEW_SECONDS,
    RETRY_SECONDS,
)
from .neighbours import Event, Found, Lost, Neighbours

if TYPE_CHECKING:  # zeroconf takes long to import; a command that starts no node has no use for it
    from .presence import Presence

__all__ = ["Discovery", "Event", "Found", "Hint", "Lost"]

_log = logging.getLogger(__name__)

_NAMES_AT_ONCE: Final = 32  # looked at before others get their turn
_AGAIN_SECONDS: Final = 1.5  # old addresses run out a second after new ones came (RFC 6762, section 10.2)


class Discovery:
    """Announces one node and finds others, from `start` to `stop`; also an asynchronous context.

    `log` is this node's log key, `name` its commune's name, `port` where its
    peers' listener is. `tell` is called in the event loop with `Found` and
    `Lost`; `queue.put_nowait` of a queue without bound will do, since what is
    told is bounded: 64 found at once, then 10 a second, and none lost that was
    not found. With `loopback` nodes on the same computer find each other
    without any network.
    """

    def __init__(
        self,
        *,
        log: bytes,
        network: str,
        name: str,
        port: int,
        tell: Callable[[Event], None],
        loopback: bool = False,
    ) -> None:
        self._announcement = Announcement(network, log[:LOG_BYTES], VERSIONS, name)
        self._port = port
        self._tell = tell
        self._loopback = loopback
        self._host = f"trueque-{secrets.token_hex(8)}"
        self._neighbours = Neighbours(network, self._host)
        self._interfaces: Interfaces = ()
        self._presence: Presence | None = None
        self._names: dict[str, None] = {}  # to be looked at, in order
        self._unknown: dict[str, None] = {}  # to be asked for
        self._asking: set[asyncio.Task[None]] = set()
        self._woken = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._began = self._asked = self._reconciled = 0.0
        self._missed = 0  # of all that were too many, those when it was last asked
        self._wants_to_ask = False

    @property
    def hints(self) -> tuple[Hint, ...]:
        """What is announced at this moment."""
        return self._neighbours.hints

    @property
    def interfaces(self) -> Interfaces:
        """The interfaces that are spoken on; none while there is no network."""
        return self._interfaces

    async def start(self) -> None:
        """Begins. Returns at once, whatever the state of the network."""
        self._tasks = [
            asyncio.create_task(self._keep(self._watch), name="discovery: interfaces"),
            asyncio.create_task(self._keep(self._read_names), name="discovery: names"),
        ]

    async def stop(self) -> None:
        """Says goodbye and ends, within a second."""
        tasks = [*self._tasks, *self._asking]
        self._tasks = []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def ask_again(self) -> None:
        """Asks who is there, soon: for when sessions ended, or somebody is looking at the list."""
        self._wants_to_ask = True

    def prove(self, instance: str) -> None:
        """A handshake has shown that the node announced as `instance` is real."""
        self._neighbours.prove(instance)

    # --- the task that looks at the interfaces --------------------------------------------------

    async def _watch(self) -> None:
        damper = Damper()
        clock = asyncio.get_running_loop().time
        while True:
            settled = damper.look(adapters.read(self._loopback), clock())
            await self._follow(settled, clock())
            self._tell_all(self._neighbours.sweep(clock()))
            await self._ask_in_time(clock())
            await asyncio.sleep(LOOK_SECONDS)

    async def _follow(self, interfaces: Interfaces, now: float) -> None:
        """Goes from the interfaces that are used to others; if that fails, from none the next time."""
        change = compare(self._interfaces, interfaces)
        if self._presence is not None and now - self._began >= RENEW_SECONDS and self._presence.is_flooded:
            change = Change.ANEW
        try:
            if change is Change.ADJUST:
                await self._adjust(interfaces, now)
            elif change is not Change.NONE:
                await self._begin(interfaces, now)
            elif self._presence is not None and now - self._reconciled >= RECONCILE_SECONDS:
                self._reconciled = now
                await self._presence.reconcile(interfaces)
                for hint in self._neighbours.hints:
                    self._heard(hint.instance, True)
        except BaseException:
            await self._close()
            raise

    async def _begin(self, interfaces: Interfaces, now: float) -> None:
        from .presence import Presence

        await self._close()
        self._neighbours.doubt(now)
        if interfaces:
            self._presence = Presence(self._announcement, self._host, self._port, self._heard)
            await self._presence.open(interfaces)
            self._began = self._asked = self._reconciled = now
            _log.info("looking for other nodes on %s", ", ".join(it.name for it in interfaces))
        else:
            _log.info("there is no network; other nodes are looked for when there is one")
        self._interfaces = interfaces

    async def _adjust(self, interfaces: Interfaces, now: float) -> None:
        assert self._presence is not None
        await self._presence.adjust(interfaces)
        self._interfaces = interfaces
        self._reconciled = now
        self._tell_all(self._neighbours.leave(interfaces, now))
        await self._presence.ask()
        self._asked = now
        _log.info("the network changed; looking on %s", ", ".join(it.name for it in interfaces))

    async def _ask_in_time(self, now: float) -> None:
        if self._presence is None or self._presence.is_flooded:
            return  # the question would list all of them
        is_complete = self._neighbours.hints and self._missed == self._neighbours.missed
        wait = ASK_SECONDS if is_complete else ASK_ALONE_SECONDS
        if now - self._asked >= (ASK_SOON_SECONDS if self._wants_to_ask else wait):
            self._asked, self._wants_to_ask, self._missed = now, False, self._neighbours.missed
            await self._presence.ask()

    async def _close(self) -> None:
        presence, self._presence = self._presence, None
        self._interfaces = ()
        self._names.clear()
        self._unknown.clear()
        if presence is not None:
            await presence.close()

    # --- the task that reads names --------------------------------------------------------------

    def _heard(self, instance: str, is_there: bool) -> None:
        """A name appeared, changed or said goodbye. Called by zeroconf in the event loop; never raises."""
        if not is_there:
            self._neighbours.gone(instance, asyncio.get_running_loop().time())
        elif len(self._names) < MAX_NAMES_WAITING:
            self._names[instance] = None
            self._woken.set()
        else:
            self._neighbours.missed += 1

    async def _read_names(self) -> None:
        while True:
            await self._woken.wait()
            self._woken.clear()
            for _ in range(_NAMES_AT_ONCE):
                if self._names and self._presence is not None:
                    self._read_name(self._next(self._names), self._presence)
            while self._unknown and self._presence is not None and len(self._asking) < MAX_NAMES_ASKED:
                task = asyncio.create_task(self._inquire(self._next(self._unknown), self._presence))
                self._asking.add(task)
                task.add_done_callback(self._answered)
            if self._names and self._presence is not None:
                self._woken.set()
            await asyncio.sleep(0)

    @staticmethod
    def _next(names: dict[str, None]) -> str:
        name = next(iter(names))
        del names[name]
        return name

    def _read_name(self, instance: str, presence: Presence) -> None:
        seen = presence.recall(instance)
        if seen is not None:
            self._saw(seen)
        elif not self._neighbours.is_settled(instance) and len(self._unknown) < MAX_NAMES_WAITING:
            self._unknown[instance] = None

    async def _inquire(self, instance: str, presence: Presence) -> None:
        try:
            seen = await presence.inquire(instance)
            if seen is not None:
                self._saw(seen)
        except Exception as error:
            _log.debug("the particulars of %r did not come: %r", instance, error)

    def _answered(self, task: asyncio.Task[None]) -> None:
        self._asking.discard(task)
        self._woken.set()

    def _saw(self, seen: Seen) -> None:
        loop = asyncio.get_running_loop()
        events = self._neighbours.saw(seen, self._interfaces, loop.time())
        if events:
            loop.call_later(_AGAIN_SECONDS, self._heard, seen.instance, True)
        self._tell_all(events)

    # --- both -----------------------------------------------------------------------------------

    def _tell_all(self, events: list[Event]) -> None:
        for event in events:
            try:
                self._tell(event)
            except Exception:
                _log.exception("a hint was not taken")

    async def _keep(self, work: Callable[[], Awaitable[None]]) -> None:
        """Does the work again when it fails, a little later each time."""
        clock = asyncio.get_running_loop().time
        wait = RETRY_SECONDS
        while True:
            began = clock()
            try:
                await work()
            except Exception as error:
                _log.warning("looking for other nodes failed, and is tried again: %r", error)
            if clock() - began > MAX_RETRY_SECONDS:
                wait = RETRY_SECONDS
            await asyncio.sleep(wait * (0.5 + random.random()))
            wait = min(wait * 2, MAX_RETRY_SECONDS)
