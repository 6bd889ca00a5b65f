"""Gossip: what comes of what neighbours say, over all sessions.

Decides what is made of each event of a session and of each outcome of the
ledger, in which order, and which faults end a session. What is asked of whom is
`pulling`'s, what is told to whom `announcing`'s, the branches of a fork are
`branching`'s. Verifying and storing are the ledger's, done by whoever drives
this: `deeds` says what to do, `done` takes what came of it. Has no socket and
no clock (docs/spec/session.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ledger.errors import BadHead, BadRun, Diverged, EvidenceError, LedgerError
from ledger.evidence import Evidence
from ledger.log import Head, LogKey, Run

from .announcing import Announcing
from .branching import Branching
from .deeds import Declined, Deed, Held, LinkId, Outcome, Prove, See, Stored, Take
from .errors import Misbehaved
from .events import (
    AddressesTold,
    AddressesWanted,
    Answered,
    BlobCame,
    BlobEnded,
    Came,
    Compared,
    Ended,
    Event,
    HeadsWanted,
    Opened,
    Satisfied,
    Shown,
    StateTold,
)
from .fetching import Fetching
from .neighbour import Neighbour, Offer
from .pulling import Pulling
from .questions import Farewell, Want
from .reconcile import Difference
from .roster import Roster
from .session import Session
from .sighting import Sighting
from .spreading import Heard, Spreading, Verdict


class Gossip:
    """One node's part in gossip. Belongs to one task; `held` is asked from it."""

    def __init__(self, held: Held) -> None:
        self.faults: list[tuple[LinkId, LogKey | None, LedgerError]] = []
        """what neighbours have done wrong: for whoever decides when to meet them again"""
        self.farewells: list[tuple[LinkId, LogKey | None, Farewell]] = []
        """with which words neighbours ended sessions"""
        self.addresses = Spreading(held.own)
        """addresses of nodes"""
        self.blobs = Fetching()
        """blobs that are looked for"""
        self._held = held
        self._links: dict[LinkId, Neighbour] = {}
        self._deeds: list[Deed] = []
        self._announcing = Announcing(held, self._links)
        self._branching = Branching(held)
        self._pulling = Pulling(held, self._links, self._branching)
        self._unproved: dict[LogKey, list[tuple[LinkId, Head]]] = {}
        """of logs whose evidence is being verified, the heads that were shown meanwhile, and by whom"""
        self._sighting = Sighting()

    @property
    def roster(self) -> Roster:
        """How far every log is held."""
        return self._announcing.roster

    # Links --------------------------------------------------------------------------------------

    def add(self, link: LinkId, session: Session) -> None:
        """Take note of a new session."""
        self._links[link] = Neighbour(session)

    def lose(self, link: LinkId) -> None:
        """Forget a link whose end could not be looked at."""
        if link in self._links:
            self._ended(link, self._links[link])

    def snapshot(self, peer: LogKey) -> tuple[Roster, Roster | None]:
        """The roster to compare with a neighbour's, and the one remembered of it (`session.Snapshot`)."""
        return self.roster, self._announcing.remembered(peer)

    def look(self, link: LinkId) -> None:
        """Take the events of a session, after bytes have come, its timer, or its loss."""
        for event in self._links[link].session.events() if link in self._links else ():
            if link in self._links:  # else what came before ended the session
                self._take(link, event)
        self._pulling.pull()
        if link in self._links:
            self._announcing.rest(self._links[link])

    def is_at_rest(self, link: LinkId) -> bool:
        """Whether neither side of a link has wanted anything more of the other when it last said so."""
        found = self._links.get(link)
        if found is None or not found.compared or found.asked or found.waiting or found.descents:
            return False
        return found.told is not None and found.theirs is not None

    def behind(self, link: LinkId) -> int:
        """How many entries a neighbour is known to hold that are not held here, declined logs aside."""
        found = self._links.get(link)
        offers = {} if found is None else found.offers
        return sum(max(0, offer.size - self._held.size(log)) for log, offer in offers.items())

    def deeds(self) -> list[Deed]:
        """What is to be done, in this order; `done` is called for each `Take` and `Prove`."""
        deeds, self._deeds = self._deeds, []
        return deeds

    def _take(self, number: LinkId, event: Event) -> None:
        link = self._links[number]
        match event:
            case Opened(peer):
                link.peer = peer
            case Compared(differences):
                link.compared = True
                self._compared(link, differences)
                self.blobs.add(number, link.session)
                if link.peer is not None:
                    self.addresses.add(number, link.peer, link.session)
            case Came(runs):
                self._pulling.came(link, runs)
                self._deeds.append(Take(number, runs))
            case Satisfied(want, absent):
                self._pulling.satisfied(number, link, want, absent=absent)
            case Shown(heads, evidence):
                self._shown(number, heads, evidence)
            case HeadsWanted(log):
                self._announcing.answer(link, log)
            case Answered(_, hashes):
                self._answered(number, link, hashes)
            case StateTold(state):
                link.theirs = state
            case AddressesTold(told):
                self.addresses.heard(number, told)
            case AddressesWanted(count):
                self.addresses.wanted(number, count)
            case BlobCame(want, chunk):
                self.blobs.came(number, want, chunk)
            case BlobEnded(want, absent):
                self.blobs.ended(number, want, absent=absent)
            case Ended(fault, said):
                self._ended(number, link)
                if fault is not None:
                    self.faults.append((number, link.peer, fault))
                if said is not None:
                    self.farewells.append((number, link.peer, said))

    def _ended(self, number: LinkId, link: Neighbour) -> None:
        del self._links[number]
        self.blobs.lose(number)
        self.addresses.lose(number)
        self._pulling.lose(number, link)

    def _blame(self, number: LinkId, error: LedgerError) -> None:
        """End a session for what the other side did."""
        link = self._links.get(number)
        if link is not None:
            link.session.end(Misbehaved.code, str(error))
            link.session.events()
            self._ended(number, link)
            self.faults.append((number, link.peer, error))

    def judged(self, heard: Heard, verdict: Verdict) -> bool:
        """Take a verdict on addresses that somebody told; whether they are known now and were not."""
        if verdict is Verdict.FORGED:
            self._blame(
                LinkId(heard.link),
                Misbehaved("The other side tells addresses that their log has not signed."),
            )
        return self.addresses.judged(heard, verdict)

    # What others hold ---------------------------------------------------------------------------

    def _compared(self, link: Neighbour, differences: Sequence[Difference]) -> None:
        self._announcing.compared(link, differences)
        for difference in differences:
            log, mine, theirs = difference
            if difference.their_size:
                self._offered(link, log, Offer(difference.their_size))
                if mine is not None and mine.code == theirs:
                    # Of one size and another root: the last entry under the other head shows the fork.
                    link.want_later(Want(log, mine.number - 1, mine.number))

    def _offered(self, link: Neighbour, log: LogKey, offer: Offer) -> None:
        """Take note of how far a neighbour holds a log."""
        if self._sighting.is_declined(log):
            self._sighting.shown_again(log)
        elif offer.size > self._size(log):
            self._pulling.offered(link, log, offer)

    def _size(self, log: LogKey) -> int:
        """How many entries of a log's first branch are held; told from memory, if that can be.

        What is being stored at this moment may not count yet; before it is asked for, it does.
        """
        mark = self.roster.get(log)
        if mark is None:
            return 0
        return self._held.size(log) if mark.is_cut else mark.number

    # What came ----------------------------------------------------------------------------------

    def done(self, deed: Take | Prove, outcomes: Sequence[Outcome | EvidenceError | bool]) -> None:
        """Take what became of the runs of a `Take`, one each, or of the evidence of a `Prove`."""
        link = self._links.get(deed.link)
        if isinstance(deed, Prove):
            (outcome,) = outcomes
            self._proved(deed, outcome)
        else:
            grown: dict[LogKey, Head] = {}
            for run, outcome in zip(deed.runs, outcomes, strict=True):
                if isinstance(outcome, Stored):
                    if outcome.evidence is not None:
                        self._announcing.forked(outcome.evidence, None)
                        if link is not None:
                            self._fetch_branch(link, outcome.evidence.first.head)
                            self._fetch_branch(link, outcome.evidence.second.head)
                    elif outcome.new:
                        grown[run.log] = run.head
                elif not isinstance(outcome, bool):
                    self._refused(deed.link, run, outcome)
            self._grown(grown, deed.link)
            if link is not None:
                self._pulling.took(deed.link, link, {run.log for run in deed.runs})
        self._pulling.pull()
        if link is not None:
            self._announcing.rest(link)

    def forged(self, deed: See) -> None:
        """Nobody has signed a head that was shown: whoever passes heads on has looked at them before."""
        self._sighting.forged(deed.head)
        self._blame(deed.link, Misbehaved("The other side shows heads that their log has not signed."))

    def refresh(self, logs: Iterable[LogKey]) -> None:
        """Look at logs in which something was signed here, or taken in otherwise than by gossip."""
        grown = {
            log: self._held.heads(log)[0]
            for log in logs
            if (mark := self._held.mark(log)) is not None and mark != self.roster.get(log)
        }
        self._grown(grown, None)
        self._pulling.pull()

    def begin_anew(self) -> None:
        """Look at everything that is held: it was put back to an earlier state behind this one's back.

        Sessions go on with what they have compared; they are to be ended and opened again.
        """
        self._announcing.begin_anew()

    def forgive(self) -> None:
        """Ask again for logs that were not taken in: who is recognised has changed."""
        wants = [Want(log, 0, 0) for log in self._sighting.forgive()]
        self.addresses.review()
        for link in self._links.values() if wants else ():
            if link.compared:
                link.session.want(wants)

    def ask_about_own(self) -> int:
        """Ask all neighbours how far they hold the log that is written here; how many are asked."""
        own = self._held.own
        asked = [link for link in self._links.values() if own is not None and link.compared]
        for link in asked:
            assert own is not None
            link.session.want([Want(own, 0, 0)])
        return len(asked)

    def _grown(self, grown: dict[LogKey, Head], source: LinkId | None) -> None:
        """Logs of which there are more entries now: others are told at once."""
        self._announcing.grown(grown, source)
        self.addresses.review(grown)

    def _refused(self, number: LinkId, run: Run, error: LedgerError) -> None:
        self._count_refusal(number)
        if isinstance(error, Declined):
            self._pulling.forget(run.log)
            self._decline(number, run.head)
        elif isinstance(error, Diverged):
            link = self._links.get(number)
            if link is not None:
                self._branching.diverged(link, run.head)
        elif isinstance(error, BadRun | BadHead):
            self._blame(number, error)

    def _decline(self, number: LinkId, head: Head) -> None:
        """Take note of a head of a log that is not taken in: nothing more is asked of it for now."""
        link = self._links.get(number)
        if self._sighting.decline(head) and link is not None and link.peer is not None:
            self._deeds.append(See(number, head, link.peer))

    def _count_refusal(self, number: LinkId) -> None:
        """Take note that a neighbour brought what is not taken in; too much of that ends its session."""
        link = self._links.get(number)
        if link is not None:
            link.session.refuse(1)
            for event in link.session.events() if link.session.is_over else ():
                if isinstance(event, Ended):
                    self._take(number, event)

    def _shown(self, number: LinkId, heads: Sequence[Head], evidence: Evidence | None) -> None:
        if evidence is not None:
            held = self._held.evidence(evidence.log)
            if held is None or held.cut > evidence.cut:
                self._deeds.append(Prove(number, evidence))
                self._unproved.setdefault(evidence.log, [])
        for head in heads:
            log = LogKey(head.log)
            if log == self._held.own and self._sighting.own(head):
                self._deeds.append(See(number, head))
            if log in self._unproved:
                self._unproved[log].append((number, head))
            else:
                self._shown_one(number, log, head)

    def _shown_one(self, number: LinkId, log: LogKey, head: Head) -> None:
        link = self._links.get(number)
        if link is None:
            return  # it has ended while evidence was verified
        if self._held.evidence(log) is not None:
            self._fetch_branch(link, head)
        elif head.size <= self._size(log):
            self._branching.compare(link, log, Offer(head.size, head.root, head))
        elif self._sighting.is_declined(log):
            self._decline(number, head)
        else:
            self._pulling.offered(link, log, Offer(head.size, head.root, head))

    # Forks --------------------------------------------------------------------------------------

    def _proved(self, deed: Prove, outcome: Outcome | EvidenceError | bool) -> None:
        waiting = self._unproved.pop(deed.evidence.log, [])
        if isinstance(outcome, EvidenceError):
            self._blame(deed.link, outcome)
        else:
            if outcome:
                self._announcing.forked(deed.evidence, deed.link)
            waiting += [(deed.link, proven.head) for proven in (deed.evidence.first, deed.evidence.second)]
        for number, head in waiting:
            self._shown_one(number, deed.evidence.log, head)

    def _fetch_branch(self, link: Neighbour, head: Head) -> None:
        """Ask for the branch of a forked log that ends in a head, if the log is taken in."""
        if link.compared and not self._sighting.is_declined(LogKey(head.log)):
            self._branching.fetch(link, head)

    def _answered(self, number: LinkId, link: Neighbour, hashes: Sequence[bytes]) -> None:
        try:
            evidence = self._branching.descend(link, hashes)
        except EvidenceError as error:
            self._blame(number, error)
        else:
            if evidence is not None:
                self._deeds.append(Prove(number, evidence))
