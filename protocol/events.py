"""Events: what has happened in a session, for whoever makes something of it.

Declarations alone: `session` says what has happened, `gossip` takes it. What is
in them has its form and was asked for, or may be shown unasked; nothing else has
been verified.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from ledger.evidence import Evidence
from ledger.log import Head, LogKey, Run

from .addresses import Addresses
from .blobs import BlobChunk, BlobWant
from .errors import ProtocolError
from .questions import Ask, Farewell, Want
from .reconcile import Difference


@dataclass(frozen=True, slots=True)
class Opened:
    """The other side has proved which log it is."""

    peer: LogKey
    version: int


@dataclass(frozen=True, slots=True)
class Compared:
    """What the two sides hold differently is known; from now on each may ask for it."""

    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class Came:
    """Runs that were wanted; not verified."""

    runs: tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class Satisfied:
    """All has come of what was wanted, or the other side does not hold it (`absent`)."""

    want: Want
    absent: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """Heads and evidence that the other side shows; not verified."""

    heads: tuple[Head, ...] = ()
    evidence: Evidence | None = None


@dataclass(frozen=True, slots=True)
class HeadsWanted:
    """The other side asks for the newest heads of a log."""

    log: LogKey


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer to the question about a tree; empty where the other side does not hold it."""

    ask: Ask
    hashes: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class StateTold:
    """The state that the other side's roster has now that it wants nothing more."""

    state: bytes


@dataclass(frozen=True, slots=True)
class BlobCame:
    """A piece of a blob that was wanted, the next one of it."""

    want: BlobWant
    chunk: BlobChunk


@dataclass(frozen=True, slots=True)
class BlobEnded:
    """All of a blob has come, and its bytes are its; or the other side does not give it (`absent`)."""

    want: BlobWant
    absent: bool


@dataclass(frozen=True, slots=True)
class AddressesTold:
    """Addresses of nodes that the other side tells; their signatures are not checked."""

    told: tuple[Addresses, ...]


@dataclass(frozen=True, slots=True)
class AddressesWanted:
    """The other side asks for addresses, at most so many."""

    count: int


@dataclass(frozen=True, slots=True)
class Ended:
    """The session is over. `fault` is the other side's, None if there was none; `said` is its farewell."""

    fault: ProtocolError | None = None
    said: Farewell | None = None


Event: TypeAlias = (
    Opened
    | Compared
    | Came
    | Satisfied
    | Shown
    | HeadsWanted
    | Answered
    | StateTold
    | BlobCame
    | BlobEnded
    | AddressesTold
    | AddressesWanted
    | Ended
)
