"""The ensemble: all parts of a running node at once.

Decides how long each may take to stop, to look round before the first signature
and to fetch a photo, and that one that fails or takes too long keeps nobody else
from it. What a part is, and when it is called, `parts` says; who calls is the
`resident`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from . import journal
from .addresses import Address
from .limits import ASKING_SECONDS, PART_SECONDS, PHOTO_SECONDS
from .parts import Part, PartState, Place


class Ensemble:
    """The parts that were started, in this order. Belongs to the event loop's thread."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self.all = tuple(parts)
        self._started: list[Part] = []
        self._is_asked = False
        self._asking = asyncio.Lock()

    async def start(self, place: Place) -> None:
        """Start all with the open home; an error in one is the caller's."""
        for part in self.all:
            self._started.append(part)
            await part.start(place)

    async def stop(self) -> None:
        """Stop all at once; one that takes too long is left behind."""
        stops = {asyncio.create_task(part.stop(), name=part.name) for part in self._started}
        if stops:
            done, late = await asyncio.wait(stops, timeout=PART_SECONDS)
            for task in done:
                if (error := task.exception()) is not None:
                    journal.fault("fault", error, part=task.get_name())
            for task in late:
                journal.tell("left_behind", level="warning", part=task.get_name())

    async def before_first_signature(self) -> None:
        """Have all look once whether others hold more of this node's log; whoever asks meanwhile waits."""
        async with self._asking:
            if self._is_asked:
                return
            asks = {asyncio.create_task(part.before_first_signature()) for part in self._started}
            if asks:
                done, late = await asyncio.wait(asks, timeout=ASKING_SECONDS)
                for task in late:
                    task.cancel()
                for task in done:
                    if (error := task.exception()) is not None:
                        journal.fault("fault", error)
            self._is_asked = True

    async def fetch(self, digest: bytes, listing: bytes) -> None:
        """Have a photo fetched, and wait as long as somebody may; it goes on coming after that."""
        fetches = {asyncio.create_task(part.fetch(digest, listing)) for part in self._started}
        if fetches:
            _, late = await asyncio.wait(fetches, timeout=PHOTO_SECONDS)
            for task in late:
                task.cancel()

    def written(self) -> None:
        """Something was signed, taken in or erased."""
        for part in self._started:
            part.written()

    def rolled_back(self) -> None:
        """What was held before may be missing."""
        for part in self._started:
            part.rolled_back()

    def named(self, addresses: Sequence[Address]) -> None:
        """The addresses that somebody here gave are these now."""
        for part in self._started:
            part.named(addresses)

    def states(self) -> dict[str, PartState]:
        """What those have to say that have something to say, by their names."""
        return {part.name: state for part in self._started if (state := part.state()) is not None}
