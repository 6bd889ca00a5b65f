"""Reconciliation: both sides know every difference, at its price, whatever the other side does."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.log import LogKey
from protocol import turns
from protocol.compact import Unpacker, pack_number, pack_path
from protocol.errors import HandshakeError, ReconcileError
from protocol.limits import MAX_DIFFERENCES, MAX_RECONCILE_TURNS
from protocol.reconcile import Reconciler
from protocol.roster import Mark, Roster
from protocol.turns import Tag
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


def test_a_fork_is_found_beside_logs_that_have_grown() -> None:
    """A log that stays behind for ever hides no other's fork."""
    one = {log_of(number): Mark(number + 1, root_of(1)) for number in range(200)}
    for grew in (1, 100, 199):
        more = {log_of(number): Mark(number + 2, root_of(3)) for number in range(1, grew + 1)}
        other = {**one, **more, log_of(0): Mark(1, root_of(2))}
        assert_all_known(one, other, compare(Roster(one), Roster(other)))
        assert_all_known(other, one, compare(Roster(other), Roster(one)))


@pytest.mark.parametrize("few", [1, 16])
def test_who_holds_few_is_told_of_many(few: int) -> None:
    """In messages that may be sent: all of them in one would be longer."""
    rng = Random(few)
    many = made_up(47_000, rng)
    for one in (made_up(few, rng), grown(dict(list(many.items())[:few]), 1, rng)):
        for first, second in ((one, many), (many, one)):
            compared = compare(Roster(first), Roster(second))
            assert_all_known(first, second, compared)
            assert compared.size < 42 * 47_000


def test_a_forked_log_is_told_by_its_cut() -> None:
    one = {log_of(number): Mark(9, root_of(number)) for number in range(100)}
    other = {**one, log_of(3): Mark(4)}
    compared = compare(Roster(one), Roster(other))
    assert_all_known(one, other, compared)
    (difference,) = compared.one.differences.values()
    assert (difference.theirs, difference.their_size) == (Mark(4).code, 0)
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
    assert_all_known(one, other, compare(Roster(one), Roster(other), common, common))


def test_what_has_changed_on_both_sides_since_then_takes_two_turns() -> None:
    rng = Random(3)
    held = made_up(300, rng)
    one = {**grown(held, 5, rng), **made_up(2, rng)}
    other = dict(list(grown(held, 3, rng).items())[1:])
    compared = compare(Roster(one), Roster(other), Roster(held), Roster(held))
    assert_all_known(one, other, compared)
    assert compared.turns == 2


@pytest.mark.parametrize("mine", [0, 1])
@pytest.mark.parametrize("theirs", [0, 3_000])
def test_so_much_that_has_changed_is_compared_from_the_top(mine: int, theirs: int) -> None:
    """Each change has a whole root: where nearly all have changed, the sizes alone are shorter."""
    rng = Random(4)
    held = made_up(3_000, rng)
    one, other = grown(grown(held, 3_000 * mine, rng), 3_000 * mine, rng), grown(held, theirs, rng)
    memory = Roster(held)
    compared = compare(Roster(one), Roster(other), memory, memory)
    assert_all_known(one, other, compared)
    assert compared.size < 20_000


@pytest.mark.parametrize("before", [0, 47_000])
@pytest.mark.parametrize("turned", [False, True])
def test_who_remembers_next_to_nothing_of_all_that_there_is_gets_it(before: int, turned: bool) -> None:
    held = made_up(47_000, Random(5))
    one, other = ({}, held) if turned else (held, {})
    memory = Roster(list(held.items())[:before])
    assert_all_known(one, other, compare(Roster(one), Roster(other), memory, memory))


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
        ("an answer before a question", b"\x00" + item(Tag.OTHER_SIZES, (), pack_number(0))),
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


def listing(*logs: LogKey) -> bytes:
    """A list of logs, of which two entries are held each."""
    return pack_number(len(logs)) + b"".join(log + pack_number(4) + bytes(8) for log in sorted(logs))


def asked_for(held: dict[LogKey, Mark], *answers: bytes) -> Reconciler:
    """The side that was opened to, after it has sent its hashes and got some answers."""
    side = opened(held)
    side.receive(ROOT)
    for answer in answers:
        side.receive(b"\x00" + answer)
    return side


def test_hashes_below_what_was_asked_for_whole_are_refused() -> None:
    """Else who holds next to nothing could be made to ask without end about parts that nobody holds."""
    few = {log_of(number): Mark(1, root_of(1)) for number in range(17)}
    missing = next(step for step in range(16) if all(log[0] >> 4 != step for log in few))
    side = asked_for(few)
    (asked,) = side.receive(b"\x00" + item(Tag.BOTH, (missing,), BITS + bytes(32 * 16)))
    assert asked == b"\x00" + item(Tag.ALL, (missing,))
    with pytest.raises(ReconcileError):
        side.receive(b"\x00" + item(Tag.BOTH, (missing, 0), BITS + bytes(32 * 16)))


