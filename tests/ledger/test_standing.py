"""Up to where a branch counts, and what its writer had seen."""

from __future__ import annotations

import msgspec
import pytest

from ledger.history import History
from ledger.merkle import EMPTY_ROOT
from ledger.records import Correct, Offer, Profile, Seal
from ledger.standing import (
    Part,
    counts,
    had_seen,
    had_written,
    is_contested,
    limit_of,
    limit_on,
    place_of,
)
from tests.support.communes import (
    Writer,
    counting,
    found,
    history_of,
    key_of,
    places_in,
    recovery_of,
    succeed,
)

LOG = bytes(32)


def say(writer: Writer, *titles: str, seen: tuple[Writer, ...] = ()) -> None:
    """One offer a title."""
    for title in titles:
        writer.say(Offer, title=title, category="maize", seen=seen)


def place(history: History, writer: Writer, index: int) -> int:
    """Where a writer's entry is held; if in several places, in the first."""
    return places_in(history, writer.id_of(index))[0]


# Limits -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cut", "seal", "on_sealed", "limit"),
    [
        (None, None, False, None),
        (3, None, False, 3),
        (0, None, False, 0),
        (None, 5, False, 5),
        (None, 5, True, 5),
        (3, 5, False, 3),
        (3, 5, True, 5),
        (7, 5, False, 5),
        (7, 5, True, 5),
        (5, 5, False, 5),
        (0, 5, True, 5),
        (3, 0, True, 0),
    ],
)
def test_a_limit_is_the_lower_of_cut_and_seal_but_for_the_sealed_branch(
    cut: int | None, seal: int | None, on_sealed: bool, limit: int | None
) -> None:
    named = None if seal is None else Seal(LOG, seal, EMPTY_ROOT)
    assert limit_of(cut, named, on_sealed) == limit


def test_all_of_an_open_log_counts_and_nothing_of_a_log_of_nobody() -> None:
    montes = found("Los Montes")
    say(montes, "maíz", "yuca")
    nobody = montes.twin(0)
    nobody.key = key_of("nobody")
    say(nobody, "café")
    history = history_of(montes, nobody)
    assert counting(history, montes) == [0, 1, 2]
    assert counting(history, nobody) == []
    assert history.standing(nobody_branch := place(history, nobody, 0) >> 32) is None
    assert history.predecessors(nobody_branch) == ()


def test_below_the_cut_both_branches_count() -> None:
    montes = found("Los Montes")
    say(montes, "maíz", "yuca")
    copy = montes.twin()
    say(montes, "café", "cacao")
    say(copy, "ron")
    history = history_of(montes, copy)
    assert counting(history, montes) == counting(history, copy) == [0, 1, 2]


def three_branches() -> tuple[Writer, Writer, Writer, Writer]:
    """A log that parts at index 2, one of the two at 4 again; the authority seals one of those at 6."""
    montes = found("Los Montes")
    say(montes, "maíz")
    early = montes.twin()
    say(early, "a", "b", "c", "d", "e")
    say(montes, "yuca", "café")
    late = montes.twin()
    say(montes, "cacao", "ñame", "ocumo")
    say(late, "auyama", "caraota", "ají")
    return montes, early, late, succeed(montes, "laptop", montes.seal(6))


@pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)])
def test_what_a_branch_shares_with_the_sealed_one_is_sealed_on_it_too(order: tuple[int, ...]) -> None:
    """Whichever branch came first and holds the shared entries."""
    *branches, laptop = three_branches()
    sealed, early, late = branches
    history = history_of(*(branches[number] for number in order), laptop)
    assert history.cut(sealed.log) == 2
    assert counting(history, sealed) == [0, 1, 2, 3, 4, 5]
    assert counting(history, late) == [0, 1, 2, 3]
    assert counting(history, early) == [0, 1]


def test_until_the_sealed_branch_is_held_to_its_seal_the_cut_is_the_limit() -> None:
    sealed, early, _, laptop = three_branches()
    short = sealed.twin(5)
    history = history_of(early, short, laptop)
    assert counting(history, short) == [0, 1]
    seal = history.communes[sealed.commune].seals[sealed.log]
    assert {limit_on(history, held.number, seal) for held in history.branches_of(sealed.log)} == {2}


def test_evidence_limits_a_log_of_which_one_branch_alone_is_held() -> None:
    montes = found("Los Montes")
    say(montes, "maíz", "yuca")
    history = history_of(montes)
    history.add_cut(montes.log, 2)
    history.add_cut(montes.log, 1)
    history.add_cut(montes.log, 2)
    history.decide()
    assert counting(history, montes) == [0]


