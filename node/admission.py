"""Admission: which logs of others a home takes in.

Decides from the commune that a log belongs to, or from what its first entry
claims as long as it is not held: a charter names its commune by its own hash,
and a succession must be signed by an authority of the commune, so that nobody
fills a home with logs in a name that is not theirs. What a commune's logs then
mean is the ledger's to say.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from ledger.authority import satisfied
from ledger.errors import NotFound
from ledger.log import LogKey, Run, entry_id
from ledger.records import Charter, CommuneId, Succession, parse, signed_body
from ledger.store.reading import BranchInfo, Reader

from .errors import NotAdmitted


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Why a log is not taken in, and whose it says it is: a commune, and the name in its charter."""

    reason: NotAdmitted
    commune: CommuneId | None = None
    name: str | None = None


class Admission:
    """Admits the logs of some communes, or all that begin at their beginning if `communes` is None.

    Asks the reader, and remembers the logs that it has admitted. `settle` is
    called where the answer depends on entries that were admitted before and
    may still wait to be stored. Belongs to the reader's thread.
    """

    def __init__(
        self, reader: Reader, communes: Collection[CommuneId] | None, settle: Callable[[], None]
    ) -> None:
        self._reader = reader
        self._communes = None if communes is None else frozenset(communes)
        self._settle = settle
        self._admitted: set[LogKey] = set()

    def holds(self, log: LogKey) -> bool:
        """Whether a log is held, or was admitted before, as one that is taken in."""
        if self._communes is None or log in self._admitted:
            return True
        return any(branch.commune in self._communes for branch in self._reader.branches(log))

    def judge(self, run: Run) -> LeftOut | None:
        """None if the run's log is taken in, else why not. Nothing of the run itself is verified."""
        if run.log in self._admitted:
            return None
        if self._communes is None:
            return self._beheaded(run)
        left_out = self._judge(run, self._communes)
        if left_out is None:
            self._admitted.add(run.log)
        return left_out

    def _judge(self, run: Run, communes: frozenset[CommuneId]) -> LeftOut | None:
        branches = self._reader.branches(run.log)
        known = {branch.commune for branch in branches if branch.commune is not None}
        if known & communes:
            return None
        if known:
            return LeftOut(_not_recognised(), min(known))
        payload = self._opening(run, branches)
        if payload is None:
            return _without_beginning()
        return self._claim(run.log, payload, communes)

    def _beheaded(self, run: Run) -> LeftOut | None:
        """Why a run that begins in the middle is not taken in although everything is; None if it is.

        A log once opened in the middle is held from there on, and its beginning
        finds no place any more: anybody could make a commune nobody's so.
        """
        if run.start == 0 or self._reader.branches(run.log):
            return None
        self._settle()  # its beginning may be waiting
        return None if self._reader.branches(run.log) else _without_beginning()

    def _opening(self, run: Run, branches: Sequence[BranchInfo]) -> bytes | None:
        """The payload of the log's first entry, as it is held or as the run brings it."""
        for branch in branches:
            payload = next(self._reader.entries(branch.number, 0, 1)).payload if branch.start == 0 else None
            if payload is not None:
                return payload
        item = run.items[0]
        return item if run.start == 0 and isinstance(item, bytes) else None

    def _claim(self, log: LogKey, payload: bytes, communes: frozenset[CommuneId]) -> LeftOut | None:
        """What a log's first entry is worth."""
        record = parse(payload)
        if isinstance(record, Charter):
            commune = CommuneId(entry_id(log, 0, payload))
            if commune in communes and record.network == self._reader.network:
                return None
            return LeftOut(_not_recognised(), commune, record.name)
        if isinstance(record, Succession):
            commune = CommuneId(record.commune)
            if commune not in communes:
                return LeftOut(_not_recognised(), commune)
            reason = self._unvouched(log, record, payload)
            return None if reason is None else LeftOut(reason, commune)
        return LeftOut(
            NotAdmitted("Which commune it belongs to cannot be told: its first entry does not say.")
        )

    def _unvouched(self, log: LogKey, record: Succession, payload: bytes) -> NotAdmitted | None:
        """Why a succession is not one of the commune that it names; None if an authority of it signed it."""
        self._settle()
        try:
            chain = self._reader.formed(CommuneId(record.commune)).chain
        except NotFound:
            return NotAdmitted(
                "It continues a commune whose charter is not held: import this again when that has come."
            )
        link = chain.link_of(record.authority)
        message = signed_body(payload, self._reader.network)
        if record.log == log and link is not None and satisfied(link.authority, record.signatures, message):
            return None
        return NotAdmitted(
            "It says that it continues a commune, and that commune's authority did not sign it."
        )


def followed(reader: Reader, own: CommuneId) -> frozenset[CommuneId]:
    """The communes whose logs a home takes in and passes on by default.

    Its own, those it recognises, and the partners of its exchanges: in a ring
    the answer of a party that this commune does not know is one it waits for.
    """
    return frozenset({own, *reader.recognised(own), *reader.partners(own)})


def within_reach(reader: Reader, own: CommuneId, hops: int) -> frozenset[CommuneId]:
    """The communes whose logs a node replicates: those followed, and whom these recognise, some hops on."""
    found = set(followed(reader, own))
    edge = set(reader.recognised(own))
    for _ in range(hops - 1):
        edge = {further for commune in edge for further in reader.recognised(commune)} - found
        found |= edge
    return frozenset(found)


def _without_beginning() -> LeftOut:
    return LeftOut(NotAdmitted("Which commune it belongs to cannot be told: its first entry is not there."))


def _not_recognised() -> NotAdmitted:
    return NotAdmitted(
        "This commune is not recognised here: `trueque recognise` it, or import everything with --all."
    )
