"""What must be true of a home after a disturbance, whatever the disturbance was.

Everything is checked from the entries: trees, heads and acknowledgements by
the ledger's own rules, the views against those that a rebuild makes. Then the
story is told to its end, which has to be that of a story never disturbed.
"""

from __future__ import annotations

import hashlib
import re
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from ledger import merkle
from ledger.anchor import Anchors
from ledger.audit import audit
from ledger.author import Situation
from ledger.evidence import check_evidence, decode_evidence
from ledger.log import Head, LogKey, entry_id, leaf_hashes
from ledger.sentences import Severity
from ledger.standing import place_of
from ledger.store.database import open_for_reading
from ledger.store.migrations import VIEWS
from ledger.store.reading import Reader

from ...support.communes import NETWORK
from .stories import (
    Acknowledged,
    Append,
    Erase,
    Home,
    Ingest,
    IngestAll,
    Rebuild,
    Reopen,
    Story,
    TakeBack,
    Witness,
    opened,
)

KEPT = ("setting", "branch", "head", "entry", "evidence", "erasure")
MADE = tuple(name for name in re.findall(r"CREATE TABLE (\w+)", VIEWS) if name not in KEPT)

DURABLE = Append | Witness | Erase
"""The steps that return when their change would survive a power cut; what came before them survives too."""

Content = dict[str, list[tuple[Any, ...]]]
"""The rows of every table, sorted."""


def content(connection: sqlite3.Connection) -> Content:
    """All that a database holds, and the words that its search finds."""
    tables = {
        name: sorted(connection.execute(f"SELECT * FROM {name}").fetchall(), key=repr) for name in KEPT + MADE
    }
    connection.execute("CREATE VIRTUAL TABLE temp.words USING fts5vocab(main, listing_text, instance)")
    # Whether a head that was seen is sound is remembered once somebody has asked.
    tables["sight"] = [row[:-1] for row in tables["sight"]]
    tables["listing_text"] = sorted(connection.execute("SELECT term, doc FROM temp.words").fetchall())
    return tables


def content_of_file(path: Path) -> Content:
    """All that the database at a path holds."""
    with closing(sqlite3.connect(path)) as connection:
        return content(connection)


def undisturbed(folder: Path, story: Story) -> Content:
    """What the database holds when a story has been told without a disturbance."""
    with opened(folder, story) as home:
        for step in story.during:
            home.take(step)
        with closing(open_for_reading(home.ledger)) as connection:
            check_logs(connection)
        return content_of_file(home.ledger)


def examine(
    folder: Path,
    story: Story,
    acknowledged: Sequence[Acknowledged],
    end: Content,
    gone_on: set[bytes],
    *,
    power: bool = False,
) -> None:
    """Raise AssertionError unless the home is sound, kept what was acknowledged and can go on.

    `end` is what the database holds at the story's end. From what is in
    `gone_on` the story has been told to its end before, so that it is not told
    again. With `power` the machine stopped, not the process alone: copies of
    others' logs stored since the last durable step need not be there.
    """
    if power:
        durable = [at for at, item in enumerate(acknowledged) if isinstance(story.during[item.step], DURABLE)]
        acknowledged = acknowledged[: durable[-1] + 1] if durable else []
    anchored = anchored_heads(Home(folder, story.writer))
    with opened(folder, story) as home:
        situation = home.author.situation
        waits = story.lost is not None and situation is Situation.BEHIND
        assert waits or situation is Situation.READY, f"signing is not possible: {situation}"
        check_audit(home.ledger)
        with closing(open_for_reading(home.ledger)) as connection:
            check_integrity(connection)
            check_logs(connection)
            if not waits:
                check_anchors(connection, anchored, acknowledged)
            for item in acknowledged:
                check_kept(connection, story, item)
        before = content_of_file(home.ledger)
        state = summary(folder, before)
        if state in gone_on:
            return
        home.store.rebuild()
        check_equal(content_of_file(home.ledger), before, "the views are not those that a rebuild makes")
    with opened(folder, story) as home:
        for step in story.during:
            home.take(step)
        assert home.author.situation is Situation.READY
        check_equal(content_of_file(home.ledger), end, "the story told again does not end as it would have")
    gone_on.add(state)


def summary(folder: Path, held: Content) -> bytes:
    """All that how a story goes on from a home depends on: what its database holds, and every other file."""
    summed = hashlib.sha256(repr(held).encode())
    for path in sorted(folder.rglob("*")):
        is_database = path.name.startswith("ledger.sqlite3")
        data = path.read_bytes() if path.is_file() and not is_database else b""
        summed.update(repr((str(path.relative_to(folder)), data)).encode())
    return summed.digest()


def check_equal(found: Content, expected: Content, sentence: str) -> None:
    """Raise AssertionError naming the tables that differ."""
    for name in expected:
        if found[name] != expected[name]:
            more = [row for row in found[name] if row not in expected[name]]
            less = [row for row in expected[name] if row not in found[name]]
            raise AssertionError(f"{sentence}: table {name}, too many {more[:3]}, missing {less[:3]}")


def check_integrity(connection: sqlite3.Connection) -> None:
    """Raise AssertionError if SQLite finds a fault in its file."""
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


