"""Gossip, as stories of nodes that meet: what each holds afterwards, what came twice, and who is blamed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from msgspec.structs import replace

from ledger.author import TakenBack
from ledger.errors import BadHead, EvidenceError
from ledger.evidence import check_evidence
from ledger.log import Erased, Head, LogKey, Run, leaf_hashes
from node.admission import Admission
from node.deeds import Doer
from node.unknown import Unknown
from protocol import pulling
from protocol.blobs import BlobChunk, encode_chunk, encode_no_blob
from protocol.channel import Channel
from protocol.errors import LeftOff, Misbehaved, SessionError, TooMuch
from protocol.frames import Kind
from protocol.limits import ANSWER_SECONDS, MAX_MESSAGE_BYTES, MEETING_SECONDS
from protocol.messages import encode_evidence, encode_heads, encode_run, join_runs
from protocol.pace import Thing
from protocol.questions import Ask, Want, encode_absent, encode_ask, encode_hashes, encode_wants

from ..support.histories import NETWORK, Author, numbered, written
from ..support.neighbours import Link, Neighbour, settle

Meeting = Callable[[str], Neighbour]


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Meeting]:
    """Make a node by its name."""
    made: list[Neighbour] = []

    def make(name: str) -> Neighbour:
        neighbour = Neighbour(tmp_path / f"{name}.sqlite", Author(name).key, NETWORK)
        made.append(neighbour)
        return neighbour

    yield make
    for neighbour in made:
        neighbour.close()


def entries_of(neighbour: Neighbour) -> set[tuple[LogKey, bytes]]:
    with neighbour.reader.snapshot():
        return {
            (branch.log, row.id)
            for branch in neighbour.reader.branches()
            for row in neighbour.reader.entries(branch.number)
        }


def assert_equal(*nodes: Neighbour) -> None:
    first = nodes[0]
    for other in nodes[1:]:
        assert entries_of(other) == entries_of(first)
        assert other.gossip.roster.state == first.gossip.roster.state
        assert other.reader.evidence() == first.reader.evidence()


def logs(count: int, entries: int = 3, tag: str = "log") -> list[Author]:
    return [written(f"{tag} {number}", numbered(f"{tag} {number}", entries)) for number in range(count)]


def holding(neighbour: Neighbour, *authors: Author) -> None:
    neighbour.write(run for author in authors for run in author.runs)


# Meeting ----------------------------------------------------------------------------------------


def test_two_nodes_hold_the_same_after_they_met(node: Meeting) -> None:
    one, other = node("one"), node("other")
    authors = logs(30)
    holding(one, *authors[:20])
    holding(other, *authors[10:])
    one.meet(other)
    settle(one, other)
    assert_equal(one, other)
    assert (one.came, other.came) == (30, 30)
    assert one.gossip.faults == other.gossip.faults == []


def test_a_long_log_comes_in_pieces_and_goes_on_where_it_was_left(
    node: Meeting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("protocol.pulling.PULL_ENTRIES", 40)
    one, other = node("one"), node("other")
    author = written("long", *(numbered(f"batch {number}", 7) for number in range(430)))
    holding(one, author)
    link, _ = other.meet(one)
    while not len(other.gossip.roster):
        one.work()
        other.work()
    other.part(link)
    held = other.gossip.roster.get(author.state.log)
    assert held is not None
    assert 0 < held.number < 3_010
    other.meet(one)
    settle(one, other)
    assert_equal(one, other)
    assert other.came < 3_010 + 1_024


def test_what_is_signed_reaches_everybody_once(node: Meeting) -> None:
    """A ring of five with two links across: there are many ways, and each entry takes one."""
    nodes = [node(f"node {number}") for number in range(5)]
    for number in range(5):
        nodes[number].meet(nodes[(number + 1) % 5])
    nodes[0].meet(nodes[2])
    nodes[1].meet(nodes[3])
    settle(*nodes)
    author = Author("speaker")
    for number in range(10):
        nodes[0].write([author.write(b"%d" % number)])
        settle(*nodes)
    assert_equal(*nodes)
    assert sum(neighbour.came for neighbour in nodes) <= 1.2 * 10 * 4


def test_a_source_that_goes_away_is_replaced_by_another(node: Meeting) -> None:
    one, other, third = node("one"), node("other"), node("third")
    authors = logs(3, 50)
    for neighbour in (one, other):
        holding(neighbour, *authors)
    link, _ = third.meet(one)
    third.meet(other)
    for _step in range(4):
        for neighbour in (one, other, third):
            neighbour.work()
    third.part(link)
    settle(one, other, third)
    assert_equal(one, other, third)


def test_nodes_that_remember_each_other_say_little(node: Meeting) -> None:
    one, other = node("one"), node("other")
    authors = logs(200, 2)
    holding(one, *authors)
    link, _ = one.meet(other)
    settle(one, other)
    one.part(link)
    one.write([authors[0].write(bytes(300))])
    ends = one.meet(other)
    settle(one, other)
    assert_equal(one, other)
    # 400 of them are the handshake, 300 the payload, 140 the head.
    assert sum(end.sent for end in ends) < 1_200


def test_erased_payloads_come_as_their_hashes(node: Meeting) -> None:
    one, other = node("one"), node("other")
    author = written("some", numbered("some", 5))
    run = author.runs[0]
    leaves = leaf_hashes(run.log, 0, list(run.items))
    one.write([Run(run.head, 0, (run.items[0], Erased(leaves[1]), *run.items[2:]))])
    one.meet(other)
    settle(one, other)
    assert_equal(one, other)


def test_everything_that_was_left_out_is_asked_for_again_however_much_it_is(
    node: Meeting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("protocol.pulling.MAX_WANTS", 2)
    monkeypatch.setattr("protocol.neighbour.MAX_WANTS", 2)
    monkeypatch.setattr("protocol.session.MAX_WANTS", 2)
    one, other = node("one"), node("other")
    authors = logs(5)
    for author in authors:
        other.gossip._sighting.decline(author.runs[0].head)
    one.meet(other)
    holding(one, *authors)
    settle(one, other)
    assert not len(other.gossip.roster)
    other.gossip.forgive()
    settle(one, other)
    assert_equal(one, other)
    assert len(other.gossip.roster) == 5


# Forks ------------------------------------------------------------------------------------------


def forked(before: int, mine: int, theirs: int) -> tuple[Author, Author]:
    author = written("liar", numbered("before", before)) if before else Author("liar")
    twin = author.twin()
    author.write(*numbered("one thing", mine))
    twin.write(*numbered("another", theirs))
    return author, twin


@pytest.mark.parametrize(
    ("before", "mine", "theirs"), [(0, 1, 1), (5, 3, 3), (5, 3, 9), (5, 9, 3), (70, 200, 300), (300, 40, 40)]
)
def test_a_fork_ends_as_evidence_at_everybody(node: Meeting, before: int, mine: int, theirs: int) -> None:
    nodes = [node(f"node {number}") for number in range(4)]
    author, twin = forked(before, mine, theirs)
    holding(nodes[0], author)
    holding(nodes[3], twin)
    for one, other in pairwise(nodes):
        one.meet(other)
    settle(*nodes)
    for neighbour in nodes:
        (evidence,) = neighbour.reader.evidence()
        check_evidence(evidence, NETWORK)
        assert evidence.cut == before
        assert neighbour.gossip.faults == []
    assert len({neighbour.gossip.roster.state for neighbour in nodes}) == 1
    assert len({frozenset(entries_of(neighbour)) for neighbour in nodes}) == 1


def test_a_fork_that_shows_in_a_live_session_is_told(node: Meeting) -> None:
    one, other, third = node("one"), node("other"), node("third")
    one.meet(other)
    other.meet(third)
    settle(one, other, third)
    author, twin = forked(4, 2, 2)
    one.write(author.runs)
    third.write(twin.runs)
    settle(one, other, third)
    for neighbour in (one, other, third):
        assert [evidence.cut for evidence in neighbour.reader.evidence()] == [4]
        assert neighbour.gossip.faults == []


def test_evidence_reaches_who_holds_one_branch_alone(node: Meeting) -> None:
    one, other = node("one"), node("other")
    author, twin = forked(4, 2, 3)
    holding(one, author, twin)
    holding(other, author)
    assert one.reader.evidence()
    other.meet(one)
    settle(one, other)
    assert_equal(one, other)


def test_branches_of_a_fork_that_both_know_are_compared_by_their_heads(node: Meeting) -> None:
    """One cut is all that their marks say, and each has another branch."""
    one, other, third = node("one"), node("other"), node("third")
    author, twin = forked(4, 2, 3)
    holding(third, author, twin)
    (evidence,) = third.reader.evidence()
    for neighbour, branch in ((one, author), (other, twin)):
        neighbour.store.add_evidence(evidence)
        holding(neighbour, branch)
    assert one.gossip.roster.state == other.gossip.roster.state
    one.meet(other)
    settle(one, other)
    assert_equal(one, other)


def test_a_branch_that_grows_is_fetched_from_where_it_is_held(node: Meeting) -> None:
    one, other = node("one"), node("other")
    author, twin = forked(5, 20, 20)
    for neighbour in (one, other):
        holding(neighbour, author, twin)
    for number in range(4):
        one.write([(author, twin)[number % 2].write(b"more %d" % number)])
        link, _ = other.meet(one)
        settle(one, other)
        other.part(link)
    assert_equal(one, other)
    assert other.came == 4


def test_a_branch_that_goes_on_from_a_shorter_one_than_was_thought_is_fetched_too(node: Meeting) -> None:
    one, other = node("one"), node("other")
    author, twin = forked(5, 20, 10)
    for neighbour in (one, other):
        holding(neighbour, author, twin)
    one.write([twin.write(*numbered("much more", 15))])
    other.meet(one)
    settle(one, other)
    assert_equal(one, other)
    assert other.came <= 5 + 15, "from the end of the longer one, then from that of the shorter"
    assert one.gossip.faults == other.gossip.faults == []


# Whoever does not keep to it --------------------------------------------------------------------


def stranger(victim: Neighbour, node: Meeting, name: str = "the liar") -> tuple[Link, Channel]:
    """A session of which one end is in the hands of the test: its link at the victim, and what encrypts."""
    liar = node(name)
    link, mine = victim.meet(liar)
    while link.session.state.value != "open":
        victim.work()
        liar.work()
    channel = mine.session._channel
    assert channel is not None
    mine.session.outgoing()
    return link, channel


def tell(victim: Neighbour, link: Link, channel: Channel, kind: int, body: bytes) -> None:
    channel.put(kind, body)
    for piece in channel.flush():
        victim.receive(link.number, piece)


HEAD = written("unasked", [b"x"]).runs[0]


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (Kind.RUNS, join_runs([encode_run(HEAD)])),
        (Kind.ABSENT, encode_absent(HEAD.log)),
        (Kind.HASHES, encode_hashes([])),
        (Kind.RECONCILE, b"\x00"),
        (Kind.STATE, bytes(15)),
        (Kind.WANT, b"\x90"),
        (Kind.END, b"\x00"),
        (Kind.WANT_BLOB, b"junk"),
        (Kind.NO_BLOB, encode_no_blob(bytes(32))),
        (Kind.BLOB, encode_chunk(BlobChunk(bytes(32), 1, 0, b"x"))),
        (0x7F, b"\x00"),
        (Kind.HEADS, b"junk"),
        (Kind.FAREWELL, b"junk"),
    ],
)
def test_what_may_not_be_said_ends_that_session_alone(node: Meeting, kind: int, body: bytes) -> None:
    victim, friend = node("victim"), node("friend")
    holding(friend, *logs(3))
    victim.meet(friend)
    settle(victim, friend)
    before = entries_of(victim)
    link, channel = stranger(victim, node)
    tell(victim, link, channel, kind, body)
    assert link.session.is_over
    ((_, peer, _error),) = victim.gossip.faults
    assert peer is not None
    assert entries_of(victim) == before
    friend.write([written("later", [b"y"]).runs[0]])
    settle(victim, friend)
    assert_equal(victim, friend)


def test_what_is_unknown_and_may_be_skipped_is(node: Meeting) -> None:
    victim = node("victim")
    link, channel = stranger(victim, node)
    tell(victim, link, channel, 0xF0, b"of a later version")
    assert not link.session.is_over


def test_heads_that_lead_nowhere_cost_a_question(node: Meeting) -> None:
    """Somebody announces what they do not hold: asked, they have to say so."""
    victim = node("victim")
    link, channel = stranger(victim, node)
    tell(victim, link, channel, Kind.HEADS, encode_heads([HEAD.head]))
    assert link.session.open_wants == 1
    tell(victim, link, channel, Kind.ABSENT, encode_absent(HEAD.log))
    assert link.session.open_wants == 0
    assert not victim.gossip._links[link.number].offers
    assert not link.session.is_over


def test_heads_of_another_branch_that_nobody_signed_cost_nothing(node: Meeting) -> None:
    victim = node("victim")
    author = written("some", numbered("some", 3))
    holding(victim, author)
    link, channel = stranger(victim, node)
    head = author.runs[0].head
    tell(victim, link, channel, Kind.HEADS, encode_heads([Head(head.log, 3, bytes(32), bytes(64))]))
    assert link.session.open_wants == 0


def test_what_all_offer_together_is_bounded_and_nobody_takes_the_places_of_others(
    node: Meeting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Heads of logs that do not exist, answered for slowly, would be remembered without end."""
    monkeypatch.setattr(pulling, "MAX_OFFERS", 600)
    monkeypatch.setattr(pulling, "MAX_WANTS", 100)
    victim, friend = node("victim"), node("friend")
    link, channel = stranger(victim, node)
    invented = [Head(b"%032d" % number, 1, bytes(32), bytes(64)) for number in range(1_000)]
    tell(victim, link, channel, Kind.HEADS, encode_heads(invented))
    assert len(victim.gossip._links[link.number].offers) == 600
    holding(friend, *logs(250))
    victim.meet(friend)
    settle(victim, friend)
    assert entries_of(victim) == entries_of(friend)
    assert len(victim.gossip._links[link.number].offers) < 600
    assert victim.gossip._pulling._offers == sum(len(each.offers) for each in victim.gossip._links.values())
    assert not link.session.is_over


