"""The pass for ordinary exchanges says what the fold says, or nothing."""

from __future__ import annotations

from hypothesis import given

from ledger import ordinary
from ledger.exchange import State
from ledger.kinds import Accept, Deliver, Receive
from tests.ledger.test_exchange import talks
from tests.support.talks import Talk, kg


@given(talks())
def test_it_gives_what_the_fold_gives_or_none(talk: Talk) -> None:
    about = [
        move
        for move in talk.moves[1:]
        if not isinstance(move.record, Accept | Deliver | Receive) or move.record.exchange == talk.opening.id
    ]
    for length in range(len(about) + 1):
        quick = ordinary.fold(talk.opening, about[:length], talk.saw)
        if quick is not None:
            assert quick == talk.exchange(about[:length])


def test_an_exchange_from_proposal_to_fulfilment_is_ordinary() -> None:
    talk = Talk()
    talk.propose("Montes", ("Montes", "Valle", "maíz", kg(100)), ("Valle", "Montes", "un día", None))
    mine = next(at for at, transfer in enumerate(talk.proposal.transfers) if transfer.quantity)
    talk.say("Valle", Accept)
    talk.say("Montes", Deliver, transfer=mine, quantity=kg(100))
    talk.say("Valle", Receive, transfer=mine, quantity=kg(60), condition="short")
    talk.say("Valle", Receive, transfer=mine, quantity=kg(40), condition="damaged")
    talk.say("Valle", Deliver, transfer=1 - mine)
    talk.say("Montes", Receive, transfer=1 - mine)
    for length in range(1, len(talk.moves) + 1):
        quick = ordinary.fold(talk.opening, talk.moves[1:length], talk.saw)
        assert quick == talk.exchange(talk.moves[:length])
    assert talk.exchange().state is State.FULFILLED
