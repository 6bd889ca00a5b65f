"""Farewells: which links this side ends, with which words, and what is noted of how they end.

Decides that one link with each neighbour stays (which of two, `ends` says), that
whoever takes too little of what it is told is left, and how long last words may
take before the connection is cut. What a session ends for by itself is
`protocol.session`'s to say, who is left because others are wanted `meeting`'s.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress

from ledger.errors import StoreError
from ledger.log import LogKey
from ledger.store.reading import Reader
from protocol.deeds import LinkId
from protocol.gossip import Gossip

from . import journal
from .ends import End, Socket, Twins
from .limits import FAREWELL_SECONDS, MAX_UNSENT_BYTES
from .watch import Watch


class Farewells:
    """How all links end. Used in the event loop's thread; `ends` are the caller's, and looked at.

    `unread` is called where gossip could not look at what is held.
    """

    def __init__(
        self,
        own: LogKey,
        ends: Mapping[LinkId, End],
        gossip: Gossip,
        reader: Reader,
        watch: Watch,
        now: Callable[[], float],
        unread: Callable[[End, StoreError], None],
    ) -> None:
        self._ends = ends
        self._gossip = gossip
        self._reader = reader
        self._watch = watch
        self._now = now
        self._unread = unread
        self._twins = Twins(own)

    def say(self, end: End, code: str, sentence: str = "") -> None:
        """End a session that is not over, and let gossip know."""
        end.session.end(code, sentence)
        end.look()
        asyncio.get_running_loop().call_later(FAREWELL_SECONDS, end.cut)
        try:
            with self._reader.snapshot():
                self._gossip.look(end.number)
        except StoreError as error:
            self._unread(end, error)

    def say_to_all(self, code: str) -> None:
        """End all sessions."""
        for end in list(self._ends.values()):
            self.say(end, code)

    def end_twins(self, end: End) -> None:
        """Keep one link with the neighbour at an end."""
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
                self.say(loser, code)

    def end_slow(self) -> None:
        """Leave those for whom more waits to be sent than there is room for."""
        for end in list(self._ends.values()):
            if end.session.unsent > MAX_UNSENT_BYTES and not end.session.is_over:
                self.say(end, "slow", "The other side takes too little at a time.")

    def note(self) -> None:
        """Note how sessions have ended: what neighbours did wrong, and what they said."""
        faults, self._gossip.faults = self._gossip.faults, []
        farewells, self._gossip.farewells = self._gossip.farewells, []
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