def test_a_head_of_ones_own_log_that_nobody_signed_ends_the_session(node: Meeting) -> None:
    """Else somebody could have signatures looked at without end; one that was seen is not looked at again."""
    victim = node("victim")
    victim.doer = Doer(victim.store, Seer(victim.log), lambda: Admission(victim.reader, (), lambda: None))
    link, channel = stranger(victim, node)
    own = Author("victim")
    own.write(b"something")
    for _time in range(3):
        tell(victim, link, channel, Kind.HEADS, encode_heads([own.runs[0].head] * 9))
    settle(victim)
    assert victim.doer._author.seen == [own.runs[0].head]  # type: ignore[union-attr]
    tell(victim, link, channel, Kind.HEADS, encode_heads([Head(victim.log, 7, bytes(32), bytes(64))] * 9))
    settle(victim)
    assert [type(error) for _, _, error in victim.gossip.faults] == [Misbehaved]
    assert link.session.is_over


def test_a_head_of_an_unknown_log_that_nobody_signed_ends_the_session(node: Meeting) -> None:
    victim = node("victim")
    victim.doer = Doer(
        victim.store, None, lambda: Admission(victim.reader, (), lambda: None), Unknown(NETWORK)
    )
    link, channel = stranger(victim, node)
    tell(victim, link, channel, Kind.HEADS, encode_heads([HEAD.head]))
    tell(victim, link, channel, Kind.RUNS, join_runs([encode_run(HEAD)]))
    settle(victim)
    assert not link.session.is_over
    tell(victim, link, channel, Kind.HEADS, encode_heads([Head(HEAD.log, 99, bytes(32), bytes(64))]))
    settle(victim)
    assert [type(error) for _, _, error in victim.gossip.faults] == [Misbehaved]


