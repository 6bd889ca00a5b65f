"""What a run means beside the branches held, over random forks, sizes and splittings."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import merkle, signing
from ledger.errors import BadHead, BadRun, Diverged, Unconnected
from ledger.evidence import check_evidence
from ledger.log import Head, Run
from ledger.replica import Extends, Forks, Known, Opens, place_run
from tests.support.histories import NETWORK, Author, Holder, erased, numbered, written


@pytest.fixture
def verifications(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Every message whose signature is verified during the test."""
    messages: list[bytes] = []
    real = signing.verify

    def verify(public_key: bytes, message: bytes, signature: bytes) -> bool:
        messages.append(message)
        return real(public_key, message, signature)

    monkeypatch.setattr(signing, "verify", verify)
    return messages


def with_head(run: Run, **fields: object) -> Run:
    """A run whose head is changed."""
    return msgspec.structs.replace(run, head=msgspec.structs.replace(run.head, **fields))


# Opening ---------------------------------------------------------------------------------------------


def test_the_first_run_opens_a_log() -> None:
    author = written("El Maizal", numbered("a", 3))
    assert place_run(author.runs[0], [], NETWORK) == Opens(author.state, author.leaves)


@given(st.integers(1, 40), st.integers(1, 20))
def test_a_log_may_be_held_from_an_index_on(start: int, count: int) -> None:
    author = written("El Maizal", numbered("a", start), numbered("b", count), numbered("c", 5))
    holder = Holder()
    opened = holder.take(author.run_between(start, author.runs[1].head, with_before=True))
    assert isinstance(opened, Opens)
    assert opened.leaves == author.leaves[start : start + count]
    assert isinstance(holder.take(author.runs[2]), Extends)
    assert holder.branches[0].state() == author.state


def test_a_run_from_the_middle_does_not_open_a_log_without_its_compact_range() -> None:
    author = written("El Maizal", numbered("a", 3), numbered("b", 4))
    with pytest.raises(Unconnected):
        place_run(author.runs[1], [], NETWORK)


def test_a_false_compact_range_does_not_open_a_log() -> None:
    author = written("El Maizal", numbered("a", 3), numbered("b", 4))
    run = author.run_between(3, author.runs[1].head, with_before=True)
    for before in (run.before[::-1], (b"\0" * 32, b"\0" * 32), run.before[:1]):
        with pytest.raises(BadRun):
            place_run(msgspec.structs.replace(run, before=before), [], NETWORK)


def test_nothing_opens_a_log_that_its_key_did_not_sign() -> None:
    run = written("El Maizal", numbered("a", 3)).runs[0]
    with pytest.raises(BadHead):
        place_run(with_head(run, signature=b"\0" * 64), [], NETWORK)
    with pytest.raises(BadRun):
        place_run(msgspec.structs.replace(run, items=(b"x", *run.items[1:])), [], NETWORK)


# Extending -------------------------------------------------------------------------------------------


def test_the_usual_extension_costs_one_verification(verifications: list[bytes]) -> None:
    author = written("El Maizal", numbered("a", 300), numbered("b", 200))
    holder = Holder().take_all(author.runs[:1])
    verifications.clear()
    placement = place_run(author.runs[1], holder.branches, NETWORK)
    assert placement == Extends(0, author.state, author.leaves[300:], 0)
    assert len(verifications) == 1


def test_what_is_held_of_a_run_is_skipped() -> None:
    author = written("El Maizal", numbered("a", 3), numbered("b", 4))
    holder = Holder().take_all(author.runs[:1])
    run = author.run_between(1, author.runs[1].head)
    assert place_run(run, holder.branches, NETWORK) == Extends(0, author.state, author.leaves[3:], 2)


def test_erased_payloads_extend_and_are_known_like_any_other() -> None:
    author = written("El Maizal", numbered("a", 3), numbered("b", 4))
    holder = Holder().take_all([author.runs[0], erased(author.runs[1], 4, 5)])
    assert holder.branches[0].state() == author.state
    assert place_run(author.runs[1], holder.branches, NETWORK) == Known(0, is_new_head=False)


