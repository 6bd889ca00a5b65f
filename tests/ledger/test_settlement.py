"""Disputes and cancels: what sides say in common, and when nobody can unsay it alone."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.exchange import State
from ledger.kinds import Accept, Cancel, Deliver, Dispute, Receive, Settle, Withdraw
from ledger.limits import MAX_WORDS
from ledger.log import EntryId
from tests.support.talks import Talk, commune_id, kg


def agreed(*others: str) -> Talk:
    """Los Montes gives maize to El Valle and gets nails; with La Costa it is a ring."""
    names = ("Montes", "Valle", *others)
    talk = Talk()
    ring = [(name, names[(at + 1) % len(names)], "maíz", kg(100)) for at, name in enumerate(names)]
    talk.propose("Montes", *ring)
    for name in names[1:]:
        talk.say(name, Accept)
    for name in names:
        talk.listen(name)
    return talk


def place(talk: Talk, giver: str) -> int:
    """The number of the transfer that a commune gives."""
    return next(at for at, leg in enumerate(talk.exchange().legs) if leg.giver == commune_id(giver))


def outcome(talk: Talk, dispute: EntryId) -> str | None:
    return next(quarrel.outcome for quarrel in talk.exchange().quarrels if quarrel.id == dispute)


def settle(talk: Talk, name: str, dispute: EntryId, outcome: str, **context: Any) -> EntryId:
    return talk.say(name, Settle, about=dispute, outcome=outcome, **context)


# Disputes ---------------------------------------------------------------------------------------


def test_a_dispute_stands_until_both_sides_settle_it() -> None:
    talk = agreed()
    dispute = talk.say("Valle", Dispute, transfer=place(talk, "Montes"))
    assert talk.exchange().disputed
    word = settle(talk, "Montes", dispute, "due")
    exchange = talk.exchange()
    assert exchange.disputed
    assert [(word.commune, word.said, word.id) for word in exchange.quarrels[0].words] == [
        (commune_id("Montes"), "due", word)
    ]
    settle(talk, "Valle", dispute, "due")
    assert not talk.exchange().disputed


def test_a_dispute_settled_as_due_leaves_the_rest_due() -> None:
    talk = agreed()
    leg = place(talk, "Montes")
    talk.say("Valle", Receive, transfer=leg, quantity=kg(60), condition="short")
    dispute = talk.say("Valle", Dispute, transfer=leg)
    settle(talk, "Montes", dispute, "due")
    settle(talk, "Valle", dispute, "due")
    assert outcome(talk, dispute) == "due"
    assert talk.exchange().legs[leg].due == 40_000_000


def test_a_dispute_settled_as_closed_ends_its_transfer() -> None:
    talk = agreed()
    leg = place(talk, "Montes")
    talk.say("Valle", Receive, transfer=leg, quantity=kg(60), condition="short")
    dispute = talk.say("Valle", Dispute, transfer=leg)
    settle(talk, "Montes", dispute, "closed")
    settle(talk, "Valle", dispute, "closed")
    exchange = talk.exchange()
    assert exchange.legs[leg].closed
    assert exchange.legs[leg].due == 0
    assert exchange.legs[1 - leg].due == 100_000_000
    assert exchange.state is State.AGREED
    talk.say("Valle", Deliver, transfer=1 - leg, quantity=kg(100))
    talk.say("Montes", Receive, transfer=1 - leg, quantity=kg(100))
    assert talk.exchange().state is State.CLOSED


def test_a_dispute_about_the_whole_settled_as_closed_closes_the_exchange() -> None:
    talk = agreed()
    dispute = talk.say("Valle", Dispute)
    settle(talk, "Montes", dispute, "closed")
    settle(talk, "Valle", dispute, "closed")
    exchange = talk.exchange()
    assert exchange.state is State.CLOSED
    assert [leg.due for leg in exchange.legs] == [0, 0]


def test_differing_words_settle_nothing_until_one_side_gives_in() -> None:
    talk = agreed()
    dispute = talk.say("Valle", Dispute)
    settle(talk, "Montes", dispute, "closed")
    settle(talk, "Valle", dispute, "due")
    assert outcome(talk, dispute) is None
    settle(talk, "Montes", dispute, "due")
    assert outcome(talk, dispute) == "due"


def test_what_both_said_one_alone_cannot_unsay() -> None:
    talk = agreed()
    dispute = talk.say("Valle", Dispute)
    settle(talk, "Montes", dispute, "closed")
    settle(talk, "Valle", dispute, "closed")
    settle(talk, "Valle", dispute, "due")
    assert outcome(talk, dispute) == "closed"


def test_both_may_settle_otherwise_later_and_then_that_cannot_be_unsaid_alone() -> None:
    talk = agreed()
    dispute = talk.say("Valle", Dispute)
    for ending in ("closed", "due"):
        settle(talk, "Montes", dispute, ending)
        settle(talk, "Valle", dispute, ending)
        assert outcome(talk, dispute) == ending
    settle(talk, "Montes", dispute, "closed")
    assert outcome(talk, dispute) == "due"


def test_an_offer_to_waive_that_was_taken_back_cannot_be_taken_up_later() -> None:
    """El Valle would have waived the rest; both then agreed that it is due. The debtor cannot go back."""
    talk = agreed()
    dispute = talk.say("Valle", Dispute)
    settle(talk, "Valle", dispute, "closed")
    settle(talk, "Montes", dispute, "due")
    settle(talk, "Valle", dispute, "due")
    settle(talk, "Montes", dispute, "closed")
    assert outcome(talk, dispute) == "due"


def test_words_that_cross_over_leave_the_dispute_open() -> None:
    """Each gives in to the other at once: neither of the two outcomes is more theirs than the other."""
    talk = agreed()
    dispute = talk.say("Valle", Dispute)
    settle(talk, "Valle", dispute, "closed")
    settle(talk, "Montes", dispute, "due")
    talk.listen("Valle")
    talk.listen("Montes")
    settle(talk, "Valle", dispute, "due", deaf=["Montes"])
    settle(talk, "Montes", dispute, "closed", deaf=["Valle"])
    assert outcome(talk, dispute) is None
    settle(talk, "Montes", dispute, "due")
    assert outcome(talk, dispute) == "due"


def test_what_both_said_at_once_stays_said_if_one_who_unsays_it_knew() -> None:
    talk = agreed()
    dispute = talk.say("Valle", Dispute)
    talk.listen("Montes")
    settle(talk, "Valle", dispute, "closed", deaf=["Montes"])
    settle(talk, "Montes", dispute, "closed", deaf=["Valle"])
    settle(talk, "Montes", dispute, "due")
    assert outcome(talk, dispute) == "closed"


def test_in_a_ring_the_whole_is_settled_by_all_and_a_transfer_by_its_two_sides() -> None:
    talk = agreed("Costa")
    whole = talk.say("Valle", Dispute)
    leg = talk.say("Valle", Dispute, transfer=place(talk, "Montes"))
    for dispute in (whole, leg):
        settle(talk, "Montes", dispute, "closed")
        settle(talk, "Valle", dispute, "closed")
    assert outcome(talk, whole) is None
    assert outcome(talk, leg) == "closed"
    settle(talk, "Costa", whole, "closed")
    assert outcome(talk, whole) == "closed"


def test_a_third_party_neither_disputes_nor_settles_a_transfer_of_others() -> None:
    talk = agreed("Costa")
    leg = place(talk, "Montes")
    dispute = talk.say("Costa", Dispute, transfer=leg)
    assert talk.refusal(dispute) == "not-yours"
    own = talk.say("Valle", Dispute, transfer=leg)
    word = settle(talk, "Costa", own, "closed")
    assert talk.refusal(word) == "not-yours"


def test_a_dispute_that_the_rules_refuse_cannot_be_settled() -> None:
    talk = Talk()
    talk.propose("Montes", ("Montes", "Valle", "maíz", kg(100)))
    early = talk.say("Valle", Dispute)
    beyond = talk.say("Valle", Dispute, transfer=7)
    talk.say("Valle", Accept)
    words = [settle(talk, "Montes", dispute, "closed") for dispute in (early, beyond)]
    exchange = talk.exchange()
    assert exchange.quarrels == ()
    assert talk.refusal(early) == "not-agreed"
    assert talk.refusal(beyond) == "no-such-transfer"
    assert [talk.refusal(word) for word in words] == ["no-such-dispute"] * 2


def test_a_fulfilled_exchange_can_be_disputed_and_stays_fulfilled() -> None:
    talk = agreed()
    for giver, receiver in (("Montes", "Valle"), ("Valle", "Montes")):
        talk.say(giver, Deliver, transfer=place(talk, giver), quantity=kg(100))
        talk.say(receiver, Receive, transfer=place(talk, giver), quantity=kg(100), condition="damaged")
    talk.say("Valle", Dispute)
    exchange = talk.exchange()
    assert exchange.state is State.FULFILLED
    assert exchange.disputed
    assert [leg.damaged for leg in exchange.legs] == [True, True]


# Cancels ----------------------------------------------------------------------------------------


def test_one_partys_cancel_is_a_wish() -> None:
    talk = agreed()
    cancel = talk.say("Montes", Cancel)
    exchange = talk.exchange()
    assert exchange.state is State.AGREED
    assert exchange.cancelling == (commune_id("Montes"),)
    assert [(word.said, word.id) for word in exchange.cancels] == [("cancel", cancel)]
    assert [leg.due for leg in exchange.legs] == [100_000_000, 100_000_000]


def test_the_cancels_of_all_end_what_is_not_yet_received() -> None:
    talk = agreed("Costa")
    leg = place(talk, "Montes")
    talk.say("Montes", Deliver, transfer=leg, quantity=kg(60))
    talk.say("Valle", Receive, transfer=leg, quantity=kg(60))
    for name in ("Montes", "Valle"):
        talk.say(name, Cancel)
        assert talk.exchange().state is State.AGREED
    talk.say("Costa", Cancel)
    exchange = talk.exchange()
    assert exchange.state is State.CANCELLED
    assert exchange.legs[leg].got == 60_000_000
    assert [leg.due for leg in exchange.legs] == [0, 0, 0]


def test_a_cancelled_exchange_of_which_all_arrives_after_all_is_fulfilled() -> None:
    talk = agreed()
    for name in ("Montes", "Valle"):
        talk.say(name, Cancel)
    for giver, receiver in (("Montes", "Valle"), ("Valle", "Montes")):
        talk.say(giver, Deliver, transfer=place(talk, giver), quantity=kg(100))
        talk.say(receiver, Receive, transfer=place(talk, giver), quantity=kg(100))
    assert talk.exchange().state is State.FULFILLED


def test_a_cancel_taken_back_does_not_stand() -> None:
    talk = agreed()
    cancel = talk.say("Montes", Cancel)
    taken_back = talk.say("Montes", Withdraw, about=cancel)
    assert talk.exchange().cancelling == ()
    talk.say("Valle", Cancel)
    exchange = talk.exchange()
    assert exchange.state is State.AGREED
    assert exchange.cancelling == (commune_id("Valle"),)
    assert talk.refusal(taken_back) is None
    talk.say("Montes", Cancel)
    assert talk.exchange().state is State.CANCELLED


def test_a_cancel_taken_back_stands_if_the_other_answered_it_without_having_heard() -> None:
    talk = agreed()
    cancel = talk.say("Montes", Cancel)
    talk.listen("Valle")
    taken_back = talk.say("Montes", Withdraw, about=cancel)
    talk.say("Valle", Cancel, deaf=["Montes"])
    exchange = talk.exchange()
    assert exchange.state is State.CANCELLED
    assert set(exchange.cancelling) == {commune_id("Montes"), commune_id("Valle")}
    assert talk.refusal(taken_back) == "crossed"


def test_a_cancel_taken_back_is_not_revived_by_one_who_had_never_heard_of_it() -> None:
    talk = agreed()
    cancel = talk.say("Montes", Cancel)
    talk.say("Montes", Withdraw, about=cancel)
    talk.say("Valle", Cancel, deaf=["Montes"])
    assert talk.exchange().state is State.AGREED


def test_both_take_back_before_having_heard_of_each_other() -> None:
    talk = agreed()
    for name, other in (("Montes", "Valle"), ("Valle", "Montes")):
        cancel = talk.say(name, Cancel, deaf=[other])
        talk.say(name, Withdraw, about=cancel, deaf=[other])
    assert talk.exchange().state is State.AGREED


def test_who_knows_that_all_have_cancelled_takes_nothing_back() -> None:
    talk = agreed()
    cancel = talk.say("Montes", Cancel)
    talk.say("Valle", Cancel)
    late = talk.say("Montes", Withdraw, about=cancel)
    assert talk.exchange().state is State.CANCELLED
    assert talk.refusal(late) == "cancelled-already"


def test_cancels_that_cross_complete_each_other_and_who_then_knew_cannot_take_back() -> None:
    """Neither cancel knew of the other; the one that is taken back shows that its writer had seen both."""
    talk = agreed()
    cancel = talk.say("Montes", Cancel, deaf=["Valle"])
    talk.say("Valle", Cancel, deaf=["Montes"])
    assert talk.exchange().state is State.CANCELLED
    late = talk.say("Montes", Withdraw, about=cancel)
    assert talk.exchange().state is State.CANCELLED
    assert talk.refusal(late) is None


def test_in_a_ring_the_last_to_cancel_may_rely_on_all_the_others() -> None:
    talk = agreed("Costa")
    talk.say("Costa", Cancel)
    cancel = talk.say("Montes", Cancel)
    talk.listen("Valle")
    taken_back = talk.say("Montes", Withdraw, about=cancel)
    talk.say("Valle", Cancel, deaf=["Montes"])
    assert talk.exchange().state is State.CANCELLED
    assert talk.refusal(taken_back) == "crossed"


def test_only_ones_own_last_cancel_can_be_taken_back() -> None:
    talk = agreed()
    first = talk.say("Montes", Cancel)
    second = talk.say("Montes", Cancel)
    foreign = talk.say("Valle", Withdraw, about=second)
    stale = talk.say("Montes", Withdraw, about=first)
    assert talk.exchange().cancelling == (commune_id("Montes"),)
    assert talk.refusal(foreign) == "not-yours"
    assert talk.refusal(stale) == "no-such-cancel"
    talk.say("Montes", Withdraw, about=second)
    assert talk.exchange().cancelling == ()


def test_a_cancel_before_agreement_says_nothing_and_cannot_be_taken_back() -> None:
    talk = Talk()
    talk.propose("Montes", ("Montes", "Valle", "maíz", kg(100)))
    early = talk.say("Valle", Cancel)
    talk.say("Valle", Accept)
    talk.say("Montes", Cancel)
    taken_back = talk.say("Valle", Withdraw, about=early)
    assert talk.exchange().state is State.AGREED
    assert talk.refusal(early) == "not-agreed"
    assert talk.refusal(taken_back) == "no-such-cancel"


# Past a cut or seal, and limits -----------------------------------------------------------------


@pytest.mark.parametrize("ending", ["due", "closed"])
def test_a_contested_exchange_is_closed_by_settling_a_dispute_about_the_whole(ending: str) -> None:
    talk = agreed()
    talk.say("Valle", Receive, transfer=place(talk, "Montes"), quantity=kg(60), contested=True)
    assert talk.exchange().contested
    part = talk.say("Montes", Dispute, transfer=0)
    whole = talk.say("Montes", Dispute)
    for dispute in (part, whole):
        assert talk.exchange().contested
        settle(talk, "Montes", dispute, ending)
        settle(talk, "Valle", dispute, ending)
    exchange = talk.exchange()
    assert not exchange.contested
    assert exchange.state is (State.CLOSED if ending == "closed" else State.AGREED)


def test_a_word_past_a_cut_makes_the_exchange_contested() -> None:
    talk = agreed()
    dispute = talk.say("Montes", Dispute, transfer=0)
    settle(talk, "Valle", dispute, "closed", contested=True)
    assert talk.exchange().contested


def test_a_side_that_keeps_changing_its_mind_is_weighed_up_to_a_limit() -> None:
    talk = agreed()
    dispute = talk.say("Montes", Dispute)
    words = [
        settle(talk, "Montes", dispute, "due" if number % 2 else "closed") for number in range(MAX_WORDS + 1)
    ]
    assert talk.refusal(words[-1]) == "too-many"
    assert [word.said for word in talk.exchange().quarrels[0].words] == ["due"]
    settle(talk, "Valle", dispute, "due")
    assert outcome(talk, dispute) == "due"
