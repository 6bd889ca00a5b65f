"""Company: which other nodes this one may meet, and whom it lets in.

Decides whom to meet: the addresses that the operator gave, and the nodes that
are announced on the local network; and who is sent away for what they did. When
each is tried and whose link is kept is `meeting`'s, links themselves are
`links`', what is said over them `protocol.gossip`'s.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING, ClassVar, Final

from aiohttp import web

from ledger.author import Situation, TakenBack
from ledger.errors import NotFound, StoreError
from ledger.log import Head, LogKey, Run
from ledger.records import CommuneId
from ledger.sentences import N_
from ledger.store.reading import Reader
from protocol.addresses import PURPOSE, Addresses
from protocol.handshake import Identity

from . import clock, journal, shares
from .addresses import Address
from .admission import Admission, reach_of
from .answers import plain_error
from .backoff import Backoff, Clocks, Pauses
from .blobs import Blobs
from .calling import Calling
from .choice import position_of
from .circle import NOBODY, facts_of
from .door import is_here, refusal
from .ends import is_misbehaviour
from .hints import Hint
from .limits import (
    DAY_LOOK_SECONDS,
    FAULT_SECONDS,
    FAULTS_FORGIVEN_AT_HOST,
    MAX_FAULT_SECONDS,
    MAX_HOSTS_BLAMED,
    MAX_MEETING_SECONDS,
    MEETING_SECONDS,
    MEGABYTE,
    OWN_ANSWER_SECONDS,
)
from .links import PATH, Links
from .meeting import Meetings, Source
from .named import Named
from .neighbours import Event, Found
from .parts import Part, PartState, Place, Told
from .quotas import Reach
from .settings import Settings
from .unknown import Unknown
from .watch import Watch

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry, Counter
    from prometheus_client.metrics_core import Metric

    from .custody import Custody
    from .discovery import Discovery
    from .service import Service

_ALONE: Final = N_("It is linked with no other node now.")
_LINKED: Final = N_("Nodes that it is linked with now: {count}. `trueque peers` shows them.")
_UNREAD: Final = N_(
    "Other nodes get nothing of what they ask for, since it cannot be read here: {reason} `trueque audit` "
    "looks at everything that is held."
)
_UNSTORED: Final = N_("What comes from other nodes cannot be stored, and is asked for again later: {reason}")


class _Own:
    """The log that is written here, as the thread that stores sees it: its author lives on another."""

    def __init__(self, custody: Custody) -> None:
        self.log = custody.log
        self._custody = custody

    def take_back(self, run: Run) -> TakenBack:
        return self._custody.do_here(lambda service: service.author.take_back(run))

    def see(self, head: Head) -> bool:
        return self._custody.do_here(lambda service: service.author.see(head))


class _Traffic:
    """What has gone over all links, as Prometheus collects it."""

    def __init__(self, links: Callable[[], Links | None]) -> None:
        self._links = links

    def collect(self) -> Iterator[Metric]:
        from prometheus_client.metrics_core import CounterMetricFamily

        links = self._links()
        for name, text, count in (
            ("sent", "Bytes of messages to other nodes.", links.sent if links else 0),
            ("received", "Bytes of messages from other nodes.", links.received if links else 0),
        ):
            yield CounterMetricFamily(f"trueque_link_{name}_bytes", text, count)


class Company(Part, Watch):
    """The part of a node that keeps it linked with others."""

    name: ClassVar[str] = "gossip"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._held = AsyncExitStack()
        self._links: Links | None = None
        self._meetings: Meetings | None = None
        self._discovery: Discovery | None = None
        self._hints: dict[str, Hint] = {}
        self._places: dict[str, Sequence[str]] = {}
        """the addresses of each announced node as they were when it was last heard of"""
        self._tasks: dict[str, asyncio.Task[None]] = {}
        clocks = Clocks(time.monotonic, clock.now, random.random)
        self._hosts = Backoff(Pauses(FAULT_SECONDS, MAX_FAULT_SECONDS), clocks, room=MAX_HOSTS_BLAMED)
        self._clocks = clocks
        self._reach = Reach({})
        self._recognised: frozenset[CommuneId] = frozenset()
        self._reach_is_old = False
        self._calling: Calling | None = None
        self._named: Named | None = None
        self._refused: Counter | None = None

    # As a part ----------------------------------------------------------------------------------

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        return [web.get(PATH, self._accept)]

    def register(self, registry: CollectorRegistry) -> None:
        from prometheus_client import Counter, Gauge

        gauge = Gauge("trueque_links", "Nodes that this one is linked with", registry=registry)
        gauge.set_function(lambda: len(self._links.linked) if self._links else 0)
        known = Gauge("trueque_known_nodes", "Nodes that may be met", registry=registry)
        known.set_function(lambda: len(self._meetings.all) if self._meetings else 0)
        registry.register(_Traffic(lambda: self._links))
        self._refused = Counter(
            "trueque_refused_connections", "Connections sent away at the door", registry=registry
        )

    async def start(self, place: Place) -> None:
        custody = place.custody
        self._custody = custody
        own, name = await custody.ask(_self_of)
        self._reach, self._recognised, _ = await custody.ask(self._reach_of)

        def judged(reader: Reader) -> Admission:
            return Admission(reader, self._reach, _nothing_waits, custody.rations)

        self._unknown = await asyncio.to_thread(Unknown, custody.network, custody.storage.unknowns)
        links = Links(
            custody.home.ledger,
            custody.store,
            _Own(custody),
            Identity.of(custody.home.read_key(), custody.network),
            judged,
            watch=self,
            unknown=self._unknown,
            blobs=Blobs(custody.home.blobs, self._settings.photo_megabytes * MEGABYTE),
        )
        self._links = await self._held.enter_async_context(links.open())
        client = await self._held.enter_async_context(Links.client())
        guarded = await self._held.enter_async_context(Links.client(custody.network))
        keep = custody.storage.peers.keep
        self._tries = Backoff(Pauses(MEETING_SECONDS, MAX_MEETING_SECONDS), self._clocks, keep)
        self._faults = Backoff(Pauses(FAULT_SECONDS, MAX_FAULT_SECONDS), self._clocks, keep)
        kept = await asyncio.wrap_future(custody.storage.peers.all())
        self._tries.load(row for row in kept if row.why != "faults")
        self._faults.load(row for row in kept if row.why == "faults")
        self._meetings = Meetings(
            custody.log,
            links,
            client,
            guarded,
            tries=self._tries,
            faults=self._faults,
            places=self._settings.live_links,
            recognises=lambda log: links.commune_of(log) in self._recognised,
            proved=lambda instance: self._discovery.prove(instance) if self._discovery else None,
            behaved=lambda link: self._hosts.forgive(link.host),
            tried=lambda name, peer, why: self._calling.tried(name, peer, why) if self._calling else None,
        )
        key = custody.home.read_key()
        self._calling = Calling(
            custody.log,
            custody.network,
            links.gossip.addresses,
            self._meetings,
            custody.storage.whereabouts,
            lambda text: key.sign_in_context(PURPOSE, custody.network, text),
            clock.now,
            links.look,
        )
        await self._calling.begin(self._settings.places)
        self._tasks["days"] = asyncio.create_task(self._count_days(links))
        self._named = Named(links, self._meetings)
        self._named.call(place.addresses, at_once=False)
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
        if self._calling is not None:
            self._calling.close()
        if self._meetings is not None:
            await self._meetings.close()
        stops = [self._held.aclose()]
        if self._discovery is not None:
            stops.append(self._discovery.stop())
        self._links = self._meetings = None
        await asyncio.gather(*stops)

    def written(self) -> None:
        if self._links is not None:
            self._links.wrote(self._custody.log)
            if self._meetings is not None:
                self._meetings.hurry()
            if (task := self._tasks.get("review")) is not None:
                task.cancel()  # the new one looks at everything
            self._tasks["review"] = asyncio.create_task(self._review(self._links))

    def named(self, addresses: Sequence[Address]) -> None:
        if self._named is not None and self._meetings is not None:
            self._named.call(addresses, at_once=True)

    async def fetch(self, digest: bytes, listing: bytes) -> bool:
        return self._links is not None and await self._links.fetch(digest, listing)

    async def before_first_signature(self) -> None:
        """Look at what neighbours show of this log before it goes on; with nobody there it goes on too."""
        links = self._links
        if links is not None and links.ask_about_own():
            await asyncio.sleep(OWN_ANSWER_SECONDS)

    def rolled_back(self) -> None:
        if self._links is not None:
            self._links.begin_anew()

    def state(self) -> PartState:
        if self._links is None or self._meetings is None:
            return PartState(NOBODY, (Told(_ALONE),))
        facts = facts_of(self._links, self._meetings, self._hints)
        facts["given"] = [] if self._named is None else self._named.facts()
        count = len(facts["peers"])
        quotas = shares.facts_of(self._custody.rations, self._unknown, self._recognised, self._links.name_of)
        troubles = [
            (name, template, plain_error(error))
            for name, template, error in zip(
                ("serving", "storing"), (_UNREAD, _UNSTORED), self._links.troubles, strict=True
            )
            if error is not None
        ]
        facts["trouble"] = {name: reason for name, _, reason in troubles}
        return PartState(
            facts | quotas,
            (
                Told(_LINKED, {"count": count}) if count else Told(_ALONE),
                *(Told(template, {"reason": reason}) for _, template, reason in troubles),
                *shares.sentences_of(quotas),
            ),
        )

    # At the door --------------------------------------------------------------------------------

    async def _accept(self, request: web.Request) -> web.StreamResponse:
        if self._links is None:
            return web.Response(status=503)
        host = (request.remote or "").removeprefix("::ffff:")
        blamed = self._hosts.of(host).failures > FAULTS_FORGIVEN_AT_HOST and self._hosts.wait(host) > 0
        why = refusal(host, self._links.guests, is_blamed=blamed)
        if why is not None:
            if self._refused is not None:
                self._refused.inc()
            journal.tell("refused", level="debug", host=host, why=why)
            return web.Response(status=503)
        return await self._links.accept(request)

    def is_kept_out(self, peer: LogKey) -> bool:
        return self._faults.wait(peer.hex()) > 0

    def faulted(self, peer: LogKey | None, host: str, fault: Exception) -> None:
        if not is_misbehaviour(fault):
            return
        if peer is not None:
            seconds = self._faults.failed(peer.hex(), "faults")
            journal.tell("left_alone", peer=peer.hex()[:16], seconds=round(seconds))
        if host and not is_here(host):
            self._hosts.failed(host, "faults")

    def learned(self, told: Sequence[Addresses]) -> None:
        if self._calling is not None:
            self._calling.learned(told)

    def outdone(self, told: Addresses) -> None:
        if self._calling is not None:
            self._calling.outdone(told)

    def changed(self) -> None:
        if self._meetings is not None:
            self._meetings.changed()

    # What is announced --------------------------------------------------------------------------

    def _heard(self, event: Event) -> None:
        """Take what is announced on the local network; it is believed once it has been met."""
        hint = event.hint
        if self._meetings is None:
            return
        if isinstance(event, Found):
            self._hints[hint.instance] = hint
            self._leave_former_places(hint)
            # Both have heard of each other: the lower log begins, and the other one only if nothing comes.
            later = 0.0 if self._custody.log < hint.log else MEETING_SECONDS
            position = position_of(hint.log)
            self._meetings.add(
                hint.instance, lambda: self._ways(hint.instance), position, Source.AROUND, later
            )
        else:
            self._hints.pop(hint.instance, None)
            self._places.pop(hint.instance, None)
            self._meetings.changed()

    def _leave_former_places(self, hint: Hint) -> None:
        """End links with a node that has left the address at which they found it."""
        assert self._meetings is not None
        assert self._links is not None
        for link in self._meetings.links_of(hint.instance):
            if link.host in self._places.get(hint.instance, ()) and link.host not in hint.addresses:
                self._links.cut(link)
        self._places[hint.instance] = hint.addresses

    def _ways(self, instance: str) -> Sequence[tuple[str, int]]:
        hint = self._hints.get(instance)
        return [] if hint is None else [(address, hint.port) for address in hint.addresses]

    # Whose logs are taken in --------------------------------------------------------------------

    def stored(self) -> None:
        """Entries of others have come: whom they recognise may have changed, and so who is in reach."""
        task = self._tasks.get("reach")
        self._reach_is_old = True
        if self._links is not None and (task is None or task.done()):
            self._tasks["reach"] = asyncio.create_task(self._review_reach(self._links))

    async def _review_reach(self, links: Links) -> None:
        self._reach_is_old = True
        while self._reach_is_old:  # more may come while the ledger is asked
            self._reach_is_old = False
            reach, self._recognised, is_closed = await self._custody.ask(self._reach_of)
            if reach != self._reach:
                self._reach = reach
                links.forgive()
            if is_closed and self._custody.situation is not Situation.SEALED:
                await self._custody.review()

    async def _review(self, links: Links) -> None:
        """Look at whom the commune recognises now, and a moment later at what a bundle may have brought."""
        await self._review_reach(links)
        await asyncio.sleep(MEETING_SECONDS)
        logs = await self._custody.ask(lambda service: [branch.log for branch in service.reader.branches()])
        links.took_in(logs)

    def _reach_of(self, service: Service) -> tuple[Reach, frozenset[CommuneId], bool]:
        """Whose logs are taken in, whom this commune recognises itself, and whether it has gone on
        in another log than this one.
        """
        own = service.own
        if own is None:
            return Reach({}), frozenset(), False
        reach = reach_of(service.reader, own, self._settings)
        if reach != self._reach:
            self._custody.rations.open(service.reader, reach, service.log)
        is_closed = service.log in service.reader.formed(own).seals
        return reach, frozenset(service.reader.recognised(own)), is_closed

    async def _count_days(self, links: Links) -> None:
        """Ask again for what was held back whenever another day has begun: there is room for more."""
        while True:
            await asyncio.sleep(DAY_LOOK_SECONDS)
            if self._custody.rations.count_day(clock.now(), time.monotonic()):
                try:
                    links.forgive()
                except StoreError as error:
                    journal.tell("reading_failed", level="error", error=error)


def _self_of(service: Service) -> tuple[str, str]:
    """The home's log as text, and the name of its commune, empty if it has none yet."""
    name = ""
    if service.own is not None:
        with suppress(NotFound):
            name = service.reader.commune(service.own).name
    return service.log.hex()[:16], name


def _nothing_waits() -> None:
    """What was admitted is stored before anything else is judged: nothing waits."""