class Seer:
    """What becomes of the log that is written here: its heads are looked at."""

    def __init__(self, log: LogKey) -> None:
        self.log = log
        self.seen: list[Head] = []

    def take_back(self, run: Run) -> TakenBack:
        raise AssertionError("nothing of it comes")

    def see(self, head: Head) -> bool:
        if not head.is_signed(NETWORK):
            raise BadHead("Nobody has signed it.")
        self.seen.append(head)
        return True


@pytest.mark.parametrize("what", ["root", "signature", "log"])
def test_entries_that_are_not_what_their_head_says_end_the_session(node: Meeting, what: str) -> None:
    victim = node("victim")
    link, channel = stranger(victim, node)
    author = written("some", numbered("some", 3))
    run = author.runs[0]
    tell(victim, link, channel, Kind.HEADS, encode_heads([run.head]))
    wrong = {
        "root": Run(run.head, 0, (*run.items[:2], b"changed")),
        "signature": Run(written("some", numbered("other", 3)).runs[0].head, 0, run.items),
        "log": HEAD,
    }[what]
    tell(victim, link, channel, Kind.RUNS, join_runs([encode_run(wrong)]))
    settle(victim)
    assert [type(error).__name__ for _, _, error in victim.gossip.faults] == [
        "Misbehaved" if what == "log" else "BadRun"
    ]
    assert entries_of(victim) == set()


