"""Repeats: a request that signs, asked again under the same key, is answered as it was the first time.

Decides how long that is: as long as the node runs, and for the newest keys
alone. A request that was refused, or still lacks signatures, signed nothing, so
that it is tried anew. A key is the header `Idempotency-Key`, as whoever asks
makes it up.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from aiohttp import web

from ..errors import InputError
from ..limits import MAX_REPEAT_KEY_CHARACTERS, MAX_REPEATS

HEADER: Final = "Idempotency-Key"

CREATED: Final = 201
"""Status of an answer that says what was signed."""


@dataclass(frozen=True, slots=True)
class Done:
    """An answer of JSON that was given."""

    status: int
    body: bytes


@dataclass(slots=True)
class _First:
    """What was asked first under a key (a hash of it), and what comes of it."""

    asked: bytes
    doing: asyncio.Future[Done]


class Repeats:
    """The answers given under keys. Belongs to the event loop's thread."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, _First] = OrderedDict()

    async def once(self, request: web.Request, data: bytes, do: Callable[[], Awaitable[Done]]) -> Done:
        """Do what is asked, or give the answer that it had. Raises what `do` raises, and InputError."""
        keys = request.headers.getall(HEADER, [])
        if not keys:
            return await do()
        key = keys[0]
        if len(keys) > 1 or not 1 <= len(key) <= MAX_REPEAT_KEY_CHARACTERS:
            raise InputError(
                "A request has one key at most, of 1 to {most} characters: make another.",
                most=MAX_REPEAT_KEY_CHARACTERS,
            )
        asked = sha256(f"{request.method} {request.path_qs}\n".encode("utf-8", "surrogateescape") + data)
        known = self._known.get(key)
        if known is not None:
            if known.asked != asked.digest():
                raise InputError("Something else was asked under this key: make another.")
            return await asyncio.shield(known.doing)
        return await self._begin(key, asked.digest(), do)

    async def _begin(self, key: str, asked: bytes, do: Callable[[], Awaitable[Done]]) -> Done:
        doing = asyncio.ensure_future(do())
        self._known[key] = _First(asked, doing)
        while len(self._known) > MAX_REPEATS:
            self._known.popitem(last=False)
        doing.add_done_callback(lambda done: None if _has_signed(done) else self._forget(key, doing))
        # Whoever asked may go away: what was begun is done, and answered when it is asked again.
        return await asyncio.shield(doing)

    def _forget(self, key: str, doing: asyncio.Future[Done]) -> None:
        known = self._known.get(key)
        if known is not None and known.doing is doing:
            del self._known[key]


def _has_signed(done: asyncio.Future[Done]) -> bool:
    """Whether something came of it that must not come of it twice; else it is tried anew."""
    return not done.cancelled() and done.exception() is None and done.result().status == CREATED


REPEATS: Final = web.AppKey("repeats", Repeats)
"""The answers given under keys, in the application."""
