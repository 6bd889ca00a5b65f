"""The author: signs only where nobody else can have, and takes back only what it signed itself."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from ledger.anchor import Anchors, read_anchor
from ledger.author import SENTENCES, Author, Situation, TakenBack
from ledger.errors import BadHead, BadRun, RunRefused, SigningStopped, StoreError, Unconnected
from ledger.log import Head, Run
from ledger.store.reading import Reader
from ledger.store.writing import Store
from tests.support.communes import NETWORK, Writer, found, succeed
from tests.support.networks import proof_of_fork


@dataclass
class Machine:
    """One installation: a folder with database and anchor, and a second anchor outside it."""

    folder: Path

    @property
    def anchors(self) -> Anchors:
        return Anchors((self.folder / "home" / "anchor", self.folder / "state" / "anchor"))

    @contextmanager
    def open(self, writer: Writer) -> Iterator[tuple[Store, Author]]:
        (self.folder / "home").mkdir(parents=True, exist_ok=True)
        with Store(self.folder / "home" / "ledger.sqlite", NETWORK) as store:
            yield store, Author(store, writer.key, self.anchors)

    def append(self, writer: Writer, *payloads: bytes) -> None:
        """Sign these on this machine, one head each; the writer keeps what they would be elsewhere."""
        with self.open(writer) as (_, author):
            for payload in payloads:
                author.append([payload])

    def copy(self, name: str) -> Machine:
        """The whole disk, copied."""
        shutil.copytree(self.folder, self.folder.parent / name)
        return Machine(self.folder.parent / name)

    def lose_home(self, older: Machine) -> None:
        """Put an older copy of the database in place of this one's, and of the home's anchor too."""
        shutil.copytree(older.folder / "home", self.folder / "home", dirs_exist_ok=True)
        for name in ("ledger.sqlite-wal", "ledger.sqlite-shm"):
            (self.folder / "home" / name).unlink(missing_ok=True)


def now(author: Author) -> Situation:
    """Where an author stands."""
    return author.situation


def runs(machine: Machine, writer: Writer) -> list[Run]:
    """What this machine would send of the writer's log: one run for each head."""
    with machine.open(writer):
        pass
    found_: list[Run] = []
    with Reader(machine.folder / "home" / "ledger.sqlite") as reader:
        for branch in reader.branches(writer.log):
            start = branch.first
            for head in reader.heads(branch.number, branch.first):
                items = tuple(row.payload or b"" for row in reader.entries(branch.number, start, head.size))
                found_.append(Run(head, start, items))
                start = head.size
    return found_


def whole(machine: Machine, writer: Writer) -> Run:
    """The log of a machine as one run under its newest head."""
    parts = runs(machine, writer)
    return Run(parts[-1].head, 0, tuple(item for run in parts for item in run.items))


@pytest.fixture
def montes() -> Writer:
    return found("Los Montes")


@pytest.fixture
def machine(tmp_path: Path, montes: Writer) -> Machine:
    """A machine that has signed the charter and two entries."""
    made = Machine(tmp_path / "one")
    made.append(montes, montes.payloads[0], b"uno", b"dos")
    return made


def test_lost_entries_come_back_up_to_the_anchor_and_then_it_signs_again(
    machine: Machine, montes: Writer
) -> None:
    older = machine.copy("older")
    machine.append(montes, b"tres", b"cuatro")
    sent = runs(machine, montes)
    machine.lose_home(older)
    with machine.open(montes) as (_, author):
        assert now(author) is Situation.BEHIND
        with pytest.raises(SigningStopped, match="import a bundle"):
            author.append([b"cinco"])
        results = [author.take_back(run) for run in sent]
        assert results == [TakenBack(0, 0)] * 3 + [TakenBack(1, 0)] * 2
        assert now(author) is Situation.READY
        assert author.head == sent[-1].head
        author.append([b"cinco"])
        assert [author.take_back(run) for run in sent] == [TakenBack(0, 0)] * 5


def test_a_run_that_fetches_back_too_little_leaves_it_behind(machine: Machine, montes: Writer) -> None:
    older = machine.copy("older")
    machine.append(montes, b"tres", b"cuatro")
    sent = runs(machine, montes)
    machine.lose_home(older)
    with machine.open(montes) as (_, author):
        assert author.take_back(sent[3]) == TakenBack(1, 0)
        assert now(author) is Situation.BEHIND
        with pytest.raises(RunRefused):
            author.take_back(Run(sent[4].head, 4, (b"falso",)))
        assert now(author) is Situation.BEHIND