def check_audit(path: Path) -> None:
    """Raise AssertionError if the audit finds an error, other than the forks that a story tells of."""
    with closing(Reader(path)) as reader:
        found = audit(reader).findings
    wrong = [
        finding.sentence for finding in found if finding.severity is Severity.ERROR and finding.code != "fork"
    ]
    assert not wrong, wrong


def check_logs(connection: sqlite3.Connection) -> None:
    """Raise AssertionError unless every branch is a complete log under its heads, and all evidence holds.

    Done anew from the tables, so that no code of the store is trusted.
    """
    whole: dict[int, list[bytes]] = {}
    rows = connection.execute("SELECT number, log, base, base_end, start, size, root, compact FROM branch")
    for number, log, base, base_end, start, size, root, compact in rows.fetchall():
        assert start == 0
        first = base_end if base is not None else 0
        entries = connection.execute(
            "SELECT place, leaf, payload FROM entry WHERE place >= ? AND place < ? ORDER BY place",
            (place_of(number, 0), place_of(number + 1, 0)),
        ).fetchall()
        assert [place for place, *_ in entries] == [place_of(number, at) for at in range(first, size)]
        for index, (place, leaf, payload) in enumerate(entries, first):
            erased = connection.execute("SELECT 1 FROM erasure WHERE place = ?", (place,)).fetchone()
            assert (payload is None) == (erased is not None)
            assert payload is None or entry_id(log, index, payload) == leaf
        leaves = (whole[base][:first] if base is not None else []) + [leaf for _, leaf, _ in entries]
        whole[number] = leaves
        heads = connection.execute(
            "SELECT size, root, signature, extensions FROM head WHERE branch = ? ORDER BY size", (number,)
        ).fetchall()
        assert heads
        assert heads[-1][:2] == (size, root)
        for head_size, head_root, signature, extensions in heads:
            head = Head(
                log, head_size, head_root, signature, tuple(extensions.split("\n")) if extensions else ()
            )
            assert merkle.root(leaves[:head_size]) == head_root
            assert head.is_signed(NETWORK)
        assert b"".join(merkle.extend_range(0, (), leaves)) == compact
    places = connection.execute("SELECT count(*) FROM entry").fetchone()[0]
    assert places == sum(
        size - (base_end or 0) for size, base_end in connection.execute("SELECT size, base_end FROM branch")
    )
    for log, cut, data in connection.execute("SELECT log, cut, data FROM evidence"):
        evidence = decode_evidence(data)
        assert (evidence.log, evidence.cut) == (log, cut)
        check_evidence(evidence, NETWORK)


def root_at(connection: sqlite3.Connection, log: LogKey, size: int, branch: int = 0) -> bytes | None:
    """The root of the first entries of a log on the branch that was held first, from its leaves."""
    numbers = connection.execute("SELECT number FROM branch WHERE log = ? ORDER BY number", (log,)).fetchall()
    if len(numbers) <= branch:
        return None
    leaves = connection.execute(
        "SELECT leaf FROM entry WHERE place >= ? AND place < ? ORDER BY place",
        (place_of(numbers[branch][0], 0), place_of(numbers[branch][0], size)),
    ).fetchall()
    return merkle.root([leaf for (leaf,) in leaves]) if len(leaves) == size else None


def anchored_heads(home: Home) -> dict[str, Head | None]:
    """What each anchor says. To be asked before the home is opened: its author brings them up to date."""
    log = LogKey(home.writer.log)
    return {str(path): Anchors([path]).latest(log, NETWORK) for path in home.anchors.paths}


def check_anchors(
    connection: sqlite3.Connection, anchored: dict[str, Head | None], acknowledged: Sequence[Acknowledged]
) -> None:
    """Raise AssertionError unless the anchors are as far as the acknowledgements, and no further."""
    newest = max((item.size for item in acknowledged), default=0)
    for path, head in anchored.items():
        if head is None:
            assert newest == 0, f"the anchor {path} is lost"
            continue
        kept = root_at(connection, LogKey(head.log), head.size)
        assert kept == head.root, f"the database does not hold the anchor {path}"
        assert head.size >= newest, f"the anchor {path} is behind what was acknowledged"


def check_kept(connection: sqlite3.Connection, story: Story, item: Acknowledged) -> None:
    """Raise AssertionError unless what a step was acknowledged for is there."""
    match story.during[item.step]:
        case Append():
            if item.size:
                kept = root_at(connection, story.writer.log, item.size)
                assert kept is not None, f"the acknowledged head of size {item.size} is lost"
                assert kept.hex() == item.root
        case Ingest() | IngestAll() | TakeBack() as step:
            held = {leaf for (leaf,) in connection.execute("SELECT leaf FROM entry")}
            for run in step.runs if isinstance(step, IngestAll) else [step.run]:
                leaves = leaf_hashes(LogKey(run.log), run.start, run.items)
                assert held.issuperset(leaves), f"an acknowledged run of {run.log.hex()} is lost"
        case Witness(evidence):
            rows = connection.execute("SELECT cut FROM evidence WHERE log = ?", (evidence.log,)).fetchall()
            assert rows == [(evidence.cut,)], "acknowledged evidence is lost"
        case Erase(_, _, entry):
            rows = connection.execute("SELECT payload FROM entry WHERE leaf = ?", (entry,)).fetchall()
            assert rows == [(None,)], "an erased payload is back"
        case Rebuild() | Reopen():
            pass
