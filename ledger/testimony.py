"""Testimony: what logs show of each other, and whether it fits what is held.

Decides what follows from evidence of forks and from the heads that records
carry: false signatures, forks that nobody has told of yet, entries that have
not come, branches that are not held. Nobody is accused by anything that they
did not sign, and not by this copy either where it is damaged: a root that is
not proved here contradicts nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping, Sequence
from itertools import groupby

from .errors import EvidenceError
from .evidence import check_evidence, decode_evidence
from .findings import Findings, Tally
from .held import INDEX_MASK, PLACE_BITS
from .history import History
from .log import Head, LogKey
from .names import Names
from .sentences import N_
from .sights import Shown
from .store.rows import Rows
from .store.typed import head_of


class Soundness:
    """Which heads inside records are signed; one that is held and signed is not verified again."""

    def __init__(self, network: str, tallies: MutableMapping[bytes, Tally]) -> None:
        self._network = network
        self._tallies = tallies
        self._known: dict[Head, bool] = {}
        self._held: set[Head] = set()

    def learn(self, rows: Rows, history: History, unsigned: frozenset[Head]) -> None:
        """Take the heads that are held as signed, but for those that are not. Raises StoreError."""
        shown = {shown.head for shown in history.shown()}
        logs = {head.log for head in shown}
        for number, branch in history.branches.items():
            if branch.log in logs:
                for row in rows.heads(number):
                    head = head_of(branch.log, row)
                    if head is not None and head in shown and head not in unsigned:
                        self._known[head] = True
                        self._held.add(head)

    def is_held(self, head: Head) -> bool:
        """Whether a head is held and signed, so that what it covers has been compared with it."""
        return head in self._held

    def of(self, head: Head) -> bool:
        """Whether a head is signed by its log."""
        known = self._known.get(head)
        if known is None:
            self._tallies.setdefault(head.log, Tally()).signatures += 1
            known = self._known[head] = head.is_signed(self._network)
        return known


# Evidence ---------------------------------------------------------------------------------------


def check_held_evidence(
    rows: Rows, history: History, findings: Findings, tallies: MutableMapping[bytes, Tally]
) -> int:
    """Verify all evidence that is held and tell the history of it; of how many forks. Raises StoreError."""
    proven: dict[LogKey, int] = {}
    for log, cut, data in rows.evidence():
        known = log if isinstance(log, bytes) else None
        try:
            evidence = decode_evidence(data if isinstance(data, bytes) else b"")
            check_evidence(evidence, history.network)
        except EvidenceError as error:
            findings.add("evidence-invalid", known, cut if isinstance(cut, int) else None, detail=str(error))
            continue
        if (evidence.log, evidence.cut) != (log, cut):
            findings.add("evidence-invalid", known, evidence.cut, detail=N_("it is filed as something else"))
        tallies.setdefault(evidence.log, Tally()).signatures += 2
        proven[evidence.log] = evidence.cut
        history.add_cut(evidence.log, evidence.cut)
        findings.add("fork", evidence.log, evidence.cut)
    for log, index in _partings(history, findings):
        cut = proven.get(log)
        if cut is None:
            findings.add("fork-unproven", log, index)
        elif index < cut:
            findings.add("evidence-unfit", log, index, cut=cut)
    return len(proven)


def _partings(history: History, findings: Findings) -> Iterator[tuple[LogKey, int]]:
    """Each forked log with the lowest index at which branches that are held differ."""
    for log in {branch.log for branch in history.branches.values()}:
        branches = history.branches_of(log)
        partings: list[int] = []
        alone = [branch.number for branch in branches if branch.base is None]
        for number in alone[1:]:
            index = _first_difference(history, alone[0], number)
            if index is not None:
                partings.append(index)
        for branch in branches:
            if branch.base is None or not branch.leaves:
                continue
            other = history.leaf_at(branch.base.branch, branch.first)
            if other is None or other == branch.leaf(branch.first):
                findings.add(
                    "branch-broken", log, branch.first, detail=N_("it differs from no other history")
                )
            else:
                partings.append(branch.first)
        if partings:
            yield log, min(partings)


def _first_difference(history: History, one: int, other: int) -> int | None:
    """The first index at which two branches differ, None if one is the beginning of the other or unknown."""
    low, high = 0, min(history.branches[one].size, history.branches[other].size)
    if history.root_at(one, high) in (None, history.root_at(other, high)):
        return None
    while high - low > 1:  # the first `low` entries are equal, the first `high` are not
        middle = (low + high) // 2
        if history.root_at(one, middle) == history.root_at(other, middle):
            low = middle
        else:
            high = middle
    return low


# Heads in records -------------------------------------------------------------------------------


def check_shown(history: History, soundness: Soundness, names: Names, findings: Findings) -> None:
    """See whether the heads that records carry are signed and fit what is held of their logs."""
    for log, shown in groupby(history.shown(), key=lambda shown: LogKey(shown.head.log)):
        signed = []
        for item in shown:
            if soundness.is_held(item.head):
                continue
            if soundness.of(item.head):
                signed.append(item)
            else:
                author = history.log_of(item.place >> PLACE_BITS)
                index, other = item.place & INDEX_MASK, names.of_log(log)
                findings.add("seen-unsigned", author, index, other=other, size=item.head.size)
        if signed:
            _compare(history, log, signed, names, findings)


def _compare(
    history: History, log: LogKey, signed: Sequence[Shown], names: Names, findings: Findings
) -> None:
    """Compare signed heads of one log with what is held of it, and among themselves beyond that."""
    branches = history.branches_of(log)
    held = max((branch.size for branch in branches), default=0)
    cut = history.cut(log)
    roots: dict[int, set[bytes | None]] = {}
    for item in signed:
        size, root = item.head.size, item.head.root
        if size not in roots:
            reaching = (branch.number for branch in branches if size <= branch.size)
            roots[size] = {history.root_at(number, size) for number in reaching} or {root}
        if root in roots[size] or None in roots[size]:
            continue
        roots[size].add(root)  # once is enough
        code = "seen-fork" if cut is None or size <= cut else "seen-branch-missing"
        witness = names.of_log(history.log_of(item.place >> PLACE_BITS))
        findings.add(code, log, size - 1, witness=witness, size=size)
    furthest = max(signed, key=lambda item: item.head.size)
    if furthest.head.size <= held:
        return
    author, size = history.log_of(furthest.place >> PLACE_BITS), furthest.head.size
    if held:
        findings.add("log-behind", log, held, witness=names.of_log(author), size=size, held=held)
    else:
        index = furthest.place & INDEX_MASK
        findings.add("log-not-held", author, index, witness=names.of_log(author), other=log)


def check_reach(history: History, findings: Findings) -> None:
    """Note the logs that are held from some entry on only."""
    for branch in history.branches.values():
        if branch.base is None and branch.first > 0:
            findings.add("log-starts-late", branch.log, branch.first)
