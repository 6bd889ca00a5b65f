"""From a proposal to an agreement, as stories of Los Montes, El Valle and La Costa."""

from __future__ import annotations

from typing import Any

from ledger.exchange import Form, State
from ledger.kinds import Accept, Decline, Deliver, Propose, Receive, Withdraw
from ledger.limits import MAX_WORDS
from ledger.log import EntryId
from tests.support.talks import Asked, Talk, commune_id, kg, transfers_of

MAIZE = ("Montes", "Valle", "maíz", kg(100))
NAILS = ("Valle", "Montes", "clavos", kg(20))
RING = (
    ("Montes", "Valle", "maíz", kg(100)),
    ("Valle", "Costa", "clavos", kg(20)),
    ("Costa", "Montes", "sal", kg(50)),
)


def proposed(*asked: Asked, **fields: Any) -> Talk:
    talk = Talk()
    talk.propose("Montes", *(asked or (MAIZE, NAILS)), **fields)
    return talk


def counter(talk: Talk, name: str, **context: Any) -> EntryId:
    parties = talk.proposal.parties
    legs = transfers_of(parties, ("Montes", "Valle", "maíz", kg(80)))
    return talk.say(name, Propose, parties=parties, transfers=legs, **context)


# Two communes -----------------------------------------------------------------------------------


def test_a_proposal_waits_for_the_other_party() -> None:
    exchange = proposed().exchange()
    assert exchange.state is State.PROPOSED
    assert exchange.form is Form.BARTER
    assert exchange.wanting == (commune_id("Valle"),)
    assert exchange.answers == ()


def test_the_answer_of_the_other_party_is_enough_since_the_proposer_has_accepted_by_proposing() -> None:
    talk = proposed()
    acceptance = talk.say("Valle", Accept)
    exchange = talk.exchange()
    assert exchange.state is State.AGREED
    assert exchange.wanting == ()
    assert [(answer.commune, answer.kind, answer.id, answer.late) for answer in exchange.answers] == [
        (commune_id("Valle"), "accept", acceptance, False)
    ]


def test_a_declined_proposal_is_over() -> None:
    talk = proposed()
    talk.say("Valle", Decline)
    later = talk.say("Valle", Accept)
    exchange = talk.exchange()
    assert exchange.state is State.DECLINED
    assert exchange.wanting == ()
    assert talk.refusal(later) == "answered-already"


def test_the_first_answer_counts_when_it_is_a_yes() -> None:
    talk = proposed()
    talk.say("Valle", Accept)
    later = [talk.say("Valle", Decline), counter(talk, "Valle")]
    assert talk.exchange().state is State.AGREED
    assert talk.exchange().replaced_by is None
    assert [talk.refusal(entry) for entry in later] == ["answered-already"] * 2


def test_to_accept_again_says_nothing_new_and_is_no_fault() -> None:
    talk = proposed()
    first = talk.say("Valle", Accept)
    talk.say("Valle", Accept)
    exchange = talk.exchange()
    assert exchange.state is State.AGREED
    assert [answer.id for answer in exchange.answers] == [first]
    assert exchange.refused == ()


def test_an_acceptance_whose_log_had_not_seen_the_proposal_says_nothing() -> None:
    talk = proposed()
    early = talk.say("Valle", Accept, deaf=["Montes"])
    assert talk.exchange().state is State.PROPOSED
    assert talk.refusal(early) == "unseen"
    talk.say("Valle", Accept)
    assert talk.exchange().state is State.AGREED


def test_a_decline_needs_to_have_seen_nothing() -> None:
    talk = proposed()
    talk.say("Valle", Decline, deaf=["Montes"])
    assert talk.exchange().state is State.DECLINED


def test_the_proposer_can_neither_decline_nor_accept_its_own_proposal() -> None:
    talk = proposed()
    declined = talk.say("Montes", Decline)
    accepted = talk.say("Montes", Accept)
    assert talk.exchange().state is State.PROPOSED
    assert talk.refusal(declined) == "not-yours"
    assert talk.refusal(accepted) == "nothing-late"


# Counter-offers and replacements ----------------------------------------------------------------


def test_a_counter_offer_is_its_authors_decline_and_an_exchange_of_its_own() -> None:
    talk = proposed()
    offer = counter(talk, "Valle")
    exchange = talk.exchange()
    assert exchange.state is State.REPLACED
    assert exchange.replaced_by == offer
    assert [answer.kind for answer in exchange.answers] == ["propose"]
    talk.say("Montes", Accept, about=offer)
    assert talk.exchange(opening=offer).state is State.AGREED
    assert talk.exchange().state is State.REPLACED


