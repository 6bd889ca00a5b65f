"""A ledger in memory, of many logs: what gossip asks of a store, what it stores, and what it serves.

A working fake: runs are placed by `ledger.replica`, evidence is checked by
`ledger.evidence`, and everything that is read was put together from that.
"""

from __future__ import annotations

from collections.abc import Iterator

from ledger.errors import EvidenceError, RunRefused
from ledger.evidence import Evidence, check_evidence
from ledger.log import Erased, Head, LogKey, LogState, Run, leaf_hashes
from ledger.replica import Forks, Known
from protocol.deeds import Outcome, Stored
from protocol.questions import Want
from protocol.roster import Mark

from ..support.histories import NETWORK, HeldBranch, Holder


class Shelved(HeldBranch):
    """A branch whose compact ranges are kept, as a store does."""

    def state_at(self, size: int) -> LogState:
        """The log at any size; what lies at a held head is asked for often."""
        made: dict[int, LogState] = self.__dict__.setdefault("made", {})
        if size not in made:
            made[size] = super().state_at(size)
        return made[size]


class Memory:
    """All that one node holds: `protocol.deeds.Held` and `protocol.serving.Shelf`."""

    def __init__(self, own: LogKey | None = None) -> None:
        self.network = NETWORK
        self.own = own
        self._holders: dict[LogKey, Holder] = {}
        self._items: dict[bytes, bytes | Erased] = {}
        self._evidence: dict[LogKey, Evidence] = {}

    # What gossip asks -----------------------------------------------------------------------------

    def marks(self) -> Iterator[tuple[LogKey, Mark]]:
        """All logs, and how far each is held."""
        return ((log, mark) for log in self._holders if (mark := self.mark(log)) is not None)

    def mark(self, log: LogKey) -> Mark | None:
        """How far one log is held: its cut, if the fork shows in what is held."""
        branches = self.branches(log)
        if not branches:
            return None
        evidence = self._evidence.get(log)
        if evidence is not None and any(branch.size > evidence.cut for branch in branches):
            return Mark(evidence.cut)
        return Mark(branches[0].size, branches[0].heads[-1].root)

    def size(self, log: LogKey) -> int:
        """How many entries of a log's first branch are held."""
        branches = self.branches(log)
        return branches[0].size if branches else 0

    def heads(self, log: LogKey) -> list[Head]:
        """The newest head of each branch of a log."""
        return [branch.heads[-1] for branch in self.branches(log)]

    def branches(self, log: LogKey) -> list[HeldBranch]:
        """The branches of a log."""
        holder = self._holders.get(log)
        return [] if holder is None else holder.branches

    def evidence(self, log: LogKey) -> Evidence | None:
        """The evidence held of a log's fork."""
        return self._evidence.get(log)

    # What is stored -------------------------------------------------------------------------------

    def take(self, run: Run) -> Outcome:
        """Verify and store a run; what became of it."""
        holder = self._holders.get(run.log) or Holder()
        try:
            placement = holder.take(run)
        except RunRefused as error:
            return error
        if isinstance(placement, Known):
            return Stored(0)
        self._holders[run.log] = holder
        for branch in holder.branches:
            branch.__class__ = Shelved
        self._items.update(zip(leaf_hashes(run.log, run.start, run.items), run.items, strict=True))
        if isinstance(placement, Forks):
            self._keep(placement.evidence)
            return Stored(len(placement.leaves), placement.evidence)
        return Stored(len(placement.leaves))

    def prove(self, evidence: Evidence) -> bool | EvidenceError:
        """Verify and keep evidence; whether it is new, or why it proves nothing."""
        try:
            check_evidence(evidence, NETWORK)
        except EvidenceError as error:
            return error
        return self._keep(evidence)

    def _keep(self, evidence: Evidence) -> bool:
        held = self._evidence.get(evidence.log)
        if held is not None and held.cut <= evidence.cut:
            return False
        self._evidence[evidence.log] = evidence
        return True

    # What is served and compared --------------------------------------------------------------------

    def runs(self, want: Want) -> Iterator[Run] | None:
        """The runs that lead from a want's start to its end or beyond, None if there are none."""
        for branch in self.branches(LogKey(want.log)):
            if branch.size < want.end:
                continue
            if not want.root:
                return self._runs(branch, want.start, branch.size)
            if branch.state_at(want.end).root == want.root:
                return self._runs(branch, want.start, want.end)
        return None

    def _runs(self, branch: HeldBranch, start: int, end: int) -> Iterator[Run]:
        for head in [head for head in branch.heads if start < head.size <= end]:
            yield Run(head, start, tuple(self._items[leaf] for leaf in branch.leaves(start, head.size)))
            start = head.size

    def entries(self) -> set[tuple[LogKey, int, bytes]]:
        """Every entry that is held: its log, its index and its leaf."""
        return {
            (log, index, leaf)
            for log, holder in self._holders.items()
            for branch in holder.branches
            for index, leaf in enumerate(branch.hashes)
        }

    def forks(self) -> dict[LogKey, Evidence]:
        """The evidence that is held, by the log."""
        return dict(self._evidence)