def test_evidence_that_proves_nothing_ends_the_session_also_after_others_have_left(node: Meeting) -> None:
    """Heads that were shown while it was verified wait for it, and whoever showed them may be gone."""
    victim, witness = node("victim"), node("witness")
    holding(witness, *forked(2, 1, 1))
    (evidence,) = witness.reader.evidence()
    unsigned = replace(evidence.first, head=replace(evidence.first.head, signature=bytes(64)))
    forged = replace(evidence, first=unsigned)
    link, channel = stranger(victim, node)
    other, its_channel = stranger(victim, node, "one who leaves")
    tell(victim, link, channel, Kind.EVIDENCE, encode_evidence(forged))
    tell(victim, other, its_channel, Kind.HEADS, encode_heads([evidence.second.head]))
    victim.part(other)
    settle(victim)
    assert [type(error) for _, _, error in victim.gossip.faults] == [EvidenceError]
    assert link.session.is_over


def test_who_does_not_answer_is_given_up(node: Meeting) -> None:
    victim = node("victim")
    link, channel = stranger(victim, node)
    tell(victim, link, channel, Kind.HEADS, encode_heads([HEAD.head]))
    at_rest = 9_000.0
    assert link.session.timer is not None
    link.session.tick(at_rest)  # the time at which it was asked
    assert not link.session.is_over
    assert link.session.timer == at_rest + ANSWER_SECONDS
    link.session.tick(at_rest + ANSWER_SECONDS - 1)
    assert not link.session.is_over
    link.session.tick(at_rest + ANSWER_SECONDS)
    victim.gossip.look(link.number)
    ((_, _, error),) = victim.gossip.faults
    assert isinstance(error, LeftOff)


