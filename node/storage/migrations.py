"""Migrations: the tables of `node.sqlite`, and how those of an older version become these."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite_utils import Database, Migrations


def migrations() -> Migrations:
    """All of them, in their order; one that was published is never changed."""
    from sqlite_utils import Migrations

    made = Migrations("node")

    @made()
    def first(database: Database) -> None:
        """Peers, and since when logs are held."""
        database.execute(
            "CREATE TABLE peer (name TEXT PRIMARY KEY, log BLOB, met INTEGER, failures INTEGER NOT NULL, "
            "until INTEGER NOT NULL, why TEXT NOT NULL) WITHOUT ROWID"
        )
        database.execute("CREATE TABLE first (log BLOB PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID")

    @made()
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

    @made()
    def notices(database: Database) -> None:
        """Notices until they are read, and how far each log was looked through for them."""
        database.execute(
            "CREATE TABLE notice (entry BLOB PRIMARY KEY, kind TEXT NOT NULL, subject BLOB NOT NULL, "
            "commune BLOB, at INTEGER NOT NULL, read INTEGER NOT NULL) WITHOUT ROWID"
        )
        database.execute("CREATE TABLE looked (log BLOB PRIMARY KEY, size INTEGER NOT NULL) WITHOUT ROWID")

    @made()
    def whereabouts(database: Database) -> None:
        """Where nodes can be called, as their logs have signed it."""
        database.execute(
            "CREATE TABLE whereabouts (log BLOB PRIMARY KEY, at INTEGER NOT NULL, told BLOB NOT NULL)"
        )

    @made()
    def drafts(database: Database) -> None:
        """Forms that were filled and not signed yet."""
        database.execute(
            "CREATE TABLE draft (id TEXT PRIMARY KEY, form TEXT NOT NULL, title TEXT NOT NULL, "
            "typed TEXT NOT NULL, at INTEGER NOT NULL) WITHOUT ROWID"
        )

    return made
