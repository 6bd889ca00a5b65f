"""Holdings: what gossip asks of the ledger, answered from the database.

Decides which mark a log has in the roster, and which branch is meant by what a
neighbour wants. What is asked and served is `protocol.gossip`'s. A `Holdings`
belongs to one thread, as its reader does; `Shelf` has a reader of its own, so
that a thread can read and compress while others go on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ledger.evidence import Evidence
from ledger.log import Head, LogKey, Run
from ledger.replica import Branch
from ledger.store.reading import BranchInfo, Reader
from protocol.questions import Want
from protocol.roster import Mark


def _mark_of(branches: Sequence[BranchInfo]) -> Mark:
    """How far a log is held: its cut, if its fork is proved and shows in what is held, else its size."""
    first = branches[0]
    if first.cut is not None and any(branch.size > first.cut for branch in branches):
        return Mark(first.cut)
    return Mark(first.size, first.root)


class Holdings:
    """`protocol.deeds.Held` over a reader; every use stands within a snapshot of it."""

    def __init__(self, reader: Reader, own: LogKey | None) -> None:
        self.own = own
        self._reader = reader

    @property
    def network(self) -> str:
        """The network that the ledger belongs to."""
        return self._reader.network

    def marks(self) -> Iterator[tuple[LogKey, Mark]]:
        """All logs, and how far each is held."""
        found: dict[LogKey, list[BranchInfo]] = {}
        for branch in self._reader.branches():
            found.setdefault(branch.log, []).append(branch)
        return ((log, _mark_of(branches)) for log, branches in found.items())

    def mark(self, log: LogKey) -> Mark | None:
        """How far one log is held."""
        branches = self._reader.branches(log)
        return _mark_of(branches) if branches else None

    def size(self, log: LogKey) -> int:
        """How many entries of a log's first branch are held."""
        branches = self._reader.branches(log)
        return branches[0].size if branches else 0

    def heads(self, log: LogKey) -> list[Head]:
        """The newest head of each branch of a log."""
        return [self._reader.head(branch.number) for branch in self._reader.branches(log)]

    def branches(self, log: LogKey) -> Sequence[Branch]:
        """The branches of a log."""
        return self._reader.replicas(log)

    def evidence(self, log: LogKey) -> Evidence | None:
        """The evidence held of a log's fork."""
        return self._reader.evidence_of(log)


class Shelf:
    """`protocol.serving.Shelf` over a reader."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def runs(self, want: Want) -> Iterator[Run] | None:
        """The runs that lead from a want's start to a head of its end or beyond, None if there are none."""
        for branch in self._reader.replicas(want.log):
            if branch.size < want.end or (branch.start > want.start and want.start):
                continue
            if not want.root:
                return self._reader.runs(branch.number, want.start)
            if branch.holding.root_at(branch.number, want.end) == want.root:
                return self._reader.runs(branch.number, want.start, want.end)
        return None

    def branches(self, log: LogKey) -> Sequence[Branch]:
        """The branches of a log."""
        return self._reader.replicas(log)