def test_entries_beyond_the_anchor_are_not_taken_and_stop_the_signing_for_good(
    machine: Machine, montes: Writer
) -> None:
    """A copied disk went on writing: what it wrote is nobody's to continue here."""
    copied = machine.copy("copied")
    copied.append(montes, b"de la copia")
    sent = runs(copied, montes)
    with machine.open(montes) as (store, author):
        head = author.head
        assert author.take_back(sent[-1]) == TakenBack(0, 1)
        assert now(author) is Situation.SHARED
        assert store.own_log(montes.log).head == head
        with pytest.raises(SigningStopped, match="another copy of this home"):
            author.append([b"mio"])
    with machine.open(montes) as (_, author):
        assert now(author) is Situation.SHARED, "a restart must not forget it"


def test_a_head_beyond_the_anchor_is_enough(machine: Machine, montes: Writer) -> None:
    copied = machine.copy("copied")
    copied.append(montes, b"de la copia")
    known, strange = (run.head for run in runs(copied, montes)[-2:])
    with machine.open(montes) as (_, author):
        assert not author.see(known)
        assert now(author) is Situation.READY
        assert author.see(strange)
        assert now(author) is Situation.SHARED


def test_a_run_across_the_anchor_is_taken_up_to_it(machine: Machine, montes: Writer) -> None:
    """So that the seal of the next log can cover all that was signed here."""
    older = machine.copy("older")
    machine.append(montes, b"tres", b"cuatro")
    copied = machine.copy("copied")
    copied.append(montes, b"de la copia", b"y otra")
    sent = whole(copied, montes)
    machine.lose_home(older)
    with machine.open(montes) as (store, author):
        anchor = machine.anchors.latest(montes.log, NETWORK)
        assert author.take_back(sent) == TakenBack(2, 2)
        assert now(author) is Situation.SHARED
        assert store.own_log(montes.log).head == anchor
        assert author.take_back(sent) == TakenBack(0, 2)


def test_with_nothing_held_the_log_comes_back_from_its_beginning(
    machine: Machine, montes: Writer, tmp_path: Path
) -> None:
    sent = runs(machine, montes)
    for path in (machine.folder / "home").glob("ledger.sqlite*"):
        path.unlink()
    with machine.open(montes) as (_, author):
        assert now(author) is Situation.BEHIND
        with pytest.raises(RunRefused):
            author.take_back(msgspec.structs.replace(sent[1], before=(montes.leaves[0],)))
        assert [author.take_back(run).new for run in sent] == [1, 1, 1]
        assert now(author) is Situation.READY
    empty = Machine(tmp_path / "empty")
    with empty.open(montes) as (store, author):
        assert author.take_back(sent[0]) == TakenBack(0, 1), "it has signed nothing, and somebody has"
        assert now(author) is Situation.SHARED
        assert store.own_log(montes.log).head is None


def test_a_fork_of_ones_own_log_is_stored_as_evidence(machine: Machine, montes: Writer) -> None:
    copied = machine.copy("copied")
    copied.append(montes, b"de la copia", b"y otra")
    machine.append(montes, b"mio")
    sent = runs(copied, montes)
    with machine.open(montes) as (store, author):
        head = author.head
        results = [author.take_back(run) for run in sent]
        assert results[:3] + results[4:] == [TakenBack(0, 0)] * 3 + [TakenBack(1, 0)]
        assert (results[3].new, results[3].strange) == (1, 0)
        assert now(author) is Situation.FORKED
        assert store.own_log(montes.log).head == head
    with Reader(machine.folder / "home" / "ledger.sqlite") as reader:
        (evidence,) = reader.evidence()
        assert evidence.cut == 3
        assert results[3].evidence == evidence, "whoever brought it to light has to tell others"
        assert [branch.size for branch in reader.branches(montes.log)] == [4, 5]


def test_a_fork_that_goes_beyond_the_anchor_at_once_is_evidence_too(machine: Machine, montes: Writer) -> None:
    copied = machine.copy("copied")
    copied.append(montes, b"de la copia", b"y otra")
    machine.append(montes, b"mio")
    with machine.open(montes) as (_, author):
        taken = author.take_back(whole(copied, montes))
        assert (taken.new, taken.strange) == (2, 0)
        assert taken.evidence is not None
        assert now(author) is Situation.FORKED


