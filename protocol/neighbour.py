"""A neighbour as gossip sees it: its session, what it offers, and what is asked of it.

Decides how much more may be asked of it at once; what is asked, and of whom, is
`gossip`'s.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from ledger.descent import Descent
from ledger.log import Head, LogKey

from .limits import MAX_ENTRIES_ASKED, MAX_WANTS
from .questions import Want
from .session import Session


@dataclass(slots=True)
class Pull:
    """Entries of a log that are asked of a neighbour: from where on, how many, and how far that is."""

    start: int
    count: int
    at: int
    """where what has come of it ends"""
    root: bytes = b""
    """what the branch is named by; empty: whichever the neighbour holds first"""
    satisfied: bool = False
    unstored: int = 0
    """messages that brought some of them and are not stored yet"""


@dataclass(slots=True)
class Neighbour:
    """A session, what is under way in it, and what is known of the other side."""

    session: Session
    peer: LogKey | None = None
    compared: bool = False
    offers: dict[LogKey, Offer] = field(default_factory=dict)
    """logs that it holds further than they are held here, and how far"""
    asked: dict[LogKey, Pull] = field(default_factory=dict)
    """logs of which entries are wanted from it, or have come and are not all stored"""
    waiting: dict[Want, None] = field(default_factory=dict)
    """what is to be asked of it about forks, as soon as nothing else of that log is asked of anybody; of
    what names a branch, `start` is the last index from which on it may be asked for"""
    descents: list[Head] = field(default_factory=list)
    """heads that fit nothing here and whose cut is to be found, the first under way"""
    descent: Descent | None = None
    told: bytes | None = None
    theirs: bytes | None = None

    @property
    def room(self) -> int:
        """How many entries more may be asked for."""
        wanted = [pull.count for pull in self.asked.values() if not pull.satisfied]
        return MAX_ENTRIES_ASKED - sum(wanted) if len(wanted) < MAX_WANTS else 0

    def want_later(self, want: Want) -> None:
        """Have something that shows a fork, or a branch of one, asked for as soon as that can be."""
        if len(self.waiting) < MAX_WANTS:
            self.waiting.setdefault(want)


class Offer(NamedTuple):
    """How far a neighbour holds a log: a size, and the root of that, empty if it is not known."""

    size: int
    root: bytes = b""
    head: Head | None = None
    """what was shown, its signature not looked at"""
