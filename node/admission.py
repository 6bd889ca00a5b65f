"""Admission: which logs of others a home takes in.

Decides from the commune that a log belongs to, or from what its first entry
claims as long as it is not held: a charter names its commune by its own hash,
and a succession must be signed by an authority of the commune, so that nobody
fills a home with logs in a name that is not theirs. How much of it there may be
is `quotas`' and counted by `rations`; what a commune's logs then mean is the
ledger's to say.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ledger.authority import satisfied
from ledger.errors import NotFound
from ledger.log import LogKey, Run, entry_id
from ledger.records import Charter, CommuneId, Succession, parse, signed_body
from ledger.store.reading import BranchInfo, Reader

from .errors import NotAdmitted
from .quotas import Reach, Standing, reach
from .rations import Rations, weight

if TYPE_CHECKING:
    from .settings import Settings


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Why a log is not taken in, and whose it says it is: a commune, and the name in its charter."""

    reason: NotAdmitted
    commune: CommuneId | None = None
    name: str | None = None


class Admission:
    """Admits the logs of a reach, or of some communes, or all that begin at their beginning if that is None.

    Asks the reader, and remembers the logs that it has admitted. `settle` is
    called where the answer depends on entries that were admitted before and
    may still wait to be stored. Where there are `rations`, what is admitted is
    counted, and `settled` is to be called for every run that was. Belongs to
    the reader's thread.
    """

    def __init__(
        self,
        reader: Reader,
        communes: Reach | Collection[CommuneId] | None,
        settle: Callable[[], None],
        rations: Rations | None = None,
    ) -> None:
        self._reader = reader
        self._reach = Reach.of(communes) if isinstance(communes, Collection) else communes
        self._settle = settle
        self._rations = rations
        self._admitted: dict[LogKey, CommuneId | None] = {}
        self._names: dict[LogKey, str] = {}
        """what communes call themselves whose charters were admitted and may not be held yet"""
        self._counted: dict[int, int] = {}
        """of runs that were admitted, by their identity, the weight that was counted"""

    def holds(self, log: LogKey) -> bool:
        """Whether a log is held, or was admitted before, as one that is taken in."""
        if self._reach is None or log in self._admitted:
            return True
        return any(self._reach.standing(log, branch.commune) for branch in self._reader.branches(log))

    def is_held(self, log: LogKey) -> bool:
        """Whether anything of a log is held, taken in or not."""
        return bool(self._reader.branches(log))

    def judge(self, run: Run) -> LeftOut | None:
        """None if the run is taken in, else why not. Nothing of the run itself is verified."""
        if self._reach is None:
            left_out = self._beheaded(run)
            if left_out is None and self._rations is not None and not self._is_known(run):
                self._counted[id(run)] = weight(run)
                self._rations.add(run.log, weight(run))
            return left_out
        if run.log not in self._admitted:
            found = self._judge(run, self._reach)
            if isinstance(found, LeftOut):
                return found
            self._admitted[run.log] = found
        return None if self._rations is None else self._ration(run, self._reach, self._rations)

    def _ration(self, run: Run, reach: Reach, rations: Rations) -> LeftOut | None:
        """Why a run of a log that is taken in is more than there may be; None, and it is counted, if not."""
        commune = self._admitted[run.log]
        standing = reach.standing(run.log, commune)
        if standing in (None, Standing.OWN) or self._is_known(run):
            return None
        assert standing is not None
        introducers = () if commune is None else reach.introducers.get(commune, ())
        held_back = rations.judge(run, commune, standing, introducers)
        if held_back is not None:
            return LeftOut(held_back, commune, self._names.get(run.log))
        self._counted[id(run)] = weight(run)
        return None

    def _is_known(self, run: Run) -> bool:
        """Whether all of a run is held under a head of its root: it costs nothing to take it once more."""
        size, root = run.head.size, run.head.root
        if all(branch.size < size for branch in self._reader.branches(run.log)):
            return False
        with self._reader.snapshot():
            return any(
                branch.start <= size <= branch.size and branch.state_at(size).root == root
                for branch in self._reader.replicas(run.log)
            )

    def settled(self, run: Run, new: int) -> None:
        """A run that was admitted has been stored, its last `new` entries being new; or not, with 0."""
        counted = self._counted.pop(id(run), 0)
        if counted and self._rations is not None:
            stored = weight(Run(run.head, run.head.size - new, run.items[len(run.items) - new :]))
            if stored != counted:
                self._rations.add(run.log, stored - counted)

    def keep(self) -> None:
        """Have remembered what was counted."""
        if self._rations is not None:
            self._rations.keep()

    def _judge(self, run: Run, reach: Reach) -> LeftOut | CommuneId | None:
        """Whose a log is that is taken in, if that is known; or why it is not."""
        branches = self._reader.branches(run.log)
        known = sorted({branch.commune for branch in branches if branch.commune is not None})
        taken = [commune for commune in known if reach.standing(run.log, commune) is not None]
        if taken:
            return taken[0]
        if run.log in reach.chosen:
            return None if branches or run.start == 0 else _without_beginning()
        if known:
            return LeftOut(_not_recognised(), known[0])
        payload = self._opening(run, branches)
        if payload is None:
            return _without_beginning()
        return self._claim(run.log, payload, reach.communes)

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

    def _claim(self, log: LogKey, payload: bytes, communes: frozenset[CommuneId]) -> LeftOut | CommuneId:
        """What a log's first entry is worth: whose it is, or why it is not taken in."""
        record = parse(payload)
        if isinstance(record, Charter):
            commune = CommuneId(entry_id(log, 0, payload))
            if commune in communes and record.network == self._reader.network:
                self._names[log] = record.name
                return commune
            return LeftOut(_not_recognised(), commune, record.name)
        if isinstance(record, Succession):
            commune = CommuneId(record.commune)
            if commune not in communes:
                return LeftOut(_not_recognised(), commune)
            reason = self._unvouched(log, record, payload)
            return commune if reason is None else LeftOut(reason, commune)
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


def reach_of(reader: Reader, own: CommuneId, settings: Settings) -> Reach:
    """Whose logs a home takes in, and through whom: as recognitions, exchanges and its operator say.

    Partners of its exchanges are among them: in a ring the answer of a party
    that this commune does not know is one it waits for.
    """
    with reader.snapshot():
        return reach(own, reader.recognised, reader.partners(own), settings.chosen, settings.hops)


def followed(reader: Reader, own: CommuneId) -> frozenset[CommuneId]:
    """The communes whose logs a home passes on by default: its own, those it recognises, and partners."""
    return frozenset({own, *reader.recognised(own), *reader.partners(own)})


def _without_beginning() -> LeftOut:
    return LeftOut(NotAdmitted("Which commune it belongs to cannot be told: its first entry is not there."))


def _not_recognised() -> NotAdmitted:
    return NotAdmitted(
        "This commune is not recognised here: `trueque recognise` it, or import everything with --all."
    )
