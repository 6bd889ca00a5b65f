"""Presence: this node on the local network, for as long as the network stays the same.

Decides how zeroconf is used: on which sockets it speaks, under which name this
node is announced, how others are asked for and their particulars are got. One
Presence is one life of zeroconf, with a memory of its own; when to begin
another, and what its reports are worth, is decided elsewhere (`discovery`,
`neighbours`).

All of it belongs to the event loop. zeroconf takes errors of sending (an
address that is gone, a cable that is out) as lost packets; so does this.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from zeroconf import (
    BadTypeInNameException,
    ServiceNameAlreadyRegistered,
    ServiceStateChange,
)
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

from .hints import SERVICE, Announcement, Seen, instance_label, write_text
from .interfaces import Interfaces, announced, speakers
from .limits import (
    ANNOUNCE_AGAIN_SECONDS,
    MAX_NAMES_CACHED,
    MAX_RETRY_SECONDS,
    NAME_SECONDS,
    RETRY_SECONDS,
    STOP_SECONDS,
)

_log = logging.getLogger(__name__)

_MAX_SEEN_ADDRESSES = 64  # looked at of one name, however many are announced


def particulars(
    announcement: Announcement, instance: str, host: str, port: int, interfaces: Interfaces
) -> AsyncServiceInfo:
    """The records that announce a node (docs/spec/discovery.md), in the form that zeroconf wants them."""
    return AsyncServiceInfo(
        SERVICE,
        f"{instance}.{SERVICE}",
        port=port,
        properties=write_text(announcement),
        server=f"{host}.local.",
        parsed_addresses=list(announced(interfaces)),
    )


class Presence:
    """One life of zeroconf on this node's interfaces.

    `host` is the label of this node's address records, `heard` is called with
    the instance of whoever appears or changes (True) or says goodbye (False).
    """

    def __init__(
        self, announcement: Announcement, host: str, port: int, heard: Callable[[str, bool], None]
    ) -> None:
        self._announcement = announcement
        self._host = host
        self._port = port
        self._heard = heard
        self._instance = instance_label(announcement.log)
        self._zeroconf: AsyncZeroconf | None = None
        self._browser: AsyncServiceBrowser | None = None
        self._announcing: asyncio.Task[None] | None = None  # or announcing again
        self._is_announced = False

    @property
    def is_flooded(self) -> bool:
        """Whether zeroconf remembers so many names that it should start anew."""
        if self._zeroconf is None:
            return False
        return len(self._zeroconf.zeroconf.cache.entries_with_name(SERVICE)) > MAX_NAMES_CACHED

    async def open(self, interfaces: Interfaces) -> None:
        """Begins to announce and asks who is there. Raises OSError and zeroconf's errors."""
        messages = logging.getLogger("zeroconf")
        if not messages.isEnabledFor(logging.DEBUG):
            messages.setLevel(logging.ERROR)  # else it tells of lost packets, with a traceback each
        self._zeroconf = AsyncZeroconf(interfaces=speakers(interfaces))
        await self._zeroconf.zeroconf.async_wait_for_start()
        await self.ask()
        self._announce(interfaces)

    async def adjust(self, interfaces: Interfaces) -> None:
        """Goes on with other interfaces or addresses. Raises OSError and zeroconf's errors."""
        assert self._zeroconf is not None
        self._announce(interfaces)
        await self._zeroconf.async_update_interfaces(speakers(interfaces))

    async def reconcile(self, interfaces: Interfaces) -> None:
        """Tries again to speak on interfaces that refused. Raises OSError and zeroconf's errors."""
        assert self._zeroconf is not None
        before = len(self._zeroconf.zeroconf.engine.senders)
        await self._zeroconf.async_update_interfaces(speakers(interfaces))
        if len(self._zeroconf.zeroconf.engine.senders) > before:
            await self.ask()

    async def ask(self) -> None:
        """Asks who else is there; zeroconf does so by itself only when it starts."""
        assert self._zeroconf is not None
        if self._browser is not None:
            await self._browser.async_cancel()
        self._browser = AsyncServiceBrowser(self._zeroconf.zeroconf, SERVICE, handlers=[self._on_change])

    def recall(self, instance: str) -> Seen | None:
        """The particulars of a name, if zeroconf has all of them already."""
        info = self._named(instance)
        if info is None or self._zeroconf is None or not info.load_from_cache(self._zeroconf.zeroconf):
            return None
        return _seen(instance, info)

    async def inquire(self, instance: str) -> Seen | None:
        """The particulars of a name, asked for if need be; None if nobody answers within 3 seconds."""
        info = self._named(instance)
        if info is None or self._zeroconf is None:
            return None
        if not await info.async_request(self._zeroconf.zeroconf, NAME_SECONDS * 1000):
            return None
        return _seen(instance, info)

    async def close(self) -> None:
        """Says goodbye where it can still be heard and closes the sockets, within a second. Never raises."""
        if self._announcing is not None:
            self._announcing.cancel()
        zeroconf, self._zeroconf = self._zeroconf, None
        if zeroconf is None:
            return
        try:
            if self._browser is not None:
                await self._browser.async_cancel()
            await asyncio.wait_for(zeroconf.async_close(), STOP_SECONDS)
        except Exception as error:
            _log.debug("goodbye was not said: %r", error)
            with suppress(Exception):
                zeroconf.zeroconf.close()

    def _named(self, instance: str) -> AsyncServiceInfo | None:
        try:
            return AsyncServiceInfo(SERVICE, f"{instance}.{SERVICE}")
        except BadTypeInNameException:
            return None

    def _announce(self, interfaces: Interfaces) -> None:
        if self._announcing is not None:
            self._announcing.cancel()
        info = particulars(self._announcement, self._instance, self._host, self._port, interfaces)
        announcing = self._announce_again(info) if self._is_announced else self._keep_announcing(info)
        self._announcing = asyncio.create_task(announcing)

    async def _announce_again(self, info: AsyncServiceInfo) -> None:
        """Twice, since former addresses are only forgotten if they are a second old (RFC 6762, 10.2)."""
        assert self._zeroconf is not None
        for wait in (0.0, ANNOUNCE_AGAIN_SECONDS):
            await asyncio.sleep(wait)
            try:
                await (await self._zeroconf.async_update_service(info))
            except Exception as error:
                _log.warning("this node's new addresses could not be announced: %r", error)

    async def _keep_announcing(self, info: AsyncServiceInfo) -> None:
        """Until it has worked once. Where the name is taken, by whomever, zeroconf appends a number."""
        assert self._zeroconf is not None
        wait = RETRY_SECONDS
        while True:
            try:
                sent = await self._zeroconf.async_register_service(info, allow_name_change=True)
                self._instance = info.get_name()
                self._is_announced = True
                await sent
                return
            except ServiceNameAlreadyRegistered:
                return
            except Exception as error:
                _log.warning("this node could not be announced, and will be again: %r", error)
            await asyncio.sleep(wait)
            wait = min(wait * 2, MAX_RETRY_SECONDS)

    def _on_change(self, name: str, state_change: ServiceStateChange, **_: Any) -> None:
        if name.lower().endswith(f".{SERVICE}"):
            self._heard(name[: -len(SERVICE) - 1], state_change is not ServiceStateChange.Removed)


def _seen(instance: str, info: AsyncServiceInfo) -> Seen:
    return Seen(
        instance,
        (info.server or "").removesuffix(".local."),
        info.port,
        info.text or b"",
        tuple(info.parsed_scoped_addresses()[:_MAX_SEEN_ADDRESSES]),
    )
