"""Which entries become the moves of an exchange, and what their writers had seen."""

from __future__ import annotations

from random import Random

import pytest

from ledger.dealings import Dealings, Found
from ledger.exchange import Exchange, State
from ledger.log import EntryId
from ledger.records import (
    Accept,
    Charter,
    Correct,
    Decline,
    Deliver,
    Dispute,
    Offer,
    Profile,
    Propose,
    Receive,
    Settle,
    Transfer,
)
from tests.support.communes import (
    NETWORK,
    Writer,
    authority_of,
    found,
    history_of,
    kg,
    places_in,
    recovery_of,
    succeed,
)

ORDERS = [None, *(Random(seed) for seed in range(4))]


def state_of(trade: EntryId, *writers: Writer, rng: Random | None = None) -> Exchange:
    """The exchange, from what these writers wrote."""
    folded = history_of(*writers, rng=rng).exchange(trade)
    assert folded is not None
    return folded


def test_every_record_about_the_exchange_and_its_disputes_is_gathered() -> None:
    montes, valle = found("Los Montes"), found("El Valle")
    trade = montes.propose((montes, valle, "maíz", kg(100)))
    valle.say(Accept, exchange=trade, seen=[montes])
    montes.say(Deliver, exchange=trade, transfer=0, quantity=kg(100), seen=[valle])
    valle.say(Receive, exchange=trade, transfer=0, quantity=kg(40))
    dispute = valle.say(Dispute, exchange=trade, transfer=0)
    for writer, other in ((montes, valle), (valle, montes)):
        writer.say(Settle, dispute=dispute, outcome="closed", seen=[other])
    folded = state_of(trade, montes, valle)
    assert [quarrel.outcome for quarrel in folded.quarrels] == ["closed"]
    assert folded.legs[0].closed
    assert folded.state is State.CLOSED


def test_an_entry_that_does_not_count_is_no_move() -> None:
    montes, valle = found("Los Montes"), found("El Valle")
    trade = montes.propose((montes, valle, "maíz", kg(100)))
    laptop = succeed(valle, "laptop")
    valle.say(Decline, exchange=trade)
    laptop.say(Accept, exchange=trade, seen=[montes])
    folded = state_of(trade, montes, valle, laptop)
    assert (folded.state, folded.contested, folded.refused) == (State.AGREED, False, ())


def test_a_record_that_names_the_exchange_twice_is_one_move() -> None:
    montes, valle = found("Los Montes"), found("El Valle")
    trade = montes.propose((montes, valle, "maíz", kg(100)))
    counter = Transfer(giver=0, receiver=1, title="maíz", listing=trade, quantity=kg(50))
    parties = tuple(sorted([montes.commune, valle.commune]))
    entry = valle.say(Propose, parties=parties, transfers=(counter, counter), replaces=trade)
    folded = state_of(trade, montes, valle)
    assert (folded.state, folded.replaced_by, len(folded.answers)) == (State.REPLACED, entry, 1)


def test_a_record_that_is_found_by_two_names_is_one_move() -> None:
    """It answers the proposal, and draws on a dispute about it as if that were a listing."""
    montes, valle = found("Los Montes"), found("El Valle")
    trade = montes.propose((montes, valle, "maíz", kg(100)))
    valle.say(Accept, exchange=trade, seen=[montes])
    dispute = valle.say(Dispute, exchange=trade, transfer=0)
    leg = Transfer(giver=0, receiver=1, title="maíz", listing=dispute, quantity=kg(50))
    parties = tuple(sorted([montes.commune, valle.commune]))
    valle.say(Propose, parties=parties, transfers=(leg,), replaces=trade)
    folded = state_of(trade, montes, valle)
    assert (folded.state, len(folded.quarrels)) == (State.AGREED, 1)
    assert [item.code for item in folded.refused] == ["answered-already"]


