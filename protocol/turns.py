"""Turns of a comparison: what is asked and answered, cut into messages, and who may say what when.

Decides the form of messages and items, refuses an item that answers nothing
that was asked, or that comes twice, and bounds what the other side can make
this one take in. What an item says is `reconcile`'s (docs/spec/reconciliation.md).
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import Final, TypeAlias

from .compact import Unpacker, pack_path
from .errors import HandshakeError, ReconcileError
from .extracts import Path
from .limits import (
    MAX_RECONCILE_BYTES,
    MAX_RECONCILE_ITEMS,
    MAX_RECONCILE_TURNS,
    RECONCILE_BYTES,
    RECONCILE_LEAST_BYTES,
)


class Tag(IntEnum):
    """What an item of a turn is. The odd ones ask, the even ones answer."""

    ROOT = 0x01
    CHILDREN = 0x03
    BOTH = 0x05
    SIZES = 0x07
    ROOTS = 0x09
    ROOTS_ANSWER = 0x0A
    LIST = 0x0B
    LIST_ANSWER = 0x0C
    MEMORY = 0x0D
    MEMORY_ANSWER = 0x0E
    ALL = 0x0F
    LACKED = 0x10
    OTHER_SIZES = 0x11

    @property
    def is_question(self) -> bool:
        """Whether it has to be answered."""
        return bool(self & 1)

    @property
    def is_whole(self) -> bool:
        """Whether it is about the whole roster, so that no path follows."""
        return self in _WHOLE


_WHOLE: Final = frozenset((Tag.ROOT, Tag.MEMORY, Tag.MEMORY_ANSWER))
_ABOVE_A_LIST: Final = frozenset((Tag.ROOT, Tag.MEMORY, Tag.BOTH, Tag.ALL))
_TO_THIS: Final = {
    Tag.OTHER_SIZES: (Tag.SIZES,),
    Tag.ROOTS: (Tag.SIZES, Tag.OTHER_SIZES),
    Tag.ROOTS_ANSWER: (Tag.ROOTS,),
    Tag.LIST_ANSWER: (Tag.LIST,),
    Tag.MEMORY_ANSWER: (Tag.MEMORY,),
}
"""What an item answers that is about the very part that was asked about."""

Take: TypeAlias = Callable[[Tag, Path, Unpacker], None]


class Turns:
    """One side's turns. `ask` and `say` gather what `message` sends; `receive` gives out what has come."""

    def __init__(self, *, initiator: bool) -> None:
        self.is_done = False
        self._initiator = initiator
        self._turns = self._bytes = self._taken = 0
        self._asked: dict[Path, Tag] = {}
        self._asking: dict[Path, Tag] = {}
        self._items: list[bytes] = []
        self._told: set[bytes] = set()
        self._was_asked = False

    # This side's --------------------------------------------------------------------------------

    def ask(self, tag: Tag, path: Path, content: bytes = b"") -> None:
        """Ask something in this side's next turn; once of each part."""
        self._asking[path] = tag
        self.say(tag, path, content)

    def say(self, tag: Tag, path: Path, content: bytes) -> None:
        """Answer something in this side's next turn."""
        self._items.append(_place(tag, path) + content)

    def begin(self) -> list[bytes]:
        """The messages of the first turn, the initiator's, of what was asked."""
        if not self._initiator or self._turns:
            raise HandshakeError("It is not this side's turn to compare.")
        return self._turn()

    def _turn(self) -> list[bytes]:
        self._count()
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

    def _count(self) -> None:
        self._turns += 1
        if self._turns > MAX_RECONCILE_TURNS:
            raise ReconcileError("The comparison takes more than {limit} turns.", limit=MAX_RECONCILE_TURNS)

    # The other side's ---------------------------------------------------------------------------

    def receive(self, body: bytes, take: Take) -> list[bytes]:
        """Take a message; the messages of the answer, none while the other side's turn goes on.

        Every item is given to `take`, which reads to its end. Raises ReconcileError.
        """
        if not self._turns and self._initiator:
            raise HandshakeError("No message of a comparison is expected here.")
        if self.is_done:
            raise ReconcileError("A comparison answers what was not asked.")
        self._bytes += len(body)
        if self._bytes > MAX_RECONCILE_BYTES:
            raise ReconcileError(
                "The comparison takes more than {limit} bytes in one direction.", limit=MAX_RECONCILE_BYTES
            )
        reader = Unpacker(body)
        (goes_on,) = reader.take(1)
        if goes_on > 1:
            raise ReconcileError("A message of a comparison begins with what has no meaning.")
        if goes_on and len(body) < RECONCILE_LEAST_BYTES:
            raise ReconcileError("A message of a comparison says little and that more follows.")
        while not reader.is_done:
            self._take(reader, take)
        if goes_on:
            return []
        was_asked, self._was_asked = self._was_asked, False
        self._count()
        self._told.clear()
        if was_asked:
            return self._turn()
        self.is_done = True
        return []

    def _take(self, reader: Unpacker, take: Take) -> None:
        self._taken += 1
        if self._taken > MAX_RECONCILE_ITEMS:
            raise ReconcileError("The comparison has more than {limit} items.", limit=MAX_RECONCILE_ITEMS)
        (number,) = reader.take(1)
        try:
            tag = Tag(number)
        except ValueError:
            raise ReconcileError(
                "A comparison holds an item that has no meaning: {tag}.", tag=number
            ) from None
        path = () if tag.is_whole else reader.path()
        place = _place(tag, path)
        if place in self._told:
            raise ReconcileError("A comparison answers a question twice.")
        self._told.add(place)
        if not self._is_expected(tag, path):
            raise ReconcileError("A comparison answers what was not asked.")
        self._was_asked = self._was_asked or tag.is_question
        take(tag, path, reader)

    def _is_expected(self, tag: Tag, path: Path) -> bool:
        """Whether something that this side asked in its last turn is answered by that."""
        if not self._turns:
            return tag in (Tag.ROOT, Tag.MEMORY) and len(self._told) == 1
        if tag in _TO_THIS:
            return self._asked.get(path) in _TO_THIS[tag]
        match tag:
            case Tag.ROOT | Tag.MEMORY:
                return False
            case Tag.LIST:
                return any(self._asked.get(path[:depth]) in _ABOVE_A_LIST for depth in range(len(path) + 1))
            case Tag.LACKED:
                return any(self._asked.get(path[:depth]) is Tag.LIST for depth in range(len(path) + 1))
            case Tag.ALL if self._asked.get(path) is Tag.BOTH:
                return True
            case _ if path:
                asked = self._asked.get(path[:-1])
                return asked is Tag.BOTH or (asked is Tag.CHILDREN and tag in (Tag.CHILDREN, Tag.SIZES))
            case _:
                return self._asked.get(()) in (Tag.ROOT, Tag.MEMORY)


def _place(tag: Tag, path: Path) -> bytes:
    """How an item begins."""
    return bytes((tag,)) if tag.is_whole else bytes((tag,)) + pack_path(path)
