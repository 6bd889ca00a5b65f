"""Fetching: blobs that are wanted here, asked of one neighbour after the other.

Decides whom to ask next, and that no more is in memory at once than may be.
Sessions hold neighbours to their word (`lending`); where a blob that came is
kept, and how long is waited for one neighbour, is for whoever drives this.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Protocol

from .blobs import BlobChunk, BlobWant
from .limits import MAX_FETCHES, MAX_OPEN_BLOBS, MAX_SEARCHES


class Asked(Protocol):
    """A session, as far as blobs go."""

    @property
    def open_blobs(self) -> int:
        """How many are wanted of the other side."""

    def want_blob(self, want: BlobWant) -> None:
        """Ask for one."""


@dataclass(slots=True)
class _Search:
    """A blob that is looked for: who has not been asked, who is, and what has come."""

    untried: list[Hashable]
    asked: Hashable | None = None
    pieces: list[bytes] = field(default_factory=list)


class Fetching:
    """All blobs that are looked for. Belongs to one task; links are named by whoever has them."""

    def __init__(self) -> None:
        self._links: dict[Hashable, Asked] = {}
        self._searches: dict[BlobWant, _Search] = {}
        self._open: set[tuple[Hashable, BlobWant]] = set()
        """what is wanted of whom, also if somebody else was asked meanwhile: nobody is asked twice at once"""
        self._found: list[tuple[BlobWant, bytes | None]] = []

    def found(self) -> list[tuple[BlobWant, bytes | None]]:
        """What has come since the last time, and what nobody has: None."""
        found, self._found = self._found, []
        return found

    def want(self, want: BlobWant) -> None:
        """Look for a blob; `found` tells it once, also that it cannot be looked for now."""
        if len(self._searches) >= MAX_SEARCHES and want not in self._searches:
            self._found.append((want, None))
            return
        untried = [number for number in self._links if (number, want) not in self._open]
        self._searches.setdefault(want, _Search(untried))
        self._go_on()

    def pass_on(self, want: BlobWant) -> None:
        """Wait no longer for whoever is asked for a blob now: ask the next."""
        search = self._searches.get(want)
        if search is not None and search.asked is not None:
            self._next(search)
            self._go_on()

    def add(self, number: Hashable, session: Asked) -> None:
        """Take note of a neighbour that may be asked."""
        self._links[number] = session
        for search in self._searches.values():
            search.untried.append(number)
        self._go_on()

    def lose(self, number: Hashable) -> None:
        """Take note that a neighbour is gone."""
        if self._links.pop(number, None) is None:
            return
        self._open = {(asked, want) for asked, want in self._open if asked != number}
        for search in self._searches.values():
            if number in search.untried:
                search.untried.remove(number)
            if search.asked == number:
                self._next(search)
        self._go_on()

    def came(self, number: Hashable, want: BlobWant, chunk: BlobChunk) -> None:
        """Take a chunk; the session has seen to it that it was asked for, and is the next."""
        search = self._searches.get(want)
        if search is not None and search.asked == number:
            search.pieces.append(chunk.data)

    def ended(self, number: Hashable, want: BlobWant, *, absent: bool) -> None:
        """Take that a want has been answered; if it is not `absent`, its chunks make up the blob."""
        self._open.discard((number, want))
        search = self._searches.get(want)
        if search is not None and search.asked == number:
            if absent:
                self._next(search)
            else:
                del self._searches[want]
                self._found.append((want, b"".join(search.pieces)))
        self._go_on()

    @staticmethod
    def _next(search: _Search) -> None:
        search.asked = None
        search.pieces.clear()

    def _go_on(self) -> None:
        """Ask for what may be asked for now."""
        active = sum(search.asked is not None for search in self._searches.values())
        for want, search in list(self._searches.items()):
            if search.asked is None and not search.untried:
                del self._searches[want]
                self._found.append((want, None))
            elif search.asked is None and active < MAX_FETCHES:
                number = next((each for each in search.untried if self._has_room(each)), None)
                if number is not None:
                    search.untried.remove(number)
                    search.asked = number
                    active += 1
                    self._open.add((number, want))
                    self._links[number].want_blob(want)

    def _has_room(self, number: Hashable) -> bool:
        return self._links[number].open_blobs < MAX_OPEN_BLOBS