def test_the_proposers_own_replacement_is_a_withdrawal() -> None:
    talk = proposed()
    better = counter(talk, "Montes")
    exchange = talk.exchange()
    assert exchange.state is State.REPLACED
    assert exchange.replaced_by == better
    late = talk.say("Valle", Accept)
    assert talk.refusal(late) == "withdrawn-already"


def test_a_replacement_that_crosses_with_the_acceptance_replaces_nothing() -> None:
    talk = proposed()
    talk.say("Valle", Accept)
    better = counter(talk, "Montes", deaf=["Valle"])
    exchange = talk.exchange()
    assert exchange.state is State.AGREED
    assert exchange.replaced_by is None
    assert talk.refusal(better) == "crossed"
    assert talk.exchange(opening=better).state is State.PROPOSED


def test_of_two_replacements_the_lower_id_is_named() -> None:
    talk = proposed(*RING)
    offers = [counter(talk, "Montes"), counter(talk, "Costa", deaf=["Montes"])]
    assert talk.exchange().replaced_by == min(offers)


def test_a_counter_offer_without_its_own_author_says_nothing() -> None:
    talk = proposed(*RING)
    parties = tuple(sorted((commune_id("Montes"), commune_id("Costa"))))
    legs = transfers_of(parties, ("Montes", "Costa", "maíz", kg(80)))
    odd = talk.say("Valle", Propose, parties=parties, transfers=legs)
    assert talk.exchange().state is State.PROPOSED
    assert talk.refusal(odd) == "not-yours"


def test_a_proposal_that_only_draws_on_another_as_a_listing_is_no_answer() -> None:
    """A transfer may name any id as its listing: the records about a proposal hold such ones too."""
    talk = proposed()
    parties = talk.proposal.parties
    legs = transfers_of(parties, MAIZE, listing=talk.opening.id)
    talk.add("Valle", Propose(at=1, parties=parties, transfers=legs))
    exchange = talk.exchange()
    assert exchange.state is State.PROPOSED
    assert exchange.refused == ()


# Withdrawal, and what crosses -------------------------------------------------------------------


def test_a_withdrawn_proposal_cannot_be_accepted() -> None:
    talk = proposed()
    talk.say("Montes", Withdraw)
    answers = [talk.say("Valle", Accept), talk.say("Valle", Decline), counter(talk, "Valle")]
    exchange = talk.exchange()
    assert exchange.state is State.WITHDRAWN
    assert exchange.answers == ()
    assert [talk.refusal(entry) for entry in answers] == ["withdrawn-already"] * 3


def test_an_acceptance_that_crosses_with_the_withdrawal_stands() -> None:
    talk = proposed()
    talk.listen("Valle")
    withdrawal = talk.say("Montes", Withdraw)
    talk.say("Valle", Accept, deaf=["Montes"])
    assert talk.exchange().state is State.AGREED
    assert talk.refusal(withdrawal) == "crossed"


def test_a_withdrawal_that_crosses_with_the_acceptance_is_nobodys_fault_and_has_no_effect() -> None:
    talk = proposed()
    talk.say("Valle", Accept)
    withdrawal = talk.say("Montes", Withdraw, deaf=["Valle"])
    assert talk.exchange().state is State.AGREED
    assert talk.refusal(withdrawal) == "crossed"


def test_a_withdrawal_after_having_seen_the_acceptance_is_refused() -> None:
    talk = proposed()
    talk.say("Valle", Accept)
    withdrawal = talk.say("Montes", Withdraw)
    assert talk.exchange().state is State.AGREED
    assert talk.refusal(withdrawal) == "agreed-already"


def test_only_the_proposer_withdraws_a_proposal() -> None:
    talk = proposed()
    withdrawal = talk.say("Valle", Withdraw)
    assert talk.exchange().state is State.PROPOSED
    assert talk.refusal(withdrawal) == "not-yours"


def test_a_proposal_that_was_withdrawn_and_then_replaced_is_withdrawn() -> None:
    talk = proposed()
    talk.say("Montes", Withdraw)
    counter(talk, "Montes")
    exchange = talk.exchange()
    assert exchange.state is State.WITHDRAWN
    assert exchange.replaced_by is None


def test_a_decline_that_crosses_with_a_withdrawal_is_shown_as_declined() -> None:
    talk = proposed()
    talk.say("Montes", Withdraw)
    talk.say("Valle", Decline, deaf=["Montes"])
    assert talk.exchange().state is State.DECLINED


# Three parties ----------------------------------------------------------------------------------


