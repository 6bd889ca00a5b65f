"""The clock: the one place where the node asks for the time, and when it is not believed."""

from __future__ import annotations

import time
from datetime import datetime
from enum import StrEnum
from typing import Final

EARLIEST: Final = 1_767_225_600_000
"""milliseconds: 2026-01-01, before this program existed; an earlier clock is wrong."""

MAX_BEHIND: Final = 86_400_000
"""milliseconds by which the clock may be behind what was recorded here last: a day, for corrections."""

MAX_AHEAD: Final = 3 * 366 * 86_400_000
"""milliseconds by which the clock may be ahead of what was recorded here last; nobody is silent for years."""


class Doubt(StrEnum):
    """Why a clock cannot be right."""

    EARLY = "early"
    BEHIND = "behind"
    AHEAD = "ahead"


def now() -> int:
    """Milliseconds since 1970, as this computer believes."""
    return time.time_ns() // 1_000_000


def today() -> str:
    """The local date, as in 2030-01-31, as this computer believes."""
    return datetime.now().astimezone().date().isoformat()


def doubt(now: int, last: int | None) -> Doubt | None:
    """Why a clock that says `now` cannot be right where `last` was recorded last, None if it can."""
    if now < EARLIEST:
        return Doubt.EARLY
    if last is not None and now < last - MAX_BEHIND:
        return Doubt.BEHIND
    if last is not None and now > last + MAX_AHEAD:
        return Doubt.AHEAD
    return None
