"""Bundles between homes: what is taken in, what is left out, and what no file can do."""

from __future__ import annotations

import io
import os
import shutil
import tracemalloc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from ledger.anchor import Anchors
from ledger.author import Author, Situation
from ledger.errors import SigningStopped, StoreError
from ledger.evidence import Evidence
from ledger.log import Head, Run
from ledger.records import CommuneId, Offer, Recognise, Withdraw
from ledger.store.reading import Reader
from ledger.store.writing import Ingested, Store
from node import limits
from node.admission import followed
from node.answers import AnsweredReport, plain_report, report_of
from node.blobs import Blobs
from node.bundles import export_bundle, import_bundle, known_from
from node.errors import BlobRefused, ExportFailed, ImportStopped
from node.intake import ImportReport
from protocol.blobs import BlobChunk
from protocol.bundle import BundleReader, BundleWriter, Item, Totals
from protocol.errors import BundleError, CutShort, DamagedBundle, NotABundle, OtherNetwork
from protocol.frames import HEADER, Kind, to_frames
from tests.support.communes import NETWORK, Writer, found, key_of, succeed
from tests.support.histories import Author as Signer
from tests.support.histories import erased, numbered
from tests.support.photos import digest_of, jpeg


@dataclass
class House:
    """A home: a database, and the log of a commune that is written here."""

    folder: Path
    writer: Writer
    quota: int = 10_000_000

    @property
    def blobs(self) -> Blobs:
        return Blobs(self.folder / "blobs", self.quota)

    @property
    def database(self) -> Path:
        return self.folder / "ledger.sqlite"

    @contextmanager
    def open(self) -> Iterator[tuple[Store, Author, Reader]]:
        self.folder.mkdir(parents=True, exist_ok=True)
        anchors = Anchors((self.folder / "anchor", self.folder.with_name(f"{self.folder.name} state")))
        with Store(self.database, self.writer.network) as store, Reader(self.database) as reader:
            yield store, Author(store, self.writer.key, anchors), reader

    def write(self) -> House:
        """Sign all that the writer has written and that is not signed here yet, under one head."""
        with self.open() as (_, author, _):
            size = 0 if author.head is None else author.head.size
            if size < self.writer.size:
                author.append(self.writer.payloads[size:])
        return self

    def export(self, communes: Iterable[CommuneId] | None = None) -> bytes:
        path = self.folder / "out.trueque"
        with Reader(self.database) as reader:
            export_bundle(reader, path, None if communes is None else list(communes), lend=self.blobs.open)
        assert [other.name for other in self.folder.iterdir() if "out" in other.name] == [path.name]
        return path.read_bytes()

    def take_in(self, data: bytes, *, everything: bool = False, **options: Any) -> ImportReport:
        """Import; by default what this home's commune and those that it recognises have written."""
        with self.open() as (store, author, reader):
            admitted = None if everything else followed(reader, self.writer.commune)
            return import_bundle(
                store, reader, io.BytesIO(data), author=author, admitted=admitted, blobs=self.blobs, **options
            )

    @property
    def situation(self) -> Situation:
        with self.open() as (_, author, _):
            return author.situation

    def ingest(self, *runs: Run) -> House:
        with self.open() as (store, _, _):
            for run in runs:
                store.ingest(run)
        return self

    def held(self) -> dict[str, Any]:
        """All that is held, in words that no order of arrival may change; local numbers left out."""
        told: dict[str, Any] = {}
        with Reader(self.database) as reader:
            told["evidence"] = reader.evidence()
            told["communes"] = reader.communes()
            told["listings"] = sorted((row.id, row.commune, row.ended) for row in reader.listings(ended=True))
            for branch in reader.branches():
                entries = [(row.index, row.id, row.payload) for row in reader.entries(branch.number)]
                kept = (branch.start, branch.commune, branch.limit, branch.cut, entries)
                told[f"{branch.log.hex()} {branch.size} {branch.root.hex()}"] = kept
        return told


def bundle_of(*items: Item, network: str = NETWORK) -> bytes:
    """A bundle of these, in this order."""
    file = io.BytesIO()
    writer = BundleWriter(file, network)
    for item in items:
        match item:
            case Evidence():
                writer.add_evidence(item)
            case Head():
                writer.add_head(item)
            case Run():
                writer.add_run(item)
    writer.close()
    return file.getvalue()


def items_of(data: bytes) -> list[Item]:
    """What a bundle holds."""
    return list(BundleReader(io.BytesIO(data)))


def offers(writer: Writer, *titles: str) -> None:
    for title in titles:
        writer.say(Offer, title=title, category="maize")


@pytest.fixture
def montes(tmp_path: Path) -> House:
    """Los Montes, with three offers."""
    writer = found("Los Montes")
    offers(writer, "maíz", "yuca", "caraotas")
    return House(tmp_path / "montes", writer).write()


@pytest.fixture
def valle(tmp_path: Path, montes: House) -> House:
    """El Valle, which recognises Los Montes."""
    writer = found("El Valle")
    writer.say(Recognise, commune=montes.writer.commune)
    return House(tmp_path / "valle", writer).write()


