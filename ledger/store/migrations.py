"""The tables of the ledger's database, and every change to them.

Decides the schema, in two kinds. What was received is kept for ever: `branch`,
`head`, `entry`, `evidence`, `erasure`; triggers refuse to change an entry. The
rest are views, which `projection` writes in the same transaction as the
entries and can write again from them. SQL's own views, for people, are `readable`'s.
"""

from __future__ import annotations

from typing import Final

from sqlite_utils import Database, Migrations

from ..records import parse
from . import readable
from .indices import LISTINGS
from .sites import site_of

MIGRATIONS: Final = Migrations("ledger")

VIEWS: Final = """
CREATE TABLE standing (
    branch INTEGER PRIMARY KEY,
    commune BLOB NOT NULL,
    ordinal INTEGER NOT NULL,
    bound INTEGER,
    contested INTEGER NOT NULL,
    predecessors BLOB NOT NULL
);
CREATE INDEX standing_commune ON standing (commune, ordinal);
CREATE TABLE witnessed (place INTEGER PRIMARY KEY);
CREATE TABLE stated (place INTEGER PRIMARY KEY, commune BLOB NOT NULL, kind TEXT NOT NULL);
CREATE INDEX stated_commune ON stated (commune);
CREATE TABLE said (
    branch INTEGER NOT NULL, kind TEXT NOT NULL, subject BLOB NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (branch, kind, subject, at)
) WITHOUT ROWID;
CREATE TABLE identity (
    prefix INTEGER NOT NULL, place INTEGER NOT NULL, known INTEGER NOT NULL, PRIMARY KEY (prefix, place)
) WITHOUT ROWID;
CREATE TABLE about (
    prefix INTEGER NOT NULL, place INTEGER NOT NULL, known INTEGER NOT NULL, PRIMARY KEY (prefix, place)
) WITHOUT ROWID;
CREATE TABLE sight (
    branch INTEGER NOT NULL,
    log BLOB NOT NULL,
    at INTEGER NOT NULL,
    size INTEGER NOT NULL,
    root BLOB NOT NULL,
    sound INTEGER,
    PRIMARY KEY (branch, log, at, size, root)
) WITHOUT ROWID;
CREATE INDEX sight_log ON sight (log, size);
CREATE TABLE commune (
    id BLOB PRIMARY KEY,
    name TEXT NOT NULL,
    place TEXT,
    about TEXT,
    contact TEXT,
    profile INTEGER,
    site TEXT
) WITHOUT ROWID;
CREATE TABLE recognition (
    commune BLOB NOT NULL,
    by_commune BLOB NOT NULL,
    place INTEGER NOT NULL,
    PRIMARY KEY (by_commune, commune)
) WITHOUT ROWID;
CREATE INDEX recognition_commune ON recognition (commune);
CREATE TABLE listing (
    place INTEGER PRIMARY KEY,
    commune BLOB,
    kind TEXT NOT NULL,
    category TEXT NOT NULL,
    until TEXT,
    at INTEGER NOT NULL,
    ended TEXT,
    site TEXT
);
CREATE INDEX listing_category ON listing (category, place);
CREATE VIRTUAL TABLE listing_text USING fts5 (
    text, content='', detail=none, columnsize=0, tokenize='unicode61 remove_diacritics 2'
);
CREATE TABLE exchange (
    place INTEGER PRIMARY KEY,
    id BLOB NOT NULL,
    state TEXT NOT NULL,
    form TEXT NOT NULL,
    at INTEGER NOT NULL,
    contested INTEGER NOT NULL,
    disputed INTEGER NOT NULL
);
CREATE TABLE party (
    commune BLOB NOT NULL, exchange INTEGER NOT NULL, PRIMARY KEY (commune, exchange)
) WITHOUT ROWID;
CREATE INDEX party_exchange ON party (exchange);
"""
"""What `projection` fills; dropped and made again by a rebuild."""


