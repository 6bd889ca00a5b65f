"""What the database holds, as the rules ask for it.

Decides nothing: it answers `held.Holdings` and `held.Vouchers` from the tables,
and finds entries for `dealings`, over any one connection. An instance
remembers much of what it was asked; whoever changes the tables says what to
forget.
"""

from __future__ import annotations

import sqlite3
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final, TypeVar

import msgspec

from ..dealings import Found
from ..evidence import Evidence, decode_evidence
from ..held import Part, Sight, Standing, place_of
from ..log import EntryId, Head, LogKey
from ..ordinary import STEPS
from ..records import CommuneId, Malformed, Record, Uninterpreted, parse, reread, subjects
from .branches import Branches, make_room

MAX_LOOKS: Final = 50_000
"""heads seen in entries that an instance remembers; some 200 bytes each."""

MAX_READ: Final = 4_096
"""entries kept parsed, since the next moves are mostly about the newest; about 1 KiB each."""

UNKNOWN, KNOWN, PROPOSAL = 0, 1, 2
"""What the indices say of an entry: this version cannot interpret it, it is a record, it is a proposal."""

MAX_ASKED: Final = 256
"""entries that one question to an index names; bounds what is fetched at once."""

Item = TypeVar("Item")

_NO_RECORD: Final = (Malformed, Uninterpreted)  # a union is made anew each time that it is written in a loop

_Look = tuple[int, int, bytes, bool | None]
"""A head seen: the index of the entry that carries it, its size and root, and whether its signature holds."""


def prefix_of(entry: bytes) -> int:
    """The first 8 bytes of an id as SQLite's integer: a small key to look it up by."""
    return int.from_bytes(entry[:8], "big", signed=True)


def names_of(record: Record | Uninterpreted) -> Iterable[bytes]:
    """The ids that a record names, whether or not this version interprets it."""
    return record.names if isinstance(record, Uninterpreted) else subjects(record)


def listed(numbers: Iterable[int]) -> str:
    """Whole numbers as one value, for SQL's `IN (SELECT value FROM json_each(?))`."""
    return f"[{','.join(map(str, numbers))}]"