def test_a_run_beyond_what_is_held_is_unconnected() -> None:
    author = written("El Maizal", numbered("a", 3), numbered("b", 4), numbered("c", 2))
    holder = Holder().take_all(author.runs[:1])
    for run in (author.runs[2], author.run_between(7, author.runs[2].head, with_before=True)):
        with pytest.raises(Unconnected) as caught:
            place_run(run, holder.branches, NETWORK)
        assert not isinstance(caught.value, Diverged)
    with pytest.raises(BadHead):
        place_run(with_head(author.runs[2], signature=b"\0" * 64), holder.branches, NETWORK)


# Known -----------------------------------------------------------------------------------------------


@given(st.data())
def test_whatever_is_held_is_known(data: st.DataObject) -> None:
    author = written("El Maizal", numbered("a", 9), numbered("b", 4), numbered("c", 6))
    holder = Holder().take_all(author.runs)
    head = data.draw(st.sampled_from([run.head for run in author.runs]))
    run = author.run_between(data.draw(st.integers(0, head.size - 1)), head)
    assert holder.take(run) == Known(0, is_new_head=False)


def test_a_new_head_between_held_ones_is_told_and_its_root_checked() -> None:
    author = written("El Maizal", numbered("a", 3))
    twin = author.twin()
    author.write(*numbered("b", 4))
    dense = twin.write(*numbered("b", 2))
    holder = Holder().take_all(author.runs)
    assert place_run(dense, holder.branches, NETWORK) == Known(0, is_new_head=True)
    with pytest.raises(BadHead):
        place_run(with_head(dense, signature=author.runs[0].head.signature), holder.branches, NETWORK)


def test_known_entries_under_a_false_head_are_refused() -> None:
    author = written("El Maizal", numbered("a", 3), numbered("b", 4))
    holder = Holder().take_all(author.runs)
    with pytest.raises(BadHead):
        place_run(with_head(author.runs[1], signature=b"\1" * 64), holder.branches, NETWORK)
    with pytest.raises(BadHead):
        place_run(with_head(author.runs[1], root=b"\1" * 32), holder.branches, NETWORK)


def test_a_root_that_the_log_signed_and_that_is_not_of_these_entries_is_a_bad_run_from_index_0() -> None:
    """Its author lied about its own root: no fork, since nothing can ever hash to it."""
    author = written("El Maizal", numbered("a", 3))
    holder = Holder().take_all(author.runs)
    head = msgspec.structs.replace(author.runs[0].head, root=b"\1" * 32)
    head = msgspec.structs.replace(head, signature=author.key.sign(head.body(NETWORK)))
    run = author.run_between(0, head)
    for branches in (holder.branches, []):
        with pytest.raises(BadRun):
            place_run(run, branches, NETWORK)
    with pytest.raises(Diverged):
        place_run(author.run_between(1, head), holder.branches, NETWORK)


# Forks -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Story:
    """A log that its writer split in two after `cut` entries, each half written in its own runs."""

    one: Author
    other: Author
    cut: int


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """Forks of any shape: cuts in any place of a run, branches of any length."""
    sizes = st.lists(st.integers(1, 9), max_size=4)
    author = written("El Maizal", *[numbered("shared", size, 10 * size) for size in draw(sizes)])
    other = author.twin()
    cut = author.state.size
    same = draw(st.integers(0, 5))  # entries that both wrote alike, within their first runs past the split
    for tag, half in (("one", author), ("other", other)):
        half.write(*numbered("alike", same), *numbered(tag, draw(st.integers(1, 9))))
        for size in draw(sizes):
            half.write(*numbered(tag, size, 100))
    return Story(author, other, cut + same)


def fork_from(story: Story, holder: Holder, start: int, end: int) -> Forks:
    """Take the other branch's entries from `start` to the head of its run `end`."""
    placement = holder.take(story.other.run_between(start, story.other.runs[end].head))
    assert isinstance(placement, Forks)
    return placement


