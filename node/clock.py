"""The clock: the one place where the node asks for the time."""

from __future__ import annotations

import time
from datetime import datetime


def now() -> int:
    """Milliseconds since 1970, as this computer believes."""
    return time.time_ns() // 1_000_000


def today() -> str:
    """The local date, as in 2030-01-31, as this computer believes."""
    return datetime.now().astimezone().date().isoformat()
