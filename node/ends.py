"""Ends: this end of a link, and which of two links with one neighbour ends.

Decides that of two links with one log the newer is kept, since whoever opened
it had lost the older one; but not where two computers hold one home and take
turns: then the one that was there stays. Who is met is `company`'s to say, what
goes over a link `links`'.
"""

from __future__ import annotations

import asyncio
import socket as sockets
import sys
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from aiohttp import ClientWebSocketResponse, web

from ledger.log import LogKey
from protocol.deeds import LinkId
from protocol.errors import LeftOff, NoCommonVersion, NotUnderstood, OwnLog
from protocol.handshake import Role
from protocol.session import Session

from .limits import COPY_SECONDS, MAX_HOSTS_BLAMED, TWICE_SECONDS, UNHEARD_SECONDS, UNSENT_BYTES

_EXCUSED: Final = (LeftOff, NoCommonVersion, NotUnderstood, OwnLog)
"""Faults for which nobody is left alone: being slow, of another version or network, or of this very log."""

Socket = web.WebSocketResponse | ClientWebSocketResponse


@dataclass(frozen=True, slots=True)
class Linked:
    """A link that stands: with which log, who opened it, over which address, since when (of `now`)."""

    peer: LogKey
    role: Role
    address: str
    since: float
    number: LinkId

    @property
    def host(self) -> str:
        """The IP address of the other side, as an announcement has it."""
        return host_of(self.role, self.address)


@dataclass(frozen=True, slots=True)
class Parting:
    """How a link that was opened here ended.

    `peer` is None if nobody proved to be anybody; `said` the code with which
    the other side took its leave, `fault` what it did wrong, `rested` whether
    both sides ever came to rest, `left` whether this side ended it in good order.
    """

    peer: LogKey | None
    said: str | None = None
    fault: Exception | None = None
    rested: bool = False
    left: bool = False

    @property
    def is_own(self) -> bool:
        """Whether the address turned out to be this very log's."""
        return isinstance(self.fault, OwnLog) or self.said == OwnLog.code


@dataclass(slots=True)
class End:
    """This end of a link."""

    number: LinkId
    session: Session
    socket: Socket
    wake: asyncio.Event
    address: str
    since: float
    heard: float
    """when something last came over it"""
    said: str | None = None
    fault: Exception | None = None
    rested: bool = False
    left: bool = False

    @property
    def host(self) -> str:
        """The IP address of the other side."""
        return host_of(self.session.role, self.address)

    @property
    def peer(self) -> LogKey | None:
        """Who is there, as long as the session is not over."""
        met = self.session.met
        return None if met is None or self.session.is_over else met.peer

    def parting(self) -> Parting:
        """How it ended."""
        met = self.session.met
        return Parting(None if met is None else met.peer, self.said, self.fault, self.rested, self.left)

    def look(self) -> None:
        """Let the writing task see whether there is something to send."""
        self.wake.set()

    def give_up_early(self) -> None:
        """Have the system end the connection soon where what is sent is not heard of."""
        connection = self.socket.get_extra_info("socket")
        if connection is not None and sys.platform == "linux":
            milliseconds = int(UNHEARD_SECONDS * 1_000)
            connection.setsockopt(sockets.IPPROTO_TCP, sockets.TCP_USER_TIMEOUT, milliseconds)
            # Else news would wait in the system behind megabytes of photos.
            connection.setsockopt(sockets.IPPROTO_TCP, sockets.TCP_NOTSENT_LOWAT, UNSENT_BYTES)

    def cut(self) -> None:
        """End the connection without a word: it leads nowhere, so nobody would hear it."""
        connection = self.socket.get_extra_info("socket")
        if connection is not None:
            with suppress(OSError):
                connection.shutdown(sockets.SHUT_RDWR)


class Twins:
    """Which of two links with one log ends, and with which word. Belongs to the event loop's thread."""

    def __init__(self, own: LogKey) -> None:
        self._own = own
        self._left: OrderedDict[tuple[LogKey, str], float] = OrderedDict()
        """hosts whose link with a log gave way to one from elsewhere, and when"""

    def loser(self, one: End, other: End, now: float) -> tuple[End, str]:
        """Of two links with one neighbour, the one to end, and the code of its farewell.

        Of two that were opened at the same time, because neither knew that the
        other one did it too, keep that which the lower log opened.
        """
        older, newer = sorted((one, other), key=lambda each: each.number)
        met = newer.session.met
        assert met is not None, "they have met"
        lower = Role.INITIATOR if self._own < met.peer else Role.RESPONDER
        crossed = newer.since - older.since < TWICE_SECONDS and newer.session.role is not older.session.role
        if crossed:
            return (newer if newer.session.role is not lower else older), "duplicate"
        if older.host != newer.host:
            if now - self._left.get((met.peer, newer.host), -COPY_SECONDS) < COPY_SECONDS:
                self._left[met.peer, newer.host] = now
                return newer, "copy"
            self._left[met.peer, older.host] = now
            if len(self._left) > MAX_HOSTS_BLAMED:
                self._left.popitem(last=False)
        return older, "duplicate"


def host_of(role: Role, address: str) -> str:
    """The IP address at the other end of a link: `HOST:PORT` if it was opened here, else the host alone."""
    if role is Role.INITIATOR:
        return address.rpartition(":")[0].strip("[]")
    return address


def is_misbehaviour(fault: Exception) -> bool:
    """Whether a fault is worth leaving somebody alone for, beyond the end of that link."""
    return not isinstance(fault, _EXCUSED)
