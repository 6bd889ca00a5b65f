"""Aside: questions that take long, asked beside the others, with a reader of their own.

Decides that at most so many are under way at once: the board and the status are
answered meanwhile, and many who ask for statements wait for each other.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final, TypeVar, cast

from ledger.store.reading import Reader

from . import clock
from .custody import Custody
from .service import Service

Answer = TypeVar("Answer")

AT_ONCE: Final = 2
"""such questions under way at once; a node has two cores, and a page in front of it."""


class Aside:
    """The turns that long questions wait for. Belongs to the event loop's thread."""

    def __init__(self) -> None:
        self.turns = asyncio.Semaphore(AT_ONCE)

    async def ask(self, custody: Custody, question: Callable[[Service], Answer]) -> Answer:
        """Ask the ledger something that takes long, from one state of it.

        The question runs in the context of who asks, so that words may be made in
        it. Raises what `question` raises, StoreError.
        """
        async with self.turns:
            return await asyncio.to_thread(_answer, custody, question)


async def apart(work: Callable[[], Answer]) -> Answer:
    """Do something that may take minutes, on a thread that nobody waits for when the node stops.

    What is under way then is as if the computer had been switched off. Raises what `work` raises.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Answer] = loop.create_future()
    context = contextvars.copy_context()

    def tell(result: Answer | None, error: BaseException | None) -> None:
        if done.done():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(cast(Answer, result))

    def run() -> None:
        result, fault = None, None
        try:
            result = context.run(work)
        except BaseException as error:
            fault = error
        with suppress(RuntimeError):  # the node has stopped
            loop.call_soon_threadsafe(tell, result, fault)

    threading.Thread(target=run, name="trueque-apart", daemon=True).start()
    return await done


def _answer(custody: Custody, question: Callable[[Service], Answer]) -> Answer:
    with Reader(custody.home.ledger) as reader, reader.snapshot():
        return question(Service(reader, custody.log, None, None, clock.now))
