"""The audit: what is wrong, missing or open in what is held, from the entries alone.

Decides what is looked at and in what order: the file, the logs (`integrity`),
what logs show of each other (`testimony`), communes and their records
(`conduct`), exchanges (`reckoning`). No view and no index is asked: everything
is read, hashed, verified and decided anew, from one state of the database.
What it can and cannot see: docs/explanation/audit.md.

It holds about half a kilobyte for each entry, and reads rows in batches.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from . import conduct, integrity, reckoning, testimony
from .errors import NotFound, StoreError
from .findings import Finding, Findings, Tally, in_order
from .history import History
from .names import Names
from .records import CommuneId
from .sentences import Severity
from .store.reading import Reader

Progress = Callable[[int, int], None]
"""Called with how much is done and how much there is, in steps that mean nothing else."""

PROGRESS_ENTRIES: Final = 1_024
"""entries after which progress is told."""


@dataclass(frozen=True, slots=True)
class Checked:
    """How much was looked at.

    `entries` and `heads` are those that the file holds, `erased` the entries
    without content, `signatures` how many were verified, `evidence` of how many
    forks there is some. Of one commune: its logs, and what stands in them; the
    exchanges in which it is a party.
    """

    communes: int
    logs: int
    entries: int
    heads: int
    signatures: int
    exchanges: int
    erased: int
    evidence: int


@dataclass(frozen=True, slots=True)
class Audit:
    """The result: findings in the order in which they are shown, and how much was looked at."""

    network: str
    commune: CommuneId | None
    findings: tuple[Finding, ...]
    checked: Checked

    @property
    def worst(self) -> Severity | None:
        """The gravest there is, None if there are no findings."""
        return self.findings[0].severity if self.findings else None

    def to_plain(self) -> dict[str, object]:
        """The audit as JSON holds it (docs/reference/findings.md)."""
        checked = {name: getattr(self.checked, name) for name in Checked.__dataclass_fields__}
        return {
            "network": self.network,
            "commune": None if self.commune is None else self.commune.hex(),
            "findings": [finding.to_plain() for finding in self.findings],
            "checked": checked,
        }


def audit(
    reader: Reader, *, commune: CommuneId | None = None, progress: Progress = lambda done, total: None
) -> Audit:
    """Audit everything that is held; with `commune`, tell what concerns it alone.

    That is its logs, and the exchanges in which it is a party. All is read even
    so: whether an entry counts can hang on anybody's records. Damage of the
    file ends in findings as far as anything can be read. Raises StoreError if
    nothing can, NotFound if `commune` is not held.
    """
    with reader.snapshot():
        return _Auditing(reader, commune, progress).audit()


class _Auditing:
    """One audit under way."""

    def __init__(self, reader: Reader, commune: CommuneId | None, progress: Progress) -> None:
        self._reader = reader
        self._rows = reader.rows
        self._commune = commune
        self._progress = progress
        self._tallies: dict[bytes, Tally] = {}
        self._findings = Findings()
        self._soundness = testimony.Soundness(reader.network, self._tallies)
        self._history = History(reader.network, self._soundness.of, keep_texts=False)
        self._done = 0
        self._told = 0
        self._entries = 1
        self._evidence = 0

    def audit(self) -> Audit:
        self._read()
        history, findings = self._history, self._findings
        history.decide()
        if self._commune is not None and self._commune not in history.communes:
            raise NotFound(
                "The commune {commune} is not known here: `trueque communes` lists those that are.",
                commune=self._commune.hex()[:16],
            )
        names = Names(history)
        testimony.check_shown(history, self._soundness, names, findings)
        testimony.check_reach(history, findings)
        conduct.check_communes(history, findings)
        conduct.check_limits(history, findings)
        conduct.check_records(history, findings, self._tallies)
        exchanges = reckoning.Reckoning(history, names, findings)
        exchanges.check(self._advance_reckoning)
        conduct.check_targets(history, exchanges.known, findings)
        finished = findings.finished(names.commune_of, names.of_log)
        return Audit(
            history.network,
            self._commune,
            in_order(finding for finding in finished if self._concerns(finding, exchanges)),
            self._checked(names, exchanges),
        )

    def _read(self) -> None:
        """Read and check everything; what cannot be read is a finding."""
        damage = self._reader.damage()
        if damage is not None:
            self._findings.add("file-damaged", detail=damage)
        self._entries = max(1, self._rows.count())
        unsigned = integrity.check_logs(
            self._rows, self._history, self._findings, self._tallies, self._advance_reading
        )
        try:
            self._evidence = testimony.check_held_evidence(
                self._rows, self._history, self._findings, self._tallies
            )
            self._soundness.learn(self._rows, self._history, unsigned)
        except StoreError as error:
            self._findings.add("file-damaged", detail=integrity.reason_of(error))

    def _advance_reading(self, entries: int) -> None:
        self._done = min(self._done + entries, self._entries)
        if self._done - self._told >= PROGRESS_ENTRIES:
            self._told = self._done
            self._progress(self._done, 2 * self._entries)

    def _advance_reckoning(self, done: int, total: int) -> None:
        share = self._entries if total == done else self._entries * done // total
        self._progress(self._entries + share, 2 * self._entries)

    def _concerns(self, finding: Finding, exchanges: reckoning.Reckoning) -> bool:
        """Whether a finding is to be told: all, or those that concern one commune or the whole file."""
        if self._commune is None or finding.commune == self._commune or finding.log is None:
            return True
        return finding.exchange is not None and self._commune in exchanges.parties.get(finding.exchange, ())

    def _checked(self, names: Names, exchanges: reckoning.Reckoning) -> Checked:
        commune, history = self._commune, self._history
        logs = {branch.log for branch in history.branches.values()}
        tallies = list(self._tallies.values())
        parties = list(exchanges.parties.values())
        evidence = self._evidence
        if commune is not None:
            logs = {log for log in logs if names.commune_of(log) == commune}
            tallies = [tally for log, tally in self._tallies.items() if log in logs]
            parties = [those for those in parties if commune in those]
            evidence = sum(history.cut(log) is not None for log in logs)
        return Checked(
            communes=len(history.communes) if commune is None else 1,
            logs=len(logs),
            entries=sum(tally.entries for tally in tallies),
            heads=sum(tally.heads for tally in tallies),
            signatures=sum(tally.signatures for tally in tallies),
            exchanges=len(parties),
            erased=sum(tally.erased for tally in tallies),
            evidence=evidence,
        )
