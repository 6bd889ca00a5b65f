"""Authors that write logs, forks included, and a holder of branches in memory.

Working fakes: an `Author` signs with a key of its own through `log.sign_run`,
and may be split in two; a `Holder` does with every placement of a run what a
store has to do, and nothing else.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from dataclasses import InitVar, dataclass, field

from ledger import merkle
from ledger.evidence import Evidence
from ledger.log import Erased, Head, LogState, Run, leaf_hashes, sign_run
from ledger.replica import Extends, Forks, Opens, Placement, place_run
from ledger.signing import SigningKey

NETWORK = "ensayo"


def key_of(name: str) -> SigningKey:
    """A key pair that is always the same for one name."""
    return SigningKey(merkle.leaf_hash(name.encode()))


@dataclass
class Author:
    """One log as its writer has it: all payloads, and all runs as signed."""

    name: str
    given_key: InitVar[SigningKey | None] = None
    network: str = NETWORK
    key: SigningKey = field(init=False)
    state: LogState = field(init=False)
    payloads: list[bytes] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)

    def __post_init__(self, given_key: SigningKey | None) -> None:
        """Start an empty log, under the key of the name unless another is given."""
        self.key = key_of(self.name) if given_key is None else given_key
        self.state = LogState(self.key.public_key)  # type: ignore[arg-type]

    def write(self, *payloads: bytes) -> Run:
        """Sign these entries as one run."""
        run, extension = sign_run(self.state, payloads, self.key, self.network)
        self.state = extension.state
        self.payloads += payloads
        self.runs.append(run)
        return run

    def twin(self) -> Author:
        """A second holder of the same key, with the same history so far."""
        return copy.deepcopy(self)

    @property
    def leaves(self) -> list[bytes]:
        """The leaf hashes of the whole log."""
        return leaf_hashes(self.state.log, 0, self.payloads)

    def run_between(self, start: int, head: Head, *, with_before: bool = False) -> Run:
        """The entries from `start` up to a head as one run, whatever runs they were signed in."""
        before = merkle.extend_range(0, (), self.leaves[:start]) if with_before else ()
        return Run(head, start, tuple(self.payloads[start : head.size]), before)


def written(name: str, *batches: Sequence[bytes]) -> Author:
    """An author who has signed these batches."""
    author = Author(name)
    for batch in batches:
        author.write(*batch)
    return author


def numbered(tag: str, count: int, first: int = 0) -> list[bytes]:
    """Payloads that say what they are."""
    return [f"{tag} {number}".encode() for number in range(first, first + count)]


@dataclass
class HeldBranch:
    """One branch in memory, as `replica.Branch` wants it."""

    number: int
    start: int
    before: merkle.CompactRange
    log: bytes
    hashes: list[bytes] = field(default_factory=list)
    heads: list[Head] = field(default_factory=list)

    @property
    def size(self) -> int:
        """The size of the newest head."""
        return self.heads[-1].size

    def state(self) -> LogState:
        """The log at its end."""
        state = self.state_at(self.size)
        return LogState(state.log, state.size, state.compact, self.heads[-1])

    def state_at(self, size: int) -> LogState:
        """The log at any size from the start on."""
        compact = merkle.extend_range(self.start, self.before, self.leaves(self.start, size))
        return LogState(self.log, size, compact)  # type: ignore[arg-type]

    def leaves(self, start: int, end: int) -> list[bytes]:
        """The leaf hashes of a range, which has to be held."""
        assert self.start <= start <= end <= self.start + len(self.hashes)
        return self.hashes[start - self.start : end - self.start]

    def head_over(self, index: int) -> Head:
        """The smallest held head that is larger than an index."""
        return min((head for head in self.heads if head.size > index), key=lambda head: head.size)


@dataclass
class Holder:
    """All branches of one log that somebody holds, and the evidence they gave."""

    branches: list[HeldBranch] = field(default_factory=list)
    evidence: list[Evidence] = field(default_factory=list)

    def take(self, run: Run) -> Placement:
        """Place a run and keep what it brings; raises what `place_run` raises, and then keeps nothing."""
        placement = place_run(run, self.branches, NETWORK)
        match placement:
            case Opens(state, leaves):
                branch = HeldBranch(0, run.start, run.before, state.log, list(leaves), [run.head])
                self.branches.append(branch)
            case Extends(number, state, leaves, skip):
                assert len(leaves) == len(run.items) - skip
                branch = self.branches[number]
                branch.hashes += leaves
                branch.heads.append(run.head)
                assert branch.state() == state
            case Forks(number, cut, evidence, state, leaves, skip):
                assert (skip, len(leaves)) == (cut - run.start, run.head.size - cut)
                other = self.branches[number]
                shared = other.leaves(other.start, cut)
                heads = [head for head in other.heads if head.size <= cut]
                branch = HeldBranch(
                    len(self.branches), other.start, other.before, state.log, [*shared, *leaves], heads
                )
                branch.heads.append(run.head)
                assert branch.state() == state
                self.branches.append(branch)
                self.evidence.append(evidence)
        return placement

    def take_all(self, runs: Iterable[Run]) -> Holder:
        """Take several runs, one after the other."""
        for run in runs:
            self.take(run)
        return self


def erased(run: Run, *indexes: int) -> Run:
    """A run in which the payloads at these indexes are replaced by their leaf hashes."""
    leaves = leaf_hashes(run.log, run.start, run.items)
    items = tuple(
        Erased(leaf) if index in indexes else item
        for index, (item, leaf) in enumerate(zip(run.items, leaves, strict=True), run.start)
    )
    return Run(run.head, run.start, items, run.before)
