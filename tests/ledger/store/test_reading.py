"""The reader answers from what is held, finds what a person means, and fails in a sentence only."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from ledger import merkle
from ledger.errors import NotFound, StoreError
from ledger.exchange import Exchange, State
from ledger.log import EntryId, Erased
from ledger.records import (
    Accept,
    CommuneId,
    Deliver,
    Dispute,
    Offer,
    Profile,
    Propose,
    Recognise,
    Settle,
    Transfer,
    Withdraw,
)
from ledger.store import passing, reading
from ledger.store.reading import Reader
from ledger.store.writing import Store
from tests.support.communes import NETWORK, found, kg, succeed
from tests.support.histories import numbered, written
from tests.support.networks import proof_of_fork

from .conftest import Told

# Finding ----------------------------------------------------------------------------------------


def test_an_entry_is_found_by_its_id_and_by_the_beginning_of_it(told: Told) -> None:
    entry = told.montes.quote(b"\xc1 no record at all")
    told.tell()
    for identity in (told.montes.id_of(0), entry):
        text = identity.hex()
        for given_text in (text, text[:4], text[:15], f"  {text[:8].upper()} "):
            assert told.reader.find(given_text) == identity
        row = told.reader.entry(identity)
        assert (row.id, row.log) == (identity, told.montes.log)


def test_an_erased_entry_is_found_too(told: Told) -> None:
    told.store.erase(told.montes.log, 0, told.montes.commune, 1_000, "a threat")
    assert told.reader.find(told.montes.commune.hex()[:8]) == told.montes.id_of(0)
    row = told.reader.entry(told.montes.commune)
    assert (row.payload, row.record) == (None, None)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("", "is not an id"), ("ñandú", "is not an id"), ("abc", "too short"), ("0" * 65, "is not an id")],
)
def test_what_is_no_id_is_said_to_be_none(told: Told, text: str, sentence: str) -> None:
    with pytest.raises(NotFound, match=sentence):
        told.reader.find(text)


def test_an_id_that_nothing_has_or_that_several_have_is_said(
    told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody = EntryId(merkle.leaf_hash(b"nobody"))
    with pytest.raises(NotFound, match="Nothing held here"):
        told.reader.find(nobody.hex())
    with pytest.raises(NotFound, match="No entry"):
        told.reader.entry(nobody)
    with pytest.raises(NotFound, match="is not known here"):
        told.reader.commune(nobody)
    with pytest.raises(NotFound, match="is not known here"):
        told.reader.formed(CommuneId(nobody))
    with pytest.raises(NotFound, match="not an exchange"):
        told.reader.exchange(nobody)
    with pytest.raises(NotFound, match="not an offer or need"):
        told.reader.listing(nobody)
    assert told.reader.commune_of(nobody) is None
    assert told.reader.newest_head(nobody) is None
    assert told.reader.profile(nobody) is None
    monkeypatch.setattr(reading, "MIN_PREFIX", 1)
    ids = [told.montes.quote(b"%d" % number) for number in range(40)]
    told.tell()
    digits = max("0123456789abcdef", key=lambda digit: sum(entry.hex()[0] == digit for entry in ids))
    with pytest.raises(NotFound, match="More than one id"):
        told.reader.find(digits)


# Communes ---------------------------------------------------------------------------------------


def test_communes_are_shown_by_their_charter_until_they_have_a_profile(told: Told) -> None:
    row = told.reader.commune(told.montes.commune)
    assert (row.name, row.place, row.about, row.contact) == ("Los Montes", "Boconó", None, None)
    assert told.reader.profile(told.montes.commune) is None
    profile = told.montes.say(Profile, name="Los Montes de Arriba", contact="radio")
    told.tell()
    row = told.reader.commune(told.montes.commune)
    assert (row.name, row.place, row.contact) == ("Los Montes de Arriba", None, "radio")
    shown = told.reader.profile(told.montes.commune)
    assert shown is not None
    assert shown.id == profile
    assert [item.name for item in told.reader.communes()] == ["El Valle", "Los Montes de Arriba"]


def test_a_commune_is_found_by_its_name_or_its_id(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    montes = told.montes.commune
    for text in ("Los Montes", " los montes ", montes.hex(), montes.hex()[:6].upper()):
        assert told.reader.find_commune(text) == montes
    for text in ("La Costa", "abc", "ffffffff"):
        with pytest.raises(NotFound, match="No commune called"):
            told.reader.find_commune(text)
    told.store.ingest(found("Los Montes", log="a namesake").run())
    with pytest.raises(NotFound, match="2 communes are called"):
        told.reader.find_commune("Los Montes")
    monkeypatch.setattr(reading, "MIN_PREFIX", 0)
    for number in range(20):
        told.store.ingest(found(f"Commune {number}").run())
    first = [row.id.hex()[0] for row in told.reader.communes()]
    several = max(first, key=first.count)
    with pytest.raises(NotFound, match="More than one commune"):
        told.reader.find_commune(several)


def test_a_commune_is_formed_with_its_logs_and_whom_it_recognises(told: Told) -> None:
    told.montes.say(Recognise, commune=told.valle.commune)
    told.tell()
    second = succeed(told.montes, "the next computer")
    told.store.ingest(second.run())
    formed = told.reader.formed(told.montes.commune)
    assert formed.logs == (told.montes.log, second.log)
    assert told.reader.commune_of(second.log) == told.montes.commune
    assert told.reader.recognised(told.montes.commune) == [told.valle.commune]
    assert told.reader.recognised(told.valle.commune) == []


# Exchanges --------------------------------------------------------------------------------------


def test_exchanges_are_chosen_by_party_and_state(told: Told) -> None:
    montes, valle = told.montes, told.valle
    listing = montes.say(Offer, title="maíz", category="food")
    costa = found("La Costa")
    told.store.ingest(costa.run())
    open_one = montes.propose((montes, costa, "maíz", kg(1)), at=2_000)
    parties = tuple(sorted((montes.commune, valle.commune)))
    giver = parties.index(montes.commune)
    leg = Transfer(giver=giver, receiver=1 - giver, title="maíz", quantity=kg(2), listing=listing)
    agreed = montes.say(Propose, parties=parties, transfers=(leg,), at=3_000)
    valle.say(Accept, exchange=agreed, seen=[montes])
    told.tell()

    def ids(**asked: object) -> list[EntryId]:
        return [item.id for item in told.reader.exchanges(**asked)]  # type: ignore[arg-type]

    assert ids() == [agreed, open_one]
    assert ids(limit=1, offset=1) == [open_one]
    assert ids(commune=valle.commune) == [agreed]
    assert ids(commune=montes.commune, states=[State.PROPOSED]) == [open_one]
    assert ids(states=[State.PROPOSED, State.AGREED]) == [agreed, open_one]
    assert [item.id for item in told.reader.drawing_on(listing)] == [agreed]
    assert told.reader.drawing_on(agreed) == []
    assert told.reader.drawing_on(agreed, agreed=True) == []
    assert {row.id for row in told.reader.records_about(agreed)} == {valle.id_of(-1)}


def test_what_is_left_of_a_listing_costs_what_was_agreed_and_not_what_anybody_proposes(
    told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lists ask it of every listing; a stranger can write a thousand proposals that name one."""
    montes, valle = told.montes, told.valle
    listing = montes.say(Offer, title="maíz", category="food")
    parties = tuple(sorted((montes.commune, valle.commune)))
    giver = parties.index(montes.commune)
    leg = Transfer(giver=giver, receiver=1 - giver, title="maíz", quantity=kg(2), listing=listing)
    proposed = [valle.say(Propose, parties=parties, transfers=(leg,)) for _ in range(5)]
    montes.say(Accept, exchange=proposed[3], seen=[valle])
    told.tell()
    folded: list[EntryId] = []
    fold = told.reader._folding.exchange

    def noted(entry: EntryId) -> Exchange | None:
        folded.append(entry)
        return fold(entry)

    monkeypatch.setattr(told.reader._folding, "exchange", noted)
    assert [item.id for item in told.reader.drawing_on(listing, agreed=True)] == [proposed[3]]
    assert folded == [proposed[3]]
    assert {item.id for item in told.reader.drawing_on(listing)} == set(proposed)