@given(stories(), st.data())
def test_a_fork_within_a_run_is_found_at_its_cut_and_proved(story: Story, data: st.DataObject) -> None:
    holder = Holder().take_all(story.one.runs)
    parting = [n for n, run in enumerate(story.other.runs) if run.head.size > story.cut]
    end = data.draw(st.sampled_from(parting))
    start = data.draw(st.integers(0, story.cut))
    fork = fork_from(story, holder, start, end)
    assert (fork.number, fork.cut, fork.skip) == (0, story.cut, story.cut - start)
    assert fork.evidence.cut == story.cut
    check_evidence(fork.evidence, NETWORK)
    assert fork.state.size == story.other.runs[end].head.size
    # The second branch then grows as the first does, and both are known from then on.
    for run in story.other.runs[end + 1 :]:
        placement = holder.take(run)
        assert isinstance(placement, Extends)
        assert placement.number == 1
    assert holder.branches[1].state() == story.other.state
    for number, author in enumerate((story.one, story.other)):
        last = holder.take(author.runs[-1])
        assert last == Known(number, is_new_head=False)
        more = author.write(b"more")
        placement = holder.take(more)
        assert isinstance(placement, Extends)
        assert placement.number == number
    assert len(holder.evidence) == 1


@given(stories(), st.data())
def test_whichever_branch_came_first_and_however_it_was_split_the_evidence_has_one_form(
    story: Story, data: st.DataObject
) -> None:
    first = Holder().take_all(story.one.runs)
    turned = Holder().take_all(story.other.runs)
    ours = next(run.head for run in story.one.runs if run.head.size > story.cut)
    theirs = next(run.head for run in story.other.runs if run.head.size > story.cut)
    starts = st.integers(0, story.cut)
    one = first.take(story.other.run_between(data.draw(starts), theirs))
    other = turned.take(story.one.run_between(data.draw(starts), ours))
    assert isinstance(one, Forks)
    assert isinstance(other, Forks)
    assert one.evidence == other.evidence


@given(stories())
def test_runs_past_a_cut_that_is_not_known_diverge(story: Story) -> None:
    holder = Holder().take_all(story.one.runs)
    past = [run for run in story.other.runs if story.cut < run.start]
    for run in past:
        error = Diverged if run.start <= story.one.state.size else Unconnected
        with pytest.raises(error):
            holder.take(run)
    assert len(holder.branches) == 1


def test_a_fork_exactly_where_a_held_branch_begins_is_found() -> None:
    author = written("El Maizal", numbered("a", 5))
    other = author.twin()
    author.write(b"one")
    other.write(b"other")
    holder = Holder().take_all([author.run_between(5, author.runs[1].head, with_before=True)])
    fork = holder.take(other.run_between(2, other.runs[1].head))
    assert isinstance(fork, Forks)
    assert (fork.cut, fork.skip) == (5, 3)


@given(stories(), st.data())
def test_a_fork_is_proved_by_a_log_held_from_an_index_on(story: Story, data: st.DataObject) -> None:
    """Entries below that index, which the run may bring, are passed over."""
    if story.cut == 0:
        return
    start = data.draw(st.integers(1, story.cut))
    opening = next(run.head for run in story.one.runs if run.head.size > start)
    holder = Holder().take_all([story.one.run_between(start, opening, with_before=True)])
    holder.take_all(run for run in story.one.runs if run.start >= opening.size)
    end = data.draw(st.sampled_from([run.head for run in story.other.runs if run.head.size > story.cut]))
    fork = holder.take(story.other.run_between(data.draw(st.integers(0, story.cut)), end))
    assert isinstance(fork, Forks)
    assert fork.evidence.cut == fork.cut == story.cut


def test_a_fork_below_the_index_where_a_log_is_held_from_diverges() -> None:
    author = written("El Maizal", numbered("a", 2))
    other = author.twin()
    author.write(*numbered("one", 6))
    other.write(*numbered("other", 9))
    holder = Holder().take_all([author.run_between(5, author.runs[1].head, with_before=True)])
    for start in (0, 2, 5, 7):
        with pytest.raises(Diverged):
            place_run(other.run_between(start, other.runs[1].head), holder.branches, NETWORK)
    with pytest.raises(Unconnected):
        place_run(author.runs[0], holder.branches, NETWORK)  # older than anything held


@pytest.mark.parametrize("start", [0, 3, 5])
def test_three_branches_each_part_where_they_do(start: int) -> None:
    """The third follows the second further than the first, and is stored beside the second."""
    one = written("El Maizal", numbered("a", 5))
    two = one.twin()
    one.write(*numbered("one", 4))
    two.write(*numbered("two", 3))
    three = two.twin()
    two.write(*numbered("two", 3, 3))
    three.write(*numbered("three", 3))
    holder = Holder().take_all([*one.runs, *two.runs])
    fork = holder.take(three.run_between(start, three.runs[-1].head))
    assert isinstance(fork, Forks)
    assert (fork.number, fork.cut, fork.evidence.cut) == (1, 8, 8)
    assert [evidence.cut for evidence in holder.evidence] == [5, 8]
    for number, author in enumerate((one, two, three)):
        assert holder.branches[number].state() == author.state
        placement = holder.take(author.write(b"more"))
        assert isinstance(placement, Extends)
        assert placement.number == number