def test_entries_of_a_contested_log_count_and_are_contested() -> None:
    montes = found("Los Montes")
    house, school = succeed(montes, "house"), succeed(montes, "school")
    say(house, "maíz")
    history = history_of(montes, house, school)
    assert counting(history, house) == [0, 1]
    assert is_contested(history, place(history, house, 1))
    assert not is_contested(history, place(history, montes, 0))


# What was written before --------------------------------------------------------------------------


def test_an_entry_stands_before_another_in_its_log_and_in_what_that_continues() -> None:
    montes = found("Los Montes")
    say(montes, "maíz", "yuca", "café")
    laptop = succeed(montes, "laptop", montes.seal(2))
    say(laptop, "cacao")
    tablet = succeed(laptop, "tablet")
    history = history_of(montes, laptop, tablet)
    last = place(history, tablet, 0)
    assert had_written(history, last, place(history, laptop, 1))
    assert had_written(history, last, place(history, montes, 1))
    assert not had_written(history, last, place(history, montes, 2)), "it is past the seal"
    assert not had_written(history, place(history, laptop, 0), place(history, laptop, 0))
    assert not had_written(history, place(history, montes, 1), place(history, laptop, 0))


def test_neither_of_two_branches_or_of_two_logs_stands_before_the_other() -> None:
    montes = found("Los Montes")
    copy = montes.twin()
    say(montes, "maíz")
    say(copy, "yuca", "café")
    house, school = succeed(montes, "house", montes.seal(1)), succeed(montes, "school", montes.seal(1))
    joined = succeed(house, "joined", house, school)
    history = history_of(montes, copy, house, school, joined)
    for one, other in (
        (place(history, montes, 1), place(history, copy, 2)),
        (place(history, house, 0), place(history, school, 0)),
    ):
        assert not had_written(history, one, other)
        assert not had_written(history, other, one)
    assert had_written(history, place(history, joined, 0), place(history, school, 0))


# What was seen ------------------------------------------------------------------------------------


def test_a_head_seen_covers_the_entries_below_its_size() -> None:
    montes, valle = found("Los Montes"), found("El Valle")
    say(montes, "maíz", "yuca", "café")
    valle.say(Profile, name="El Valle", seen=[montes.head_at(2)])
    history = history_of(montes, valle)
    writing = place(history, valle, 1)
    assert had_seen(history, writing, place(history, montes, 1))
    assert not had_seen(history, writing, place(history, montes, 2))
    assert not had_seen(history, place(history, valle, 0), place(history, montes, 0)), "it came later"


def test_what_an_entry_has_seen_later_ones_of_its_log_have() -> None:
    montes, valle = found("Los Montes"), found("El Valle")
    valle.say(Profile, name="El Valle", seen=[montes])
    say(valle, "clavos")
    laptop = succeed(valle, "laptop")
    tablet = succeed(laptop, "tablet")
    history = history_of(montes, valle, laptop, tablet)
    for writer, index in ((valle, 2), (laptop, 0), (tablet, 0)):
        assert had_seen(history, place(history, writer, index), place(history, montes, 0))


def test_what_stands_past_the_seal_of_an_older_log_was_not_seen() -> None:
    montes, valle = found("Los Montes"), found("El Valle")
    say(valle, "clavos")
    valle.say(Profile, name="El Valle", seen=[montes])
    laptop = succeed(valle, "laptop", valle.seal(2))
    history = history_of(montes, valle, laptop)
    assert not had_seen(history, place(history, laptop, 0), place(history, montes, 0))
    complete = succeed(laptop, "complete", laptop, valle.seal(3))
    history = history_of(montes, valle, laptop, complete)
    assert had_seen(history, place(history, complete, 0), place(history, montes, 0))
    assert not had_seen(history, place(history, laptop, 0), place(history, montes, 0))


def test_a_head_that_its_log_did_not_sign_was_not_seen() -> None:
    """Nobody can say of another that they knew something by making up a head."""
    montes, valle = found("Los Montes"), found("El Valle")
    forged = msgspec.structs.replace(montes.head, signature=valle.head.signature)
    valle.say(Profile, name="El Valle", seen=[forged])
    history = history_of(montes, valle)
    assert not had_seen(history, place(history, valle, 1), place(history, montes, 0))


def test_past_the_cut_only_a_head_of_the_same_branch_covers_an_entry() -> None:
    montes, valle, costa = found("Los Montes"), found("El Valle"), found("La Costa")
    copy = montes.twin()
    say(montes, "maíz", "yuca")
    say(copy, "ron", "melaza")
    valle.say(Profile, name="El Valle", seen=[montes])
    costa.say(Profile, name="La Costa", seen=[copy])
    history = history_of(montes, copy, valle, costa)
    maize, rum = place(history, montes, 1), place(history, copy, 1)
    assert had_seen(history, place(history, valle, 1), maize)
    assert not had_seen(history, place(history, valle, 1), rum)
    assert had_seen(history, place(history, costa, 1), rum)
    assert not had_seen(history, place(history, costa, 1), maize)
    assert had_seen(history, place(history, costa, 1), place(history, montes, 0)), "before the cut"


@pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)])
def test_a_head_covers_what_its_branch_shares_whichever_branch_holds_that(order: tuple[int, ...]) -> None:
    montes, early, late, _ = three_branches()
    branches = (montes, early, late)
    valle = found("El Valle")
    valle.say(Profile, name="El Valle", seen=[late])
    history = history_of(*(branches[number] for number in order), valle)
    writing = place(history, valle, 1)
    assert had_seen(history, writing, place(history, montes, 3)), "shared by montes and late"
    assert not had_seen(history, writing, place(history, montes, 4))
    assert not had_seen(history, writing, place(history, early, 3))


# A log forked at its first entry ------------------------------------------------------------------


def test_each_branch_of_a_log_forked_at_entry_0_is_the_commune_that_opens_it() -> None:
    montes = found("Los Montes")
    say(montes, "maíz")
    other = found("Los Otros", log="Los Montes: log 1")
    say(other, "ron")
    offer = montes.twin(0)
    say(offer, "nada", "de", "nadie")
    valle = found("El Valle")
    for writer in (montes, other, offer):
        valle.say(Correct, target=writer.id_of(1), note="lo vi", seen=[writer])
    for writers in ((montes, other, offer, valle), (valle, offer, other, montes)):
        history = history_of(*writers)
        assert history.cut(montes.log) == 0
        assert history.standing(place(history, offer, 1) >> 32) is None
        first, second = (history.standing(place(history, writer, 1) >> 32) for writer in (montes, other))
        assert first is not None
        assert second is not None
        assert (first.commune, second.commune) == (montes.commune, other.commune)
        assert counting(history, montes) == counting(history, other) == [0, 1]
        assert counting(history, offer) == []
        assert is_contested(history, place(history, montes, 1))


def test_each_branch_continues_what_its_own_first_entry_names() -> None:
    """A second succession for a log must not take away what its first had let it know."""
    costa = found("La Costa")
    montes = found("Los Montes")
    montes.say(Profile, name="Los Montes", seen=[costa])
    for reason in "abcdef":  # so that the ids come out both ways
        laptop = succeed(montes, "laptop", montes.seal(2), reason=reason)
        again = succeed(montes, "laptop", montes.seal(1), reason=reason)
        say(laptop, "maíz")
        say(again, "yuca")
        tablet = succeed(laptop, "tablet", laptop)
        history = history_of(montes, laptop, again, tablet, costa)
        known = place(history, costa, 0)
        assert had_seen(history, place(history, laptop, 1), known)
        assert not had_seen(history, place(history, again, 1), known)
        assert had_seen(history, place(history, tablet, 0), known)


def test_a_branch_that_is_not_held_to_its_seal_still_leads_further_back() -> None:
    costa, montes = found("La Costa"), found("Los Montes")
    montes.say(Profile, name="Los Montes", seen=[costa])
    laptop = succeed(montes, "laptop")
    say(laptop, "maíz", "yuca")
    tablet = succeed(laptop, "tablet")
    history = history_of(montes, laptop.twin(2), tablet, costa)
    assert history.predecessors(place(history, tablet, 0) >> 32) == [Part(place(history, montes, 0) >> 32, 2)]
    assert had_seen(history, place(history, tablet, 0), place(history, costa, 0))


def test_a_succession_on_a_seal_of_nothing_leads_back_as_its_log_does() -> None:
    """All branches have the same empty beginning, so that says nothing about which is meant."""
    montes = found("Los Montes")
    say(montes, "maíz")
    laptop = succeed(montes, "laptop")
    again = succeed(montes, "laptop", montes.seal(1))
    empty = succeed(laptop, "empty", laptop.seal(0))
    history = history_of(montes, laptop, again, empty)
    (part,) = history.predecessors(place(history, empty, 0) >> 32)
    opening = history.communes[montes.commune].continues[laptop.log]
    assert part.end == opening[0].size


def test_a_log_that_lost_its_authority_counts_from_nowhere_on() -> None:
    montes = found("Los Montes")
    say(montes, "maíz")
    laptop = succeed(montes, "laptop")
    finder = succeed(montes, "the paper's finder")
    say(finder, "todo")
    laptop.replace_authority(key_of("councils"), signers=[recovery_of("Los Montes")])
    history = history_of(montes, laptop, finder)
    assert counting(history, finder) == []
    assert not counts(history, place_of(place(history, finder, 0) >> 32, 0))
