"""Notices, and how far each log was looked through for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING

from ledger.log import LogKey

from ..limits import MAX_NOTICES_KEPT

if TYPE_CHECKING:
    from sqlite_utils import Database

    from .file import File


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to know of. `subject` is an exchange, a listing or a log, whichever `kind` is about.

    `kind` is that of the record, `fork` or `expiry`; `entry` names the notice
    and is the entry's id (of a fork the log's key, of an expiry the listing's
    id); `at` is when it was noticed here, in milliseconds.
    """

    entry: bytes
    kind: str
    subject: bytes
    commune: bytes | None
    at: int
    read: bool = False


class Notices:
    """What somebody here should know of (`noticing`), until it is read and for a while after."""

    def __init__(self, file: File) -> None:
        self._file = file

    def all(self) -> Future[list[Notice]]:
        """All, the newest first."""

        def work(database: Database) -> list[Notice]:
            rows = database.execute(
                "SELECT entry, kind, subject, commune, at, read FROM notice ORDER BY at DESC, entry"
            )
            return [Notice(*row) for row in rows]

        return self._file.do(work, [])

    def count(self) -> Future[int]:
        """How many are not read."""

        def work(database: Database) -> int:
            return int(database.execute("SELECT count(*) FROM notice WHERE NOT read").fetchone()[0])

        return self._file.do(work, 0)

    def read(self, subject: bytes | None) -> Future[None]:
        """Take note that those about a subject were read, or all."""

        def work(database: Database) -> None:
            database.execute("UPDATE notice SET read = 1 WHERE ?1 IS NULL OR subject = ?1", (subject,))

        return self._file.do(work, None)

    def sizes(self) -> Future[dict[LogKey, int] | None]:
        """How far each log was looked through; None if none ever was."""

        def work(database: Database) -> dict[LogKey, int] | None:
            rows = database.execute("SELECT log, size FROM looked").fetchall()
            return {LogKey(row[0]): int(row[1]) for row in rows} or None

        return self._file.do(work, None)

    def keep(self, notices: Iterable[Notice], sizes: Mapping[LogKey, int]) -> Future[None]:
        """Remember notices, as they are if they are known, and how far logs were looked through.

        Beyond `MAX_NOTICES_KEPT` the oldest go, those that were read first.
        """
        rows = [astuple(notice) for notice in notices]
        logs = [(bytes(log), size) for log, size in sizes.items()]

        def work(database: Database) -> None:
            database.conn.executemany("INSERT OR IGNORE INTO notice VALUES (?, ?, ?, ?, ?, ?)", rows)
            database.conn.executemany("INSERT OR REPLACE INTO looked VALUES (?, ?)", logs)
            database.execute(
                "DELETE FROM notice WHERE entry IN (SELECT entry FROM notice ORDER BY read, at DESC "
                "LIMIT -1 OFFSET ?)",
                (MAX_NOTICES_KEPT,),
            )

        return self._file.do(work, None)
