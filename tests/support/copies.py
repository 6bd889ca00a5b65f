"""Copies of a ledger on disk: filled from writers, changed behind the store's back, audited.

    copy = Copy(tmp_path / "ledger.db")
    copy.take(montes, valle)                          # each log in runs of three entries
    copy.tamper("UPDATE entry SET payload = ? WHERE place = ?", b"junk", copy.place(montes, 4))
    copy.audit().findings

`tamper` is somebody with the file in their hands: the triggers that refuse to
change what is kept are gone, as they would be.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ledger.audit import Audit, Progress, audit
from ledger.errors import RunRefused
from ledger.evidence import Evidence
from ledger.findings import Finding
from ledger.held import PLACE_BITS
from ledger.log import Run
from ledger.store.reading import Reader
from ledger.store.writing import Store
from tests.support.communes import NETWORK, Writer

RUN = 3
"""entries of a run, unless another number is asked for."""


class Copy:
    """One ledger's database, closed between any two things that are done with it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def take(self, *writers: Writer, step: int = RUN) -> Copy:
        """Take the logs of these writers, in runs of `step` entries; a twin's fork becomes evidence."""
        return self.take_runs(
            writer.run(start, min(start + step, writer.size))
            for writer in writers
            for start in range(0, writer.size, step)
        )

    def take_runs(self, runs: Iterable[Run]) -> Copy:
        """Take any runs, all of which have to be accepted."""
        with Store(self.path, NETWORK) as store:
            for result in store.ingest_all(runs):
                assert not isinstance(result, RunRefused), result
        return self

    def take_evidence(self, evidence: Evidence) -> Copy:
        """Take evidence."""
        with Store(self.path, NETWORK) as store:
            store.add_evidence(evidence)
        return self

    def erase(self, writer: Writer, index: int, at: int = 0, reason: str = "so the assembly asked") -> Copy:
        """Erase a payload as the command does."""
        with Store(self.path, NETWORK) as store:
            store.erase(writer.log, index, writer.id_of(index), at, reason)
        return self

    def tamper(self, statement: str, *values: Any) -> Copy:
        """Change the file with SQL, all triggers dropped."""
        connection = sqlite3.connect(self.path, isolation_level=None)
        triggers = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for (name,) in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        assert connection.execute(statement, values).rowcount != 0
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        return self

    def rewrite_schema(self, table: str, old: str, new: str) -> Copy:
        """Change the definition of a table, whatever its rows hold."""
        connection = sqlite3.connect(self.path, isolation_level=None)
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(
            "UPDATE sqlite_schema SET sql = replace(sql, ?, ?) WHERE name = ?", (old, new, table)
        )
        connection.close()
        return self

    def ask(self, question: str, *values: Any) -> list[Any]:
        """The rows that SQL finds."""
        connection = sqlite3.connect(self.path)
        rows = connection.execute(question, values).fetchall()
        connection.close()
        return rows

    def branch(self, writer: Writer) -> int:
        """The number of the first branch of a writer's log."""
        return int(self.ask("SELECT min(number) FROM branch WHERE log = ?", writer.log)[0][0])

    def place(self, writer: Writer, index: int) -> int:
        """Where an entry of the first branch of a writer's log stands."""
        return self.branch(writer) << PLACE_BITS | index

    def audit(self, *, commune: Any = None, progress: Progress = lambda done, total: None) -> Audit:
        """Audit the file."""
        with Reader(self.path) as reader:
            return audit(reader, commune=commune, progress=progress)

    def find(self, code: str) -> Finding:
        """The one finding with a code; shows all of them if it is not alone."""
        found = self.audit().findings
        chosen = [finding for finding in found if finding.code == code]
        assert len(chosen) == 1, [(finding.code, finding.index, finding.sentence) for finding in found]
        return chosen[0]
