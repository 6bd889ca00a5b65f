"""Repeats: a request that signs, asked again under the same key, is answered as it was the first time.

Decides how long that is: as long as the node runs, and for the newest keys
alone. A request that was refused, or still lacks signatures, signed nothing, so
that it is tried anew. A key is the header `Idempotency-Key`, as whoever asks
makes it up. What was done before a restart is `signing`'s to refuse.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from aiohttp import web

from ..errors import InputError
from ..limits import MAX_REPEAT_KEY_CHARACTERS, MAX_REPEATS
from ..once import Once

HEADER: Final = "Idempotency-Key"

CREATED: Final = 201
"""Status of an answer that says what was signed."""


@dataclass(frozen=True, slots=True)
class Done:
    """An answer of JSON that was given."""

    status: int
    body: bytes


class Repeats:
    """The answers given under keys. Belongs to the event loop's thread."""

    def __init__(self) -> None:
        self._done: Once[Done] = Once(MAX_REPEATS, lambda done: done.status == CREATED)

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
        if self._done.mark_of(key) not in (None, asked.digest()):
            raise InputError("Something else was asked under this key: make another.")
        return await self._done.do(key, do, asked.digest())


REPEATS: Final = web.AppKey("repeats", Repeats)
"""The answers given under keys, in the application."""