def portions(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    """Items in portions that one question can name."""
    for start in range(0, len(items), MAX_ASKED):
        yield items[start : start + MAX_ASKED]


class Holding(Branches):
    """The tables as holdings, over one connection."""

    def __init__(self, connection: sqlite3.Connection, network: str) -> None:
        super().__init__(connection)
        self.network = network
        self._standing: dict[int, Standing | None] = {}
        self._predecessors: dict[int, Sequence[Part]] = {}
        self._cuts: dict[bytes, int | None] = {}
        self._looks: dict[tuple[int, bytes], list[_Look]] = {}
        self._looks_held = 0
        self._read: dict[int, Found] = {}
        self._located: dict[bytes, list[Found]] = {}
        self._about: dict[bytes, list[Found]] = {}

    def write(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        """Execute a statement for each of some rows; mostly there are none, and that costs nothing."""
        if rows:
            self.connection.executemany(statement, rows)

    def forget(self) -> None:
        """Drop everything remembered: the tables may have changed."""
        super().forget()
        for remembered in (self._standing, self._predecessors, self._cuts, self._looks, self._read):
            remembered.clear()
        self._looks_held = 0
        self.release()

    def forget_branch(self, number: int) -> None:
        """Drop what is remembered of one branch."""
        super().forget_branch(number)
        self._standing.pop(number, None)
        self._predecessors.pop(number, None)

    def forget_cut(self, log: bytes) -> None:
        """Drop what is remembered of a log's cut."""
        self._cuts.pop(log, None)

    # Evidence and standing ----------------------------------------------------------------------

    def cut(self, log: LogKey) -> int | None:
        if log not in self._cuts:
            row = self.connection.execute("SELECT cut FROM evidence WHERE log = ?", (log,)).fetchone()
            make_room(self._cuts)
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
            make_room(self._standing)
            self._standing[branch] = (
                None if row is None else Standing(CommuneId(row[0]), row[1], row[2], bool(row[3]))
            )
        return self._standing[branch]

    def predecessors(self, branch: int) -> Sequence[Part]:
        if branch not in self._predecessors:
            row = self.connection.execute(
                "SELECT predecessors FROM standing WHERE branch = ? AND predecessors != x'90'", (branch,)
            ).fetchone()
            make_room(self._predecessors)
            self._predecessors[branch] = (
                () if row is None else [Part(*part) for part in msgspec.msgpack.decode(row[0])]
            )
        return self._predecessors[branch]

    def is_witnessed(self, place: int) -> bool:
        row = self.connection.execute("SELECT 1 FROM witnessed WHERE place = ?", (place,)).fetchone()
        return row is not None

    # Entries ------------------------------------------------------------------------------------

    def record_at(self, place: int) -> tuple[bytes, Record | Uninterpreted | Malformed | None]:
        """An entry's id and record; None for an erased one."""
        row = self.connection.execute("SELECT leaf, payload FROM entry WHERE place = ?", (place,)).fetchone()
        return row[0], None if row[1] is None else parse(row[1])

    def opening(self, branch: int) -> EntryId | None:
        """The id of a branch's entry 0, None if that is not held."""
        place = place_of(self.lineage(branch, 1)[-1].branch, 0)
        row = self.connection.execute("SELECT leaf FROM entry WHERE place = ?", (place,)).fetchone()
        return None if row is None else EntryId(row[0])

    def places_of(self, entry: bytes) -> list[int]:
        """Where an entry is held; in more than one place if branches hold equal leaves."""
        rows = self.connection.execute(
            "SELECT place FROM identity JOIN entry USING (place) WHERE prefix = ? AND leaf = ?",
            (prefix_of(entry), entry),
        )
        return [place for (place,) in rows]

    def located(self, entry: bytes) -> list[Found]:
        """Every place where an entry is held, with what it says, if it can be read."""
        found = self._located.get(entry)
        return self._locate([entry])[entry] if found is None else found

    def about(self, entry: bytes) -> list[Found]:
        """Every record that names an entry."""
        found = self._about.get(entry)
        return self._find_about([entry])[entry] if found is None else found

    def naming(self, entry: bytes) -> Iterable[int]:
        return [place for place, _, _ in self.about(entry)]

    def prepare(self, entries: Sequence[bytes]) -> None:
        """Fetch at once what is held as and about some entries, one of `portions`, until `release`."""
        self._located = self._locate(entries)
        self._about = self._find_about(entries)

    def release(self) -> None:
        """Drop what was prepared."""
        self._located, self._about = {}, {}

    def remember(self, entries: Iterable[Found]) -> None:
        """Keep entries as they were read when they were stored, until `trim`."""
        self._read.update((found[0], found) for found in entries)

    def trim(self) -> None:
        """Keep the newest of the entries that were remembered."""
        for place in list(islice(self._read, max(0, len(self._read) - MAX_READ))):
            del self._read[place]

    def _locate(self, entries: Sequence[bytes]) -> dict[bytes, list[Found]]:
        located: dict[bytes, list[Found]] = {entry: [] for entry in entries}
        rows = self.connection.execute(
            "SELECT place, known FROM identity WHERE prefix IN (SELECT value FROM json_each(?))",
            (listed(map(prefix_of, entries)),),
        )
        for found in self._read_all(dict(rows.fetchall())):
            if found[1] in located:
                located[found[1]].append(found)
        return located

    def _find_about(self, entries: Sequence[bytes]) -> dict[bytes, list[Found]]:
        about: dict[bytes, list[Found]] = {entry: [] for entry in entries}
        rows = self.connection.execute(
            "SELECT place, known FROM about WHERE prefix IN (SELECT value FROM json_each(?))",
            (listed(map(prefix_of, entries)),),
        )
        for found in self._read_all(dict(rows.fetchall())):
            record = found[2]
            # Another id may share the prefix, by chance or on purpose.
            for name in (record.exchange,) if isinstance(record, STEPS) else names_of(record):
                if name in about:
                    about[name].append(found)
        return about

    def _read_all(self, places: Mapping[int, int]) -> list[Found]:
        """The entries at some places, with what is known of them, that can be read."""
        remembered = self._read
        read = [remembered[place] for place in places if place in remembered]
        wanted = [place for place in places if place not in remembered]
        if not wanted:
            return read
        rows = self.connection.execute(
            "SELECT place, leaf, payload FROM entry WHERE place IN (SELECT value FROM json_each(?))",
            (listed(wanted),),
        )
        for place, leaf, payload in rows.fetchall():
            if payload is None:
                continue
            known = places[place] != UNKNOWN
            record = reread(payload) if known else parse(payload)
            if isinstance(record, _NO_RECORD):
                if known:
                    raise sqlite3.DatabaseError("malformed record")
                if isinstance(record, Malformed):
                    continue
            read.append((place, leaf, record))
        return read

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
            found.append(look)
            self._looks_held += 1

    def all_sights(self, log: LogKey, above: int) -> Iterable[Sight]:
        rows = self.connection.execute(
            "SELECT branch, at, size, root, sound FROM sight WHERE log = ? AND size > ?", (log, above)
        )
        for branch, at, size, root, sound in rows.fetchall():
            place = place_of(branch, at)
            if sound if sound is not None else self.is_sound(place, log, size, root):
                yield Sight(place, size, root)

    def is_seen(self, log: LogKey, above: int, size: int) -> bool:
        """Whether any entry has seen a head of a log beyond `above` and up to `size`, signed or not."""
        row = self.connection.execute(
            "SELECT 1 FROM sight WHERE log = ? AND size > ? AND size <= ? LIMIT 1", (log, above, size)
        ).fetchone()
        return row is not None

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
            "WHERE log = ? AND head.size = ? AND head.root = ? AND signature = ? AND extensions = ?",
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
