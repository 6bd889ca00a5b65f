"""Networks of communes that somebody made up: logs, copies of keys, and what is told of them in which order.

    network = made_up([(1, 2, 3, 4, 5), ...])      # `happenings`
    deliver(store, network.parcels(Random(7)))     # everything that can be had, in an order of its own
    network.history()                              # the same, by the rules alone

What happens in a network is `happenings`'.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import msgspec

from ledger import merkle
from ledger.errors import Unconnected
from ledger.evidence import Evidence, build_evidence, prove_entry
from ledger.history import History
from ledger.log import EntryId, Erased, Head, Run, leaf_hashes
from ledger.records import CommuneId, Propose
from ledger.store.writing import Ingested, Store
from tests.support.communes import NETWORK, Writer, fill


@dataclass(frozen=True)
class Opened:
    """A proposal that somebody made, with the communes and legs in it."""

    id: EntryId
    proposer: CommuneId
    record: Propose


@dataclass
class MadeUp:
    """All logs of a network, copies of keys included, and what steps can point to."""

    writers: list[Writer] = field(default_factory=list)
    unseen: list[Writer] = field(default_factory=list)
    """Holders of a key whose entries reach nobody: all that is known of them is evidence."""
    proposals: list[Opened] = field(default_factory=list)
    listings: list[EntryId] = field(default_factory=list)
    disputes: list[EntryId] = field(default_factory=list)
    cancels: list[EntryId] = field(default_factory=list)
    erased: set[bytes] = field(default_factory=set)
    keys: int = 0

    # What a step can choose ----------------------------------------------------------------------

    def ids(self) -> list[EntryId]:
        """Every id there is, with one of an entry that nobody has."""
        return [EntryId(merkle.leaf_hash(b"nobody"))] + [
            EntryId(leaf) for writer in self.writers for leaf in writer.leaves
        ]

    def of(self, *communes: bytes) -> list[Writer]:
        """The writers of some communes."""
        return [writer for writer in self.writers if writer.commune in communes]

    def place_of(self, writer: Writer) -> int:
        """Where a writer stands among all; two holders of a key can be equal."""
        return next(place for place, other in enumerate(self.writers) if other is writer)

    def fresh_key(self) -> str:
        """A name for a key that nobody has yet."""
        self.keys += 1
        return f"key {self.keys}"

    def seen(self, choice: int, near: Sequence[Writer], own: Writer) -> list[Head]:
        """What a record says to have seen: mostly the newest heads of those it deals with."""
        others = [writer for writer in near if writer is not own]
        everybody = [writer for writer in self.writers if writer is not own]
        match choice % 12:
            case 7:
                return []
            case 8:
                return [writer.head for writer in everybody][:16]
            case 9:
                other = pick(everybody, choice // 12)
                return [other.head_at(1 + choice // 144 % other.size)]
            case 10:
                head = pick(everybody, choice // 12).head
                forged = msgspec.structs.replace(head, signature=bytes(64))
                return [forged, pick(everybody, choice // 144).head]
            case 11:
                other = pick(everybody, choice // 12)
                lie = Writer(other.name, other.key, other.commune, other.authority, ())
                lie.quote(b"a history that nobody was given")
                for number in range(other.size):
                    lie.quote(b"%d" % number)
                return [lie.head]
        return [writer.head for writer in others][:16]

    # What is checked against -----------------------------------------------------------------------

    def evidence(self) -> list[Evidence]:
        """Evidence of every fork between two holders of one key, of which at least one is unseen."""
        found = []
        for one in self.unseen:
            for other in self.writers:
                if one.log == other.log and (evidence := proof_of_fork(one, other)) is not None:
                    found.append(evidence)
        return found

    def all_evidence(self) -> list[Evidence]:
        """Evidence of every fork, between holders of a key whose entries can be had as well."""
        pairs = [
            (one, other)
            for at, one in enumerate(self.writers)
            for other in self.writers[at + 1 :]
            if one.log == other.log
        ]
        proofs = [proof_of_fork(one, other) for one, other in pairs]
        return self.evidence() + [proof for proof in proofs if proof is not None]

    def history(self, rng: Random | None = None) -> History:
        """The rules over everything that can be had, with no database."""
        history = History(NETWORK)
        fill(history, *self.writers, rng=rng, erased=self.erased)
        for evidence in self.evidence():
            history.add_cut(evidence.log, evidence.cut)
        history.decide()
        return history

    def parcels(self, rng: Random) -> list[Run | Evidence]:
        """Everything that can be had, cut into runs at random, in any order, some of it twice."""
        parcels: list[Run | Evidence] = [*self.evidence()]
        for writer in self.writers:
            cuts = (rng.randrange(writer.size + 1) for _ in range(rng.randrange(6)))
            for start, end in itertools.pairwise(sorted({0, writer.size, *cuts})):
                # A run may begin before the last one ended, as from a neighbour who cut elsewhere.
                early = rng.choice((start, start, rng.randrange(start + 1)))
                parcels.append(self.run(writer, early, end))
        # Whoever passes entries on may keep contents back; they come from somebody else then.
        runs = [parcel for parcel in parcels if isinstance(parcel, Run)]
        parcels += [kept_back(run, rng) for run in rng.sample(runs, k=rng.randrange(1 + len(runs) // 2))]
        parcels += rng.sample(self.all_evidence(), k=rng.randrange(len(self.all_evidence()) + 1))
        parcels += rng.sample(parcels, k=rng.randrange(3))
        rng.shuffle(parcels)
        return parcels

    def run(self, writer: Writer, start: int, end: int) -> Run:
        """Entries of a log under one head, erased ones without their payloads."""
        run = writer.run(start, end)
        items = tuple(
            Erased(leaf) if leaf in self.erased else item
            for item, leaf in zip(run.items, writer.leaves[start:end], strict=True)
        )
        return Run(run.head, start, items)


def kept_back(run: Run, rng: Random) -> Run:
    """The same run with some contents left out."""
    leaves = leaf_hashes(run.log, run.start, run.items)
    items = tuple(
        Erased(leaf) if rng.random() < 0.5 else item for item, leaf in zip(run.items, leaves, strict=True)
    )
    return Run(run.head, run.start, items)


def proof_of_fork(one: Writer, other: Writer) -> Evidence | None:
    """Evidence that two holders of one key wrote different things, None if they did not."""
    pairs = enumerate(zip(one.leaves, other.leaves, strict=False))
    cut = next((index for index, (mine, theirs) in pairs if mine != theirs), None)
    if cut is None:
        return None
    before = merkle.extend_range(0, (), one.leaves[:cut])
    mine, theirs = (prove_entry(writer.head, cut, before, writer.leaves[cut:]) for writer in (one, other))
    return build_evidence(cut, mine, theirs, one.network)


def deliver(store: Store, parcels: Sequence[Run | Evidence], together: int = 1) -> None:
    """Hand parcels to a store, so many runs in one transaction; what cannot be placed yet waits."""
    waiting = list(parcels)
    while waiting:
        left: list[Run | Evidence] = []
        while waiting:
            if isinstance(first := waiting[0], Evidence):
                store.add_evidence(first)
                del waiting[0]
            else:
                runs = list(itertools.takewhile(lambda parcel: isinstance(parcel, Run), waiting[:together]))
                del waiting[: len(runs)]
                left += _hand_over_runs(store, runs)
        assert len(left) < len(parcels), "nothing that is left can be placed"
        waiting, parcels = left, tuple(left)


def _hand_over_runs(store: Store, runs: Sequence[Any]) -> list[Run | Evidence]:
    left: list[Run | Evidence] = []
    for run, taken in zip(runs, store.ingest_all(runs), strict=True):
        if isinstance(taken, Unconnected):
            left.append(run)
        else:
            assert isinstance(taken, Ingested), taken
    return left


def pick(items: Sequence[Any], number: int) -> Any:
    """One of these, mostly of the last: what came last is what one talks about."""
    back = number % 4 // 2 if number < 160 else number
    return items[-1 - back % len(items)]