@MIGRATIONS()
def first(database: Database) -> None:
    """The tables of the first version."""
    for statement in _statements(
        """
        CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
        CREATE TABLE branch (
            number INTEGER PRIMARY KEY,
            log BLOB NOT NULL CHECK (length(log) = 32),
            base INTEGER REFERENCES branch (number),
            base_end INTEGER,
            start INTEGER NOT NULL,
            before BLOB NOT NULL,
            size INTEGER NOT NULL,
            root BLOB NOT NULL CHECK (length(root) = 32),
            compact BLOB NOT NULL
        );
        CREATE INDEX branch_log ON branch (log);
        CREATE TABLE head (
            branch INTEGER NOT NULL REFERENCES branch (number),
            size INTEGER NOT NULL,
            root BLOB NOT NULL CHECK (length(root) = 32),
            signature BLOB NOT NULL CHECK (length(signature) = 64),
            extensions TEXT NOT NULL DEFAULT '',
            compact BLOB,
            PRIMARY KEY (branch, size)
        ) WITHOUT ROWID;
        CREATE TABLE entry (
            place INTEGER PRIMARY KEY,
            leaf BLOB NOT NULL CHECK (length(leaf) = 32),
            payload BLOB
        );
        CREATE INDEX entry_absent ON entry (place) WHERE payload IS NULL;
        CREATE TABLE evidence (log BLOB PRIMARY KEY, cut INTEGER NOT NULL, data BLOB NOT NULL) WITHOUT ROWID;
        CREATE TABLE erasure (place INTEGER PRIMARY KEY, at INTEGER NOT NULL, reason TEXT NOT NULL);
        """
    ):
        database.execute(statement)
    # A payload may be erased (set to NULL) only after an erasure has been written down for it, and one that
    # never came may come as long as there is none.
    database.execute(
        """
        CREATE TRIGGER entry_is_kept BEFORE UPDATE ON entry
        WHEN NOT (
            NEW.place = OLD.place AND NEW.leaf = OLD.leaf AND CASE
                WHEN EXISTS (SELECT 1 FROM erasure WHERE erasure.place = OLD.place) THEN NEW.payload IS NULL
                ELSE OLD.payload IS NULL
            END
        )
        BEGIN SELECT RAISE(ABORT, 'entries are never changed'); END
        """
    )
    for table in ("entry", "head", "erasure"):
        database.execute(
            f"CREATE TRIGGER {table}_is_not_deleted BEFORE DELETE ON {table} "
            f"BEGIN SELECT RAISE(ABORT, 'the table {table} only grows'); END"
        )
    for table in ("head", "erasure"):
        database.execute(
            f"CREATE TRIGGER {table}_is_kept BEFORE UPDATE ON {table} "
            f"BEGIN SELECT RAISE(ABORT, 'the table {table} only grows'); END"
        )
    for statement in _statements(VIEWS):
        database.execute(statement)


@MIGRATIONS()
def listings_by_place(database: Database) -> None:
    """A commune's listings stand in its own logs, by whose places they are found without an index."""
    database.execute("DROP INDEX IF EXISTS listing_commune")


@MIGRATIONS()
def readable_views(database: Database) -> None:
    """Views for people who open the file themselves; writing does not know of them."""
    for name, question in readable.VIEWS.items():
        database.execute(f"CREATE VIEW {name} AS {question}")


@MIGRATIONS()
def sites(database: Database) -> None:
    """Where listings and communes are, as it is looked for."""
    for table in ("listing", "commune"):
        if "site" not in database[table].columns_dict:
            database.execute(f"ALTER TABLE {table} ADD COLUMN site TEXT")
    rows = database.execute("SELECT listing.place, payload FROM listing JOIN entry USING (place)")
    records = ((place, parse(payload)) for place, payload in rows)
    listings = [(site_of(record.place), place) for place, record in records if isinstance(record, LISTINGS)]
    database.conn.executemany("UPDATE listing SET site = ? WHERE place = ?", listings)
    rows = database.execute("SELECT id, place FROM commune")
    communes = [(site_of(place), commune) for commune, place in rows]
    database.conn.executemany("UPDATE commune SET site = ? WHERE id = ?", communes)


def _statements(script: str) -> list[str]:
    return [statement for part in script.split(";") if (statement := part.strip())]


def make_views(database: Database) -> None:
    """Drop all views and make them empty."""
    for statement in _statements(VIEWS):
        words = statement.split()
        if words[1] == "TABLE" or words[1] == "VIRTUAL":
            name = words[2] if words[1] == "TABLE" else words[3]
            database.execute(f"DROP TABLE IF EXISTS {name}")
    for statement in _statements(VIEWS):
        database.execute(statement)
