"""The roster: which logs a node holds and how far, as a trie whose hashes tell where two of them differ.

Decides what is hashed and in which form, so that two nodes which hold the same
have the same hashes whatever their history. A roster never changes: with one
log more, or a longer one, it is another, which shares nearly all of the first.
So a session keeps the one that it began with for nothing. What is sent of it is
`reconcile`'s (docs/spec/reconciliation.md).

Hashes are worked out when they are asked for, and kept.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Final, NamedTuple

from ledger.log import LogKey

BUCKET: Final = 16
"""logs that a node of the trie lists without a further level; 47,000 are three levels deep."""

_EMPTY: Final = bytes(32)
"""What stands for a branch of the trie in which there is nothing."""


class Mark(NamedTuple):
    """How far a log is held: a head's size and root, or, of a forked log, its cut and no root."""

    number: int
    root: bytes = b""

    @property
    def is_cut(self) -> bool:
        """Whether the log is forked."""
        return not self.root

    @property
    def code(self) -> int:
        """The number as it is sent: twice the size, or twice the cut and one."""
        return self.number << 1 | self.is_cut


class Node:
    """A part of a roster: all logs whose keys begin with some nibbles. Never changed."""

    __slots__ = ("_heads", "_keys", "children", "count", "logs", "marks")

    def __init__(
        self,
        children: tuple[Node | None, ...] = (),
        logs: tuple[LogKey, ...] = (),
        marks: tuple[Mark, ...] = (),
    ) -> None:
        self.children = children
        self.logs = logs
        self.marks = marks
        self.count: int = sum(child.count for child in children if child) if children else len(logs)
        self._keys: bytes | None = None
        self._heads: bytes | None = None

    @property
    def keys_hash(self) -> bytes:
        """SHA-256 (32 bytes) that depends on which logs there are."""
        if self._keys is None:
            if self.children:
                self._keys = _hash(b"\x01", (child.keys_hash if child else _EMPTY for child in self.children))
            else:
                self._keys = _hash(b"\x00", self.logs)
        return self._keys

    @property
    def heads_hash(self) -> bytes:
        """SHA-256 (32 bytes) that depends on how far each is held."""
        if self._heads is None:
            if self.children:
                self._heads = _hash(
                    b"\x03", (child.heads_hash if child else _EMPTY for child in self.children)
                )
            else:
                self._heads = _hash(b"\x02", (one.code.to_bytes(8, "big") + one.root for one in self.marks))
        return self._heads

    def items(self) -> Iterator[tuple[LogKey, Mark]]:
        """The logs and how far they are held, in the order of their keys."""
        if self.children:
            for child in self.children:
                if child is not None:
                    yield from child.items()
        else:
            yield from zip(self.logs, self.marks, strict=True)


def _hash(kind: bytes, parts: Iterable[bytes]) -> bytes:
    return sha256(kind + b"".join(parts)).digest()


def nibble(log: bytes, depth: int) -> int:
    """The nibble (0 to 15) of a key that decides at a depth; the higher half of a byte comes first."""
    return log[depth >> 1] >> 4 if depth % 2 == 0 else log[depth >> 1] & 15


def _make(items: Sequence[tuple[LogKey, Mark]], depth: int) -> Node | None:
    """The node of some logs, in the order of their keys, which have `depth` nibbles in common."""
    if not items:
        return None
    if len(items) <= BUCKET:
        return Node(logs=tuple(log for log, _ in items), marks=tuple(mark for _, mark in items))
    groups: list[list[tuple[LogKey, Mark]]] = [[] for _ in range(16)]
    for item in items:
        groups[nibble(item[0], depth)].append(item)
    return Node(tuple(_make(group, depth + 1) for group in groups))


