"""Bundles: writing what a home holds into a file, and taking in what a file holds.

Decides what goes into a bundle and in which order, and how far one that is cut
short counts: what came whole is stored. Shows nothing. The file's form is
`protocol.bundle`'s, what becomes of each thing in it `intake`'s
(docs/spec/bundle.md). Importing twice changes nothing.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from ledger.errors import NotFound, StoreError
from ledger.evidence import Evidence
from ledger.log import EntryId, Head, LogKey, Run, entry_id
from ledger.records import CommuneId
from ledger.store.reading import IMAGES_KEY, BranchInfo, Reader
from protocol.bundle import BundleReader, BundleWriter, Totals
from protocol.errors import BundleError, DamagedBundle

from .errors import ExportFailed, ImportStopped
from .intake import ImportReport, Intake
from .limits import MAX_KNOWN_HEADS
from .outgoing import outgoing

if TYPE_CHECKING:
    from ledger.author import Author
    from ledger.store.writing import Store

    from .blobs import Blobs
    from .quotas import Reach
    from .rations import Rations

Progress = Callable[[int, int], None]
"""Called with how much is done and how much there is: entries of an export, bytes of an import."""


Lend = Callable[[bytes], tuple[int, BinaryIO] | None]
"""Gives the size and the file of a photo by its hash, None where it is not held."""


def _silent(done: int, total: int) -> None:
    """Show no progress."""


def _nothing(digest: bytes) -> None:
    """Lend no photo."""


# What others hold -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Known:
    """What whoever wrote a bundle says they hold: heads of each log by size and root, and cuts of forks."""

    heads: Mapping[LogKey, frozenset[tuple[int, bytes]]] = field(default_factory=dict)
    cuts: Mapping[LogKey, int] = field(default_factory=dict)

    def held(self, reader: Reader, branch: BranchInfo) -> int:
        """How many entries of a branch need not be told them.

        All up to the largest of their heads that stands on it. Where they hold
        more than there is here, all but the last entry: if what they hold is
        another history, that one shows it.
        """
        if any(size > branch.size for size, _ in self.heads.get(branch.log, ())):
            return branch.size - 1
        replica = next(one for one in reader.replicas(branch.log) if one.number == branch.number)
        sizes = [
            size
            for size, root in self.heads.get(branch.log, ())
            if replica.holding.root_at(branch.number, size) == root
        ]
        return max(sizes, default=0)


def known_from(file: BinaryIO, network: str) -> Known:
    """What whoever wrote a bundle holds; nothing of it is verified, since a lie harms its author alone.

    Raises BundleError if the file is no bundle of this network, or cannot be read to its end.
    """
    heads: dict[LogKey, set[tuple[int, bytes]]] = {}
    cuts: dict[LogKey, int] = {}
    count = 0
    for item in BundleReader(file, network):
        match item:
            case Head():
                count += 1
                if count > MAX_KNOWN_HEADS:
                    raise DamagedBundle(
                        "The bundle names more than the {limit} heads allowed.", limit=MAX_KNOWN_HEADS
                    )
                heads.setdefault(LogKey(item.log), set()).add((item.size, item.root))
            case Evidence():
                cuts[item.log] = min(item.cut, cuts.get(item.log, item.cut))
    return Known({log: frozenset(found) for log, found in heads.items()}, cuts)


# Out --------------------------------------------------------------------------------------------


def export_bundle(
    reader: Reader,
    path: Path,
    communes: Collection[CommuneId] | None = None,
    progress: Progress = _silent,
    known: Known | None = None,
    lend: Lend = _nothing,
) -> Totals:
    """Write the logs of some communes, or everything held if `communes` is None, into a file.

    What is `known` to be held by those it is for is left out. `lend` gives the photos.

    The file is replaced at once when all of it is on disk. Raises ExportFailed
    or StoreError; then what stood at `path` stands there still.
    """
    try:
        with outgoing(path) as file, reader.snapshot():
            totals = write_bundle(reader, file, communes, progress, known, lend)
    except OSError as error:
        raise ExportFailed(
            "The bundle {path} cannot be written ({reason}): free some space or choose another folder.",
            path=path,
            reason=error.strerror,
        ) from error
    return totals


def write_bundle(
    reader: Reader,
    file: BinaryIO,
    communes: Collection[CommuneId] | None,
    progress: Progress,
    known: Known | None = None,
    lend: Lend = _nothing,
) -> Totals:
    """Write the logs of some communes, or everything held, as a bundle; within a snapshot of the reader's.

    Evidence first, since it must not be lost; then the heads of all branches; then their entries; then the
    photos of the listings among these that stand, as far as `lend` gives them.
    """
    branches = list(_in_order(reader, communes))
    logs = {branch.log for branch in branches}
    writer = BundleWriter(file, reader.network)
    known = known or Known()
    for evidence in reader.evidence():
        if evidence.log in logs and known.cuts.get(evidence.log, evidence.cut + 1) > evidence.cut:
            writer.add_evidence(evidence)
    for branch in branches:
        writer.add_head(reader.head(branch.number))
    # A branch that parts from an older one is sent from there on: the older one has gone before.
    above = {
        branch.number: max(known.held(reader, branch), 0 if branch.first == branch.start else branch.first)
        for branch in branches
    }
    illustrated: list[EntryId] = []
    done = 0
    total = sum(branch.size - max(branch.first, above[branch.number]) for branch in branches)
    progress(done, total)
    for branch in branches:
        if above[branch.number] == branch.size:
            continue
        for run in reader.runs(branch.number, above[branch.number]):
            writer.add_run(run)
            illustrated += _illustrated(run)
            done += len(run.items)
            progress(done, total)
    for digest in _photos(reader, illustrated):
        lent = lend(digest)
        if lent is not None:
            with lent[1] as file_of_it:
                writer.add_blob(digest, lent[0], file_of_it)
    return writer.close()


def _illustrated(run: Run) -> list[EntryId]:
    """The entries of a run that may be listings with images."""
    return [
        entry_id(run.log, index, item)
        for index, item in enumerate(run.items, run.start)
        if isinstance(item, bytes) and IMAGES_KEY in item
    ]


def _photos(reader: Reader, entries: Iterable[EntryId]) -> list[bytes]:
    """The photos of those entries that are listings and stand."""
    found: dict[bytes, None] = {}
    for entry in entries:
        with contextlib.suppress(NotFound):
            row = reader.listing(entry)
            if row.ended is None:
                found |= dict.fromkeys(row.record.images)
    return list(found)


def _in_order(reader: Reader, communes: Collection[CommuneId] | None) -> Iterator[BranchInfo]:
    """The branches to export: each log after those that its commune continues, its oldest branch first."""
    taken: set[LogKey] = set()
    for commune in sorted([row.id for row in reader.communes()] if communes is None else communes):
        try:
            logs = reader.formed(commune).logs
        except NotFound:
            continue  # recognised, and not held yet
        for log in logs:
            if log not in taken:
                taken.add(log)
                yield from reader.branches(log)
    if communes is None:
        yield from (branch for branch in reader.branches() if branch.log not in taken)


# In ---------------------------------------------------------------------------------------------


def import_bundle(
    store: Store,
    reader: Reader,
    file: BinaryIO,
    *,
    author: Author | None,
    admitted: Reach | Collection[CommuneId] | None = None,
    progress: Progress = _silent,
    blobs: Blobs | None = None,
    rations: Rations | None = None,
    own: CommuneId | None = None,
) -> ImportReport:
    """Take in what a bundle holds of the logs of `admitted` communes, of everything if that is None.

    Where there are `rations`, no more of each than its quota allows, and everything is counted.
    `author` is that of the home's own log, which is fetched back up to its
    anchors whatever is admitted; None for a home that writes none. Photos of listings
    that are held go into `blobs`, those of the commune `own` as one's own; that is the author's
    unless it is given.

    Raises BundleError (NotABundle, OtherNetwork, ...) if the file does not even
    begin as a bundle, ImportStopped with the report where it cannot be read on,
    StoreError if nothing more can be stored.
    """
    bundle = BundleReader(file, store.network)
    intake = Intake(store, reader, author, admitted, blobs, own, rations)
    total = _length(file)
    stopped: BundleError | None = None
    try:
        try:
            for item in bundle:
                intake.take(item)
                progress(bundle.position, total)
        except BundleError as error:
            stopped = error
        intake.settle()
    except BaseException:
        if author is not None:
            # What ended the import is what has to be told, not that a store which failed answers no more.
            with contextlib.suppress(StoreError):
                author.review()
        raise
    if author is not None:
        intake.report.situation = author.review()
    report = intake.finish()
    if stopped is not None:
        raise ImportStopped(stopped, report) from stopped
    return report


def _length(file: BinaryIO) -> int:
    """How many bytes the file has, 0 if that cannot be told."""
    if not file.seekable():
        return 0
    at = file.tell()
    length = file.seek(0, os.SEEK_END)
    file.seek(at)
    return length
