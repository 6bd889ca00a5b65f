"""A world of nodes in virtual time: who is linked to whom, what is on its way, and what happens when.

Decides latency, which links are up, who restarts, whose clock is wrong and who
writes; everything from one seed. What a node does with what comes is the
protocol's. Storing and reading take virtual time too, so that bytes come while
others are being stored.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from heapq import heappop, heappush
from itertools import count
from random import Random

from ledger.errors import LedgerError
from ledger.log import LogKey
from protocol.deeds import LinkId, Prove, See, Stored, Take
from protocol.gossip import Gossip
from protocol.handshake import Identity, Role
from protocol.serving import frames_for, hashes_for
from protocol.session import Session

from ..support.histories import NETWORK, Author
from .memory import Memory

HOUR = 3_600.0
DAY = 24 * HOUR
SERVED = 64
"""wants that are served at a time"""


@dataclass(eq=False)
class End:
    """One end of a link that is up: its session, and the time until which what it sends is on its way."""

    number: LinkId
    node: Node
    session: Session
    wire: Wire
    arrives: float = 0.0
    ticks_at: float = float("inf")

    @property
    def other(self) -> End | None:
        """The other end, None if the link is down."""
        return next((end for end in self.wire.ends if end is not self), None)


@dataclass(eq=False)
class Wire:
    """A way between two nodes, up or down."""

    one: Node
    two: Node
    latency: float
    ends: list[End] = field(default_factory=list)
    faults: int = 0
    not_before: float = 0.0

    @property
    def is_up(self) -> bool:
        """Whether a session is under way."""
        return bool(self.ends)


class Node:
    """A node: what it holds, which outlasts a restart, and its part in gossip, which does not."""

    def __init__(self, world: World, author: Author, *, honest: bool = True) -> None:
        self.world = world
        self.author = author
        self.honest = honest
        self.log = LogKey(author.key.public_key)
        self.memory = Memory(self.log)
        self.gossip = Gossip(self.memory)
        self.ends: dict[LinkId, End] = {}
        self.offset, self.pace = world.random.uniform(-9e8, 9e8), world.random.uniform(0.95, 1.05)
        self.came: Counter[LogKey] = Counter()
        """entries that came, by their log, known and refused ones included"""
        self.new: Counter[LogKey] = Counter()
        """those that were stored"""
        self.blamed: list[tuple[LogKey | None, LedgerError]] = []
        self._life = 0
        self._stores = False

    @property
    def now(self) -> float:
        """The time of this node's own clock."""
        return self.offset + self.world.now * self.pace

    def write(self) -> None:
        """Sign something, and tell others."""
        run = self.author.write(b"%s %d" % (self.author.name.encode(), len(self.author.payloads)))
        self.memory.take(run)
        self.gossip.refresh([run.log])
        self.go_on()

    def restart(self) -> None:
        """Lose all but what is stored, as when the power is cut."""
        for end in list(self.ends.values()):
            self.world.cut(end.wire)
        self.gossip = Gossip(self.memory)
        self._life += 1
        self._stores = False

    def receive(self, end: End, data: bytes) -> None:
        """Take a piece from a link."""
        end.session.receive(data, self.now)
        self._looked(end)

    def tick(self, end: End) -> None:
        """The timer of a session has come."""
        end.ticks_at = float("inf")
        if end.number in self.ends:
            end.session.tick(self.now)
            self._looked(end)

    def _looked(self, end: End) -> None:
        self.gossip.look(end.number)
        self.go_on()

    def serve(self, end: End) -> None:
        """Answer what the other side wants."""
        while wants := end.session.to_serve(SERVED):
            end.session.serve(*frames_for(wants, self.memory))

    def go_on(self) -> None:
        """Send, store and wait, as everything that came asks for."""
        deeds = self.gossip.deeds()
        if deeds:
            life = self._life
            self.world.after(self.world.random.uniform(0.001, 0.2), lambda: self._do(deeds, life))
        self.blamed += [(peer, fault) for _, peer, fault in self.gossip.faults]
        self.gossip.faults.clear()
        for end in list(self.ends.values()):
            if (ask := end.session.question) is not None:
                end.session.answer(hashes_for(ask, self.memory))
            self.serve(end)
            for piece in end.session.outgoing():
                self.world.carry(end, piece)
            if end.session.is_over:
                self.world.leave(end)
            elif end.session.timer is not None:
                self.world.wake(end, end.session.timer)

    def _do(self, deeds: list[Take | Prove | See], life: int) -> None:
        if life != self._life:
            return  # the power was cut before anything of it was stored
        for deed in deeds:
            match deed:
                case Take():
                    outcomes = [self.memory.take(run) for run in deed.runs]
                    for run, outcome in zip(deed.runs, outcomes, strict=True):
                        self.came[run.log] += len(run.items)
                        self.new[run.log] += outcome.new if isinstance(outcome, Stored) else 0
                    self.gossip.done(deed, outcomes)
                case Prove():
                    self.gossip.done(deed, [self.memory.prove(deed.evidence)])
                case See():
                    pass
        self.go_on()


