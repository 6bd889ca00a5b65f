"""Pace: how much the other side of a session may say or cause, at once and in the long run.

Decides nothing about what is said: a side that keeps to every other rule can
still say so much of it that nothing else gets done. Of each thing so many may
come at once, as when two nodes meet that hold nothing in common, and then so
many a second. The time is told by whoever asks; where it goes backwards, none
has gone by.
"""

from __future__ import annotations

from enum import Enum

from . import limits
from .errors import TooMuch


class Pace:
    """What may be taken of one thing: `at_once`, and `per_second` as it comes back; both whole numbers."""

    def __init__(self, at_once: int, per_second: int) -> None:
        self.at_once = at_once
        self.per_second = per_second
        self.left: float = at_once
        """how much may be taken at the time that was told last"""
        self._told: float | None = None

    def take(self, count: int, now: float) -> bool:
        """Take some, at a time in seconds; False, and none is taken, if that is more than may be."""
        since = 0.0 if self._told is None else max(0.0, now - self._told)
        self._told = now
        self.left = min(self.at_once, self.left + since * self.per_second)
        if count > self.left:
            return False
        self.left -= count
        return True


class Thing(Enum):
    """What the other side may say or cause: how much of it at once and a second, and what is said of more."""

    MESSAGES = (
        limits.MESSAGES_AT_ONCE,
        limits.MESSAGES_PER_SECOND,
        "The other side says more than anybody has to say.",
    )
    BYTES = (
        limits.UNASKED_BYTES_AT_ONCE,
        limits.UNASKED_BYTES_PER_SECOND,
        "The other side says things that are too long for what they say.",
    )
    HEADS = (
        limits.HEADS_AT_ONCE,
        limits.HEADS_PER_SECOND,
        "The other side shows more heads than there can be news.",
    )
    ADDRESSES = (
        limits.ADDRESSES_AT_ONCE,
        limits.ADDRESSES_PER_SECOND,
        "The other side tells more addresses than there are.",
    )
    EVIDENCE = (
        limits.EVIDENCE_AT_ONCE,
        limits.EVIDENCE_PER_SECOND,
        "The other side shows more evidence than this side will verify for it.",
    )
    WANTS = (
        limits.WANTS_AT_ONCE,
        limits.WANTS_PER_SECOND,
        "The other side wants more than it can be lacking.",
    )
    QUESTIONS = (
        limits.QUESTIONS_AT_ONCE,
        limits.QUESTIONS_PER_SECOND,
        "The other side asks more about trees than this side will hash for it.",
    )
    HASHED = (
        limits.HASHED_AT_ONCE,
        limits.HASHED_PER_SECOND,
        "The other side asks about larger trees than this side will hash for it.",
    )
    REFUSALS = (
        limits.REFUSALS_AT_ONCE,
        limits.REFUSALS_PER_SECOND,
        "The other side brings more that is not taken in than this side will look at.",
    )


class Paces:
    """What the other side of one session may still say and cause."""

    def __init__(self) -> None:
        self.paces = {thing: Pace(thing.value[0], thing.value[1]) for thing in Thing}

    def take(self, thing: Thing, count: int, now: float) -> None:
        """Take note that so many came. Raises TooMuch."""
        if not self.paces[thing].take(count, now):
            raise TooMuch(thing.value[2])
