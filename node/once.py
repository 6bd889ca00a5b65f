"""Once: what is asked under a key is done once, and whoever asks again is given what came of it.

Decides how long that is remembered: for the newest keys alone. What failed, or
came to nothing that must not come twice, is forgotten, so that it may be tried
anew. Who makes the keys, and what is done, is the callers'.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class _First(Generic[Result]):
    """What is done under a key, and a mark of what was asked."""

    mark: bytes
    doing: asyncio.Future[Result]


class Once(Generic[Result]):
    """What came of the newest `most` keys. Belongs to the event loop's thread."""

    def __init__(self, most: int, is_final: Callable[[Result], bool] = lambda result: True) -> None:
        """`is_final` says whether a result must not come of its key twice."""
        self._most = most
        self._is_final = is_final
        self._known: OrderedDict[str, _First[Result]] = OrderedDict()

    def mark_of(self, key: str) -> bytes | None:
        """The mark of what was asked under a key, None if nothing was."""
        known = self._known.get(key)
        return None if known is None else known.mark

    async def do(self, key: str, work: Callable[[], Awaitable[Result]], mark: bytes = b"") -> Result:
        """Do something, or give what came of it the first time. Raises what `work` raises."""
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = _First(mark, asyncio.ensure_future(work()))
            while len(self._known) > self._most:
                self._known.popitem(last=False)
            known.doing.add_done_callback(lambda done: self._came(key, done))
        # Whoever asked may go away: what was begun is done, and given when it is asked again.
        return await asyncio.shield(known.doing)

    def _came(self, key: str, done: asyncio.Future[Result]) -> None:
        if not done.cancelled() and done.exception() is None and self._is_final(done.result()):
            return
        known = self._known.get(key)
        if known is not None and known.doing is done:
            del self._known[key]
