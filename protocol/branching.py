"""Branching: the branches of a forked log, which of them are asked of a neighbour, and where they part.

Decides from where on a branch is asked for, what shows that a neighbour holds
another one, and how the cut is found where nothing else shows it: by asking about
the two trees (`ledger.descent`), one log of a neighbour at a time. What is asked
for waits its turn at the `neighbour`; evidence that comes of it is verified and
told as everybody's is, by `gossip`.
"""

from __future__ import annotations

from collections.abc import Sequence

from ledger.descent import Descent, subtree_of
from ledger.evidence import Evidence, build_evidence
from ledger.log import Head, LogKey
from ledger.replica import Branch, prove_held

from .deeds import Held
from .limits import MAX_SHOWN_BRANCHES
from .neighbour import Neighbour, Offer
from .questions import Ask, Want


class Branching:
    """What is made of branches, over all neighbours. Belongs to one task; `held` is asked from it."""

    def __init__(self, held: Held) -> None:
        self._held = held

    # Which branch -------------------------------------------------------------------------------

    def compare(self, link: Neighbour, log: LogKey, offer: Offer) -> None:
        """Look whether a neighbour holds as much of a log as is held here, or another branch of it."""
        if not offer.root or self._held.evidence(log) is not None:
            return
        if any(_root_at(branch, offer.size) == offer.root for branch in self._held.branches(log)):
            return
        if offer.head is None or offer.head.is_signed(self._held.network):  # else it is nobody's branch
            link.want_later(Want(log, offer.size - 1, offer.size))

    def fetch(self, link: Neighbour, head: Head) -> None:
        """Ask for the branch of a forked log that ends in a head, from where it is not held."""
        want = Want(head.log, head.size - 1, head.size, head.root)
        if self.start(want) is not None:
            link.want_later(want)

    def start(self, want: Want) -> int | None:
        """From where on a branch of a forked log is asked for; None if it is held, or not to be fetched.

        A head does not say which held branch it goes on from. Most likely it is the longest one that
        is shorter; if its entries do not fit there, it is the next, and at last the cut.
        """
        log = LogKey(want.log)
        evidence, branches = self._held.evidence(log), self._held.branches(log)
        if evidence is None or len(branches) >= MAX_SHOWN_BRANCHES:
            return None
        if any(_root_at(branch, want.end) == want.root for branch in branches):
            return None
        start = min(self._held.size(log), evidence.cut)
        longest = max((branch.size for branch in branches if branch.size <= want.start), default=start)
        start = max(start, longest)
        return start if start < want.end else None

    # Where it parts -----------------------------------------------------------------------------

    def diverged(self, link: Neighbour, head: Head) -> None:
        """Entries under a valid head do not fit where they were thought to: find out where they do."""
        log = LogKey(head.log)
        pull, evidence = link.asked.get(log), self._held.evidence(log)
        if pull is not None and pull.root and evidence is not None and pull.start > evidence.cut:
            # They do not go on from that branch: from some way further back, then.
            link.want_later(Want(log, pull.start - 1, pull.start + pull.count, pull.root))
        elif not any(other.log == head.log for other in link.descents):
            link.descents.append(head)
            if len(link.descents) == 1:
                self._begin_descent(link)

    def descend(self, link: Neighbour, hashes: Sequence[bytes]) -> Evidence | None:
        """Take an answer about a tree; the evidence of the fork, if that shows it. Raises EvidenceError."""
        descent, head = link.descent, link.descents[0]
        assert descent is not None, "it was asked"
        descent.take(hashes)
        if not descent.is_done:
            link.session.ask(Ask(head.log, head.size, head.root, tuple(descent.wants)))
            return None
        evidence = None
        if descent.found is not None:
            mine = self._held.branches(LogKey(head.log))[0]
            evidence = build_evidence(
                descent.cut, descent.found, prove_held(mine, descent.cut), self._held.network
            )
        link.descents.pop(0)
        link.descent = None
        self._begin_descent(link)
        return evidence

    def _begin_descent(self, link: Neighbour) -> None:
        while link.descents:
            head = link.descents[0]
            branches = self._held.branches(LogKey(head.log))
            if branches:
                mine = branches[0]
                descent = Descent(head, mine.size, lambda start, end, mine=mine: subtree_of(mine, start, end))  # type: ignore[misc]
                if not descent.is_done:
                    link.descent = descent
                    link.session.ask(Ask(head.log, head.size, head.root, tuple(descent.wants)))
                    return
            link.descents.pop(0)


def _root_at(branch: Branch, size: int) -> bytes | None:
    return branch.state_at(size).root if branch.start <= size <= branch.size else None