def test_a_head_beside_what_is_held_stops_the_signing(machine: Machine, montes: Writer) -> None:
    """The run that would prove the fork may be out of reach; two heads of one size say enough here."""
    copied = machine.copy("copied")
    copied.append(montes, b"de la copia")
    machine.append(montes, b"mio", b"tambien")
    strange = runs(copied, montes)[-1]
    with machine.open(montes) as (_, author):
        with pytest.raises(RunRefused):
            author.take_back(Run(strange.head, 3, (b"falso",)))
        assert now(author) is Situation.SHARED


def test_entries_of_another_copy_below_the_anchor_never_lead_to_signing(
    machine: Machine, montes: Writer
) -> None:
    """Behind the anchor it cannot be told which branch is ours; it shows when the anchor is reached."""
    older = machine.copy("older")
    copied = machine.copy("copied")
    copied.append(montes, b"de la copia")
    machine.append(montes, b"tres", b"cuatro")
    ours, theirs = runs(machine, montes), runs(copied, montes)
    machine.lose_home(older)
    with machine.open(montes) as (_, author):
        author.take_back(theirs[-1])
        assert now(author) is Situation.BEHIND
        for run in ours[3:]:
            try:
                author.take_back(run)
            except RunRefused:
                pass
            with pytest.raises(SigningStopped):
                author.append([b"no"])
        assert now(author) is Situation.FORKED


def test_a_head_that_nobody_signed_changes_nothing(machine: Machine, montes: Writer) -> None:
    with machine.open(montes) as (_, author):
        false = msgspec.structs.replace(montes.head_at(1), size=9)
        with pytest.raises(BadHead):
            author.see(false)
        with pytest.raises(BadHead):
            author.take_back(Run(false, 8, (b"x",)))
        assert now(author) is Situation.READY


def test_an_anchor_that_was_missing_explains_what_seemed_strange(machine: Machine, montes: Writer) -> None:
    """The state directory may be on a disk that was not there when the bundle came."""
    older = machine.copy("older")
    machine.append(montes, b"tres", b"cuatro")
    sent = runs(machine, montes)
    machine.lose_home(older)
    outside = machine.folder / "state" / "anchor"
    hidden = outside.rename(machine.folder / "hidden")
    with machine.open(montes) as (_, author):
        assert now(author) is Situation.READY
        assert author.see(sent[-1].head)
        assert now(author) is Situation.SHARED
    hidden.rename(outside)
    with machine.open(montes) as (_, author):
        assert now(author) is Situation.BEHIND
        for run in sent:
            author.take_back(run)
        assert now(author) is Situation.READY
        assert author.head == sent[-1].head


def test_what_was_stored_before_a_crash_is_anchored_before_it_can_leave(
    machine: Machine, montes: Writer
) -> None:
    before = {path: path.read_text() for path in machine.anchors.paths}
    machine.append(montes, b"tres")
    for path, text in before.items():
        path.write_text(text)
    with machine.open(montes) as (_, author):
        assert now(author) is Situation.READY
        assert machine.anchors.latest(montes.log, NETWORK) == author.head
        author.append([b"cuatro"])


def test_a_damaged_note_of_a_strange_head_is_a_declared_error(machine: Machine, montes: Writer) -> None:
    copied = machine.copy("copied")
    copied.append(montes, b"de la copia")
    with machine.open(montes) as (_, author):
        assert author.see(runs(copied, montes)[-1].head)
    connection = sqlite3.connect(machine.folder / "home" / "ledger.sqlite")
    connection.execute("UPDATE setting SET value = 'x' WHERE name LIKE 'shown %'")
    connection.commit()
    connection.close()
    with pytest.raises(StoreError, match="damaged"), machine.open(montes):
        pass


# Where an author stands ---------------------------------------------------------------------------


def beside(machine: Machine, montes: Writer) -> None:
    """The anchors hold a head of as many entries, and other ones, than the database."""
    older = machine.copy("older")
    machine.append(montes, b"tres")
    other = older.copy("other")
    other.append(montes, b"otro tres")
    machine.lose_home(other)


def beside_and_beyond(machine: Machine, montes: Writer) -> None:
    """The same, and the copy that was put in place of the home had gone further."""
    older = machine.copy("older")
    machine.append(montes, b"tres")
    other = older.copy("other")
    other.append(montes, b"otro tres", b"otro cuatro")
    machine.lose_home(other)


def behind(machine: Machine, montes: Writer) -> None:
    """The database and the anchor in the home are older than the anchor outside."""
    older = machine.copy("older")
    machine.append(montes, b"tres")
    machine.lose_home(older)