def test_a_handshake_has_its_time(node: Meeting) -> None:
    one, other = node("one"), node("other")
    link, _ = one.meet(other)
    link.session.tick(MEETING_SECONDS)
    assert link.session.is_over


def test_wanting_without_end_ends_the_session(node: Meeting) -> None:
    victim = node("victim")
    link, channel = stranger(victim, node)
    wants = encode_wants([Want(HEAD.log, 0, 1)] * 1_000)
    for _number in range(5):
        tell(victim, link, channel, Kind.WANT, wants)
    ((_, _, error),) = victim.gossip.faults
    assert isinstance(error, Misbehaved)


def test_one_log_does_not_meet_itself(node: Meeting, tmp_path: Path) -> None:
    one = node("one")
    copy = Neighbour(tmp_path / "copy.sqlite", one.key, NETWORK)
    one.meet(copy)
    settle(one, copy)
    copy.close()
    codes = [
        error.code
        for _, _, error in (*one.gossip.faults, *copy.gossip.faults)
        if isinstance(error, SessionError)
    ]
    assert "same-log" in codes


# How much of it ---------------------------------------------------------------------------------

COUNTRY = 47_000
"""logs of councils; sessions in which each of them is new are normal work"""


def told_too_much(victim: Neighbour, link: Link) -> str:
    victim.gossip.look(link.number)
    ((_, _, error),) = victim.gossip.faults
    assert isinstance(error, TooMuch)
    assert error.code == "too-much"
    return str(error)


def spare(thing: Thing, link: Link, left: int) -> None:
    link.session.paces.paces[thing].left = left


def test_more_heads_than_there_can_be_news_end_the_session(node: Meeting) -> None:
    victim = node("victim")
    link, channel = stranger(victim, node)
    spare(Thing.HEADS, link, 1_500)
    for _number in range(2):
        tell(victim, link, channel, Kind.HEADS, encode_heads([HEAD.head] * 1_000))
    assert told_too_much(victim, link) == Thing.HEADS.value[2]


def test_small_frames_that_become_large_messages_end_the_session(node: Meeting) -> None:
    """A kilobyte each on the wire: what they come to is counted, whether or not it is read."""
    victim = node("victim")
    link, channel = stranger(victim, node)
    spare(Thing.BYTES, link, 3 * MAX_MESSAGE_BYTES)
    for _number in range(4):
        assert not link.session.is_over
        tell(victim, link, channel, 0xF0, bytes(MAX_MESSAGE_BYTES))
    assert told_too_much(victim, link) == Thing.BYTES.value[2]


