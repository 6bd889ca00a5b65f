"""Spreading: each address is told to everybody once, and nothing that was not judged goes any further."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from random import Random

import pytest

from ledger.log import LogKey
from protocol.addresses import Addresses, Place
from protocol.limits import (
    ENOUGH_ADDRESSES,
    MAX_KNOWN_ADDRESSES,
    MAX_TOLD_ADDRESSES,
    MAX_UNJUDGED_ADDRESSES,
)
from protocol.spreading import Spreading, Verdict


def log_of(name: str) -> LogKey:
    return LogKey(sha256(name.encode()).digest())


def where(name: str, number: int = 1, *hosts: str) -> Addresses:
    """What a log says, signed by nobody: who verifies is not here."""
    places = tuple(Place(host, 8784) for host in hosts or (f"{name.lower()}.example",))
    return Addresses(log_of(name), number, places, bytes(64))


@dataclass
class Session:
    """What is said in a session."""

    told: list[Addresses] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)

    def tell_addresses(self, told: Sequence[Addresses]) -> None:
        assert 0 < len(told) <= MAX_TOLD_ADDRESSES
        self.told += told

    def want_addresses(self, count: int) -> None:
        self.asked.append(count)


def linked(spreading: Spreading, *names: str) -> list[Session]:
    sessions = [Session() for _ in names]
    for number, (name, session) in enumerate(zip(names, sessions, strict=True)):
        spreading.add(number, log_of(name), session)
    return sessions


def judge(spreading: Spreading, verdict: Verdict = Verdict.KNOWN) -> list[bool]:
    return [spreading.judged(heard, verdict) for heard in spreading.to_judge()]


def test_ones_own_are_told_to_everybody_who_is_met_and_when_they_change() -> None:
    spreading = Spreading(log_of("Own"))
    (before,) = linked(spreading, "Before")
    spreading.say(where("Own", 1))
    late = Session()
    spreading.add("late", log_of("Late"), late)  # type: ignore[arg-type]
    spreading.say(where("Own", 2))
    assert before.told == late.told == [where("Own", 1), where("Own", 2)]


def test_new_ones_go_once_to_everybody_who_has_not_told_them() -> None:
    spreading = Spreading(log_of("Own"))
    one, other, itself = linked(spreading, "One", "Other", "Montes")
    spreading.heard(0, [where("Montes")])
    assert judge(spreading) == [True]
    assert (one.told, other.told, itself.told) == ([], [where("Montes")], [])
    for number in (0, 1, 2):
        spreading.heard(number, [where("Montes")])
    assert spreading.to_judge() == []
    spreading.heard(1, [where("Montes", 2)])
    assert judge(spreading) == [True]
    assert one.told == [where("Montes", 2)]
    assert spreading.known == {log_of("Montes"): where("Montes", 2)}


@pytest.mark.parametrize("verdict", [Verdict.LATER, Verdict.DROPPED, Verdict.FORGED])
def test_what_is_not_known_goes_no_further(verdict: Verdict) -> None:
    spreading = Spreading(log_of("Own"))
    _, other = linked(spreading, "One", "Other")
    spreading.heard(0, [where("Montes")])
    assert judge(spreading, verdict) == [False]
    assert other.told == []
    assert not spreading.known
    spreading.review()
    assert len(spreading.to_judge()) == (verdict is Verdict.LATER)


def test_what_waits_is_judged_again_when_its_log_comes() -> None:
    spreading = Spreading(log_of("Own"))
    linked(spreading, "One")
    spreading.heard(0, [where("Montes"), where("Valle")])
    judge(spreading, Verdict.LATER)
    spreading.review([log_of("Montes"), log_of("Somebody")])
    assert judge(spreading) == [True]
    spreading.lose(0)
    spreading.review()
    assert spreading.to_judge() == [], "what somebody told goes with them"


def test_older_ones_never_take_the_place_of_newer_ones() -> None:
    spreading = Spreading(log_of("Own"))
    linked(spreading, "One", "Other")
    spreading.heard(0, [where("Montes", 5)])
    spreading.heard(1, [where("Montes", 7)])
    assert sorted(judge(spreading)) in ([False, True], [True, True])
    spreading.heard(0, [where("Montes", 6)])
    assert judge(spreading) == []
    assert spreading.known[log_of("Montes")].number == 7


def test_who_is_met_first_is_asked_and_answered_with_what_it_was_not_told() -> None:
    spreading = Spreading(log_of("Own"))
    spreading.load([where("Montes"), where("Valle"), where("Gone", 3)])
    spreading.known[log_of("Gone")] = Addresses(log_of("Gone"), 4, (), bytes(64))
    (valle,) = linked(spreading, "Valle")
    assert valle.asked == [MAX_TOLD_ADDRESSES]
    spreading.wanted(0, 64)
    assert valle.told == [where("Montes")], "not its own, and not of who is nowhere"
    spreading.wanted(0, 64)
    assert len(valle.told) == 1
    spreading.lose(0)
    again = linked(spreading, "Valle")[0]
    assert again.asked == [], "it was asked already"


def test_who_knows_enough_asks_nobody() -> None:
    spreading = Spreading(log_of("Own"))
    spreading.load(where(f"log {number}", 1, f"n{number}.example") for number in range(ENOUGH_ADDRESSES))
    (session,) = linked(spreading, "One")
    assert session.asked == []


def test_an_answer_is_no_longer_than_a_message_and_another_for_each() -> None:
    spreading = Spreading(log_of("Own"))
    spreading.load(where(f"log {number}", 1, f"n{number}.example") for number in range(300))
    one, other = linked(spreading, "One", "Other")
    spreading.wanted(0, 64)
    spreading.wanted(1, 64)
    assert len(one.told) == len(other.told) == MAX_TOLD_ADDRESSES
    assert {each.key for each in one.told} != {each.key for each in other.told}


def test_of_ones_own_log_nothing_is_kept_that_others_say() -> None:
    """It is given to be judged, so that this node can say something newer."""
    spreading = Spreading(log_of("Own"))
    linked(spreading, "One")
    spreading.say(where("Own", 3))
    spreading.heard(0, [where("Own", 3), where("Own", 9)])
    ((_, told),) = heard = spreading.to_judge()
    assert told.number == 9
    assert not spreading.judged(heard[0], Verdict.KNOWN)
    assert log_of("Own") not in spreading.known


def test_all_of_it_is_bounded() -> None:
    spreading = Spreading(log_of("Own"))
    linked(spreading, "One", "Other")
    for number in range(MAX_KNOWN_ADDRESSES + 10):
        spreading.heard(0, [where(f"log {number}", 1, f"n{number}.example")])
        judge(spreading, Verdict.KNOWN if number % 2 else Verdict.LATER)
    for number in range(2 * MAX_KNOWN_ADDRESSES):
        spreading.heard(0, [where(f"other {number}", 1, f"n{number}.example")])
        judge(spreading)
    assert len(spreading.known) == MAX_KNOWN_ADDRESSES
    assert len(spreading._links[0].unjudged) <= MAX_UNJUDGED_ADDRESSES
    assert len(spreading._links[0].numbers) <= 2 * MAX_KNOWN_ADDRESSES


class Net:
    """Nodes that spread addresses over sessions made of lists."""

    def __init__(self, names: Sequence[str], wires: Sequence[tuple[str, str]]) -> None:
        self.nodes = {name: Spreading(log_of(name)) for name in names}
        self.waiting: list[Callable[[], None]] = []
        self.count = 0
        for number, (one, other) in enumerate(wires):
            for mine, theirs in ((one, other), (other, one)):
                self.nodes[mine].add(number, log_of(theirs), self.line(theirs, number))

    def line(self, to: str, number: int) -> Session:
        net = self

        class Line(Session):
            def tell_addresses(self, told: Sequence[Addresses]) -> None:
                net.count += len(told)
                net.waiting.append(lambda: net.nodes[to].heard(number, told))

            def want_addresses(self, count: int) -> None:
                net.waiting.append(lambda: net.nodes[to].wanted(number, count))

        return Line()

    def settle(self, random: Random) -> None:
        while self.waiting:
            self.waiting.pop(random.randrange(len(self.waiting)))()
            for node in self.nodes.values():
                judge(node)


@pytest.mark.parametrize("seed", range(10))
def test_in_any_connected_net_everybody_learns_the_newest_and_little_is_said_twice(seed: int) -> None:
    random = Random(seed)
    names = [f"Node{number}" for number in range(12)]
    wires = [(names[random.randrange(number)], names[number]) for number in range(1, len(names))]
    wires += [tuple(random.sample(names, 2)) for _ in range(8)]  # type: ignore[misc]
    net = Net(names, wires)
    said = random.sample(names, 4)
    for number in (1, 2):
        for name in said:
            net.nodes[name].say(where(name, number))
        net.settle(random)
    for name, node in net.nodes.items():
        expected = {log_of(other): where(other, 2) for other in said if other != name}
        assert dict(node.known) == expected
    assert net.count <= 2 * len(said) * 2 * len(wires)