class World:
    """All nodes and wires, and the clock."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.now = 0.0
        self.nodes: list[Node] = []
        self.wires: list[Wire] = []
        self.apart: set[Node] = set()
        """the nodes on one side of a partition"""
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count(1)
        self._plans = 0

    # Time -----------------------------------------------------------------------------------------

    def after(self, seconds: float, event: Callable[[], None]) -> None:
        """Let something happen later."""
        heappush(self._events, (self.now + seconds, next(self._numbers), event))

    def run(self, until: float = float("inf")) -> None:
        """Let happen what happens until a time, or until nothing does any more."""
        while self._events and self._events[0][0] <= until:
            self.now, _, event = heappop(self._events)
            event()
        if until < float("inf"):
            self.now = until

    def forget_what_is_planned(self) -> None:
        """Drop what was planned to happen to nodes and links; bytes on their way, deeds and timers go on."""
        self._plans += 1

    def plan(self, seconds: float, event: Callable[[], None]) -> None:
        """Let something happen later to nodes or links, unless all such is forgotten before."""
        plans = self._plans
        self.after(seconds, lambda: event() if plans == self._plans else None)

    def wake(self, end: End, at: float) -> None:
        """Call a session's timer when the clock of its node shows a time."""
        due = max(self.now, (at - end.node.offset) / end.node.pace + 0.001)
        if due < end.ticks_at:
            end.ticks_at = due
            self.after(due - self.now, lambda: end.node.tick(end))

    # Wires ----------------------------------------------------------------------------------------

    def join(self, one: Node, two: Node) -> None:
        """Make a way between two nodes."""
        if one is not two and not any({wire.one, wire.two} == {one, two} for wire in self.wires):
            self.wires.append(Wire(one, two, self.random.choice([0.001, 0.05, 0.4, 1.5])))

    def connect(self, wire: Wire) -> None:
        """Open a session over a wire, if it may be."""
        parted = (wire.one in self.apart) != (wire.two in self.apart)
        if wire.is_up or parted or self.now < wire.not_before:
            return
        for node, role in ((wire.one, Role.INITIATOR), (wire.two, Role.RESPONDER)):
            number = LinkId(next(self._numbers))
            secrets = [sha256(b"%d %d" % (number, kind)).digest() for kind in (0, 1)]
            session = Session(
                role, Identity.of(node.author.key, NETWORK), node.gossip.snapshot, node.now,
                static=secrets[0], ephemeral=secrets[1],
            )  # fmt: skip
            end = End(number, node, session, wire)
            wire.ends.append(end)
            node.ends[number] = end
            node.gossip.add(number, session)
        for node in (wire.one, wire.two):
            node.go_on()

    def cut(self, wire: Wire) -> None:
        """Lose a link, and what was on its way."""
        ends, wire.ends = wire.ends, []
        for end in ends:
            end.node.ends.pop(end.number, None)
            end.session.lost()
            end.node.gossip.look(end.number)
        for end in ends:
            end.node.go_on()

    def leave(self, end: End) -> None:
        """A session is over at one end: the other hears it after what was said before, and is met later."""
        end.node.ends.pop(end.number, None)
        wire = end.wire
        wire.faults += 1
        wire.not_before = self.now + min(60.0 * 2**wire.faults, 7 * DAY)

        def close() -> None:
            if end in wire.ends:
                self.cut(wire)

        self.after(max(end.arrives - self.now, 0.0) + 0.001, close)

    def carry(self, end: End, piece: bytes) -> None:
        """Bring bytes to the other end, in their order."""
        other = end.other
        if other is None:
            return
        end.arrives = max(end.arrives, self.now + end.wire.latency * self.random.uniform(0.8, 1.2))

        def arrive() -> None:
            if other.number in other.node.ends:
                other.node.receive(other, piece)

        heappush(self._events, (end.arrives, next(self._numbers), arrive))

    def part(self, side: set[Node]) -> None:
        """Begin a partition, or, if the side is empty, end it."""
        self.apart = side
        for wire in self.wires:
            if (wire.one in side) != (wire.two in side):
                self.cut(wire)
