"""What is counted of the logs of others, and the heads of those that are not taken in."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future
from typing import TYPE_CHECKING

from ledger.log import LogKey

if TYPE_CHECKING:
    from sqlite_utils import Database

    from .file import File


class Accounts:
    """What is counted of the logs of others (`quotas.Account`), and the days that were counted."""

    def __init__(self, file: File) -> None:
        self._file = file

    def all(self) -> Future[list[tuple[LogKey, int, int, int, bytes | None]]]:
        """Of every log: the day of which it is held, its weight then and now, and who introduced it."""

        def work(database: Database) -> list[tuple[LogKey, int, int, int, bytes | None]]:
            rows = database.execute("SELECT log, day, had, weight, introducer FROM account").fetchall()
            return [(LogKey(row[0]), *row[1:]) for row in rows]

        return self._file.do(work, [])

    def keep(self, rows: Iterable[tuple[LogKey, int, int, int, bytes | None]]) -> None:
        """Remember these in the place of what was."""
        kept = [(bytes(log), *rest) for log, *rest in rows]

        def work(database: Database) -> None:
            database.conn.executemany("INSERT OR REPLACE INTO account VALUES (?, ?, ?, ?, ?)", kept)

        self._file.do(work, None)

    def drop(self, logs: Iterable[LogKey]) -> None:
        """Forget logs of which nothing is held."""
        rows = [(bytes(log),) for log in logs]
        self._file.do(
            lambda database: database.conn.executemany("DELETE FROM account WHERE log = ?", rows), None
        )

    def days(self) -> Future[tuple[int, int | None]]:
        """How many days were counted, and the date of the last, in days since 1970."""

        def work(database: Database) -> tuple[int, int | None]:
            row = database.execute("SELECT count, date FROM days").fetchone()
            return (0, None) if row is None else (int(row[0]), row[1])

        return self._file.do(work, (0, None))

    def keep_days(self, count: int, date: int | None) -> None:
        """Remember them."""
        self._file.do(
            lambda database: database.execute("INSERT OR REPLACE INTO days VALUES (0, ?, ?)", (count, date)),
            None,
        )


class Unknowns:
    """The newest heads of logs that are not taken in, encoded, and which neighbour showed them."""

    def __init__(self, file: File) -> None:
        self._file = file

    def all(self) -> Future[list[tuple[LogKey, LogKey, bytes]]]:
        """Log, neighbour and heads of each."""

        def work(database: Database) -> list[tuple[LogKey, LogKey, bytes]]:
            rows = database.execute("SELECT log, peer, heads FROM unknown").fetchall()
            return [(LogKey(log), LogKey(peer), heads) for log, peer, heads in rows]

        return self._file.do(work, [])

    def keep(self, log: LogKey, peer: LogKey, heads: bytes) -> None:
        """Remember these in the place of what was."""
        row = (bytes(log), bytes(peer), heads)
        self._file.do(
            lambda database: database.execute("INSERT OR REPLACE INTO unknown VALUES (?, ?, ?)", row), None
        )

    def drop(self, log: LogKey) -> None:
        """Forget a log."""
        self._file.do(
            lambda database: database.execute("DELETE FROM unknown WHERE log = ?", (bytes(log),)), None
        )
