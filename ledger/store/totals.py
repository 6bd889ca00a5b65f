"""Totals: how much is held, in a few numbers.

Decides how entries and logs are counted so that asking costs little however
much there is: the entries themselves are not read.
"""

from __future__ import annotations

from dataclasses import dataclass

from .database import store_errors
from .reading import Reader


@dataclass(frozen=True, slots=True)
class Totals:
    """How many entries (those of forks once each), logs, forked logs and communes are held."""

    entries: int
    logs: int
    forked: int
    communes: int


def totals(reader: Reader) -> Totals:
    """Count what is held. Raises StoreError."""
    with store_errors(reader.path), reader.snapshot():
        ask = reader.connection.execute
        # A branch's own entries begin where it leaves the one below it.
        entries, logs = ask(
            "SELECT coalesce(sum(size - coalesce(base_end, start)), 0), count(DISTINCT log) FROM branch"
        ).fetchone()
        (forked,) = ask("SELECT count(*) FROM evidence").fetchone()
        (communes,) = ask("SELECT count(*) FROM commune").fetchone()
    return Totals(entries, logs, forked, communes)
