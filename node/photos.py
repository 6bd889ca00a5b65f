"""Photos: fetched from neighbours when somebody wants to see them, and given to those who ask.

Decides which thread does what: files are read, hashed and written on the thread
that serves, never on the event loop's. How long is waited for a neighbour before
the next is asked is decided here too. Whom to ask is `protocol.fetching`'s, what
may be given and kept `lending`'s, where it is sent `links`'.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator
from concurrent.futures import Executor

from protocol.blobs import BlobWant
from protocol.fetching import Fetching
from protocol.serving import frames_of_blob
from protocol.session import Session

from .lending import Lender
from .limits import FETCH_SECONDS


class Photos:
    """What is fetched. Used in the event loop's thread."""

    def __init__(
        self, lender: Lender, server: Executor, fetching: Fetching, look: Callable[[], None]
    ) -> None:
        """`look` has whatever sessions have to say sent."""
        self._lender = lender
        self._server = server
        self._fetching = fetching
        self._look = look
        self._waiting: dict[BlobWant, asyncio.Future[bool]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def fetch(self, digest: bytes, listing: bytes) -> bool:
        """Have a photo fetched that a listing names; whether it is held then.

        It may take minutes; whoever waits no longer stops nothing.
        """
        want = BlobWant(digest, listing)
        if await asyncio.to_thread(self._lender.blobs.holds, digest):
            return True
        future = self._waiting.get(want)
        if future is None:
            future = self._waiting[want] = asyncio.get_running_loop().create_future()
            self._do(self._watch(want, future))
            self._fetching.want(want)
            self.collect()
            self._look()
        return await asyncio.shield(future)

    def collect(self) -> None:
        """Keep what has come, and tell whoever waits for it."""
        for want, data in self._fetching.found():
            self._do(self._keep(want, data))

    async def _keep(self, want: BlobWant, data: bytes | None) -> None:
        is_held = False
        if data is not None:
            loop = asyncio.get_running_loop()
            is_held = await loop.run_in_executor(self._server, self._lender.keep, want, data)
        future = self._waiting.pop(want, None)
        if future is not None and not future.done():
            future.set_result(is_held)

    async def _watch(self, want: BlobWant, future: asyncio.Future[bool]) -> None:
        """Ask the next neighbour where one takes too long."""
        while not (await asyncio.wait({future}, timeout=FETCH_SECONDS))[0]:
            self._fetching.pass_on(want)
            self.collect()
            self._look()

    def _do(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def close(self) -> None:
        """Wait for nothing any more: what has not come is not held."""
        for task in self._tasks:
            task.cancel()
        for future in self._waiting.values():
            if not future.done():
                future.set_result(False)
        self._waiting.clear()


class Giving:
    """What one neighbour is given, a piece at a time; used by the task that writes to it."""

    def __init__(self, lender: Lender, server: Executor) -> None:
        self._lender = lender
        self._server = server
        self._pieces: Generator[list[bytes], None, None] | None = None

    async def go_on(self, session: Session, now: float) -> float | None:
        """Say the next piece of what is wanted.

        Returns how many seconds to wait before the next, None if nothing is wanted.
        """
        want = session.blob_to_lend()
        if want is None:
            return None
        if (pause := session.lending_pause(now)) > 0:
            return pause
        loop = asyncio.get_running_loop()
        if self._pieces is None:
            lent = await loop.run_in_executor(self._server, self._lender.lend, want)
            self._pieces = frames_of_blob(want, lent)
        frames = await loop.run_in_executor(self._server, next, self._pieces, None)
        if frames is None:
            self._pieces = None
            session.lent()
        else:
            session.lend(frames, now)
        return 0.0

    def close(self) -> None:
        """Let go of the file that was being given."""
        if self._pieces is not None:
            self._pieces.close()
