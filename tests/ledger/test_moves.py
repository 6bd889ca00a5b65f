"""The table of moves: who may say what, and what says nothing at all."""

from __future__ import annotations

from typing import Any, get_args

import msgspec
import pytest

from ledger.exchange import MOVES, State, is_proposal, millionths
from ledger.kinds import (
    KINDS,
    Accept,
    Cancel,
    Correct,
    Decline,
    Deliver,
    Dispute,
    Need,
    Offer,
    Propose,
    Quantity,
    Receive,
    Record,
    Settle,
    Withdraw,
)
from ledger.log import EntryId
from ledger.moves import REASONS, Names, Once, Who, named_by
from tests.support.talks import Talk, commune_id, kg


def agreed() -> Talk:
    """Los Montes gives maize to El Valle, which gives nails back (transfers 0 and 1, in this order)."""
    talk = Talk()
    talk.propose("Montes", ("Montes", "Valle", "maíz", kg(100)), ("Valle", "Montes", "clavos", kg(20)))
    talk.say("Valle", Accept)
    return talk


def test_every_kind_of_the_table_is_a_kind_of_record_that_names_something() -> None:
    for kind, rules in MOVES.items():
        assert KINDS[kind] in get_args(Record)
        assert rules
        assert len({rule.once for rule in rules if rule.names is rules[0].names}) == 1
        assert len({(rule.names, rule.who) for rule in rules}) == len(rules)


def test_only_records_of_the_table_name_a_move() -> None:
    moves = {kind for kind, struct in KINDS.items() if kind in MOVES}
    for kind, struct in KINDS.items():
        record = msgspec.convert(_example(struct), struct)
        assert (named_by(record) is not None) == (kind in moves)


def _example(struct: type[msgspec.Struct]) -> dict[str, object]:
    """A record of a kind with every hash set; texts and numbers are the least that fit."""
    signer = {"keys": [bytes(32)], "threshold": 1}
    values: dict[str, object] = {
        "at": 0, "authority": bytes(32), "category": "c", "commune": bytes(32), "dispute": bytes(32),
        "exchange": bytes(32), "kind": struct.__name__.lower(), "log": bytes(32), "name": "n", "network": "n",
        "note": "n", "outcome": "due", "parties": [bytes(32), bytes(32)], "previous": [bytes(32)],
        "replaces": bytes(32), "target": bytes(32), "title": "t", "transfer": 0,
        "transfers": [{"from": 0, "to": 1, "title": "t"}],
    }  # fmt: skip
    if struct.__name__ in ("Charter", "AuthorityChange"):
        values["authority"] = signer
    if struct.__name__ == "AuthorityChange":
        values["kind"] = "authority"
    if struct.__name__ == "Succession":
        values["previous"] = [[bytes(32), 0, bytes(32)]]
    if struct.__name__ in ("Offer", "Need"):
        del values["replaces"]
    return {key: value for key, value in values.items() if key in struct.__struct_fields__}


def test_a_stranger_can_do_nothing() -> None:
    talk = agreed()
    dispute = talk.say("Montes", Dispute)
    cancel = talk.say("Montes", Cancel)
    before = talk.exchange()
    said = [
        talk.say("Costa", Accept),
        talk.say("Costa", Decline),
        talk.say("Costa", Withdraw),
        talk.say("Costa", Propose, parties=before.proposal.parties, transfers=before.proposal.transfers),
        talk.say("Costa", Deliver, transfer=0, quantity=kg(100)),
        talk.say("Costa", Receive, transfer=0, quantity=kg(100)),
        talk.say("Costa", Dispute),
        talk.say("Costa", Cancel),
        talk.say("Costa", Settle, about=dispute, outcome="closed"),
        talk.say("Costa", Withdraw, about=cancel),
    ]
    after = talk.exchange()
    assert msgspec.structs.replace(after, refused=()) == before
    assert {item.id: item.code for item in after.refused} == dict.fromkeys(said, "stranger")


@pytest.mark.parametrize(
    ("name", "kind", "transfer"),
    [("Valle", Deliver, 0), ("Montes", Deliver, 1), ("Montes", Receive, 0), ("Valle", Receive, 1)],
)
def test_nobody_speaks_for_the_other_side_of_a_transfer(name: str, kind: type[Record], transfer: int) -> None:
    talk = agreed()
    said = talk.say(name, kind, transfer=_of(talk, transfer), quantity=kg(1))
    assert talk.refusal(said) == "not-yours"


def _of(talk: Talk, number: int) -> int:
    """The number of the transfer that Los Montes (0) or El Valle (1) gives."""
    giver = commune_id(("Montes", "Valle")[number])
    return next(at for at, leg in enumerate(talk.exchange().legs) if leg.giver == giver)


