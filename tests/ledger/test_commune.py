"""Which logs are a commune's, in what order, and up to where each counts."""

from __future__ import annotations

from itertools import combinations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.commune import Commune
from ledger.merkle import EMPTY_ROOT
from ledger.records import Seal, to_payload
from ledger.signing import SigningKey
from tests.support.communes import (
    Writer,
    authority_of,
    form,
    found,
    key_of,
    recovery_of,
    stated_in,
    succeed,
    succession_of,
)
from tests.support.plots import invent

WATER, FOOD, RADIO = (key_of(f"council of {name}") for name in ("water", "food", "the radio"))


def codes(commune: Commune) -> dict[bytes, str]:
    """Why records were refused, by entry id."""
    return {item.id: item.code for item in commune.refused}


def lasting(name: str, entries: int = 6) -> Writer:
    """A commune with a charter and some more entries, whatever they say."""
    writer = found(name)
    for number in range(1, entries):
        writer.quote(f"entry {number}".encode())
    return writer


# Successions --------------------------------------------------------------------------------------


def test_a_new_commune_has_one_open_log() -> None:
    montes = found("Los Montes", place="Biscucuy")
    commune = form(montes)
    assert (commune.id, commune.logs, commune.open_logs) == (montes.commune, (montes.log,), (montes.log,))
    assert (commune.founding.name, commune.founding.place) == ("Los Montes", "Biscucuy")
    assert (dict(commune.seals), dict(commune.continues), commune.contested) == ({}, {}, frozenset())


def test_a_new_laptop_continues_the_log_of_the_old_one_up_to_a_seal() -> None:
    montes = lasting("Los Montes")
    laptop = succeed(montes, "Los Montes: laptop", montes.seal(4))
    commune = form(montes, laptop)
    assert commune.logs == (montes.log, laptop.log)
    assert dict(commune.seals) == {montes.log: montes.seal(4)}
    assert dict(commune.continues) == {laptop.log: (montes.seal(4),)}
    assert commune.openings == {montes.id_of(0): (), laptop.id_of(0): (montes.seal(4),)}
    assert commune.open_logs == (laptop.log,)
    assert commune.contested == frozenset()


def test_logs_stand_in_the_order_in_which_they_continue_each_other() -> None:
    montes = lasting("Los Montes")
    writers = [montes]
    for number in range(5):
        writers.append(succeed(writers[-1], f"Los Montes: {number}"))
    assert form(*writers).logs == tuple(writer.log for writer in writers)
    assert form(montes, *reversed(writers)).logs == tuple(writer.log for writer in writers)


def test_one_log_can_continue_two() -> None:
    montes = lasting("Los Montes")
    one, other = succeed(montes, "house"), succeed(montes, "school")
    merged = succeed(one, "house again", one, other)
    commune = form(montes, one, other, merged)
    assert commune.logs[0] == montes.log
    assert set(commune.logs[1:3]) == {one.log, other.log}
    assert commune.logs[3] == merged.log
    assert commune.open_logs == (merged.log,)


# What is no succession of the commune's ------------------------------------------------------------


def test_a_succession_copied_into_another_log_says_nothing() -> None:
    """A neighbour who quotes it does not become the commune."""
    montes, valle = lasting("Los Montes"), found("El Valle")
    laptop = succeed(montes, "Los Montes: laptop")
    thief = valle.twin(0)
    copies = [thief.quote(laptop.payloads[0]), valle.quote(laptop.payloads[0])]
    commune = form(montes, laptop, valle, thief)
    assert commune.logs == (montes.log, laptop.log)
    assert [codes(commune)[copy] for copy in copies] == ["succession-copied"] * 2
    assert dict(form(montes, valle, thief).seals) == {}


def test_a_succession_counts_at_the_beginning_of_its_log_only() -> None:
    montes = lasting("Los Montes")
    laptop = succeed(montes, "Los Montes: laptop")
    late = laptop.twin(0)
    late.quote(b"something else")
    copy = late.quote(laptop.payloads[0])
    assert codes(form(montes, late)) == {copy: "succession-copied"}
    assert form(montes, late).logs == (montes.log,)
    laptop.quote(laptop.payloads[0])
    assert form(montes, laptop).logs == (montes.log, laptop.log)


