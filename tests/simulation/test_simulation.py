"""After everything that can happen to a network, honest nodes hold the same, and only liars are blamed."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from ledger.evidence import encode_evidence
from ledger.log import LogKey

from ..support.check_evidence import check
from ..support.histories import NETWORK, Author
from .liars import LIARS, faces
from .world import DAY, HOUR, Node, Wire, World


@dataclass(frozen=True)
class Plan:
    """How many nodes of which kind, for how long, and how much each writes."""

    honest: int
    forkers: int
    liars: int
    days: float
    writes: int
    ways: int = 3
    """links that each node opens"""
    down: float = 0.3
    """the part of all links that is down at any time"""
    flips: float = 1.0
    """days that a link is up and then down, on average"""


def build(seed: int, plan: Plan) -> World:
    """All nodes and the ways between them."""
    world = World(seed)
    random = world.random
    honest = [Node(world, Author(f"node {number}")) for number in range(plan.honest)]
    hands = [
        faces(world, Author(f"forker {number}"), random.randrange(0, 6), random.choice([2, 2, 3]))
        for number in range(plan.forkers)
    ]
    liars = [
        LIARS[number % len(LIARS)](world, Author(f"liar {number}"), honest=False)
        for number in range(plan.liars)
    ]
    world.nodes = [*honest, *(hand for several in hands for hand in several), *liars]
    for number, node in enumerate(honest):
        for other in (honest[(number + 1) % len(honest)], *random.sample(honest, plan.ways - 1)):
            world.join(node, other)
    for several in hands:
        told = random.sample(honest, min(3 * len(several), len(honest)))
        for number, other in enumerate(told):
            world.join(several[number % len(several)], other)
    for liar in liars:
        for other in random.sample(honest, min(5, len(honest))):
            world.join(liar, other)
    return world


def live(world: World, plan: Plan) -> None:
    """Let weeks go by: links that come and go, partitions, restarts, and writing all the while."""
    random = world.random
    end = plan.days * DAY

    def flip(wire: Wire) -> None:
        if wire.is_up:
            world.cut(wire)
        else:
            world.connect(wire)
        part = 1 - plan.down if wire.is_up else plan.down
        world.plan(random.expovariate(1 / (plan.flips * DAY * part)), lambda: flip(wire))

    def disturb(node: Node) -> None:
        """Lose a link, or all, while bytes are on their way."""
        wires = [wire for wire in world.wires if wire.is_up and node in (wire.one, wire.two)]
        if random.random() < 0.2:
            node.restart()
        elif wires:
            world.cut(random.choice(wires))

    for wire in world.wires:
        soon = HOUR if random.random() > plan.down else plan.flips * DAY
        world.plan(random.uniform(0, soon), lambda wire=wire: flip(wire))  # type: ignore[misc]
    for node in world.nodes:
        for _ in range(plan.writes):
            at = random.uniform(0, end)
            for again in range(random.choice([1, 1, 1, 3])):
                world.plan(at + again * random.uniform(0, 2), node.write)
            if node.honest and random.random() < 0.3:
                world.plan(at + random.uniform(0, 3), lambda node=node: disturb(node))  # type: ignore[misc]
    for begin, days in ((0.1, 0.3), (0.55, 0.3)):
        side = set(random.sample(world.nodes, len(world.nodes) // 2))
        world.plan(begin * end, lambda side=side: world.part(side))  # type: ignore[misc]
        world.plan((begin + days) * end, lambda: world.part(set()))
    world.run(end)


def heal(world: World) -> None:
    """Let all links between honest nodes come up again, and wait until nothing happens any more."""
    world.forget_what_is_planned()
    world.part(set())
    for _ in range(20):
        for wire in world.wires:
            if wire.one.honest and wire.two.honest:
                world.connect(wire)
        world.run(world.now + 90)
    world.run()


def judge(world: World) -> tuple[float, int]:
    """What has to be so in the end; how often an entry came on average, and how many forks were proved."""
    honest = [node for node in world.nodes if node.honest]
    logs = {node.log for node in honest}
    first = honest[0]
    for node in honest:
        assert node.memory.entries() == first.memory.entries()
        assert node.gossip.roster.state == first.gossip.roster.state
        assert list(node.gossip.roster.items()) == sorted(node.memory.marks())
        forks = {log: evidence.cut for log, evidence in node.memory.forks().items()}
        assert forks == {log: evidence.cut for log, evidence in first.memory.forks().items()}
        assert not forks.keys() & logs, "somebody honest is accused"
        assert {log for log, count in leaves(node).items() if count} <= forks.keys()
        for log, evidence in node.memory.forks().items():
            assert check(encode_evidence(evidence), NETWORK) == (log.hex(), evidence.cut)
        blamed = {peer for peer, _ in node.blamed}
        assert not blamed & logs, [fault for peer, fault in node.blamed if peer in logs]
    for node in honest:
        assert {(log, index) for log, index, _ in first.memory.entries() if log == node.log} == {
            (node.log, index) for index in range(len(node.author.payloads))
        }
    came = sum(sum(node.came.values()) for node in honest)
    new = sum(sum(node.new.values()) for node in honest)
    return came / new, len(first.memory.forks())


def leaves(node: Node) -> dict[LogKey, int]:
    """Of every log, how many indexes have more than one entry in what a node holds."""
    seen: dict[tuple[LogKey, int], int] = {}
    for log, index, _ in node.memory.entries():
        seen[log, index] = seen.get((log, index), 0) + 1
    found: dict[LogKey, int] = {}
    for (log, _), times in seen.items():
        found[log] = found.get(log, 0) + (times > 1)
    return found


def simulate(seed: int, plan: Plan) -> tuple[float, int]:
    """One world from its beginning to its judgement. The seed is said if anything is not as it has to be."""
    try:
        world = build(seed, plan)
        live(world, plan)
        heal(world)
        return judge(world)
    except BaseException as error:
        error.add_note(f"The seed is {seed}, the plan {plan}.")
        raise


SMALL = Plan(honest=12, forkers=2, liars=5, days=21, writes=4)
LARGE = Plan(honest=100, forkers=5, liars=5, days=28, writes=3, flips=4.0)


@pytest.mark.parametrize("seed", [0, 2])  # 0: branches that stayed apart; 2: farewells
def test_a_dozen_nodes_end_equal_whatever_happens(seed: int) -> None:
    times, forks = simulate(seed, SMALL)
    assert times <= 1.2
    assert forks


@pytest.mark.slow
def test_a_hundred_nodes_end_equal_whatever_happens() -> None:
    times, forks = simulate(1, LARGE)
    assert times <= 1.2
    assert forks >= 4
