"""Storage: what a running node remembers beside its ledger, in `node.sqlite` of the home.

Nothing in it is signed, in no backup is any of it, and a node that loses it
goes on: it tries everybody at once again, and counts from anew since when it
has held a log. So it keeps no node from starting. A file that is damaged, or
that a newer version wrote, is put aside and begun anew; where none can be made,
what is remembered lasts until the node stops; what a full disk does not take is
not remembered. Each of these is a line in the journal.

Decides how that file is opened and which thread touches it: one, of its own.
Every method may be called on any thread. What is kept is not waited for; what
is asked comes as a Future of `concurrent.futures`: `await
asyncio.wrap_future(...)` on the event loop's thread, `.result()` on another.
Each table has a class of its own; whoever needs another adds a migration, the
class, and an attribute of `Storage`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from ledger.log import LogKey

from . import journal
from .limits import MAX_PEERS_KEPT

if TYPE_CHECKING:
    from sqlite_utils import Database, Migrations

Result = TypeVar("Result")

ASIDE: Final = ".aside"
"""What the name of a file ends in that was put aside; one is kept, the newest."""

_DAMAGE: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_SCHEMA})


class _Unusable(Exception):
    """The file is not what it should be: it is put aside."""


class Storage:
    """The node's own small database. Any thread; `close` ends its own."""

    def __init__(self, path: Path) -> None:
        """Begin to open it; raises nothing, here and later."""
        self.path = path
        self._thread = ThreadPoolExecutor(1, "trueque-storage")
        self._database: Database | None = None
        self.peers = Peers(self)
        self.firsts = Firsts(self)
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
        migrations = _migrations()
        if {row.name for row in migrations.applied(database)} - {
            each.name for each in migrations._migrations
        }:
            raise _Unusable("a newer version wrote it")
        migrations.apply(database)
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


def _migrations() -> Migrations:
    from sqlite_utils import Migrations

    migrations = Migrations("node")

    @migrations()
    def first(database: Database) -> None:
        """Peers, and since when logs are held."""
        database.execute(
            "CREATE TABLE peer (name TEXT PRIMARY KEY, log BLOB, met INTEGER, failures INTEGER NOT NULL, "
            "until INTEGER NOT NULL, why TEXT NOT NULL) WITHOUT ROWID"
        )
        database.execute("CREATE TABLE first (log BLOB PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID")

    return migrations


# What is kept -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Kept:
    """What is remembered of an address or a log; times in milliseconds of the wall clock.

    `name` is `HOST:PORT` or a log in hex; `log` is who was met there. It is
    tried again at `until`, after so many `failures` in a row; `why` says in one
    word what they were (`faults` if it broke the protocol).
    """

    name: str
    log: bytes | None
    met: int | None
    failures: int
    until: int
    why: str


class Peers:
    """Whom the node has met or tried: how that went, and when it is tried next."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def all(self) -> Future[list[Kept]]:
        """Everything that is remembered."""

        def work(database: Database) -> list[Kept]:
            rows = database.execute("SELECT name, log, met, failures, until, why FROM peer").fetchall()
            return [Kept(*row) for row in rows]

        return self._storage.do(work, [])

    def keep(self, kept: Kept) -> None:
        """Remember this in the place of what was; beyond `MAX_PEERS_KEPT`, who was met longest ago goes."""

        def work(database: Database) -> None:
            database.execute("INSERT OR REPLACE INTO peer VALUES (?, ?, ?, ?, ?, ?)", astuple(kept))
            database.execute(
                "DELETE FROM peer WHERE name IN (SELECT name FROM peer "
                "ORDER BY coalesce(met, 0) DESC, until DESC LIMIT -1 OFFSET ?)",
                (MAX_PEERS_KEPT,),
            )

        self._storage.do(work, None)


class Firsts:
    """When a log was first held, in milliseconds of the wall clock: what its quota grows from."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def keep(self, logs: Iterable[LogKey], at: int) -> None:
        """Logs are held at that time; of those that were held before nothing changes."""
        rows = [(bytes(log), at) for log in logs]

        def work(database: Database) -> None:
            database.conn.executemany("INSERT OR IGNORE INTO first VALUES (?, ?)", rows)

        self._storage.do(work, None)

    def of(self, logs: Iterable[LogKey]) -> Future[dict[LogKey, int]]:
        """Since when logs are held, of those of which that is known."""
        asked = list(logs)

        def work(database: Database) -> dict[LogKey, int]:
            found = {}
            for log in asked:
                row = database.execute("SELECT at FROM first WHERE log = ?", (bytes(log),)).fetchone()
                if row is not None:
                    found[log] = int(row[0])
            return found

        return self._storage.do(work, {})
