"""Deeds: what gossip has whoever drives it do with the ledger, what becomes of that, and what it asks of one.

Declarations alone: `gossip` says what is to be done, the node does it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NewType, Protocol, TypeAlias

from ledger.errors import LedgerError, RunRefused
from ledger.evidence import Evidence
from ledger.log import Head, LogKey, Run
from ledger.replica import Branch

from .roster import Mark

LinkId = NewType("LinkId", int)
"""Names a link of this process; means nothing to anybody else."""


class Held(Protocol):
    """What gossip asks of whoever holds the ledger; answered at once."""

    @property
    def network(self) -> str:
        """The network that the ledger belongs to."""

    @property
    def own(self) -> LogKey | None:
        """The log that is written here."""

    def marks(self) -> Iterable[tuple[LogKey, Mark]]:
        """All logs, and how far each is held."""

    def mark(self, log: LogKey) -> Mark | None:
        """How far one log is held."""

    def size(self, log: LogKey) -> int:
        """How many entries of a log's first branch are held."""

    def heads(self, log: LogKey) -> Sequence[Head]:
        """The newest head of each branch of a log."""

    def branches(self, log: LogKey) -> Sequence[Branch]:
        """The branches of a log."""

    def evidence(self, log: LogKey) -> Evidence | None:
        """The evidence held of a log's fork."""


@dataclass(frozen=True, slots=True)
class Take:
    """Verify and store runs, in this order."""

    link: LinkId
    runs: tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class Prove:
    """Verify and store evidence."""

    link: LinkId
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class See:
    """Look at a head that a neighbour shows, of the log that is written here or of one not taken in.

    Where nobody has signed it, say so to `forged`.
    """

    link: LinkId
    head: Head
    peer: LogKey | None = None


Deed: TypeAlias = Take | Prove | See


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of a run: whether entries came of it, and the evidence if it forks its log."""

    new: int
    evidence: Evidence | None = None


class Declined(LedgerError):
    """A run of a log that is not taken in here."""


Outcome: TypeAlias = Stored | RunRefused | Declined