def test_every_step_leads_to_its_exchange(told: Told) -> None:
    montes, valle = told.montes, told.valle
    trade = montes.propose((montes, valle, "maíz", kg(2)), seen=[valle])
    steps = [valle.say(Accept, exchange=trade, seen=[montes])]
    steps.append(montes.say(Deliver, exchange=trade, transfer=0, quantity=kg(2), seen=[valle]))
    dispute = valle.say(Dispute, exchange=trade, seen=[montes])
    steps += [dispute, montes.say(Settle, dispute=dispute, outcome="closed", seen=[valle])]
    steps.append(montes.say(Withdraw, target=trade))
    told.tell()
    assert [told.reader.exchange_of(step) for step in (trade, *steps)] == [trade] * 6
    with pytest.raises(NotFound):
        told.reader.exchange_of(montes.commune)


def test_a_long_chain_of_records_about_records_leads_to_its_end(told: Told) -> None:
    montes, valle = told.montes, told.valle
    trade = last = montes.propose((montes, valle, "maíz", kg(2)))
    for _ in range(1_000):
        last = montes.say(Withdraw, target=last)
    told.tell()
    assert told.reader.exchange_of(last) == trade


def test_the_weight_of_an_entry_says_whether_it_counts(told: Told) -> None:
    montes = told.montes
    montes.say(Profile, name="one")
    twin = montes.twin(1)
    twin.say(Profile, name="another")
    told.tell()
    told.store.ingest(twin.run())
    first, second = (told.reader.entry(writer.id_of(1)) for writer in (montes, twin))
    assert told.reader.weight(told.reader.entry(montes.commune)) == (True, False)
    assert told.reader.weight(first) == told.reader.weight(second) == (False, False)
    told.valle.say(Recognise, commune=montes.commune, seen=[twin])
    told.tell()
    assert told.reader.weight(second) == (True, True)
    assert told.reader.weight(first) == (False, False)