@pytest.mark.parametrize(
    "signers", [[], [WATER], [WATER, WATER], [WATER, key_of("a stranger")], [recovery_of("Los Montes")]]
)
def test_a_succession_needs_as_many_keys_as_the_authority_asks_for(signers: list[SigningKey]) -> None:
    montes = found("Los Montes", WATER, FOOD, RADIO, threshold=2)
    laptop = succeed(montes, "Los Montes: laptop", signers=signers)
    commune = form(montes, laptop)
    assert commune.logs == (montes.log,)
    assert codes(commune) == {laptop.id_of(0): "succession-unsigned"}


@pytest.mark.parametrize(
    "signers", [[WATER, FOOD], [RADIO, WATER], [WATER, FOOD, RADIO], [FOOD, FOOD, RADIO]]
)
def test_any_two_of_three_councils_open_a_log(signers: list[SigningKey]) -> None:
    montes = found("Los Montes", WATER, FOOD, RADIO, threshold=2)
    assert len(form(montes, succeed(montes, "laptop", signers=signers)).logs) == 2


def test_a_succession_under_another_commune_or_an_unknown_authority_is_refused() -> None:
    montes, valle = lasting("Los Montes"), found("El Valle")
    foreign = succeed(montes, "one", commune=valle.commune)
    unknown = succeed(montes, "two", under=montes.id_of(3))
    commune = form(montes, foreign, unknown, valle)
    assert set(codes(commune).values()) == {"succession-of-another"}
    assert commune.logs == (montes.log,)


def test_a_succession_that_continues_a_log_of_others_is_refused_whole() -> None:
    montes, valle = lasting("Los Montes"), lasting("El Valle")
    greedy = succeed(montes, "greedy", montes, valle)
    heir = succeed(montes, "heir", greedy)
    commune = form(montes, greedy, heir, valle)
    assert commune.logs == (montes.log,)
    assert codes(commune) == {
        greedy.id_of(0): "succession-of-nothing",
        heir.id_of(0): "succession-of-nothing",
    }


def test_a_succession_waits_for_the_logs_that_it_continues() -> None:
    montes = lasting("Los Montes")
    one = succeed(montes, "one")
    other = succeed(one, "other")
    assert form(montes, other).logs == (montes.log,)
    assert form(montes, other, one).logs == (montes.log, one.log, other.log)


def test_the_log_of_the_charter_cannot_be_opened_a_second_time_by_a_succession() -> None:
    montes = lasting("Los Montes")
    laptop = succeed(montes, "laptop")
    again = montes.twin(0)
    entry = again.quote(to_payload(succession_of(montes, montes.log, [laptop])))
    commune = form(montes, laptop, again)
    assert commune.logs == (montes.log, laptop.log)
    assert codes(commune) == {entry: "succession-of-another"}


# Seals --------------------------------------------------------------------------------------------


def test_a_later_succession_raises_a_seal() -> None:
    """A backup was restored that was too old; the missing entries came back from neighbours."""
    montes = lasting("Los Montes")
    restored = succeed(montes, "from the backup", montes.seal(2))
    complete = succeed(restored, "complete", restored, montes.seal(6))
    assert form(montes, restored).seals[montes.log] == montes.seal(2)
    assert form(montes, restored, complete).seals[montes.log] == montes.seal(6)
    assert form(montes, restored, complete).contested == frozenset()


def test_no_later_succession_lowers_a_seal() -> None:
    montes = lasting("Los Montes")
    laptop = succeed(montes, "laptop", montes.seal(5))
    forgetful = succeed(laptop, "forgetful", laptop, montes.seal(2))
    commune = form(montes, laptop, forgetful)
    assert commune.seals[montes.log] == montes.seal(5)
    assert commune.contested == frozenset()


