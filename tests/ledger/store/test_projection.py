"""The views hold what the rules say of the entries held, however these arrived."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger import standing
from ledger.authority import Stated
from ledger.commune import Commune, form_commune
from ledger.errors import NotFound
from ledger.history import History
from ledger.records import (
    AuthorityChange,
    CommuneId,
    Need,
    Offer,
    Profile,
    Recognise,
    Record,
    Succession,
    Unrecognise,
    Withdraw,
    to_payload,
)
from ledger.standing import INDEX_MASK, PLACE_BITS, place_of
from ledger.store import branches, forming, holding, projection, writing
from ledger.store.reading import Reader
from ledger.store.writing import Store
from ledger.view import PROMISING
from tests.support.communes import NETWORK, authority_of, found, key_of, signed
from tests.support.happenings import networks
from tests.support.networks import MadeUp, deliver

Result = TypeVar("Result")
Rows = Counter[tuple[Any, ...]]
SEEDS = st.integers(0, 2**20)


@contextmanager
def fresh_store() -> Iterator[Store]:
    """A store in memory."""
    with Store(Path(":memory:"), NETWORK) as store:
        yield store


def inside(store: Store, work: Callable[[sqlite3.Connection], Result]) -> Result:
    """Do something with a store's own connection, on its thread."""
    return store._thread.submit(lambda: work(store._connection)).result()


@dataclass(frozen=True)
class Views:
    """The tables of the views, with entries named by their ids and branches not at all.

    Two branches can hold the same entry, hence counters.
    """

    counts: Rows
    witnessed: Rows
    predecessors: Rows
    stated: Rows
    said: Rows
    names: Rows
    sights: Rows
    communes: Rows
    recognitions: Rows
    listings: Rows
    texts: Rows
    exchanges: Rows
    parties: Rows


def views_of(store: Store) -> Views:
    """Everything that a store's views hold."""
    return inside(store, lambda connection: _views(store, connection))


def _views(store: Store, connection: sqlite3.Connection) -> Views:
    rows = connection.execute
    leaf_at: dict[int, bytes] = dict(rows("SELECT place, leaf FROM entry").fetchall())
    held = store._holding
    held.forget()

    def at(place: int | None) -> bytes | None:
        return None if place is None else leaf_at[place]

    counts: Rows = Counter()
    predecessors: Rows = Counter()
    for place, leaf in leaf_at.items():
        state = held.standing(place >> PLACE_BITS)
        if state is not None:
            counts[
                (
                    leaf,
                    state.commune,
                    state.ordinal,
                    standing.counts(held, place),
                    standing.is_contested(held, place),
                )
            ] += 1
            older = {
                leaf_at[first]
                for part in held.predecessors(place >> PLACE_BITS)
                for first in range(place_of(part.branch, 0), place_of(part.branch, part.end))
                if first in leaf_at
            }
            predecessors[(leaf, frozenset(older))] += 1
    rows("CREATE VIRTUAL TABLE IF NOT EXISTS temp.words USING fts5vocab(main, listing_text, instance)")
    return Views(
        counts,
        Counter((at(place),) for (place,) in rows("SELECT place FROM witnessed")),
        predecessors,
        Counter((at(place), *row) for place, *row in rows("SELECT place, commune, kind FROM stated")),
        Counter(
            (at(place_of(branch, index)), *row)
            for branch, index, *row in rows("SELECT branch, at, kind, subject FROM said")
        ),
        Counter(
            (table, at(place), prefix, known)
            for table, place, prefix, known in rows(
                "SELECT 'is', place, prefix, known FROM identity UNION ALL "
                "SELECT 'about', place, prefix, known FROM about"
            )
        ),
        Counter(
            (at(place_of(branch, index)), *row)
            for branch, index, *row in rows("SELECT branch, at, log, size, root FROM sight")
        ),
        Counter(
            (*row, at(place))
            for *row, place in rows("SELECT id, name, place, about, contact, profile FROM commune")
        ),
        Counter(
            (*row, at(place)) for *row, place in rows("SELECT commune, by_commune, place FROM recognition")
        ),
        Counter(
            (at(place), *row)
            for place, *row in rows("SELECT place, commune, kind, category, until, at, ended FROM listing")
        ),
        Counter((term, at(place)) for term, place in rows("SELECT term, doc FROM temp.words")),
        Counter(
            (at(place), *row)
            for place, *row in rows("SELECT place, id, state, form, at, contested, disputed FROM exchange")
        ),
        Counter((at(place), commune) for place, commune in rows("SELECT exchange, commune FROM party")),
    )  # fmt: skip


