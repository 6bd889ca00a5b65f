"""Photos between nodes: whoever holds the listing gets its photos, and nobody gets anything else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ledger.records import Offer
from protocol.blobs import BlobChunk, BlobWant, encode_chunk
from protocol.errors import BlobError, LeftOff, Misbehaved
from protocol.frames import Kind
from protocol.limits import ANSWER_SECONDS, LENT_AT_ONCE_BYTES, LENT_BYTES_PER_SECOND

from ..support.communes import NETWORK, Writer, found
from ..support.neighbours import Link, Neighbour, settle
from ..support.photos import digest_of, jpeg

PHOTO = jpeg("maíz", 100_000)

Settled = Callable[[str], Neighbour]


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Settled]:
    """Make the node of a commune by its name."""
    made: list[Neighbour] = []

    def make(name: str) -> Neighbour:
        made.append(Neighbour(tmp_path / f"{name}.sqlite", found(name).key, NETWORK))
        return made[-1]

    yield make
    for neighbour in made:
        neighbour.close()


@pytest.fixture
def montes() -> Writer:
    """Los Montes, which offers maize and shows it."""
    writer = found("Montes")
    writer.say(Offer, title="Maíz", category="food", images=(digest_of(PHOTO),))
    return writer


def want_of(montes: Writer, photo: bytes = PHOTO) -> BlobWant:
    return BlobWant(digest_of(photo), montes.id_of(-1))


def with_the_listing(montes: Writer, neighbour: Neighbour, *, photo: bytes | None = None) -> Neighbour:
    neighbour.write([montes.run()])
    if photo is not None:
        assert neighbour.blobs.keep(digest_of(photo), photo, own=False)
    return neighbour


def fetched(neighbour: Neighbour, want: BlobWant, *others: Neighbour) -> bytes | None:
    """What becomes of looking for a photo."""
    neighbour.gossip.blobs.want(want)
    settle(neighbour, *others)
    ((found_want, data),) = neighbour.gossip.blobs.found()
    assert found_want == want
    return data


def test_a_photo_is_fetched_from_whoever_holds_it(node: Settled, montes: Writer) -> None:
    one, other, third = node("One"), node("Other"), node("Third")
    with_the_listing(montes, other)
    with_the_listing(montes, third, photo=PHOTO)
    for neighbour in (other, third):
        one.meet(neighbour)
    settle(one, other, third)
    assert fetched(one, want_of(montes), other, third) == PHOTO
    assert one.lender.keep(want_of(montes), PHOTO)
    assert fetched(other, want_of(montes), one, third) == PHOTO
    assert [neighbour.gossip.faults for neighbour in (one, other, third)] == [[], [], []]


def test_ones_own_photo_that_was_lost_comes_back_as_ones_own(node: Settled, montes: Writer) -> None:
    own = with_the_listing(montes, node("Montes"))
    assert own.lender.keep(want_of(montes), PHOTO)
    opened = own.blobs.open_own(digest_of(PHOTO))
    assert opened is not None
    opened[1].close()


def test_nothing_is_given_that_no_listing_held_here_names(node: Settled, montes: Writer) -> None:
    one, other = node("One"), node("Other")
    stray = jpeg("stray")
    other.blobs.keep(digest_of(stray), stray, own=True)
    other.blobs.keep(digest_of(PHOTO), PHOTO, own=True)
    one.meet(other)
    settle(one, other)
    assert fetched(one, want_of(montes), other) is None, "the listing is not held there"
    with_the_listing(montes, other)
    settle(one, other)
    assert fetched(one, want_of(montes, stray), other) is None, "another listing"
    assert fetched(one, BlobWant(digest_of(PHOTO), montes.id_of(0)), other) is None, "no listing at all"
    assert fetched(one, want_of(montes), other) == PHOTO
    assert not one.lender.keep(BlobWant(digest_of(stray), montes.id_of(-1)), stray)
    assert not one.blobs.holds(digest_of(stray))


def test_a_damaged_photo_is_as_good_as_none(node: Settled, montes: Writer) -> None:
    one, other = node("One"), node("Other")
    with_the_listing(montes, other, photo=PHOTO)
    (other.blobs._others / digest_of(PHOTO).hex()).write_bytes(PHOTO[:-1] + b"x")
    one.meet(other)
    settle(one, other)
    assert fetched(one, want_of(montes), other) is None
    assert one.gossip.faults == []


def test_whoever_asks_for_more_than_the_quota_waits_and_news_do_not(node: Settled, montes: Writer) -> None:
    one, other = node("One"), node("Other")
    with_the_listing(montes, other, photo=PHOTO)
    _, back = one.meet(other)
    settle(one, other)
    back.session._lending.spend([bytes(LENT_AT_ONCE_BYTES + LENT_BYTES_PER_SECOND)], 0.0)
    want = want_of(montes)
    one.gossip.blobs.want(want)
    settle(one, other)
    assert one.gossip.blobs.found() == []
    montes.say(Offer, title="Yuca", category="food")
    other.write([montes.run(2)])
    settle(one, other)
    with one.reader.snapshot():
        assert one.reader.branches(montes.log)[0].size == 3
    other.now += 1.5
    settle(one, other)
    assert one.gossip.blobs.found() == [(want, PHOTO)]


# Bad company ------------------------------------------------------------------------------------


def asked(node: Settled, montes: Writer) -> tuple[Neighbour, Link, Link]:
    """A node that has asked a neighbour for a photo, and the two ends of their link."""
    victim, liar = node("Victim"), node("Liar")
    with_the_listing(montes, liar)
    link, back = victim.meet(liar)
    settle(victim, liar)
    victim.gossip.blobs.want(want_of(montes))
    for piece in link.session.outgoing():
        liar.receive(back.number, piece)
    return victim, link, back


def say(victim: Neighbour, link: Link, back: Link, kind: Kind, body: bytes) -> None:
    back.session._put(kind, body)
    for piece in back.session.outgoing():
        victim.receive(link.number, piece)


def test_other_bytes_than_were_asked_for_cost_the_link_and_the_next_is_asked(
    node: Settled, montes: Writer
) -> None:
    victim, link, back = asked(node, montes)
    friend = with_the_listing(montes, node("Friend"), photo=PHOTO)
    victim.meet(friend)
    settle(friend, victim)
    wrong = jpeg("another", 20_000)
    say(victim, link, back, Kind.BLOB, encode_chunk(BlobChunk(digest_of(PHOTO), len(wrong), 0, wrong)))
    ((_, peer, error),) = victim.gossip.faults
    assert isinstance(error, BlobError)
    assert peer == found("Liar").log
    settle(friend, victim)
    assert victim.gossip.blobs.found() == [(want_of(montes), PHOTO)]


def test_a_photo_that_nobody_asked_for_costs_the_link(node: Settled, montes: Writer) -> None:
    victim, link, back = asked(node, montes)
    stray = jpeg("stray", 20_000)
    say(victim, link, back, Kind.BLOB, encode_chunk(BlobChunk(digest_of(stray), len(stray), 0, stray)))
    ((_, _, error),) = victim.gossip.faults
    assert isinstance(error, Misbehaved)
    assert victim.gossip.blobs.found() == [(want_of(montes), None)], "nobody is left to be asked"


def test_whoever_owes_a_photo_and_sends_nothing_is_given_up(node: Settled, montes: Writer) -> None:
    victim, link, back = asked(node, montes)
    start = PHOTO[:32_768]
    link.session.tick(1_000.0)
    say(victim, link, back, Kind.BLOB, encode_chunk(BlobChunk(digest_of(PHOTO), len(PHOTO), 0, start)))
    victim.now = 1_000.0
    assert link.session.timer is not None
    link.session.tick(link.session.timer + ANSWER_SECONDS)
    victim.gossip.look(link.number)
    ((_, _, error),) = victim.gossip.faults
    assert isinstance(error, LeftOff)
    assert victim.gossip.blobs.found() == [(want_of(montes), None)]
