"""Aside: questions that take long, asked beside the others, with a reader of their own.

Decides that at most so many are under way at once: the board and the status are
answered meanwhile, and many who ask for statements wait for each other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, TypeVar

from aiohttp import web

from ledger.store.reading import Reader

from .. import clock
from ..api import RESIDENT
from ..custody import Custody
from ..service import Service

Answer = TypeVar("Answer")

AT_ONCE: Final = 2
"""such questions under way at once; a node has two cores, and a page in front of it."""

TURNS: Final = web.AppKey("turns", asyncio.Semaphore)


def begin(app: web.Application) -> None:
    """Give an application what these questions wait for."""
    app[TURNS] = asyncio.Semaphore(AT_ONCE)


async def ask_aside(request: web.Request, question: Callable[[Service], Answer]) -> Answer:
    """Ask the ledger something that takes long, from one state of it.

    The question runs in the context of the page, so that words may be made in
    it. Raises what `question` raises, HomeError while no home is open, StoreError.
    """
    custody = request.app[RESIDENT].opened
    async with request.app[TURNS]:
        return await asyncio.to_thread(_answer, custody, question)


def _answer(custody: Custody, question: Callable[[Service], Answer]) -> Answer:
    with Reader(custody.home.ledger) as reader, reader.snapshot():
        return question(Service(reader, custody.log, None, None, clock.now))