def shared(machine: Machine, montes: Writer) -> None:
    """A copy of the disk has signed further, and its head came here."""
    copied = machine.copy("copied")
    copied.append(montes, b"de la copia")
    with machine.open(montes) as (_, author):
        assert author.see(runs(copied, montes)[-1].head)


def forked(machine: Machine, montes: Writer) -> None:
    """All that is known of a copy of the disk is the evidence that it signed something else."""
    ours, theirs = montes.twin(1), montes.twin(1)
    for payload in (b"uno", b"dos"):
        ours.quote(payload)
    theirs.quote(b"otro uno")
    evidence = proof_of_fork(ours, theirs)
    assert evidence is not None
    with machine.open(montes) as (store, _):
        assert store.add_evidence(evidence)


def sealed(machine: Machine, montes: Writer) -> None:
    """The commune has opened its next log, and that came here."""
    ours = montes.twin(1)
    for payload in (b"uno", b"dos"):
        ours.quote(payload)
    with machine.open(montes) as (store, _):
        store.ingest(succeed(ours, "the next computer").run())


def forked_and_sealed(machine: Machine, montes: Writer) -> None:
    """The copy came to light, and the commune has opened its next log."""
    forked(machine, montes)
    sealed(machine, montes)


@pytest.mark.parametrize(
    ("happen", "situation", "what_to_do"),
    [
        (beside, Situation.BESIDE, "with `trueque restore`, in a new log"),
        (beside_and_beyond, Situation.BESIDE, "with `trueque restore`, in a new log"),
        (behind, Situation.BEHIND, "import a bundle from one"),
        (shared, Situation.SHARED, "with `trueque restore`, in a new log"),
        (forked, Situation.FORKED, "with `trueque restore`, in a new log"),
        (sealed, Situation.SEALED, "use that one"),
        (forked_and_sealed, Situation.SEALED, "use that one"),
    ],
)
def test_it_signs_nothing_where_somebody_else_may_have_and_says_what_to_do(
    machine: Machine,
    montes: Writer,
    happen: Callable[[Machine, Writer], None],
    situation: Situation,
    what_to_do: str,
) -> None:
    happen(machine, montes)
    with machine.open(montes) as (store, author):
        held = store.own_log(author.log)
        assert now(author) is situation
        with pytest.raises(SigningStopped, match=what_to_do):
            author.check()
        with pytest.raises(SigningStopped, match=what_to_do):
            author.append([b"tres"])
        assert author.review() is situation
        assert store.own_log(author.log) == held


def test_every_situation_has_a_sentence() -> None:
    assert SENTENCES.keys() == set(Situation)
    assert all(sentence.endswith(".") for sentence in SENTENCES.values())


def test_it_signs_where_nothing_speaks_against_it(machine: Machine, montes: Writer) -> None:
    with machine.open(montes) as (_, author):
        assert now(author) is Situation.READY
        author.check()
        run = author.append([b"tres", b"cuatro"])
        assert author.head == run.head
        assert run.head.size == 5
        for path in machine.anchors.paths:
            assert read_anchor(path, montes.log, NETWORK) == run.head


def test_what_comes_in_while_it_is_open_is_noticed_at_the_next_review(
    machine: Machine, montes: Writer
) -> None:
    ours = montes.twin(1)
    for payload in (b"uno", b"dos"):
        ours.quote(payload)
    with machine.open(montes) as (store, author):
        store.ingest(succeed(ours, "the next computer").run())
        assert now(author) is Situation.READY
        assert author.review() is Situation.SEALED
        with pytest.raises(SigningStopped, match="another log"):
            author.append([b"tres"])


@pytest.mark.parametrize("which", [0, 1])
def test_one_anchor_lost_or_damaged_does_not_hinder(machine: Machine, montes: Writer, which: int) -> None:
    path = machine.anchors.paths[which]
    for damage in (path.unlink, lambda: path.write_bytes(b"junk")):
        damage()
        with machine.open(montes) as (_, author):
            assert now(author) is Situation.READY
            head = author.append([b"tres"]).head
        assert read_anchor(path, montes.log, NETWORK) == head


@pytest.mark.parametrize("which", [0, 1])
def test_a_rolled_back_database_shows_by_either_anchor(machine: Machine, montes: Writer, which: int) -> None:
    older = machine.copy("older")
    machine.append(montes, b"tres")
    kept = machine.anchors.paths[which].read_bytes()
    machine.lose_home(older)
    for path in machine.anchors.paths:
        path.unlink(missing_ok=True)
    machine.anchors.paths[which].write_bytes(kept)
    with machine.open(montes) as (_, author):
        assert now(author) is Situation.BEHIND