class Roster:
    """All logs that a node holds, and how far; with `put` and `without` another one is made of it."""

    def __init__(self, held: Mapping[LogKey, Mark] | Iterable[tuple[LogKey, Mark]] = ()) -> None:
        self.root: Node | None = _make(sorted(dict(held).items()), 0)

    @classmethod
    def _of(cls, root: Node | None) -> Roster:
        made = cls()
        made.root = root
        return made

    def __len__(self) -> int:
        return self.root.count if self.root else 0

    def items(self) -> Iterator[tuple[LogKey, Mark]]:
        """The logs and how far they are held, in the order of their keys."""
        return self.root.items() if self.root else iter(())

    @property
    def state(self) -> bytes:
        """What names this very roster: 16 bytes of a SHA-256 of both hashes."""
        if self.root is None:
            return bytes(16)
        return sha256(self.root.keys_hash + self.root.heads_hash).digest()[:16]

    def node(self, path: Sequence[int]) -> Node | None:
        """The part in which all keys begin with some nibbles.

        Below a node that lists its logs it is one made of those that fit.
        """
        found = self.root
        for depth, step in enumerate(path):
            if found is None:
                return None
            if not found.children:
                rest = [item for item in found.items() if _begins(item[0], path, depth)]
                return _make(rest, len(path))
            found = found.children[step]
        return found

    def get(self, log: LogKey) -> Mark | None:
        """How far a log is held, None if it is not."""
        found, depth = self.root, 0
        while found is not None and found.children:
            found, depth = found.children[nibble(log, depth)], depth + 1
        if found is None:
            return None
        at = bisect_left(found.logs, log)
        return found.marks[at] if at < len(found.logs) and found.logs[at] == log else None

    def put(self, log: LogKey, mark: Mark) -> Roster:
        """The roster in which a log is held as far as `mark`."""
        return Roster._of(_put(self.root, log, mark, 0))

    def without(self, log: LogKey) -> Roster:
        """The roster in which a log is not held."""
        return Roster._of(_without(self.root, log, 0))

    # By place -----------------------------------------------------------------------------------

    def place(self, log: LogKey) -> int | None:
        """The place of a log in the order of the keys, counted from 0; None if it is not held."""
        found, depth, before = self.root, 0, 0
        while found is not None and found.children:
            step = nibble(log, depth)
            before += sum(child.count for child in found.children[:step] if child)
            found, depth = found.children[step], depth + 1
        if found is None:
            return None
        at = bisect_left(found.logs, log)
        return before + at if at < len(found.logs) and found.logs[at] == log else None

    def at(self, place: int) -> LogKey:
        """The log at a place. Raises IndexError."""
        found = self.root
        if found is None or not 0 <= place < found.count:
            raise IndexError(place)
        while found.children:
            for child in found.children:
                if child is None:
                    continue
                if place < child.count:
                    found = child
                    break
                place -= child.count
        return found.logs[place]

    # Differences --------------------------------------------------------------------------------

    def changes(self, older: Roster) -> Iterator[tuple[LogKey, Mark | None]]:
        """What is otherwise in this one than in an older one: the logs, in the order of their keys.

        With each how far it is held here, None if it is not. Costs as much as differs.
        """
        yield from _changes(self.root, older.root)


def _begins(log: bytes, path: Sequence[int], depth: int) -> bool:
    """Whether a key that fits a path down to a depth fits the rest of it."""
    return all(nibble(log, at) == path[at] for at in range(depth, len(path)))


def _put(node: Node | None, log: LogKey, mark: Mark, depth: int) -> Node:
    if node is None:
        return Node(logs=(log,), marks=(mark,))
    if node.children:
        step = nibble(log, depth)
        child = _put(node.children[step], log, mark, depth + 1)
        return Node((*node.children[:step], child, *node.children[step + 1 :]))
    at = bisect_left(node.logs, log)
    after = at + (at < len(node.logs) and node.logs[at] == log)
    logs, marks = node.logs, node.marks
    items = [
        *zip(logs[:at], marks[:at], strict=True),
        (log, mark),
        *zip(logs[after:], marks[after:], strict=True),
    ]
    made = _make(items, depth)
    assert made is not None
    return made


def _without(node: Node | None, log: LogKey, depth: int) -> Node | None:
    if node is None:
        return None
    if not node.children:
        return _make([item for item in node.items() if item[0] != log], depth)
    step = nibble(log, depth)
    child = _without(node.children[step], log, depth + 1)
    left = Node((*node.children[:step], child, *node.children[step + 1 :]))
    return left if left.count > BUCKET else _make(list(left.items()), depth)


def _changes(here: Node | None, older: Node | None) -> Iterator[tuple[LogKey, Mark | None]]:
    if here is older:
        return
    if here and older and here.children and older.children:
        for one, other in zip(here.children, older.children, strict=True):
            yield from _changes(one, other)
        return
    mine = dict(here.items()) if here else {}
    before = dict(older.items()) if older else {}
    for log in sorted(mine.keys() | before.keys()):
        if mine.get(log) != before.get(log):
            yield log, mine.get(log)
