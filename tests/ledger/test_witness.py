"""Past a cut or seal, an entry counts if another commune vouches for it."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from ledger.history import History
from ledger.records import Accept, Correct, Offer, Profile
from ledger.standing import INDEX_MASK, PLACE_BITS, is_contested
from tests.support.communes import (
    NETWORK,
    Writer,
    counting,
    fill,
    found,
    history_of,
    places_in,
    succeed,
    told,
)
from tests.support.plots import invent


def say(writer: Writer, *titles: str) -> None:
    """One offer a title."""
    for title in titles:
        writer.say(Offer, title=title, category="maize")


def forked(name: str, *, at: int = 1) -> tuple[Writer, Writer]:
    """A log with five entries, and a copy that went its own way from index `at` on."""
    writer = found(name)
    say(writer, *"abcdefgh"[: at - 1])
    copy = writer.twin()
    say(writer, *"vwxyz"[: 5 - at])
    say(copy, *"VWXYZ"[: 5 - at])
    return writer, copy


# Naming and seeing --------------------------------------------------------------------------------


def test_nothing_past_the_cut_counts_by_itself() -> None:
    montes, copy = forked("Los Montes")
    history = history_of(montes, copy, found("El Valle"))
    assert counting(history, montes) == counting(history, copy) == [0]


def test_an_entry_that_another_commune_names_counts_and_no_other() -> None:
    montes, copy = forked("Los Montes")
    valle = found("El Valle")
    valle.say(Correct, target=montes.id_of(3), note="eso nos dijeron")
    history = history_of(montes, copy, valle)
    assert counting(history, montes) == [0, 3]
    assert counting(history, copy) == [0]
    (place,) = places_in(history, montes.id_of(3))
    assert is_contested(history, place)


def test_a_head_that_another_commune_has_seen_vouches_for_all_that_it_covers() -> None:
    montes, copy = forked("Los Montes")
    valle = found("El Valle")
    valle.say(Profile, name="El Valle", seen=[montes.head_at(3)])
    history = history_of(montes, copy, valle)
    assert counting(history, montes) == [0, 1, 2]
    assert counting(history, copy) == [0]


def test_of_several_heads_the_largest_vouches_for_most_whatever_came_first() -> None:
    montes, copy = forked("Los Montes")
    valle = found("El Valle")
    for size in (3, 5, 2, 4):
        valle.say(Profile, name="El Valle", seen=[montes.head_at(size)])
    assert counting(history_of(montes, copy, valle), montes) == [0, 1, 2, 3, 4]


def test_a_commune_does_not_vouch_for_itself() -> None:
    """Neither in the same log, nor on the other branch, nor in a later log."""
    montes, copy = forked("Los Montes")
    laptop = succeed(montes, "laptop", montes.seal(1))
    montes.say(Correct, target=montes.id_of(2), note="fue así")
    copy.say(Correct, target=montes.id_of(2), note="fue así", seen=[montes])
    laptop.say(Correct, target=montes.id_of(2), note="fue así", seen=[montes])
    history = history_of(montes, copy, laptop)
    assert counting(history, montes) == counting(history, copy) == [0]


def test_the_word_of_a_log_of_nobody_says_nothing() -> None:
    montes, copy = forked("Los Montes")
    nobody = found("Nadie").twin(0)
    nobody.quote(b"no charter")
    nobody.say(Correct, target=montes.id_of(2), note="fue así", seen=[montes])
    assert counting(history_of(montes, copy, nobody), montes) == [0]


def test_a_head_that_was_never_signed_vouches_for_nothing() -> None:
    montes, copy = forked("Los Montes")
    valle = found("El Valle")
    forged = msgspec.structs.replace(montes.head, signature=valle.head.signature)
    valle.say(Profile, name="El Valle", seen=[forged])
    assert counting(history_of(montes, copy, valle), montes) == [0]


def test_a_head_beyond_what_is_held_of_a_branch_vouches_once_more_is_held() -> None:
    montes, copy = forked("Los Montes")
    valle = found("El Valle")
    valle.say(Profile, name="El Valle", seen=[montes])
    assert counting(history_of(montes.twin(4), copy, valle), montes) == [0]
    assert counting(history_of(montes, copy, valle), montes) == [0, 1, 2, 3, 4]


def test_past_a_seal_witnesses_are_needed_though_nothing_forked() -> None:
    montes, valle = found("Los Montes"), found("El Valle")
    say(montes, "a", "b", "c", "d")
    laptop = succeed(montes, "laptop", montes.seal(2))
    valle.say(Correct, target=montes.id_of(3), note="lo vimos")
    history = history_of(montes, laptop, valle)
    assert counting(history, montes) == [0, 1, 3]


def test_a_thief_who_appends_past_the_seal_is_heard_by_nobody() -> None:
    montes, valle = found("Los Montes"), found("El Valle")
    laptop = succeed(montes, "laptop")
    thief = montes.twin()
    say(thief, "todo lo nuestro")
    valle.say(Profile, name="El Valle", seen=[laptop])
    assert counting(history_of(thief, laptop, valle), thief) == [0]


# Seals and forks ----------------------------------------------------------------------------------


def test_a_seal_above_the_cut_lets_its_branch_count_and_not_the_other() -> None:
    montes, copy = forked("Los Montes", at=2)
    laptop = succeed(montes, "laptop", montes.seal(4))
    history = history_of(montes, copy, laptop)
    assert counting(history, montes) == [0, 1, 2, 3]
    assert counting(history, copy) == [0, 1]


def test_a_seal_below_the_cut_ends_both_branches() -> None:
    montes, copy = forked("Los Montes", at=3)
    laptop = succeed(montes, "laptop", montes.seal(2))
    history = history_of(montes, copy, laptop)
    assert counting(history, montes) == counting(history, copy) == [0, 1]


def test_what_the_seal_left_out_can_still_be_vouched_for() -> None:
    montes, copy = forked("Los Montes", at=2)
    laptop = succeed(montes, "laptop", montes.seal(3))
    valle = found("El Valle")
    valle.say(Profile, name="El Valle", seen=[copy])
    history = history_of(montes, copy, laptop, valle)
    assert counting(history, montes) == [0, 1, 2]
    assert counting(history, copy) == [0, 1, 2, 3, 4]
    (firm,), (vouched,) = places_in(history, montes.id_of(2)), places_in(history, copy.id_of(2))
    assert not is_contested(history, firm)
    assert is_contested(history, vouched)


# Who vouches must count ---------------------------------------------------------------------------


def vouching_pair() -> list[Writer]:
    """Two forked logs, each of which vouches past its own cut for the other."""
    one, one_copy = forked("Los Montes")
    other, other_copy = forked("El Valle")
    one.say(Correct, target=other.id_of(2), note="damos fe", seen=[other])
    other.say(Correct, target=one.id_of(5), note="damos fe", seen=[one])
    one.say(Profile, name="Los Montes", seen=[other])
    return [one, one_copy, other, other_copy]


def test_two_forked_logs_that_vouch_for_each_other_do_not_count() -> None:
    history = history_of(*vouching_pair())
    assert [counting(history, writer) for writer in vouching_pair()] == [[0], [0], [0], [0]]


def test_one_word_from_outside_is_enough_for_both() -> None:
    """It vouches for one record, that one for entries of the other log, and those for more."""
    one, one_copy, other, other_copy = vouching_pair()
    costa = found("La Costa")
    costa.say(Correct, target=one.id_of(5), note="eso es cierto")
    history = history_of(one, one_copy, other, other_copy, costa)
    assert counting(history, one) == [0, 5]
    assert counting(history, other) == [0, 1, 2, 3, 4]
    costa.say(Profile, name="La Costa", seen=[other])
    history = history_of(one, one_copy, other, other_copy, costa)
    assert counting(history, other) == [0, 1, 2, 3, 4, 5]
    assert counting(history, one) == [0, 1, 2, 3, 4, 5]


def test_a_chain_of_words_is_followed_to_its_end() -> None:
    """Each forked log vouches for the next; the first is vouched for from outside."""
    pairs = [forked(f"Comuna {number}") for number in range(12)]
    for (writer, _), (following, _) in pairwise(pairs):
        writer.say(Accept, exchange=following.id_of(4))
    everybody = [writer for pair in pairs for writer in pair]
    assert counting(history_of(*everybody), pairs[-1][0]) == [0]
    costa = found("La Costa")
    costa.say(Correct, target=pairs[0][0].id_of(5), note="eso es cierto")
    # A head covers what stands before as well, a name only what it names.
    history = history_of(*everybody, costa)
    assert counting(history, pairs[0][0]) == [0, 5]
    assert counting(history, pairs[1][0]) == [0, 4]
    assert counting(history, pairs[2][0]) == [0]


def test_a_branch_without_a_limit_needs_no_witness() -> None:
    """Whoever lists the branches with a limit may list too many."""
    montes, copy = forked("Los Montes")
    valle = found("El Valle")
    valle.say(Correct, target=montes.id_of(3), note="eso nos dijeron")
    nobody = found("Nadie").twin(0)
    nobody.quote(b"no charter")
    history = history_of(montes, copy, valle, nobody)

    class Generous(History):
        def limited(self) -> list[int]:
            return [*self.branches]

    generous = Generous(NETWORK)
    fill(generous, montes, copy, valle, nobody)
    generous.decide()
    assert told(generous) == told(history)


# The fixed point, by a slower way ------------------------------------------------------------------


def slowly(history: History) -> set[int]:
    """All witnessed places, found as the rule says it: in rounds, until nothing more is found."""
    found: set[int] = set()

    def vouches(place: int, for_branch: int) -> bool:
        state, own = history.standing(place >> PLACE_BITS), history.standing(for_branch)
        if state is None or own is None or state.commune == own.commune:
            return False
        return state.limit is None or place & INDEX_MASK < state.limit or place in found

    while True:
        more = set()
        for number, branch in history.branches.items():
            state = history.standing(number)
            if state is None or state.limit is None:
                continue
            for place, entry in history.beyond(number, state.limit):
                named = any(vouches(by, number) for by in history.naming(entry))
                covered = any(
                    sight.size > place & INDEX_MASK
                    and history.root_at(number, sight.size) == sight.root
                    and vouches(sight.place, number)
                    for sight in history.all_sights(branch.log, 0)
                )
                if named or covered:
                    more.add(place)
        if more <= found:
            return found
        found |= more


@given(st.randoms(use_true_random=False), st.integers(10, 40))
def test_witnesses_are_the_least_fixed_point(rng: Random, steps: int) -> None:
    history = history_of(*invent(rng, steps))
    found = {place for place in history.entry_ids if history.is_witnessed(place)}
    assert found == slowly(history)
