"""Erasing: whatever is erased, nothing of it is left, and the views are those of what is left."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.errors import NotFound
from ledger.log import Erased, Run
from ledger.records import Accept, Dispute, Offer, Profile, Recognise, Settle, Withdraw
from ledger.store.writing import Store

from ..support.communes import NETWORK, Writer, found, key_of, kg, succeed
from .crash.examination import check_equal, content_of_file


def writers() -> list[Writer]:
    """Communes whose logs hold a record of every kind that the views know."""
    montes, valle = found("Los Montes"), found("El Valle")
    offer = montes.say(Offer, category="maize", title="maíz blanco")
    montes.say(Offer, category="maize", title="maíz amarillo", replaces=offer)
    montes.say(Profile, name="Los Montes de Abajo")
    montes.say(Profile, name="Los Montes de Arriba", contact="radio")
    montes.say(Recognise, commune=valle.commune)
    montes.say(Withdraw, target=montes.id_of(2))
    montes.quote(b"\xc1 not a record")
    trade = montes.propose((montes, valle, "maíz", kg(3)), seen=[valle])
    valle.say(Accept, exchange=trade, seen=[montes])
    dispute = valle.say(Dispute, exchange=trade, transfer=0, note="no llegó")
    montes.say(Settle, dispute=dispute, outcome="due", seen=[valle])
    montes.replace_authority(key_of("council"))
    return [montes, valle, succeed(montes, "Los Montes: log 2")]


WRITTEN = writers()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "ledger.sqlite3", NETWORK) as store:
        for writer in WRITTEN:
            store.ingest(writer.run())
        yield store


@pytest.mark.parametrize(
    ("writer", "index"), [(writer, index) for writer in WRITTEN for index in range(writer.size)]
)
def test_after_an_erasure_the_views_are_those_of_what_is_left(
    store: Store, writer: Writer, index: int
) -> None:
    store.erase(writer.log, index, writer.id_of(index), 1_700_000_000_000, "a threat")
    before = content_of_file(store.path)
    store.rebuild()
    check_equal(content_of_file(store.path), before, "the views are not those that a rebuild makes")
    assert [row[1] for row in before["entry"] if row[2] is None] == [writer.id_of(index)]
    assert len(before["erasure"]) == 1


def test_what_is_erased_cannot_be_erased_again_and_the_store_goes_on(store: Store) -> None:
    montes = WRITTEN[0]
    store.erase(montes.log, 1, montes.id_of(1), 1_700_000_000_000, "a threat")
    with pytest.raises(NotFound):
        store.erase(montes.log, 1, montes.id_of(1), 1_700_000_000_000, "a threat")
    store.erase(montes.log, 2, montes.id_of(2), 1_700_000_000_000, "a threat")
    assert len(content_of_file(store.path)["erasure"]) == 2


@pytest.mark.parametrize("index", [0, 2, 99])
def test_an_id_that_is_not_at_the_index_erases_nothing(store: Store, index: int) -> None:
    montes = WRITTEN[0]
    with pytest.raises(NotFound):
        store.erase(montes.log, index, montes.id_of(1), 1_700_000_000_000, "a threat")
    assert content_of_file(store.path)["erasure"] == []


def test_an_erased_payload_is_nowhere_in_the_files(store: Store) -> None:
    """Deleted rows stay legible in free pages, in the log of writes and in the segments of a search index."""
    montes = WRITTEN[0]
    folder = store.path.parent
    assert [path for path in folder.iterdir() if b"blanco" in path.read_bytes()]
    store.erase(montes.log, 1, montes.id_of(1), 1_700_000_000_000, "a threat")
    assert not [path for path in folder.iterdir() if b"blanco" in path.read_bytes()]


# What was kept back on the way ---------------------------------------------------------------------


def content(run: Run, index: int, item: bytes | Erased) -> Run:
    """A run with something else in the place of one entry."""
    return Run(run.head, run.start, (*run.items[:index], item, *run.items[index + 1 :]))


@pytest.mark.parametrize(
    ("writer", "index"), [(writer, index) for writer in WRITTEN for index in range(writer.size)]
)
def test_content_that_was_kept_back_comes_from_somebody_else(
    tmp_path: Path, writer: Writer, index: int
) -> None:
    """Whoever carries a bundle could else decide for ever what the others can read: a debtor, of a debt."""
    with (
        Store(tmp_path / "kept.sqlite3", NETWORK) as store,
        Store(tmp_path / "all.sqlite3", NETWORK) as other,
    ):
        for each in WRITTEN:
            run = each.run()
            other.ingest(run)
            store.ingest(content(run, index, Erased(writer.id_of(index))) if each is writer else run)
        # The head is held already, and whoever has it could put anything beside it.
        assert store.ingest(content(writer.run(), index, b"something else")).new == 0
        assert store.ingest(writer.run()).new == 1
        assert store.ingest(writer.run()).new == 0
        check_equal(content_of_file(store.path), content_of_file(other.path), "something is missing still")


def test_what_was_erased_here_does_not_come_back(store: Store) -> None:
    montes = WRITTEN[0]
    store.erase(montes.log, 1, montes.id_of(1), 1_700_000_000_000, "a threat")
    before = content_of_file(store.path)
    assert store.ingest(montes.run()).new == 0
    montes_and_more = montes.twin()
    montes_and_more.quote(b"more")
    assert store.ingest(montes_and_more.run()).new == 1
    assert [row for row in content_of_file(store.path)["entry"] if row[2] is None] == [
        row for row in before["entry"] if row[2] is None
    ]
