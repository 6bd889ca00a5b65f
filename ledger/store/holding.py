"""What the database holds, as the rules ask for it.

Decides nothing: it answers `standing.Holdings`, `standing.Vouchers` and
`replica.Branch` from the tables, over any one connection. The writer's own
instance remembers branches; `forget` empties that after a rollback.
"""

from __future__ import annotations

import sqlite3
from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

from .. import merkle
from ..evidence import Evidence, decode_evidence
from ..limits import HASH_BYTES
from ..log import Head, LogKey, LogState
from ..merkle import CompactRange
from ..records import CommuneId, Malformed, Record, Uninterpreted, parse, reread, subjects
from ..standing import INDEX_MASK, PLACE_BITS, Part, Sight, Standing, place_of

MAX_REMEMBERED = 10_000
"""branches that an instance remembers; a few hundred bytes each."""


MAX_LOOKS = 50_000
"""heads seen in entries that an instance remembers; some 200 bytes each."""

MAX_ASKED = 256
"""entries that one question to an index names; SQLite compiles the question anew for each number."""

Read = tuple[bytes, Record | Uninterpreted]
"""Id and content of an entry that could be read."""

Found = tuple[int, bytes, Record | Uninterpreted]
"""The same, after the place where it is held."""

UNKNOWN, KNOWN, PROPOSAL = 0, 1, 2
"""What the indices say of an entry: that this version does not interpret it, that it is a record, a proposal."""

_KNOWN = {"propose": PROPOSAL}

_Look = tuple[int, int, bytes, bool | None]
"""A head seen: the index of the entry that carries it, its size and root, and whether its signature holds."""


def prefix_of(entry: bytes) -> int:
    """The first 8 bytes of an id as SQLite's integer: a small key to look it up by."""
    return int.from_bytes(entry[:8], "big", signed=True)


class BranchRow(NamedTuple):
    """A row of `branch`."""

    number: int
    log: LogKey
    base: Part | None
    start: int
    before: CompactRange
    size: int
    root: bytes
    compact: CompactRange

    @property
    def first(self) -> int:
        """The index of its own first entry; those below are its base's, or not held."""
        return self.base.end if self.base else self.start


def _marks(values: Sequence[object]) -> str:
    """As many question marks as there are values, for SQL's IN."""
    return ", ".join("?" * len(values))


def _make_room(remembered: dict[Any, Any]) -> None:
    if len(remembered) >= MAX_REMEMBERED:
        remembered.clear()


def split(hashes: bytes) -> CompactRange:
    """A compact range from its hashes joined together."""
    return tuple(hashes[at : at + HASH_BYTES] for at in range(0, len(hashes), HASH_BYTES))


