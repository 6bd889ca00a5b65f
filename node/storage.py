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

import json
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from ledger.log import LogKey
from protocol.addresses import Addresses, decode_addresses, encode_addresses
from protocol.errors import MessageError
from protocol.limits import MAX_KNOWN_ADDRESSES

from . import journal
from .limits import MAX_DRAFTS_KEPT, MAX_NOTICES_KEPT, MAX_PEERS_KEPT
from .noticing import Notice

if TYPE_CHECKING:
    from sqlite_utils import Database, Migrations

Result = TypeVar("Result")

SQLITE_VERSION: Final = sqlite3.sqlite_version
"""Of the library that keeps all databases here."""

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
        self.accounts = Accounts(self)
        self.unknowns = Unknowns(self)
        self.whereabouts = Whereabouts(self)
        self.notices = Notices(self)
        self.drafts = Drafts(self)
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

    @migrations()
    def quotas(database: Database) -> None:
        """What is counted of the logs of others, days, and heads of logs that are not taken in."""
        database.execute("DROP TABLE first")
        database.execute(
            "CREATE TABLE account (log BLOB PRIMARY KEY, day INTEGER NOT NULL, had INTEGER NOT NULL, "
            "weight INTEGER NOT NULL, introducer BLOB) WITHOUT ROWID"
        )
        database.execute(
            "CREATE TABLE days (one INTEGER PRIMARY KEY CHECK (one = 0), count INTEGER NOT NULL, "
            "date INTEGER)"
        )
        database.execute(
            "CREATE TABLE unknown (log BLOB PRIMARY KEY, peer BLOB NOT NULL, heads BLOB NOT NULL) "
            "WITHOUT ROWID"
        )

    @migrations()
    def notices(database: Database) -> None:
        """Notices until they are read, and how far each log was looked through for them."""
        database.execute(
            "CREATE TABLE notice (entry BLOB PRIMARY KEY, kind TEXT NOT NULL, subject BLOB NOT NULL, "
            "commune BLOB, at INTEGER NOT NULL, read INTEGER NOT NULL) WITHOUT ROWID"
        )
        database.execute("CREATE TABLE looked (log BLOB PRIMARY KEY, size INTEGER NOT NULL) WITHOUT ROWID")

    @migrations()
    def whereabouts(database: Database) -> None:
        """Where nodes can be called, as their logs have signed it."""
        database.execute(
            "CREATE TABLE whereabouts (log BLOB PRIMARY KEY, at INTEGER NOT NULL, told BLOB NOT NULL)"
        )

    @migrations()
    def drafts(database: Database) -> None:
        """Forms that were filled and not signed yet."""
        database.execute(
            "CREATE TABLE draft (id TEXT PRIMARY KEY, form TEXT NOT NULL, title TEXT NOT NULL, "
            "typed TEXT NOT NULL, at INTEGER NOT NULL) WITHOUT ROWID"
        )

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


class Accounts:
    """What is counted of the logs of others (`quotas.Account`), and the days that were counted."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def all(self) -> Future[list[tuple[LogKey, int, int, int, bytes | None]]]:
        """Of every log: the day of which it is held, its weight then and now, and who introduced it."""

        def work(database: Database) -> list[tuple[LogKey, int, int, int, bytes | None]]:
            rows = database.execute("SELECT log, day, had, weight, introducer FROM account").fetchall()
            return [(LogKey(row[0]), *row[1:]) for row in rows]

        return self._storage.do(work, [])

    def keep(self, rows: Iterable[tuple[LogKey, int, int, int, bytes | None]]) -> None:
        """Remember these in the place of what was."""
        kept = [(bytes(log), *rest) for log, *rest in rows]

        def work(database: Database) -> None:
            database.conn.executemany("INSERT OR REPLACE INTO account VALUES (?, ?, ?, ?, ?)", kept)

        self._storage.do(work, None)

    def drop(self, logs: Iterable[LogKey]) -> None:
        """Forget logs of which nothing is held."""
        rows = [(bytes(log),) for log in logs]
        self._storage.do(
            lambda database: database.conn.executemany("DELETE FROM account WHERE log = ?", rows), None
        )

    def days(self) -> Future[tuple[int, int | None]]:
        """How many days were counted, and the date of the last, in days since 1970."""

        def work(database: Database) -> tuple[int, int | None]:
            row = database.execute("SELECT count, date FROM days").fetchone()
            return (0, None) if row is None else (int(row[0]), row[1])

        return self._storage.do(work, (0, None))

    def keep_days(self, count: int, date: int | None) -> None:
        """Remember them."""
        self._storage.do(
            lambda database: database.execute("INSERT OR REPLACE INTO days VALUES (0, ?, ?)", (count, date)),
            None,
        )


class Unknowns:
    """The newest heads of logs that are not taken in, encoded, and which neighbour showed them."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def all(self) -> Future[list[tuple[LogKey, LogKey, bytes]]]:
        """Log, neighbour and heads of each."""

        def work(database: Database) -> list[tuple[LogKey, LogKey, bytes]]:
            rows = database.execute("SELECT log, peer, heads FROM unknown").fetchall()
            return [(LogKey(log), LogKey(peer), heads) for log, peer, heads in rows]

        return self._storage.do(work, [])

    def keep(self, log: LogKey, peer: LogKey, heads: bytes) -> None:
        """Remember these in the place of what was."""
        row = (bytes(log), bytes(peer), heads)
        self._storage.do(
            lambda database: database.execute("INSERT OR REPLACE INTO unknown VALUES (?, ?, ?)", row), None
        )

    def drop(self, log: LogKey) -> None:
        """Forget a log."""
        self._storage.do(
            lambda database: database.execute("DELETE FROM unknown WHERE log = ?", (bytes(log),)), None
        )


