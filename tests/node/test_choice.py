"""Choice: whatever a net looks like, its links hold together and are not too many."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Mapping
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.choice import Position, chosen, position_of, turn_seconds
from node.limits import LIVE_LINKS, TURN_SECONDS

Graph = Mapping[Position, Iterable[Position]]


def positions(count: int, tag: str = "log") -> list[Position]:
    return [position_of(sha256(f"{tag} {number}".encode()).digest()) for number in range(count)]


def both_ways(graph: Graph) -> dict[Position, set[Position]]:
    """The links that there are: one side that wants a link is enough."""
    links: defaultdict[Position, set[Position]] = defaultdict(set)
    for one, others in graph.items():
        for other in others:
            links[one].add(other)
            links[other].add(one)
    return links


def reached(graph: Mapping[Position, set[Position]], start: Position) -> dict[Position, int]:
    """Everybody who is reached, and over how many links."""
    found, edge = {start: 0}, [start]
    while edge:
        further = []
        for one in edge:
            for other in graph.get(one, set()):
                if other not in found:
                    found[other] = found[one] + 1
                    further.append(other)
        edge = further
    return found


@settings(max_examples=60, deadline=None)
@given(st.sets(st.binary(min_size=8, max_size=8).map(Position), min_size=2, max_size=200))
def test_nodes_that_know_each_other_choose_each_other_and_hang_together(nodes: set[Position]) -> None:
    wants = {node: chosen(node, nodes, places=LIVE_LINKS) for node in nodes}
    links = both_ways(wants)
    for node in nodes:
        assert links[node] == wants[node], "both sides want the same links"
        assert len(links[node]) <= LIVE_LINKS
        assert node not in links[node]
    assert reached(links, min(nodes)).keys() == nodes


@pytest.mark.parametrize(("count", "most"), [(9, 1), (50, 5), (200, 14)])
def test_what_is_signed_anywhere_is_everywhere_after_few_links(count: int, most: int) -> None:
    """Of 200 the farthest is 100 places away: twelve steps of 8, and two short ones."""
    nodes = positions(count)
    links = both_ways({node: chosen(node, nodes, places=LIVE_LINKS) for node in nodes})
    assert max(reached(links, nodes[0]).values()) <= most


@pytest.mark.parametrize("count", range(1, 10))
def test_with_no_more_than_there_are_places_all_are_linked(count: int) -> None:
    nodes = positions(count)
    assert chosen(nodes[0], nodes, places=LIVE_LINKS) == frozenset(nodes[1:])


@settings(max_examples=20, deadline=None)
@given(st.integers(20, 200), st.randoms(use_true_random=False))
def test_where_each_knows_another_half_the_turns_hold_it_together(count: int, drawn: random.Random) -> None:
    nodes = positions(count)
    knows = {node: drawn.sample(nodes, count // 2) for node in nodes}
    wants = {node: chosen(node, knows[node], places=LIVE_LINKS) for node in nodes}
    assert all(len(wanted) <= LIVE_LINKS for wanted in wants.values())
    turns = both_ways({node: [other for other in knows[node] if other != node] for node in nodes})
    assert reached(turns, nodes[0]).keys() == set(nodes)
    # What links for good do already; turns are for what is left.
    assert len(reached(both_ways(wants), nodes[0])) > 0.9 * count


def test_those_that_the_operator_named_come_first_and_the_ring_is_kept() -> None:
    nodes = positions(60)
    own, named = nodes[0], nodes[10:20]
    found = chosen(own, nodes, places=LIVE_LINKS, named=named)
    ring = sorted(nodes)
    here = ring.index(own)
    assert found == {*named, ring[here - 1], ring[(here + 1) % 60]}
    some = chosen(own, nodes, places=LIVE_LINKS, named=named[:3])
    assert {*named[:3], ring[here - 1], ring[(here + 1) % 60]} <= some
    assert len(some) <= LIVE_LINKS


def test_the_recognised_come_into_the_places_that_are_left_over() -> None:
    nodes = positions(12)
    own = nodes[0]
    without = chosen(own, nodes, places=LIVE_LINKS)
    assert len(without) == 6, "1, 2 and 4 both ways: 8 is more than half around"
    left = [node for node in nodes[1:] if node not in without]
    for friend in left:
        assert chosen(own, nodes, places=LIVE_LINKS, recognised=[friend, own]) == without | {friend}
    assert len(chosen(own, nodes, places=LIVE_LINKS, recognised=left)) == LIVE_LINKS
    stranger = position_of(bytes(8))
    assert chosen(own, nodes, places=LIVE_LINKS, recognised=[stranger]) == without, "nobody knows where it is"


def test_however_many_are_visited_in_turn_visits_are_few() -> None:
    assert turn_seconds(0) == turn_seconds(10) == TURN_SECONDS
    assert turn_seconds(200) > 200
