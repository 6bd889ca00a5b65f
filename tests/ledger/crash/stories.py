"""What a commune does while its process is killed, its disk fails or the power goes.

A story has a beginning, which goes well, and a part that is disturbed: steps
that append, ingest, witness a fork, erase, rebuild or open anew. All keys and
times are fixed, so that a story can be told again from any point where it was
broken off: every step may be repeated, and its end is always the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ledger import merkle
from ledger.anchor import Anchors
from ledger.author import Author
from ledger.errors import NotFound
from ledger.evidence import Evidence, build_evidence, prove_entry
from ledger.log import Head, Run
from ledger.records import Accept, Deliver, Need, Offer, Receive
from ledger.store.writing import Ingested, Store
from ledger.vocabulary import categories

from ...support.communes import NETWORK, Writer, found, kg


@dataclass(frozen=True, slots=True)
class Append:
    """Sign own entries from index `start` on; what is there already is not signed again."""

    start: int
    payloads: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Ingest:
    """Store a run of another commune's log."""

    run: Run


@dataclass(frozen=True, slots=True)
class IngestAll:
    """Store many runs at once."""

    runs: tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class TakeBack:
    """Take own entries that were lost back from others."""

    run: Run


@dataclass(frozen=True, slots=True)
class Witness:
    """Keep evidence that came without the entries."""

    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Erase:
    """Erase a payload."""

    log: bytes
    index: int
    entry: bytes


@dataclass(frozen=True, slots=True)
class Rebuild:
    """Make all views again."""


@dataclass(frozen=True, slots=True)
class Reopen:
    """Close everything and open it again, as a node that is restarted."""


Step = Append | Ingest | IngestAll | TakeBack | Witness | Erase | Rebuild | Reopen


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """That a step returned: its number, and the head that left the process with it."""

    step: int
    size: int = 0
    root: str = ""


@dataclass(frozen=True, slots=True)
class Story:
    """A beginning that goes well, and the steps that are disturbed.

    With `checkpoint`, the log of the database is folded into it whenever it
    has that many pages, so that this happens within the story. With `lost`,
    the anchors know of a head of that size, and the database does not: the
    story begins with a disk whose file is older than what was signed.
    """

    writer: Writer
    before: tuple[Step, ...] = ()
    during: tuple[Step, ...] = ()
    checkpoint: int | None = None
    lost: int | None = None


@dataclass(slots=True)
class Home:
    """A home on disk below one folder, with its two anchors; opened for one writer."""

    folder: Path
    writer: Writer
    checkpoint: int | None = None
    store: Store = field(init=False)
    author: Author = field(init=False)

    @property
    def ledger(self) -> Path:
        """The database."""
        return self.folder / "home" / "ledger.sqlite3"

    @property
    def anchors(self) -> Anchors:
        """The anchor in the home and the one outside it."""
        return Anchors([self.folder / "home" / "anchor", self.folder / "state" / "trueque" / "anchor"])

    def open(self) -> None:
        """Open the store and its author. Raises StoreError."""
        self.store = Store(self.ledger, NETWORK)
        self._note_checkpoint()
        self.author = Author(self.store, self.writer.key, self.anchors)

    def _note_checkpoint(self) -> None:
        if self.checkpoint is not None:
            connection = self.store._connection
            pragma = f"PRAGMA wal_autocheckpoint = {self.checkpoint}"
            self.store._submit(lambda: connection.execute(pragma).fetchall())

    def recover(self) -> None:
        """Open anew what failed, without starting the process again. Raises StoreError."""
        self.store.recover()
        self._note_checkpoint()
        self.author.recover()

    def take(self, step: Step) -> Head | None:
        """Take a step, or see that it has been taken; the head that leaves the process, if one does."""
        match step:
            case Append(start, payloads):
                if self.author.head is None or self.author.head.size <= start:
                    return self.author.append(payloads).head
            case Ingest(run):
                self.store.ingest(run)
            case IngestAll(runs):
                for taken in self.store.ingest_all(runs):
                    assert isinstance(taken, Ingested)
            case TakeBack(run):
                self.author.take_back(run)
            case Witness(evidence):
                self.store.add_evidence(evidence)
            case Erase(log, index, entry):
                try:
                    self.store.erase(log, index, entry, 1_700_000_000_000, "it names a person")
                except NotFound:
                    pass  # it was erased before the disturbance
            case Rebuild():
                self.store.rebuild()
            case Reopen():
                self.store.close()
                self.open()
        return None


@contextmanager
def opened(folder: Path, story: Story) -> Iterator[Home]:
    """The home below a folder, open."""
    home = Home(folder, story.writer, story.checkpoint)
    home.open()
    try:
        yield home
    finally:
        home.store.close()


def begin(folder: Path, story: Story) -> None:
    """Make the home below an empty folder as it is before the disturbance."""
    (folder / "home").mkdir()
    (folder / "state").mkdir()
    if story.before:
        with opened(folder, story) as home:
            for step in story.before:
                home.take(step)
    if story.lost is not None:
        Home(folder, story.writer).anchors.record(story.writer.head_at(story.lost), NETWORK)


def appends(writer: Writer, start: int, *counts: int) -> Iterator[Append]:
    """The writer's payloads from `start` on, so many at a time."""
    for count in counts:
        yield Append(start, tuple(writer.payloads[start : start + count]))
        start += count


def listings(writer: Writer, count: int, **fields: Any) -> None:
    """Post offers and needs."""
    codes = sorted(categories())
    for number in range(count):
        writer.say(
            Need if number % 3 else Offer,
            category=codes[(7 * number + writer.size) % len(codes)],
            quantity=kg(10 * number + 1),
            title=f"{writer.name}: maíz amarillo número {writer.size}",
            note="Se entrega en la casa comunal. " * (1 + number % 5),
            **fields,
        )


