"""Meeting: the nodes that may be met, each with a task of its own that tries it in its time.

Decides when a node is tried (at once, after a pause, in its turn), and with whom
this one wants to stay linked: any other is visited, compared with, and left
until its turn comes again. Where nodes are is `named`'s, `around`'s and
`calling`'s to know, how long pauses are `backoff`'s; what becomes of links that
stand is `tending`'s.

Belongs to the event loop's thread.
"""

from __future__ import annotations

import asyncio
import errno
import random
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Final

from aiohttp import (
    ClientConnectorDNSError,
    ClientConnectorError,
    ClientError,
    ClientSession,
    WSServerHandshakeError,
)

from ledger.log import LogKey
from protocol.handshake import Role

from . import journal
from .backoff import Backoff, Standing
from .choice import Position, chosen, position_of, turn_seconds
from .ends import Linked, Parting
from .limits import (
    LONE_TURN_SECONDS,
    MAX_AROUND_SECONDS,
    MAX_LINKS,
    MAX_LONE_TURN_SECONDS,
    MEETING_SECONDS,
    STEADY_SECONDS,
    VISITS_AT_ONCE,
)
from .links import Links

Way = Callable[[], Sequence[tuple[str, int]]]
"""The addresses under which a node may be reached at this moment; none once it is gone."""


_IN_GOOD_ORDER: Final = frozenset({"enough", "stopping", "done"})
"""Farewells after which nothing is amiss between two nodes."""


def _reason(error: Exception) -> str:
    """Why nobody is at an address: `nameless`, `closed`, or in general `unreachable`."""
    if isinstance(error, ClientConnectorDNSError):
        return "nameless"
    if isinstance(error, ClientConnectorError) and error.os_error.errno == errno.ECONNREFUSED:
        return "closed"
    return "unreachable"


class Source(Enum):
    """Who said that a node may be met: the operator, its own announcement around here, or other nodes."""

    NAMED = "named"
    AROUND = "around"
    TOLD = "told"


@dataclass(slots=True)
class Meeting:
    """One node that may be met. `name` is the address that its operator gave, or what the source calls it."""

    name: str
    way: Way
    position: Position | None
    source: Source
    log: LogKey | None = None
    """who was met there last"""
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None
    earliest: float = 0.0
    turn: float = 0.0
    """when it is visited next if it is not chosen"""
    is_left: bool = False
    """whether the other side has ended the link because it keeps others"""
    at_once: bool = False
    """whether there is a reason to try it now, whatever went wrong before"""
    visits: bool = False
    """whether it is being tried, or linked from here"""
    pause: float = LONE_TURN_SECONDS
    """seconds between the last visits, while this node is linked with nobody"""
    state: bytes = b""
    """the state of this node's roster after the last of these"""

    @property
    def is_named(self) -> bool:
        """Whether the operator gave its address."""
        return self.source is Source.NAMED

    @property
    def book_name(self) -> str:
        """Under which name it stands in the book of failures."""
        return self.name if self.is_named or self.position is None else self.position.hex()


def _is_at(link: Linked, meeting: Meeting) -> bool:
    """Whether a link was opened at the address that an operator gave; who is there may be new."""
    return meeting.is_named and link.role is Role.INITIATOR and link.address == meeting.name


