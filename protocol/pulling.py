"""Pulling: entries that neighbours hold and this node does not, each asked of one neighbour at a time.

Decides what of all that is offered is remembered, of whom a log is asked and how
much of it at once, and when it may be asked of another. That nothing comes
otherwise is the `session`'s; what is made of what comes is `gossip`'s, and which
branch of a fork is asked for `branching`'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ledger.log import LogKey, Run

from .branching import Branching
from .deeds import Held, LinkId
from .limits import MAX_OFFERS, MAX_WANTS, PULL_ENTRIES
from .neighbour import Neighbour, Offer, Pull
from .questions import Want


class Pulling:
    """What is asked of all neighbours. Belongs to one task; `links` are the caller's, and looked at."""

    def __init__(self, held: Held, links: Mapping[LinkId, Neighbour], branching: Branching) -> None:
        self._held = held
        self._links = links
        self._branching = branching
        self._offers = 0
        """what all neighbours offer together"""
        self._pulls: dict[LogKey, LinkId] = {}
        """from whom a log is fetched now"""

    # What is offered ----------------------------------------------------------------------------

    def offered(self, link: Neighbour, log: LogKey, offer: Offer) -> None:
        """Take note of how far a neighbour holds a log: further than this node."""
        known = link.offers.get(log)
        if known is None:
            if not self._has_room(link.offers):
                return
            self._offers += 1
        elif known.size >= offer.size:
            return
        link.offers[log] = offer

    def _has_room(self, offers: dict[LogKey, Offer]) -> bool:
        """Whether somebody who has made these offers may make one more; whoever has made most gives way."""
        if self._offers < MAX_OFFERS:
            return True
        most = max((link.offers for link in self._links.values()), key=len)
        if len(offers) + 1 >= len(most):
            return False
        most.popitem()
        self._offers -= 1
        return True

    def forget(self, log: LogKey) -> None:
        """Forget what anybody offers of a log."""
        for link in self._links.values():
            self._drop(link, log)

    def _drop(self, link: Neighbour, log: LogKey) -> None:
        self._offers -= link.offers.pop(log, None) is not None

    def lose(self, number: LinkId, link: Neighbour) -> None:
        """Forget what a neighbour who is gone offers: what was asked of it may be asked of others."""
        for log in [log for log, source in self._pulls.items() if source == number]:
            del self._pulls[log]
        self._offers -= len(link.offers)
        link.offers.clear()

    # What is asked ------------------------------------------------------------------------------

    def pull(self) -> None:
        """Ask for what is missing, each log of one neighbour at a time."""
        self._ask_waiting()
        for number, link in self._links.items():
            if link.compared and link.room > 0 and link.offers:
                self._pull_from(number, link)

    def _pull_from(self, number: LinkId, link: Neighbour) -> None:
        """Ask one neighbour for as much as may be asked of it."""
        room, wants, outgrown = link.room, list[Want](), list[LogKey]()
        for log, offer in link.offers.items():
            if log in self._pulls or log in link.asked:
                continue
            start = self._held.size(log)
            count = min(offer.size - start, PULL_ENTRIES)
            if count <= 0:
                outgrown.append(log)
                continue
            link.asked[log] = Pull(start, count, start)
            self._pulls[log] = number
            # Of a log that is not held the first entries alone: whose it is has to be known first.
            wants.append(Want(log, start, start + count if start else 1))
            room -= count
            if room <= 0 or len(wants) >= MAX_WANTS // 2:
                break
        for log in outgrown:
            self._outgrow(log)
        if wants:
            link.session.want(wants)

    def _ask_waiting(self) -> None:
        """Ask for what has waited its turn: entries that show a fork, and branches of one."""
        for number, link in self._links.items():
            for want in list(link.waiting):
                log = LogKey(want.log)
                if log not in self._pulls and log not in link.asked and link.room > 0:
                    del link.waiting[want]
                    start = self._branching.start(want) if want.root else want.start
                    if start is None:
                        continue  # somebody else has sent it meanwhile
                    link.asked[log] = Pull(start, want.end - start, start, want.root)
                    self._pulls[log] = number
                    link.session.want([Want(want.log, start, want.end, want.root)])

    # What comes of it ---------------------------------------------------------------------------

    def came(self, link: Neighbour, runs: Sequence[Run]) -> None:
        """Take note of a message that brought entries; they are not stored yet."""
        for log in {run.log for run in runs}:
            link.asked[log].unstored += 1
        for run in runs:
            link.asked[run.log].at = run.head.size

    def satisfied(self, number: LinkId, link: Neighbour, want: Want, *, absent: bool) -> None:
        """Take note that all has come of what was asked for, or that the neighbour does not hold it."""
        log = LogKey(want.log)
        if absent:
            self._drop(link, log)
        pull, offer = link.asked[log], link.offers.get(log)
        if not absent and not want.root and pull.start and offer is not None and offer.size > pull.at:
            # The next ones are asked for at once, while these are stored: neither side waits for the other.
            pull.count = min(offer.size - pull.at, PULL_ENTRIES)
            link.session.want([Want(log, pull.at, pull.at + pull.count)])
            return
        pull.satisfied = True
        if not pull.unstored:
            self._settle(log, number, link)

    def took(self, number: LinkId, link: Neighbour, logs: Iterable[LogKey]) -> None:
        """Take note that a message that brought entries of some logs has been stored, or refused."""
        for log in logs:
            pull = link.asked[log]
            pull.unstored -= 1
            if pull.satisfied and not pull.unstored:
                self._settle(log, number, link)

    def _settle(self, log: LogKey, number: LinkId, link: Neighbour) -> None:
        """All that was asked of a log has been stored: who holds more of it may be asked next."""
        pull = link.asked.pop(log)
        if self._pulls.get(log) == number:
            del self._pulls[log]
        if self._held.size(log) <= pull.start:
            self._drop(link, log)  # nothing came of it: it is not asked there again
        self._outgrow(log)

    def _outgrow(self, log: LogKey) -> None:
        """Forget who offers no more of a log than is held."""
        held = self._held.size(log)
        for link in self._links.values():
            offer = link.offers.get(log)
            if offer is not None and offer.size <= held:
                self._drop(link, log)
                self._branching.compare(link, log, offer)
