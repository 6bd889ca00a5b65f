"""Announcing: what neighbours are told of what is held here.

Decides which heads and which evidence are shown to whom, and when a neighbour is
told that nothing more is wanted of it; what both held then is remembered, so that
the next comparison says little. The roster is kept here, since it is what the
others compare theirs with. What they announce in turn is `gossip`'s to take.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping

from ledger.evidence import Evidence
from ledger.log import Head, LogKey

from .deeds import Held, LinkId
from .limits import MAX_BATCH_HEADS, MAX_MEMORIES, MAX_SHOWN_BRANCHES
from .neighbour import Neighbour
from .reconcile import Difference
from .roster import Roster


class Announcing:
    """The roster, and what is told of it. Belongs to one task; `links` are the caller's, and looked at."""

    def __init__(self, held: Held, links: Mapping[LinkId, Neighbour]) -> None:
        self._held = held
        self._links = links
        self._memories: OrderedDict[LogKey, Roster] = OrderedDict()
        """what this node and a neighbour both held when they last wanted nothing of each other"""
        self.begin_anew()

    def begin_anew(self) -> None:
        """Look at everything that is held, and remember of nobody what they hold."""
        marks = dict(self._held.marks())
        self.roster = Roster(marks)
        """how far every log is held"""
        self._cuts = {log: None for log, mark in marks.items() if mark.is_cut}
        """logs that are forked in what is held"""
        self._memories.clear()

    def remembered(self, peer: LogKey) -> Roster | None:
        """What a neighbour and this node both held when they last were at rest."""
        return self._memories.get(peer)

    def compared(self, link: Neighbour, differences: Iterable[Difference]) -> None:
        """Show a neighbour what the comparison of rosters cannot: forks, and branches of them."""
        for log, mine, _ in differences:
            evidence = self._held.evidence(log) if mine is not None and mine.is_cut else None
            if evidence is not None:
                link.session.show(evidence)
        # Marks of a fork are the same whichever branches are held: these are compared by their heads.
        heads = [head for log in self._cuts for head in self._held.heads(log)[:MAX_SHOWN_BRANCHES]]
        link.session.announce(heads[:MAX_BATCH_HEADS])

    def answer(self, link: Neighbour, log: LogKey) -> None:
        """Show a neighbour the newest heads of a log, which it has asked for."""
        link.session.announce(self._held.heads(log)[:MAX_SHOWN_BRANCHES])

    def grown(self, grown: Mapping[LogKey, Head], source: LinkId | None) -> None:
        """Logs of which there are more entries now: all but who sent them are told at once."""
        for log in grown:
            self._mark(log)
        for number, link in self._links.items():
            if link.compared and number != source:
                link.session.announce([head for head in grown.values() if not _knows(link, head)])

    def forked(self, evidence: Evidence, source: LinkId | None) -> None:
        """A fork has come to light: all but who told it are told before anything else."""
        self._mark(evidence.log)
        for number, link in self._links.items():
            if link.compared and number != source:
                link.session.show(evidence)
                self.answer(link, evidence.log)

    def _mark(self, log: LogKey) -> None:
        mark = self._held.mark(log)
        if mark is not None:
            self.roster = self.roster.put(log, mark)
            if mark.is_cut:
                self._cuts[log] = None

    def rest(self, link: Neighbour) -> None:
        """Tell a neighbour of which nothing more is wanted how far this side is, and remember if both are."""
        if not link.compared or link.asked or link.session.is_over:
            return
        state = self.roster.state
        if link.told is None or (link.told != state and link.theirs == state):
            link.told = state
            link.session.tell_state(state)
        if link.theirs == state and link.peer is not None:
            self._memories[link.peer] = self.roster
            self._memories.move_to_end(link.peer)
            while len(self._memories) > MAX_MEMORIES:
                self._memories.popitem(last=False)


def _knows(link: Neighbour, head: Head) -> bool:
    """Whether a neighbour has shown that it holds as much."""
    offer = link.offers.get(LogKey(head.log))
    return offer is not None and (
        offer.size > head.size or (offer.size == head.size and offer.root in (b"", head.root))
    )