def test_an_id_that_is_no_proposals_opens_no_exchange_whoever_finds_it() -> None:
    montes = found("Los Montes")
    offer = montes.say(Offer, title="maíz", category="maize")
    history = history_of(montes)

    def held(entry: bytes) -> list[Found]:
        places = places_in(history, entry)
        return [(place, entry, history.record_at(place)) for place in places]

    dealings = Dealings(history, held, lambda entry: [])
    assert [entry for _, entry, _ in held(offer)] == [offer]
    assert dealings.proposal(offer) is None
    assert dealings.exchange(offer) is None


# The same entry on two branches -------------------------------------------------------------------


def held_twice() -> tuple[EntryId, list[Writer]]:
    """El Valle wrote one acceptance on two branches; only on one of them it had seen the proposal."""
    montes, valle = found("Los Montes"), found("El Valle")
    trade = montes.propose((montes, valle, "maíz", kg(100)))
    copy = valle.twin()
    valle.say(Profile, name="El Valle", seen=[montes])
    copy.say(Offer, title="clavos", category="hardware")
    accept = valle.say(Accept, exchange=trade)
    assert copy.quote(valle.payloads[-1]) == accept
    montes.say(Correct, target=accept, note="aceptaron")
    return trade, [montes, valle, copy]


@pytest.mark.parametrize("rng", ORDERS)
def test_an_entry_on_two_branches_is_one_move_that_knew_what_either_knew(rng: Random | None) -> None:
    trade, writers = held_twice()
    folded = state_of(trade, *writers, rng=rng)
    assert (folded.state, len(folded.answers), folded.contested) == (State.AGREED, 1, True)


@pytest.mark.parametrize("rng", ORDERS)
def test_an_entry_that_one_branch_holds_firmly_is_firm(rng: Random | None) -> None:
    trade, (montes, valle, copy) = held_twice()
    laptop = succeed(valle, "laptop", valle)
    folded = state_of(trade, montes, valle, copy, laptop, rng=rng)
    assert (folded.state, folded.contested) == (State.AGREED, False)


@pytest.mark.parametrize("rng", ORDERS)
def test_a_proposal_on_two_branches_opens_one_exchange_that_either_branch_was_seen_for(
    rng: Random | None,
) -> None:
    montes, valle = found("Los Montes"), found("El Valle")
    copy = montes.twin()
    montes.say(Offer, title="maíz", category="maize")
    copy.say(Offer, title="yuca", category="cassava")
    trade = montes.propose((montes, valle, "maíz", kg(100)))
    assert copy.quote(montes.payloads[-1]) == trade
    valle.say(Accept, exchange=trade, seen=[copy])
    assert state_of(trade, montes, copy, valle, rng=rng).state is State.AGREED
    assert state_of(trade, montes, valle, rng=rng).state is State.AGREED, "no evidence, no doubt"


# A log that two communes opened -------------------------------------------------------------------


@pytest.mark.parametrize("rng", ORDERS)
def test_an_entry_in_a_log_of_two_communes_speaks_for_the_one_that_is_a_party(rng: Random | None) -> None:
    """Else a debtor could found a second commune on its log's key, and have it answer in its stead."""
    for about in "abcdef":  # so that the ids of the communes come out both ways
        montes, valle, fachada = found("Los Montes"), found("El Valle"), found("La Fachada")
        other = montes.twin(0)
        other.say(
            Charter, name="Otra", network=NETWORK, about=about, authority=authority_of(recovery_of("Otra"))
        )
        trade = valle.propose((montes, valle, "maíz", kg(100)))
        accept = montes.say(Accept, exchange=trade, seen=[valle])
        other.quote(montes.payloads[-1])
        fachada.say(Correct, target=accept, note="damos fe")
        folded = state_of(trade, montes, other, valle, fachada, rng=rng)
        assert (folded.state, folded.refused) == (State.AGREED, ())