def test_a_ring_is_agreed_when_everybody_has_accepted() -> None:
    talk = proposed(*RING)
    talk.say("Valle", Accept)
    exchange = talk.exchange()
    assert exchange.form is Form.RING
    assert exchange.state is State.PROPOSED
    assert exchange.wanting == (commune_id("Costa"),)
    talk.say("Costa", Accept)
    assert talk.exchange().state is State.AGREED


def test_one_no_ends_a_ring() -> None:
    talk = proposed(*RING)
    talk.say("Valle", Accept)
    talk.say("Costa", Decline)
    assert talk.exchange().state is State.DECLINED


def test_a_ring_withdrawn_between_two_acceptances_is_not_agreed_by_one_that_knew() -> None:
    talk = proposed(*RING)
    talk.say("Valle", Accept)
    talk.say("Montes", Withdraw)
    knowing = talk.say("Costa", Accept)
    exchange = talk.exchange()
    assert exchange.state is State.WITHDRAWN
    assert [answer.commune for answer in exchange.answers] == [commune_id("Valle")]
    assert talk.refusal(knowing) == "withdrawn-already"


def test_a_ring_withdrawn_between_two_acceptances_stands_if_the_second_had_not_heard_of_it() -> None:
    talk = proposed(*RING)
    talk.say("Valle", Accept)
    talk.listen("Costa")
    withdrawal = talk.say("Montes", Withdraw)
    talk.say("Costa", Accept, deaf=["Montes"])
    assert talk.exchange().state is State.AGREED
    assert talk.refusal(withdrawal) == "crossed"


def test_who_has_seen_only_some_acceptances_does_not_know_of_the_agreement() -> None:
    talk = proposed(*RING)
    talk.say("Valle", Accept)
    talk.say("Costa", Accept, deaf=["Valle"])
    hasty = talk.say("Costa", Receive, transfer=1, quantity=kg(20), deaf=["Valle"])
    assert talk.refusal(hasty) == "not-agreed"
    patient = talk.say("Costa", Receive, transfer=1, quantity=kg(20))
    assert talk.refusal(patient) is None


# Late acceptances -------------------------------------------------------------------------------


def test_a_late_acceptance_waits_for_the_proposers_word() -> None:
    talk = proposed(answer_by=5_000)
    talk.say("Valle", Accept, at=5_001)
    exchange = talk.exchange()
    assert exchange.state is State.PROPOSED
    assert [answer.late for answer in exchange.answers] == [True]
    assert exchange.wanting == (commune_id("Montes"),)
    talk.say("Montes", Accept)
    exchange = talk.exchange()
    assert exchange.state is State.AGREED
    assert [answer.late for answer in exchange.answers] == [False]


def test_an_acceptance_in_the_last_millisecond_is_in_time() -> None:
    talk = proposed(answer_by=5_000)
    talk.say("Valle", Accept, at=5_000)
    assert talk.exchange().state is State.AGREED


def test_a_confirmation_that_had_not_seen_the_late_acceptance_confirms_nothing() -> None:
    talk = proposed(answer_by=5_000)
    talk.say("Valle", Accept, at=6_000)
    blind = talk.say("Montes", Accept, deaf=["Valle"])
    assert talk.exchange().state is State.PROPOSED
    assert talk.refusal(blind) == "nothing-late"


def test_a_late_acceptance_is_its_partys_first_answer_all_the_same() -> None:
    talk = proposed(answer_by=5_000)
    talk.say("Valle", Accept, at=6_000)
    regret = talk.say("Valle", Decline)
    assert talk.exchange().state is State.PROPOSED
    assert talk.refusal(regret) == "answered-already"


def test_a_proposal_withdrawn_before_a_late_acceptance_was_confirmed_cannot_be_revived() -> None:
    talk = proposed(answer_by=5_000)
    talk.say("Valle", Accept, at=6_000)
    talk.say("Montes", Withdraw)
    revival = talk.say("Montes", Accept)
    assert talk.exchange().state is State.WITHDRAWN
    assert talk.refusal(revival) == "withdrawn-already"


def test_one_who_delivers_must_have_seen_the_confirmation_of_a_late_acceptance() -> None:
    talk = proposed(answer_by=5_000)
    talk.say("Valle", Accept, at=6_000)
    talk.say("Montes", Accept)
    hasty = talk.say("Valle", Deliver, transfer=1, quantity=kg(20), deaf=["Montes"])
    knowing = talk.say("Valle", Deliver, transfer=1, quantity=kg(20))
    assert talk.refusal(hasty) == "not-agreed"
    assert talk.refusal(knowing) is None


def test_one_confirmation_serves_all_the_late_acceptances_it_had_seen() -> None:
    talk = proposed(*RING, answer_by=5_000)
    talk.say("Valle", Accept, at=6_000)
    talk.say("Costa", Accept, at=7_000)
    talk.say("Montes", Accept)
    assert talk.exchange().state is State.AGREED