# What the rules say, from a history in memory -----------------------------------------------------


def expected(history: History) -> dict[str, Rows]:
    """What the views have to hold that a reader sees, by the rules over the same entries."""
    counts: Rows = Counter()
    for place, entry in history.entry_ids.items():
        state = history.standing(place >> PLACE_BITS)
        if state is not None:
            counts[
                (
                    entry,
                    state.commune,
                    state.ordinal,
                    standing.counts(history, place),
                    standing.is_contested(history, place),
                )
            ] += 1
    exchanges = list(history.exchanges())
    return {
        "counts": counts,
        "communes": Counter(_named(history)),
        "recognitions": Counter(_recognitions(history)),
        "listings": Counter(_listings(history)),
        "exchanges": Counter(
            (one.id, one.id, one.state, one.form, one.proposal.at, one.contested, one.disputed)
            for one in exchanges
        ),
        "parties": Counter((one.id, party) for one in exchanges for party in one.proposal.parties),
    }


def _counting(history: History, kinds: type[Any] | tuple[type[Any], ...]) -> Iterator[tuple[int, Any]]:
    for place, record in history.records.items():
        if isinstance(record, kinds) and standing.counts(history, place):
            yield place, record


def _commune(history: History, place: int) -> bytes:
    state = history.standing(place >> PLACE_BITS)
    assert state is not None
    return state.commune


def _order(history: History, place: int) -> tuple[int, int, bytes]:
    state = history.standing(place >> PLACE_BITS)
    assert state is not None
    return state.ordinal, place & INDEX_MASK, history.entry_ids[place]


def _last(
    history: History, found: Iterable[tuple[int, Record]], key: Callable[[int, Any], Any]
) -> dict[Any, int]:
    last: dict[Any, int] = {}
    for place, record in found:
        name = key(place, record)
        if name not in last or _order(history, place) > _order(history, last[name]):
            last[name] = place
    return last


def _named(history: History) -> Iterator[tuple[Any, ...]]:
    profiles = _last(history, _counting(history, Profile), lambda place, _: _commune(history, place))
    for identity, commune in history.communes.items():
        place = profiles.get(identity)
        if place is None:
            charter = commune.founding
            yield identity, charter.name, charter.place, charter.about, None, None
        else:
            record = history.records[place]
            assert isinstance(record, Profile)
            yield (
                identity, record.name, record.place, record.about, record.contact, history.entry_ids[place],
            )  # fmt: skip


def _recognitions(history: History) -> Iterator[tuple[Any, ...]]:
    said = _last(
        history,
        _counting(history, (Recognise, Unrecognise)),
        lambda place, record: (record.commune, _commune(history, place)),
    )
    for (subject, by), place in said.items():
        if isinstance(history.records[place], Recognise):
            yield subject, by, history.entry_ids[place]


def _listings(history: History) -> Iterator[tuple[Any, ...]]:
    ends: dict[tuple[bytes, bytes], str] = {}
    for place, record in _counting(history, (Offer, Need)):
        if record.replaces is not None:
            ends.setdefault((record.replaces, _commune(history, place)), "replaced")
    for place, record in _counting(history, Withdraw):
        ends[(record.target, _commune(history, place))] = "withdrawn"
    for place, record in history.records.items():
        if isinstance(record, Offer | Need):
            entry = history.entry_ids[place]
            owner = _commune(history, place) if standing.counts(history, place) else None
            ended = None if owner is None else ends.get((entry, owner))
            yield entry, owner, record.kind, record.category, record.until, record.at, ended


# The property -------------------------------------------------------------------------------------


def check(network: MadeUp, one: int, other: int) -> None:
    """Deliver a network in two orders; hold the views against each other, a rebuild and the rules."""
    first, rebuilt = delivered(network, one)
    second, again = delivered(network, other)
    for name, rows in expected(network.history(Random(one))).items():
        held = getattr(first, name)
        if name == "counts":
            readable = {row[0] for row in rows}
            held = Counter({row: count for row, count in held.items() if row[0] in readable})
        assert_same(name, held, rows)
    for views in (second, rebuilt, again):
        assert_same_views(views, first)


def assert_same_views(views: Views, wanted: Views) -> None:
    """Compare all tables, and say only what differs."""
    for field in fields(Views):
        assert_same(field.name, getattr(views, field.name), getattr(wanted, field.name))


def assert_same(name: str, held: Rows, wanted: Rows) -> None:
    """Compare one table, and say only what differs."""
    assert held == wanted, f"{name}: {held - wanted} instead of {wanted - held}"


