"""Quotas: who is in reach through whom, what may grow, and what a day is, whatever happens in which order."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.limits import MAX_RUN_BYTES, MAX_RUN_ENTRIES
from ledger.log import LogKey
from ledger.records import CommuneId
from node.limits import DAY_SECONDS, ENTRY_WEIGHT, LEAST_DAY_WEIGHT
from node.quotas import Account, Book, Day, Days, Over, Quotas, Reach, Standing, reach, weight_of

SMALL = Quotas(introduced_logs=3, introduced_weight=1_000, log_weight=600)


def commune(name: str) -> CommuneId:
    return CommuneId(sha256(name.encode()).digest())


def log(name: str) -> LogKey:
    return LogKey(sha256(b"log " + name.encode()).digest())


A, B, C, D, E, OWN = map(commune, ("A", "B", "C", "D", "E", "own"))


def reached(graph: dict[CommuneId, list[CommuneId]], hops: int = 3, **more: list[CommuneId]) -> Reach:
    return reach(OWN, lambda one: graph.get(one, []), more.get("partners", []), more.get("chosen", []), hops)


# Reach ------------------------------------------------------------------------------------------


def test_whom_others_recognise_is_in_reach_so_many_hops_on() -> None:
    graph = {OWN: [A], A: [B], B: [C], C: [D]}
    assert reached(graph, 1).communes == {OWN, A}
    assert reached(graph, 2).communes == {OWN, A, B}
    assert reached(graph).communes == {OWN, A, B, C}
    assert reached(graph).introducers == {B: (A,), C: (A,)}


def test_a_commune_is_charged_to_those_that_introduce_it_in_the_order_in_which_they_were_recognised() -> None:
    assert reached({OWN: [A, B], A: [C], B: [C]}).introducers == {C: (A, B)}
    assert reached({OWN: [B, A], A: [C], B: [C]}).introducers == {C: (B, A)}


def test_what_a_recognised_commune_introduces_is_not_charged_to_who_recognises_it_too() -> None:
    assert reached({OWN: [A, B], A: [B], B: [C]}).introducers == {C: (B,)}


def test_nobody_introduces_whom_this_commune_follows_itself() -> None:
    found = reached({OWN: [A], A: [B, C, D, OWN]}, partners=[B], chosen=[C])
    assert found.introducers == {D: (A,)}
    assert found.standings == {
        OWN: Standing.OWN,
        A: Standing.FOLLOWED,
        B: Standing.PARTNER,
        C: Standing.FOLLOWED,
        D: Standing.INTRODUCED,
    }
    assert found.followed().communes == {OWN, A, B, C}


def test_partners_and_whom_the_operator_chose_introduce_nobody() -> None:
    assert reached({B: [D], C: [E]}, partners=[B], chosen=[C]).communes == {OWN, B, C}


def test_a_log_that_the_operator_chose_is_followed_whosever_it_is() -> None:
    found = reach(OWN, lambda one: [], [], [log("some")], 3)
    assert found.standing(log("some"), None) is Standing.FOLLOWED
    assert found.standing(log("some"), D) is Standing.FOLLOWED
    assert found.standing(log("other"), D) is None
    assert found.standing(log("some"), OWN) is Standing.OWN


names = st.sampled_from("ABCDEFGH")
graphs = st.dictionaries(names | st.just("own"), st.lists(names | st.just("own"), unique=True, max_size=5))


@given(graphs, st.integers(1, 5))
def test_reach_is_what_walking_gives(said: dict[str, list[str]], hops: int) -> None:
    graph = {commune(one): [commune(other) for other in others] for one, others in said.items()}
    found = reached(graph, hops)
    walked = {OWN}
    edge = {OWN}
    for _ in range(hops):
        edge = {other for one in edge for other in graph.get(one, [])}
        walked |= edge
    assert found.communes == walked
    ours = [one for one in graph.get(OWN, []) if one != OWN]
    for one, by in found.introducers.items():
        assert by
        assert [each for each in ours if each in by] == list(by), "in the order of recognition"
        assert one not in (OWN, *ours)


# How much ---------------------------------------------------------------------------------------


def test_a_long_history_passes_at_first_meeting() -> None:
    weight = weight_of(100_000, 40_000_000)
    assert Book(Quotas()).ask(log("long"), Standing.INTRODUCED, (A,), weight, Day(0)) is None


def test_every_run_that_there_can_be_fits_into_a_day() -> None:
    assert weight_of(MAX_RUN_ENTRIES, MAX_RUN_BYTES) <= LEAST_DAY_WEIGHT


def test_a_log_gets_room_with_the_days_and_one_that_is_recognised_more() -> None:
    quotas = Quotas()
    at_first = quotas.of_log(Standing.PARTNER, 0, 0)
    assert at_first == quotas.log_weight
    assert quotas.of_log(Standing.PARTNER, 0, 32) == 2 * at_first
    assert quotas.of_log(Standing.FOLLOWED, 0, 0) == 8 * at_first
    assert quotas.of_log(Standing.PARTNER, 10**9, 0) == 10**9, "what was held at first had its room"


def test_what_is_over_does_not_grow_and_grows_again_on_a_later_day() -> None:
    book = Book(Quotas())
    full = book.quotas.log_weight
    assert book.ask(log("one"), Standing.PARTNER, (), full, Day(7)) is None
    assert book.ask(log("one"), Standing.PARTNER, (), 500, Day(7)) is Over.LOG
    assert book.accounts[log("one")].weight == full
    assert book.ask(log("one"), Standing.PARTNER, (), 500, Day(8)) is None


def test_one_introducer_has_so_many_logs_and_a_second_one_its_own() -> None:
    book = Book(SMALL)
    for number in range(3):
        assert book.ask(log(f"{number}"), Standing.INTRODUCED, (A,), 10, Day(0)) is None
    assert book.ask(log("3"), Standing.INTRODUCED, (A,), 10, Day(0)) is Over.SHARE
    assert book.ask(log("3"), Standing.INTRODUCED, (A, B), 10, Day(0)) is None
    assert book.used(A) == (3, 30)
    assert book.used(B) == (1, 10)
    assert book.ask(log("0"), Standing.INTRODUCED, (A,), 10, Day(0)) is None, "what is held may grow"


def test_all_that_one_commune_introduces_shares_its_weight() -> None:
    book = Book(SMALL)
    assert book.ask(log("1"), Standing.INTRODUCED, (A,), 600, Day(0)) is None
    assert book.ask(log("2"), Standing.INTRODUCED, (A,), 500, Day(0)) is Over.SHARE
    assert book.ask(log("2"), Standing.INTRODUCED, (A,), 400, Day(0)) is None
    assert book.ask(log("2"), Standing.INTRODUCED, (A,), 1, Day(0)) is Over.SHARE
    assert book.ask(log("2"), Standing.INTRODUCED, (A, B), 1, Day(0)) is None, "it moves with all it weighs"
    assert (book.used(A), book.used(B)) == ((1, 600), (1, 401))


def test_taking_an_introduction_back_makes_no_room() -> None:
    book = Book(SMALL)
    for number in range(3):
        book.ask(log(f"{number}"), Standing.INTRODUCED, (A,), 10, Day(0))
        assert not book.place(log(f"{number}"), None, ())
    assert book.ask(log("another"), Standing.INTRODUCED, (A,), 10, Day(0)) is Over.SHARE


def test_recognising_somebody_makes_room_at_who_introduced_them() -> None:
    book = Book(SMALL)
    for number in range(3):
        book.ask(log(f"{number}"), Standing.INTRODUCED, (A,), 10, Day(0))
    assert book.place(log("0"), Standing.FOLLOWED, ())
    assert book.used(A) == (2, 20)


def test_what_is_held_and_fits_nowhere_is_charged_to_the_first() -> None:
    book = Book(SMALL)
    for number in range(5):
        book.add(log(f"{number}"), 10, Day(0))
        book.place(log(f"{number}"), Standing.INTRODUCED, (A, B))
    assert book.used(A) == (3, 30)
    for number in range(5, 9):
        book.add(log(f"{number}"), 10, Day(0))
        book.place(log(f"{number}"), Standing.INTRODUCED, (A, B))
    assert book.used(B) == (3, 30)
    assert book.used(A) == (6, 60)
    assert book.ask(log("1"), Standing.INTRODUCED, (A,), 1, Day(0)) is Over.SHARE


def test_what_was_counted_and_not_stored_is_given_back() -> None:
    book = Book(SMALL)
    assert book.ask(log("1"), Standing.INTRODUCED, (A,), 500, Day(0)) is None
    book.add(log("1"), -500, Day(0))
    assert book.accounts == {}
    assert book.used(A) == (0, 0)


asked = st.tuples(
    st.integers(0, 9), st.lists(st.sampled_from([A, B, C]), unique=True, max_size=3), st.integers(1, 500),
    st.booleans(), st.integers(0, 3),
)  # fmt: skip


@given(st.lists(asked, max_size=60))
def test_whatever_is_asked_in_whichever_order_nobody_introduces_more_than_a_share(
    steps: list[tuple[int, list[CommuneId], int, bool, int]],
) -> None:
    """Nothing that was taken in is lost, what is refused counts nothing, and it is refused for a reason."""
    book, weights = Book(SMALL), dict[LogKey, int]()
    day = 0
    for number, introducers, weight, is_returned, later in steps:
        one, day = log(f"{number}"), day + later
        standing = Standing.INTRODUCED if introducers else Standing.PARTNER
        before = {key: replace(account) for key, account in book.accounts.items()}
        said = book.ask(one, standing, introducers, weight, Day(day))
        if said is not None:
            assert book.accounts == before
            account = before.get(one) or Account(Day(day), 0, 0)
            after = account.weight + weight
            if said is Over.LOG:
                assert after > SMALL.of_log(standing, 0, day - account.day)
            else:
                for each in introducers:
                    logs, used = book.used(each)
                    is_new = each != account.introducer
                    assert logs + is_new > 3 or used + (after if is_new else weight) > 1_000
        elif is_returned:
            book.add(one, -weight, Day(day))
        else:
            weights[one] = weights.get(one, 0) + weight
        assert {key: account.weight for key, account in book.accounts.items()} == weights
        for each in (A, B, C):
            charged = [account.weight for account in book.accounts.values() if account.introducer == each]
            assert book.used(each) == (len(charged), sum(charged))
            assert len(charged) <= 3
            assert sum(charged) <= 1_000


def test_small_entries_weigh_as_well() -> None:
    assert weight_of(10, 10) == 10 * ENTRY_WEIGHT + 10


# Days -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("date", [20_001, 49_000, 0, -5])
def test_a_day_is_one_day_however_far_the_clock_has_gone(date: int) -> None:
    days = Days().at(20_000, None)
    assert days.count == 0
    assert days.at(20_000, DAY_SECONDS * 9).count == 0
    assert days.at(date, None).count == 1
    assert days.at(date, DAY_SECONDS).count == 1
    assert days.at(date, DAY_SECONDS - 1).count == 0


@given(st.lists(st.tuples(st.integers(-50_000, 50_000), st.floats(0, 90_000)), max_size=60))
def test_however_the_clock_is_set_no_more_days_count_than_have_gone_by(
    steps: list[tuple[int, float]],
) -> None:
    days, since, gone = Days().at(0, None), 0.0, 0.0
    for date, seconds in steps:
        since, gone = since + seconds, gone + seconds
        before, days = days, days.at(date, since)
        assert before.count <= days.count <= before.count + 1
        if days != before:
            since = 0.0
    assert days.count <= gone / DAY_SECONDS
