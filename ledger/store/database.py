"""Opening the ledger's database, and what its errors mean.

Decides the settings of every connection and turns SQLite's errors into
StoreError with a sentence that says what to do. One connection writes (the
store's own thread); any number read.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ..errors import StoreError

if TYPE_CHECKING:
    from sqlite_utils import Database

CACHE_KIB: Final = 16_384
"""KiB of page cache of the writer; the indices of 100,000 entries fit."""

BUSY_SECONDS: Final = 10.0
"""seconds that a connection waits for another one's lock."""


LEAST_BYTES: Final = 512
"""bytes of the smallest page of SQLite, which takes a file without a whole page for a new database."""


NEWEST_CHANGE: Final = "sites"
"""name of the last of the migrations, which are not imported to read: that takes long."""


def is_begun(path: Path) -> bool:
    """Whether a ledger has been made at `path`; a store that was cut short while making one leaves less.

    What cannot be read is no beginning to go on from, and counts as a ledger.
    """
    if not path.exists() or path.stat().st_size < LEAST_BYTES:
        return False
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            row = connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'branch'").fetchone()
        return bool(row[0])
    except (sqlite3.Error, UnicodeDecodeError):  # the latter as in `store_errors`
        return True


def is_outdated(connection: sqlite3.Connection) -> bool:
    """Whether a ledger lacks the newest change to its tables, of an older version. Raises sqlite3.Error."""
    row = connection.execute(
        "SELECT count(*) FROM _sqlite_migrations WHERE migration_set = 'ledger' AND name = ?",
        (NEWEST_CHANGE,),
    ).fetchone()
    return not row[0]


def bring_up(path: Path) -> None:
    """Make the changes to its tables that a ledger lacks; nobody else may write. Raises StoreError."""
    open_for_writing(path).conn.close()


@contextmanager
def store_errors(path: Path | str) -> Iterator[None]:
    """Turn what SQLite raises into StoreError with a sentence for a person."""
    try:
        yield
    except sqlite3.Error as error:
        raise _store_error(path, error) from error
    except UnicodeDecodeError as error:
        # What the sqlite3 module makes of a message in which SQLite quotes a damaged schema.
        raise _store_error(path, sqlite3.DatabaseError("malformed text")) from error


def _store_error(path: Path | str, error: sqlite3.Error) -> StoreError:
    text = str(error)
    told: dict[str, object] = {"path": path, "reason": text}
    if "readonly" in text or "read-only" in text:
        return StoreError(
            "The ledger {path} cannot be written ({reason}): check the permissions of its folder.", **told
        )
    if "full" in text:
        return StoreError(
            "The disk that holds the ledger {path} is full ({reason}): free some space, then try again.",
            **told,
        )
    if any(
        sign in text for sign in ("malformed", "not a database", "corrupt", "no such table", "no such column")
    ):
        return StoreError(
            "The ledger {path} is damaged ({reason}): keep the file, restore a backup into another home, "
            "and import bundles of neighbours to fetch what is newer.",
            **told,
        )
    if "locked" in text or "busy" in text:
        return StoreError("The ledger {path} is in use by another program: close it and try again.", **told)
    if "unable to open" in text:
        return StoreError(
            "The ledger {path} cannot be opened ({reason}): check that the folder exists and can be written.",
            **told,
        )
    return StoreError(
        "The ledger {path} cannot be read or written ({reason}): check the disk, then try again.", **told
    )


@contextmanager
def _opening(path: Path, connection: sqlite3.Connection) -> Iterator[None]:
    """Close a connection that could not be made ready: while it is open, so are its locks and its files."""
    try:
        with store_errors(path):
            yield
    except BaseException:
        connection.close()
        raise


def open_for_writing(path: Path) -> Database:
    """The one writing connection, migrated; belongs to the thread that opens it. Raises StoreError."""
    # Imported here: it takes long, and reading does without it.
    from sqlite_utils import Database

    from .migrations import MIGRATIONS

    with store_errors(path):
        connection = sqlite3.connect(path, isolation_level=None, timeout=BUSY_SECONDS)
    with _opening(path, connection):
        database = Database(connection, recursive_triggers=True)
        try:
            applied = {row.name for row in MIGRATIONS.applied(database)}
        except KeyError as error:
            raise sqlite3.DatabaseError("malformed table of migrations") from error
        if applied - {item.name for item in MIGRATIONS._migrations}:
            raise StoreError(
                "The ledger {path} was written by a newer version of Trueque: install that version.",
                path=path,
            )
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        # What an erasure frees is overwritten; Debian's SQLite does so unasked, others do not.
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        connection.execute("PRAGMA trusted_schema = OFF")
        MIGRATIONS.apply(database)
        return database


def open_for_reading(path: Path) -> sqlite3.Connection:
    """A read-only connection, for any one thread. Raises StoreError."""
    with store_errors(path):
        if not path.exists():
            raise StoreError("There is no ledger at {path}: create a commune with `trueque init`.", path=path)
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, timeout=BUSY_SECONDS,
            check_same_thread=False,
        )  # fmt: skip
    with _opening(path, connection):
        connection.execute("PRAGMA query_only = ON")
        connection.execute("PRAGMA recursive_triggers = ON")
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("SELECT count(*) FROM branch")
        return connection
