"""Company: which other nodes this one may meet, and whom it lets in.

Decides what a node that keeps company is made of, what it tells of itself, and
who is sent away for what they did. Whom to meet is `named`'s, `around`'s and
`calling`'s, when each is tried `meeting`'s, whose logs are taken in
`following`'s; links themselves are `links`', what is said over them
`protocol.gossip`'s.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING, ClassVar, Final

from aiohttp import web

from ledger.author import TakenBack
from ledger.errors import NotFound
from ledger.log import Head, LogKey, Run
from ledger.sentences import N_
from protocol.addresses import PURPOSE, Addresses
from protocol.handshake import Identity

from . import clock, journal, shares
from .addresses import Address
from .answers import plain_error
from .around import Around
from .backoff import Backoff, Clocks, Pauses
from .blobs import Blobs
from .calling import Calling
from .circle import NOBODY, facts_of
from .door import is_here, refusal
from .ends import is_misbehaviour
from .following import Following
from .limits import (
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
from .meeting import Meetings
from .named import Named
from .neighbours import Event
from .parts import Part, PartState, Place, Told
from .settings import Settings
from .tending import Tending
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
        clocks = Clocks(time.monotonic, clock.now, random.random)
        self._hosts = Backoff(Pauses(FAULT_SECONDS, MAX_FAULT_SECONDS), clocks, room=MAX_HOSTS_BLAMED)
        self._clocks = clocks
        self._following: Following | None = None
        self._tending: Tending | None = None
        self._around: Around | None = None
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
        following = self._following = Following(custody, self._settings)
        await following.begin()
        self._unknown = await asyncio.to_thread(Unknown, custody.network, custody.storage.unknowns)
        links = Links(
            custody.home.ledger,
            custody.store,
            _Own(custody),
            Identity.of(custody.home.read_key(), custody.network),
            following.admission,
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
            recognises=lambda log: links.commune_of(log) in following.recognised,
            proved=lambda instance: self._discovery.prove(instance) if self._discovery else None,
            tried=lambda name, peer, why: self._calling.tried(name, peer, why) if self._calling else None,
        )
        self._tending = Tending(
            links,
            self._meetings,
            tries=self._tries,
            faults=self._faults,
            places=self._settings.live_links,
            behaved=lambda link: self._hosts.forgive(link.host),
        )
        self._around = Around(custody.log, links, self._meetings)
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
        following.count_days(links)
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
        if self._following is not None:
            await self._following.close()
        if self._calling is not None:
            self._calling.close()
        if self._tending is not None:
            await self._tending.close()
        if self._meetings is not None:
            await self._meetings.close()
        stops = [self._held.aclose()]
        if self._discovery is not None:
            stops.append(self._discovery.stop())
        self._links = self._meetings = self._around = None
        await asyncio.gather(*stops)

    def written(self) -> None:
        if self._links is not None:
            self._links.wrote(self._custody.log)
            if self._meetings is not None:
                self._meetings.hurry()
            if self._following is not None:
                self._following.wrote(self._links)

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
        if self._links is None or self._meetings is None or self._following is None:
            return PartState(NOBODY, (Told(_ALONE),))
        facts = facts_of(self._links, self._meetings, self._around.hints if self._around else {})
        facts["given"] = [] if self._named is None else self._named.facts()
        count = len(facts["peers"])
        recognised = self._following.recognised
        quotas = shares.facts_of(self._custody.rations, self._unknown, recognised, self._links.name_of)
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

    def stored(self) -> None:
        if self._links is not None and self._following is not None:
            self._following.came(self._links)

    def _heard(self, event: Event) -> None:
        """Take what is announced on the local network."""
        if self._around is not None:
            self._around.heard(event)


def _self_of(service: Service) -> tuple[str, str]:
    """The home's log as text, and the name of its commune, empty if it has none yet."""
    name = ""
    if service.own is not None:
        with suppress(NotFound):
            name = service.reader.commune(service.own).name
    return service.log.hex()[:16], name