def test_of_two_seals_at_one_size_the_earlier_one_stays() -> None:
    """To name another branch at the same size would lower the seal of the first."""
    montes = lasting("Los Montes")
    other = montes.twin(3)
    other.quote(b"another story")
    for one, another in ((montes.seal(4), other.seal(4)), (other.seal(4), montes.seal(4))):
        first = succeed(montes, "first", one)
        second = succeed(first, "second", first, another)
        assert form(montes, first, second).seals[montes.log] == one


# Contests -----------------------------------------------------------------------------------------


def contest() -> tuple[Writer, Writer, Writer]:
    """Two members restored the same log, neither knowing of the other."""
    montes = lasting("Los Montes")
    return montes, succeed(montes, "house", montes.seal(4)), succeed(montes, "school", montes.seal(6))


def test_two_successions_of_one_log_are_contested_and_both_count() -> None:
    montes, house, school = contest()
    commune = form(montes, house, school)
    assert set(commune.logs) == {montes.log, house.log, school.log}
    assert commune.contested == {house.log, school.log}
    assert commune.open_logs == tuple(sorted([house.log, school.log]))
    assert commune.seals[montes.log] == montes.seal(6)


def test_what_continues_a_contested_log_is_contested_too() -> None:
    montes, house, school = contest()
    later = succeed(house, "later")
    assert form(montes, house, school, later).contested == {house.log, school.log, later.log}


def test_a_contest_ends_when_one_succession_names_both() -> None:
    montes, house, school = contest()
    later = succeed(house, "later")
    joined = succeed(school, "joined", later, school)
    commune = form(montes, house, school, later, joined)
    assert commune.contested == frozenset()
    assert commune.open_logs == (joined.log,)


def test_of_three_successions_all_have_to_be_joined() -> None:
    montes, house, school = contest()
    church = succeed(montes, "church", montes.seal(1))
    two = succeed(school, "two of three", house, school)
    assert form(montes, house, school, church, two).contested == {
        house.log,
        school.log,
        church.log,
        two.log,
    }
    three = succeed(two, "all three", two, church)
    assert form(montes, house, school, church, two, three).contested == frozenset()


def test_two_who_join_the_same_contest_start_another() -> None:
    montes, house, school = contest()
    one, other = succeed(house, "one", house, school), succeed(school, "other", house, school)
    assert form(montes, house, school, one, other).contested == {one.log, other.log}


def test_a_succession_that_continues_another_does_not_contest_it() -> None:
    montes = lasting("Los Montes")
    restored = succeed(montes, "restored", montes.seal(2))
    again = succeed(restored, "again", montes.seal(3), restored)
    assert form(montes, restored, again).contested == frozenset()


# Successions under a replaced authority -----------------------------------------------------------


def test_a_succession_before_the_authority_was_replaced_leads_to_the_replacement() -> None:
    montes = lasting("Los Montes")
    laptop = succeed(montes, "laptop")
    laptop.replace_authority(WATER, FOOD, threshold=2)
    tablet = succeed(laptop, "tablet")
    commune = form(montes, laptop, tablet)
    assert commune.logs == (montes.log, laptop.log, tablet.log)
    assert (commune.refused, commune.contested) == ((), frozenset())


def old_words() -> tuple[Writer, Writer, Writer]:
    """Somebody found the paper with the recovery words after the councils had replaced them."""
    montes = lasting("Los Montes")
    laptop = succeed(montes, "laptop")
    stranger = succeed(montes, "the paper's finder")
    laptop.replace_authority(WATER, FOOD, threshold=2)
    return montes, laptop, stranger


def test_a_succession_under_a_replaced_authority_opens_nothing_that_counts() -> None:
    montes, laptop, stranger = old_words()
    stranger.quote(b"whatever")
    commune = form(montes, laptop, stranger)
    assert codes(commune) == {stranger.id_of(0): "succession-authority-replaced"}
    assert commune.open_logs == (laptop.log,)
    assert commune.seals[stranger.log] == Seal(stranger.log, 0, EMPTY_ROOT)
    assert commune.contested == {stranger.log}