class Meetings:
    """All nodes that may be met, and with which of them this one stays linked."""

    def __init__(
        self,
        own: LogKey,
        links: Links,
        client: ClientSession,
        guarded: ClientSession | None = None,
        *,
        tries: Backoff,
        faults: Backoff,
        places: int,
        recognises: Callable[[LogKey], bool],
        proved: Callable[[str], None],
        tried: Callable[[str, LogKey | None, str], None] = lambda name, peer, why: None,
    ) -> None:
        """`guarded` is the client for places that others have told, `client` for all else.

        `tries` is the book of addresses and logs that could not be met, `faults` of logs that did wrong.
        `recognises` says whether a log belongs to a commune that this one recognises; `proved` is told
        the name of an announcement that was true, `tried` of places that others have told: the name, who
        was there, and if nobody was, why.
        """
        self.all: dict[str, Meeting] = {}
        self._own = position_of(own)
        self._links = links
        self._client = client
        self._guarded = guarded or client
        self._tried = tried
        self._tries = tries
        self._faults = faults
        self._places = places
        self._recognises = recognises
        self._proved = proved
        self._wanted: frozenset[Position] | None = None
        self._is_closed = False

    async def close(self) -> None:
        """Meet nobody any more."""
        self._is_closed = True  # a link that ends at this very moment takes no notice of being cancelled
        tasks = [each.task for each in self.all.values() if each.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # Who there is -------------------------------------------------------------------------------

    def add(self, name: str, way: Way, position: Position | None, source: Source, later: float) -> None:
        """A node may be met, or its addresses have changed; a new one is tried after `later` seconds."""
        meeting = self.all.get(name)
        if meeting is None:
            meeting = self.all[name] = Meeting(name, way, position, source)
            meeting.log = self._tries.of(meeting.book_name).log
            if meeting.log is not None:
                meeting.position = position_of(meeting.log)
            meeting.earliest = time.monotonic() + later
            meeting.task = asyncio.create_task(self._keep_meeting(meeting))
        else:
            meeting.at_once, meeting.earliest = True, time.monotonic()
        self.changed()

    def changed(self) -> None:
        """Somebody was met or lost: the choice may be another, and somebody may be tried now."""
        self._wanted = None
        for meeting in self.all.values():
            meeting.wake.set()

    @property
    def wanted(self) -> frozenset[Position]:
        """With whom this node stays linked."""
        if self._wanted is None:
            self._wanted = self._choose()
        return self._wanted

    def _choose(self) -> frozenset[Position]:
        linked = {position_of(link.peer): link.peer for link in self._links.linked}
        named = {each.position for each in self.all.values() if each.is_named and each.position is not None}
        # Whoever cannot be met has no place on the ring: announcements may be lies, nodes are switched off.
        around = {
            each.position
            for each in self.all.values()
            if each.position is not None and not self._tries.of(each.book_name).failures
        }
        known = around | linked.keys()
        recognised: list[Position] = []
        if len(known | named) > self._places:
            logs = {position: self._tries.of(position.hex()).log for position in known} | linked
            recognised = [position for position, log in logs.items() if log and self._recognises(log)]
        return chosen(self._own, known, places=self._places, named=named, recognised=recognised)

    def links_of(self, name: str) -> list[Linked]:
        """The links with the node that is announced under a name, or was met or is linked under it."""
        meeting = self.all.get(name)
        if meeting is None:
            return []
        return [
            link
            for link in self._links.linked
            if position_of(link.peer) == meeting.position or _is_at(link, meeting)
        ]

    def is_wanted(self, meeting: Meeting) -> bool:
        """Whether a node is to stay linked; also if it has to be found out who, or whether it is there."""
        if meeting.position is None or self._tries.of(meeting.book_name).failures:
            return True
        return meeting.position in self.wanted and not meeting.is_left

    def standing(self, meeting: Meeting) -> tuple[Standing, float]:
        """How it went with a node, and the seconds until it is tried again; its faults before all else."""
        tried = self._tries.of(meeting.book_name)
        if meeting.position is not None and not tried.failures:
            tried = self._tries.of(meeting.position.hex())
        if meeting.log is not None and self._faults.wait(meeting.log.hex()):
            tried = replace(self._faults.of(meeting.log.hex()), log=meeting.log, met=tried.met)
        return tried, self.wait(meeting)

    # Meeting ------------------------------------------------------------------------------------

    def wait(self, meeting: Meeting) -> float:
        """Seconds until a node is to be tried."""
        now = time.monotonic()
        waits = [meeting.earliest - now, 0.0]
        if meeting.log is not None:
            waits.append(self._faults.wait(meeting.log.hex()))
        if not meeting.at_once:
            waits.append(self._tries.wait(meeting.book_name))
        if not self.is_wanted(meeting):
            waits.append(meeting.turn - now)
            if self._visits >= VISITS_AT_ONCE:
                waits.append(MEETING_SECONDS * random.random())
        if len(self._links.guests) >= MAX_LINKS:
            waits.append(MEETING_SECONDS)
        return max(waits)

    @property
    def _visits(self) -> int:
        return sum(each.visits and not self.is_wanted(each) for each in self.all.values())

    async def _keep_meeting(self, meeting: Meeting) -> None:
        """Try a node until it is there, and again when it is gone; ends when there is no way to it."""
        while not self._is_closed and (addresses := meeting.way()):
            meeting.wake.clear()
            seconds = None if self.links_of(meeting.name) else self.wait(meeting)
            if seconds == 0:
                try:
                    await self._try(meeting, addresses)
                except Exception as error:  # a fault of this program, for which nobody is forgotten
                    journal.fault("fault", error, part="meeting")
                    self._tries.failed(meeting.book_name, "cut")
            else:
                with suppress(TimeoutError):
                    async with asyncio.timeout(seconds):
                        await meeting.wake.wait()
        del self.all[meeting.name]
        self._wanted = None

    async def _try(self, meeting: Meeting, addresses: Sequence[tuple[str, int]]) -> None:
        """Try the addresses of a node until it is there under one; ends when it is gone again."""
        meeting.at_once, meeting.visits = False, True
        begun = time.monotonic()
        is_told = meeting.source is Source.TOLD
        try:
            why = "unreachable"
            for host, port in addresses:
                journal.tell("meeting", level="debug", host=host, port=port)
                try:
                    client = self._guarded if is_told else self._client
                    parting = await self._links.meet(client, host, port)
                except WSServerHandshakeError as error:
                    why = "refused" if error.status == 503 else "unproved"  # something else is heard there
                except (ClientError, OSError) as error:
                    if meeting.is_named:  # somebody wants to know what is wrong with what they typed
                        why = _reason(error)
                else:
                    self._note(meeting, parting, time.monotonic() - begun)
                    if is_told:
                        self._tried(meeting.name, parting.peer, "" if parting.peer else "unproved")
                    return
            # Around here it may be back any time, and a try is one packet.
            is_near = meeting.source is Source.AROUND and self._tries.of(meeting.book_name).met is not None
            most = MAX_AROUND_SECONDS if is_near and why == "unreachable" else None
            self._tries.failed(meeting.book_name, why, most)
            if is_told:
                self._tried(meeting.name, None, why)
        finally:
            meeting.visits = False
            # So that not all try at once, and nothing that goes wrong at once is tried at once again.
            meeting.earliest = time.monotonic() + MEETING_SECONDS * random.uniform(0.5, 1.5)
            self.changed()

    def _note(self, meeting: Meeting, parting: Parting, seconds: float) -> None:
        """What becomes of a link that has ended."""
        if parting.peer is None:
            self._tries.failed(meeting.book_name, "own" if parting.is_own else "unproved")
            return
        meeting.log, meeting.position = parting.peer, position_of(parting.peer)
        meeting.is_left = parting.said == "enough"
        self._tries.saw(meeting.book_name, parting.peer)
        if parting.said in ("later", "copy"):
            self._tries.failed(meeting.book_name, parting.said)
        elif parting.rested or parting.left or parting.said in _IN_GOOD_ORDER or seconds > STEADY_SECONDS:
            self._tries.went_well(meeting.book_name, parting.peer)
        elif not self.links_of(meeting.name):  # else another link has taken its place
            self._tries.failed(meeting.book_name, "cut")
        if parting.left or meeting.is_left:
            meeting.turn = time.monotonic() + self._turn_of(meeting) * random.uniform(0.75, 1.25)

    def _turn_of(self, meeting: Meeting) -> float:
        """Seconds until a node that was left is visited again.

        Many may know one node and nobody else, and it keeps links with some of them. To the others
        what is new comes by their visits alone: these follow each other closely as long as they bring any.
        """
        usual = turn_seconds(len(self.all) - len(self.wanted))
        if self._links.linked:
            return usual
        before, meeting.state = meeting.state, self._links.gossip.roster.state
        is_new = meeting.state != before
        meeting.pause = LONE_TURN_SECONDS if is_new else min(2 * meeting.pause, MAX_LONE_TURN_SECONDS)
        return min(usual, meeting.pause)

    def hurry(self) -> None:
        """Something was signed here: where no link stands over which it goes out, somebody is visited now."""
        if not self._links.linked:
            now = time.monotonic()
            for meeting in self.all.values():
                meeting.turn = min(meeting.turn, now)
            self.changed()

    def rested(self, link: Linked) -> None:
        """A link has come to rest for the first time: whoever is there was met."""
        position = position_of(link.peer)
        self._tries.went_well(position.hex(), link.peer)
        for meeting in self.all.values():
            if meeting.position == position or _is_at(link, meeting):
                meeting.log, meeting.position = link.peer, position
                meeting.at_once = False
                if meeting.is_named:
                    self._tries.went_well(meeting.name, link.peer)
                elif meeting.source is Source.AROUND:
                    self._proved(meeting.name)
        self._wanted = None