# Logs -------------------------------------------------------------------------------------------


def test_a_branch_is_read_whole_with_its_heads_runs_and_proofs(tmp_path: Path) -> None:
    author = written("El Maizal", numbered("a", 3), numbered("b", 4))
    twin = author.twin()
    author.write(*numbered("c", 2))
    twin.write(b"another", b"history")
    path = tmp_path / "ledger.sqlite3"
    with Store(path, NETWORK) as store, Reader(path) as reader:
        for run in (*author.runs, *twin.runs):
            store.ingest(run)
        store.erase(author.state.log, 1, author.leaves[1], 1_000, "a threat")
        for number, writer in ((1, author), (2, twin)):
            (info,) = [item for item in reader.branches() if item.number == number]
            assert (info.start, info.size, info.root) == (0, 9, writer.state.root)
            assert (info.first, info.commune, info.limit, info.cut) == (
                7 if number == 2 else 0,
                None,
                None,
                7,
            )
            assert [row.id for row in reader.entries(number)] == writer.leaves
            assert [row.id for row in reader.entries(number, 2, 8)] == writer.leaves[2:8]
            assert [head.size for head in reader.heads(number)] == [3, 7, 9]
            assert [head.size for head in reader.heads(number, 3)] == [7, 9]
            assert reader.head(number) == writer.state.head
            (whole,) = reader.runs(number)
            assert whole.head == writer.state.head
            assert whole.items[1] == Erased(author.leaves[1])
            (rest,) = reader.runs(number, 3)
            assert (rest.start, rest.items, rest.before) == (3, tuple(writer.payloads[3:]), ())
            assert list(reader.runs(number, 9)) == []
            for index in range(9):
                proven = reader.proof(number, index)
                assert merkle.verify_inclusion(
                    writer.leaves[index], index, proven.head.size, list(proven.proof), proven.head.root
                )
        assert reader.newest_head(author.state.log) == author.state.head
        assert len(reader.branches(author.state.log)) == 2
        assert reader.branches(bytes(32)) == []
        assert len(reader.evidence()) == 1
        assert [row.index for row, _, _ in reader.erasures()] == [1]
        assert reader.damage() is None


def test_runs_are_as_long_as_the_limits_allow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    author = written("El Maizal", *(numbered(f"{place}:", 3) for place in range(8)))
    path = tmp_path / "ledger.sqlite3"
    with Store(path, NETWORK) as store, Reader(path) as reader:
        for run in author.runs:
            store.ingest(run)
        with monkeypatch.context() as patch:
            patch.setattr(passing, "MAX_RUN_ENTRIES", 7)
            assert [len(run.items) for run in reader.runs(1)] == [6, 6, 6, 6]
        with monkeypatch.context() as patch:
            patch.setattr(passing, "MAX_RUN_BYTES", 40)
            runs = list(reader.runs(1))
            assert [run.start for run in runs[1:]] == [run.head.size for run in runs[:-1]]
            for run in runs:
                assert sum(len(item) for item in run.items if isinstance(item, bytes)) <= 40
            with Store(Path(":memory:"), NETWORK) as other:
                assert sum(other.ingest(run).new for run in runs) == 24


def test_what_a_log_has_seen_of_another_can_be_asked(told: Told) -> None:
    montes, valle = told.montes, told.valle
    valle.quote(b"one")
    montes.say(Recognise, commune=valle.commune, seen=[valle])
    told.tell()
    assert [told.reader.has_seen(montes.log, valle.log, size) for size in (1, 2, 3)] == [True, True, False]
    assert not told.reader.has_seen(valle.log, montes.log, 1)
    assert not told.reader.has_seen(bytes(32), montes.log, 1)


# One state, damage --------------------------------------------------------------------------------