def test_its_seals_do_not_count_either() -> None:
    montes = lasting("Los Montes")
    laptop = succeed(montes, "laptop", montes.seal(2))
    stranger = succeed(montes, "the paper's finder", montes.seal(6))
    laptop.replace_authority(WATER)
    assert form(montes, laptop, stranger).seals[montes.log] == montes.seal(2)


def test_before_the_replacement_is_known_the_two_are_contested() -> None:
    montes, laptop, stranger = old_words()
    unaware = laptop.twin(1)
    assert form(montes, unaware, stranger).contested == {laptop.log, stranger.log}


def test_successions_that_lean_on_one_another_are_put_out_together() -> None:
    """The largest set that satisfies the rule: what leads to something put out leads nowhere."""
    montes, laptop, stranger = old_words()
    second = succeed(stranger, "second", stranger)
    third = succeed(second, "third", second)
    commune = form(montes, laptop, stranger, second, third)
    assert set(codes(commune).values()) == {"succession-authority-replaced"}
    assert commune.open_logs == (laptop.log,)
    assert commune.contested == {stranger.log, second.log, third.log}
    assert commune.logs.index(stranger.log) < commune.logs.index(second.log) < commune.logs.index(third.log)


def test_the_new_authority_can_take_over_what_the_old_one_had_opened() -> None:
    """Two members restored the log; in one of the two the councils took over. The other is not lost."""
    montes, laptop, school = old_words()
    joined = succeed(laptop, "joined", laptop, school)
    commune = form(montes, laptop, school, joined)
    assert (commune.refused, commune.contested) == ((), frozenset())
    assert commune.seals[school.log] == school.seal()
    assert commune.open_logs == (joined.log,)


def test_the_old_authority_cannot_take_over_anything() -> None:
    montes, laptop, stranger = old_words()
    joined = succeed(stranger, "joined", laptop, stranger)
    commune = form(montes, laptop, stranger, joined)
    assert codes(commune) == {
        stranger.id_of(0): "succession-authority-replaced",
        joined.id_of(0): "succession-authority-replaced",
    }
    assert commune.open_logs == (laptop.log,)


def test_the_old_authority_cannot_end_a_contest() -> None:
    montes = lasting("Los Montes")
    laptop = succeed(montes, "laptop")
    laptop.replace_authority(WATER)
    house, school = succeed(laptop, "house"), succeed(laptop, "school")
    recovery = {"under": montes.commune, "signers": [recovery_of("Los Montes")]}
    finder = succeed(montes, "the paper's finder", house, school, **recovery)
    commune = form(montes, laptop, house, school, finder)
    assert codes(commune) == {finder.id_of(0): "succession-authority-replaced"}
    assert commune.contested == {house.log, school.log, finder.log}
    assert commune.open_logs == tuple(sorted([house.log, school.log]))


def test_where_the_authority_is_frozen_each_side_leads_to_its_own_replacement() -> None:
    montes, laptop, stranger = old_words()
    stranger.replace_authority(RADIO)
    commune = form(montes, laptop, stranger)
    assert commune.chain.in_force is None
    assert commune.contested == {laptop.log, stranger.log}
    assert commune.refused == ()


# A log forked at its first entry ------------------------------------------------------------------


def opened_twice() -> tuple[Writer, Writer, Writer]:
    """The authority signed two successions for one new key, with different seals."""
    montes = lasting("Los Montes")
    laptop = succeed(montes, "laptop", montes.seal(3))
    again = laptop.twin(0)
    again.quote(to_payload(succession_of(montes, laptop.log, [montes.seal(5)])))
    lower, higher = sorted((laptop, again), key=lambda writer: writer.id_of(0))
    return montes, lower, higher


def test_of_two_successions_that_open_one_log_the_one_with_the_lower_id_speaks() -> None:
    montes, lower, higher = opened_twice()
    commune = form(montes, lower, higher)
    assert commune.logs == (montes.log, lower.log)
    assert codes(commune) == {higher.id_of(0): "succession-beside-another"}
    assert commune.continues[lower.log] == commune.openings[lower.id_of(0)]
    assert commune.seals[montes.log] == commune.openings[lower.id_of(0)][0]
    assert set(commune.openings) == {montes.id_of(0), lower.id_of(0), higher.id_of(0)}