def barter(montes: Writer, valle: Writer) -> None:
    """One exchange from proposal to receipt, both sides saying all of theirs."""
    trade = montes.propose((montes, valle, "maíz", kg(100)), (valle, montes, "clavos", kg(20)), seen=[valle])
    valle.say(Accept, exchange=trade, seen=[montes])
    montes.say(Deliver, exchange=trade, transfer=0, quantity=kg(100), seen=[valle])
    valle.say(Receive, exchange=trade, transfer=0, quantity=kg(60), condition="short", seen=[montes])


def evidence_of(one: Writer, other: Writer, cut: int) -> Evidence:
    """The evidence that two holders of one key wrote different entries at index `cut`."""
    before = merkle.extend_range(0, (), one.leaves[:cut])
    proven = [prove_entry(writer.head, cut, before, writer.leaves[cut:]) for writer in (one, other)]
    return build_evidence(cut, proven[0], proven[1], NETWORK)


def founding() -> Story:
    """A commune is founded in an empty folder, and posts."""
    montes = found("Los Montes")
    listings(montes, 6)
    return Story(montes, during=tuple(appends(montes, 0, 1, 1, 5)))


def appending() -> Story:
    """A commune that has traded appends, in runs of one to five."""
    montes, valle = found("Los Montes"), found("El Valle")
    listings(montes, 20)
    listings(valle, 12)
    start = montes.size
    barter(montes, valle)
    listings(montes, 8)
    return Story(
        montes,
        (Append(0, tuple(montes.payloads[:start])), Ingest(valle.run())),
        tuple(appends(montes, start, 1, 1, 2, 5, 1)),
    )


def ingesting() -> Story:
    """Other communes' logs come in several runs, a part of one twice, between own entries."""
    montes, valle, costa = found("Los Montes"), found("El Valle"), found("La Costa")
    listings(montes, 5)
    listings(costa, 8)
    start = montes.size
    listings(valle, 12)
    barter(montes, valle)
    listings(valle, 6)
    return Story(
        montes,
        (Append(0, tuple(montes.payloads[:start])),),
        (
            Ingest(valle.run(0, 1)),
            Ingest(valle.run(1, 10)),
            *appends(montes, start, 1),
            Ingest(valle.run(8, 15)),
            Ingest(valle.run(10, 12)),
            IngestAll((costa.run(0, 4), valle.run(15), costa.run(4))),
            *appends(montes, start + 1, 1),
        ),
    )


def forking() -> Story:
    """Another commune's log forks: by a run that shows it, and by evidence alone."""
    montes, valle, costa = found("Los Montes"), found("El Valle"), found("La Costa")
    listings(montes, 5)
    listings(valle, 4)
    listings(costa, 4)
    twin, other = valle.twin(), costa.twin()
    barter(montes, valle)
    listings(twin, 3, place="otro lugar")
    barter(montes, costa)
    listings(other, 2)
    return Story(
        montes,
        (Append(0, tuple(montes.payloads[:6])), Ingest(costa.run())),
        (
            Ingest(valle.run()),
            *appends(montes, 6, 2),
            Ingest(twin.run(3)),
            *appends(montes, 8, 1),
            Witness(evidence_of(costa, other, cut=5)),
            *appends(montes, 9, 1),
        ),
    )


def erasing() -> Story:
    """Payloads are erased, one's own and another's, and the views are made again."""
    montes, valle = found("Los Montes"), found("El Valle")
    listings(montes, 6)
    listings(valle, 6)
    barter(montes, valle)
    return Story(
        montes,
        (Append(0, tuple(montes.payloads[:7])), Ingest(valle.run())),
        (
            Erase(valle.log, 3, valle.id_of(3)),
            Erase(montes.log, 2, montes.id_of(2)),
            *appends(montes, 7, 1),
            Rebuild(),
            Erase(valle.log, 7, valle.id_of(7)),
            *appends(montes, 8, 1),
        ),
    )


def checkpointing() -> Story:
    """The write-ahead log is folded into the database and begun again, over and over; and a restart."""
    montes, valle = found("Los Montes"), found("El Valle")
    listings(montes, 10)
    listings(valle, 10)
    barter(montes, valle)
    listings(montes, 6)
    return Story(
        montes,
        (Append(0, tuple(montes.payloads[:11])),),
        (
            Ingest(valle.run(0, 6)),
            *appends(montes, 11, 1),
            Ingest(valle.run(6)),
            *appends(montes, 12, 1),
            Reopen(),
            *appends(montes, 13, 2, 3),
            Reopen(),
            *appends(montes, 18, 1),
        ),
        checkpoint=12,
    )


def taking_back() -> Story:
    """The database was older than what had been signed, and neighbours give the rest back."""
    montes, valle = found("Los Montes"), found("El Valle")
    listings(montes, 6)
    listings(valle, 3)
    barter(montes, valle)
    lost = montes.size
    listings(montes, 2)
    return Story(
        montes,
        (Append(0, tuple(montes.payloads[:4])),),
        (
            TakeBack(montes.run(0, 6)),
            Ingest(valle.run()),
            TakeBack(montes.run(4, lost)),
            *appends(montes, lost, 1, 1),
        ),
        lost=lost,
    )


STORIES: dict[str, Callable[[], Story]] = {
    story.__name__: story
    for story in (founding, appending, ingesting, forking, erasing, taking_back, checkpointing)
}
"""All stories by name."""