@pytest.fixture
def stranger(tmp_path: Path) -> House:
    """La Lejana, which nobody recognises."""
    writer = found("La Lejana")
    offers(writer, "sal")
    return House(tmp_path / "lejana", writer).write()


# From home to home -----------------------------------------------------------------------------


def test_a_recognised_commune_comes_over_whole(montes: House, valle: House) -> None:
    report = valle.take_in(montes.export())
    assert (report.new, report.known, report.refused, report.left_out) == (4, 0, 0, 0)
    assert report.logs[montes.writer.log].commune == montes.writer.commune
    assert report.situation is Situation.READY
    with Reader(valle.database) as reader:
        assert {row.record.title for row in reader.listings()} == {"maíz", "yuca", "caraotas"}


def test_importing_twice_or_an_older_bundle_later_changes_nothing(montes: House, valle: House) -> None:
    older = montes.export()
    offers(montes.writer, "ajo")
    newer = montes.write().export()
    valle.take_in(newer)
    held = valle.held()
    for data, known in ((newer, 5), (older, 4), (newer, 5)):
        report = valle.take_in(data)
        assert (report.new, report.known, report.refused) == (0, known, 0)
        assert valle.held() == held


def test_what_was_held_already_is_extended(montes: House, valle: House) -> None:
    valle.take_in(montes.export())
    offers(montes.writer, "ajo", "sal")
    report = valle.take_in(montes.write().export())
    assert (report.new, report.known) == (2, 4)


def test_two_exports_of_the_same_are_the_same_bytes(montes: House, valle: House, tmp_path: Path) -> None:
    valle.take_in(montes.export())
    assert valle.export() == valle.export()
    copy = House(tmp_path / "copy", found("Copia")).write()
    copy.take_in(valle.export(), everything=True)
    both = [valle.writer.commune, montes.writer.commune]
    assert copy.export(both) == valle.export(both[::-1])


def test_an_export_holds_the_logs_of_the_communes_asked_for(
    montes: House, valle: House, stranger: House
) -> None:
    for house in (montes, stranger):
        valle.take_in(house.export(), everything=True)
    with Reader(valle.database) as reader:
        default = followed(reader, valle.writer.commune)
    assert default == {valle.writer.commune, montes.writer.commune}

    def logs(data: bytes) -> set[bytes]:
        return {item.log for item in items_of(data) if isinstance(item, Run)}

    every = {house.writer.log for house in (montes, valle, stranger)}
    assert logs(valle.export(default)) == every - {stranger.writer.log}
    assert logs(valle.export()) == every
    assert logs(valle.export([])) == set()
    unknown = CommuneId(bytes(32))
    assert logs(valle.export([unknown, stranger.writer.commune])) == {stranger.writer.log}


def test_the_heads_before_the_runs_say_what_the_sender_holds(montes: House, valle: House) -> None:
    valle.take_in(montes.export())
    items = items_of(valle.export())
    heads = [item for item in items if isinstance(item, Head)]
    assert heads == items[: len(heads)]
    assert set(heads) == {montes.writer.head, valle.writer.head}


