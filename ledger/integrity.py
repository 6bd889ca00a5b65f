"""Integrity: whether what is held of every log is what its key signed, byte by byte.

Decides what is wrong with entries, hashes, heads and the rows that hold them,
and where: content that does not give its hash, hashes that do not give a signed
root, heads that are not signed, gaps. It reads each row once, in order, and
files what it holds in a `History`; what that amounts to is `conduct`'s.

One wrong hash makes every later root of its log wrong. So that a fault is found
where it is, and what follows is still checked, a log is taken up again at the
next head that has the hashes of its full subtrees beside it: these are proved
by its signed root alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

import msgspec

from . import merkle
from .errors import StoreError
from .findings import Findings, Tally, stretches
from .held import INDEX_MASK, PLACE_BITS
from .history import History
from .limits import HASH_BYTES, MAX_RUN_ENTRIES
from .log import Head, leaf_prefix
from .merkle import CompactRange
from .sentences import N_
from .store.rows import BATCH, EntryRow, HeadRow, Rows
from .store.typed import Branch, Source, branch_of, day_of, hashes_of, head_of, text_of

MAX_FILLED: Final = 65_536
"""missing entries of one branch that are stepped over; after more of them the rest of it is not read."""

_NO_HASH: Final = bytes(HASH_BYTES)
"""Stands for the hash of an entry that is missing, or that has none."""

Advance = Callable[[int], None]
"""Told how many more entries were read."""


def check_logs(
    rows: Rows, history: History, findings: Findings, tallies: MutableMapping[bytes, Tally], advance: Advance
) -> frozenset[Head]:
    """Check all branches and file what they hold; the heads that are not signed.

    `tallies` are kept by log. Raises StoreError only if the branches themselves cannot be read.
    """
    raw = rows.branches()
    unsigned: set[Head] = set()
    erasures = _erasures(rows, findings)
    for row in raw:
        branch = branch_of(row)
        if branch is None:
            log = row.log if isinstance(row.log, bytes) else None
            findings.add("branch-broken", log, detail=N_("a value that cannot be"))
            continue
        tally = tallies.setdefault(branch.log, Tally())
        walk = _Walk(branch, rows, history, findings, tally, advance, erasures)
        try:
            walk.walk()
        except StoreError as error:
            findings.add("unreadable", branch.log, walk.position, detail=reason_of(error))
        unsigned.update(walk.unsigned)
    try:
        for table, count in rows.strays({row.number for row in raw if isinstance(row.number, int)}).items():
            findings.add("stray-rows", table=table, count=count)
    except StoreError as error:
        findings.add("file-damaged", detail=reason_of(error))
    return frozenset(unsigned)


def _erasures(rows: Rows, findings: Findings) -> dict[int, tuple[str, str]]:
    """Day and reason of every erasure that was noted, by place."""
    try:
        return {place: (day_of(at), text_of(reason)) for place, at, reason in rows.erasures()}
    except StoreError as error:
        findings.add("file-damaged", detail=reason_of(error))
        return {}


def reason_of(error: StoreError) -> str:
    """What SQLite said."""
    return str(error.fields.get("reason", error))


@dataclass(slots=True)
class _Chunk:
    """Entries that follow each other, `start` to `stop`, those that are missing filled in.

    `altered` are those whose content does not give their hash, with the hash
    that it gives, None where there is no content to hash. `missing` are
    stretches, first and last. At the end of a branch nothing is filled in.
    """

    start: int
    stop: int
    leaves: list[Any]
    payloads: list[Any]
    altered: dict[int, bytes | None] = field(default_factory=dict)
    missing: list[tuple[int, int]] = field(default_factory=list)

    def by_content(self) -> list[bytes]:
        """The hashes that the contents give."""
        return [self.altered.get(index) or leaf for index, leaf in enumerate(self.leaves, self.start)]


class _Lost(Exception):
    """So much is missing that the rest of a branch is not read."""


class _Walk:
    """One branch from its first own entry to its last, from one signed head to the next.

    `position` is up to where it was read, `compact` the compact range there,
    None while it is not known. `unproven` is from where on nothing was proved,
    None while all was. `head` is the last one that is signed.
    """

    def __init__(
        self,
        branch: Branch,
        rows: Rows,
        history: History,
        findings: Findings,
        tally: Tally,
        advance: Advance,
        erasures: Mapping[int, tuple[str, str]],
    ) -> None:
        self._branch = branch
        self._log = branch.log
        self._rows = rows
        self._history = history
        self._findings = findings
        self._tally = tally
        self._advance = advance
        self._erasures = erasures
        self._prefix = leaf_prefix(branch.log)
        self._origin = branch.number << PLACE_BITS
        self.unsigned: list[Head] = []
        self._filled = 0
        self._uncovered: list[bytes] = []
        self.position = branch.first
        self.compact: CompactRange | None = None
        self.unproven: int | None = None
        self.head: Head | None = None

    def walk(self) -> None:
        """Read the branch, add what is found and file what it holds. Raises StoreError."""
        branch = self._branch
        if not self._open():
            self._findings.add(
                "branch-broken",
                self._log,
                branch.first,
                detail=N_("the history that it continues is missing"),
            )
            return
        source = Source(self._rows.entries(branch.number))
        if source.skip(self._origin + branch.first):
            self._findings.add("branch-broken", self._log, branch.first, detail="where it begins")
        reached = branch.first
        try:
            for row in self._rows.heads(branch.number):
                self._tally.heads += 1
                head = self._signed(row)
                if head is not None:
                    if head.size > reached + MAX_RUN_ENTRIES:
                        self._findings.add("heads-sparse", self._log, reached, head.size - 1)
                    self._reach(row, head, source)
                reached = max(reached, row.size) if isinstance(row.size, int) else reached
            self._end(source)
        except _Lost:
            self._findings.add("run-unproven", self._log, self.position, max(branch.size - 1, self.position))
        self._tell_unsigned()

    def _open(self) -> bool:
        """Open the branch in the history, above what it stands on; False if that is not there."""
        branch, history = self._branch, self._history
        if branch.base is None:
            known = len(branch.before) == branch.start.bit_count()
            history.open_branch(branch.number, self._log, None, branch.start, branch.before)
            self.compact = branch.before if known else None
        else:
            number, end = branch.base
            below = history.branches.get(number)
            if below is None or below.log != self._log or end > below.size:
                return False
            history.open_branch(branch.number, self._log, branch.base)
            self.compact = history.range_at(number, end)
        if self.compact is None:
            self.unproven = self.position
        return True

    # Heads --------------------------------------------------------------------------------------

    def _signed(self, row: HeadRow) -> Head | None:
        """A row as a head, if its log signed it."""
        head = head_of(self._log, row)
        if head is None:
            size = row.size if isinstance(row.size, int) else 0
            self._findings.add("head-unsigned", self._log, max(size - 1, 0), size=size)
            return None
        self._tally.signatures += 1
        if head.is_signed(self._history.network):
            return head
        self.unsigned.append(head)
        return None

    def _reach(self, row: HeadRow, head: Head, source: Source) -> None:
        """Read the entries up to a signed head, and see whether they give its root."""
        if head.size <= self.position:
            self._findings.add(
                "branch-broken", self._log, head.size - 1, detail=N_("the order of its signatures")
            )
            return
        compact = self._prove(head, source)
        kept = hashes_of(row.compact, head.size)
        is_sound = kept is not None and merkle.range_root(head.size, kept) == head.root
        if row.compact is not None and not (is_sound and compact in (None, kept)):
            self._findings.add("head-compact-altered", self._log, head.size - 1, size=head.size)
        self.head, self.position = head, head.size
        self.compact = kept if compact is None and is_sound else compact
        if self.compact is not None:
            self._resume()

    def _prove(self, head: Head, source: Source) -> CompactRange | None:
        """Read and file the run up to a head; the compact range there if its root is the head's."""
        start = index = self.position
        by_hash = by_content = self.compact
        altered: dict[int, bytes | None] = {}
        missing: list[tuple[int, int]] = []
        while True:
            chunk = self._chunk(source, index, head.size)
            index = chunk.stop
            altered |= chunk.altered
            missing += chunk.missing
            if missing or by_hash is None or by_content is None:
                by_hash = by_content = None
            elif altered:
                by_content = merkle.extend_range(chunk.start, by_content, chunk.by_content())
                by_hash = merkle.extend_range(chunk.start, by_hash, chunk.leaves)
            else:
                by_content = by_hash = merkle.extend_range(chunk.start, by_hash, chunk.leaves)
            if index >= head.size:
                break
            self._file(chunk)  # heads are missing; what was altered in here is left out
        found = next((one for one in (by_hash, by_content) if one is not None and _gives(one, head)), None)
        if altered and found is not None and found != by_hash:
            self._findings.add_each("leaf-altered", self._log, altered)
            chunk.leaves[:] = chunk.by_content()
            chunk.altered.clear()
        else:
            self._findings.add_each("entry-altered", self._log, altered)
        for first, last in missing:
            self._findings.add("entries-missing", self._log, first, last)
        if missing and self.unproven is None:
            self.unproven = start
        elif found is None and self.compact is not None:
            self._findings.add("run-altered", self._log, start, head.size - 1)
            self.unproven = head.size
        if found is None or (found != by_hash and chunk.start > start):
            self._history.doubt(self._branch.number, start)
        self._file(chunk)
        return found

    def _resume(self) -> None:
        """Note what was not proved up to here."""
        if self.unproven is not None and self.unproven < self.position:
            self._findings.add("run-unproven", self._log, self.unproven, self.position - 1)
        self.unproven = None

    def _end(self, source: Source) -> None:
        """See what no head covers, and whether the branch's own row fits."""
        branch = self._branch
        self._resume()
        index = self.position
        while rows := source.take(BATCH):
            for first, last in stretches(place & INDEX_MASK for place, _, _ in rows):
                if first > index:
                    self._findings.add("entries-missing", self._log, index, first - 1)
                self._findings.add("head-missing", self._log, first, last)
                index = last + 1
            if len(self._uncovered) < MAX_RUN_ENTRIES:
                self._uncovered += (leaf for _, leaf, _ in rows if isinstance(leaf, bytes))
        if index < branch.size:
            self._findings.add("entries-missing", self._log, index, branch.size - 1)
        elif index > branch.size:
            self._findings.add(
                "branch-broken", self._log, branch.size, detail=N_("the number of its entries")
            )
        elif self.head is None:
            self._findings.add("branch-broken", self._log, branch.first, detail=N_("nothing is signed"))
        elif self.head.size == branch.size:
            if branch.root != self.head.root:
                self._findings.add(
                    "branch-broken", self._log, branch.size - 1, detail=N_("the hash of the whole")
                )
            elif branch.compact is None or merkle.range_root(branch.size, branch.compact) != branch.root:
                self._findings.add(
                    "branch-broken", self._log, branch.size - 1, detail=N_("the hashes of its parts")
                )

    def _tell_unsigned(self) -> None:
        """Add the heads that are not signed, each where it belongs if only its size was changed."""
        history, number = self._history, self._branch.number
        astray = {
            head.root: head for head in self.unsigned if history.root_at(number, head.size) != head.root
        }
        found: dict[Head, int] = {}
        for size, root in self._roots() if astray else ():
            head = astray.get(root)
            if head is not None and msgspec.structs.replace(head, size=size).is_signed(history.network):
                found[head] = size
        for head in self.unsigned:
            self._findings.add("head-unsigned", self._log, found.get(head, head.size) - 1, size=head.size)

    def _roots(self) -> Iterator[tuple[int, bytes]]:
        """Every size of the branch with its root, past the last signed head too."""
        yield from self._history.roots(self._branch.number)
        compact = self.compact
        if compact is not None and set(map(len, self._uncovered)) <= {HASH_BYTES}:
            for size, leaf in enumerate(self._uncovered, self.position):
                compact = merkle.extend_range(size, compact, [leaf])
                yield size + 1, merkle.range_root(size + 1, compact)

    # Entries ------------------------------------------------------------------------------------

    def _chunk(self, source: Source, start: int, end: int) -> _Chunk:
        """The next entries from index `start`, at most `BATCH` of them, below `end`. Raises _Lost."""
        rows = source.take(min(end - start, BATCH), below=self._origin + end)
        self._tally.entries += len(rows)
        self._advance(len(rows))
        if not rows:
            return _Chunk(start, end, [], [], missing=[(start, end - 1)])
        if rows[0][0] != self._origin + start or rows[-1][0] - rows[0][0] != len(rows) - 1:
            chunk = self._filled_chunk(rows, start)
        else:
            chunk = _Chunk(start, start + len(rows), [row[1] for row in rows], [row[2] for row in rows])
        found = self._hashes(chunk)
        if found != chunk.leaves or None in chunk.payloads:
            self._mend(chunk)
            for index, (one, other) in enumerate(zip(self._hashes(chunk), chunk.leaves, strict=True), start):
                if one != other:
                    chunk.altered[index] = one
        return chunk

    def _hashes(self, chunk: _Chunk) -> list[bytes]:
        """The hashes that contents give, and those kept where there is none; nothing if a value is odd."""
        prefix = self._prefix
        try:
            return [
                sha256(prefix + index.to_bytes(8, "big") + payload).digest() if payload is not None else leaf
                for index, (leaf, payload) in enumerate(
                    zip(chunk.leaves, chunk.payloads, strict=True), chunk.start
                )
            ]
        except TypeError:
            return []

    def _mend(self, chunk: _Chunk) -> None:
        """Put what has the right type in the place of values that have not, and note those as altered."""
        for place, (leaf, payload) in enumerate(zip(chunk.leaves, chunk.payloads, strict=True)):
            is_hash = isinstance(leaf, bytes) and len(leaf) == HASH_BYTES
            if not is_hash:
                chunk.leaves[place] = _NO_HASH
            if not isinstance(payload, bytes | None):
                chunk.payloads[place] = None
            if chunk.payloads[place] is None and (payload is not None or not is_hash):
                chunk.altered[chunk.start + place] = None

    def _filled_chunk(self, rows: list[EntryRow], start: int) -> _Chunk:
        """Rows between which some are missing, with something in the place of these. Raises _Lost."""
        chunk = _Chunk(start, start, [], [])
        for place, leaf, payload in rows:
            index = place & INDEX_MASK
            if index > chunk.stop:
                chunk.missing.append((chunk.stop, index - 1))
                count = index - chunk.stop
                self._filled += count
                if self._filled > MAX_FILLED:
                    for first, last in chunk.missing:
                        self._findings.add("entries-missing", self._log, first, last)
                    raise _Lost
                chunk.leaves += [_NO_HASH] * count
                chunk.payloads += [None] * count
            chunk.leaves.append(leaf)
            chunk.payloads.append(payload)
            chunk.stop = index + 1
        return chunk

    def _file(self, chunk: _Chunk) -> None:
        """File what the entries say, and note which contents are not there."""
        for index in chunk.altered:
            chunk.payloads[index - chunk.start] = None
        for index, record in self._history.read_run(self._branch.number, chunk.leaves, chunk.payloads):
            self._findings.add("record-malformed", self._log, index, detail=record.reason)
        if self._erasures or None in chunk.payloads:
            self._note_erased(chunk)

    def _note_erased(self, chunk: _Chunk) -> None:
        gone = {index for first, last in chunk.missing for index in range(first, min(last + 1, chunk.stop))}
        absent = []
        for index, payload in enumerate(chunk.payloads, chunk.start):
            noted = self._erasures.get(self._origin | index)
            if payload is None and index not in gone and index not in chunk.altered:
                self._tally.erased += 1
                if noted is None:
                    absent.append(index)
                else:
                    day, reason = noted
                    self._findings.add("payload-erased", self._log, index, day=day, reason=reason)
            elif payload is not None and noted is not None:
                self._findings.add("erasure-undone", self._log, index, day=noted[0])
        self._findings.add_each("payload-absent", self._log, absent)


def _gives(compact: CompactRange, head: Head) -> bool:
    """Whether a compact range gives a head's root."""
    return merkle.range_root(head.size, compact) == head.root