class Notices:
    """What somebody here should know of (`noticing`), until it is read and for a while after."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def all(self) -> Future[list[Notice]]:
        """All, the newest first."""

        def work(database: Database) -> list[Notice]:
            rows = database.execute(
                "SELECT entry, kind, subject, commune, at, read FROM notice ORDER BY at DESC, entry"
            )
            return [Notice(*row) for row in rows]

        return self._storage.do(work, [])

    def count(self) -> Future[int]:
        """How many are not read."""

        def work(database: Database) -> int:
            return int(database.execute("SELECT count(*) FROM notice WHERE NOT read").fetchone()[0])

        return self._storage.do(work, 0)

    def read(self, subject: bytes | None) -> Future[None]:
        """Take note that those about a subject were read, or all."""

        def work(database: Database) -> None:
            database.execute("UPDATE notice SET read = 1 WHERE ?1 IS NULL OR subject = ?1", (subject,))

        return self._storage.do(work, None)

    def sizes(self) -> Future[dict[LogKey, int] | None]:
        """How far each log was looked through; None if none ever was."""

        def work(database: Database) -> dict[LogKey, int] | None:
            rows = database.execute("SELECT log, size FROM looked").fetchall()
            return {LogKey(row[0]): int(row[1]) for row in rows} or None

        return self._storage.do(work, None)

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

        return self._storage.do(work, None)


class Whereabouts:
    """Where nodes can be called, as their logs have signed it; of each the newest, this node's own too."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def all(self) -> Future[list[Addresses]]:
        """Those of all logs, the one that came first at the beginning."""

        def work(database: Database) -> list[Addresses]:
            found: list[Addresses] = []
            for (told,) in database.execute("SELECT told FROM whereabouts ORDER BY at").fetchall():
                with suppress(MessageError):  # of a version that allowed more
                    found += decode_addresses(told)
            return found

        return self._storage.do(work, [])

    def keep(self, told: Iterable[Addresses]) -> None:
        """Remember these in the place of what was; beyond `MAX_KNOWN_ADDRESSES` the oldest go."""
        rows = [(bytes(each.log), encode_addresses([each])) for each in told]

        def work(database: Database) -> None:
            database.conn.executemany(
                "INSERT OR REPLACE INTO whereabouts SELECT ?, coalesce(max(at), 0) + 1, ? FROM whereabouts",
                rows,
            )
            database.execute(
                "DELETE FROM whereabouts WHERE log IN "
                "(SELECT log FROM whereabouts ORDER BY at DESC LIMIT -1 OFFSET ?)",
                (MAX_KNOWN_ADDRESSES + 1,),
            )

        self._storage.do(work, None)


@dataclass(frozen=True, slots=True)
class Draft:
    """A form that was filled and not signed yet: its address, what it is about, and what was typed."""

    id: str
    form: str
    title: str
    typed: Mapping[str, str]
    at: int


class Drafts:
    """Forms that were filled and not signed, so that a power cut costs nobody what was typed."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def all(self) -> Future[list[Draft]]:
        """All, the newest first."""

        def work(database: Database) -> list[Draft]:
            rows = database.execute("SELECT id, form, title, typed, at FROM draft ORDER BY at DESC, id")
            return [Draft(row[0], row[1], row[2], json.loads(row[3]), row[4]) for row in rows]

        return self._storage.do(work, [])

    def keep(self, draft: Draft) -> None:
        """Remember one in the place of what it was; beyond `MAX_DRAFTS_KEPT` the oldest go."""
        row = (draft.id, draft.form, draft.title, json.dumps(dict(draft.typed)), draft.at)

        def work(database: Database) -> None:
            database.execute("INSERT OR REPLACE INTO draft VALUES (?, ?, ?, ?, ?)", row)
            database.execute(
                "DELETE FROM draft WHERE id IN (SELECT id FROM draft ORDER BY at DESC LIMIT -1 OFFSET ?)",
                (MAX_DRAFTS_KEPT,),
            )

        self._storage.do(work, None)

    def drop(self, draft: str) -> None:
        """Forget one: it was signed, or thrown away."""
        self._storage.do(lambda database: database.execute("DELETE FROM draft WHERE id = ?", (draft,)), None)
