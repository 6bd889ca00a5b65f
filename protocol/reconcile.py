"""Reconciliation: two nodes find out which of their logs differ, at a cost that grows with the difference.

Decides what is said to compare two rosters and what follows from it, for both
sides at once: afterwards each knows of every log that differs how far the other
holds it. What is done about it is `replicate`'s. The two take turns; a turn
answers every question of the one before, and one that asks nothing is the last
(docs/spec/reconciliation.md).

Works on the roster as it was when the session began.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final, NamedTuple

from ledger.log import LogKey

from .compact import Unpacker, pack_number, pack_path
from .errors import HandshakeError, ReconcileError
from .extracts import (
    HASH_BYTES,
    PREFIX_BYTES,
    Path,
    apply_changes,
    changes_since,
    children_of,
    entry_of,
    hashes_of_children,
    pack_places,
    read_bitmap,
    read_entries,
    read_flag,
    read_places,
    short,
    sizes_of,
    skip_changes,
)
from .limits import (
    MAX_DIFFERENCES,
    MAX_RECONCILE_TURNS,
    MAX_TURN_BYTES,
    RECONCILE_BYTES,
)
from .roster import Mark, Node, Roster

SIZES_AT: Final = 256
"""logs in a part of the trie whose sizes are sent instead of the 16 hashes below it, which cost as much."""

LIST_AT: Final = 16
"""logs in a part of the trie which are listed instead of the 32 hashes below it."""

LIST_ITEM: Final = 1_024
"""logs in one list; more are several lists."""

LISTED_DEPTH: Final = 12
"""nibbles from which on logs are listed however many: only keys that were made to share more."""


class Tag(IntEnum):
    """What an item of a turn is. The odd ones below 16 ask, the even ones answer."""

    ROOT = 0x01
    CHILDREN = 0x03
    BOTH = 0x05
    SIZES = 0x07
    SIZES_ANSWER = 0x08
    ROOTS = 0x09
    ROOTS_ANSWER = 0x0A
    LIST = 0x0B
    LIST_ANSWER = 0x0C
    MEMORY = 0x0D
    MEMORY_ANSWER = 0x0E

    @property
    def is_question(self) -> bool:
        """Whether it has to be answered."""
        return bool(self & 1)


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

    @property
    def their_cut(self) -> int | None:
        """The cut that the other side has evidence of, None if it has none."""
        return self.theirs >> 1 if self.theirs is not None and self.theirs & 1 else None


class Reconciler:
    """One side of a comparison, without a socket.

    Send what `begin` gives (the initiator), then give what comes to `receive`
    and send what it gives, until `is_done`; then `differences` is whole.
    `remembered` is the roster that the two last had in common, if this side
    remembers it. Raises ReconcileError for good.
    """

    def __init__(self, roster: Roster, *, initiator: bool, remembered: Roster | None = None) -> None:
        self.differences: dict[LogKey, Difference] = {}
        self.is_done = False
        self._roster = roster
        self._remembered = remembered
        self._initiator = initiator
        self._asked: dict[Path, Tag] = {}
        self._told: set[tuple[Tag, Path]] = set()
        self._turns = self._bytes = 0
        self._items: list[bytes] = []
        self._asking: dict[Path, Tag] = {}
        self._was_asked = False

    # Turns --------------------------------------------------------------------------------------

    def begin(self) -> list[bytes]:
        """The first turn, the initiator's."""
        if not self._initiator or self._turns:
            raise HandshakeError("It is not this side's turn to compare.")
        if self._remembered is not None:
            self._ask(Tag.MEMORY, (), self._memory(self._remembered))
        else:
            self._ask_root()
        return self._turn()

    def receive(self, body: bytes) -> list[bytes]:
        """Take a message of the other side's turn; what to send then, nothing while its turn goes on."""
        if self.is_done or (not self._turns and self._initiator):
            raise HandshakeError("No message of a comparison is expected here.")
        self._bytes += len(body)
        if self._bytes > MAX_TURN_BYTES:
            raise ReconcileError(
                "A turn of a comparison has more than the {limit} bytes allowed.", limit=MAX_TURN_BYTES
            )
        reader = Unpacker(body)
        goes_on = read_flag(reader)
        if goes_on and reader.is_done:
            raise ReconcileError("A message of a comparison says nothing and that more follows.")
        while not reader.is_done:
            self._was_asked = self._take(reader) or self._was_asked
        if goes_on:
            return []
        was_asked, self._was_asked = self._was_asked, False
        self._turns += 1
        self._bytes = 0
        self._told.clear()
        if not was_asked:
            self.is_done = True
            return []
        return self._turn()

    def _turn(self) -> list[bytes]:
        """The items of this side's turn as messages."""
        self._turns += 1
        if self._turns > MAX_RECONCILE_TURNS:
            raise ReconcileError("The comparison takes more than {limit} turns.", limit=MAX_RECONCILE_TURNS)
        self._asked, self._asking = self._asking, {}
        items, self._items = self._items, []
        self.is_done = not self._asked
        bodies: list[list[bytes]] = [[]]
        size = 0
        for item in items:
            if size + len(item) > RECONCILE_BYTES and bodies[-1]:
                bodies.append([])
                size = 0
            bodies[-1].append(item)
            size += len(item)
        last = len(bodies) - 1
        return [b"".join((bytes((at < last,)), *body)) for at, body in enumerate(bodies)]

    def _ask(self, tag: Tag, path: Path, content: bytes) -> None:
        self._asking[path] = tag
        self._say(tag, path, content)

    def _say(self, tag: Tag, path: Path, content: bytes) -> None:
        place = b"" if tag in (Tag.ROOT, Tag.MEMORY, Tag.MEMORY_ANSWER) else pack_path(path)
        self._items.append(bytes((tag,)) + place + content)

    def _ask_root(self) -> None:
        root = self._roster.root
        content = bytes(2 * HASH_BYTES) if root is None else short(root.keys_hash) + short(root.heads_hash)
        self._ask(Tag.ROOT, (), content)

    # What comes ---------------------------------------------------------------------------------

    def _take(self, reader: Unpacker) -> bool:
        """Take one item; whether it asks something."""
        (number,) = reader.take(1)
        try:
            tag = Tag(number)
        except ValueError:
            raise ReconcileError(
                "A comparison holds an item that has no meaning: {tag}.", tag=number
            ) from None
        if tag in (Tag.ROOT, Tag.MEMORY, Tag.MEMORY_ANSWER):
            self._take_whole(tag, reader)
            return tag.is_question
        path = reader.path()
        self._check_expected(tag, path)
        node = self._roster.node(path)
        match tag:
            case Tag.CHILDREN:
                self._take_children(path, node, reader)
            case Tag.BOTH:
                self._take_both(path, node, reader)
            case Tag.SIZES:
                self._take_sizes(path, node, reader)
            case Tag.ROOTS:
                self._take_roots(path, node, reader)
            case Tag.LIST:
                self._take_list(path, node, reader)
            case Tag.LIST_ANSWER:
                self._take_list_answer(path, node, reader)
            case _:
                self._take_answer(tag, path, node, reader)
        return tag.is_question

    def _check_expected(self, tag: Tag, path: Path) -> None:
        """Refuse what answers no question of this side, or answers one twice."""
        if (tag, path) in self._told:
            raise ReconcileError("A comparison answers a question twice.")
        self._told.add((tag, path))
        match tag:
            case Tag.SIZES_ANSWER | Tag.ROOTS:
                expected = self._asked.get(path) is Tag.SIZES
            case Tag.ROOTS_ANSWER:
                expected = self._asked.get(path) is Tag.ROOTS
            case Tag.LIST_ANSWER:
                expected = self._asked.get(path) is Tag.LIST
            case Tag.LIST:
                above = (self._asked.get(path[:depth]) for depth in range(len(path) + 1))
                expected = any(one in (Tag.BOTH, Tag.ROOT, Tag.MEMORY) for one in above)
            case _ if path:
                asked = self._asked.get(path[:-1])
                expected = asked is Tag.BOTH or (asked is Tag.CHILDREN and tag is not Tag.BOTH)
            case _:
                expected = self._asked.get(()) in (Tag.ROOT, Tag.MEMORY)
        if not expected:
            raise ReconcileError("A comparison answers what was not asked.")

    def _take_whole(self, tag: Tag, reader: Unpacker) -> None:
        """Take an item about the whole roster."""
        answers = tag is Tag.MEMORY_ANSWER and self._asked.get(()) is Tag.MEMORY
        begins = tag is not Tag.MEMORY_ANSWER and not self._turns and not self._initiator
        if not (answers or begins) or self._told:
            raise ReconcileError("A comparison answers what was not asked, or begins twice.")
        self._told.add((tag, ()))
        if tag is Tag.ROOT:
            keys, heads = reader.take(HASH_BYTES), reader.take(HASH_BYTES)
            if not any(keys):
                self._descend_into_nothing((), self._roster.root)
            else:
                self._descend((), self._roster.root, keys, heads)
        elif tag is Tag.MEMORY:
            self._take_memory(reader)
        else:
            self._take_memory_answer(reader)

    def _descend(self, path: Path, node: Node | None, keys: bytes | None, heads: bytes) -> None:
        """Say the next thing about a part of which the other side sent hashes; `keys` None: they agree."""
        if node is None:
            self._ask(Tag.BOTH, path, bytes(2))  # nothing of it is held here: all of it is asked for
        elif keys is None or keys == short(node.keys_hash):
            if heads == short(node.heads_hash):
                return
            if node.count <= SIZES_AT:
                self._ask(Tag.SIZES, path, sizes_of(node))
            else:
                self._ask(Tag.CHILDREN, path, hashes_of_children(node, both=False))
        elif node.count <= LIST_AT or len(path) >= LISTED_DEPTH:
            self._list(path, node)
        else:
            self._ask(Tag.BOTH, path, hashes_of_children(node, both=True))

    def _descend_into_nothing(self, path: Path, node: Node | None) -> None:
        """List a part of which the other side holds nothing."""
        if node is not None:
            self._list(path, node)

    def _list(self, path: Path, node: Node) -> None:
        if node.count > LIST_ITEM and node.children:
            for step, child in enumerate(node.children):
                if child is not None:
                    self._list((*path, step), child)
            return
        entries = b"".join(entry_of(log, mark, len(path)) for log, mark in node.items())
        self._ask(Tag.LIST, path, pack_number(node.count) + entries)

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
        if node is not None and (node.count <= LIST_AT or not any(theirs)):
            self._list(path, node)
            return
        for step, (child, hashes) in enumerate(zip(children_of(path, node), theirs, strict=True)):
            below = (*path, step)
            if hashes is not None:
                self._descend(below, child, *hashes)
            else:
                self._descend_into_nothing(below, child)

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
            self._say(Tag.SIZES_ANSWER, path, pack_places(answers))
        else:
            prefixes = b"".join(
                mark.root[:PREFIX_BYTES].ljust(PREFIX_BYTES, b"\x00") for _, mark in node.items()
            )
            self._ask(Tag.ROOTS, path, prefixes)

    def _take_roots(self, path: Path, node: Node | None, reader: Unpacker) -> None:
        assert node is not None, "sizes were asked of it"
        answers: list[tuple[int, int]] = []
        for place, (log, mark) in enumerate(node.items()):
            if reader.take(PREFIX_BYTES) != mark.root[:PREFIX_BYTES].ljust(PREFIX_BYTES, b"\x00"):
                self._note(log, mark, mark.code)
                answers.append((place, mark.code))
        self._say(Tag.ROOTS_ANSWER, path, pack_places(answers))

    def _take_answer(self, tag: Tag, path: Path, node: Node | None, reader: Unpacker) -> None:
        assert node is not None, "something was asked of it"
        items = list(node.items())
        for place, theirs in read_places(reader, len(items)):
            log, mark = items[place]
            if (theirs == mark.code) != (tag is Tag.ROOTS_ANSWER):
                raise ReconcileError("A comparison answers that something differs which does not.")
            self._note(log, mark, theirs)

    # Lists, where they do not -------------------------------------------------------------------

    def _take_list(self, path: Path, node: Node | None, reader: Unpacker) -> None:
        mine = dict(node.items()) if node else {}
        answers: list[tuple[int, int]] = []
        for place, (log, theirs, prefix) in enumerate(read_entries(reader, path)):
            mark = mine.pop(log, None)
            if mark is None or mark.code != theirs or not mark.root.startswith(prefix):
                self._note(log, mark, theirs)
                answers.append((place, 0 if mark is None else mark.code))
        for log, mark in mine.items():
            self._note(log, mark, None)
        entries = b"".join(entry_of(log, mark, len(path)) for log, mark in mine.items())
        self._say(Tag.LIST_ANSWER, path, pack_places(answers) + pack_number(len(mine)) + entries)

    def _take_list_answer(self, path: Path, node: Node | None, reader: Unpacker) -> None:
        assert node is not None, "it was listed"
        items = list(node.items())
        for place, theirs in read_places(reader, len(items)):
            self._note(*items[place], theirs or None)
        held = {log for log, _ in items}
        for log, theirs, _ in read_entries(reader, path):
            if log in held:
                raise ReconcileError("A comparison lists a log as missing that was listed.")
            self._note(log, None, theirs)

    def _note(self, log: LogKey, mine: Mark | None, theirs: int | None) -> None:
        if len(self.differences) >= MAX_DIFFERENCES:
            raise ReconcileError(
                "The two sides differ in more than the {limit} logs allowed.", limit=MAX_DIFFERENCES
            )
        self.differences[log] = Difference(log, mine, theirs)

    # What is remembered -------------------------------------------------------------------------

    def _memory(self, remembered: Roster) -> bytes:
        return remembered.state + self._roster.state + changes_since(self._roster, remembered)

    def _take_memory(self, reader: Unpacker) -> None:
        state, now = reader.take(HASH_BYTES), reader.take(HASH_BYTES)
        remembered = self._remembered
        if now == self._roster.state:
            skip_changes(reader)
        elif remembered is None or remembered.state != state:
            skip_changes(reader)
            self._compare_from_the_top()
        else:
            theirs = apply_changes(remembered, reader)
            if theirs.state != now:
                self._compare_from_the_top()
                return
            self._note_all(theirs)
            self._say(Tag.MEMORY_ANSWER, (), self._roster.state + changes_since(self._roster, remembered))

    def _take_memory_answer(self, reader: Unpacker) -> None:
        assert self._remembered is not None, "it was asked"
        now = reader.take(HASH_BYTES)
        theirs = apply_changes(self._remembered, reader)
        if theirs.state != now:
            raise ReconcileError(
                "What the other side says has changed does not lead to what it says it holds."
            )
        self._note_all(theirs)

    def _compare_from_the_top(self) -> None:
        """Say the first thing of a whole comparison where a remembered one is of no use."""
        root = self._roster.root
        if root is None:
            self._ask(Tag.BOTH, (), bytes(2))
        elif root.count <= LIST_AT:
            self._list((), root)
        else:
            self._ask(Tag.BOTH, (), hashes_of_children(root, both=True))

    def _note_all(self, theirs: Roster) -> None:
        for log, mine in self._roster.changes(theirs):
            mark = theirs.get(log)
            self._note(log, mine, None if mark is None else mark.code)