@pytest.mark.parametrize("kind", [Deliver, Receive, Dispute])
def test_a_transfer_that_the_proposal_does_not_have_cannot_be_spoken_of(kind: type[Record]) -> None:
    talk = agreed()
    said = talk.say("Montes", kind, transfer=2)
    assert talk.refusal(said) == "no-such-transfer"


@pytest.mark.parametrize("kind", [Deliver, Receive, Dispute, Cancel])
def test_nothing_is_delivered_received_disputed_or_cancelled_before_all_have_agreed(
    kind: type[Record],
) -> None:
    talk = Talk()
    talk.propose("Montes", ("Montes", "Valle", "maíz", kg(100)))
    name = "Montes" if kind is Deliver else "Valle"
    fields: dict[str, Any] = {} if kind is Cancel else {"transfer": 0}
    if kind in (Deliver, Receive):
        fields["quantity"] = kg(100)
    early = talk.say(name, kind, **fields)
    talk.say("Valle", Accept)
    assert talk.refusal(early) == "not-agreed"
    assert talk.exchange().state is State.AGREED


def test_an_answer_that_names_a_dispute_or_a_cancel_is_no_answer() -> None:
    talk = agreed()
    before = talk.exchange()
    named = [talk.say("Montes", Dispute), talk.say("Montes", Cancel)]
    for target in named:
        for kind, fields in (
            (Accept, {}),
            (Decline, {}),
            (Deliver, {"transfer": 0, "quantity": kg(1)}),
            (Dispute, {}),
            (Cancel, {}),
        ):
            said = talk.say("Valle", kind, about=target, **fields)
            assert talk.refusal(said) == "misdirected"
    assert talk.exchange().answers == before.answers


def test_a_withdraw_takes_back_no_dispute_and_a_settle_settles_no_cancel() -> None:
    talk = agreed()
    dispute = talk.say("Montes", Dispute)
    cancel = talk.say("Montes", Cancel)
    assert talk.refusal(talk.say("Montes", Withdraw, about=dispute)) == "misdirected"
    assert talk.refusal(talk.say("Montes", Settle, about=cancel, outcome="due")) == "misdirected"
    assert talk.refusal(talk.say("Montes", Settle, about=talk.opening.id, outcome="due")) == "misdirected"


def test_what_is_about_something_else_is_passed_over() -> None:
    talk = agreed()
    before = talk.exchange()
    elsewhere = EntryId(bytes(32))
    talk.say("Valle", Decline, about=elsewhere)
    talk.say("Valle", Settle, about=elsewhere, outcome="due")
    talk.say(
        "Valle",
        Propose,
        about=elsewhere,
        parties=before.proposal.parties,
        transfers=before.proposal.transfers,
    )
    talk.add("Montes", Correct(at=1, note="fue otro día", target=talk.opening.id))
    talk.add("Montes", Offer(at=1, category="c", title="t", replaces=talk.opening.id))
    talk.add("Montes", Need(at=1, category="c", title="t"))
    assert talk.exchange() == before


def test_an_entry_that_is_given_twice_counts_once_and_as_the_firmer_of_the_two() -> None:
    talk = agreed()
    delivery = talk.say("Montes", Deliver, transfer=_of(talk, 0), quantity=kg(60))
    copy = talk.move(delivery)._replace(contested=True, place=99)
    exchange = talk.exchange([copy, *talk.moves, copy])
    assert exchange == talk.exchange()
    assert not exchange.contested


def test_a_proposal_is_made_by_one_of_its_parties() -> None:
    talk = agreed()
    assert is_proposal(talk.opening)
    assert not is_proposal(talk.opening._replace(commune=commune_id("Costa")))
    assert not is_proposal(talk.moves[1])


@pytest.mark.parametrize(
    ("quantity", "expected"),
    [(Quantity(1, 0, "kg"), 1_000_000), (Quantity(25, 1, "kg"), 2_500_000), (Quantity(1, 6, "kg"), 1)],
)
def test_quantities_are_counted_in_millionths(quantity: Quantity, expected: int) -> None:
    assert millionths(quantity) == expected


def test_all_that_the_table_can_ask_is_asked_somewhere() -> None:
    rules = [rule for rules in MOVES.values() for rule in rules]
    assert {rule.who for rule in rules} == set(Who)
    assert {rule.once for rule in rules} == set(Once)
    assert {rule.names for rule in rules} == set(Names)


def test_every_reason_is_a_sentence() -> None:
    assert all(reason.endswith(".") and reason[0].isupper() for reason in REASONS.values())
