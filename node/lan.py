"""The local network: whether the pages are heard there, and at which addresses phones find them.

Decides that nothing listens there while it is not wanted, no password is set or
no commune is open, and that it begins and ends at once when that changes. The
operator's setting rules where there is one, else what was chosen on the pages.
It is heard at the same port as on this computer, whose listener stays as it is.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Final

from aiohttp import web

from ledger.errors import LedgerError

from . import journal
from .entrance import Entrance, no_password
from .errors import ListenError
from .limits import MAX_PEOPLE, MAX_PEOPLE_AT_HOST
from .listener import BACKLOG, Listener


class Lan:
    """The pages' second listener. Belongs to the event loop's thread."""

    def __init__(self, entrance: Entrance, ruled: bool | None) -> None:
        """`ruled` is what the operator has set, None if that is left to the pages."""
        self.entrance = entrance
        self.ruled = ruled
        self.trouble: LedgerError | None = None
        """why it is not heard although it is wanted"""
        self._runner: web.AppRunner | None = None
        self._here: socket.socket | None = None
        self._listener: Listener | None = None
        self._settling = asyncio.Lock()

    @property
    def is_wanted(self) -> bool:
        """Whether the pages are to be heard on the local network."""
        return self.entrance.is_wanted if self.ruled is None else self.ruled

    @property
    def is_open(self) -> bool:
        """Whether they are."""
        return self._listener is not None

    async def begin(self, runner: web.AppRunner, here: socket.socket) -> None:
        """A commune is open: from now on listen whenever it is wanted; `here` listens to this computer."""
        self._runner, self._here = runner, here
        await self.settle()

    async def settle(self) -> None:
        """Do what is wanted now. Raises nothing: `trouble` says what keeps it."""
        async with self._settling:
            if self._runner is not None and self._here is not None:
                await self._settle(self._runner, self._here)

    async def _settle(self, runner: web.AppRunner, here: socket.socket) -> None:
        self.trouble = no_password() if self.is_wanted and not self.entrance.is_guarded else None
        should = self.is_wanted and self.trouble is None
        if should and self._listener is None:
            try:
                listener = Listener(runner, _beside(here), most=MAX_PEOPLE, most_at_host=MAX_PEOPLE_AT_HOST)
                await listener.start()
            except OSError as error:
                self.trouble = ListenError(
                    "The local network cannot be listened to at port {port} ({reason}): close the program "
                    "that uses it, or give another with --people-port.",
                    port=here.getsockname()[1],
                    reason=error.strerror,
                )
            else:
                self._listener = listener
                journal.tell("lan_opened", port=here.getsockname()[1])
        elif not should and self._listener is not None:
            listener, self._listener = self._listener, None
            await listener.stop()
            self.hang_up()
            journal.tell("lan_closed")
        if self.trouble is not None:
            journal.tell("lan_refused", level="warning", sentence=self.trouble)

    def hang_up(self) -> None:
        """End all connections from the local network: who was let in by them may be no longer."""
        if self._runner is not None and self._runner.server is not None:
            for connection in list(self._runner.server.connections):
                if connection.transport is not None:
                    connection.transport.abort()


LAN: Final = web.AppKey("lan", Lan)
"""The local network, in the applications of both listeners."""

FROM_LAN: Final = web.AppKey("from_lan", bool)
"""Whether an application is the one that the local network reaches."""


def _beside(here: socket.socket) -> socket.socket:
    """A socket that listens at all addresses of a port at whose loopback address another one does.

    Linux allows that to two that both say so (SO_REUSEPORT, socket(7)); they
    say it for this moment alone, so that no other program can join them. What
    is sent to 127.0.0.1 still goes to the one there. Raises OSError.
    """
    port = here.getsockname()[1]
    try:
        return _bound(here, socket.AF_INET6, "::", port)
    except OSError:
        # Without IPv6 there is no such address; what else is amiss is amiss with IPv4 too.
        return _bound(here, socket.AF_INET, "0.0.0.0", port)  # noqa: S104  # that is what was asked for


def _bound(here: socket.socket, family: socket.AddressFamily, host: str, port: int) -> socket.socket:
    bound = socket.socket(family, socket.SOCK_STREAM)
    both = (here, bound)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        for each in both:
            each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        bound.bind((host, port))
        bound.listen(BACKLOG)
    except BaseException:
        bound.close()
        raise
    finally:
        for each in both:
            if each.fileno() != -1:
                each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 0)
    return bound