def test_within_a_snapshot_nothing_changes(told: Told) -> None:
    with told.reader.snapshot():
        assert told.reader.listings() == []
        told.montes.say(Offer, title="maíz", category="food")
        told.tell()
        with told.reader.snapshot():
            assert told.reader.listings() == []
        assert told.reader.branches(told.montes.log)[0].size == 1
    assert len(told.reader.listings()) == 1
    assert told.reader.branches(told.montes.log)[0].size == 2


def test_evidence_that_comes_while_a_reader_is_open_is_seen(told: Told) -> None:
    twin = told.montes.twin()
    told.montes.quote(b"one")
    twin.quote(b"another")
    proof = proof_of_fork(told.montes, twin)
    assert proof is not None
    assert told.reader.branches(told.montes.log)[0].cut is None
    told.store.add_evidence(proof)
    assert told.reader.branches(told.montes.log)[0].cut == 1


@pytest.mark.parametrize("is_made_anew", [False, True])
def test_damage_is_found(tmp_path: Path, is_made_anew: bool) -> None:
    """Also beside views of SQL, which can keep SQLite from looking for pages that no table uses."""
    path = tmp_path / "ledger.sqlite3"
    with Store(path, NETWORK) as store:
        if is_made_anew:
            store.rebuild()
    with Reader(path) as reader:
        assert reader.damage() is None
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("DELETE FROM sqlite_master WHERE name = 'listing_category'")
        connection.commit()
    with Reader(path) as reader:
        assert "never used" in (reader.damage() or "")


def test_a_closed_reader_says_so(told: Told) -> None:
    told.reader.close()
    with pytest.raises(StoreError):
        told.reader.communes()


# Damage -----------------------------------------------------------------------------------------


def overwrite(path: Path, entry: bytes, payload: bytes) -> None:
    """Put another payload in the place of an entry's, as a fault of the disk would."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TRIGGER IF EXISTS entry_is_kept")
        changed = connection.execute("UPDATE entry SET payload = ? WHERE leaf = ?", (payload, entry))
        assert changed.rowcount == 1
        connection.commit()


@pytest.mark.parametrize("payload", [b"\xc1", b"\x81\xa4kind\xa4what", b"\x81\xa4kind\xa2\xff\xff"])
def test_content_that_can_no_longer_be_read_is_damage_and_no_fault_of_the_program(
    told: Told, payload: bytes
) -> None:
    listing = told.montes.say(Offer, title="Maíz", category="food-grain")
    trade = told.valle.propose((told.montes, told.valle, "maíz", kg(5)))
    accepted = told.montes.say(Accept, exchange=trade, seen=[told.valle])
    told.tell()
    assert told.reader.exchange(trade).state is State.AGREED
    for entry in (told.montes.id_of(0), listing, accepted):
        overwrite(told.path, entry, payload)
    with Reader(told.path) as reader:
        for question in (
            reader.listings,
            lambda: reader.listing(listing),
            lambda: reader.formed(told.montes.commune),
            lambda: reader.exchange(trade),
        ):
            with pytest.raises(StoreError, match="damaged"):
                question()


# One state --------------------------------------------------------------------------------------


def test_a_question_is_answered_from_one_state_though_it_asks_the_tables_more_than_once(told: Told) -> None:
    trade = told.valle.propose((told.montes, told.valle, "maíz", kg(5)))
    told.tell()
    told.montes.say(Accept, exchange=trade, seen=[told.valle])
    statements: list[str] = []

    def interfere(statement: str) -> None:
        statements.append(statement)
        if sum("FROM exchange" in each for each in statements) == 1 and "FROM exchange" not in statement:
            told.reader.connection.set_trace_callback(None)
            told.tell()

    told.reader.connection.set_trace_callback(interfere)
    (known,) = told.reader.exchanges(states=["proposed"])
    assert known.state is State.PROPOSED
    assert told.reader.exchanges(states=["proposed"]) == []
    assert told.reader.exchange(trade).state is State.AGREED


def test_a_list_that_is_read_half_way_leaves_no_state_behind(told: Told) -> None:
    for number in range(3):
        told.montes.quote(b"entry %d" % number)
    told.tell()
    (branch,) = told.reader.branches(told.montes.log)
    half = told.reader.entries(branch.number)
    next(half)
    whole = [row.index for row in told.reader.entries(branch.number)]
    assert [row.index for row in half] == whole[1:]
    told.montes.quote(b"one more")
    told.tell()
    assert told.reader.branches(told.montes.log)[0].size == branch.size + 1
    again = told.reader.entries(branch.number)
    next(again)
    del again
    told.montes.quote(b"and one more")
    told.tell()
    assert told.reader.branches(told.montes.log)[0].size == branch.size + 2