@pytest.mark.parametrize(
    ("what", "answers"),
    [
        ("a log twice, in two lists", item(Tag.LIST, (), listing(log_of(5_000))) * 2),
        (
            "a part within another",
            item(Tag.LIST, (), listing(log_of(5_000))) + item(Tag.LIST, (0,), pack_number(1)),
        ),
        ("an empty list", item(Tag.LIST, (), pack_number(0))),
        ("logs that a list which was not sent lacks", item(Tag.LACKED, (), listing(log_of(5_000)))),
        ("sizes beside those that were not sent", item(Tag.OTHER_SIZES, (), bytes(17))),
        ("everything below one part", item(Tag.ALL, (0, 1))),
        ("the roster as it was remembered", bytes((Tag.MEMORY,)) + bytes(34)),
    ],
)
def test_what_was_not_asked_or_has_been_said_is_refused(what: str, answers: bytes) -> None:
    with pytest.raises(ReconcileError):
        asked_for(THOUSAND, answers)


def sizes_asked(held: dict[LogKey, Mark]) -> Reconciler:
    """The side that was opened to, after it has sent the sizes of all that it holds."""
    side = opened(held)
    root = Roster(held).root
    assert root is not None
    (sizes,) = side.receive(b"\x00" + bytes((Tag.ROOT,)) + root.keys_hash[:16] + bytes(16))
    assert sizes[1] == Tag.SIZES
    return side


@pytest.mark.parametrize(
    ("what", "answers"),
    [
        (
            "a size that is the same",
            pack_number(1) + pack_number(0) + pack_number(HUNDRED[min(HUNDRED)].code),
        ),
        ("a place that is not there", pack_number(1) + pack_number(100) + pack_number(2)),
        ("no digest", pack_number(1) + pack_number(0) + pack_number(10**9)),
        ("more places than bytes", pack_number(10**6)),
    ],
)
def test_other_sizes_that_cannot_be_are_refused(what: str, answers: bytes) -> None:
    with pytest.raises(ReconcileError):
        sizes_asked(HUNDRED).receive(b"\x00" + item(Tag.OTHER_SIZES, (), answers))


def test_roots_that_are_said_to_differ_at_other_sizes_are_refused() -> None:
    side = sizes_asked(HUNDRED)
    digest = bytes(16)
    (asked,) = side.receive(b"\x00" + item(Tag.OTHER_SIZES, (), pack_number(0) + digest))
    assert asked[1] == Tag.ROOTS
    answers = pack_number(1) + pack_number(0) + pack_number(10**9)
    with pytest.raises(ReconcileError):
        side.receive(b"\x00" + item(Tag.ROOTS_ANSWER, (), answers))


def test_nothing_is_taken_after_the_end() -> None:
    side = opened(HUNDRED)
    assert side.receive(b"\x00" + bytes((Tag.ROOT,)) + hashes(HUNDRED)) == [b"\x00"]
    assert side.is_done
    with pytest.raises(ReconcileError):
        side.receive(b"\x00")


def hashes(held: dict[LogKey, Mark]) -> bytes:
    """The hashes of all of a roster as they are sent."""
    root = Roster(held).root
    assert root is not None
    return root.keys_hash[:16] + root.heads_hash[:16]


def test_changes_that_do_not_lead_to_the_state_are_doubted_or_refused() -> None:
    """Doubted in a question, since the whole comparison finds out; refused in an answer."""
    common = Roster(HUNDRED)
    memory = common.state + bytes([1]) * 16
    responder = Reconciler(common, initiator=False, remembered=common)
    (answer,) = responder.receive(b"\x00" + bytes((Tag.MEMORY,)) + memory + bytes(2))
    assert answer[1] == Tag.BOTH
    initiator = Reconciler(Roster(grown(HUNDRED, 1, Random(1))), initiator=True, remembered=common)
    initiator.begin()
    with pytest.raises(ReconcileError):
        initiator.receive(b"\x00" + bytes((Tag.MEMORY_ANSWER,)) + bytes([1]) * 16 + bytes(2))


NOTHING_LEFT = pack_number(0)


@pytest.mark.parametrize(
    ("what", "changes"),
    [
        ("a place that is not there", pack_number(1) + pack_number(100) + NOTHING_LEFT + pack_number(0)),
        ("a root cut short", pack_number(1) + pack_number(0) + pack_number(2) + bytes(31)),
        ("logs out of order", pack_number(0) + pack_number(2) + 2 * (log_of(900) + pack_number(1))),
        ("a log that is new and not held", pack_number(0) + pack_number(1) + log_of(900) + NOTHING_LEFT),
        ("more changes than bytes", pack_number(0) + pack_number(10**6)),
    ],
)
def test_changes_that_cannot_be_are_refused(what: str, changes: bytes) -> None:
    common = Roster(HUNDRED)
    responder = Reconciler(common, initiator=False, remembered=common)
    memory = common.state + bytes([1]) * 16
    with pytest.raises(ReconcileError):
        responder.receive(b"\x00" + bytes((Tag.MEMORY,)) + memory + changes)


