"""What a run means beside the branches of its log that are already held.

Decides whether a run opens a log, extends a branch, is known, or forks from a
branch, and in the last case builds the evidence. Changes nothing: the caller
stores what the answer says. Where branches are kept is `store`'s; finding a
cut that lies before the run is `descent`'s.

The common case, a run that extends the branch held, costs one pass over the
run and one verification. Nothing beyond that pass, and no second branch, is
looked at before the head's signature holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from . import merkle
from .errors import BadRun, Diverged, Unconnected
from .evidence import Evidence, Proven, build_evidence, prove_entry
from .log import Head, LogState, Run, check_form, check_head, leaf_hashes
from .merkle import CompactRange


class Branch(Protocol):
    """One branch of a log as somebody holds it: every entry from `start` to `size`, under dense heads.

    A branch that parted from another one shows the entries before the cut as
    well, as if it stood alone.
    """

    @property
    def number(self) -> int:
        """What the holder calls the branch."""

    @property
    def start(self) -> int:
        """The first index whose leaf is held; below it there is only the compact range."""

    @property
    def size(self) -> int:
        """The size of its newest head, which is where its entries end."""

    def state(self) -> LogState:
        """The log at its end, with the newest head."""

    def state_at(self, size: int) -> LogState:
        """The log at any size from `start` on; the head of that state is not looked at."""

    def leaves(self, start: int, end: int) -> Sequence[bytes]:
        """The leaf hashes from index `start` up to, not including, `end`."""

    def head_over(self, index: int) -> Head:
        """The smallest held head whose size is larger than `index`."""


@dataclass(frozen=True, slots=True)
class Opens:
    """Nothing of the log is held: the run is its beginning here.

    `leaves` are the leaf hashes of the run's items. Where `run.start` is not
    0, the log is held from there on, above the compact range `run.before`.
    """

    state: LogState
    leaves: list[bytes]


@dataclass(frozen=True, slots=True)
class Extends:
    """The run goes on where branch `number` ends; `state` is that branch after it.

    The first `skip` items are held already; `leaves` are the leaf hashes of
    `run.items[skip:]`.
    """

    number: int
    state: LogState
    leaves: list[bytes]
    skip: int


@dataclass(frozen=True, slots=True)
class Known:
    """Branch `number` holds all of the run, and its root is that of the run's head.

    `is_new_head` says that no head of this size was held: it may be kept.
    """

    number: int
    is_new_head: bool


@dataclass(frozen=True, slots=True)
class Forks:
    """The run parts from branch `number` at index `cut`; `evidence` proves it.

    The new branch shares everything before the cut with branch `number`, and
    ends at `state`. The first `skip` items stand before the cut; `leaves` are
    the leaf hashes of `run.items[skip:]`, the first of them at the cut. Of
    several branches, `number` is the one that the run follows furthest.
    """

    number: int
    cut: int
    evidence: Evidence
    state: LogState
    leaves: list[bytes]
    skip: int


Placement = Opens | Extends | Known | Forks


def place_run(run: Run, branches: Sequence[Branch], network: str) -> Placement:
    """Where a run belongs beside all held branches of its log, none of them changed.

    Raises BadRun (another log, lengths, or items that are not those of the head), BadHead
    (not signed for `network`), Diverged (a valid head whose root fits no
    branch: either its log forks before the run, or whoever sent it changed the
    items; `descent` finds out which) or Unconnected (entries between what is
    held and the run are missing).
    """
    check_form(run)
    leaves = leaf_hashes(run.head.log, run.start, run.items)
    if not branches:
        return _open(run, leaves, network)
    reached = [branch for branch in branches if branch.start <= run.head.size and run.start <= branch.size]
    fork: _Parting | None = None
    for count, branch in enumerate(reached):
        fit = _fit(run, leaves, branch)
        if count == 0:
            check_head(run.head, network)
        if isinstance(fit, Extends | Known):
            return fit
        if fit is not None and (fork is None or fit.cut > fork.cut):
            fork = fit
    if fork is not None:
        return fork.prove(run, leaves, network)
    if not reached:
        check_head(run.head, network)
    if run.start == 0 or run.before:
        _stand_alone(run, leaves)
    if reached:
        raise Diverged("The head of size {size} fits no branch that is held.", size=run.head.size)
    raise Unconnected(
        "A run from {start} to {size} does not reach what is held of its log.",
        start=run.start,
        size=run.head.size,
    )


@dataclass(frozen=True, slots=True)
class _Parting:
    """A fork that has been found and is not proved yet."""

    branch: Branch
    cut: int
    before: CompactRange
    state: LogState

    def prove(self, run: Run, leaves: list[bytes], network: str) -> Forks:
        skip = self.cut - run.start
        theirs = prove_entry(run.head, self.cut, self.before, leaves[skip:])
        ours = prove_held(self.branch, self.cut, self.before)
        evidence = build_evidence(self.cut, ours, theirs, network)
        return Forks(self.branch.number, self.cut, evidence, self.state, leaves[skip:], skip)


def prove_held(branch: Branch, index: int, before: CompactRange | None = None) -> Proven:
    """The entry at `index` of a held branch, under the first head over it. Raises EvidenceError.

    `before`, the compact range of what stands before it, is asked for where
    the caller has it not at hand. `index` is at least the branch's start.
    """
    head = branch.head_over(index)
    if before is None:
        before = branch.state_at(index).compact
    return prove_entry(head, index, before, branch.leaves(index, head.size))


def _open(run: Run, leaves: list[bytes], network: str) -> Opens:
    if run.start and not run.before:
        raise Unconnected("Nothing is held of this log, and the run begins at {start}.", start=run.start)
    compact = _stand_alone(run, leaves)
    check_head(run.head, network)
    return Opens(LogState(run.log, run.head.size, compact, run.head), leaves)


def _stand_alone(run: Run, leaves: list[bytes]) -> CompactRange:
    """The compact range at the run's end from the run alone; BadRun if its head has another root."""
    compact = merkle.extend_range(run.start, run.before, leaves)
    if merkle.range_root(run.head.size, compact) != run.head.root:
        raise BadRun("The root of the head of size {size} is not that of its entries.", size=run.head.size)
    return compact


def _fit(run: Run, leaves: list[bytes], branch: Branch) -> Extends | Known | _Parting | None:
    """What the run is to one branch, its head's signature aside; None if the root does not fit.

    Items below the branch's start are passed over: the compact range there,
    with the items after it, has to give the head's root.
    """
    head, state = run.head, branch.state()
    if state.log != head.log:
        raise BadRun(
            "A run of log {log} does not belong beside log {other}.",
            log=head.log.hex()[:16],
            other=state.log.hex()[:16],
        )
    first = max(run.start, branch.start)
    end = min(branch.size, head.size)
    held = branch.leaves(first, end)
    ours = leaves[first - run.start : end - run.start]
    if list(held) == ours:
        if head.size <= branch.size:
            if branch.state_at(head.size).root != head.root:
                return None
            return Known(branch.number, branch.head_over(head.size - 1).size != head.size)
        cut = end
    else:
        cut = first + next(at for at, (one, other) in enumerate(zip(held, ours, strict=True)) if one != other)
        state = branch.state_at(cut)
    rest = leaves[cut - run.start :]
    compact = merkle.extend_range(cut, state.compact, rest)
    if merkle.range_root(head.size, compact) != head.root:
        return None
    after = LogState(run.log, head.size, compact, head)
    if cut == branch.size:
        return Extends(branch.number, after, rest, cut - run.start)
    return _Parting(branch, cut, state.compact, after)
