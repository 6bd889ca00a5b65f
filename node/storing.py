"""Storing: what has come over all links, verified and stored on one thread, in the order in which it came.

Decides how much may wait, that runs which follow each other are stored at once,
and what becomes of it where nothing can be stored: all links are ended, and it is
tried again with what comes later. What is stored, refused or proved is `deeds`' to
do and `gossip`'s to make something of.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import TYPE_CHECKING

from ledger.errors import EvidenceError, StoreError
from ledger.store.reading import Reader
from protocol.deeds import Deed, Outcome, Prove, See, Take
from protocol.gossip import Gossip

from . import journal
from .deeds import Doer
from .limits import (
    MAX_PENDING_BYTES,
    MAX_RETRY_SECONDS,
    PENDING_ENTRY_BYTES,
    PENDING_EVIDENCE_BYTES,
    PENDING_HEAD_BYTES,
    RETRY_SECONDS,
)

if TYPE_CHECKING:
    from ledger.store.writing import Store


class Storing:
    """The deeds that wait, and the task that has them done. Used in the event loop's thread.

    `thread` is the one that stores, `doer` what it does there; `look` is called
    when gossip may have something to say, `stored` when all that waited has
    been stored, `failed` when something could not be.
    """

    def __init__(
        self,
        store: Store,
        thread: Executor,
        doer: Doer,
        gossip: Gossip,
        reader: Reader,
        *,
        look: Callable[[], None],
        stored: Callable[[], None],
        failed: Callable[[], None],
    ) -> None:
        self._store = store
        self._thread = thread
        self._doer = doer
        self._gossip = gossip
        self._reader = reader
        self._look = look
        self._stored = stored
        self._failed = failed
        self._deeds: list[Deed] = []
        self._pending = 0
        self._work = asyncio.Event()
        self.room = asyncio.Event()
        """set while more may be read from neighbours"""
        self.room.set()
        self.trouble: StoreError | None = None
        """why nothing could be stored the last time; None once something could"""
        self._is_judging = self._forgives_later = False

    def add(self, deeds: Sequence[Deed]) -> None:
        """Take note of deeds; while too much waits to be stored, nothing more is to be read from anybody."""
        for deed in deeds:
            self._deeds.append(deed)
            self._pending += _bytes_in(deed)
            self._work.set()
        if self._pending >= MAX_PENDING_BYTES:
            self.room.clear()

    def forgive(self) -> None:
        """Whom this commune recognises has changed: what is judged at this moment does not know of it yet."""
        self._forgives_later = self._is_judging

    async def do_all(self) -> None:
        """Do what gossip wants, in its order, for ever; what cannot be done is tried again later."""
        pause = RETRY_SECONDS
        while True:
            await self._work.wait()
            self._work.clear()
            try:
                await self._do_what_waits()
            except StoreError as error:
                self.trouble = error
                journal.tell("storing_failed", level="error", error=error)
                self._failed()
                await asyncio.sleep(pause)
                pause = min(2 * pause, MAX_RETRY_SECONDS)
                self._work.set()
            except Exception as error:
                # A fault of this program: what it comes of is let go of, and asked for again over new links.
                journal.fault("fault", error, part="storing")
                self._failed()
                await asyncio.sleep(pause)
                pause = min(2 * pause, MAX_RETRY_SECONDS)
            else:
                self.trouble, pause = None, RETRY_SECONDS
                self._stored()

    async def _do_what_waits(self) -> None:
        """Do all deeds that there are, and have what came of them on the disk. Raises StoreError."""
        loop = asyncio.get_running_loop()
        while self._deeds:
            deeds = _first_alike(self._deeds)
            del self._deeds[: len(deeds)]
            self._pending -= sum(map(_bytes_in, deeds))
            if self._pending < MAX_PENDING_BYTES:
                self.room.set()
            self._is_judging = True
            try:
                outcomes = await loop.run_in_executor(self._thread, self._do, deeds)
            except StoreError:
                self._deeds[:0] = deeds
                self._pending += sum(map(_bytes_in, deeds))
                raise
            finally:
                self._is_judging = False
            self._done(deeds, outcomes)
            self.add(self._gossip.deeds())
            self._look()
        await loop.run_in_executor(self._thread, self._store.sync)

    def _done(self, deeds: Sequence[Deed], outcomes: Sequence[list[Outcome | EvidenceError | bool]]) -> None:
        with self._reader.snapshot():
            for deed, outcome in zip(deeds, outcomes, strict=True):
                if not isinstance(deed, See):
                    self._gossip.done(deed, outcome)
                elif not all(outcome):
                    self._gossip.forged(deed)
            if self._forgives_later:
                self._forgives_later = False
                self._gossip.forgive()

    def _do(self, deeds: Sequence[Deed]) -> list[list[Outcome | EvidenceError | bool]]:
        """Do some deeds of one kind; on the storing thread."""
        takes = [deed for deed in deeds if isinstance(deed, Take)]
        if takes:
            return [list(outcomes) for outcomes in self._doer.take(takes)]
        done: list[list[Outcome | EvidenceError | bool]] = []
        for deed in deeds:
            if isinstance(deed, Prove):
                done.append([self._doer.prove(deed)])
            else:
                assert isinstance(deed, See)
                done.append([self._doer.see(deed)])
        return done


def _bytes_in(deed: Deed) -> int:
    """What a deed takes of memory, nearly, as long as it waits."""
    if not isinstance(deed, Take):
        return PENDING_HEAD_BYTES if isinstance(deed, See) else PENDING_EVIDENCE_BYTES
    payloads = [item for run in deed.runs for item in run.items if isinstance(item, bytes)]
    return sum(map(len, payloads)) + PENDING_ENTRY_BYTES * sum(len(run.items) for run in deed.runs)


def _first_alike(deeds: list[Deed]) -> list[Deed]:
    """The first deeds, as far as they are of one kind; of evidence the first one alone."""
    alike = deeds[:1]
    for deed in deeds[1:] if not isinstance(deeds[0], Prove) else ():
        if type(deed) is not type(deeds[0]):
            break
        alike.append(deed)
    return alike
