"""Choice: with which of the nodes that it knows a node stays linked.

Decides that from the keys alone, so that two nodes that know the same others
choose each other: all logs stand on a ring in the order of their keys, and a
node is linked with those 1, 2, 4 and 8 places before and after its own. By
the steps of one the whole ring hangs together; by the long ones what is signed
anywhere is everywhere after few links. Whoever is not chosen is visited in
turn: how often, is said here too; who visits, `meeting`.

Pure: no clock, no randomness. A log stands on the ring at the first 8 bytes of
its key, which is as much as an announcement has.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator
from typing import Final, NewType

from ledger.log import LogKey

from .limits import TURN_GAP_SECONDS, TURN_SECONDS

Position = NewType("Position", bytes)
"""Where a log stands on the ring: the first 8 bytes of its key."""

POSITION_BYTES: Final = 8


def position_of(log: LogKey | bytes) -> Position:
    """Where a log stands, given its key or what is announced of it."""
    return Position(bytes(log[:POSITION_BYTES]))


def chosen(
    own: Position,
    known: Iterable[Position],
    *,
    places: int,
    named: Collection[Position] = (),
    recognised: Collection[Position] = (),
) -> frozenset[Position]:
    """Those of the known nodes with which a node stays linked: at most `places`, all if there are no more.

    `named` are those that its operator gave: they come first, and take more
    places than there are if they must. The two next on the ring are chosen
    whatever else is: without them the net could fall apart. `recognised` come
    into the places that are left over.
    """
    ring = sorted({own, *known, *named})
    others = len(ring) - 1
    if others <= places:
        return frozenset(ring) - {own}
    found = dict.fromkeys(position for position in named if position != own)
    here = bisect_left(ring, own)
    for distance in _distances(len(ring)):
        pair = [ring[(here + step) % len(ring)] for step in (distance, -distance)]
        new = [position for position in dict.fromkeys(pair) if position not in found]
        # Both or none: the other sides choose by the same distance, and would be left with a link too many.
        if distance == 1 or len(found) + len(new) <= places:
            found |= dict.fromkeys(new)
    nearest = sorted(
        (position for position in recognised if position in ring and position != own),
        key=lambda position: (ring.index(position) - here) % len(ring),
    )
    for position in nearest:
        if len(found) >= places:
            break
        found[position] = None
    return frozenset(found)


def _distances(size: int) -> Iterator[int]:
    """1, 2, 4 and so on, no further than half around a ring."""
    distance = 1
    while 2 * distance <= size:
        yield distance
        distance *= 2


def turn_seconds(beyond: int) -> float:
    """Seconds between two visits to one node, where so many are visited in turn."""
    return max(TURN_SECONDS, beyond * TURN_GAP_SECONDS)
