"""Tending: links that stand, looked at again and again.

Decides what counts as having met somebody, when what they did wrong is forgiven,
and which links are ended because they are at rest and others are wanted: whoever
opened such a link ends it, the other side does if it has too many. With whom a
node stays linked is `choice`'s, when somebody is met again `meeting`'s.

Belongs to the event loop's thread.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from protocol.handshake import Role

from . import journal
from .backoff import Backoff
from .choice import position_of
from .ends import Linked
from .limits import STEADY_SECONDS, TEND_SECONDS
from .links import Links
from .meeting import Meetings


class Tending:
    """Which links have come to rest, which have stood for a while, and the task that looks."""

    def __init__(
        self,
        links: Links,
        meetings: Meetings,
        *,
        tries: Backoff,
        faults: Backoff,
        places: int,
        behaved: Callable[[Linked], None],
    ) -> None:
        """`tries` and `faults` are the books of `Meetings`; `behaved` is told of links that have stood."""
        self._links = links
        self._meetings = meetings
        self._tries = tries
        self._faults = faults
        self._places = places
        self._behaved = behaved
        self._resting: dict[int, Linked] = {}
        self._steady: set[int] = set()
        self._task = asyncio.create_task(self._tend_for_ever())

    async def close(self) -> None:
        """Look no more."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _tend_for_ever(self) -> None:
        while True:
            await asyncio.sleep(TEND_SECONDS)
            try:
                self.tend()
            except Exception as error:  # whatever it is, links are to be tended after it too
                journal.fault("fault", error, part="tending")

    def tend(self) -> None:
        """Look which links are at rest: note that they were met, and end those that are not wanted."""
        linked, now = self._links.linked, time.monotonic()
        for number in self._resting.keys() - {link.number for link in linked}:
            gone = self._resting.pop(number)
            self._steady.discard(number)
            self._tries.saw(position_of(gone.peer).hex())
        too_many = len(linked) - self._places
        for link in linked:
            if not self._links.rests(link):
                continue
            if link.number not in self._resting:
                self._resting[link.number] = link
                self._meetings.rested(link)
            if link.number not in self._steady and now - link.since >= STEADY_SECONDS:
                self._steady.add(link.number)
                self._faults.forgive(link.peer.hex())
                self._behaved(link)
            is_wanted = position_of(link.peer) in self._meetings.wanted
            if not is_wanted and (link.role is Role.INITIATOR or too_many > 0):
                too_many -= 1
                self._links.leave(link, "enough")
