"""Around: one of two nodes that hear of each other begins, and where a node is, its announcement says."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

from ledger.log import LogKey
from node.around import Around
from node.choice import Position, position_of
from node.ends import Linked
from node.hints import Hint
from node.limits import MEETING_SECONDS
from node.links import Links
from node.meeting import Meetings, Source, Way
from node.neighbours import Found, Lost
from protocol.deeds import LinkId
from protocol.handshake import Role

OWN = LogKey(bytes([5]) * 32)


@dataclass
class Met:
    """What `around` asks of links and meetings."""

    ways: dict[str, Way] = field(default_factory=dict)
    later: list[float] = field(default_factory=list)
    linked: list[Linked] = field(default_factory=list)
    ended: list[Linked] = field(default_factory=list)

    def add(self, name: str, way: Way, position: Position | None, source: Source, later: float) -> None:
        assert source is Source.AROUND
        assert position is not None
        self.ways[name] = way
        self.later.append(later)

    def changed(self) -> None:
        self.ways = {name: way for name, way in self.ways.items() if way()}

    def links_of(self, name: str) -> list[Linked]:
        return self.linked

    def cut(self, link: Linked) -> None:
        self.ended.append(link)


def around() -> tuple[Around, Met]:
    met = Met()
    return Around(OWN, cast(Links, met), cast(Meetings, met)), met


def hint_of(log: bytes, *addresses: str) -> Hint:
    return Hint(f"trueque-{log[:2].hex()}", position_of(log), "ensayo", (1,), "", 4711, addresses)


LOWER, HIGHER = hint_of(bytes(32), "10.0.0.1"), hint_of(b"\xff" * 32, "10.0.0.2")


def test_of_two_that_hear_of_each_other_the_lower_log_begins() -> None:
    found, met = around()
    found.heard(Found(HIGHER))
    found.heard(Found(LOWER))
    assert met.later == [0.0, MEETING_SECONDS]


def test_a_node_is_met_at_the_addresses_that_were_announced_last() -> None:
    found, met = around()
    found.heard(Found(LOWER))
    found.heard(Found(hint_of(bytes(32), "10.0.0.9", "fe80::9")))
    assert met.ways[LOWER.instance]() == [("10.0.0.9", 4711), ("fe80::9", 4711)]


def test_who_is_announced_no_more_is_met_nowhere() -> None:
    found, met = around()
    found.heard(Found(LOWER))
    found.heard(Lost(LOWER))
    assert not met.ways
    assert not found.hints


def test_a_link_to_an_address_that_its_node_has_left_is_ended() -> None:
    found, met = around()
    found.heard(Found(LOWER))
    there = Linked(OWN, Role.INITIATOR, "10.0.0.1:4711", 0.0, LinkId(1))
    elsewhere = Linked(OWN, Role.INITIATOR, "192.168.0.1:4711", 0.0, LinkId(2))
    met.linked = [there, elsewhere]
    found.heard(Found(hint_of(bytes(32), "10.0.0.1", "10.0.0.3")))
    assert met.ended == [], "it is still announced there"
    found.heard(Found(hint_of(bytes(32), "10.0.0.3")))
    assert met.ended == [there], "the other one was never found by an announcement"
