"""Rations, as stories of nodes that meet: what is held back, what is not passed on, and when it comes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ledger.evidence import check_evidence
from ledger.log import Run
from ledger.records import Offer, Recognise, Unrecognise
from node import shares
from node.admission import Admission, reach_of
from node.bundles import export_bundle, import_bundle
from node.deeds import Doer
from node.errors import HeldBack
from node.intake import ImportReport
from node.limits import DAY_SECONDS
from node.quotas import Over, Quotas, Reach
from node.rations import Rations
from node.settings import Settings
from node.storage import Storage
from node.unknown import Unknown
from protocol.deeds import LinkId, Take

from ..support.communes import NETWORK, Writer, found
from ..support.histories import Author, numbered, written
from ..support.neighbours import Neighbour, settle

DAY = 86_400_000


@dataclass
class House:
    """A node of a commune, with quotas."""

    node: Neighbour
    writer: Writer
    rations: Rations
    unknown: Unknown
    settings: Settings

    def look_around(self) -> None:
        """Look who is in reach, as after something was recognised or stored."""
        reach = reach_of(self.node.reader, self.writer.commune, self.settings)
        self.rations.open(self.node.reader, reach, self.writer.log)
        self.node.doer._admission = lambda: Admission(self.node.reader, reach, lambda: None, self.rations)

    def sign(self, kind: type[Any], **fields: Any) -> None:
        """Sign something; whom it recognises is in reach at once."""
        at = self.writer.size
        self.writer.say(kind, **fields)
        self.node.write([self.writer.run(at)])
        self.look_around()
        with self.node.reader.snapshot():
            self.node.gossip.forgive()

    def sleep(self, days: int = 1) -> None:
        """Let days go by."""
        for day in range(1, days + 1):
            now = time.time_ns() // 1_000_000 + day * DAY
            assert self.rations.count_day(now, time.monotonic() + day * DAY_SECONDS)
        self.node.gossip.forgive()

    def sizes(self) -> dict[bytes, int]:
        return {branch.log: branch.size for branch in self.node.reader.branches()}


Build = Callable[..., House]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Build]:
    """Make the node of a commune."""
    opened: list[Neighbour] = []

    def make(
        name: str, quotas: Quotas | None = None, storage: Storage | None = None, **settings: Any
    ) -> House:
        writer = found(name)
        node = Neighbour(tmp_path / f"{name}.sqlite", writer.key, NETWORK)
        opened.append(node)
        node.write([writer.run()])
        rations = Rations(quotas or Quotas(), None if storage is None else storage.accounts)
        unknown = Unknown(NETWORK, None if storage is None else storage.unknowns)
        built = House(node, writer, rations, unknown, Settings(**settings))
        node.doer = Doer(node.store, None, lambda: Admission(node.reader, (), lambda: None), unknown)
        built.look_around()
        return built

    yield make
    for node in opened:
        node.close()


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[Storage]:
    made = Storage(tmp_path / "node.sqlite")
    yield made
    made.close()


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Neighbour]:
    """A node that holds whatever it is given."""
    node = Neighbour(tmp_path / "source.sqlite", Author("source").key, NETWORK)
    yield node
    node.close()


def introduces(hub: Writer, *others: Writer) -> list[Writer]:
    for other in others:
        hub.say(Recognise, commune=other.commune)
    return [hub, *others]


def give(node: Neighbour, *writers: Writer) -> None:
    node.write(writer.run() for writer in writers)


def talk(*nodes: House | Neighbour) -> None:
    """Let nodes gossip, and look around whenever something has come, until nothing happens any more."""
    everybody = [node.node if isinstance(node, House) else node for node in nodes]
    for _round in range(4):
        settle(*everybody)
        for node in nodes:
            if isinstance(node, House):
                node.look_around()
                with node.node.reader.snapshot():
                    node.node.gossip.forgive()
    settle(*everybody)


# What one commune introduces --------------------------------------------------------------------


def test_no_more_comes_than_one_commune_may_introduce_and_none_of_it_goes_on(
    house: Build, source: Neighbour
) -> None:
    montes, further = house("Montes", Quotas(introduced_logs=2)), house("Further")
    hub, *others = introduces(found("Hub"), *(found(f"Other {number}") for number in range(5)))
    give(source, hub, *others)
    montes.sign(Recognise, commune=hub.commune)
    further.sign(Recognise, commune=hub.commune)
    further.node.meet(montes.node)
    montes.node.meet(source)
    talk(montes, further, source)
    assert montes.sizes().keys() > {hub.log, montes.writer.log}
    assert len(montes.sizes()) == 4
    assert further.sizes().keys() == montes.sizes().keys() - {montes.writer.log} | {further.writer.log}
    assert {back.over for _, back in montes.rations.all_held_back()} == {Over.SHARE}
    assert len(montes.rations.all_held_back()) == 3
    assert source.gossip.faults == montes.node.gossip.faults == [], "nobody is accused of anything"


def test_what_was_taken_in_grows_while_another_one_waits_and_comes_once_it_is_recognised(
    house: Build, source: Neighbour
) -> None:
    montes = house("Montes", Quotas(introduced_logs=1))
    hub, first, second = introduces(found("Hub"), found("First"), found("Second"))
    give(source, hub, first)
    montes.sign(Recognise, commune=hub.commune)
    montes.node.meet(source)
    talk(montes, source)
    give(source, second)
    first.say(Offer, title="maíz", category="maize")
    source.write([first.run(1)])
    talk(montes, source)
    assert montes.sizes()[first.log] == 2
    assert second.log not in montes.sizes()
    assert [log for log, _ in montes.rations.all_held_back()] == [second.log]
    montes.sign(Recognise, commune=second.commune)
    talk(montes, source)
    assert second.log in montes.sizes()
    assert montes.rations.all_held_back() == []


def test_what_nobody_introduces_any_more_is_not_held_back(house: Build, source: Neighbour) -> None:
    montes = house("Montes", Quotas(introduced_logs=0))
    hub, first = introduces(found("Hub"), found("First"))
    give(source, hub, first)
    montes.sign(Recognise, commune=hub.commune)
    montes.node.meet(source)
    talk(montes, source)
    assert [log for log, _ in montes.rations.all_held_back()] == [first.log]
    montes.sign(Unrecognise, commune=hub.commune)
    assert montes.rations.all_held_back() == []


def test_a_commune_that_two_introduce_comes_while_one_of_them_has_room(
    house: Build, source: Neighbour
) -> None:
    montes = house("Montes", Quotas(introduced_logs=1))
    first, second, shared = found("First"), found("Second"), found("Shared")
    introduces(first, filler := found("Filler"), shared)
    introduces(second, shared)
    for hub in (first, second):
        montes.sign(Recognise, commune=hub.commune)
    give(source, first, filler)
    montes.node.meet(source)
    talk(montes, source)
    give(source, second, shared)
    talk(montes, source)
    assert {filler.log, shared.log} <= montes.sizes().keys()
    assert montes.rations.used(first.commune)[0] == montes.rations.used(second.commune)[0] == 1


def test_a_proposal_that_names_strangers_brings_none_of_them(house: Build, source: Neighbour) -> None:
    """Else whoever is introduced introduces seven more with each proposal."""
    montes = house("Montes")
    hub, stranger = found("Hub"), found("Stranger")
    hub.propose((hub, montes.writer, "maíz", None), (montes.writer, stranger, "sal", None))
    give(source, hub, stranger)
    montes.sign(Recognise, commune=hub.commune)
    montes.node.meet(source)
    talk(montes, source)
    assert hub.log in montes.sizes()
    assert stranger.log not in montes.sizes()


def test_whom_the_operator_follows_comes_without_being_recognised(house: Build, source: Neighbour) -> None:
    by_commune, by_log, neither = found("By commune"), found("By log"), found("Neither")
    montes = house("Montes", follow=(by_commune.commune.hex(), by_log.log.hex()))
    give(source, *introduces(by_commune, neither), by_log)
    montes.node.meet(source)
    talk(montes, source)
    assert montes.sizes().keys() == {montes.writer.log, by_commune.log, by_log.log}


# One log ----------------------------------------------------------------------------------------


LONG = Quotas(log_weight=300_000)
"""Of a recognised commune 2.4 MB at first, two of the runs of the longest log below."""


def chatty(count: int = 600) -> tuple[Writer, list[Run]]:
    """A commune that says a lot, and its log in runs as long as there may be."""
    writer = found("Chatty")
    for number in range(count - 1):
        writer.quote(b"%d " % number + bytes(8_000))
    return writer, [writer.run(at, at + 100) for at in range(0, count, 100)]


def test_a_log_grows_up_to_its_quota_and_goes_on_when_another_day_has_begun(
    house: Build, source: Neighbour
) -> None:
    writer, runs = chatty()
    montes, further = house("Montes", LONG), house("Further")
    source.write(runs)
    for one in (montes, further):
        one.sign(Recognise, commune=writer.commune)
    further.node.meet(montes.node)
    montes.node.meet(source)
    talk(montes, further, source)
    held = montes.sizes()[writer.log]
    assert 0 < held * 8_200 <= 8 * 300_000 < (held + 128) * 8_300
    assert further.sizes()[writer.log] == held, "what is not held is not passed on"
    assert [(log, back.over) for log, back in montes.rations.all_held_back()] == [(writer.log, Over.LOG)]
    talk(montes, further, source)
    assert montes.sizes()[writer.log] == held
    montes.sleep()
    talk(montes, further, source)
    assert montes.sizes()[writer.log] == further.sizes()[writer.log] == 600
    assert montes.rations.all_held_back() == []
    assert source.gossip.faults == montes.node.gossip.faults == further.node.gossip.faults == []


def test_what_is_told_of_quotas_says_whose_logs_and_what_to_do(house: Build, source: Neighbour) -> None:
    writer, runs = chatty(300)
    montes = house("Montes", Quotas(introduced_logs=1, log_weight=100_000))
    hub, *_rest = introduces(found("Hub"), found("One"), found("Two"))
    source.write(runs)
    give(source, hub, *_rest)
    source.write(written("of nobody", numbered("x", 1)).runs)
    montes.sign(Recognise, commune=writer.commune)
    montes.sign(Recognise, commune=hub.commune)
    montes.node.meet(source)
    talk(montes, source)
    names = {one.log: one.name for one in (writer, hub, *_rest)}
    recognised = montes.node.reader.recognised(montes.writer.commune)
    facts = shares.facts_of(montes.rations, montes.unknown, recognised, names.get)
    assert {row["quota"] for row in facts["held_back"]} == {"log", "share"}
    assert [row["commune"] for row in facts["introduced"]] == [hub.commune.hex()]
    assert facts["unknown"]["logs"] >= 1
    told = [each.template.format(**each.fields) for each in shares.sentences_of(facts)]
    assert "Chatty" in told[0]
    assert "log-megabytes" in told[0]
    assert "Two" in told[1] or "One" in told[1]
    assert "trueque recognise" in told[1]
    assert "nobody here has asked for them" in told[2]


def test_counts_outlast_the_process_and_what_is_held_has_its_room_where_they_are_lost(
    house: Build, source: Neighbour, storage: Storage
) -> None:
    writer, runs = chatty()
    montes = house("Montes", LONG, storage)
    source.write(runs)
    montes.sign(Recognise, commune=writer.commune)
    montes.node.meet(source)
    talk(montes, source)
    reach = reach_of(montes.node.reader, montes.writer.commune, Settings())
    first = montes.rations._book.accounts[writer.log]
    again = Rations(LONG, storage.accounts)
    again.open(montes.node.reader, reach, montes.writer.log)
    assert again._book.accounts == {writer.log: first}
    lost = Rations(LONG)
    lost.open(montes.node.reader, reach, montes.writer.log)
    weighed = lost._book.accounts[writer.log]
    assert (weighed.weight, weighed.had) == (first.weight, first.weight)


def test_days_are_counted_over_restarts_and_not_by_restarting(
    house: Build, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    montes = house("Montes", storage=storage)
    now = time.time_ns() // 1_000_000
    for days, counted in ((0, 0), (0, 0), (1, 1), (1, 1), (30_000, 2), (1, 3)):
        monkeypatch.setattr("node.rations.clock.now", lambda days=days: now + days * DAY)
        rations = Rations(Quotas(), storage.accounts)
        rations.open(montes.node.reader, Reach({}), montes.writer.log)
        assert rations._days.count == counted


def test_what_is_refused_after_it_was_counted_is_given_back(house: Build, source: Neighbour) -> None:
    montes, other = house("Montes"), found("Other")
    montes.sign(Recognise, commune=other.commune)
    good = other.run()
    bad = Run(found("Another").head, 0, good.items)
    wrong = Run(good.head, 0, (good.items[0], b"more"))
    for run in (bad, wrong):
        montes.node.doer.take([Take(LinkId(1), (run,))])
        assert montes.rations._book.accounts == {}
    montes.node.doer.take([Take(LinkId(1), (good,))])
    weight = montes.rations._book.accounts[other.log].weight
    montes.node.doer.take([Take(LinkId(1), (good,))])
    assert montes.rations._book.accounts[other.log].weight == weight, "known already: it counts nothing"


def test_why_something_is_held_back_is_a_sentence_for_programs_too(house: Build) -> None:
    montes, other = house("Montes", Quotas(log_weight=1)), found("Other")
    montes.sign(Recognise, commune=other.commune)
    admission = montes.node.doer._admission()
    left_out = admission.judge(other.run())
    assert left_out is not None
    assert isinstance(left_out.reason, HeldBack)


# Logs that are not taken in ---------------------------------------------------------------------


def test_who_invents_logs_fills_only_what_a_neighbour_may(
    house: Build, source: Neighbour, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("node.unknown.MAX_UNKNOWN_OF_ONE", 20)
    monkeypatch.setattr("protocol.sighting.MAX_DECLINED", 60)
    montes, honest = house("Montes"), house("Honest")
    source.write(run for number in range(50) for run in written(f"invented {number}", [b"x"]).runs)
    montes.node.meet(source)
    talk(montes, source)
    assert len(montes.unknown) == 20
    montes.node.meet(honest.node)
    talk(montes, honest)
    assert montes.unknown.heads(honest.writer.log) == (honest.writer.head,)
    source.write(run for number in range(50) for run in written(f"more {number}", [b"x"]).runs)
    talk(montes, source)
    assert len(montes.unknown) == 21
    assert len(montes.node.gossip._sighting._declined) == 60
    assert montes.sizes().keys() == {montes.writer.log}


def test_evidence_of_a_log_that_is_not_taken_in_waits_until_it_is(house: Build, source: Neighbour) -> None:
    montes, other = house("Montes"), found("Other")
    other.say(Offer, title="maíz", category="maize")
    twin = other.twin(1)
    twin.say(Offer, title="yuca", category="maize")
    source.write([other.run(), twin.run()])
    (evidence,) = source.reader.evidence()
    montes.node.meet(source)
    talk(montes, source)
    source.gossip._announcing.forked(evidence, None)
    settle(montes.node, source)
    assert montes.node.reader.evidence() == []
    montes.sign(Recognise, commune=other.commune)
    talk(montes, source)
    (held,) = montes.node.reader.evidence()
    check_evidence(held, NETWORK)
    assert len(montes.node.reader.branches(other.log)) == 2
    assert montes.node.gossip.faults == []


# Bundles ----------------------------------------------------------------------------------------


def test_of_a_bundle_no_more_is_taken_in_than_a_quota_allows_and_the_rest_on_a_later_day(
    house: Build, source: Neighbour, tmp_path: Path
) -> None:
    writer, runs = chatty()
    montes, bundle = house("Montes", LONG), tmp_path / "out.trueque"
    source.write(runs)
    montes.sign(Recognise, commune=writer.commune)
    export_bundle(source.reader, bundle)

    def take_in(admitted: Reach | None) -> ImportReport:
        node = montes.node
        with bundle.open("rb") as file:
            return import_bundle(
                node.store, node.reader, file, author=None, admitted=admitted, rations=montes.rations
            )

    reach = reach_of(montes.node.reader, montes.writer.commune, Settings()).followed()
    first = take_in(reach)
    assert 0 < first.new < 600
    assert first.left_out == 600 - first.new
    assert isinstance(first.logs[writer.log].reason, HeldBack)
    again = take_in(reach)
    assert (again.new, again.known, again.left_out) == (0, first.new, first.left_out)
    montes.sleep()
    assert take_in(reach).new == first.left_out
    weight = montes.rations._book.accounts[writer.log].weight
    assert take_in(None).known == 600
    assert montes.rations._book.accounts[writer.log].weight == weight


def test_everything_is_taken_in_where_that_is_wanted_and_counts_all_the_same(
    house: Build, source: Neighbour, tmp_path: Path
) -> None:
    writer, runs = chatty()
    montes, bundle = house("Montes", LONG), tmp_path / "out.trueque"
    source.write(runs)
    montes.sign(Recognise, commune=writer.commune)
    export_bundle(source.reader, bundle)
    with bundle.open("rb") as file:
        node = montes.node
        report = import_bundle(node.store, node.reader, file, author=None, rations=montes.rations)
    assert (report.new, report.left_out) == (600, 0)
    montes.look_around()
    writer.quote(b"one more")
    source.write([writer.run(600)])
    montes.node.meet(source)
    talk(montes, source)
    assert montes.sizes()[writer.log] == 600, "it stays, and does not grow"
    assert len(montes.rations.all_held_back()) == 1
