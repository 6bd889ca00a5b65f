"""The file: how `node.sqlite` is opened, and which thread touches it.

Decides that a file which is damaged, or which a newer version wrote, is put aside
and begun anew; that where none can be made, what is remembered lasts until the
node stops, and that what a full disk does not take is not remembered. Each of
these is a line in the journal. One thread touches the database, of its own.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from .. import journal
from .migrations import migrations

if TYPE_CHECKING:
    from sqlite_utils import Database

Result = TypeVar("Result")

SQLITE_VERSION: Final = sqlite3.sqlite_version
"""Of the library that keeps all databases here."""

ASIDE: Final = ".aside"
"""What the name of a file ends in that was put aside; one is kept, the newest."""

_DAMAGE: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_SCHEMA})


class _Unusable(Exception):
    """The file is not what it should be: it is put aside."""


class File:
    """A small database that is never in the way. Any thread; `close` ends its own."""

    def __init__(self, path: Path) -> None:
        """Begin to open it; raises nothing, here and later."""
        self.path = path
        self._thread = ThreadPoolExecutor(1, "trueque-storage")
        self._database: Database | None = None
        self._thread.submit(self._open)

    def do(self, work: Callable[[Database], Result], otherwise: Result) -> Future[Result]:
        """Do something with the database, in one transaction; `otherwise` comes of it where that fails."""
        try:
            return self._thread.submit(self._do, work, otherwise)
        except RuntimeError:  # it is closed; whoever was left behind when the node stopped does no harm
            late: Future[Result] = Future()
            late.set_result(otherwise)
            return late

    def close(self) -> None:
        """Finish what was begun; waits for it. Later nothing is remembered any more."""
        with suppress(RuntimeError):
            self._thread.submit(self._close)
        self._thread.shutdown()

    # On its own thread --------------------------------------------------------------------------

    def _do(self, work: Callable[[Database], Result], otherwise: Result) -> Result:
        try:
            try:
                return self._within(work)
            except (sqlite3.Error, UnicodeDecodeError) as error:
                if not _is_damage(error):
                    raise
                self._put_aside(error)
                self._open()
                return self._within(work)
        except (sqlite3.Error, UnicodeDecodeError) as error:
            journal.tell("not_remembered", level="warning", path=self.path, error=error)
            return otherwise

    def _within(self, work: Callable[[Database], Result]) -> Result:
        if self._database is None:
            raise sqlite3.OperationalError("there is no database")
        with self._database.atomic():
            return work(self._database)

    def _open(self) -> None:
        try:
            try:
                self._database = _opened(self.path)
            except _Unusable as error:
                self._put_aside(error)
                self._database = _opened(self.path)
        except (sqlite3.Error, _Unusable) as error:
            journal.tell("not_remembered", level="warning", path=self.path, error=error)
            self._database = _opened(None)

    def _put_aside(self, error: Exception) -> None:
        self._close()
        journal.tell("put_aside", level="warning", path=self.path, error=error)
        with suppress(OSError):
            self.path.replace(self.path.with_name(self.path.name + ASIDE))
        for end in ("-wal", "-shm"):
            with suppress(OSError):
                self.path.with_name(self.path.name + end).unlink()

    def _close(self) -> None:
        database, self._database = self._database, None
        if database is not None:
            with suppress(sqlite3.Error):
                database.conn.close()


def _opened(path: Path | None) -> Database:
    """A database with its tables, in memory without a path. Raises _Unusable, sqlite3.Error."""
    # Imported here: it takes long.
    from sqlite_utils import Database

    connection = sqlite3.connect(":memory:" if path is None else path, isolation_level=None)
    try:
        database = Database(connection)
        connection.execute("PRAGMA trusted_schema = OFF")
        if connection.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
            raise _Unusable("it is damaged")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")  # a power cut may cost the last seconds
        known = migrations()
        if {row.name for row in known.applied(database)} - {each.name for each in known._migrations}:
            raise _Unusable("a newer version wrote it")
        known.apply(database)
    except (sqlite3.Error, UnicodeDecodeError, KeyError) as error:
        connection.close()
        if isinstance(error, KeyError) or _is_damage(error):
            raise _Unusable(str(error)) from error
        raise
    except BaseException:
        connection.close()
        raise
    return database


def _is_damage(error: Exception) -> bool:
    """Whether an error says that the file is not what it was, rather than that the disk is full or slow."""
    if isinstance(error, UnicodeDecodeError):
        return True  # what the sqlite3 module makes of a message that quotes a damaged schema
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in _DAMAGE or any(
        sign in str(error) for sign in ("no such", "already exists", "has no column")
    )