def test_with_both_anchors_lost_the_database_is_all_there_is(machine: Machine, montes: Writer) -> None:
    for path in machine.anchors.paths:
        path.unlink()
    with machine.open(montes) as (_, author):
        assert now(author) is Situation.READY
        assert machine.anchors.latest(montes.log, NETWORK) == author.head


def test_with_both_anchors_damaged_it_does_not_open(machine: Machine, montes: Writer) -> None:
    for path in machine.anchors.paths:
        path.write_bytes(b"junk")
    with pytest.raises(StoreError, match="is damaged"), machine.open(montes):
        pass


def test_an_anchor_that_fails_after_the_commit_stops_it_until_it_is_opened_anew(
    machine: Machine, montes: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The entry is stored and was not acknowledged: it is anchored when it is found again."""
    with machine.open(montes) as (store, author):
        before = author.head

        def fail(anchors: Anchors, head: Head, network: str) -> None:
            raise StoreError("The disk is gone.")

        with monkeypatch.context() as patch:
            patch.setattr(Anchors, "record", fail)
            with pytest.raises(StoreError, match="gone"):
                author.append([b"tres"])
        assert now(author) is Situation.STOPPED
        assert author.review() is Situation.STOPPED
        assert author.head == before
        with pytest.raises(SigningStopped, match="started again"):
            author.append([b"cuatro"])
        stored = store.own_log(author.log).head
        assert stored is not None
        assert stored.size == 4
    with machine.open(montes) as (_, author):
        assert now(author) is Situation.READY
        assert author.head == stored == machine.anchors.latest(montes.log, NETWORK)
        assert author.append([b"cuatro"]).head.size == 5


@pytest.mark.parametrize("error", [StoreError("The disk is full."), KeyboardInterrupt()])
def test_whatever_goes_wrong_while_it_signs_stops_it(
    machine: Machine, montes: Writer, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    with machine.open(montes) as (_, author):

        def fail(*_: object) -> None:
            raise error

        with monkeypatch.context() as patch:
            patch.setattr(Store, "append", fail)
            with pytest.raises(type(error)):
                author.append([b"tres"])
        assert now(author) is Situation.STOPPED
        with pytest.raises(SigningStopped, match="started again"):
            author.append([b"tres"])


def test_another_program_that_signs_with_the_same_key_stops_it(machine: Machine, montes: Writer) -> None:
    with machine.open(montes) as (_, author), machine.open(montes) as (_, other):
        other.append([b"tres"])
        with pytest.raises(StoreError, match="nothing was signed"):
            author.append([b"otro tres"])
        assert now(author) is Situation.STOPPED
        assert other.append([b"cuatro"]).head.size == 5


@pytest.mark.parametrize("payloads", [[], [b""], [bytes(8_193)]])
def test_entries_beyond_a_limit_are_refused_and_it_goes_on(
    machine: Machine, montes: Writer, payloads: list[bytes]
) -> None:
    with machine.open(montes) as (_, author):
        with pytest.raises(BadRun):
            author.append(payloads)
        assert now(author) is Situation.READY
        assert author.append([b"tres"]).head.size == 4


def test_a_log_is_opened_by_a_charter_or_a_succession_and_by_nothing_else(
    tmp_path: Path, montes: Writer
) -> None:
    fresh = Machine(tmp_path / "fresh")
    with fresh.open(montes) as (_, author):
        assert author.head is None
        for payload in (b"uno", b"\x81\xa4kind\xa5minga"):
            with pytest.raises(SigningStopped, match="not opened yet"):
                author.append([payload])
        assert author.append([montes.payloads[0], b"uno"]).head.size == 2


def test_a_run_of_ones_own_log_is_not_taken_from_its_middle(tmp_path: Path, montes: Writer) -> None:
    """A log of one's own without its beginning would belong to no commune."""
    montes.quote(b"uno")
    montes.quote(b"dos")
    fresh = Machine(tmp_path / "fresh")
    for path in fresh.anchors.paths:
        path.parent.mkdir(parents=True)
    fresh.anchors.record(montes.head, NETWORK)
    with fresh.open(montes) as (store, author):
        assert now(author) is Situation.BEHIND
        with pytest.raises(Unconnected, match="from its beginning"):
            author.take_back(montes.run(1))
        assert store.own_log(author.log).head is None
        assert author.take_back(montes.run()) == TakenBack(3, 0)
        assert now(author) is Situation.READY