def test_progress_is_shown_and_reaches_its_end(montes: House, valle: House) -> None:
    seen: list[tuple[int, int]] = []
    with Reader(montes.database) as reader:
        path = montes.folder / "out.trueque"
        export_bundle(reader, path, progress=lambda done, total: seen.append((done, total)))
    assert seen[0] == (0, 4)
    assert seen[-1] == (4, 4)
    data = path.read_bytes()
    seen.clear()
    valle.take_in(data, progress=lambda done, total: seen.append((done, total)))
    assert [total for _, total in seen] == [len(data)] * len(seen)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_an_export_that_fails_leaves_the_older_file(
    montes: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = montes.folder / "out.trueque"
    path.write_bytes(b"older")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with Reader(montes.database) as reader:
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", full)
            with pytest.raises(ExportFailed, match="No space left"):
                export_bundle(reader, path)
        for wrong in (tmp_path / "missing" / "out", path / "out", tmp_path):
            with pytest.raises(ExportFailed):
                export_bundle(reader, wrong)
    assert path.read_bytes() == b"older"
    assert [other for other in montes.folder.iterdir() if other.name.endswith(".new")] == []


def test_a_folder_that_cannot_be_synced_is_no_reason_to_fail(
    montes: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some file systems of sticks refuse it for folders; the file itself was synced before."""
    real, calls = os.fsync, []

    def only_files(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == 2:
            raise OSError(22, "Invalid argument")
        real(descriptor)

    path = montes.folder / "out.trueque"
    with Reader(montes.database) as reader, monkeypatch.context() as patch:
        patch.setattr(os, "fsync", only_files)
        assert export_bundle(reader, path).entries == 4
    assert len(calls) == 2
    assert len(items_of(path.read_bytes())) == 2


def test_a_bundle_may_come_through_a_pipe(montes: House, valle: House) -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    seen: list[tuple[int, int]] = []
    with valle.open() as (store, author, reader):
        report = import_bundle(
            store, reader, Pipe(montes.export()), author=author, progress=lambda *at: seen.append(at)
        )
    assert report.new == 4
    assert {total for _, total in seen} == {0}


# Photos ----------------------------------------------------------------------------------------

PHOTOS = [jpeg(f"photo {number}", 200_000) for number in range(4)]
"""Of a listing that stands (two, of which one is held), of one that was withdrawn, of none."""


@pytest.fixture
def pictured(montes: House) -> House:
    """Los Montes, with photos of its maize."""
    standing, lost, withdrawn, stray = map(digest_of, PHOTOS)
    montes.writer.say(Offer, title="Maíz", category="food", images=(standing, lost))
    gone = montes.writer.say(Offer, title="Yuca", category="food", images=(withdrawn,))
    montes.writer.say(Withdraw, target=gone)
    montes.write()
    for digest, photo in ((standing, PHOTOS[0]), (withdrawn, PHOTOS[2]), (stray, PHOTOS[3])):
        montes.blobs.keep(digest, photo, own=True)
    return montes


def chunks_in(data: bytes) -> list[bytes]:
    """The names of the photos in a bundle."""
    return [
        item.digest for item in BundleReader(io.BytesIO(data)) if isinstance(item, BlobChunk) and item.is_last
    ]


def test_photos_of_listings_that_stand_travel_with_them(pictured: House, valle: House) -> None:
    data = pictured.export()
    assert chunks_in(data) == [digest_of(PHOTOS[0])]
    report = valle.take_in(data)
    assert (report.blobs_new, report.blobs_known, report.blobs_left_out) == (1, 0, 0)
    assert valle.blobs.read(digest_of(PHOTOS[0])) == PHOTOS[0]
    assert valle.blobs.open_own(digest_of(PHOTOS[0])) is None
    again = valle.take_in(data)
    assert (again.blobs_new, again.blobs_known) == (0, 1)


def test_ones_own_photos_come_back_as_ones_own(pictured: House) -> None:
    data = pictured.export()
    shutil.rmtree(pictured.folder / "blobs")
    assert pictured.take_in(data).blobs_new == 1
    opened = pictured.blobs.open_own(digest_of(PHOTOS[0]))
    assert opened is not None
    opened[1].close()


def test_photos_are_left_out_of_what_others_hold_with_its_listing(pictured: House, valle: House) -> None:
    valle.take_in(pictured.export())
    theirs, path = valle.export(), pictured.folder / "less.trueque"
    with Reader(pictured.database) as reader:
        known = known_from(io.BytesIO(theirs), reader.network)
        assert export_bundle(reader, path, known=known, lend=pictured.blobs.open).blobs == 0


def test_photos_that_no_listing_names_are_counted_and_left_out(montes: House, valle: House) -> None:
    file = io.BytesIO()
    writer = BundleWriter(file, NETWORK)
    photo = jpeg("whatever", 200_000)
    writer.add_blob(digest_of(photo), len(photo), io.BytesIO(photo))
    writer.add_run(montes.writer.run())
    writer.close()
    report = valle.take_in(file.getvalue())
    assert (report.new, report.blobs_new, report.blobs_left_out) == (4, 0, 1)
    assert not valle.blobs.holds(digest_of(photo))


@pytest.mark.parametrize("why", ["no room", "no photo"])
def test_a_photo_that_cannot_be_kept_stops_nothing_and_is_told(
    pictured: House, valle: House, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if why == "no room":
        valle.quota = 1_000
    else:
        monkeypatch.setattr("node.blobs.picture_type", lambda beginning: None)
    report = valle.take_in(pictured.export())
    assert (report.blobs_new, report.blobs_left_out) == (0, 1)
    assert isinstance(report.blobs_reason, BlobRefused)
    assert len(report.logs) == 1
    assert report.new == 7
    told = report_of(msgspec.convert(plain_report(report), AnsweredReport))
    assert str(told.blobs_reason) == str(report.blobs_reason)


def test_a_photo_of_which_the_end_is_missing_is_not_kept(pictured: House, valle: House) -> None:
    data = pictured.export()
    with pytest.raises(ImportStopped):
        valle.take_in(data[:-70_000])
    assert not valle.blobs.holds(digest_of(PHOTOS[0]))
    assert valle.take_in(data).blobs_new == 1


# Whose logs are taken in -----------------------------------------------------------------------


def test_a_commune_that_is_not_recognised_is_left_out_by_its_name(valle: House, stranger: House) -> None:
    held = valle.held()
    report = valle.take_in(stranger.export())
    assert (report.new, report.left_out) == (0, 2)
    told = report.logs[stranger.writer.log]
    assert (told.name, told.commune, told.left_out) == ("La Lejana", stranger.writer.commune, 2)
    assert "trueque recognise" in str(told.reason)
    assert valle.held() == held
    assert valle.take_in(stranger.export(), everything=True).new == 2


def test_of_a_bundle_of_many_only_those_recognised_are_taken(
    montes: House, valle: House, stranger: House
) -> None:
    montes.take_in(stranger.export(), everything=True)
    report = valle.take_in(montes.export())
    assert (report.new, report.left_out) == (4, 2)


def test_what_was_taken_in_before_and_is_not_recognised_does_not_grow(valle: House, stranger: House) -> None:
    valle.take_in(stranger.export(), everything=True)
    offers(stranger.writer, "ajo")
    report = valle.take_in(stranger.write().export())
    assert (report.new, report.known, report.left_out) == (0, 0, 3)


def test_a_succession_of_a_recognised_commune_is_taken_in(montes: House, valle: House) -> None:
    second = succeed(montes.writer, "Los Montes: log 2")
    offers(second, "ajo")
    third = succeed(second, "Los Montes: log 3", second)
    montes.ingest(second.run(), third.run())
    data = montes.export()
    order = [item.log for item in items_of(data) if isinstance(item, Run)]
    assert order == [montes.writer.log, second.log, third.log]
    report = valle.take_in(data)
    assert (report.new, report.left_out) == (7, 0)
    with Reader(valle.database) as reader:
        assert reader.formed(montes.writer.commune).logs == (montes.writer.log, second.log, third.log)


def test_a_succession_under_a_later_authority_is_taken_in(montes: House, valle: House) -> None:
    councils = [key_of("consejo 1"), key_of("consejo 2"), key_of("consejo 3")]
    montes.writer.replace_authority(*councils, threshold=2)
    montes.write()
    second = succeed(montes.writer, "Los Montes: log 2")
    montes.ingest(second.run())
    assert valle.take_in(montes.export()).new == 6


def test_a_succession_that_the_commune_did_not_sign_is_left_out(montes: House, valle: House) -> None:
    """Else anybody could fill a home with logs in the name of a commune that it recognises."""
    liar = key_of("liar")
    false = succeed(montes.writer, "false log", signers=[liar])
    copied = succeed(montes.writer, "true log")
    stolen = Writer("thief", liar, montes.writer.commune, copied.authority, ())
    stolen.quote(copied.payloads[0])
    data = bundle_of(montes.writer.run(), false.run(), stolen.run())
    report = valle.take_in(data)
    assert (report.new, report.left_out) == (4, 2)
    for log in (false.log, stolen.log):
        assert "did not sign" in str(report.logs[log].reason)
        assert report.logs[log].commune == montes.writer.commune
    with Reader(valle.database) as reader:
        assert {branch.log for branch in reader.branches()} == {valle.writer.log, montes.writer.log}


def test_a_succession_of_a_commune_that_is_not_recognised_is_left_out(valle: House, stranger: House) -> None:
    second = succeed(stranger.writer, "La Lejana: log 2")
    report = valle.take_in(bundle_of(second.run()))
    assert (report.new, report.left_out) == (0, 1)
    assert report.logs[second.log].commune == stranger.writer.commune


def test_a_succession_before_its_charter_waits_for_the_next_import(montes: House, valle: House) -> None:
    second = succeed(montes.writer, "Los Montes: log 2")
    data = bundle_of(second.run(), montes.writer.run())
    report = valle.take_in(data)
    assert (report.new, report.left_out) == (4, 1)
    assert "import this again" in str(report.logs[second.log].reason)
    assert valle.take_in(data).new == 1


def test_a_log_whose_commune_cannot_be_told_is_left_out(montes: House, valle: House) -> None:
    nameless = Writer("nadie", key_of("nadie"), montes.writer.commune, montes.writer.authority, ())
    nameless.quote(b"no record")
    gone = erased(montes.writer.run(), 0)
    later = msgspec.structs.replace(montes.writer.run(2), before=(montes.writer.root_at(2),))
    for run, reason in ((nameless.run(), "does not say"), (gone, "is not there"), (later, "is not there")):
        report = valle.take_in(bundle_of(run))
        assert (report.new, report.left_out) == (0, len(run.items))
        assert reason in str(report.logs[run.log].reason)
        assert valle.take_in(bundle_of(run), everything=True).refused == 0


def test_a_charter_of_another_network_is_not_that_of_a_recognised_commune(valle: House) -> None:
    other = found("Los Montes", network="comunas")
    moved = Writer("Los Montes", other.key, other.commune, other.authority, ())
    moved.quote(other.payloads[0])
    valle.writer.say(Recognise, commune=moved.id_of(0))
    report = valle.write().take_in(bundle_of(moved.run()))
    assert (report.new, report.left_out) == (0, 1)


def test_logs_of_no_commune_are_passed_on_with_everything(
    montes: House, valle: House, tmp_path: Path
) -> None:
    nameless = Writer("nadie", key_of("nadie"), montes.writer.commune, montes.writer.authority, ())
    nameless.quote(b"no record")
    montes.ingest(nameless.run())
    report = valle.take_in(montes.export(), everything=True)
    assert report.logs[nameless.log].new == 1
    assert report.logs[nameless.log].commune is None


# What is refused -------------------------------------------------------------------------------


def test_a_refused_run_stops_no_other(montes: House, valle: House, stranger: House) -> None:
    run = stranger.writer.run()
    changed = msgspec.structs.replace(run, items=(run.items[0], b"other"))
    unsigned = msgspec.structs.replace(run, head=msgspec.structs.replace(run.head, signature=bytes(64)))
    for wrong in (changed, unsigned):
        house = House(valle.folder.with_name(f"valle {id(wrong)}"), valle.writer).write()
        report = house.take_in(bundle_of(wrong, montes.writer.run()), everything=True)
        assert (report.new, report.refused) == (4, 2)
        assert report.logs[stranger.writer.log].reason is not None
        with Reader(house.database) as reader:
            assert reader.branches(stranger.writer.log) == []


def test_entries_with_a_gap_before_them_are_refused(montes: House, valle: House) -> None:
    first, last = montes.writer.run(0, 1), montes.writer.run(2)
    report = valle.take_in(bundle_of(first, last))
    assert (report.new, report.refused) == (1, 2)
    assert valle.take_in(bundle_of(montes.writer.run(1, 2), last)).new == 3


def test_a_bundle_of_another_network_is_refused_with_a_sentence(montes: House, tmp_path: Path) -> None:
    other = House(tmp_path / "other", found("Otra", network="comunas")).write()
    held = other.held()
    with pytest.raises(OtherNetwork, match="never merged"):
        other.take_in(montes.export(), everything=True)
    assert other.held() == held


def test_a_file_that_is_none_is_refused(valle: House) -> None:
    with pytest.raises(NotABundle):
        valle.take_in(b"a photo")


# Shapes of logs --------------------------------------------------------------------------------


def forked(writer: Writer) -> tuple[Writer, Writer]:
    """Two continuations of a log, four and two entries long."""
    twin = writer.twin()
    offers(writer, "a1", "a2", "a3", "a4")
    twin.clock += 500
    offers(twin, "b1", "b2")
    return writer, twin


@pytest.fixture
def forked_house(montes: House, tmp_path: Path) -> House:
    """A third home that holds both branches of Los Montes, each entry under a head of its own."""
    one, twin = forked(montes.writer)
    house = House(tmp_path / "tercera", found("Tercera")).write()
    house.ingest(*(one.run(size, size + 1) for size in range(one.size)))
    return house.ingest(*(twin.run(size, size + 1) for size in range(4, twin.size)))


def test_a_forked_log_comes_over_with_its_evidence_first(forked_house: House, valle: House) -> None:
    data = forked_house.export()
    kinds = [type(item) for item in items_of(data)]
    assert kinds[0] is Evidence
    report = valle.take_in(data)
    assert (report.new, report.refused, report.evidence_new) == (4 + 4 + 2, 0, 1)
    (told,) = (told for told in report.logs.values() if told.new)
    assert told.forked
    branches = [key for key in valle.held() if key.startswith(told.log.hex())]
    assert len(branches) == 2
    assert {branch: valle.held()[branch] for branch in branches} == {
        branch: forked_house.held()[branch] for branch in branches
    }
    again = valle.take_in(data)
    assert (again.new, again.known, again.evidence_new, again.evidence_known) == (0, 10, 0, 1)


@pytest.mark.parametrize("seed", range(6))
def test_evidence_and_branches_in_any_order_end_in_the_same(
    forked_house: House, valle: House, seed: int
) -> None:
    """A node that holds the same entries and evidence shows the same, however they came."""
    items = items_of(forked_house.export())
    valle.take_in(bundle_of(*items))
    expected = valle.held()
    other = House(valle.folder.with_name("other valle"), valle.writer).write()
    rng = Random(seed)
    for _ in range(20):
        rng.shuffle(items)
        other.take_in(bundle_of(*items))
    assert other.held() == expected


def test_evidence_alone_is_kept_for_those_held_and_left_out_for_others(
    forked_house: House, montes: House, valle: House
) -> None:
    (evidence,) = (item for item in items_of(forked_house.export()) if isinstance(item, Evidence))
    report = valle.take_in(bundle_of(evidence))
    assert (report.evidence_new, report.evidence_left_out) == (0, 1)
    assert valle.take_in(bundle_of(evidence), everything=True).evidence_new == 1
    other = House(valle.folder.with_name("other valle"), valle.writer).write()
    other.take_in(bundle_of(montes.writer.run(0, 4)))
    assert other.take_in(bundle_of(evidence)).evidence_new == 1


def test_false_evidence_is_refused_and_stops_nothing(
    forked_house: House, montes: House, valle: House
) -> None:
    (evidence,) = (item for item in items_of(forked_house.export()) if isinstance(item, Evidence))
    false = msgspec.structs.replace(evidence, index=evidence.index - 1)
    report = valle.take_in(bundle_of(false, montes.writer.run()))
    assert (report.evidence_refused, report.evidence_new, report.new) == (1, 0, 8)
    assert report.logs[montes.writer.log].reason is not None


def test_no_more_evidence_waits_than_there_is_room_for(
    forked_house: House, valle: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("node.intake.MAX_WAITING_EVIDENCE", 2)
    (evidence,) = (item for item in items_of(forked_house.export()) if isinstance(item, Evidence))
    report = valle.take_in(bundle_of(*[evidence] * 5))
    assert report.evidence_left_out == 5


def test_erased_payloads_come_over_as_leaf_hashes(montes: House, valle: House) -> None:
    with montes.open() as (store, _, _):
        store.erase(montes.writer.log, 2, montes.writer.id_of(2), 5, "named a person")
    assert valle.take_in(montes.export()).new == 4
    with Reader(valle.database) as reader:
        (branch,) = reader.branches(montes.writer.log)
        rows = list(reader.entries(branch.number))
        assert [row.payload is None for row in rows] == [False, False, True, False]
        assert [row.id for row in rows] == montes.writer.leaves
    assert valle.export([montes.writer.commune]) == montes.export()


def test_a_log_without_its_beginning_cannot_stand_in_the_way_of_the_whole_one(
    montes: House, valle: House, tmp_path: Path
) -> None:
    late = msgspec.structs.replace(montes.writer.run(2), before=(montes.writer.root_at(2),))
    third = House(tmp_path / "tercera", found("Tercera")).write().ingest(late)
    data = third.export()
    report = valle.take_in(data, everything=True)
    told = report.logs[montes.writer.log]
    assert (told.new, told.left_out) == (0, 2)
    assert "first entry is not there" in str(told.reason)
    assert valle.take_in(montes.export(), everything=True).new == 4
    assert valle.take_in(data, everything=True).logs[montes.writer.log].known == 2


def test_a_beginning_that_waits_in_the_same_bundle_is_one(montes: House, valle: House) -> None:
    first, second = montes.writer.run(0, 2), montes.writer.run(2)
    report = valle.take_in(bundle_of(first, second), everything=True)
    assert (report.new, report.left_out) == (4, 0)


def test_a_charter_that_was_kept_back_comes_with_another_bundle(montes: House, valle: House) -> None:
    valle.take_in(bundle_of(erased(montes.writer.run(), 0)), everything=True)
    assert valle.take_in(montes.export()).new == 1
    with Reader(valle.database) as reader:
        assert reader.commune(montes.writer.commune).name == montes.writer.name


def test_a_log_of_many_heads_comes_over_in_runs_as_long_as_may_be(montes: House, valle: House) -> None:
    big = Signer("Grande")
    for start in range(0, 2_501, 3):
        big.write(*numbered("n", min(3, 2_501 - start), start))
    with montes.open() as (store, _, _):
        results = list(store.ingest_all(big.runs))
        assert sum(result.new for result in results if isinstance(result, Ingested)) == 2_501
    data = montes.export()
    runs = [item for item in items_of(data) if isinstance(item, Run) and item.log == big.state.log]
    assert [len(run.items) for run in runs] == [1023, 1023, 455]
    assert valle.take_in(data, everything=True).logs[big.state.log].new == 2_501


# One's own log ---------------------------------------------------------------------------------


def roll_back(house: House, older: Path) -> None:
    """Put an older copy of the database in place; the anchors stay."""
    for name in ("ledger.sqlite-wal", "ledger.sqlite-shm"):
        (house.folder / name).unlink(missing_ok=True)
    shutil.copy(older, house.database)


def test_lost_entries_of_ones_own_are_fetched_back(montes: House, valle: House, tmp_path: Path) -> None:
    older = Path(shutil.copy(montes.database, tmp_path / "older.sqlite"))
    offers(montes.writer, "ajo", "sal")
    valle.take_in(montes.write().export())
    roll_back(montes, older)
    assert montes.situation is Situation.BEHIND
    report = montes.take_in(valle.export())
    assert report.situation is Situation.READY
    assert (report.logs[montes.writer.log].new, report.logs[montes.writer.log].known) == (2, 4)
    offers(montes.writer, "ají")
    montes.write()
    assert valle.take_in(montes.export()).new == 1


def test_an_older_bundle_does_not_bring_back_enough(montes: House, valle: House, tmp_path: Path) -> None:
    older = Path(shutil.copy(montes.database, tmp_path / "older.sqlite"))
    offers(montes.writer, "ajo")
    valle.take_in(montes.write().export())
    offers(montes.writer, "sal")
    montes.write()
    roll_back(montes, older)
    report = montes.take_in(valle.export())
    assert report.logs[montes.writer.log].new == 1
    assert report.situation is Situation.BEHIND


def test_entries_beyond_the_anchor_show_a_second_holder_and_are_not_taken(
    montes: House, valle: House
) -> None:
    copied = montes.writer.twin()
    offers(copied, "de la copia")
    valle.ingest(copied.run())
    report = montes.take_in(valle.export())
    told = report.logs[montes.writer.log]
    assert (told.new, told.known, told.refused) == (0, 4, 1)
    assert "another copy of this home" in str(told.reason)
    assert report.situation is Situation.SHARED
    with montes.open() as (store, author, _):
        own = store.own_log(montes.writer.log)
        assert own.head is not None
        assert own.head.size == 4
        with pytest.raises(SigningStopped):
            author.append([b"x"])


def test_a_head_beyond_the_anchor_is_enough_even_if_its_entries_are_not_there(
    montes: House, valle: House
) -> None:
    copied = montes.writer.twin()
    offers(copied, "de la copia")
    assert montes.take_in(bundle_of(copied.head)).situation is Situation.SHARED
    false = msgspec.structs.replace(valle.writer.head, size=9)
    report = valle.take_in(bundle_of(false))
    assert report.situation is Situation.READY
    assert report.logs[valle.writer.log].reason is not None


def test_a_fork_of_ones_own_log_is_taken_as_evidence(montes: House, valle: House) -> None:
    copied = montes.writer.twin()
    offers(copied, "de la copia", "y otra")
    offers(montes.writer, "mio")
    montes.write()
    valle.ingest(copied.run())
    report = montes.take_in(valle.export())
    assert report.situation is Situation.FORKED
    assert report.logs[montes.writer.log].forked
    assert report.logs[montes.writer.log].new == 2
    with Reader(montes.database) as reader:
        assert [evidence.cut for evidence in reader.evidence()] == [4]


def test_evidence_against_ones_own_log_stops_the_signing(forked_house: House, montes: House) -> None:
    (evidence,) = (item for item in items_of(forked_house.export()) if isinstance(item, Evidence))
    report = montes.take_in(bundle_of(evidence))
    assert report.situation is Situation.FORKED
    assert report.evidence_new == 1


def test_a_succession_of_ones_own_log_stops_the_signing(montes: House) -> None:
    second = succeed(montes.writer, "Los Montes: log 2")
    report = montes.take_in(bundle_of(second.run()))
    assert report.new == 1
    assert report.situation is Situation.SEALED


def test_a_false_run_of_ones_own_log_changes_nothing(montes: House) -> None:
    held = montes.held()
    run = montes.writer.run()
    wrong = msgspec.structs.replace(run, head=msgspec.structs.replace(run.head, signature=bytes(64)))
    report = montes.take_in(bundle_of(wrong))
    assert report.logs[run.log].refused == 4
    assert report.situation is Situation.READY
    assert montes.held() == held


# What is not whole -----------------------------------------------------------------------------


def frames_of(data: bytes) -> list[int]:
    """Where the frames of a bundle begin, and where it ends."""
    at, starts = 12 + 2 + len(NETWORK), []
    while at < len(data):
        starts.append(at)
        at += HEADER.size + HEADER.unpack_from(data, at)[2]
    return [*starts, len(data)]


def longer(montes: House) -> bytes:
    """A bundle of Los Montes in a message for each of three runs."""
    parts = [items_of(bundle_of(montes.writer.run(start, end))) for start, end in ((0, 1), (1, 3), (3, 4))]
    data = bundle_of(montes.writer.head)
    beginning, heads = data[: frames_of(data)[0]], data[frames_of(data)[0] : frames_of(data)[1]]
    runs = []
    for (part,) in parts:
        one = bundle_of(part)
        runs.append(one[frames_of(one)[0] : frames_of(one)[1]])
    return beginning + heads + b"".join(runs)


def test_a_bundle_cut_short_gives_what_came_whole_and_says_how_much(montes: House, valle: House) -> None:
    data = longer(montes)
    sizes = [*frames_of(data)]
    expected = [0, 0, 1, 3, 4]
    for number, (size, new) in enumerate(zip(sizes, expected, strict=True)):
        house = House(valle.folder.with_name(f"valle {number}"), valle.writer).write()
        with pytest.raises(ImportStopped) as stopped:
            house.take_in(data[:size])
        assert stopped.value.report.new == new
        assert isinstance(stopped.value.__cause__, CutShort)
        assert f"are stored: {new};" in str(stopped.value)
        assert stopped.value.report.situation is Situation.READY
        report = house.take_in(montes.export())
        assert report.new == 4 - new


def test_a_bundle_cut_anywhere_or_with_a_changed_byte_is_harmless(montes: House, valle: House) -> None:
    """Whatever is stored is what the whole bundle holds; then the whole one adds the rest."""
    data = longer(montes)
    data += items_end(data)
    whole = House(valle.folder.with_name("whole"), valle.writer).write()
    assert whole.take_in(data).new == 4
    rng = Random(3)
    wrongs = [data[: rng.randrange(14, len(data))] for _ in range(8)]
    for _ in range(24):
        changed = bytearray(data)
        changed[rng.randrange(14, len(data))] ^= 1 << rng.randrange(8)
        wrongs.append(bytes(changed))
    for wrong in wrongs:
        with pytest.raises((ImportStopped, OtherNetwork, DamagedBundle)):
            valle.take_in(wrong)
        held = valle.held()
        for key, value in held.items():
            if key not in ("evidence", "communes", "listings") and value[4]:
                mine = [entry for entry in whole.held().values() if isinstance(entry, tuple)]
                assert any(value[4] == other[4][: len(value[4])] for other in mine)
    valle.take_in(data)
    assert valle.held() == whole.held()


def items_end(data: bytes) -> bytes:
    """The end that belongs after a beginning and messages."""
    body = msgspec.msgpack.encode(Totals(0, 1, 3, 4, 0, sha256(data).digest()))
    return b"".join(to_frames(Kind.END, body, compress=False))


def test_two_bundles_spliced_bring_in_what_each_holds_and_are_refused_at_the_end(
    montes: House, valle: House, stranger: House
) -> None:
    one, two = montes.export(), stranger.export()
    spliced = one[: frames_of(one)[-2]] + two[frames_of(two)[0] :]
    with pytest.raises(ImportStopped) as stopped:
        valle.take_in(spliced, everything=True)
    assert isinstance(stopped.value.__cause__, DamagedBundle)
    assert stopped.value.report.new == 6


def test_a_store_that_fails_ends_the_import_and_the_author_knows_how_it_stands(
    montes: House, valle: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied = montes.writer.twin()
    offers(copied, "de la copia")
    offers(montes.writer, "mio")
    montes.write()

    def full(_: object) -> None:
        raise StoreError("The disk is full.")

    with montes.open() as (store, author, reader):
        monkeypatch.setattr(store, "ingest_all", full)
        data = io.BytesIO(bundle_of(copied.run(), valle.writer.run()))
        with pytest.raises(StoreError, match="full"):
            import_bundle(store, reader, data, author=author)
        assert author.situation is Situation.FORKED


def test_what_ended_an_import_is_told_and_not_that_the_store_has_failed(
    montes: House, valle: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store whose disk is full answers nothing more, its author's questions neither."""
    full = StoreError("The disk is full.")

    def stop(*_: object) -> None:
        raise full

    def fail_again() -> Situation:
        raise StoreError("Writing failed before.")

    with montes.open() as (store, author, reader), monkeypatch.context() as patch:
        patch.setattr(store, "ingest_all", stop)
        patch.setattr(author, "review", fail_again)
        with pytest.raises(StoreError) as raised:
            import_bundle(store, reader, io.BytesIO(valle.export()), author=author)
    assert raised.value is full


# Size ------------------------------------------------------------------------------------------


def test_a_large_bundle_is_taken_in_in_little_memory(valle: House, tmp_path: Path) -> None:
    """Thirty megabytes of entries must not be held at once, nor the report of many logs grow."""
    big = found("Grande")
    for number in range(3_900):
        big.quote(number.to_bytes(4, "big") * 2_000)
    house = House(tmp_path / "grande", big)
    house.folder.mkdir()
    path = tmp_path / "grande.trueque"
    with path.open("wb") as file:
        writer = BundleWriter(file, NETWORK, compress=False)
        for start in range(0, big.size, 100):
            writer.add_run(big.run(start, min(start + 100, big.size)))
        writer.close()
    assert path.stat().st_size > 30_000_000
    tracemalloc.start()
    try:
        with valle.open() as (store, author, reader), path.open("rb") as file:
            before = tracemalloc.get_traced_memory()[0]
            tracemalloc.reset_peak()
            assert import_bundle(store, reader, file, author=author).new == big.size
            assert tracemalloc.get_traced_memory()[1] - before < 20_000_000
            tracemalloc.reset_peak()
            before = tracemalloc.get_traced_memory()[0]
            export_bundle(reader, tmp_path / "again.trueque")
            assert tracemalloc.get_traced_memory()[1] - before < 20_000_000
    finally:
        tracemalloc.stop()


def test_the_report_tells_a_bounded_number_of_logs_apart(
    valle: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("node.intake.MAX_REPORTED_LOGS", 3)
    strangers = [found(f"Lejana {number}") for number in range(8)]
    report = valle.take_in(bundle_of(*(writer.run() for writer in strangers)))
    assert report.left_out == 8
    assert len(report.logs) == 3
    assert limits.MAX_REPORTED_LOGS > 3


# What others hold -------------------------------------------------------------------------------


def since(house: House, theirs: bytes) -> bytes:
    """What a house writes for those who have written a bundle."""
    path = house.folder / "rest.trueque"
    with Reader(house.database) as reader:
        export_bundle(reader, path, known=known_from(io.BytesIO(theirs), reader.network))
    return path.read_bytes()


def test_what_the_others_hold_is_left_out(montes: House, valle: House) -> None:
    valle.take_in(montes.export(), everything=True)
    theirs = valle.export()
    montes.writer.quote(b"something new")
    montes.write()
    whole, rest = montes.export(), since(montes, theirs)
    assert len(rest) < len(whole)
    report = valle.take_in(rest, everything=True)
    assert (report.new, report.known, report.refused) == (1, 0, 0)
    assert since(montes, montes.export()) == since(montes, valle.export())


def test_of_a_fork_they_are_given_the_branch_that_they_do_not_hold(montes: House, valle: House) -> None:
    """And the whole of a log of which they hold a history that is not held here."""
    twin = montes.writer.twin()
    twin.quote(b"another")
    montes.writer.quote(b"one thing")
    montes.write()
    other = House(montes.folder.with_name("other"), twin).write()
    valle.take_in(other.export(), everything=True)
    report = valle.take_in(since(montes, valle.export()), everything=True)
    assert report.refused == 0
    with valle.open() as (_, _, reader):
        assert len(reader.evidence()) == 1
        assert len(reader.branches(montes.writer.log)) == 2
    assert [*frames_of(since(valle, valle.export()))] == [*frames_of(since(valle, valle.export()))]


def test_a_bundle_that_cannot_be_read_leaves_nothing_written(montes: House) -> None:
    with pytest.raises(BundleError):
        since(montes, montes.export()[:-3])
    assert not (montes.folder / "rest.trueque").exists()
