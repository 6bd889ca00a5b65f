"""Company: with which other nodes this one is linked, and when it tries them again.

Decides whom to meet: the addresses that the operator gave, and the nodes that
are announced on the local network. Each is tried until it is there, after a
while that grows and is never the same twice, for ever. Links themselves are
`links`', what is said over them `protocol.gossip`'s.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING, Any, ClassVar, Final

from aiohttp import ClientError, web

from ledger.author import TakenBack
from ledger.errors import NotFound
from ledger.log import Head, LogKey, Run
from ledger.records import CommuneId
from ledger.sentences import N_
from ledger.store.reading import Reader
from protocol.handshake import Identity, Role

from . import journal
from .admission import Admission, within_reach
from .hints import Hint
from .limits import (
    MAX_AROUND_SECONDS,
    MAX_LINKS,
    MAX_MEETING_SECONDS,
    MEETING_SECONDS,
    OWN_ANSWER_SECONDS,
    STEADY_SECONDS,
)
from .links import PATH, Linked, Links
from .neighbours import Event, Found
from .parts import Part, PartState, Place, Told
from .settings import Settings

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from .custody import Custody
    from .discovery import Discovery
    from .service import Service

Way = Callable[[], Sequence[tuple[str, int]]]
"""The addresses under which a node may be reached at this moment; none once it is gone."""

_ALONE: Final = N_("It is linked with no other node now.")
_LINKED: Final = N_("Nodes that it is linked with now: {count}. `trueque peers` shows them.")


class _Own:
    """The log that is written here, as the thread that stores sees it: its author lives on another."""

    def __init__(self, custody: Custody) -> None:
        self.log = custody.log
        self._custody = custody

    def take_back(self, run: Run) -> TakenBack:
        return self._custody.do_here(lambda service: service.author.take_back(run))

    def see(self, head: Head) -> bool:
        return self._custody.do_here(lambda service: service.author.see(head))


class Company(Part):
    """The part of a node that keeps it linked with others."""

    name: ClassVar[str] = "gossip"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._held = AsyncExitStack()
        self._links: Links | None = None
        self._discovery: Discovery | None = None
        self._hints: dict[str, Hint] = {}
        self._places: dict[str, Sequence[str]] = {}
        """the addresses of each announced node as they were when it was last heard of"""
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._wakes: dict[str, asyncio.Event] = {}
        self._met: dict[str, LogKey] = {}
        """who was met under a name or an address"""
        self._reach: frozenset[CommuneId] = frozenset()
        self._reach_is_old = False

    # As a part ----------------------------------------------------------------------------------

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        return [web.get(PATH, self._accept)]

    def register(self, registry: CollectorRegistry) -> None:
        from prometheus_client import Gauge

        gauge = Gauge("trueque_links", "Nodes that this one is linked with", registry=registry)
        gauge.set_function(lambda: len(self._links.linked) if self._links else 0)

    async def start(self, place: Place) -> None:
        custody = place.custody
        self._custody = custody
        own, name = await custody.ask(_self_of)
        self._reach = await custody.ask(self._reach_of)

        def judged(reader: Reader) -> Admission:
            return Admission(reader, self._reach, _nothing_waits)

        links = Links(
            custody.home.ledger,
            custody.store,
            _Own(custody),
            Identity.of(custody.home.read_key(), custody.network),
            judged,
            stored=self._came,
        )
        self._links = await self._held.enter_async_context(links.open())
        self._client = await self._held.enter_async_context(Links.client())
        for address in self._settings.addresses:
            self._meet(str(address), lambda address=address: [(address.host, address.port)], patient=False)  # type: ignore[misc]
        if self._settings.discovery:
            from .discovery import Discovery

            self._discovery = Discovery(
                log=custody.log,
                network=custody.network,
                name=name or own,
                port=place.peer_port,
                tell=self._heard,
            )
            await self._discovery.start()

    async def stop(self) -> None:
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        stops = [self._held.aclose()]
        if self._discovery is not None:
            stops.append(self._discovery.stop())
        self._links = None
        await asyncio.gather(*stops)

    def written(self) -> None:
        if self._links is not None:
            self._links.wrote(self._custody.log)
            if (task := self._tasks.get("review")) is not None:
                task.cancel()  # the new one looks at everything
            self._tasks["review"] = asyncio.create_task(self._review(self._links))

    async def before_first_signature(self) -> None:
        """Look at what neighbours show of this log before it goes on; with nobody there it goes on too."""
        links = self._links
        if links is not None and links.ask_about_own():
            await asyncio.sleep(OWN_ANSWER_SECONDS)

    def state(self) -> PartState:
        linked = [] if self._links is None else self._links.linked
        now = time.monotonic()
        facts: dict[str, Any] = {
            "peers": [
                {
                    "log": link.peer.hex(),
                    "commune": _hex(self._links.commune_of(link.peer)) if self._links else None,
                    "name": self._links.name_of(link.peer) if self._links else None,
                    "address": link.address,
                    "opened_here": link.role is Role.INITIATOR,
                    "seconds": round(now - link.since),
                }
                for link in linked
            ],
            "announced": [
                {
                    "log": hint.log.hex(),
                    "name": hint.name,
                    "addresses": list(hint.addresses),
                    "port": hint.port,
                }
                for hint in self._hints.values()
            ],
        }
        told = Told(_LINKED, {"count": len(linked)}) if linked else Told(_ALONE)
        return PartState(facts, (told,))

    # Meeting ------------------------------------------------------------------------------------

    async def _accept(self, request: web.Request) -> web.StreamResponse:
        if self._links is None or self._links.count >= MAX_LINKS:
            return web.Response(status=503)
        return await self._links.accept(request)

    def _heard(self, event: Event) -> None:
        """Take what is announced on the local network; it is believed once it has been met."""
        hint = event.hint
        if isinstance(event, Found):
            self._hints[hint.instance] = hint
            self._leave_former_places(hint)
            # Both have heard of each other: the lower log begins, and the other one only if nothing comes.
            patient = not self._custody.log < hint.log
            self._meet(hint.instance, lambda: self._ways(hint.instance), patient=patient)
        else:
            self._hints.pop(hint.instance, None)
            self._places.pop(hint.instance, None)

    def _leave_former_places(self, hint: Hint) -> None:
        """End links with a node that has left the address at which they found it."""
        for link in self._links_of(hint.instance):
            place = _place_of(link)
            if place in self._places.get(hint.instance, ()) and place not in hint.addresses and self._links:
                self._links.cut(link)
        self._places[hint.instance] = hint.addresses

    def _ways(self, instance: str) -> Sequence[tuple[str, int]]:
        hint = self._hints.get(instance)
        return [] if hint is None else [(address, hint.port) for address in hint.addresses]

    def _meet(self, name: str, way: Way, *, patient: bool) -> None:
        task = self._tasks.get(name)
        if task is None or task.done():
            self._wakes[name] = asyncio.Event()
            self._tasks[name] = asyncio.create_task(self._keep_meeting(name, way, patient=patient))
        self._wakes[name].set()

    async def _keep_meeting(self, name: str, way: Way, *, patient: bool) -> None:
        """Try a node until it is there, and again when it is gone; ends when it is not announced any more."""
        wake, pause = self._wakes[name], MEETING_SECONDS
        if patient:
            await asyncio.sleep(MEETING_SECONDS)
        while addresses := way():
            wake.clear()
            begun, longest = time.monotonic(), MAX_MEETING_SECONDS
            if not self._is_linked(name) and self._links is not None and self._links.count < MAX_LINKS:
                if name in self._hints and name in self._met:
                    longest = MAX_AROUND_SECONDS
                if await self._reached(name, addresses):
                    longest = MAX_MEETING_SECONDS  # it is there, and has its reasons
            if time.monotonic() - begun > STEADY_SECONDS or self._is_linked(name):
                pause = MEETING_SECONDS
            with suppress(TimeoutError):
                async with asyncio.timeout(pause * random.uniform(0.5, 1.5)):  # so that not all try at once
                    await wake.wait()
            pause = min(2 * pause, longest)

    async def _reached(self, name: str, addresses: Sequence[tuple[str, int]]) -> bool:
        """Whether a node was there under one of its addresses; ends when it is gone again."""
        for host, port in addresses:
            if self._links is not None:
                journal.tell("meeting", level="debug", host=host, port=port)
                with suppress(ClientError, OSError, asyncio.TimeoutError):
                    peer = await self._links.meet(self._client, host, port)
                    if peer is not None:
                        self._met[name] = peer
                    return True
        return False

    def _is_linked(self, name: str) -> bool:
        """Whether the node that is announced under a name, or was met under it, is linked already."""
        return bool(self._links_of(name))

    def _links_of(self, name: str) -> list[Linked]:
        hint, met = self._hints.get(name), self._met.get(name)
        return [
            link
            for link in (self._links.linked if self._links is not None else ())
            if link.peer == met or (hint is not None and link.peer.startswith(hint.log))
        ]

    def _came(self) -> None:
        """Entries of others have come: whom they recognise may have changed, and so who is in reach."""
        task = self._tasks.get("reach")
        self._reach_is_old = True
        if self._links is not None and (task is None or task.done()):
            self._tasks["reach"] = asyncio.create_task(self._review_reach(self._links))

    async def _review_reach(self, links: Links) -> None:
        self._reach_is_old = True
        while self._reach_is_old:  # more may come while the ledger is asked
            self._reach_is_old = False
            reach = await self._custody.ask(self._reach_of)
            if reach != self._reach:
                self._reach = reach
                links.forgive()

    async def _review(self, links: Links) -> None:
        """Look at whom the commune recognises now, and a moment later at what a bundle may have brought."""
        await self._review_reach(links)
        await asyncio.sleep(MEETING_SECONDS)
        logs = await self._custody.ask(lambda service: [branch.log for branch in service.reader.branches()])
        links.took_in(logs)

    def _reach_of(self, service: Service) -> frozenset[CommuneId]:
        """The communes whose logs are taken in."""
        own = service.own
        return frozenset() if own is None else within_reach(service.reader, own, self._settings.hops)


def _self_of(service: Service) -> tuple[str, str]:
    """The home's log as text, and the name of its commune, empty if it has none yet."""
    name = ""
    if service.own is not None:
        with suppress(NotFound):
            name = service.reader.commune(service.own).name
    return service.log.hex()[:16], name


def _place_of(link: Linked) -> str:
    """The IP address of the other side of a link, as an announcement has it."""
    if link.role is Role.INITIATOR:
        return link.address.rpartition(":")[0].strip("[]")
    return link.address.removeprefix("::ffff:")


def _hex(commune: CommuneId | None) -> str | None:
    return None if commune is None else commune.hex()


def _nothing_waits() -> None:
    """What was admitted is stored before anything else is judged: nothing waits."""
