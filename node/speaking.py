"""Speaking: what goes out over all links, each in a task of its own.

Decides what comes before what: messages of the session, then answers to what the
other side asks or wants, then photos, a piece at a time; and that reading and
compressing happen on a thread beside the event loop's. What comes in, and what
that leads to, is `links`'.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor

from ledger.errors import StoreError
from protocol.serving import frames_for, hashes_for

from . import journal
from .ends import End
from .holdings import Shelf
from .lending import Lender
from .limits import MAX_SERVED_WANTS
from .photos import Giving


class Speaking:
    """What is said and served. Used in the event loop's thread.

    `thread` is the one that reads, with the reader of `shelf` and `lender`;
    `look` is called when the time that a neighbour has may be over, `failed`
    when what it wants could not be read.
    """

    def __init__(
        self,
        thread: Executor,
        shelf: Shelf,
        lender: Lender,
        now: Callable[[], float],
        *,
        look: Callable[[End], None],
        failed: Callable[[End], None],
    ) -> None:
        self._thread = thread
        self._shelf = shelf
        self._lender = lender
        self._now = now
        self._look = look
        self._failed = failed
        self.sent = 0
        """bytes of messages that went out over all links, as they were on the wire"""
        self.trouble: StoreError | None = None
        """why what somebody wanted could not be read the last time; None once something could"""

    async def write(self, end: End) -> None:
        """Send what a session has to say until it is over. Raises ConnectionError."""
        giving = Giving(self._lender, self._thread)
        try:
            while True:
                for piece in end.session.outgoing():
                    self.sent += len(piece)
                    await end.socket.send_bytes(piece)
                if end.session.is_over:
                    # Whoever said farewell closes: the reading task waits for the other's close otherwise.
                    await end.socket.close()
                    return
                if await self._answer(end):
                    continue
                pause = await giving.go_on(end.session, self._now())
                if pause != 0.0:
                    await self._wait(end, pause)
        finally:
            giving.close()

    async def _answer(self, end: End) -> bool:
        """Say some of what the other side asks or wants; whether there was anything."""
        loop, session = asyncio.get_running_loop(), end.session
        try:
            if (ask := session.question) is not None:
                session.answer(await loop.run_in_executor(self._thread, hashes_for, ask, self._shelf))
            elif wants := session.to_serve(MAX_SERVED_WANTS):
                session.serve(*await loop.run_in_executor(self._thread, frames_for, wants, self._shelf))
            else:
                return False
        except StoreError as error:
            self.trouble = error
            journal.tell("serving_failed", level="error", link=end.number, error=error)
            self._failed(end)
        else:
            self.trouble = None
        return True

    async def _wait(self, end: End, pause: float | None) -> None:
        """Wait until there is something to say, the other side has had its time, or a pause is over."""
        timer = end.session.timer
        waits = [] if timer is None else [max(0.0, timer - self._now())]
        waits += [] if pause is None else [pause]
        try:
            async with asyncio.timeout(min(waits, default=None)):
                await end.wake.wait()
        except TimeoutError:
            end.session.tick(self._now())
            self._look(end)
        end.wake.clear()