def test_more_evidence_than_is_verified_for_anybody_ends_the_session(node: Meeting) -> None:
    victim, witness = node("victim"), node("witness")
    holding(witness, *forked(2, 1, 1))
    (evidence,) = witness.reader.evidence()
    link, channel = stranger(victim, node)
    spare(Thing.EVIDENCE, link, 2)
    for _number in range(3):
        tell(victim, link, channel, Kind.EVIDENCE, encode_evidence(evidence))
    assert told_too_much(victim, link) == Thing.EVIDENCE.value[2]


@pytest.mark.parametrize("want", [Want(HEAD.log, 0, 0), Want(HEAD.log, 0, 1)])
def test_wanting_the_same_again_and_again_ends_the_session(node: Meeting, want: Want) -> None:
    victim = node("victim")
    link, channel = stranger(victim, node)
    spare(Thing.WANTS, link, 2_500)
    for _number in range(3):
        tell(victim, link, channel, Kind.WANT, encode_wants([want] * 1_000))
    assert told_too_much(victim, link) == Thing.WANTS.value[2]


def test_asking_about_trees_without_end_ends_the_session(node: Meeting) -> None:
    victim = node("victim")
    link, channel = stranger(victim, node)
    spare(Thing.QUESTIONS, link, 5)
    for _number in range(6):
        tell(victim, link, channel, Kind.ASK, encode_ask(Ask(HEAD.log, 1, HEAD.head.root, ((0, 1),))))
        link.session.answer([])
    assert told_too_much(victim, link) == Thing.QUESTIONS.value[2]


def test_asking_for_all_of_a_large_tree_again_and_again_ends_the_session(node: Meeting) -> None:
    """A hundred bytes may ask for a hundred thousand hashes."""
    victim = node("victim")
    link, channel = stranger(victim, node)
    spare(Thing.HASHED, link, 2_500)
    for _number in range(3):
        tell(victim, link, channel, Kind.ASK, encode_ask(Ask(HEAD.log, 1_024, bytes(32), ((0, 1_024),))))
        link.session.answer([])
    assert told_too_much(victim, link) == Thing.HASHED.value[2]


def test_what_may_be_skipped_is_skipped_so_many_times(node: Meeting) -> None:
    victim = node("victim")
    link, channel = stranger(victim, node)
    spare(Thing.MESSAGES, link, 3)
    for _number in range(4):
        tell(victim, link, channel, 0xF0, b"of a later version")
    assert told_too_much(victim, link) == Thing.MESSAGES.value[2]


def test_bringing_without_end_what_is_not_taken_in_ends_the_session(node: Meeting) -> None:
    victim, liar = node("victim"), node("liar")
    victim.doer = Doer(victim.store, None, lambda: Admission(victim.reader, (), lambda: None))
    holding(liar, *logs(20))
    link, _ = victim.meet(liar)
    spare(Thing.REFUSALS, link, 10)
    settle(victim, liar)
    ((_, _, error),) = victim.gossip.faults
    assert isinstance(error, TooMuch)
    assert str(error) == Thing.REFUSALS.value[2]
    assert not entries_of(victim)


def spent(link: Link) -> dict[Thing, float]:
    """Of each thing, what the other side has taken."""
    return {thing: pace.at_once - pace.left for thing, pace in link.session.paces.paces.items()}


def test_a_first_meeting_with_a_whole_country_stays_far_from_what_is_too_much(node: Meeting) -> None:
    """Told with a few hundred logs, and no time in which anything would come back."""
    one, other, third = node("one"), node("other"), node("third")
    third.doer = Doer(third.store, None, lambda: Admission(third.reader, (), lambda: None))
    count = 400
    holding(one, *logs(count, 2))
    ends = [*other.meet(one), *third.meet(one), *third.meet(other)]
    settle(one, other, third)
    assert_equal(one, other)
    for end in ends:
        for thing, taken in spent(end).items():
            assert taken * COUNTRY / count <= thing.value[0] / 2, thing


def test_a_hundred_thousand_entries_stay_far_from_what_is_too_much(node: Meeting) -> None:
    """Told with a tenth of them, and no time in which anything would come back."""
    one, other = node("one"), node("other")
    holding(one, written("long", *(numbered(f"batch {number}", 1_000) for number in range(10))))
    ends = other.meet(one)
    settle(one, other)
    assert_equal(one, other)
    for end in ends:
        for thing, taken in spent(end).items():
            assert taken * 10 <= thing.value[0] / 100, thing