def test_a_second_succession_cannot_make_a_log_continue_what_continues_it() -> None:
    """Whoever has the key of a log and an old authority could else put both logs out."""
    montes = lasting("Los Montes")
    one = succeed(montes, "one")
    other = succeed(one, "other")
    again = one.twin(0)
    again.quote(to_payload(succession_of(montes, one.log, [other])))
    commune = form(montes, one, other, again)
    assert commune.logs == (montes.log, one.log, other.log)
    assert codes(commune) == {again.id_of(0): "succession-beside-another"}


def test_a_second_succession_under_a_replaced_authority_does_not_put_out_the_first() -> None:
    for number in range(8):  # so that the ids come out both ways
        montes = lasting("Los Montes")
        laptop = succeed(montes, "laptop", reason=str(number))
        laptop.replace_authority(WATER)
        tablet = succeed(laptop, "tablet")
        again = tablet.twin(0)
        opening = succession_of(
            montes, tablet.log, [montes.seal(1)], under=montes.commune, signers=[recovery_of("Los Montes")]
        )
        again.quote(to_payload(opening))
        commune = form(montes, laptop, tablet, again)
        assert commune.logs == (montes.log, laptop.log, tablet.log)
        assert commune.open_logs == (tablet.log,)
        assert commune.contested == frozenset()


# Any order ----------------------------------------------------------------------------------------


@given(st.randoms(use_true_random=False), st.integers(5, 30))
def test_records_in_any_order_form_the_same_commune(rng: Random, steps: int) -> None:
    writers = invent(rng, steps)
    for founder in writers[:3]:
        expected = form(founder, *writers)
        assert form(founder, *writers, rng=rng) == expected
        assert set(expected.logs) == {founder.log, *expected.continues}
        for place, log in enumerate(expected.logs[1:], 1):
            assert {seal.log for seal in expected.continues[log]} <= set(expected.logs[:place])


def test_every_record_about_the_commune_counts_or_is_refused() -> None:
    montes, laptop, stranger = old_words()
    _, lower, higher = opened_twice()
    writers = [montes, laptop, stranger, lower, higher, succeed(montes, "unsigned", signers=[])]
    commune = form(*writers)
    links = {entry for link in commune.chain.links.values() for entry in link.ids}
    assert {one.id for one in stated_in(*writers)} == links | set(commune.openings) | set(codes(commune))
    assert commune.chain.in_force is not None
    assert commune.chain.in_force.authority == authority_of(WATER, FOOD, threshold=2)


# Against a naive twin -----------------------------------------------------------------------------


def contested_naively(commune: Commune) -> set[bytes]:
    """The contested logs as docs/spec/commune.md says them, each pair compared with every log."""
    ancestors: dict[bytes, set[bytes]] = {}
    for log in commune.logs:
        parents = {seal.log for seal in commune.continues.get(log, ())}
        ancestors[log] = parents.union(*(ancestors[parent] for parent in parents))
    contested: set[bytes] = set()
    for one, other in combinations(commune.continues, 2):
        shared = set.intersection(*({seal.log for seal in commune.continues[log]} for log in (one, other)))
        joined = any({one, other} <= ancestors[log] for log in commune.continues)
        if shared and not joined and one not in ancestors[other] and other not in ancestors[one]:
            contested |= {one, other}
    return contested | {log for log in commune.logs if ancestors[log] & contested}


@pytest.mark.parametrize("seed", range(40))
def test_contested_logs_are_those_that_a_naive_twin_finds(seed: int) -> None:
    rng = Random(seed)
    writers = [found("Los Montes")]
    for number in range(rng.randrange(1, 9)):
        previous = rng.sample(writers, min(len(writers), rng.choice((1, 1, 2, 3))))
        writers.append(succeed(writers[0], f"log {number}", *previous))
    commune = form(*writers)
    assert len(commune.logs) == len(writers)
    assert commune.contested == contested_naively(commune)