def test_a_confirmation_serves_only_the_late_acceptances_it_had_seen() -> None:
    talk = proposed(*RING, answer_by=5_000)
    talk.say("Valle", Accept, at=6_000)
    talk.say("Costa", Accept, at=7_000)
    talk.say("Montes", Accept, deaf=["Costa"])
    exchange = talk.exchange()
    assert exchange.state is State.PROPOSED
    assert [(answer.commune, answer.late) for answer in exchange.answers] == sorted(
        [(commune_id("Valle"), False), (commune_id("Costa"), True)]
    )
    talk.say("Montes", Accept)
    assert talk.exchange().state is State.AGREED


def test_a_proposal_has_lapsed_once_its_day_is_over_and_it_waits_still() -> None:
    talk = proposed(answer_by=5_000)
    assert not talk.exchange().lapsed(5_000)
    assert talk.exchange().lapsed(5_001)
    assert not proposed().exchange().lapsed(5_001)
    talk.say("Valle", Accept)
    assert not talk.exchange().lapsed(5_001)


# Past a cut or seal -----------------------------------------------------------------------------


def test_a_debtor_cannot_slip_a_decline_in_before_what_it_accepted() -> None:
    """Two branches of a forked log: the acceptance that Los Montes relied on, a decline made for others."""
    talk = proposed()
    talk.say("Valle", Accept, contested=True, order=(0, 10))
    talk.say("Valle", Decline, contested=True, order=(0, 7))
    exchange = talk.exchange()
    assert exchange.state is State.AGREED
    assert exchange.contested


def test_a_debtor_cannot_restore_an_old_backup_and_decline_what_it_accepted() -> None:
    talk = proposed()
    talk.say("Valle", Accept, contested=True, order=(0, 10))
    decline = talk.say("Valle", Decline, order=(1, 1))
    exchange = talk.exchange()
    assert exchange.state is State.AGREED
    assert exchange.contested
    assert talk.refusal(decline) == "answered-already"


def test_a_firm_decline_is_not_undone_by_a_fork_that_accepts_later() -> None:
    talk = proposed()
    talk.say("Valle", Decline, order=(0, 3))
    acceptance = talk.say("Valle", Accept, contested=True, order=(0, 9))
    exchange = talk.exchange()
    assert exchange.state is State.DECLINED
    assert not exchange.contested
    assert talk.refusal(acceptance) == "answered-already"


def test_contested_declines_alone_are_an_answer() -> None:
    talk = proposed()
    first = talk.say("Valle", Decline, contested=True, order=(0, 7))
    talk.say("Valle", Decline, contested=True, order=(0, 9))
    exchange = talk.exchange()
    assert exchange.state is State.DECLINED
    assert exchange.contested
    assert [answer.id for answer in exchange.answers] == [first]


def test_a_contested_decline_gives_way_to_a_firm_counter_offer() -> None:
    talk = proposed()
    talk.say("Valle", Decline, contested=True, order=(0, 7))
    offer = counter(talk, "Valle", order=(1, 2))
    exchange = talk.exchange()
    assert exchange.state is State.REPLACED
    assert exchange.replaced_by == offer
    assert exchange.contested


def test_an_earlier_acceptance_on_another_branch_does_not_undo_what_was_done_on_this_one() -> None:
    """Los Montes saw one branch of El Valle's log; an acceptance put in earlier on another is no matter."""
    talk = proposed()
    talk.say("Valle", Accept, contested=True, order=(0, 10))
    delivery = talk.say("Montes", Deliver, transfer=0, quantity=kg(100))
    talk.say("Valle", Accept, contested=True, order=(0, 6))
    exchange = talk.exchange()
    assert talk.refusal(delivery) is None
    assert exchange.legs[0].given == 100_000_000


# Limits -----------------------------------------------------------------------------------------


def test_more_repetitions_than_are_weighed_change_nothing() -> None:
    talk = proposed()
    acceptances = [talk.say("Valle", Accept) for _ in range(MAX_WORDS + 3)]
    assert talk.exchange().state is State.AGREED
    assert [talk.refusal(entry) for entry in acceptances[-3:]] == [None, "too-many", "too-many"]


def test_more_withdrawals_than_are_weighed_change_nothing() -> None:
    talk = proposed()
    withdrawals = [talk.say("Montes", Withdraw) for _ in range(MAX_WORDS + 1)]
    assert talk.exchange().state is State.WITHDRAWN
    assert talk.refusal(withdrawals[-1]) == "too-many"
