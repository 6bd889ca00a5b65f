"""Hearsay: what neighbours tell of addresses is believed of logs that are taken in, and signed by them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import pytest

from ledger.records import CommuneId
from node.admission import Admission
from node.hearsay import Judge
from protocol.addresses import PURPOSE, Addresses, Place, sign_addresses
from protocol.errors import Misbehaved

from ..support.communes import NETWORK, Writer, found
from ..support.neighbours import Neighbour, settle

Settled = Callable[[Writer], Neighbour]


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Settled]:
    """Make the node of a commune."""
    made: list[Neighbour] = []

    def make(writer: Writer) -> Neighbour:
        made.append(Neighbour(tmp_path / f"{writer.name}.sqlite", writer.key, NETWORK))
        return made[-1]

    yield make
    for neighbour in made:
        neighbour.close()


def said(writer: Writer, *hosts: str, number: int = 1) -> Addresses:
    places = [Place(host, 8784) for host in hosts]
    return sign_addresses(
        writer.log, number, places, lambda text: writer.key.sign_in_context(PURPOSE, NETWORK, text)
    )


def judge(neighbour: Neighbour, communes: Collection[CommuneId]) -> list[Addresses]:
    """Have what was told judged where the logs of some communes are taken in; what is known by it."""
    judges = Judge(neighbour.reader, lambda reader: Admission(reader, communes, lambda: None))
    heard = neighbour.gossip.addresses.to_judge()
    verdicts = judges.verdicts(heard)
    return [
        each.told
        for each, verdict in zip(heard, verdicts, strict=True)
        if neighbour.gossip.judged(each, verdict)
    ]


def test_what_a_neighbour_says_of_itself_is_known_and_goes_on(node: Settled) -> None:
    montes, valle, sierra = found("Montes"), found("Valle"), found("Sierra")
    here, there, further = node(montes), node(valle), node(sierra)
    here.write([valle.run()])
    there.gossip.addresses.say(said(valle, "valle.example"))
    here.meet(there)
    here.meet(further)
    settle(here, there, further)
    assert judge(here, [valle.commune]) == [said(valle, "valle.example")]
    settle(here, there, further)
    assert [each.told for each in further.gossip.addresses.to_judge()] == [said(valle, "valle.example")]
    assert there.gossip.addresses.to_judge() == []


def test_of_a_log_that_is_not_taken_in_it_waits_until_it_is(node: Settled) -> None:
    montes, valle = found("Montes"), found("Valle")
    here, there = node(montes), node(valle)
    there.gossip.addresses.say(said(valle, "valle.example"))
    here.meet(there)
    settle(here, there)
    assert judge(here, [valle.commune]) == [], "its log is not held"
    assert judge(here, [valle.commune]) == [], "nothing has changed"
    there.write([valle.run()])
    settle(here, there)
    assert judge(here, []) == [], "nobody recognises it"
    here.gossip.forgive()
    assert judge(here, [valle.commune]) == [said(valle, "valle.example")]


def test_what_its_log_has_not_signed_ends_the_session(node: Settled) -> None:
    montes, valle, sierra = found("Montes"), found("Valle"), found("Sierra")
    here, there = node(montes), node(valle)
    here.write([sierra.run()])
    forged = said(sierra, "sierra.example")
    there.gossip.addresses.say(Addresses(forged.log, 2, forged.places, forged.signature))
    here.meet(there)
    settle(here, there)
    assert judge(here, [sierra.commune]) == []
    ((_, peer, error),) = here.gossip.faults
    assert peer == valle.log
    assert isinstance(error, Misbehaved)
    assert not here.gossip.addresses.known


def test_whoever_is_met_again_says_nothing_twice_but_where_it_is(node: Settled) -> None:
    """Nodes that know each other pay nothing for addresses, unless they can be called themselves."""
    montes, valle = found("Montes"), found("Valle")
    here, there = node(montes), node(valle)
    sent = []
    for _ in range(3):
        link, _ = here.meet(there)
        settle(here, there)
        sent.append(link.sent)
        here.part(link)
    assert sent[0] > sent[1] == sent[2]
