"""Tampering: whatever byte somebody changes in what is kept, the audit says so, and where."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pytest

from ledger.audit import audit
from ledger.errors import StoreError
from ledger.findings import Finding
from ledger.held import INDEX_MASK, PLACE_BITS
from ledger.integrity import MAX_FILLED
from ledger.log import Head, head_body
from ledger.records import Accept, Correct, Deliver, Need, Offer, Profile, Receive
from ledger.sentences import Severity
from ledger.store.reading import Reader
from tests.support.communes import NETWORK, Writer, found, key_of, kg, succeed
from tests.support.copies import Copy
from tests.support.histories import erased

CASES = 200
"""random changes of one byte, as promised."""

PAGE_FLIPS = 60
"""random changes anywhere in the file."""


def network() -> list[Writer]:
    """Three communes with a barter, a succession, a fork, and enough needs for several runs each."""
    montes, valle, costa = found("Los Montes"), found("El Valle"), found("La Costa")
    for writer in (montes, valle, costa):
        for number in range(14):
            writer.say(
                Need, category="food-grain", title=f"Maíz, saco {number}", note="hace falta en la escuela"
            )
    trade = montes.propose((montes, valle, "maíz", kg(100)), (valle, montes, "clavos", kg(20)))
    valle.say(Accept, exchange=trade, seen=[montes])
    montes.say(Deliver, exchange=trade, transfer=0, quantity=kg(100), seen=[valle])
    valle.say(Receive, exchange=trade, transfer=0, quantity=kg(100))
    newer = succeed(montes, "Los Montes: log 2")
    newer.replace_authority(key_of("concejo 1"), key_of("concejo 2"))
    newer.say(Offer, category="food-grain", title="Maíz")
    twin = costa.twin()
    costa.say(Profile, name="La Costa", seen=[valle])
    for number in range(5):
        twin.say(Need, category="food-grain", title=f"Sal, saco {number}")
    valle.say(Correct, target=twin.id_of(-3), note="con esto contamos")
    return [montes, valle, costa, newer, twin]


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """The network as one file, some contents erased, without triggers."""
    copy = Copy(tmp_path_factory.mktemp("tampering") / "ledger.db")
    montes, valle, costa, newer, twin = network()
    runs = [
        writer.run(start, min(start + 5, writer.size))
        for writer in (montes, valle, newer)
        for start in range(0, writer.size, 5)
    ]
    copy.take_runs([*runs, erased(costa.run(0, 8), 2, 5), costa.run(8)]).take(twin, step=8)
    copy.erase(montes, 3).erase(montes, 7).erase(valle, 2)
    return copy.tamper("PRAGMA user_version")


@pytest.fixture
def ledger(original: Copy, tmp_path: Path) -> Copy:
    """A file of its own to spoil."""
    shutil.copy(original.path, tmp_path / "ledger.db")
    return Copy(tmp_path / "ledger.db")


@pytest.fixture
def connection(ledger: Copy) -> Iterator[sqlite3.Connection]:
    opened = sqlite3.connect(ledger.path, isolation_level=None)
    yield opened
    opened.close()


def errors(ledger: Copy) -> list[Finding]:
    """What is wrong, but for the fork that is there from the beginning; all of it can be put into words."""
    with Reader(ledger.path) as reader:
        found_here = audit(reader)
    assert found_here.to_plain()
    findings = found_here.findings
    return [finding for finding in findings if finding.severity is Severity.ERROR and finding.code != "fork"]


class Case(NamedTuple):
    """One cell of a table, by its row, and where a change of it has to be found."""

    table: str
    column: str
    key: tuple[Any, ...]
    log: bytes
    first: int
    last: int


def cases_of(connection: sqlite3.Connection) -> list[Case]:
    """Every payload, leaf hash and head."""
    logs = dict(connection.execute("SELECT number, log FROM branch"))
    heads: dict[int, list[int]] = {}
    for branch, size in connection.execute("SELECT branch, size FROM head ORDER BY branch, size"):
        heads.setdefault(branch, []).append(size)
    bases = dict(connection.execute("SELECT number, coalesce(base_end, start) FROM branch"))
    cases = []
    for place, payload in connection.execute("SELECT place, payload FROM entry").fetchall():
        branch, index = place >> PLACE_BITS, place & INDEX_MASK
        first = last = index
        if payload is None:
            last = next(size for size in heads[branch] if size > index) - 1
            first = max((size for size in heads[branch] if size <= index), default=bases[branch])
        else:
            cases.append(Case("entry", "payload", (place,), logs[branch], index, index))
        cases.append(Case("entry", "leaf", (place,), logs[branch], first, last))
    for branch, sizes in heads.items():
        for size in sizes:
            for column in ("root", "signature", "size"):
                cases.append(Case("head", column, (branch, size), logs[branch], size - 1, size - 1))
    return cases


def changed(rng: Random, value: Any) -> Any:
    """The value with one byte changed; an integer is four bytes."""
    data = bytearray(value.to_bytes(4, "big") if isinstance(value, int) else value)
    data[rng.randrange(len(data))] ^= rng.randrange(1, 256)
    return int.from_bytes(data, "big") if isinstance(value, int) else bytes(data)


def keys(case: Case) -> str:
    return "place = ?" if case.table == "entry" else "branch = ? AND size = ?"


def test_any_byte_changed_in_what_is_kept_is_found_where_it_is(
    ledger: Copy, connection: sqlite3.Connection
) -> None:
    rng = Random(20_301_231)
    possible = cases_of(connection)
    tried: dict[str, int] = {}
    while sum(tried.values()) < CASES:
        case = rng.choice(possible)
        (value,) = connection.execute(
            f"SELECT {case.column} FROM {case.table} WHERE {keys(case)}", case.key
        ).fetchone()
        other = changed(rng, value)
        key = case.key if case.column != "size" else (case.key[0], other)
        try:
            connection.execute(
                f"UPDATE {case.table} SET {case.column} = ? WHERE {keys(case)}", (other, *case.key)
            )
        except sqlite3.IntegrityError:
            continue  # there is a head of that size
        tried[case.column] = tried.get(case.column, 0) + 1
        news = errors(ledger)
        assert any(
            finding.log == case.log
            and finding.index is not None
            and case.first <= finding.index <= (finding.last or finding.index) <= case.last
            for finding in news
        ), (case, value, other, news)
        connection.execute(f"UPDATE {case.table} SET {case.column} = ? WHERE {keys(case)}", (value, *key))
    assert tried.keys() == {"payload", "leaf", "root", "signature", "size"}
    assert errors(ledger) == []


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("branch", "size"), ("branch", "root"), ("branch", "compact"), ("branch", "base_end"),
        ("branch", "log"), ("evidence", "data"), ("evidence", "cut"), ("evidence", "log"),
    ],
)  # fmt: skip
def test_any_byte_changed_in_what_is_noted_about_logs_is_found(
    ledger: Copy, connection: sqlite3.Connection, table: str, column: str
) -> None:
    rng = Random(f"{table} {column}")
    rows = (
        connection.execute(f"SELECT rowid, {column} FROM {table} WHERE {column} IS NOT NULL")
        if (table == "branch")
        else connection.execute(f"SELECT log, {column} FROM {table}")
    )
    key = "rowid" if table == "branch" else "log"
    for row, value in rows.fetchall():
        for _ in range(3):
            other = changed(rng, value)
            connection.execute(f"UPDATE {table} SET {column} = ? WHERE {key} = ?", (other, row))
            assert errors(ledger), (row, value, other)
            back = other if column == "log" and table == "evidence" else row
            connection.execute(f"UPDATE {table} SET {column} = ? WHERE {key} = ?", (value, back))
    assert errors(ledger) == []


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("entry", ("leaf", "payload")),
        ("head", ("size", "root", "signature", "extensions", "compact")),
        ("branch", ("log", "base", "base_end", "start", "before", "size", "root", "compact")),
        ("evidence", ("log", "cut", "data")),
        ("erasure", ("at", "reason")),
    ],
)
def test_values_of_a_wrong_type_break_nothing(
    ledger: Copy, tmp_path: Path, table: str, columns: tuple[str, ...]
) -> None:
    """A column of SQLite can hold any type; what is kept is read as if somebody had put one there."""
    row = {"head": "branch = 1 AND size = 5", "evidence": "1"}.get(
        table, f"rowid = (SELECT max(rowid) FROM {table})"
    )
    odd = Copy(tmp_path / "odd.db")
    unnoticed = []
    for column in columns:
        for value in ("t" * 32, "", 7, 2**62, -1, 1.5, b"", bytes(32)):
            shutil.copy(ledger.path, odd.path)
            connection = sqlite3.connect(odd.path, isolation_level=None)
            connection.execute("PRAGMA ignore_check_constraints = ON")
            connection.execute(f"UPDATE {table} SET {column} = ? WHERE {row}", (value,))
            connection.close()
            if not errors(odd):
                unnoticed.append((column, value))
    # No extensions is what there is; the rest says nothing about entries that are all held.
    harmless = {"erasure": {"at", "reason"}, "branch": {"start", "before"}, "head": {"extensions"}}
    assert {column for column, _ in unnoticed} <= harmless.get(table, set()), unnoticed


def test_entries_that_are_deleted_or_change_places_are_found(ledger: Copy, tmp_path: Path) -> None:
    montes = network()[0]
    for number, statement in enumerate(
        (
            "DELETE FROM entry WHERE place = {5}",
            "DELETE FROM entry WHERE place BETWEEN {5} AND {9}",
            "DELETE FROM entry WHERE place >= {5} AND place < {99}",
            "UPDATE entry SET payload = (SELECT other.payload FROM entry AS other WHERE other.place = "
            "CASE entry.place WHEN {5} THEN {6} ELSE {5} END) WHERE place IN ({5}, {6})",
            "UPDATE entry SET leaf = (SELECT other.leaf FROM entry AS other WHERE other.place = "
            "CASE entry.place WHEN {5} THEN {6} ELSE {5} END) WHERE place IN ({5}, {6})",
        )
    ):
        other = Copy(tmp_path / f"{number}.db")
        shutil.copy(ledger.path, other.path)
        origin = other.branch(montes) << PLACE_BITS
        places = [str(origin | index) for index in range(100)]
        other.tamper(statement.format(*places))
        assert (montes.log, 5) in {(finding.log, finding.index) for finding in errors(other)}, statement


def test_a_file_with_bits_flipped_ends_in_findings_or_a_declared_error(ledger: Copy, tmp_path: Path) -> None:
    rng = Random(7)
    original = ledger.path.read_bytes()
    noticed = 0
    path = tmp_path / "flipped.db"
    for _ in range(PAGE_FLIPS):
        data = bytearray(original)
        for _ in range(rng.choice((1, 1, 1, 8, 64))):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        path.write_bytes(data)
        try:
            noticed += bool(errors(Copy(path)))
        except StoreError:
            noticed += 1
    assert noticed > PAGE_FLIPS // 3


def test_a_file_that_is_cut_short_ends_in_findings_or_a_declared_error(ledger: Copy, tmp_path: Path) -> None:
    original = ledger.path.read_bytes()
    path = tmp_path / "short.db"
    for size in range(0, len(original), len(original) // 25):
        path.write_bytes(original[:size])
        try:
            assert errors(Copy(path))
        except StoreError:
            pass


# Damage that spreads ----------------------------------------------------------------------------


def needs(name: str, count: int) -> Writer:
    writer = found(name)
    for number in range(count - 1):
        writer.say(Need, category="food-grain", title=f"Maíz, saco {number}")
    return writer


def test_a_change_under_heads_that_are_missing_is_found_all_the_same(tmp_path: Path) -> None:
    montes = needs("Los Montes", 2_400)
    copy = Copy(tmp_path / "ledger.db").take(montes, step=800)
    copy.tamper("DELETE FROM head WHERE size < 2400")
    for index, column in ((5, "payload"), (1_700, "payload"), (2_300, "leaf")):
        copy.tamper(f"UPDATE entry SET {column} = zeroblob(32) WHERE place = ?", copy.place(montes, index))
    assert {(finding.code, finding.index) for finding in errors(copy)} == {
        ("entry-altered", 5), ("entry-altered", 1_700), ("entry-altered", 2_300), ("run-altered", 0),
    }  # fmt: skip


def test_a_changed_hash_under_heads_that_are_missing_is_told_from_a_changed_content(tmp_path: Path) -> None:
    montes = needs("Los Montes", 2_400)
    copy = Copy(tmp_path / "ledger.db").take(montes, step=800)
    copy.tamper("DELETE FROM head WHERE size < 2400")
    for index in (5, 2_300):
        copy.tamper("UPDATE entry SET leaf = zeroblob(32) WHERE place = ?", copy.place(montes, index))
    assert {(finding.code, finding.index) for finding in errors(copy)} == {
        ("leaf-altered", 5),
        ("leaf-altered", 2_300),
    }


def test_entries_that_were_moved_far_away_are_not_sought_one_by_one(tmp_path: Path) -> None:
    montes = needs("Los Montes", 20)
    copy = Copy(tmp_path / "ledger.db").take(montes, step=4)
    copy.tamper("UPDATE entry SET place = place + 1000000 WHERE place >= ?", copy.place(montes, 10))
    copy.tamper("UPDATE branch SET size = 2000000")
    assert ("entries-missing", 10) in {(finding.code, finding.index) for finding in errors(copy)}


def test_entries_after_a_gap_too_wide_to_step_over_are_said_to_be_unproved(tmp_path: Path) -> None:
    montes = needs("Los Montes", 20)
    copy = Copy(tmp_path / "ledger.db").take(montes, step=20)
    copy.tamper("UPDATE entry SET place = place + ? WHERE place >= ?", MAX_FILLED + 1, copy.place(montes, 10))
    size = 20 + MAX_FILLED + 1
    later = Head(
        montes.log, size, bytes(32), montes.key.sign(head_body(montes.log, size, bytes(32), NETWORK))
    )
    copy.tamper("UPDATE head SET size = ?, root = ?, signature = ?", later.size, later.root, later.signature)
    copy.tamper("UPDATE branch SET size = ?", size)
    found_codes = {(finding.code, finding.index, finding.last) for finding in copy.audit().findings}
    assert ("entries-missing", 10, 10 + MAX_FILLED) in found_codes
    assert ("run-unproven", 0, size - 1) in found_codes


def test_a_head_that_stands_where_it_cannot_is_found(ledger: Copy) -> None:
    ((branch, base, end),) = ledger.ask("SELECT number, base, base_end FROM branch WHERE base IS NOT NULL")
    ledger.tamper(
        "INSERT INTO head SELECT ?, size, root, signature, extensions, compact FROM head "
        "WHERE branch = ? AND size <= ? LIMIT 1",
        branch, base, end,
    )  # fmt: skip
    assert [finding.code for finding in errors(ledger)] == ["branch-broken"]


@pytest.mark.parametrize(
    "change", ["base = 99", "base_end = 99", "base_end = base_end + 1", "base = number", "log = root"]
)
def test_a_branch_that_stands_on_nothing_is_found(ledger: Copy, change: str) -> None:
    ledger.tamper(f"UPDATE branch SET {change} WHERE base IS NOT NULL")
    assert "branch-broken" in {finding.code for finding in errors(ledger)}


def test_a_branch_that_repeats_what_it_stands_on_is_found(ledger: Copy) -> None:
    ((branch, base, end),) = ledger.ask("SELECT number, base, base_end FROM branch WHERE base IS NOT NULL")
    ledger.tamper("UPDATE branch SET base_end = ? WHERE number = ?", end - 1, branch)
    ledger.tamper(
        "INSERT INTO entry SELECT ?, leaf, payload FROM entry WHERE place = ?",
        branch << PLACE_BITS | (end - 1), base << PLACE_BITS | (end - 1),
    )  # fmt: skip
    assert [finding.code for finding in errors(ledger)] == ["branch-broken"]


def test_histories_that_differ_from_the_very_first_entries_are_told_apart_without_evidence(
    tmp_path: Path,
) -> None:
    montes = needs("Los Montes", 20)
    twin = montes.twin(0)
    for payload in montes.payloads[:3]:
        twin.quote(payload)
    for number in range(9):
        twin.say(Need, category="food-grain", title=f"Sal, saco {number}")
    copy = Copy(tmp_path / "ledger.db").take(montes, twin, step=20).tamper("DELETE FROM evidence")
    # As if the second history had come by itself.
    first, second = (number for (number,) in copy.ask("SELECT number FROM branch ORDER BY number"))
    copy.tamper("UPDATE branch SET base = NULL, base_end = NULL, start = 0 WHERE number = ?", second)
    copy.tamper(
        "INSERT INTO entry SELECT place - (? << 32) + (? << 32), leaf, payload FROM entry "
        "WHERE place < (? << 32) + 3",
        first, second, first,
    )  # fmt: skip
    assert [(finding.code, finding.index) for finding in errors(copy)] == [("fork-unproven", 3)]


def test_a_damaged_copy_accuses_nobody_of_a_fork(tmp_path: Path) -> None:
    montes, valle = needs("Los Montes", 20), found("El Valle")
    valle.say(Profile, name="El Valle", seen=[montes.head_at(13)])
    copy = Copy(tmp_path / "ledger.db").take(montes, valle, step=5).erase(montes, 7)
    copy.tamper("UPDATE entry SET leaf = zeroblob(32) WHERE place = ?", copy.place(montes, 7))
    assert [(finding.code, finding.index) for finding in errors(copy)] == [("run-altered", 5)]
