"""The store keeps what was acknowledged, takes nothing else, and says in a sentence what is wrong."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlite_utils import Database, Migrations

from ledger import merkle
from ledger.errors import (
    BadHead,
    BadRun,
    Diverged,
    EvidenceError,
    LedgerError,
    NotFound,
    RunRefused,
    StoreError,
    Unconnected,
)
from ledger.limits import MAX_PAYLOAD_BYTES
from ledger.log import Erased, Head, LogState, Run, entry_id, head_body
from ledger.records import Offer
from ledger.standing import place_of
from ledger.store import database, migrations, receiving, writing
from ledger.store.reading import Reader
from ledger.store.writing import Ingested, Store
from tests.support.communes import found, kg
from tests.support.histories import NETWORK, Author, key_of, numbered, written
from tests.support.networks import proof_of_fork

KEEP = st.integers(1, 12)


def dump(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table of a database, the schema among them."""
    with closing(sqlite3.connect(path)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        names = [name for (name,) in tables if name != "listing_text"]
        return {
            name: sorted(connection.execute(f"SELECT * FROM {name}").fetchall(), key=repr)
            for name in ["sqlite_master", *names]
        }


def own_log(store: Store, author: Author) -> Head | None:
    """The newest head that a store holds of an author's log."""
    return store.own_log(author.state.log).head


def leaves_in(path: Path, branch: int = 1) -> list[bytes]:
    """The leaf hashes of a branch as a reader gets them."""
    with Reader(path) as reader:
        return [row.id for row in reader.entries(branch)]


def replaced(run: Run, **fields: Any) -> Run:
    """A run with other fields."""
    return msgspec.structs.replace(run, **fields)


# Opening ----------------------------------------------------------------------------------------


def test_a_new_ledger_is_empty_and_opens_again(path: Path) -> None:
    author = written("El Maizal", numbered("a", 3))
    with Store(path, NETWORK) as store:
        assert own_log(store, author) is None
        store.ingest(author.runs[0])
    with Store(path, NETWORK) as store:
        assert own_log(store, author) == author.state.head


def test_a_ledger_of_another_network_is_not_opened(path: Path, store: Store) -> None:
    store.ingest(written("El Maizal", numbered("a", 3)).runs[0])
    before = dump(path)
    with pytest.raises(StoreError, match="belongs to the network 'ensayo', not 'comunas'"):
        Store(path, "comunas")
    assert dump(path) == before


def with_one_more_migration() -> Migrations:
    """The migrations of a later version."""
    later = Migrations("ledger")
    later()(migrations.first)
    later()(migrations.listings_by_place)
    later()(migrations.readable_views)
    later()(migrations.sites)

    @later()
    def further(changed: Database) -> None:
        changed.execute("CREATE TABLE note (text TEXT NOT NULL)")

    return later


def test_an_older_ledger_is_brought_up_to_date_and_keeps_what_it_holds(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    author = written("El Maizal", numbered("a", 3))
    with Store(path, NETWORK) as store:
        store.ingest(author.runs[0])
    monkeypatch.setattr(migrations, "MIGRATIONS", with_one_more_migration())
    with Store(path, NETWORK) as store:
        assert own_log(store, author) == author.state.head
    assert dump(path)["note"] == []


def test_a_ledger_of_the_first_version_lists_by_place_from_now_on(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Migrations("ledger")
    first()(migrations.first)
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "MIGRATIONS", first)
        Store(path, NETWORK).close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE INDEX listing_commune ON listing (commune, kind)")
    Store(path, NETWORK).close()
    with closing(sqlite3.connect(path)) as connection:
        names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    assert "listing_commune" not in names
    assert "listing_category" in names


def test_in_a_ledger_of_before_listings_are_found_by_place_from_now_on(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = Migrations("ledger")
    for step in (migrations.first, migrations.listings_by_place, migrations.readable_views):
        before()(step)
    montes = found("Los Montes", place="Boconó")
    stored = [montes.say(Offer, title="maíz", category="food", place="El Galpón")]
    stored.append(montes.say(Offer, title="yuca", category="food"))
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "MIGRATIONS", before)
        with Store(path, NETWORK) as store:
            store.ingest(montes.run())
    with closing(sqlite3.connect(path)) as connection, connection:
        for table in ("listing", "commune"):
            connection.execute(f"ALTER TABLE {table} DROP COLUMN site")
    Store(path, NETWORK).close()
    with Reader(path) as reader:
        assert [row.id for row in reader.listings(place="galpon")] == stored[:1]
        assert {row.id for row in reader.listings(place="bocono")} == set(stored)


def test_a_ledger_of_a_newer_version_is_refused_and_left_alone(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "MIGRATIONS", with_one_more_migration())
        Store(path, NETWORK).close()
    before = dump(path)
    with pytest.raises(StoreError, match="newer version"):
        Store(path, NETWORK)
    assert dump(path) == before


def test_a_file_that_is_no_ledger_is_refused_and_left_alone(path: Path) -> None:
    path.write_text("Acta de la asamblea, 3 de marzo\n" * 500)
    before = path.read_bytes()
    with pytest.raises(StoreError, match="damaged"):
        Store(path, NETWORK)
    with pytest.raises(StoreError, match="damaged"):
        Reader(path)
    assert path.read_bytes() == before


def test_a_ledger_without_its_own_tables_is_refused(path: Path) -> None:
    Store(path, NETWORK).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("ALTER TABLE _sqlite_migrations RENAME COLUMN applied_at TO at")
    with pytest.raises(StoreError, match="damaged"):
        Store(path, NETWORK)


def test_a_folder_that_is_not_there_and_a_folder_in_place_of_the_file_are_said(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be opened"):
        Store(tmp_path / "nowhere" / "ledger.sqlite3", NETWORK)
    with pytest.raises(StoreError, match="cannot be opened"):
        Store(tmp_path, NETWORK)
    with pytest.raises(StoreError, match="trueque init"):
        Reader(tmp_path / "ledger.sqlite3")


def test_a_ledger_that_nothing_was_written_to_is_not_read(path: Path) -> None:
    database.open_for_writing(path).conn.close()
    with pytest.raises(StoreError, match="is empty"):
        Reader(path)


def test_a_ledger_that_cannot_be_written_is_said_to_be(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Permissions do not bind the administrator, a read-only connection does."""
    author = written("El Maizal", numbered("a", 3))
    with Store(path, NETWORK) as store:
        store.ingest(author.runs[0])
    real: Callable[..., sqlite3.Connection] = sqlite3.connect

    def read_only(target: Path, **options: Any) -> sqlite3.Connection:
        return real(f"{target.as_uri()}?mode=ro", uri=True, **options)

    before = dump(path)
    with monkeypatch.context() as patch:
        patch.setattr(sqlite3, "connect", read_only)
        with Store(path, NETWORK) as store, pytest.raises(StoreError, match="cannot be written"):
            store.append(author.key, [b"more"], author.state.head)
    assert dump(path) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is read-only to the administrator")
def test_a_folder_that_cannot_be_written_is_said_to_be(path: Path) -> None:
    path.parent.chmod(0o500)
    try:
        with pytest.raises(StoreError, match=r"cannot be (opened|written)"):
            Store(path, NETWORK)
    finally:
        path.parent.chmod(0o700)


def test_a_ledger_that_another_program_is_writing_to_is_left_alone_and_can_be_used_after(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.01)
    author = written("El Maizal", numbered("a", 3))
    with Store(path, NETWORK) as store:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreError, match="in use by another program"):
                store.ingest(author.runs[0])
            other.execute("ROLLBACK")
        assert store.ingest(author.runs[0]).new == 3


# Damage -----------------------------------------------------------------------------------------


def damaged_ledger(path: Path) -> tuple[bytes, Author]:
    """The bytes of a ledger of some pages, with communes and exchanges in it, and a log to go on with."""
    author = written("El Maizal", numbered("a", 90), numbered("b", 90))
    montes, valle = found("Los Montes"), found("El Valle")
    for _ in range(40):
        trade = montes.propose((montes, valle, "maíz", kg(10)), seen=[valle])
        assert trade
    with Store(path, NETWORK) as store:
        for run in (author.runs[0], montes.run(), valle.run()):
            store.ingest(run)
    return path.read_bytes(), author


def use(path: Path, author: Author) -> None:
    """Everything that a program does with a ledger. Raises LedgerError, or nothing."""
    with Store(path, NETWORK) as store:
        store.own_log(author.state.log)
        store.ingest(author.runs[1])
        store.rebuild()
    with Reader(path) as reader:
        for branch in reader.branches():
            list(reader.entries(branch.number))
        reader.communes()
        reader.exchanges()


def test_a_ledger_cut_short_is_refused_with_a_sentence(path: Path) -> None:
    whole, author = damaged_ledger(path)
    # To SQLite a file of no bytes, or of one, is a new one; the anchors then say that the ledger is behind.
    for size in (2, 15, 16, 99, 100, 511, 4096, 5000, *(len(whole) * part // 9 for part in range(1, 9))):
        path.write_bytes(whole[:size])
        with pytest.raises(StoreError):
            use(path, author)
        for left in path.parent.glob("*-wal"):
            left.unlink()


@pytest.mark.parametrize("place", range(0, 100, 3))
def test_a_flipped_bit_in_the_header_is_harmless_or_said(path: Path, place: int) -> None:
    whole, author = damaged_ledger(path)
    for bit in (0, 3, 7):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << bit]) + whole[place + 1 :])
        with suppress(LedgerError):
            use(path, author)
        for left in path.parent.glob("*-*"):
            left.unlink()


@pytest.mark.parametrize("seed", range(40))
def test_flipped_bytes_anywhere_are_harmless_or_said(path: Path, seed: int) -> None:
    whole, author = damaged_ledger(path)
    rng = Random(seed)
    data = bytearray(whole)
    for _ in range(20):
        data[rng.randrange(100, len(data))] = rng.randrange(256)
    path.write_bytes(data)
    with suppress(LedgerError):
        use(path, author)


# Appending --------------------------------------------------------------------------------------


def test_what_is_appended_is_on_disk_and_signed(path: Path, store: Store) -> None:
    key = key_of("El Maizal")
    first = store.append(key, [b"one", b"two"], None)
    second = store.append(key, [b"three"], first.head)
    assert second.head.size == 3
    assert second.head.is_signed(NETWORK)
    with Reader(path) as reader:
        assert [row.payload for row in reader.entries(1)] == [b"one", b"two", b"three"]
        assert list(reader.heads(1)) == [first.head, second.head]


def test_nothing_is_signed_on_top_of_a_head_that_is_not_the_newest(path: Path, store: Store) -> None:
    key = key_of("El Maizal")
    first = store.append(key, [b"one"], None)
    store.append(key, [b"two"], first.head)
    before = dump(path)
    for expected in (None, first.head):
        with pytest.raises(StoreError, match="nothing was signed"):
            store.append(key, [b"three"], expected)
    assert dump(path) == before


def test_two_programs_on_one_ledger_do_not_sign_against_each_other(path: Path, store: Store) -> None:
    key = key_of("El Maizal")
    first = store.append(key, [b"one"], None)
    with Store(path, NETWORK) as other:
        theirs = other.append(key, [b"two"], first.head)
        with pytest.raises(StoreError, match="nothing was signed"):
            store.append(key, [b"two, differently"], first.head)
        ours = store.append(key, [b"three"], theirs.head)
        assert other.append(key, [b"four"], ours.head).head.size == 4
    assert len(leaves_in(path)) == 4


def test_two_programs_on_one_ledger_work_out_the_same_views(path: Path, store: Store) -> None:
    """What one has written changes what the other remembers."""
    montes, valle = found("Los Montes"), found("El Valle")
    trade = montes.propose((montes, valle, "maíz", kg(10)), seen=[valle])
    store.ingest(montes.run())
    with Store(path, NETWORK) as other:
        other.ingest(valle.run())
        twin = valle.twin()
        valle.quote(b"one thing")
        twin.quote(b"another thing")
        store.ingest(valle.run())
        other.ingest(twin.run())
        with Reader(path) as reader:
            assert reader.exchange(trade).wanting == (valle.commune,)
        other.ingest(montes.run())
        store.ingest(montes.run())
        before = dump(path)
        store.rebuild()
    for table in ("standing", "witnessed", "exchange", "party", "commune", "about", "identity"):
        assert dump(path)[table] == before[table], table


def test_on_a_head_that_does_not_fit_its_entries_nothing_is_signed(path: Path) -> None:
    """What a file leaves that was written over under a running program: the pages of two times."""
    author = Author("montes", network=NETWORK)
    with Store(path, NETWORK) as store:
        store.append(author.key, [b"uno"], None)
        head = own_log(store, author)
        other = sqlite3.connect(path)
        other.executescript("UPDATE branch SET compact = zeroblob(32)")
        other.close()
        with pytest.raises(StoreError, match="is damaged"):
            store.append(author.key, [b"dos"], head)
    with Store(path, NETWORK) as store:
        assert own_log(store, author) == head


def test_what_another_program_wrote_unnoticed_is_not_written_over(
    path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The branch is advanced by compare-and-set, whatever a program remembers of it."""
    author = written("El Maizal", numbered("a", 3), numbered("b", 3))
    twin = written("El Maizal", numbered("a", 3))
    store.ingest(author.runs[0])
    assert own_log(store, author) == author.runs[0].head
    with Store(path, NETWORK) as other:
        other.ingest(author.runs[1])
    before = dump(path)
    with monkeypatch.context() as patch:
        patch.setattr(store, "_notice_others", lambda: None)
        with pytest.raises(StoreError, match="changed by another program"):
            store.ingest(twin.write(b"another"))
    assert dump(path) == before
    assert store.ingest(twin.runs[-1]).evidence is not None


@pytest.mark.parametrize("payloads", [[], [b""], [bytes(8_193)], [b"x"] * 1_025])
def test_payloads_beyond_a_limit_are_refused_and_the_store_goes_on(
    path: Path, store: Store, payloads: list[bytes]
) -> None:
    key = key_of("El Maizal")
    before = dump(path)
    with pytest.raises(BadRun):
        store.append(key, payloads, None)
    assert dump(path) == before
    assert store.append(key, [b"one"], None).head.size == 1


def test_a_forked_log_is_not_appended_to(path: Path, store: Store) -> None:
    author = written("El Maizal", numbered("a", 3))
    twin = author.twin()
    store.ingest(author.runs[0])
    store.ingest(author.write(b"one thing"))
    store.ingest(twin.write(b"another"))
    before = dump(path)
    with pytest.raises(StoreError, match="forked"):
        store.append(author.key, [b"more"], author.state.head)
    assert dump(path) == before


# Ingesting --------------------------------------------------------------------------------------


@given(st.lists(st.integers(1, 12), min_size=1, max_size=6), st.data())
def test_a_log_comes_in_whole_in_any_batches_again_and_overlapping(
    lengths: list[int], data: st.DataObject
) -> None:
    author = written("El Maizal", *(numbered(f"{place}:", length) for place, length in enumerate(lengths)))
    total = len(author.payloads)
    heads = [run.head for run in author.runs]
    ends = [0, *(head.size for head in heads)]
    runs = [
        author.run_between(data.draw(st.sampled_from(range(start + 1)), "start"), head)
        for start, head in zip(ends, heads, strict=False)
    ]
    again = data.draw(st.lists(st.sampled_from(runs), max_size=4), "again")
    with Store(Path(":memory:"), NETWORK) as store:
        news = [store.ingest(run).new for run in runs]
        assert sum(news) == total
        assert [store.ingest(run) for run in again] == [Ingested(0, 1)] * len(again)
        held = store._thread.submit(lambda: store._holding.leaves(1, 0, total)).result()
        assert held == author.leaves
        for size in range(total + 1):
            expected = merkle.root(author.leaves[:size])
            assert store.root_at(author.state.log, size) == expected
        assert store.root_at(author.state.log, total + 1) is None


def test_a_run_that_is_held_already_changes_nothing(path: Path, store: Store) -> None:
    author = written("El Maizal", numbered("a", 5), numbered("b", 5))
    for run in author.runs:
        store.ingest(run)
    before = dump(path)
    longer, shorter = author.run_between(0, author.runs[1].head), author.run_between(3, author.runs[0].head)
    for run in (*author.runs, longer, shorter):
        assert store.ingest(run) == Ingested(0, 1)
    assert dump(path) == before


def test_a_head_of_a_size_not_held_is_kept(path: Path, store: Store) -> None:
    author = written("El Maizal", numbered("a", 5), numbered("b", 5))
    shorter = author.twin()
    shorter.state = LogState(author.state.log, 3, merkle.extend_range(0, (), author.leaves[:3]))
    store.ingest(author.run_between(0, author.runs[1].head))
    other = Author("El Maizal")
    other.write(*author.payloads[:3])
    assert store.ingest(other.runs[0]) == Ingested(0, 1)
    with Reader(path) as reader:
        assert [head.size for head in reader.heads(1)] == [3, 10]


def bad_runs() -> Iterator[tuple[str, Run, type[RunRefused]]]:
    """Runs that must be refused by a store that holds the first 5 of 10 entries of a log."""
    author = written("El Maizal", numbered("a", 5), numbered("b", 5), numbered("c", 5))
    good, last = author.runs[1], author.runs[2]
    head = good.head
    other = written("La Costa", numbered("x", 10))
    foreign = Author("El Maizal", network="comunas")
    foreign.write(*author.payloads[:5])
    abroad = foreign.write(*author.payloads[5:10])
    yield "another network", abroad, BadHead
    yield "no signature", replaced(good, head=msgspec.structs.replace(head, signature=bytes(64))), BadHead
    yield "a changed payload", replaced(good, items=(b"changed", *good.items[1:])), Diverged
    yield "a changed leaf hash", replaced(good, items=(Erased(bytes(32)), *good.items[1:])), Diverged
    yield "entries in another order", replaced(good, items=good.items[::-1]), Diverged
    yield "entries left out", replaced(good, items=good.items[1:]), BadRun
    yield "nothing in it", replaced(good, items=()), BadRun
    yield "an empty payload", replaced(good, items=(b"", *good.items[1:])), BadRun
    yield "a payload too long", replaced(good, items=(bytes(8_193), *good.items[1:])), BadRun
    yield "a gap before it", last, Unconnected
    yield (
        "too many entries",
        replaced(good, items=(b"x",) * 1_025, head=msgspec.structs.replace(head, size=1_030)),
        BadRun,
    )
    yield "a head of a log not held", replaced(good, head=other.runs[0].head), Unconnected
    yield "a log not held, from its middle", other.run_between(4, other.runs[0].head), Unconnected
    yield (
        "a compact range that is none",
        replaced(other.run_between(4, other.runs[0].head), before=(bytes(32),)),
        BadRun,
    )


@pytest.mark.parametrize(("what", "run", "error"), list(bad_runs()), ids=[what for what, *_ in bad_runs()])
def test_what_is_refused_changes_nothing(
    path: Path, store: Store, what: str, run: Run, error: type[RunRefused]
) -> None:
    author = written("El Maizal", numbered("a", 5), numbered("b", 5))
    store.ingest(author.runs[0])
    before = dump(path)
    with pytest.raises(error):
        store.ingest(run)
    assert dump(path) == before, what
    first, second = store.ingest_all([run, author.runs[1]])
    assert isinstance(first, error)
    assert second == Ingested(5, 1)
    assert leaves_in(path) == author.leaves


def test_runs_of_a_batch_build_on_each_other(
    path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "BATCH_ENTRIES", 7)
    author = written("El Maizal", *(numbered(f"{place}:", 3) for place in range(8)))
    assert [taken.new for taken in store.ingest_all(author.runs) if isinstance(taken, Ingested)] == [3] * 8
    assert list(store.ingest_all([])) == []
    assert leaves_in(path) == author.leaves


def test_a_log_can_be_held_from_an_index_on(path: Path, store: Store) -> None:
    author = written("El Maizal", numbered("a", 5), numbered("b", 5), numbered("c", 5))
    twin = author.twin()
    late = author.run_between(5, author.runs[1].head, with_before=True)
    assert store.ingest(late) == Ingested(5, 1)
    assert store.ingest(author.runs[2]) == Ingested(5, 1)
    log = author.state.log
    assert store.root_at(log, 4) is None
    assert [store.root_at(log, size) for size in range(5, 16)] == [
        merkle.root(author.leaves[:size]) for size in range(5, 16)
    ]
    assert store.ingest(author.runs[0]) == Ingested(0, 1), "what is older is not filled in"
    assert leaves_in(path) == author.leaves[5:]
    with Reader(path) as reader:
        assert [(info.start, info.size) for info in reader.branches()] == [(5, 15)]
        first = next(iter(reader.runs(1)))
        assert (first.start, first.before) == (5, late.before)
    twin.state = LogState(log, 10, merkle.extend_range(0, (), author.leaves[:10]))
    other = store.ingest(twin.write(b"another end"))
    assert other.evidence is not None
    assert other.evidence.cut == 10


@given(st.integers(0, 9), st.integers(1, 9), st.integers(1, 9), st.booleans())
def test_every_size_of_every_branch_has_its_root(cut: int, one: int, other: int, dense: bool) -> None:
    with pytest.MonkeyPatch.context() as patch, Store(Path(":memory:"), NETWORK) as store:
        patch.setattr(receiving, "COMPACT_ENTRIES", 3 if dense else 512)
        author = Author("El Maizal")
        if cut:
            store.ingest(author.write(*numbered("a", cut)))
        twin = author.twin()
        store.ingest(author.write(*numbered("b", one)))
        fork = store.ingest(twin.write(*numbered("c", other)))
        third = twin.twin()
        store.ingest(twin.write(b"d"))
        last = store.ingest(third.write(b"e", b"f"))
        holding = store._holding
        for branch, writer in ((1, author), (fork.branch, twin), (last.branch, third)):
            for size in range(len(writer.payloads) + 1):
                root = store._thread.submit(holding.root_at, branch, size).result()
                assert root == merkle.root(writer.leaves[:size])
            held = store._thread.submit(holding.leaves, branch, 0, len(writer.payloads)).result()
            assert held == writer.leaves
            over = store._thread.submit(holding.head_over, branch, len(writer.payloads) - 1).result()
            assert over == writer.state.head


@pytest.mark.parametrize(
    "change",
    [
        lambda run: replaced(run, items=run.items[:1]),
        lambda run: replaced(run, items=(*run.items, b"one more")),
        lambda run: replaced(run, start=1),
        lambda run: replaced(run, items=(b"", *run.items[1:])),
    ],
)
def test_a_run_under_a_head_that_is_held_has_to_have_its_form(
    path: Path, store: Store, change: Callable[[Run], Run]
) -> None:
    author = written("El Maizal", numbered("a", 4))
    run = author.runs[0]
    store.ingest(replaced(run, items=tuple(map(Erased, author.leaves))))
    before = dump(path)
    with pytest.raises(BadRun):
        store.ingest(change(run))
    assert dump(path) == before
    assert store.ingest(run).new == 4


def test_a_payload_that_is_too_long_does_not_come_in_by_its_hash(path: Path, store: Store) -> None:
    """Whoever signs a hash alone can have hashed anything."""
    key = key_of("El Maizal")
    long = bytes(MAX_PAYLOAD_BYTES + 1)
    leaf = entry_id(key.public_key, 0, long)
    root = merkle.root([leaf])
    head = Head(key.public_key, 1, root, key.sign(head_body(key.public_key, 1, root, NETWORK)))
    assert store.ingest(Run(head, 0, (Erased(leaf),))).new == 1
    before = dump(path)
    with pytest.raises(BadRun):
        store.ingest(Run(head, 0, (long,)))
    assert dump(path) == before


# Forks and evidence -----------------------------------------------------------------------------


def test_a_fork_is_stored_with_the_evidence_that_proves_it(path: Path, store: Store) -> None:
    author = written("El Maizal", numbered("a", 3))
    twin = author.twin()
    store.ingest(author.runs[0])
    store.ingest(author.write(*numbered("b", 3)))
    forked = store.ingest(twin.write(b"another", *author.payloads[4:6]))
    assert forked.evidence is not None
    assert (forked.new, forked.branch, forked.evidence.cut) == (3, 2, 3)
    with Reader(path) as reader:
        assert reader.evidence() == [forked.evidence]
        assert [(info.size, info.cut) for info in reader.branches(author.state.log)] == [(6, 3), (6, 3)]
        assert [row.id for row in reader.entries(2)] == twin.leaves
    assert store.ingest(twin.runs[1]) == Ingested(0, 2)


@pytest.mark.parametrize("at_once", [False, True])
def test_a_fork_that_a_run_shows_is_durable_when_it_is_acknowledged(
    path: Path, store: Store, at_once: bool
) -> None:
    """Nobody else may hold the other branch: the last commit has to sync, also while somebody reads."""
    author = written("El Maizal", numbered("a", 3))
    twin = author.twin()
    store.ingest(author.runs[0])
    store.ingest(author.write(b"one"))
    run = twin.write(b"another")
    said: list[str] = []
    store._thread.submit(store._connection.set_trace_callback, said.append).result()
    with Reader(path) as reader, reader.snapshot():
        if at_once:
            assert len(list(store.ingest_all([run]))) == 1
        else:
            store.ingest(run)
    modes = [line for line in said if line.startswith(("PRAGMA synchronous", "COMMIT"))]
    assert modes[-2:] == ["PRAGMA synchronous = FULL", "COMMIT"]
    with Reader(path) as reader:
        assert [evidence.cut for evidence in reader.evidence()] == [3]


def test_of_all_evidence_the_lowest_cut_is_kept(path: Path, store: Store) -> None:
    montes = found("Los Montes")
    for number in range(4):
        montes.quote(b"%d" % number)
    copies = [montes.twin(size) for size in (4, 2, 3)]
    for number, copy in enumerate(copies):
        copy.quote(b"another %d" % number)
    proofs = [proof_of_fork(montes, copy) for copy in copies]
    for proof, is_lower in zip(proofs, (True, True, False), strict=True):
        assert proof is not None
        assert store.add_evidence(proof) is is_lower
        assert store.add_evidence(proof) is False
    with Reader(path) as reader:
        assert [evidence.cut for evidence in reader.evidence()] == [2]


def test_false_evidence_is_refused_and_changes_nothing(path: Path, store: Store) -> None:
    montes = found("Los Montes")
    montes.quote(b"one")
    twin = montes.twin(1)
    twin.quote(b"another")
    proof = proof_of_fork(montes, twin)
    assert proof is not None
    before = dump(path)
    first = msgspec.structs.replace(proof.first.head, signature=bytes(64))
    for false in (
        msgspec.structs.replace(proof, second=proof.first),
        msgspec.structs.replace(proof, index=0),
        msgspec.structs.replace(proof, first=msgspec.structs.replace(proof.first, head=first)),
    ):
        with pytest.raises(EvidenceError):
            store.add_evidence(false)
    assert dump(path) == before


def test_evidence_of_a_log_that_is_not_held_waits_for_it(path: Path, store: Store) -> None:
    montes = found("Los Montes")
    montes.quote(b"one")
    twin = montes.twin(1)
    twin.quote(b"another")
    proof = proof_of_fork(montes, twin)
    assert proof is not None
    store.add_evidence(proof)
    assert store.own_log(montes.log).forked
    store.ingest(montes.run())
    with Reader(path) as reader:
        assert [(info.limit, info.cut) for info in reader.branches()] == [(1, 1)]


# What SQL may not do ------------------------------------------------------------------------------


FORBIDDEN = [
    "UPDATE entry SET payload = x'00'",
    "UPDATE entry SET payload = NULL",
    "UPDATE entry SET leaf = zeroblob(32)",
    "UPDATE entry SET place = place + 1",
    "UPDATE OR REPLACE entry SET place = 4294967297 WHERE place = 4294967296",
    "DELETE FROM entry",
    "INSERT OR REPLACE INTO entry VALUES (4294967296, zeroblob(32), x'00')",
    "REPLACE INTO entry SELECT place, leaf, NULL FROM entry",
    "INSERT INTO entry VALUES (4294967296, zeroblob(32), x'00') ON CONFLICT DO UPDATE SET payload = x'00'",
    "UPDATE head SET root = zeroblob(32)",
    "DELETE FROM head",
    "INSERT OR REPLACE INTO head SELECT branch, size, zeroblob(32), signature, '', NULL FROM head",
    "UPDATE erasure SET reason = 'no reason'",
    "DELETE FROM erasure",
    "INSERT OR REPLACE INTO erasure SELECT place, 0, 'no reason' FROM erasure",
]


@pytest.mark.parametrize("statement", FORBIDDEN)
def test_no_statement_changes_or_removes_what_was_stored(path: Path, store: Store, statement: str) -> None:
    author = written("El Maizal", numbered("a", 3))
    store.ingest(author.runs[0])
    store.erase(author.state.log, 2, author.leaves[2], 1_000, "a threat")
    before = dump(path)

    def execute(connection: sqlite3.Connection) -> None:
        with pytest.raises(sqlite3.IntegrityError, match=r"never changed|only grows"):
            connection.execute(statement)

    store._thread.submit(execute, store._connection).result()
    with closing(sqlite3.connect(path, isolation_level=None)) as fresh:
        fresh.execute("PRAGMA recursive_triggers = ON")
        execute(fresh)
    assert dump(path) == before


def test_a_reader_cannot_write(path: Path, store: Store) -> None:
    store.ingest(written("El Maizal", numbered("a", 3)).runs[0])
    with (
        Reader(path) as reader,
        pytest.raises(sqlite3.OperationalError, match="readonly"),
    ):
        reader.connection.execute("DELETE FROM evidence")


# Erasing ----------------------------------------------------------------------------------------


def test_an_erased_payload_is_gone_on_every_branch_that_holds_it(path: Path, store: Store) -> None:
    author = written("El Maizal", numbered("a", 3))
    twin = author.twin()
    store.ingest(author.runs[0])
    store.ingest(author.write(b"one thing", b"a name"))
    store.ingest(twin.write(b"another", b"a name"))
    assert author.leaves[4] == twin.leaves[4]
    store.erase(author.state.log, 4, author.leaves[4], 1_000, "a threat")
    with Reader(path) as reader:
        for branch in (1, 2):
            assert [row.payload is None for row in reader.entries(branch)] == [False] * 4 + [True]
            run = list(reader.runs(branch))[-1]
            assert run.items[-1] == Erased(author.leaves[4])
        assert [(row.index, at, why) for row, at, why in reader.erasures()] == [(4, 1_000, "a threat")] * 2
    with pytest.raises(NotFound):
        store.erase(author.state.log, 4, author.leaves[4], 1_000, "a threat")


def test_a_run_with_erased_payloads_is_stored_and_passed_on(path: Path, store: Store) -> None:
    author = written("El Maizal", numbered("a", 4))
    run = author.runs[0]
    store.ingest(replaced(run, items=(*run.items[:2], Erased(author.leaves[2]), run.items[3])))
    assert leaves_in(path) == author.leaves
    with Reader(path) as reader:
        assert [row.payload is None for row in reader.entries(1)] == [False, False, True, False]


# Views, readers ------------------------------------------------------------------------------------


def test_a_store_without_views_makes_them_when_asked(path: Path) -> None:
    montes = found("Los Montes")
    seen: list[tuple[int, int]] = []
    with Store(path, NETWORK, views=False) as store:
        store.ingest(montes.run())
        with Reader(path) as reader:
            assert reader.communes() == []
            assert store.rebuild(lambda done, total: seen.append((done, total))) == 1
            assert [row.name for row in reader.communes()] == ["Los Montes"]
    assert seen == [(1, 1)]


def test_a_reader_that_stays_sees_what_is_written(path: Path, store: Store) -> None:
    montes, valle = found("Los Montes"), found("El Valle")
    trade = montes.propose((montes, valle, "maíz", kg(10)), seen=[valle])
    with Reader(path) as reader:
        assert reader.commune_of(montes.log) is None
        store.ingest(montes.run())
        assert reader.commune_of(montes.log) == montes.commune
        assert reader.exchange(trade).proposer == montes.commune
        twin = montes.twin(1)
        montes.quote(b"one thing")
        twin.quote(b"another")
        proof = proof_of_fork(montes, twin)
        assert proof is not None
        store.add_evidence(proof)
        with pytest.raises(NotFound):
            reader.exchange(trade)
        assert place_of(1, 1) in {place_of(info.number, info.limit or 0) for info in reader.branches()}
