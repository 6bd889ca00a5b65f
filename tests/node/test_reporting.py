"""Words for how a home and its node are: what stands where."""

from __future__ import annotations

from node.answers import AnsweredError
from node.reporting import facts
from node.state import Clock, Nearby, PartTold, Process, State


def test_what_the_node_says_stands_beside_the_node() -> None:
    """A sentence without a name of its own is read as part of what stands above it."""
    sentences = tuple(
        AnsweredError(error="InputError", template=text, fields={}) for text in ("One.", "Two.")
    )
    state = State(
        home="/home",
        state="empty",
        process=Process(pid=1, people_port=8783, peer_port=8784, since=0),
        clock=Clock(now=0, last=None, doubt=None),
        lan=Nearby(wanted=False, open=False, password=False, ruled=False),
        parts={"gossip": PartTold(facts={}, sentences=sentences)},
    )
    told = facts(state)
    assert [name for name, _value in told][:4] == ["Home", "Node", "", ""]
    assert [value for _name, value in told][2:4] == ["One.", "Two."]
    assert all(name for name, _value in told[4:])
