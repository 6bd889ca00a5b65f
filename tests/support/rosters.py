"""Rosters for tests, and two sides that compare theirs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from random import Random

from ledger.log import LogKey
from protocol.frames import HEADER, Joiner, Kind, read_header, to_frames
from protocol.reconcile import Reconciler
from protocol.roster import Mark, Roster

Held = Mapping[LogKey, Mark]


def log_of(number: int) -> LogKey:
    """A key; no curve point, since none is looked at."""
    return LogKey(sha256(b"log %d" % number).digest())


def root_of(number: int) -> bytes:
    """A root."""
    return sha256(b"root %d" % number).digest()


def made_up(count: int, rng: Random) -> dict[LogKey, Mark]:
    """Logs of up to 400 entries."""
    return {LogKey(rng.randbytes(32)): Mark(rng.randint(1, 400), rng.randbytes(32)) for _ in range(count)}


def grown(held: Held, count: int, rng: Random) -> dict[LogKey, Mark]:
    """The same logs, some of which have a head more."""
    chosen = rng.sample(sorted(held), count)
    return {**held, **{log: Mark(held[log].number + 1, rng.randbytes(32)) for log in chosen}}


@dataclass(frozen=True, slots=True)
class Compared:
    """Two sides after a comparison, how many turns it took, and the bytes of their frames both ways."""

    one: Reconciler
    other: Reconciler
    turns: int
    size: int


SEALED_BYTES = 16
"""bytes that encryption adds to a turn."""


def carried(bodies: Sequence[bytes]) -> tuple[list[bytes], int]:
    """What comes of messages on the other side, and how many bytes their frames have."""
    joiner = Joiner()
    came: list[bytes] = []
    size = 0
    for frame in (frame for body in bodies for frame in to_frames(Kind.RECONCILE, body)):
        size += len(frame)
        message = joiner.take(read_header(frame[: HEADER.size]), frame[HEADER.size :])
        if message is not None:
            came.append(message.body)
    return came, size


def compare(
    one: Roster, other: Roster, remembered: Roster | None = None, theirs: Roster | None = None
) -> Compared:
    """Let two sides compare their rosters; the first opens."""
    sides = (
        Reconciler(one, initiator=True, remembered=remembered),
        Reconciler(other, initiator=False, remembered=theirs),
    )
    bodies = sides[0].begin()
    turns = size = 0
    while bodies:
        turns += 1
        reader = sides[turns % 2]
        came, length = carried(bodies)
        size += SEALED_BYTES + length
        bodies = [answer for body in came for answer in reader.receive(body)]
    assert all(side.is_done for side in sides)
    return Compared(*sides, turns, size)


def assert_all_known(one: Held, other: Held, compared: Compared) -> None:
    """Hold what both sides found out against the two rosters themselves."""
    differing = {log for log in one.keys() | other.keys() if one.get(log) != other.get(log)}
    for mine, theirs, side in ((one, other, compared.one), (other, one, compared.other)):
        assert side.differences.keys() == differing
        for log in differing:
            code = theirs[log].code if log in theirs else None
            assert side.differences[log][1:] == (mine.get(log), code)