@pytest.mark.parametrize("rng", ORDERS)
def test_a_proposal_in_a_log_of_two_communes_is_made_by_the_one_that_is_a_party(rng: Random | None) -> None:
    for about in "abcdef":
        montes, valle = found("Los Montes"), found("El Valle")
        other = montes.twin(0)
        other.say(
            Charter, name="Otra", network=NETWORK, about=about, authority=authority_of(recovery_of("Otra"))
        )
        trade = montes.propose((montes, valle, "maíz", kg(100)))
        other.quote(montes.payloads[-1])
        valle.say(Accept, exchange=trade, seen=[montes])
        folded = state_of(trade, montes, other, valle, rng=rng)
        assert (folded.state, folded.proposer) == (State.AGREED, montes.commune)


# A no beside a yes --------------------------------------------------------------------------------


def two_logs(name: str) -> tuple[EntryId, Writer, Writer, Writer, Writer]:
    """A proposal to El Valle, which has two logs of which neither continues the other."""
    montes, valle = found("Los Montes"), found("El Valle")
    trade = montes.propose((montes, valle, "maíz", kg(100)))
    return trade, montes, valle, succeed(valle, "house"), succeed(valle, name)


@pytest.mark.parametrize("name", list("abcdef"))
def test_a_no_in_a_joined_log_does_not_go_before_a_yes_in_the_other(name: str) -> None:
    trade, montes, valle, house, school = two_logs(name)
    house.say(Accept, exchange=trade, seen=[montes])
    school.say(Decline, exchange=trade)
    joined = succeed(house, "joined", house, school)
    folded = state_of(trade, montes, valle, house, school, joined)
    assert [answer.kind for answer in folded.answers] == ["accept"]
    assert folded.state is State.AGREED


@pytest.mark.parametrize("name", list("abcdef"))
def test_a_no_that_was_said_before_both_logs_goes_before_a_yes_in_either(name: str) -> None:
    montes, valle = found("Los Montes"), found("El Valle")
    trade = montes.propose((montes, valle, "maíz", kg(100)))
    valle.say(Decline, exchange=trade)
    house, school = succeed(valle, "house"), succeed(valle, name)
    house.say(Accept, exchange=trade, seen=[montes])
    joined = succeed(house, "joined", house, school)
    folded = state_of(trade, montes, valle, house, school, joined)
    assert (folded.state, folded.contested) == (State.DECLINED, False)


def test_a_no_after_a_yes_in_one_log_is_refused_and_puts_nothing_in_doubt() -> None:
    montes, valle = found("Los Montes"), found("El Valle")
    trade = montes.propose((montes, valle, "maíz", kg(100)))
    valle.say(Accept, exchange=trade, seen=[montes])
    valle.say(Decline, exchange=trade)
    folded = state_of(trade, montes, valle)
    assert (folded.state, folded.contested) == (State.AGREED, False)
    assert [item.code for item in folded.refused] == ["answered-already"]


@pytest.mark.parametrize("rng", ORDERS)
def test_a_yes_copied_onto_a_branch_with_a_no_before_it_stays_a_yes(rng: Random | None) -> None:
    """The debtor forks, says no, and then says yes again word for word: that does not put the no first."""
    montes, valle, fachada = found("Los Montes"), found("El Valle"), found("La Fachada")
    trade = montes.propose((montes, valle, "maíz", kg(100)))
    copy = valle.twin()
    valle.say(Offer, title="clavos", category="hardware")
    valle.say(Accept, exchange=trade, seen=[montes])
    montes.say(Deliver, exchange=trade, transfer=0, quantity=kg(100), seen=[valle])
    copy.say(Decline, exchange=trade)
    copy.quote(valle.payloads[-1])
    fachada.say(Profile, name="La Fachada", seen=[copy])
    laptop = succeed(valle, "laptop", copy.seal(2))
    for writers in ([montes, valle, copy, fachada], [montes, valle, copy, fachada, laptop]):
        folded = state_of(trade, *writers, rng=rng)
        assert (folded.state, folded.legs[0].given) == (State.AGREED, 100 * 10**6)
