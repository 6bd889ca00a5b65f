"""Exports of networks that nobody would think of: forks, junk, false answers, whatever hypothesis makes."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.records import Accept, Offer
from ledger.store.reading import Reader
from ledger.store.writing import Store
from node.exports.chosen import EVERY, Choice, Walk
from node.exports.lines import write_lines
from node.exports.tables import TABLES, write_table
from node.exports.valueflows import write_graph
from node.service import Service

from ...support.communes import NETWORK, found, kg
from ...support.happenings import networks
from ...support.networks import MadeUp, deliver
from ...support.valueflows import check_ontology, check_references, check_schemas, ontology, validators


@contextmanager
def held(network: MadeUp, seed: int) -> Iterator[Service]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.sqlite"
        with Store(path, NETWORK) as store:
            deliver(store, network.parcels(Random(seed)))
        with Reader(path) as reader, reader.snapshot():
            yield Service(reader, network.writers[0].log, None, None, lambda: 0)


@settings(max_examples=25)
@given(networks(), st.integers(0, 2**20))
def test_every_node_of_any_network_is_valid(network: MadeUp, seed: int) -> None:
    validator, known = validators(), ontology()
    with held(network, seed) as service:
        for choice in (Choice(), Choice(frozenset([network.writers[0].commune]), 20_000)):
            file = io.BytesIO()
            count = write_graph(Walk(service, choice), file)
            graph = json.loads(file.getvalue())
            assert len(graph["@graph"]) == count
            check_references(graph)
            check_schemas(graph, validator)
            check_ontology(graph, known)


def test_homes_that_hold_the_same_write_the_same_graph() -> None:
    montes, valle = found("Los Montes"), found("El Valle")
    montes.say(Offer, category="other", title="Maíz")
    trade = valle.propose((montes, valle, "Maíz", kg(1)), (valle, montes, "Sal", kg(2)), seen=[montes])
    montes.say(Accept, exchange=trade, seen=[valle])
    graphs = set()
    for order in ((montes, valle), (valle, montes)):
        with TemporaryDirectory() as folder:
            path = Path(folder) / "ledger.sqlite"
            with Store(path, NETWORK) as store:
                for writer in order:
                    store.ingest(writer.run())
            with Reader(path) as reader, reader.snapshot():
                file = io.BytesIO()
                write_graph(Walk(Service(reader, montes.log, None, None, lambda: 0), Choice()), file)
                graphs.add(file.getvalue())
    assert len(graphs) == 1


@settings(max_examples=15)
@given(networks(), st.integers(0, 2**20), st.integers(0, 2**20))
def test_in_whatever_order_it_came_the_same_nodes_are_given(network: MadeUp, one: int, other: int) -> None:
    graphs = []
    for seed in (one, other):
        with held(network, seed) as service:
            file = io.BytesIO()
            write_graph(Walk(service, Choice()), file)
            graphs.append({node["@id"]: node for node in json.loads(file.getvalue())["@graph"]})
    assert graphs[0] == graphs[1]


@settings(max_examples=25)
@given(networks(), st.integers(0, 2**20))
def test_lines_and_tables_of_any_network_have_each_thing_once(network: MadeUp, seed: int) -> None:
    with held(network, seed) as service:
        file = io.BytesIO()
        write_lines(Walk(service, Choice()), file)
        lines = [json.loads(line) for line in file.getvalue().splitlines()]
        ids = [line["id"] for line in lines]
        assert len(set(ids)) == len(ids)
        assert set(ids) == {
            row.id.hex()
            for branch in service.reader.branches()
            for row in service.reader.entries(branch.number)
        }
        rows = {}
        for table in TABLES:
            file = io.BytesIO()
            count = write_table(Walk(service, Choice()), table, file)
            rows[table] = list(csv.reader(io.StringIO(file.getvalue().decode("utf-8-sig"), newline="")))[1:]
            assert len(rows[table]) == count
        listings = service.reader.listings(ended=True)
        # Two branches of a fork may hold the very same listing: it stands there twice, and is given once.
        assert sorted(row[14] for row in rows["listings"]) == sorted({each.id.hex() for each in listings})
        exchanges = service.reader.exchanges()
        assert {row[15] for row in rows["transfers"]} == {each.id.hex() for each in exchanges}
        assert len(rows["transfers"]) == sum(len(each.legs) for each in exchanges)


def test_what_is_written_goes_out_while_the_rest_is_read(tmp_path: Path) -> None:
    """No list of what is held is ever made; progress is told on the way, and ends at all of it."""
    montes = found("Los Montes")
    for number in range(4 * EVERY):
        montes.say(Offer, category="other", title=f"Cosa {number}", note="x" * 500)
    path = tmp_path / "ledger.sqlite"
    with Store(path, NETWORK) as store:
        store.ingest(montes.run(0, 1_000))
        store.ingest(montes.run(1_000))
    with Reader(path) as reader, reader.snapshot():
        service = Service(reader, montes.log, None, None, lambda: 0)
        for write in (write_lines, write_graph, lambda walk, out: write_table(walk, "listings", out)):
            file, told = io.BytesIO(), list[tuple[int, int, int]]()

            def tell(
                done: int, total: int, file: io.BytesIO = file, told: list[tuple[int, int, int]] = told
            ) -> None:
                told.append((done, total, file.tell()))

            write(Walk(service, Choice(), tell), file)
            assert [done for done, _total, _size in told] == [
                0,
                *range(EVERY, 4 * EVERY + 1, EVERY),
                4 * EVERY + 1,
            ]
            assert {total for _done, total, _size in told} == {4 * EVERY + 1}
            sizes = [size for _done, _total, size in told[1:5]]
            assert sizes == sorted(set(sizes))
