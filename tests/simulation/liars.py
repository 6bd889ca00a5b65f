"""Liars: nodes that do not keep to it, each in its own way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ledger.log import Erased, Head, LogKey, Run
from ledger.replica import Branch
from protocol.frames import Kind
from protocol.questions import Want
from protocol.serving import frames_for
from protocol.session import State

from ..support.histories import Author
from .memory import Memory
from .world import SERVED, End, Node, World

if TYPE_CHECKING:
    from random import Random


_SAID = [kind for kind in Kind if kind is not Kind.END]


class Withholder(Node):
    """Says that it holds nothing of some logs of which it has said how far it holds them."""

    def serve(self, end: End) -> None:
        """Serve half of what is wanted."""
        while wants := end.session.to_serve(SERVED):
            end.session.serve(*frames_for(wants, _Sparse(self.memory)))


class Idler(Node):
    """Answers nothing that is asked of it."""

    def serve(self, end: End) -> None:
        """Leave it."""


class Forger(Node):
    """Changes the entries that it passes on, or the signatures of their heads."""

    def serve(self, end: End) -> None:
        """Serve what nobody signed."""
        while wants := end.session.to_serve(SERVED):
            end.session.serve(*frames_for(wants, _Changed(self.memory, self.world.random)))


class Babbler(Node):
    """Says things that mean nothing, once a session, somewhere in the middle of it."""

    def go_on(self) -> None:
        """Say what is to be said, and junk."""
        random = self.world.random
        for end in self.ends.values():
            channel = end.session._channel
            if channel is not None and end.session.state is State.OPEN and random.random() < 0.1:
                channel.put(random.choice(_SAID), random.randbytes(random.randrange(1, 300)))
        super().go_on()


class Flooder(Node):
    """Announces heads that nobody signed, of logs that there are and of others, by the hundred."""

    def __init__(self, world: World, author: Author, *, honest: bool = False) -> None:
        super().__init__(world, author, honest=honest)
        self._flooded: set[int] = set()

    def go_on(self) -> None:
        """Say what is to be said, and once a session far more."""
        for end in self.ends.values():
            if end.session.state is State.OPEN and end.number not in self._flooded:
                self._flooded.add(end.number)
                end.session.announce(list(self._heads()))
        super().go_on()

    def _heads(self) -> Iterator[Head]:
        random = self.world.random
        for log, mark in list(self.memory.marks()):
            size = max(mark.number + random.choice([-1, 0, 0, 1, 900]), 1)
            yield Head(log, size, random.randbytes(32), random.randbytes(64))
        for _ in range(200):
            yield Head(random.randbytes(32), random.randrange(1, 9_000), random.randbytes(32), bytes(64))


class _Shelf:
    """What is held, as it is shown to others."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def branches(self, log: LogKey) -> Sequence[Branch]:
        return self._memory.branches(log)


class _Sparse(_Shelf):
    def runs(self, want: Want) -> Iterator[Run] | None:
        return None if want.log[0] % 2 else self._memory.runs(want)


class _Changed(_Shelf):
    def __init__(self, memory: Memory, random: Random) -> None:
        super().__init__(memory)
        self._random = random

    def runs(self, want: Want) -> Iterator[Run] | None:
        runs = self._memory.runs(want)
        return None if runs is None else map(self._change, runs)

    def _change(self, run: Run) -> Run:
        head = run.head
        match self._random.randrange(4):
            case 0:
                return Run(head, run.start, (*run.items[:-1], b"changed"))
            case 1:
                return Run(head, run.start, (Erased(bytes(32)), *run.items[1:]))
            case 2:
                return Run(Head(head.log, head.size, head.root, bytes(64)), run.start, run.items)
            case _:
                return run


def faces(world: World, author: Author, before: int, count: int) -> list[Node]:
    """One key in several hands, which have some entries in common and go on each in its own way."""
    for number in range(before):
        author.write(b"before %d" % number)
    hands = [Node(world, author.twin(), honest=False) for _ in range(count)]
    for number, hand in enumerate(hands):
        for run in hand.author.runs:
            hand.memory.take(run)
        hand.author.name += f" as {number}"
        hand.gossip.refresh([hand.log])
    return hands


LIARS = (Withholder, Idler, Forger, Babbler, Flooder)
