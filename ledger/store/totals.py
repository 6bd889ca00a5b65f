"""Totals: how much is held, in a few numbers.

Decides how entries and logs are counted so that asking costs little however
much there is: the entries themselves are not read, only how long they are where
that is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..log import LogKey
from ..records import CommuneId
from ..standing import PLACE_BITS
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


def uncounted(reader: Reader, commune: CommuneId) -> int:
    """How many entries of a commune's logs stand past a seal or cut and do not count. Raises StoreError."""
    count = 0
    with store_errors(reader.path), reader.snapshot():
        for branch in reader.branches():
            if branch.commune != commune or branch.limit is None or branch.limit >= branch.size:
                continue
            place = branch.number << PLACE_BITS
            past, witnessed = reader.connection.execute(
                "SELECT count(*), count(witnessed.place) FROM entry LEFT JOIN witnessed USING (place) "
                "WHERE place >= ? AND place < ?",
                (place + branch.limit, place + branch.size),
            ).fetchone()
            count += past - witnessed
    return count


def lengths(reader: Reader, log: LogKey) -> tuple[int, int]:
    """How many entries of a log are held, on all its branches, and the bytes of their payloads."""
    entries = payloads = 0
    with store_errors(reader.path), reader.snapshot():
        for branch in reader.branches(log):
            place = branch.number << PLACE_BITS
            found = reader.connection.execute(
                "SELECT count(*), coalesce(sum(length(payload)), 0) FROM entry "
                "WHERE place >= ? AND place < ?",
                (place, place + (1 << PLACE_BITS)),
            ).fetchone()
            entries, payloads = entries + found[0], payloads + found[1]
    return entries, payloads
