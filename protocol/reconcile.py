"""Reconciliation: two nodes find out which of their logs differ, at a cost that grows with the difference.

Decides what is said to compare two rosters and what follows from it, for both
sides at once: afterwards each knows of every log that differs how far the other
holds it. What is done about it is `replicate`'s. The two take turns; a turn
answers every question of the one before, and one that asks nothing is the last
(docs/spec/reconciliation.md).

Works on the roster as it was when the session began. The form of turns, and who may
say what in them, is `turns`'.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Final, NamedTuple, TypeAlias

from ledger.log import LogKey

from .compact import Unpacker, pack_number
from .errors import ReconcileError
from .extracts import (
    HASH_BYTES,
    Path,
    apply_changes,
    changes_since,
    children_of,
    entry_of,
    hashes_of_children,
    pack_places,
    read_bitmap,
    read_changes,
    read_entries,
    read_places,
    short,
    sizes_of,
)
from .limits import MAX_DIFFERENCES, MEMORY_BYTES, MEMORY_LEAST_BYTES, RECONCILE_BYTES
from .roster import Mark, Node, Roster, nibble
from .turns import Tag, Turns

SIZES_AT: Final = 256
"""logs in a part of the trie whose sizes are sent instead of the 16 hashes below it, which cost as much."""

LIST_AT: Final = 16
"""logs in a part of the trie which are listed instead of the 32 hashes below it."""

LIST_ITEM: Final = 1_024
"""logs in one list; more are several lists."""

LISTED_DEPTH: Final = 12
"""nibbles from which on logs are listed however many: only keys that were made to share more."""

_Item: TypeAlias = tuple[LogKey, Mark]


class Difference(NamedTuple):
    """A log that the two sides hold differently; None where a side does not hold it.

    `theirs` is a number as `Mark.code` gives it. Where both numbers agree,
    the roots do not: the log is forked.
    """

    log: LogKey
    mine: Mark | None
    theirs: int | None

    @property
    def their_size(self) -> int:
        """The size that the other side holds, 0 if none or if it holds the log as forked."""
        return 0 if self.theirs is None or self.theirs & 1 else self.theirs >> 1


class Reconciler:
    """One side of a comparison, without a socket.

    Send what `begin` gives (the initiator), then give what comes to `receive`
    and send what it gives, until `is_done`; then `differences` is whole.
    `remembered` is the roster that the two last had in common, if this side
    remembers it. Raises ReconcileError for good.
    """

    def __init__(self, roster: Roster, *, initiator: bool, remembered: Roster | None = None) -> None:
        self.differences: dict[LogKey, Difference] = {}
        self._roster = roster
        self._remembered = remembered
        self._turns = Turns(initiator=initiator)

    @property
    def is_done(self) -> bool:
        """Whether nothing more is said or expected."""
        return self._turns.is_done

    def begin(self) -> list[bytes]:
        """The first turn, the initiator's."""
        changes = None if self._remembered is None else self._changes(self._remembered)
        root = self._roster.root
        if changes is not None:
            assert self._remembered is not None
            self._turns.ask(Tag.MEMORY, (), self._remembered.state + self._roster.state + changes)
        elif root is None:
            self._turns.ask(Tag.ROOT, (), bytes(2 * HASH_BYTES))
        else:
            self._turns.ask(Tag.ROOT, (), short(root.keys_hash) + short(root.heads_hash))
        return self._turns.begin()

    def receive(self, body: bytes) -> list[bytes]:
        """Take a message of the other side's turn; what to send then, nothing while its turn goes on."""
        return self._turns.receive(body, self._take)

    def _take(self, tag: Tag, path: Path, reader: Unpacker) -> None:
        """Take one item, which this side expects here."""
        node = self._roster.node(path)
        match tag:
            case Tag.ROOT:
                self._take_root(reader)
            case Tag.CHILDREN:
                self._take_children(path, node, reader)
            case Tag.BOTH:
                self._take_both(path, node, reader)
            case Tag.ALL:
                self._list(path, node)
            case Tag.SIZES:
                self._take_sizes(path, node, reader)
            case Tag.OTHER_SIZES:
                self._take_other_sizes(path, node, reader)
            case Tag.ROOTS:
                self._take_roots(path, node, reader)
            case Tag.ROOTS_ANSWER:
                self._take_places(tag, node, reader)
            case Tag.LIST:
                self._take_list(path, node, reader)
            case Tag.LIST_ANSWER:
                self._take_places(tag, node, reader)
            case Tag.LACKED:
                self._take_lacked(path, node, reader)
            case Tag.MEMORY:
                self._take_memory(reader)
            case Tag.MEMORY_ANSWER:
                self._take_memory_answer(reader)

    def _note(self, log: LogKey, mine: Mark | None, theirs: int | None) -> None:
        if log in self.differences:
            raise ReconcileError("A comparison answers a question twice.")
        if len(self.differences) >= MAX_DIFFERENCES:
            raise ReconcileError(
                "The two sides differ in more than the {limit} logs allowed.", limit=MAX_DIFFERENCES
            )
        self.differences[log] = Difference(log, mine, theirs)

    # Down to where the two differ ---------------------------------------------------------------

    def _take_root(self, reader: Unpacker) -> None:
        keys, heads = reader.take(HASH_BYTES), reader.take(HASH_BYTES)
        if any(keys):
            self._descend((), self._roster.root, keys, heads)
        else:
            self._list((), self._roster.root)

    def _descend(self, path: Path, node: Node | None, keys: bytes | None, heads: bytes) -> None:
        """Say the next thing about a part of which the other side sent hashes; `keys` None: they agree."""
        if node is None:
            self._turns.ask(Tag.ALL, path)
        elif keys is None or keys == short(node.keys_hash):
            if heads == short(node.heads_hash):
                return
            if node.count <= SIZES_AT:
                self._turns.ask(Tag.SIZES, path, sizes_of(node))
            else:
                self._turns.ask(Tag.CHILDREN, path, hashes_of_children(node, both=False))
        else:
            self._differ(path, node)

    def _differ(self, path: Path, node: Node | None) -> None:
        """Say the next thing about a part of which the other side holds other logs."""
        if node is None:
            self._turns.ask(Tag.ALL, path)
        elif node.count <= LIST_AT or len(path) >= LISTED_DEPTH:
            self._list(path, node)
        else:
            self._turns.ask(Tag.BOTH, path, hashes_of_children(node, both=True))

    def _list(self, path: Path, node: Node | None) -> None:
        """List a part in which the other side may hold nothing."""
        if node is not None:
            for below, items in _lists(path, list(node.items())):
                self._turns.ask(Tag.LIST, below, _entries(below, items))

    def _take_children(self, path: Path, node: Node | None, reader: Unpacker) -> None:
        mine = children_of(path, node)
        theirs = read_bitmap(reader)
        if theirs != [child is not None for child in mine]:
            raise ReconcileError("A comparison says that keys agree which do not.")
        for step, child in enumerate(mine):
            if child is not None:
                self._descend((*path, step), child, None, reader.take(HASH_BYTES))

    def _take_both(self, path: Path, node: Node | None, reader: Unpacker) -> None:
        theirs = [
            (reader.take(HASH_BYTES), reader.take(HASH_BYTES)) if present else None
            for present in read_bitmap(reader)
        ]
        if node is None or node.count <= LIST_AT:
            self._differ(path, node)
            return
        for step, (child, hashes) in enumerate(zip(children_of(path, node), theirs, strict=True)):
            below = (*path, step)
            if hashes is not None:
                self._descend(below, child, *hashes)
            else:
                self._list(below, child)

    # Sizes and roots, where the keys agree ------------------------------------------------------

    def _take_sizes(self, path: Path, node: Node | None, reader: Unpacker) -> None:
        count = reader.count(1)
        if node is None or node.count != count:
            raise ReconcileError("A comparison says that keys agree which do not.")
        answers: list[tuple[int, int]] = []
        for place, (log, mark) in enumerate(node.items()):
            theirs = reader.number()
            if theirs != mark.code:
                self._note(log, mark, theirs)
                answers.append((place, mark.code))
        if answers:
            content = pack_places(answers) + _digest(self._agreeing(node))
            self._turns.ask(Tag.OTHER_SIZES, path, content)
        else:
            self._ask_roots(path, node)

    def _take_other_sizes(self, path: Path, node: Node | None, reader: Unpacker) -> None:
        assert node is not None, "its sizes were sent"
        self._take_places(Tag.OTHER_SIZES, node, reader)
        if reader.take(HASH_BYTES) != _digest(self._agreeing(node)):
            self._ask_roots(path, node)

    def _agreeing(self, node: Node) -> list[_Item]:
        """The logs of a part of whose sizes both sides know that they agree."""
        return [(log, mark) for log, mark in node.items() if log not in self.differences]

    def _ask_roots(self, path: Path, node: Node) -> None:
        roots = b"".join(short(mark.root) for _, mark in self._agreeing(node))
        self._turns.ask(Tag.ROOTS, path, roots)

    def _take_roots(self, path: Path, node: Node | None, reader: Unpacker) -> None:
        assert node is not None, "its sizes were sent"
        answers: list[tuple[int, int]] = []
        for place, (log, mark) in enumerate(node.items()):
            if log not in self.differences and reader.take(len(short(mark.root))) != short(mark.root):
                self._note(log, mark, mark.code)
                answers.append((place, mark.code))
        self._turns.say(Tag.ROOTS_ANSWER, path, pack_places(answers))

    def _take_places(self, tag: Tag, node: Node | None, reader: Unpacker) -> None:
        """Take what the other side holds otherwise of a part of which this side has sent what it holds."""
        assert node is not None, "something was asked of it"
        items = list(node.items())
        for place, theirs in read_places(reader, len(items)):
            log, mark = items[place]
            same = theirs == mark.code
            if same if tag is Tag.OTHER_SIZES else not same and tag is Tag.ROOTS_ANSWER:
                raise ReconcileError("A comparison answers that something differs which does not.")
            self._note(log, mark, theirs or None)

    # Lists, where they do not -------------------------------------------------------------------

    def _take_list(self, path: Path, node: Node | None, reader: Unpacker) -> None:
        mine = dict(node.items()) if node else {}
        answers: list[tuple[int, int]] = []
        for place, (log, theirs, prefix) in enumerate(read_entries(reader, path)):
            mark = mine.pop(log, None)
            if mark is None or mark.code != theirs or not mark.root.startswith(prefix):
                self._note(log, mark, theirs)
                answers.append((place, 0 if mark is None else mark.code))
        if answers:
            self._turns.say(Tag.LIST_ANSWER, path, pack_places(answers))
        for log, mark in mine.items():
            self._note(log, mark, None)
        for below, items in _lists(path, list(mine.items())):
            self._turns.say(Tag.LACKED, below, _entries(below, items))

    def _take_lacked(self, path: Path, node: Node | None, reader: Unpacker) -> None:
        held = {log for log, _ in node.items()} if node else set()
        for log, theirs, _ in read_entries(reader, path):
            if log in held:
                raise ReconcileError("A comparison lists a log as missing that was listed.")
            self._note(log, None, theirs)

    # What is remembered -------------------------------------------------------------------------

    def _changes(self, remembered: Roster) -> bytes | None:
        """What has changed since then, None if the whole comparison is cheaper."""
        changes = changes_since(self._roster, remembered)
        limit = max(MEMORY_LEAST_BYTES, MEMORY_BYTES * len(self._roster))
        return changes if len(changes) <= min(limit, RECONCILE_BYTES) else None

    def _take_memory(self, reader: Unpacker) -> None:
        state, now = reader.take(HASH_BYTES), reader.take(HASH_BYTES)
        changes = read_changes(reader)
        remembered = self._remembered
        if now == self._roster.state:
            return
        if remembered is not None and remembered.state == state:
            mine = self._changes(remembered)
            theirs = apply_changes(remembered, changes)
            if mine is not None and theirs.state == now:
                self._note_all(theirs)
                self._turns.say(Tag.MEMORY_ANSWER, (), self._roster.state + mine)
                return
        self._differ((), self._roster.root)

    def _take_memory_answer(self, reader: Unpacker) -> None:
        assert self._remembered is not None, "it was asked"
        now = reader.take(HASH_BYTES)
        theirs = apply_changes(self._remembered, read_changes(reader))
        if theirs.state != now:
            raise ReconcileError(
                "What the other side says has changed does not lead to what it says it holds."
            )
        self._note_all(theirs)

    def _note_all(self, theirs: Roster) -> None:
        for log, mine in self._roster.changes(theirs):
            mark = theirs.get(log)
            self._note(log, mine, None if mark is None else mark.code)


def _digest(items: Iterable[_Item]) -> bytes:
    """What stands for the roots of some logs whose sizes agree."""
    return short(sha256(b"".join(mark.root for _, mark in items)).digest())


def _entries(path: Path, items: Sequence[_Item]) -> bytes:
    return pack_number(len(items)) + b"".join(entry_of(log, mark, len(path)) for log, mark in items)


def _lists(path: Path, items: list[_Item]) -> Iterable[tuple[Path, list[_Item]]]:
    """Logs that begin with a path, in their order, as lists of a bounded length with a path each."""
    if len(items) <= LIST_ITEM:
        if items:
            yield path, items
        return
    groups: list[list[_Item]] = [[] for _ in range(16)]
    for item in items:
        groups[nibble(item[0], len(path))].append(item)
    for step, group in enumerate(groups):
        yield from _lists((*path, step), group)