def delivered(network: MadeUp, seed: int) -> tuple[Views, Views]:
    """The views after one order of delivery, and after a rebuild; now and then with little room."""
    with pytest.MonkeyPatch.context() as patch, fresh_store() as store:
        if seed % 2:
            patch.setattr(projection, "MAX_NEW", seed % 7)
            patch.setattr(projection, "CHUNK", 2)
            patch.setattr(writing, "REBUILD_BATCH", 3)
            patch.setattr(holding, "MAX_READ", 2)
            patch.setattr(holding, "MAX_LOOKS", 2)
            patch.setattr(branches, "MAX_REMEMBERED", 2)
            patch.setattr(holding, "MAX_ASKED", 2)
        deliver(store, network.parcels(Random(seed)), together=1 + seed // 2 % 4)
        views = views_of(store)
        store.rebuild()
        return views, views_of(store)


@given(networks(), SEEDS, SEEDS)
def test_the_views_are_the_same_in_any_order_of_arrival(network: MadeUp, one: int, other: int) -> None:
    check(network, one, other)


@settings(max_examples=25)
@given(networks(), SEEDS, st.sets(st.integers(0, 400), min_size=1, max_size=6))
def test_what_is_erased_leaves_the_views_of_what_is_left(
    network: MadeUp, seed: int, numbers: set[int]
) -> None:
    leaves = [leaf for writer in network.writers for leaf in writer.leaves]
    network.erased = {leaves[number % len(leaves)] for number in numbers}
    without, _ = delivered(network, seed)
    gone, network.erased = network.erased, set()
    with fresh_store() as store:
        deliver(store, network.parcels(Random(seed)))
        for writer in network.writers:
            for index, leaf in enumerate(writer.leaves):
                if leaf in gone:
                    with suppress(NotFound):  # gone already, with another branch that holds the same
                        store.erase(writer.log, index, leaf, 1_000, "a threat")
        assert_same_views(views_of(store), without)


@settings(max_examples=10)
@given(networks(), SEEDS)
def test_what_takes_of_a_listing_is_found_by_the_states_in_the_views(network: MadeUp, seed: int) -> None:
    with TemporaryDirectory() as folder, Store(Path(folder) / "ledger.sqlite", NETWORK) as store:
        deliver(store, network.parcels(Random(seed)))
        with Reader(store.path) as reader:
            for row in reader.listings(ended=True):
                wanted = {one.id for one in reader.drawing_on(row.id) if one.state in PROMISING}
                assert {one.id for one in reader.drawing_on(row.id, agreed=True)} == wanted


@pytest.mark.slow
@pytest.mark.timeout(1_800)
@settings(max_examples=600)
@given(networks(20, 90), SEEDS, SEEDS)
def test_the_views_of_larger_networks_are_the_same_in_any_order_of_arrival(
    network: MadeUp, one: int, other: int
) -> None:
    check(network, one, other)


# What strangers write about a commune --------------------------------------------------------------


def test_a_flood_of_false_statements_about_a_commune_forms_it_no_more_often(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each used to have all of them read again; what really changes the commune still does."""
    formed: list[int] = []

    def counted(charter: Stated, changes: Sequence[Stated], *others: Any) -> Commune:
        formed.append(len(changes))
        return form_commune(charter, changes, *others)

    monkeypatch.setattr(forming, "form_commune", counted)
    montes, stranger = found("Los Montes"), found("El Valle")
    council = key_of("council")
    with fresh_store() as store:
        for writer in (montes, stranger):
            store.ingest(writer.run())
        before = len(formed)
        for number in range(40):
            authority = authority_of(key_of(f"liar {number}"))
            fields: dict[str, Any] = {"commune": montes.commune, "log": stranger.log}
            change = AuthorityChange(previous=(montes.commune,), authority=authority, at=0, **fields)
            stranger.quote(to_payload(signed(change, key_of("liar"))))
            lie = Succession(authority=montes.commune, previous=(montes.seal(),), at=0, **fields)
            stranger.quote(to_payload(signed(lie, key_of("liar"))))
            store.ingest(stranger.run(stranger.size - 2))
        assert len(formed) == before
        montes.replace_authority(council)
        store.ingest(montes.run(montes.size - 1))
        assert formed[before:] == [41]
        chain = inside(store, lambda _: store._projection.commune(CommuneId(montes.commune)))
        assert chain is not None
        assert chain.chain.in_force is not None
        assert chain.chain.in_force.authority == authority_of(council)
        views = views_of(store)
        store.rebuild()
        assert_same_views(views_of(store), views)