def test_a_known_branch_is_preferred_to_a_fork_from_another() -> None:
    one = written("El Maizal", numbered("a", 5))
    two = one.twin()
    one.write(*numbered("one", 4))
    two.write(*numbered("two", 3))
    holder = Holder().take_all([*one.runs, *two.runs])
    assert holder.take(two.run_between(0, two.runs[1].head)) == Known(1, is_new_head=False)
    longer = two.write(b"more")
    assert isinstance(holder.take(two.run_between(2, longer.head)), Extends)


# Liars -----------------------------------------------------------------------------------------------


@given(stories(), st.data())
def test_a_relay_that_changes_a_run_accuses_nobody_and_changes_nothing(
    story: Story, data: st.DataObject
) -> None:
    """Only what the log's key signed can end as evidence against it."""
    holder = Holder().take_all(story.one.runs[:-1])
    run = story.one.runs[-1]
    at = data.draw(st.integers(0, len(run.items) - 1))
    items = (*run.items[:at], b"false", *run.items[at + 1 :])
    with pytest.raises((BadRun, Diverged)):
        holder.take(msgspec.structs.replace(run, items=items))
    forged = story.other.run_between(0, story.other.runs[-1].head)
    with pytest.raises(BadHead):
        place_run(with_head(forged, signature=run.head.signature), holder.branches, NETWORK)
    assert holder.evidence == []


def test_a_forged_head_costs_no_look_at_a_second_branch(verifications: list[bytes]) -> None:
    one = written("El Maizal", numbered("a", 5))
    two = one.twin()
    one.write(b"one")
    two.write(b"two")
    holder = Holder().take_all([*one.runs, *two.runs])
    verifications.clear()

    class Untouchable(type(holder.branches[1])):  # type: ignore[misc]
        def leaves(self, start: int, end: int) -> list[bytes]:
            raise AssertionError("looked at")

    second = holder.branches[1]
    guarded = Untouchable(1, 0, (), second.log, second.hashes, second.heads)
    forged = with_head(one.write(b"three"), signature=b"\0" * 64)
    false = msgspec.structs.replace(forged, items=(b"false",))
    for run in (forged, false):
        with pytest.raises(BadHead):
            place_run(run, [holder.branches[0], guarded], NETWORK)
    assert len(verifications) == 2


def test_a_compact_range_that_proves_the_items_tells_a_fork_from_a_lie() -> None:
    one = written("El Maizal", numbered("a", 5))
    two = one.twin()
    one.write(*numbered("one", 4))
    two.write(*numbered("two", 3))
    two.write(*numbered("two", 3))
    holder = Holder().take_all(one.runs)
    honest = two.run_between(8, two.runs[2].head, with_before=True)
    with pytest.raises(Diverged):
        holder.take(honest)
    with pytest.raises(BadRun):
        holder.take(msgspec.structs.replace(honest, items=(b"false", *honest.items[1:])))


def test_a_run_of_another_log_is_refused() -> None:
    mine = written("El Maizal", numbered("a", 3))
    other = written("Otra", numbered("a", 3))
    holder = Holder().take_all(mine.runs)
    for run in (other.runs[0], other.write(b"x")):
        with pytest.raises(BadRun):
            holder.take(run)


def test_lengths_are_looked_at_before_anything_is_hashed() -> None:
    head = Head(b"\0" * 32, 5, b"\0" * 32, b"\0" * 64)
    with pytest.raises(BadRun):
        place_run(Run(head, 0, (b"x",)), [], NETWORK)


def test_the_holder_of_these_tests_shows_branches_as_merkle_sees_them() -> None:
    author = written("El Maizal", numbered("a", 5), numbered("b", 3))
    branch = Holder().take_all(author.runs).branches[0]
    assert branch.state_at(6).root == merkle.root(author.leaves[:6])
    assert branch.head_over(4) == author.runs[0].head
    assert branch.head_over(5) == author.runs[1].head
