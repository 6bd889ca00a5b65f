"""Following: whose logs a running node takes in, and what is done when these are others.

Decides when that is looked at again: after entries of others have come, after
something was signed or taken in here, and when another day has room for what was
held back. Who is in reach is `quotas`' and `admission`'s to say, how much of it
is kept `rations`'.

Belongs to the event loop's thread.
"""

from __future__ import annotations

import asyncio
import time

from ledger.author import Situation
from ledger.errors import StoreError
from ledger.records import CommuneId
from ledger.store.reading import Reader

from . import clock, journal
from .admission import Admission, reach_of
from .custody import Custody
from .limits import DAY_LOOK_SECONDS, REVIEW_SECONDS
from .links import Links
from .quotas import Reach
from .service import Service
from .settings import Settings


class Following:
    """Who is in reach now, and the tasks that look again."""

    def __init__(self, custody: Custody, settings: Settings) -> None:
        self.recognised: frozenset[CommuneId] = frozenset()
        """whom this commune recognises itself"""
        self._custody = custody
        self._settings = settings
        self._reach = Reach({})
        self._is_old = False
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def begin(self) -> None:
        """Look for the first time. Raises StoreError."""
        self._reach, self.recognised, _ = await self._custody.ask(self._look)

    def admission(self, reader: Reader) -> Admission:
        """What judges runs that have come, by a reader of the thread that stores."""
        return Admission(reader, self._reach, _nothing_waits, self._custody.rations)

    def count_days(self, links: Links) -> None:
        """Ask again, from now on, for what was held back whenever another day has begun."""
        self._tasks["days"] = asyncio.create_task(self._count_days(links))

    def came(self, links: Links) -> None:
        """Entries of others have come: whom they recognise may have changed, and so who is in reach."""
        task = self._tasks.get("came")
        self._is_old = True
        if task is None or task.done():
            self._tasks["came"] = asyncio.create_task(self._review(links))

    def wrote(self, links: Links) -> None:
        """Something was signed here, or taken in otherwise than over links."""
        if (task := self._tasks.get("wrote")) is not None:
            task.cancel()  # the new one looks at everything
        self._tasks["wrote"] = asyncio.create_task(self._review_all(links))

    async def close(self) -> None:
        """Look no more."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _review(self, links: Links) -> None:
        self._is_old = True
        while self._is_old:  # more may come while the ledger is asked
            self._is_old = False
            reach, self.recognised, is_closed = await self._custody.ask(self._look)
            if reach != self._reach:
                self._reach = reach
                links.forgive()
            if is_closed and self._custody.situation is not Situation.SEALED:
                await self._custody.review()

    async def _review_all(self, links: Links) -> None:
        """Look at whom the commune recognises now, and a moment later at what a bundle may have brought."""
        await self._review(links)
        await asyncio.sleep(REVIEW_SECONDS)
        logs = await self._custody.ask(lambda service: [branch.log for branch in service.reader.branches()])
        links.took_in(logs)

    def _look(self, service: Service) -> tuple[Reach, frozenset[CommuneId], bool]:
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
        while True:
            await asyncio.sleep(DAY_LOOK_SECONDS)
            if self._custody.rations.count_day(clock.now(), time.monotonic()):
                try:
                    links.forgive()
                except StoreError as error:
                    journal.tell("reading_failed", level="error", error=error)


def _nothing_waits() -> None:
    """What was admitted is stored before anything else is judged: nothing waits."""
