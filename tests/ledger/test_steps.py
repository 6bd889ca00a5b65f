"""What a commune may do next: told before anything is signed, in one sentence."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given

from ledger.errors import MoveRefused
from ledger.exchange import MOVES, Exchange, State
from ledger.kinds import (
    Accept,
    Cancel,
    CommuneId,
    Correct,
    Decline,
    Deliver,
    Dispute,
    Propose,
    Quantity,
    Receive,
    Record,
    Settle,
    Withdraw,
)
from ledger.log import EntryId
from ledger.steps import Step, available_moves, awaited, check_move
from tests.ledger.test_exchange import talks
from tests.support.talks import Talk, commune_id, kg

MONTES, VALLE, COSTA = commune_id("Montes"), commune_id("Valle"), commune_id("Costa")


def barter(**fields: Any) -> Talk:
    """Los Montes proposes to El Valle to give maize and get nails."""
    talk = Talk()
    talk.propose(
        "Montes", ("Montes", "Valle", "maíz", kg(100)), ("Valle", "Montes", "clavos", kg(20)), **fields
    )
    return talk


def agreed() -> Talk:
    talk = barter()
    talk.say("Valle", Accept)
    return talk


def gives(talk: Talk, name: str) -> int:
    return next(at for at, leg in enumerate(talk.exchange().legs) if leg.giver == commune_id(name))


def refusal(talk: Talk, name: str, kind: type[Record], about: EntryId | None = None, **fields: Any) -> str:
    """The sentence with which a record is refused; empty if it is not."""
    trial = Talk(talk.clock, list(talk.moves), dict(talk.heard), dict(talk.ears))
    record = trial.move(trial.say(name, kind, about=about, **fields)).record
    return _refused(talk.exchange(), commune_id(name), record) or ""


def _refused(exchange: Exchange, commune: CommuneId, record: Record) -> str | None:
    try:
        check_move(exchange, commune, record)
    except MoveRefused as error:
        return str(error)
    return None


# What is available ------------------------------------------------------------------------------


def test_a_proposal_is_answered_by_one_side_and_taken_back_by_the_other() -> None:
    exchange = barter().exchange()
    assert available_moves(exchange, VALLE) == ("accept", "decline", "propose")
    assert available_moves(exchange, MONTES) == ("propose", "withdraw")
    assert available_moves(exchange, COSTA) == ()


def test_who_has_answered_waits() -> None:
    talk = Talk()
    talk.propose("Montes", ("Montes", "Valle", "maíz", kg(1)), ("Montes", "Costa", "maíz", kg(1)))
    talk.say("Valle", Accept)
    assert available_moves(talk.exchange(), VALLE) == ()
    assert refusal(talk, "Valle", Decline).startswith("This commune has answered already")


def test_a_late_acceptance_can_be_confirmed() -> None:
    talk = barter(answer_by=5_000)
    assert refusal(talk, "Montes", Accept).startswith("By proposing, this commune has accepted already")
    talk.say("Valle", Accept, at=6_000)
    assert available_moves(talk.exchange(), MONTES) == ("accept", "propose", "withdraw")
    assert refusal(talk, "Montes", Accept) == ""


def test_after_agreement_both_deliver_receive_dispute_and_cancel() -> None:
    talk = agreed()
    for commune in (MONTES, VALLE):
        assert available_moves(talk.exchange(), commune) == ("deliver", "receive", "dispute", "cancel")


def test_the_receiver_of_a_gift_delivers_nothing_and_its_giver_receives_nothing() -> None:
    talk = Talk()
    talk.propose("Montes", ("Montes", "Valle", "maíz", kg(1)))
    talk.say("Valle", Accept)
    assert available_moves(talk.exchange(), MONTES) == ("deliver", "dispute", "cancel")
    assert available_moves(talk.exchange(), VALLE) == ("receive", "dispute", "cancel")
    assert refusal(talk, "Valle", Deliver, transfer=0, quantity=kg(1)).startswith(
        "This commune gives nothing"
    )
    assert refusal(talk, "Montes", Receive, transfer=0, quantity=kg(1)).startswith(
        "This commune receives nothing"
    )


def test_a_cancel_can_be_taken_back_until_all_have_cancelled() -> None:
    talk = agreed()
    cancel = talk.say("Montes", Cancel)
    assert available_moves(talk.exchange(), MONTES) == ("withdraw", "deliver", "receive", "dispute")
    assert refusal(talk, "Montes", Withdraw, about=cancel) == ""
    assert refusal(talk, "Montes", Withdraw).startswith("What can be taken back is the commune's own")
    assert refusal(talk, "Valle", Withdraw, about=cancel).startswith("The exchange is agreed")
    assert refusal(talk, "Montes", Cancel).startswith("This commune has cancelled already")
    talk.say("Valle", Cancel)
    assert refusal(talk, "Montes", Withdraw, about=cancel).startswith("All parties cancelled")
    assert refusal(talk, "Montes", Cancel).startswith("All parties cancelled")


def test_a_dispute_is_settled_by_its_sides_while_it_stands() -> None:
    talk = Talk()
    ring = [("Montes", "Valle"), ("Valle", "Costa"), ("Costa", "Montes")]
    talk.propose("Montes", *((giver, receiver, "maíz", kg(1)) for giver, receiver in ring))
    for name in ("Valle", "Costa"):
        talk.say(name, Accept)
    assert refusal(talk, "Montes", Settle, outcome="due").startswith("No dispute of this commune stands open")
    dispute = talk.say("Valle", Dispute, transfer=gives(talk, "Montes"))
    other = talk.say("Valle", Dispute, transfer=gives(talk, "Valle"))
    assert "settle" in available_moves(talk.exchange(), MONTES)
    assert refusal(talk, "Montes", Settle, about=dispute, outcome="due") == ""
    assert refusal(talk, "Montes", Settle, about=other, outcome="due").startswith(
        "The dispute is about a transfer"
    )
    assert refusal(talk, "Montes", Settle, outcome="due").startswith("No such dispute")
    for name in ("Montes", "Valle"):
        talk.say(name, Settle, about=dispute, outcome="due")
    assert refusal(talk, "Montes", Settle, about=dispute, outcome="due").startswith(
        "No dispute of this commune"
    )
    assert refusal(talk, "Valle", Settle, about=dispute, outcome="due").startswith("No such dispute")


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        (Decline, "The proposal was declined"),
        (Withdraw, "The proposal was withdrawn"),
        (Propose, "The proposal was replaced"),
    ],
)
def test_nothing_can_be_done_with_a_proposal_that_is_over(kind: type[Record], sentence: str) -> None:
    talk = barter()
    name = "Montes" if kind is Withdraw else "Valle"
    fields: dict[str, Any] = (
        {"parties": talk.proposal.parties, "transfers": talk.proposal.transfers} if kind is Propose else {}
    )
    talk.say(name, kind, **fields)
    for commune in (MONTES, VALLE):
        assert available_moves(talk.exchange(), commune) == ()
    for other in (Accept, Decline, Withdraw, Cancel):
        assert refusal(talk, "Valle", other).startswith(sentence)
    assert refusal(talk, "Valle", Dispute).startswith(sentence)


def test_a_fulfilled_exchange_can_be_disputed_and_not_cancelled() -> None:
    talk = agreed()
    for name, other in (("Montes", "Valle"), ("Valle", "Montes")):
        number = gives(talk, name)
        quantity = talk.proposal.transfers[number].quantity
        talk.say(name, Deliver, transfer=number, quantity=quantity)
        talk.say(other, Receive, transfer=number, quantity=quantity)
    assert available_moves(talk.exchange(), MONTES) == ("dispute",)
    assert refusal(talk, "Montes", Cancel).startswith("The exchange is fulfilled")
    assert awaited(talk.exchange()) == ()


# What a record gets wrong -----------------------------------------------------------------------


def test_each_thing_that_can_be_wrong_has_its_sentence() -> None:
    talk = barter()
    mine = gives(talk, "Montes")
    assert refusal(talk, "Montes", Decline).startswith("This is the commune's own proposal")
    assert refusal(talk, "Valle", Withdraw).startswith("Only the commune that made the proposal")
    assert refusal(talk, "Costa", Accept).startswith("This commune is not a party")
    assert refusal(talk, "Montes", Deliver, transfer=mine, quantity=kg(1)).startswith("Not all parties")
    assert refusal(talk, "Valle", Cancel).startswith("Not all parties")
    assert refusal(talk, "Valle", Accept, about=EntryId(bytes(32))).startswith("The record names another")
    alone = tuple(sorted((MONTES, COSTA)))
    assert refusal(talk, "Valle", Propose, parties=alone, transfers=talk.proposal.transfers).startswith(
        "This commune is not among the parties"
    )
    assert (
        refusal(talk, "Valle", Propose, parties=talk.proposal.parties, transfers=talk.proposal.transfers)
        == ""
    )
    talk.say("Valle", Accept)
    assert refusal(talk, "Montes", Deliver, transfer=9, quantity=kg(1)).startswith(
        "The exchange has no transfer"
    )
    assert refusal(talk, "Montes", Receive, transfer=mine, quantity=kg(1)).startswith(
        "That is for the other side"
    )
    assert refusal(talk, "Montes", Deliver, transfer=mine).startswith("The quantity has to be given")
    assert refusal(talk, "Montes", Deliver, transfer=mine, quantity=Quantity(1, 0, "saco")).startswith(
        "The quantity"
    )
    assert refusal(talk, "Montes", Deliver, transfer=mine, quantity=kg(999)) == ""
    assert refusal(talk, "Montes", Dispute) == ""
    with pytest.raises(MoveRefused, match="says nothing about an exchange"):
        check_move(talk.exchange(), MONTES, Correct(at=1, note="n", target=talk.opening.id))


def test_a_transfer_of_others_is_not_disputed() -> None:
    talk = Talk()
    talk.propose("Montes", ("Montes", "Valle", "maíz", kg(1)), ("Montes", "Costa", "un día", None))
    for name in ("Valle", "Costa"):
        talk.say(name, Accept)
    for_valle = next(at for at, leg in enumerate(talk.exchange().legs) if leg.receiver == VALLE)
    assert refusal(talk, "Costa", Dispute, transfer=for_valle).startswith(
        "The transfer is between other parties"
    )
    assert refusal(talk, "Montes", Dispute, transfer=for_valle) == ""
    assert refusal(talk, "Montes", Deliver, transfer=1 - for_valle) == ""


# Who has to act ---------------------------------------------------------------------------------


def test_an_exchange_says_whose_word_it_waits_for() -> None:
    talk = barter(answer_by=5_000)
    assert awaited(talk.exchange()) == (Step(VALLE, "accept"),)
    talk.say("Valle", Accept, at=6_000)
    assert awaited(talk.exchange()) == (Step(MONTES, "accept"),)
    talk.say("Montes", Accept)
    mine, theirs = gives(talk, "Montes"), gives(talk, "Valle")
    assert set(awaited(talk.exchange())) == {Step(MONTES, "deliver", mine), Step(VALLE, "deliver", theirs)}
    talk.say("Montes", Deliver, transfer=mine, quantity=kg(40))
    assert set(awaited(talk.exchange())) == {
        Step(MONTES, "deliver", mine),
        Step(VALLE, "receive", mine),
        Step(VALLE, "deliver", theirs),
    }
    talk.say("Montes", Deliver, transfer=mine, quantity=kg(60))
    assert Step(MONTES, "deliver", mine) not in awaited(talk.exchange())
    talk.say("Valle", Receive, transfer=mine, quantity=kg(100))
    assert awaited(talk.exchange()) == (Step(VALLE, "deliver", theirs),)


def test_a_cancel_and_a_dispute_wait_for_the_others() -> None:
    talk = agreed()
    talk.say("Montes", Cancel)
    assert Step(VALLE, "cancel") in awaited(talk.exchange())
    dispute = talk.say("Valle", Dispute)
    steps = awaited(talk.exchange())
    assert {Step(MONTES, "settle"), Step(VALLE, "settle")} <= set(steps)
    talk.say("Montes", Settle, about=dispute, outcome="due")
    assert [step for step in awaited(talk.exchange()) if step.kind == "settle"] == [Step(VALLE, "settle")]
    talk.say("Valle", Settle, about=dispute, outcome="closed")
    assert {step.commune for step in awaited(talk.exchange()) if step.kind == "settle"} == {MONTES, VALLE}


def test_nothing_is_awaited_of_a_transfer_that_a_settled_dispute_closed() -> None:
    talk = agreed()
    dispute = talk.say("Valle", Dispute, transfer=gives(talk, "Montes"))
    for name in ("Montes", "Valle"):
        talk.say(name, Settle, about=dispute, outcome="closed")
    assert awaited(talk.exchange()) == (Step(VALLE, "deliver", gives(talk, "Valle")),)


# Together with the fold -------------------------------------------------------------------------


@given(talks(contested=False, deaf=False))
def test_what_is_checked_before_signing_is_never_refused_by_the_fold(talk: Talk) -> None:
    """Where a commune has heard everything, a move that may be signed has an effect for everybody."""
    for number, move in enumerate(talk.moves[1:], start=1):
        before = talk.exchange(talk.moves[:number])
        after = talk.exchange(talk.moves[: number + 1])
        refused = _refused(before, move.commune, move.record)
        if refused is not None:
            assert re.fullmatch(r"[A-Z][^:]*: .*\.", refused)
            continue
        assert move.id not in {item.id for item in after.refused}
        # A second short arrival of what cannot be counted adds nothing to what the first one said.
        assert after != before or isinstance(move.record, Receive)
        # To say of more than was agreed that it was handed over is allowed, and nothing to be suggested.
        handed = isinstance(move.record, Deliver | Receive)
        assert handed or move.record.kind in available_moves(before, move.commune)


@given(talks())
def test_who_is_awaited_can_act(talk: Talk) -> None:
    exchange = talk.exchange()
    for step in awaited(exchange):
        assert step.kind in available_moves(exchange, step.commune)
    assert exchange.state is not State.PROPOSED or awaited(exchange)
    assert available_moves(exchange, commune_id("Llano")) == ()
    for party in exchange.proposal.parties:
        assert set(available_moves(exchange, CommuneId(party))) <= MOVES.keys()