# Whoever goes on and on ---------------------------------------------------------------------------


def test_a_turn_is_not_drawn_out() -> None:
    side = asked_for(THOUSAND)
    with pytest.raises(ReconcileError):
        side.receive(b"\x01" + item(Tag.LIST, (), listing(log_of(5_000))))


def test_a_turn_without_end_ends() -> None:
    """Lists of logs that nobody has ever seen."""

    def lists() -> Iterator[bytes]:
        for high in range(4_096):
            path = (high >> 8, high >> 4 & 15, high & 15)
            logs = b"".join(
                bytes(((high & 15) << 4,)) + number.to_bytes(30, "big") + pack_number(4) + bytes(8)
                for number in range(4_000)
            )
            yield b"\x01" + item(Tag.LIST, path, pack_number(4_000) + logs)

    side = asked_for(THOUSAND)
    with pytest.raises(ReconcileError, match=str(MAX_DIFFERENCES)):
        list(map(side.receive, lists()))
    assert len(side.differences) <= MAX_DIFFERENCES


def test_more_bytes_than_any_comparison_takes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "MAX_RECONCILE_BYTES", 1_000)
    with pytest.raises(ReconcileError, match="1000 bytes"):
        asked_for(THOUSAND, item(Tag.LIST, (), listing(*(log_of(5_000 + number) for number in range(30)))))


def test_small_items_without_end_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "MAX_RECONCILE_ITEMS", 50)
    side = asked_for(THOUSAND)
    items = [
        item(Tag.LIST, (high >> 4, high & 15), pack_number(1) + bytes((high,)) + bytes(30) + pack_number(1))
        for high in range(50)
    ]
    with pytest.raises(ReconcileError):
        side.receive(b"\x00" + b"".join(items))


def test_a_comparison_without_end_ends() -> None:
    """Somebody who says forever that something differs, and never what."""
    deep = {LogKey(bytes(30) + number.to_bytes(2, "big")): Mark(1, root_of(1)) for number in range(1_000)}
    side = asked_for(deep)
    ended = False
    for depth in range(1, MAX_RECONCILE_TURNS):
        try:
            side.receive(b"\x00" + item(Tag.BOTH, (0,) * depth, BITS + bytes([depth]) * 32 * 16))
        except ReconcileError:
            ended = True
            break
    assert ended
    assert depth <= MAX_RECONCILE_TURNS // 2


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


@settings(max_examples=150)
@given(HELD, HELD, st.none() | HELD, st.integers(0, 400), SEEDS)
def test_a_message_that_was_changed_on_the_way_ends_it_or_is_taken(
    one: dict[LogKey, Mark],
    other: dict[LogKey, Mark],
    before: dict[LogKey, Mark] | None,
    more: int,
    seed: int,
) -> None:
    """Nearly right is harder to read than junk: every turn of either side is spoilt somewhere, one in two."""
    rng = Random(seed)
    common = made_up(more, rng)
    memory = None if before is None else Roster(before)
    sides = (
        Reconciler(Roster({**common, **one}), initiator=True, remembered=memory),
        Reconciler(Roster({**grown(common, more // 9, rng), **other}), initiator=False, remembered=memory),
    )
    bodies = sides[0].begin()
    turn = 0
    while bodies and turn < 2 * MAX_RECONCILE_TURNS:
        turn += 1
        reader = sides[turn % 2]
        try:
            bodies = [answer for body in bodies for answer in reader.receive(spoilt(body, rng))]
        except ReconcileError:
            break
    assert turn <= MAX_RECONCILE_TURNS


def spoilt(body: bytes, rng: Random) -> bytes:
    """A message with some bytes changed, put in, left out or said again; one in two as it was."""
    if rng.random() < 0.5:
        return body
    at = rng.randrange(len(body) + 1) if rng.random() < 0.5 else rng.randrange(min(len(body), 8) + 1)
    length = rng.randint(0, 3)
    match rng.randrange(4):
        case 0:
            return body[:at] + rng.randbytes(length) + body[at + length :]
        case 1:
            return body[:at] + rng.randbytes(length) + body[at:]
        case 2:
            return body[:at] + body[at + length :]
        case _:
            return body + body[1:]


@given(st.integers(0, 2**63 - 1), st.lists(st.integers(0, 15), max_size=64))
def test_what_is_packed_is_unpacked(number: int, path: list[int]) -> None:
    reader = Unpacker(pack_number(number) + pack_path(path))
    assert reader.number() == number
    assert reader.path() == tuple(path)
    assert reader.is_done