class Holding:
    """The tables as holdings, over one connection."""

    def __init__(self, connection: sqlite3.Connection, network: str) -> None:
        self.connection = connection
        self.network = network
        self._branches: dict[int, BranchRow] = {}
        self._standing: dict[int, Standing | None] = {}
        self._predecessors: dict[int, Sequence[Part]] = {}
        self._cuts: dict[bytes, int | None] = {}
        self._looks: dict[tuple[int, bytes], list[_Look]] = {}
        self._looks_held = 0
        self._identities: list[tuple[int, int, int]] = []
        self._names: list[tuple[int, int, int]] = []

    def write(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        """Execute a statement for each of some rows; mostly there are none, and that costs nothing."""
        if rows:
            self.connection.executemany(statement, rows)

    def forget(self) -> None:
        """Drop everything remembered: the tables may have changed."""
        for remembered in (self._branches, self._standing, self._predecessors, self._cuts, self._looks):
            remembered.clear()
        self._looks_held = 0
        self._identities.clear()
        self._names.clear()

    def forget_branch(self, number: int) -> None:
        """Drop what is remembered of one branch."""
        for remembered in (self._branches, self._standing, self._predecessors):
            remembered.pop(number, None)

    def forget_cut(self, log: bytes) -> None:
        """Drop what is remembered of a log's cut."""
        self._cuts.pop(log, None)

    # Branches -----------------------------------------------------------------------------------

    def branch(self, number: int) -> BranchRow:
        """A branch's row; it must exist."""
        row = self._branches.get(number)
        if row is None:
            found = self.connection.execute(
                "SELECT number, log, base, base_end, start, before, size, root, compact FROM branch WHERE number = ?",
                (number,),
            ).fetchone()
            row = BranchRow(
                found[0], LogKey(found[1]), None if found[2] is None else Part(found[2], found[3]), found[4],
                split(found[5]), found[6], found[7], split(found[8]),
            )  # fmt: skip
            _make_room(self._branches)
            self._branches[number] = row
        return row

    def branches_of(self, log: bytes) -> list[HeldBranch]:
        """All branches of a log, the first held first."""
        numbers = self.connection.execute("SELECT number FROM branch WHERE log = ? ORDER BY number", (log,))
        return [HeldBranch(self, number) for (number,) in numbers.fetchall()]

    def log_of(self, branch: int) -> LogKey:
        return self.branch(branch).log

    def lineage(self, branch: int, end: int) -> Sequence[Part]:
        row = self.branch(branch)
        if row.base is None:
            return (Part(branch, end),)
        below = self.lineage(row.base.branch, min(end, row.base.end))
        return below if end <= row.base.end else (*below, Part(branch, end))

    def stretches(self, branch: int, start: int, end: int) -> Iterator[tuple[int, int]]:
        """Ranges of places, first and past-the-last, that hold entries `start` to `end` of a branch."""
        for part in self.lineage(branch, end):
            first = max(start, self.branch(part.branch).first)
            if first < part.end:
                yield place_of(part.branch, first), place_of(part.branch, part.end)

    def leaves(self, branch: int, start: int, end: int) -> list[bytes]:
        """Leaf hashes of a branch, its lineage included."""
        found: list[bytes] = []
        for first, last in self.stretches(branch, start, end):
            rows = self.connection.execute(
                "SELECT leaf FROM entry WHERE place >= ? AND place < ? ORDER BY place", (first, last)
            )
            found += [leaf for (leaf,) in rows]
        return found

    def state_at(self, branch: int, size: int) -> LogState:
        """The log at a size, from the nearest compact range below it; `head` is None."""
        row = self.branch(branch)
        if size == row.size:
            return LogState(row.log, size, row.compact)
        if row.base is not None and size <= row.base.end:
            return self.state_at(row.base.branch, size)
        near = self.connection.execute(
            "SELECT size, compact FROM head WHERE branch = ? AND size <= ? AND compact IS NOT NULL "
            "ORDER BY size DESC LIMIT 1",
            (branch, size),
        ).fetchone()
        if near is not None:
            known, compact = near[0], split(near[1])
        elif row.base is not None:
            base = self.state_at(row.base.branch, row.base.end)
            known, compact = base.size, base.compact
        else:
            known, compact = row.start, row.before
        leaves = self.leaves(branch, known, size)
        return LogState(row.log, size, merkle.extend_range(known, compact, leaves))

    def root_at(self, branch: int, size: int) -> bytes | None:
        row = self.branch(branch)
        if size > row.size:
            return None
        if size == row.size:
            return row.root
        if size < self.start(branch):
            return None
        head = self.head_of_size(branch, size)
        return head.root if head is not None else self.state_at(branch, size).root

    def start(self, branch: int) -> int:
        """The first index whose leaf is held."""
        row = self.branch(branch)
        return row.start if row.base is None else min(self.start(row.base.branch), row.base.end)

    def head_of_size(self, branch: int, size: int) -> Head | None:
        """The head held of just that size."""
        holder = self.lineage(branch, size)[-1].branch
        row = self.connection.execute(
            "SELECT size, root, signature, extensions FROM head WHERE branch = ? AND size = ?", (holder, size)
        ).fetchone()
        return None if row is None else self.read_head(branch, row)

    def head_over(self, branch: int, index: int) -> Head:
        """The smallest head held of a size larger than `index`."""
        for part in self.lineage(branch, self.branch(branch).size):
            if index < part.end or part.branch == branch:
                row = self.connection.execute(
                    "SELECT size, root, signature, extensions FROM head WHERE branch = ? AND size > ? "
                    "AND size <= ? ORDER BY size LIMIT 1",
                    (part.branch, index, part.end),
                ).fetchone()
                if row is not None:
                    return self.read_head(branch, row)
        raise LookupError(f"Branch {branch} has no head over {index}.")

    def read_head(self, branch: int, row: tuple[int, bytes, bytes, str]) -> Head:
        """A row of `head` as a Head."""
        extensions = tuple(row[3].split("\n")) if row[3] else ()
        return Head(self.branch(branch).log, row[0], row[1], row[2], extensions)

    # Evidence and standing ----------------------------------------------------------------------

    def cut(self, log: LogKey) -> int | None:
        if log not in self._cuts:
            row = self.connection.execute("SELECT cut FROM evidence WHERE log = ?", (log,)).fetchone()
            _make_room(self._cuts)
            self._cuts[log] = None if row is None else int(row[0])
        return self._cuts[log]

    def evidence(self, log: bytes) -> Evidence | None:
        """The evidence held of a fork of this log."""
        row = self.connection.execute("SELECT data FROM evidence WHERE log = ?", (log,)).fetchone()
        return None if row is None else decode_evidence(row[0])

    def standing(self, branch: int) -> Standing | None:
        if branch not in self._standing:
            row = self.connection.execute(
                "SELECT commune, ordinal, bound, contested FROM standing WHERE branch = ?", (branch,)
            ).fetchone()
            _make_room(self._standing)
            self._standing[branch] = (
                None if row is None else Standing(CommuneId(row[0]), row[1], row[2], bool(row[3]))
            )
        return self._standing[branch]

    def predecessors(self, branch: int) -> Sequence[Part]:
        if branch not in self._predecessors:
            row = self.connection.execute(
                "SELECT predecessors FROM standing WHERE branch = ? AND predecessors != x'90'", (branch,)
            ).fetchone()
            _make_room(self._predecessors)
            self._predecessors[branch] = (
                () if row is None else [Part(*part) for part in msgspec.msgpack.decode(row[0])]
            )
        return self._predecessors[branch]

    def is_witnessed(self, place: int) -> bool:
        return (
            self.connection.execute("SELECT 1 FROM witnessed WHERE place = ?", (place,)).fetchone()
            is not None
        )

    # Entries ------------------------------------------------------------------------------------

    def record_at(self, place: int) -> tuple[bytes, Record | Uninterpreted | Malformed | None]:
        """An entry's id and record; None for an erased one."""
        row = self.connection.execute("SELECT leaf, payload FROM entry WHERE place = ?", (place,)).fetchone()
        return row[0], None if row[1] is None else parse(row[1])

    def index(self, entries: Iterable[Found]) -> None:
        """Take note of where entries are and what they name, to be written to the indices by `settle`."""
        for place, leaf, record in entries:
            known = UNKNOWN if isinstance(record, Uninterpreted) else _KNOWN.get(record.kind, KNOWN)
            self._identities.append((prefix_of(leaf), place, known))
            for name in names_of(record):
                self._names.append((prefix_of(name), place, known))

    def settle(self) -> None:
        """Write the indices; in order of their keys, which are random, so that each page is written once."""
        if self._identities:
            self.write("INSERT INTO identity VALUES (?, ?, ?)", sorted(self._identities))
            self.write("INSERT OR IGNORE INTO about VALUES (?, ?, ?)", sorted(self._names))
            self._identities.clear()
            self._names.clear()

    def places_of(self, entry: bytes) -> list[int]:
        """Where an entry is held; in more than one place if branches hold equal leaves."""
        self.settle()
        rows = self.connection.execute(
            "SELECT place FROM identity JOIN entry USING (place) WHERE prefix = ? AND leaf = ?",
            (prefix_of(entry), entry),
        )
        return [place for (place,) in rows]

    def about(self, entry: bytes) -> list[Found]:
        """Every record that names an entry: its place, id and content."""
        return self.about_all([entry], {})[entry]

    def about_all(self, entries: Sequence[bytes], read: Mapping[int, Read]) -> dict[bytes, list[Found]]:
        """As `about`, of up to `MAX_ASKED` entries at once. `read` are entries known already, by place."""
        found: dict[bytes, list[Found]] = {entry: [] for entry in entries}
        # Another id may share the prefix, by chance or on purpose.
        for place, leaf, record in self._readable("about", entries, read):
            for name in names_of(record):
                if name in found:
                    found[name].append((place, leaf, record))
        return found

    def held_as(self, entries: Sequence[bytes], read: Mapping[int, Read]) -> dict[bytes, list[Found]]:
        """Where up to `MAX_ASKED` entries are held, and what they say; none that cannot be read."""
        found: dict[bytes, list[Found]] = {entry: [] for entry in entries}
        for place, leaf, record in self._readable("identity", entries, read):
            if leaf in found:
                found[leaf].append((place, leaf, record))
        return found

    def _readable(self, index: str, entries: Sequence[bytes], read: Mapping[int, Read]) -> Iterator[Found]:
        self.settle()
        rows = self.connection.execute(
            f"SELECT DISTINCT place, known FROM {index} WHERE prefix IN ({_marks(entries)})",
            [prefix_of(entry) for entry in entries],
        )
        wanted: dict[int, int] = {}
        for place, known in rows.fetchall():
            remembered = read.get(place)
            if remembered is not None:
                yield place, *remembered
            else:
                wanted[place] = known
        places = list(wanted)
        for start in range(0, len(places), MAX_ASKED):
            some = places[start : start + MAX_ASKED]
            payloads = self.connection.execute(
                f"SELECT place, leaf, payload FROM entry WHERE place IN ({_marks(some)})", some
            )
            for place, leaf, payload in payloads.fetchall():
                if wanted[place] and payload is not None:
                    yield place, leaf, reread(payload)
                elif payload is not None and not isinstance(record := parse(payload), Malformed):
                    yield place, leaf, record

    def naming(self, entry: bytes) -> Iterable[int]:
        return [place for place, _, _ in self.about(entry)]

    # Heads seen ---------------------------------------------------------------------------------

    def sights(self, parts: Sequence[Part], log: LogKey, above: int) -> Iterable[Sight]:
        for part in parts:
            looks = self._looks_of(part.branch, log)
            # The newest first: it is the likeliest to reach far enough.
            for number in range(bisect_left(looks, (part.end,)) - 1, -1, -1):
                at, size, root, sound = looks[number]
                if size > above:
                    place = place_of(part.branch, at)
                    if sound is None:
                        sound = self.is_sound(place, log, size, root)
                        looks[number] = (at, size, root, sound)
                    if sound:
                        yield Sight(place, size, root)

    def _looks_of(self, branch: int, log: LogKey) -> list[_Look]:
        """All heads of a log seen in a branch, in order of where they were seen; remembered."""
        found = self._looks.get((branch, log))
        if found is None:
            rows = self.connection.execute(
                "SELECT at, size, root, sound FROM sight WHERE branch = ? AND log = ? ORDER BY at",
                (branch, log),
            )
            found = rows.fetchall()
            self._looks_held += len(found)
            if self._looks_held > MAX_LOOKS:
                self._looks.clear()
                self._looks_held = len(found)
            self._looks[branch, log] = found
        return found

    def add_look(self, branch: int, log: bytes, look: _Look) -> None:
        """Take note of a head just written to `sight`, the last of its branch."""
        found = self._looks.get((branch, log))
        if found is not None:
            insort(found, look)
            self._looks_held += 1

    def all_sights(self, log: LogKey, above: int) -> Iterable[Sight]:
        rows = self.connection.execute(
            "SELECT branch, at, size, root, sound FROM sight WHERE log = ? AND size > ?", (log, above)
        )
        for branch, at, size, root, sound in rows.fetchall():
            place = place_of(branch, at)
            if sound if sound is not None else self.is_sound(place, log, size, root):
                yield Sight(place, size, root)

    def is_sound(self, place: int, log: LogKey, size: int, root: bytes) -> bool:
        """Whether the head that the entry at `place` has seen is validly signed.

        One that is held is known to be; signatures cost as much as 50 entries.
        """
        _, record = self.record_at(place)
        if record is None or isinstance(record, Malformed):
            return False
        return any(
            head.log == log and head.size == size and head.root == root
            and (self.is_held(head) or head.is_signed(self.network))
            for head in record.seen
        )  # fmt: skip

    def is_held(self, head: Head) -> bool:
        """Whether this very head, signature included, is held, and so known to be validly signed."""
        row = self.connection.execute(
            "SELECT 1 FROM branch JOIN head ON head.branch = branch.number "
            "WHERE branch.log = ? AND head.size = ? AND head.root = ? AND head.signature = ? AND extensions = ?",
            (head.log, head.size, head.root, head.signature, "\n".join(head.extensions)),
        ).fetchone()
        return row is not None

    # Vouchers -----------------------------------------------------------------------------------

    def limited(self) -> Iterable[int]:
        rows = self.connection.execute("SELECT branch FROM standing WHERE bound IS NOT NULL ORDER BY branch")
        return [branch for (branch,) in rows]

    def beyond(self, branch: int, limit: int) -> Iterable[tuple[int, bytes]]:
        for first, last in self.stretches(branch, limit, self.branch(branch).size):
            rows = self.connection.execute(
                "SELECT place, leaf FROM entry WHERE place >= ? AND place < ? AND payload IS NOT NULL",
                (first, last),
            )
            yield from rows.fetchall()


def names_of(record: Record | Uninterpreted) -> Iterable[bytes]:
    """The ids that a record names, whether or not this version interprets it."""
    return record.names if isinstance(record, Uninterpreted) else subjects(record)


@dataclass(frozen=True, slots=True)
class HeldBranch:
    """A branch as `replica` sees it: the whole of it, what it shares with its base included."""

    holding: Holding
    number: int

    @property
    def start(self) -> int:
        return self.holding.start(self.number)

    @property
    def size(self) -> int:
        return self.holding.branch(self.number).size

    def state(self) -> LogState:
        row = self.holding.branch(self.number)
        return LogState(row.log, row.size, row.compact, self.holding.head_of_size(self.number, row.size))

    def state_at(self, size: int) -> LogState:
        return self.holding.state_at(self.number, size)

    def leaves(self, start: int, end: int) -> list[bytes]:
        return self.holding.leaves(self.number, start, end)

    def head_over(self, index: int) -> Head:
        return self.holding.head_over(self.number, index)


def branch_index(place: int) -> tuple[int, int]:
    """A place as branch number and index."""
    return place >> PLACE_BITS, place & INDEX_MASK
