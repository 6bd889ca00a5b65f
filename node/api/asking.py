"""Asking: what a request brings, and the ways in which it is done.

Decides what is asked of the ledger beside other questions, what with a reader
of its own, and what is signed; always in the language of who asks, whichever
thread it runs on.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from aiohttp import web

from ..resident import Resident
from ..service import Service

RESIDENT: Final = web.AppKey("resident", Resident)
"""The node, in the application of the people's listener."""

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: `query` and `body` are of the shapes that its endpoint names."""

    request: web.Request
    query: Any
    body: Any

    @property
    def resident(self) -> Resident:
        """The node that is asked."""
        return self.request.app[RESIDENT]

    def id(self, name: str = "id") -> bytes:
        """An id in the address."""
        return bytes.fromhex(self.request.match_info[name])

    async def ask(self, question: Callable[[Service], Answer]) -> Answer:
        """Ask the ledger something short. Raises what `question` raises, HomeError, StoreError."""
        context = copy_context()

        def answer(service: Service) -> Answer:
            with service.reader.snapshot():
                return context.run(question, service)

        return await self.resident.opened.ask(answer)

    async def ask_aside(self, question: Callable[[Service], Answer]) -> Answer:
        """As `ask`, for what may take long: with a reader of its own, a few at a time."""
        return await self.resident.ask_aside(question)

    async def sign(self, work: Callable[[Service], Answer]) -> Answer:
        """Do what signs. Raises what `work` raises, HomeError, SigningStopped, StoreError."""
        context = copy_context()
        return await self.resident.sign(lambda service: context.run(work, service))
