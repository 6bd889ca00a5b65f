"""Excerpts of a roster as they are sent in a comparison: hashes, sizes, lists and changes.

Decides the bytes of each, and refuses what is not well-formed. Which of them is
said when is `reconcile`'s.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from ledger.log import LogKey

from .compact import MAX_DEPTH, Unpacker, pack_number, pack_rest
from .errors import ReconcileError
from .roster import Mark, Node, Roster

HASH_BYTES: Final = 16
"""bytes of a hash of the trie on the wire."""

PREFIX_BYTES: Final = 8
"""bytes of a root in a list."""

_MANY: Final = 16
"""A roster of which more than this fraction changes is made anew: that is quicker than log by log."""

Path = tuple[int, ...]


def short(digest: bytes) -> bytes:
    """A hash as it is sent."""
    return digest[:HASH_BYTES]


def hashes_of_children(node: Node, *, both: bool) -> bytes:
    """Which of the 16 children there are, and their hashes."""
    bits = sum(1 << step for step, child in enumerate(node.children) if child)
    hashes = (
        (short(child.keys_hash) if both else b"") + short(child.heads_hash)
        for child in node.children
        if child
    )
    return bits.to_bytes(2, "big") + b"".join(hashes)


def read_bitmap(reader: Unpacker) -> list[bool]:
    """Which of 16 children there are."""
    bits = int.from_bytes(reader.take(2), "big")
    return [bool(bits >> step & 1) for step in range(16)]


def children_of(path: Path, node: Node | None) -> Sequence[Node | None]:
    """The 16 children of a node; one that lists its logs has none."""
    if len(path) >= MAX_DEPTH:
        raise ReconcileError("A path in a comparison is longer than a key.")
    return (None,) * 16 if node is None or not node.children else node.children


def sizes_of(node: Node) -> bytes:
    """How many logs a node has, and the number of each in the order of their keys."""
    return pack_number(node.count) + b"".join(pack_number(mark.code) for _, mark in node.items())


def entry_of(log: LogKey, mark: Mark, depth: int) -> bytes:
    """A log in a list whose path has `depth` nibbles."""
    root = b"" if mark.is_cut else mark.root[:PREFIX_BYTES]
    return pack_rest(log, depth) + pack_number(mark.code) + root


def read_entries(reader: Unpacker, path: Path) -> Iterator[tuple[LogKey, int, bytes]]:
    """Logs in the order of their keys: key, number, and beginning of the root."""
    last = b""
    count = reader.count(32 - (len(path) >> 1) + 1)
    if not count:
        raise ReconcileError("A comparison lists no logs.")
    for _ in range(count):
        log = reader.rest(path)
        if log <= last:
            raise ReconcileError("The logs in a comparison do not stand in their order.")
        last = log
        code = reader.number()
        if not code:
            raise ReconcileError("A comparison lists a log of which nothing is held.")
        yield LogKey(log), code, b"" if code & 1 else reader.take(PREFIX_BYTES)


def pack_places(answers: Sequence[tuple[int, int]]) -> bytes:
    """Places with a number each; every place as its distance from the one before."""
    packed = [pack_number(len(answers))]
    last = -1
    for place, code in answers:
        packed += (pack_number(place - last - 1), pack_number(code))
        last = place
    return b"".join(packed)


def read_places(reader: Unpacker, end: int) -> Iterator[tuple[int, int]]:
    """Places below `end` with a number each."""
    place = -1
    for _ in range(reader.count(2)):
        place += reader.number() + 1
        if place >= end:
            raise ReconcileError("A comparison names a place that is not there.")
        yield place, reader.number()


def changes_since(roster: Roster, remembered: Roster) -> bytes:
    """What is otherwise than in a remembered roster: by its place there, or by key if it had none."""
    known: list[bytes] = []
    fresh: list[bytes] = []
    last = -1
    for log, mark in roster.changes(remembered):
        number = pack_number(0) if mark is None else pack_number(mark.code) + mark.root
        place = remembered.place(log)
        if place is None:
            fresh.append(log + number)
        else:
            known.append(pack_number(place - last - 1) + number)
            last = place
    return b"".join((pack_number(len(known)), *known, pack_number(len(fresh)), *fresh))


def read_mark(reader: Unpacker) -> Mark | None:
    """How far a log is held, with the whole root; None if it is not."""
    code = reader.number()
    if not code:
        return None
    return Mark(code >> 1) if code & 1 else Mark(code >> 1, reader.take(32))


def read_changes(reader: Unpacker) -> list[tuple[int | LogKey, Mark | None]]:
    """What has changed: places in the remembered roster, then keys; with each how far that is held now."""
    changes: list[tuple[int | LogKey, Mark | None]] = []
    place = -1
    for _ in range(reader.count(2)):
        place += reader.number() + 1
        changes.append((place, read_mark(reader)))
    last = b""
    for _ in range(reader.count(33)):
        log = reader.take(32)
        mark = read_mark(reader)
        if log <= last:
            raise ReconcileError("The logs in a comparison do not stand in their order.")
        if mark is None:
            raise ReconcileError("A comparison lists a log of which nothing is held.")
        last = log
        changes.append((LogKey(log), mark))
    return changes


def apply_changes(remembered: Roster, changes: Sequence[tuple[int | LogKey, Mark | None]]) -> Roster:
    """The roster that a remembered one has become, by what the other side says has changed.

    Raises ReconcileError for a place that is not there.
    """
    named: list[tuple[LogKey, Mark | None]] = []
    for where, mark in changes:
        if isinstance(where, int):
            if where >= len(remembered):
                raise ReconcileError("A comparison names a place that is not there.")
            where = remembered.at(where)
        named.append((where, mark))
    if len(named) > len(remembered) // _MANY:
        held = {**dict(remembered.items()), **dict(named)}
        return Roster((log, mark) for log, mark in held.items() if mark is not None)
    roster = remembered
    for log, mark in named:
        roster = roster.without(log) if mark is None else roster.put(log, mark)
    return roster
