"""Gossip: what one node asks of its neighbours, tells them, and does with what comes, over all its sessions.

Decides from whom an entry is fetched, so that it comes once; what is announced
to whom; how a fork that shows in a run is located and told; and which faults
end a session. Verifying and storing are the ledger's, done by whoever drives
this: `deeds` says what to do, `done` takes what came of it. Has no socket and
no clock (docs/spec/session.md).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence

from ledger.descent import Descent, subtree_of
from ledger.errors import BadHead, BadRun, Diverged, EvidenceError, LedgerError
from ledger.evidence import Evidence, build_evidence
from ledger.log import Head, LogKey, Run
from ledger.replica import Branch, prove_held

from .deeds import Declined, Deed, Held, LinkId, Outcome, Prove, See, Stored, Take
from .errors import Misbehaved
from .fetching import Fetching
from .limits import (
    MAX_BATCH_HEADS,
    MAX_DECLINED,
    MAX_MEMORIES,
    MAX_OFFERS,
    MAX_OWN_SEEN,
    MAX_SHOWN_BRANCHES,
    MAX_WANTS,
    PULL_ENTRIES,
)
from .neighbour import Neighbour, Offer, Pull
from .questions import Ask, Farewell, Want
from .reconcile import Difference
from .roster import Roster
from .session import (
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
    Session,
    Shown,
    StateTold,
)
from .spreading import Heard, Spreading, Verdict


class Gossip:
    """One node's part in gossip. Belongs to one task; `held` is asked from it."""

    def __init__(self, held: Held) -> None:
        marks = dict(held.marks())
        self.roster = Roster(marks)
        self._cuts = {log: None for log, mark in marks.items() if mark.is_cut}
        """logs that are forked in what is held"""
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
        self._offers = 0
        """what all neighbours offer together"""
        self._pulls: dict[LogKey, LinkId] = {}
        """from whom a log is fetched now"""
        self._unproved: dict[LogKey, list[tuple[LinkId, Head]]] = {}
        """of logs whose evidence is being verified, the heads that were shown meanwhile, and by whom"""
        self._declined: OrderedDict[LogKey, tuple[int, bytes]] = OrderedDict()
        """logs that are not taken in, the most recently shown last, with size and root of what was shown"""
        self._own_seen: OrderedDict[tuple[int, bytes], None] = OrderedDict()
        """heads of the log that is written here which were looked at"""
        self._memories: OrderedDict[LogKey, Roster] = OrderedDict()

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
        return self.roster, self._memories.get(peer)

    def look(self, link: LinkId) -> None:
        """Take the events of a session, after bytes have come, its timer, or its loss."""
        for event in self._links[link].session.events() if link in self._links else ():
            if link in self._links:  # else what came before ended the session
                self._take(link, event)
        self._pull()
        if link in self._links:
            self._rest(self._links[link])

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
                self._compared(number, link, differences)
                self.blobs.add(number, link.session)
                if link.peer is not None:
                    self.addresses.add(number, link.peer, link.session)
            case Came(runs):
                for log in {run.log for run in runs}:
                    link.asked[log].unstored += 1
                for run in runs:
                    link.asked[run.log].at = run.head.size
                self._deeds.append(Take(number, runs))
            case Satisfied(want, absent):
                self._satisfied(number, link, want, absent=absent)
            case Shown(heads, evidence):
                self._shown(number, heads, evidence)
            case HeadsWanted(log):
                link.session.announce(self._held.heads(log)[:MAX_SHOWN_BRANCHES])
            case Answered(_, hashes):
                self._descend(number, link, hashes)
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
        for log in [log for log, source in self._pulls.items() if source == number]:
            del self._pulls[log]
        self._offers -= len(link.offers)
        link.offers.clear()

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

    def _compared(self, number: LinkId, link: Neighbour, differences: Sequence[Difference]) -> None:
        for log, mine, _ in differences:
            evidence = self._held.evidence(log) if mine is not None and mine.is_cut else None
            if evidence is not None:
                link.session.show(evidence)
        # Marks of a fork are the same whichever branches are held: these are compared by their heads.
        heads = [head for log in self._cuts for head in self._held.heads(log)[:MAX_SHOWN_BRANCHES]]
        link.session.announce(heads[:MAX_BATCH_HEADS])
        for difference in differences:
            log, mine, theirs = difference
            if difference.their_size:
                self._offered(number, log, Offer(difference.their_size))
                if mine is not None and mine.code == theirs:
                    # Of one size and another root: the last entry under the other head shows the fork.
                    self._want(link, Want(log, mine.number - 1, mine.number))

    def _offered(self, number: LinkId, log: LogKey, offer: Offer) -> None:
        """Take note of how far a neighbour holds a log."""
        if log in self._declined:
            self._declined.move_to_end(log)
        elif offer.size > self._size(log):
            offers = self._links[number].offers
            if log not in offers:
                if not self._has_room(offers):
                    return
                self._offers += 1
            elif offers[log].size >= offer.size:
                return
            offers[log] = offer

    def _size(self, log: LogKey) -> int:
        """How many entries of a log's first branch are held; told from memory, if that can be.

        What is being stored at this moment may not count yet; before it is asked for, it does.
        """
        mark = self.roster.get(log)
        if mark is None:
            return 0
        return self._held.size(log) if mark.is_cut else mark.number

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

    def _drop(self, number: LinkId, log: LogKey) -> Offer | None:
        """Forget what a neighbour offers of a log."""
        link = self._links.get(number)
        offer = None if link is None else link.offers.pop(log, None)
        self._offers -= offer is not None
        return offer

    def _pull(self) -> None:
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

    def _want(self, link: Neighbour, want: Want) -> None:
        """Ask for something that shows a fork, or for a branch of one, as soon as that can be."""
        if want not in link.waiting and len(link.waiting) < MAX_WANTS:
            link.waiting[want] = None

    def _ask_waiting(self) -> None:
        for number, link in self._links.items():
            for want in list(link.waiting):
                log = LogKey(want.log)
                if log not in self._pulls and log not in link.asked and link.room > 0:
                    del link.waiting[want]
                    start = self._branch_start(want) if want.root else want.start
                    if start is None:
                        continue  # somebody else has sent it meanwhile
                    link.asked[log] = Pull(start, want.end - start, start, want.root)
                    self._pulls[log] = number
                    link.session.want([Want(want.log, start, want.end, want.root)])

    def _satisfied(self, number: LinkId, link: Neighbour, want: Want, *, absent: bool) -> None:
        log = LogKey(want.log)
        if absent:
            self._drop(number, log)
        pull = link.asked[log]
        offer = link.offers.get(log)
        if not absent and not want.root and pull.start and offer is not None and offer.size > pull.at:
            # The next ones are asked for at once, while these are stored: neither side waits for the other.
            pull.count = min(offer.size - pull.at, PULL_ENTRIES)
            link.session.want([Want(log, pull.at, pull.at + pull.count)])
            return
        pull.satisfied = True
        if not pull.unstored:
            self._settle(log, number, link)

    def _settle(self, log: LogKey, number: LinkId, link: Neighbour) -> None:
        """All that was asked of a log has been stored: who holds more of it may be asked next."""
        pull = link.asked.pop(log)
        if self._pulls.get(log) == number:
            del self._pulls[log]
        if self._held.size(log) <= pull.start:
            self._drop(number, log)  # nothing came of it: it is not asked there again
        self._outgrow(log)

    def _outgrow(self, log: LogKey) -> None:
        """Forget who offers no more of a log than is held."""
        held = self._held.size(log)
        for number, link in self._links.items():
            if log in link.offers and link.offers[log].size <= held:
                offer = self._drop(number, log)
                assert offer is not None
                self._compare_roots(number, log, offer)

    def _compare_roots(self, number: LinkId, log: LogKey, offer: Offer) -> None:
        """Look whether a neighbour holds as much of a log, or another branch of it."""
        link = self._links.get(number)
        if link is None or not offer.root or self._held.evidence(log) is not None:
            return
        if any(_root_at(branch, offer.size) == offer.root for branch in self._held.branches(log)):
            return
        if offer.head is None or offer.head.is_signed(self._held.network):  # else it is nobody's branch
            self._want(link, Want(log, offer.size - 1, offer.size))

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
                        self._forked(outcome.evidence, None)
                        for proven in (outcome.evidence.first, outcome.evidence.second):
                            self._fetch_branch(deed.link, proven.head)
                    elif outcome.new:
                        grown[run.log] = run.head
                elif not isinstance(outcome, bool):
                    self._refused(deed.link, run, outcome)
            self._grown(grown, deed.link)
            if link is not None:
                self._took(deed.link, link, {run.log for run in deed.runs})
        self._pull()
        if link is not None:
            self._rest(link)

    def forged(self, deed: See) -> None:
        """Nobody has signed a head that was shown: whoever passes heads on has looked at them before."""
        self._own_seen.pop((deed.head.size, deed.head.root), None)
        self._blame(deed.link, Misbehaved("The other side shows heads that their log has not signed."))

    def _took(self, number: LinkId, link: Neighbour, logs: Iterable[LogKey]) -> None:
        """A message that brought entries of some logs has been stored."""
        for log in logs:
            pull = link.asked[log]
            pull.unstored -= 1
            if pull.satisfied and not pull.unstored:
                self._settle(log, number, link)

    def refresh(self, logs: Iterable[LogKey]) -> None:
        """Look at logs in which something was signed here, or taken in otherwise than by gossip."""
        grown = {
            log: self._held.heads(log)[0]
            for log in logs
            if (mark := self._held.mark(log)) is not None and mark != self.roster.get(log)
        }
        self._grown(grown, None)
        self._pull()

    def begin_anew(self) -> None:
        """Look at everything that is held: it was put back to an earlier state behind this one's back.

        Sessions go on with what they have compared; they are to be ended and opened again.
        """
        marks = dict(self._held.marks())
        self.roster = Roster(marks)
        self._cuts = {log: None for log, mark in marks.items() if mark.is_cut}
        self._memories.clear()

    def forgive(self) -> None:
        """Ask again for logs that were not taken in: who is recognised has changed."""
        wants = [Want(log, 0, 0) for log in self._declined]
        self._declined.clear()
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
        for log in grown:
            self._mark(log)
        self.addresses.review(grown)
        for number, link in self._links.items():
            if link.compared and number != source:
                link.session.announce([head for head in grown.values() if not self._knows(number, head)])

    def _knows(self, number: LinkId, head: Head) -> bool:
        """Whether a neighbour has shown that it holds as much."""
        offer = self._links[number].offers.get(LogKey(head.log))
        return offer is not None and (
            offer.size > head.size or (offer.size == head.size and offer.root in (b"", head.root))
        )

    def _mark(self, log: LogKey) -> None:
        mark = self._held.mark(log)
        if mark is not None:
            self.roster = self.roster.put(log, mark)
            if mark.is_cut:
                self._cuts[log] = None

    def _refused(self, number: LinkId, run: Run, error: LedgerError) -> None:
        self._count_refusal(number)
        if isinstance(error, Declined):
            for each in self._links:
                self._drop(each, run.log)
            self._decline(number, run.head)
        elif isinstance(error, Diverged):
            link = self._links.get(number)
            pull = link.asked.get(LogKey(run.head.log)) if link is not None else None
            evidence = self._held.evidence(run.log)
            if link and pull and pull.root and evidence is not None and pull.start > evidence.cut:
                # It does not go on where that was thought: from some way further back, then.
                end = pull.start + pull.count
                self._want(link, Want(run.log, pull.start - 1, end, pull.root))
            else:
                self._find_cut(number, run.head)
        elif isinstance(error, BadRun | BadHead):
            self._blame(number, error)

    def _decline(self, number: LinkId, head: Head) -> None:
        """Take note of a head of a log that is not taken in: nothing more is asked of it for now."""
        log, link = LogKey(head.log), self._links.get(number)
        if self._declined.get(log) != (head.size, head.root):
            self._declined[log] = (head.size, head.root)
            if link is not None and link.peer is not None:
                self._deeds.append(See(number, head, link.peer))
        self._declined.move_to_end(log)
        while len(self._declined) > MAX_DECLINED:
            self._declined.popitem(last=False)

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
            if log == self._held.own and (head.size, head.root) not in self._own_seen:
                self._own_seen[head.size, head.root] = None
                if len(self._own_seen) > MAX_OWN_SEEN:
                    self._own_seen.popitem(last=False)
                self._deeds.append(See(number, head))
            if log in self._unproved:
                self._unproved[log].append((number, head))
            else:
                self._shown_one(number, log, head)

    def _shown_one(self, number: LinkId, log: LogKey, head: Head) -> None:
        if self._held.evidence(log) is not None:
            self._fetch_branch(number, head)
        elif log in self._declined and head.size > self._size(log):
            self._decline(number, head)
        elif head.size > self._size(log):
            self._offered(number, log, Offer(head.size, head.root, head))
        else:
            self._compare_roots(number, log, Offer(head.size, head.root, head))

    # Forks --------------------------------------------------------------------------------------

    def _proved(self, deed: Prove, outcome: Outcome | EvidenceError | bool) -> None:
        waiting = self._unproved.pop(deed.evidence.log, [])
        if isinstance(outcome, EvidenceError):
            self._blame(deed.link, outcome)
        else:
            if outcome:
                self._forked(deed.evidence, deed.link)
            waiting += [(deed.link, proven.head) for proven in (deed.evidence.first, deed.evidence.second)]
        for number, head in waiting:
            self._shown_one(number, deed.evidence.log, head)

    def _forked(self, evidence: Evidence, source: LinkId | None) -> None:
        """A fork has come to light: everybody is told before anything else."""
        self._mark(evidence.log)
        for number, link in self._links.items():
            if link.compared and number != source:
                link.session.show(evidence)
                link.session.announce(self._held.heads(evidence.log)[:MAX_SHOWN_BRANCHES])

    def _fetch_branch(self, number: LinkId, head: Head) -> None:
        """Ask for the branch of a forked log that ends in a head, from where it is not held."""
        log, link = LogKey(head.log), self._links.get(number)
        if link is not None and link.compared and log not in self._declined:
            want = Want(log, head.size - 1, head.size, head.root)
            if self._branch_start(want) is not None:
                self._want(link, want)

    def _branch_start(self, want: Want) -> int | None:
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

    def _find_cut(self, number: LinkId, head: Head) -> None:
        """Find where the log under a valid head that fits nothing here parts from what is held."""
        link = self._links.get(number)
        if link is not None and not any(other.log == head.log for other in link.descents):
            link.descents.append(head)
            if len(link.descents) == 1:
                self._begin_descent(link)

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

    def _descend(self, number: LinkId, link: Neighbour, hashes: Sequence[bytes]) -> None:
        descent, head = link.descent, link.descents[0]
        assert descent is not None, "it was asked"
        try:
            descent.take(hashes)
            if not descent.is_done:
                link.session.ask(Ask(head.log, head.size, head.root, tuple(descent.wants)))
                return
            if descent.found is not None:
                mine = self._held.branches(LogKey(head.log))[0]
                proof = build_evidence(
                    descent.cut, descent.found, prove_held(mine, descent.cut), self._held.network
                )
                self._deeds.append(Prove(number, proof))
        except EvidenceError as error:
            self._blame(number, error)
            return
        link.descents.pop(0)
        link.descent = None
        self._begin_descent(link)

    # Rest ---------------------------------------------------------------------------------------

    def _rest(self, link: Neighbour) -> None:
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


def _root_at(branch: Branch, size: int) -> bytes | None:
    return branch.state_at(size).root if branch.start <= size <= branch.size else None
