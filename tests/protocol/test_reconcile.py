"""Reconciliation: both sides know every difference, at its price, whatever the other side does."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.log import LogKey
from protocol.compact import Unpacker, pack_number, pack_path
from protocol.errors import HandshakeError, ReconcileError
from protocol.limits import MAX_RECONCILE_TURNS
from protocol.reconcile import Reconciler, Tag
from protocol.roster import Mark, Roster
from tests.support.rosters import assert_all_known, compare, grown, log_of, made_up, root_of

from .test_roster import HELD

SEEDS = st.integers(0, 2**32)


@given(HELD, HELD)
def test_both_sides_know_every_difference(one: dict[LogKey, Mark], other: dict[LogKey, Mark]) -> None:
    assert_all_known(one, other, compare(Roster(one), Roster(other)))


@settings(max_examples=20)
@given(st.integers(0, 3_000), st.integers(0, 60), st.integers(0, 60), st.integers(0, 10), SEEDS)
def test_so_they_do_of_many_logs(common: int, mine: int, theirs: int, changed: int, seed: int) -> None:
    rng = Random(seed)
    shared = made_up(common, rng)
    one = {**grown(shared, min(changed, common), rng), **made_up(mine, rng)}
    other = {**grown(shared, min(changed, common), rng), **made_up(theirs, rng)}
    assert_all_known(one, other, compare(Roster(one), Roster(other)))


@pytest.mark.parametrize("count", [1, 40, 3_000])
def test_an_empty_side_is_told_all_and_tells_that_it_has_nothing(count: int) -> None:
    held = made_up(count, Random(count))
    for one, other in ((held, {}), ({}, held)):
        compared = compare(Roster(one), Roster(other))
        assert_all_known(one, other, compared)
        assert compared.size < 43 * count + 200


@pytest.mark.parametrize("count", [1, 30, 1_000])
def test_logs_of_equal_sizes_and_other_roots_are_found(count: int) -> None:
    """They are forked; nothing else has differed."""
    one = {log_of(number): Mark(number + 1, root_of(1)) for number in range(count)}
    other = {**one, log_of(0): Mark(1, root_of(2))}
    compared = compare(Roster(one), Roster(other))
    assert_all_known(one, other, compared)
    (difference,) = compared.one.differences.values()
    assert difference.mine is not None
    assert difference.their_size == difference.mine.number


def test_a_forked_log_is_told_by_its_cut() -> None:
    one = {log_of(number): Mark(9, root_of(number)) for number in range(100)}
    other = {**one, log_of(3): Mark(4)}
    compared = compare(Roster(one), Roster(other))
    assert_all_known(one, other, compared)
    (difference,) = compared.one.differences.values()
    assert (difference.their_cut, difference.their_size) == (4, 0)
    assert compared.other.differences[log_of(3)].their_size == 9


# What it costs ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("logs", "changed", "limit"),
    [(1_600, 0, 100), (1_600, 1, 1_200), (1_600, 100, 10_000), (47_000, 1, 2_000), (47_000, 100, 40_000)],
)
def test_the_price_is_that_of_the_difference(logs: int, changed: int, limit: int) -> None:
    rng = Random(f"{logs} {changed}")
    held = made_up(logs, rng)
    more = grown(held, changed, rng)
    compared = compare(Roster(held), Roster(more))
    assert_all_known(held, more, compared)
    assert compared.size <= limit
    assert compared.turns <= 8  # four round trips


# What is remembered -----------------------------------------------------------------------------


@given(HELD, HELD, HELD)
def test_with_what_both_remember_they_know_the_same(
    before: dict[LogKey, Mark], one: dict[LogKey, Mark], other: dict[LogKey, Mark]
) -> None:
    common = Roster(before)
    compared = compare(Roster(one), Roster(other), common, common)
    assert_all_known(one, other, compared)
    assert compared.turns == 2


@given(HELD, HELD, HELD, HELD)
def test_who_remembers_something_else_or_nothing_finds_out_all_the_same(
    before: dict[LogKey, Mark], after: dict[LogKey, Mark], one: dict[LogKey, Mark], other: dict[LogKey, Mark]
) -> None:
    for theirs in (Roster(after), None):
        assert_all_known(one, other, compare(Roster(one), Roster(other), Roster(before), theirs))
    assert_all_known(one, other, compare(Roster(one), Roster(other), None, Roster(after)))


def test_one_change_since_then_costs_little() -> None:
    rng = Random(1)
    held = made_up(1_000, rng)
    more = grown(held, 1, rng)
    compared = compare(Roster(more), Roster(held), Roster(held), Roster(held))
    assert_all_known(more, held, compared)
    assert compared.size <= 160


# Whoever does not keep to it --------------------------------------------------------------------


def opened(held: dict[LogKey, Mark]) -> Reconciler:
    """The side that was opened to, of some logs."""
    return Reconciler(Roster(held), initiator=False)


HUNDRED = {log_of(number): Mark(number + 1, root_of(number)) for number in range(100)}
THOUSAND = {log_of(number): Mark(number + 1, root_of(number)) for number in range(1_000)}
ROOT = bytes((0, Tag.ROOT)) + bytes([1]) * 32


def item(tag: Tag, path: tuple[int, ...], content: bytes = b"") -> bytes:
    return bytes((tag,)) + pack_path(path) + content


LISTED = log_of(0) + pack_number(2) + bytes(8)


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("nothing at all", b""),
        ("a flag without a meaning", b"\x02"),
        ("no items, and more to come", b"\x01"),
        ("an item without a meaning", b"\x00\x40"),
        ("an answer before a question", b"\x00" + item(Tag.SIZES_ANSWER, (), pack_number(0))),
        ("sizes of what was not asked", b"\x00" + item(Tag.SIZES, (3,), pack_number(0))),
        ("a list of what was not asked", b"\x00" + item(Tag.LIST, (), pack_number(0))),
        ("a root cut short", ROOT[:-1]),
        ("two roots", ROOT + ROOT[1:]),
        ("a memory after a root", ROOT + bytes((Tag.MEMORY,)) + bytes(34)),
        ("a memory cut short", bytes((0, Tag.MEMORY)) + bytes(33)),
        ("an answer about what was remembered", bytes((0, Tag.MEMORY_ANSWER)) + bytes(18)),
    ],
)
def test_what_cannot_begin_a_comparison_is_refused(what: str, message: bytes) -> None:
    with pytest.raises(ReconcileError):
        opened(HUNDRED).receive(message)


BITS = b"\xff\xff"


@pytest.mark.parametrize(
    ("what", "items"),
    [
        ("a part that was not asked for", item(Tag.BOTH, (0, 1), bytes(2))),
        ("the same part twice", 2 * item(Tag.BOTH, (0,), bytes(2))),
        ("hashes cut short", item(Tag.BOTH, (0,), BITS + bytes(31))),
        ("a path that is longer than a key", bytes((Tag.BOTH, 65)) + bytes(40)),
        ("a path with something in its unused half", bytes((Tag.BOTH, 1, 0x01)) + bytes(2)),
        ("children of keys that agree, which do not", item(Tag.CHILDREN, (0,), bytes(2))),
        ("more sizes than there are logs", item(Tag.SIZES, (0,), pack_number(99) + bytes(99))),
        ("more sizes than bytes", item(Tag.SIZES, (0,), pack_number(10**6))),
        ("a number in a longer form", item(Tag.SIZES, (0,), b"\x80\x00")),
        ("a number that is too large", item(Tag.SIZES, (0,), b"\xff" * 12)),
        ("a list that is not in order", item(Tag.LIST, (), pack_number(2) + LISTED + LISTED)),
        ("a list of a log that is not held", item(Tag.LIST, (), pack_number(1) + log_of(0) + b"\x00")),
        (
            "a key outside of its path",
            item(Tag.LIST, (5,), pack_number(1) + b"\x60" + bytes(31) + b"\x02" + bytes(8)),
        ),
        ("roots that were not asked for", item(Tag.ROOTS, (), bytes(800))),
        ("an answer to a list that was none", item(Tag.LIST_ANSWER, (), b"\x00\x00")),
        ("another root", bytes((Tag.ROOT,)) + bytes(32)),
    ],
)
def test_an_answer_that_cannot_be_is_refused(what: str, items: bytes) -> None:
    side = opened(THOUSAND)
    (asked,) = side.receive(ROOT)
    assert asked[1] == Tag.BOTH
    with pytest.raises(ReconcileError):
        side.receive(b"\x00" + items)


def test_a_comparison_without_end_ends() -> None:
    """Somebody who says forever that something differs, and never what."""
    side = opened(THOUSAND)
    side.receive(ROOT)
    path: tuple[int, ...] = ()
    refused = 0
    for turn in range(MAX_RECONCILE_TURNS):
        path = (*path, turn % 16)
        try:
            side.receive(b"\x00" + item(Tag.BOTH, path, BITS + bytes([turn]) * 32 * 16))
        except ReconcileError:
            refused += 1
            break
    assert refused == 1


def test_nobody_speaks_out_of_turn() -> None:
    initiator, responder = (Reconciler(Roster(HUNDRED), initiator=first) for first in (True, False))
    with pytest.raises(HandshakeError):
        initiator.receive(ROOT)
    with pytest.raises(HandshakeError):
        responder.begin()
    initiator.begin()
    with pytest.raises(HandshakeError):
        initiator.begin()
    responder.receive(ROOT)


@settings(max_examples=200)
@given(st.binary(max_size=200), st.booleans(), st.data())
def test_junk_raises_the_declared_error_alone(junk: bytes, first: bool, data: st.DataObject) -> None:
    side = Reconciler(Roster(THOUSAND), initiator=first)
    if first:
        side.begin()
    else:
        side.receive(ROOT)
    tag = data.draw(st.sampled_from(Tag))
    path = tuple(data.draw(st.lists(st.integers(0, 15), max_size=3)))
    for message in (junk, b"\x00" + junk, b"\x00" + item(tag, path, junk)):
        try:
            side.receive(message)
        except (ReconcileError, HandshakeError):
            pass


@given(st.integers(0, 2**63 - 1), st.lists(st.integers(0, 15), max_size=64))
def test_what_is_packed_is_unpacked(number: int, path: list[int]) -> None:
    reader = Unpacker(pack_number(number) + pack_path(path))
    assert reader.number() == number
    assert reader.path() == tuple(path)
    assert reader.is_done
