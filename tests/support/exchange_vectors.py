"""The vectors of exchanges: what was said, and the state that it amounts to.

`example` is whole: logs of fixed keys, entry by entry. `stories` begin where the
fold does: moves with their writers, their order, and whose moves the writers
had seen; entry ids and communes are hashes of names there, not of entries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from ledger.exchange import Exchange, Move, fold
from ledger.kinds import (
    Accept,
    Cancel,
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
from ledger.records import Malformed, Uninterpreted, parse, to_payload

from .communes import NETWORK, Writer, found, history_of
from .talks import Talk, commune_id, kg, transfers_of

MAIZE: Final = ("Montes", "Valle", "maíz", kg(100))
NAILS: Final = ("Valle", "Montes", "clavos", kg(20))
RING: Final = (MAIZE, ("Valle", "Costa", "clavos", kg(20)), ("Costa", "Montes", "un día de trabajo", None))


_FIGURES: Final = ("agreed", "given", "got", "due", "done", "closed", "short", "damaged")


def described(exchange: Exchange) -> dict[str, Any]:
    """The state of an exchange as the vectors write it: ids as hex digits, amounts in millionths."""
    return {
        "form": exchange.form,
        "state": exchange.state,
        "answers": [
            {"commune": answer.commune.hex(), "kind": answer.kind, "id": answer.id.hex(), "late": answer.late}
            for answer in exchange.answers
        ],
        "wanting": [commune.hex() for commune in exchange.wanting],
        "transfers": [
            {name: getattr(leg, name) for name in _FIGURES} for leg in exchange.legs
        ],
        "disputes": [
            {
                "id": quarrel.id.hex(),
                "outcome": quarrel.outcome,
                "words": [{"commune": word.commune.hex(), "said": word.said} for word in quarrel.words],
            }
            for quarrel in exchange.quarrels
        ],
        "cancelling": [commune.hex() for commune in exchange.cancelling],
        "replaced_by": None if exchange.replaced_by is None else exchange.replaced_by.hex(),
        "contested": exchange.contested,
        "refused": [{"id": item.id.hex(), "code": item.code} for item in exchange.refused],
    }  # fmt: skip


# The example ------------------------------------------------------------------------------------


def example() -> tuple[Writer, Writer, EntryId]:
    """Los Montes and El Valle barter maize for nails: proposed, accepted, half of it handed over."""
    montes, valle = found("Los Montes"), found("El Valle")
    montes.clock = valle.clock = 1_767_225_600_000
    trade = montes.propose(
        (montes, valle, "maíz blanco", kg(100)), (valle, montes, "clavos de 2 pulgadas", kg(20)), seen=[valle]
    )
    valle.say(Accept, exchange=trade, seen=[montes])
    parties = sorted((montes.commune, valle.commune))
    maize = next(
        at for at, leg in enumerate(_proposal(montes).transfers) if parties[leg.giver] == montes.commune
    )
    montes.say(Deliver, exchange=trade, transfer=maize, quantity=kg(100), seen=[valle])
    valle.say(Receive, exchange=trade, transfer=maize, quantity=kg(96), condition="short", seen=[montes])
    return montes, valle, trade


def _proposal(writer: Writer) -> Propose:
    record = parse(writer.payloads[-1])
    assert isinstance(record, Propose)
    return record


def _log(writer: Writer) -> dict[str, Any]:
    return {
        "name": writer.name,
        "log": writer.log.hex(),
        "commune": writer.commune.hex(),
        "entries": [
            {"index": index, "id": leaf.hex(), "payload": payload.hex()}
            for index, (leaf, payload) in enumerate(zip(writer.leaves, writer.payloads, strict=True))
        ],
    }


# Stories ----------------------------------------------------------------------------------------

_STORIES: Final[dict[str, Callable[[], Talk]]] = {}


def _story(tell: Callable[[Talk], None]) -> Callable[[Talk], None]:
    def talk() -> Talk:
        told = Talk()
        tell(told)
        return told

    _STORIES[tell.__name__.strip("_").replace("_", " ")] = talk
    return tell


def _agreed(talk: Talk, *asked: Any, **fields: Any) -> None:
    talk.propose("Montes", *(asked or (MAIZE, NAILS)), **fields)
    for party in talk.proposal.parties:
        if party != commune_id("Montes"):
            talk.say("Valle" if party == commune_id("Valle") else "Costa", Accept)


def _place(talk: Talk, giver: str) -> int:
    return next(at for at, leg in enumerate(talk.exchange().legs) if leg.giver == commune_id(giver))


def _counter(talk: Talk, name: str, **context: Any) -> EntryId:
    parties = talk.proposal.parties
    legs = transfers_of(parties, ("Montes", "Valle", "maíz", kg(80)))
    return talk.say(name, Propose, parties=parties, transfers=legs, **context)


@_story
def _an_acceptance_that_crosses_with_the_withdrawal_stands(talk: Talk) -> None:
    talk.propose("Montes", MAIZE, NAILS)
    talk.listen("Valle")
    talk.say("Montes", Withdraw)
    talk.say("Valle", Accept, deaf=["Montes"])


@_story
def _an_acceptance_that_had_seen_the_withdrawal_does_not_stand(talk: Talk) -> None:
    talk.propose("Montes", *RING)
    talk.say("Valle", Accept)
    talk.say("Montes", Withdraw)
    talk.say("Costa", Accept)


@_story
def _a_withdrawal_that_had_seen_all_acceptances_does_not_stand(talk: Talk) -> None:
    _agreed(talk)
    talk.say("Montes", Withdraw)


@_story
def _a_decline_and_a_withdrawal_that_cross_are_a_decline(talk: Talk) -> None:
    talk.propose("Montes", MAIZE)
    talk.listen("Valle")
    talk.say("Montes", Withdraw)
    talk.say("Valle", Decline, deaf=["Montes"])


@_story
def _a_counter_offer_replaces_and_the_first_answer_counts(talk: Talk) -> None:
    talk.propose("Montes", MAIZE, NAILS)
    _counter(talk, "Valle")
    talk.say("Valle", Accept)


@_story
def _a_replacement_that_crosses_with_the_acceptance_replaces_nothing(talk: Talk) -> None:
    talk.propose("Montes", MAIZE, NAILS)
    talk.say("Valle", Accept)
    _counter(talk, "Montes", deaf=["Valle"])


@_story
def _a_late_acceptance_waits(talk: Talk) -> None:
    talk.propose("Montes", MAIZE, answer_by=5_000)
    talk.say("Valle", Accept, at=5_001)
    talk.say("Montes", Accept, deaf=["Valle"])


@_story
def _a_late_acceptance_is_confirmed(talk: Talk) -> None:
    talk.propose("Montes", MAIZE, answer_by=5_000)
    talk.say("Valle", Accept, at=5_001)
    talk.say("Montes", Accept)
    talk.say("Montes", Deliver, transfer=0, quantity=kg(100))
    talk.say("Valle", Receive, transfer=0, quantity=kg(100), deaf=["Montes"])


@_story
def _a_withdrawal_is_not_undone_by_a_later_confirmation(talk: Talk) -> None:
    talk.propose("Montes", MAIZE, answer_by=5_000)
    talk.say("Valle", Accept, at=5_001)
    talk.say("Montes", Withdraw)
    talk.say("Montes", Accept)


@_story
def _a_contested_no_gives_way_to_a_later_yes(talk: Talk) -> None:
    talk.propose("Montes", MAIZE)
    talk.say("Valle", Accept, contested=True, order=(0, 10))
    talk.say("Valle", Decline, contested=True, order=(0, 7))
    talk.say("Valle", Decline, order=(1, 1))


@_story
def _a_firm_no_is_not_undone_by_a_fork_that_accepts(talk: Talk) -> None:
    talk.propose("Montes", MAIZE)
    talk.say("Valle", Decline, order=(0, 3))
    talk.say("Valle", Accept, contested=True, order=(0, 7))


@_story
def _a_ring_in_parts_with_more_than_agreed_and_another_unit(talk: Talk) -> None:
    _agreed(talk, *RING)
    for giver, receiver, amounts in (("Montes", "Valle", (60, 70)), ("Valle", "Costa", (20,))):
        place = _place(talk, giver)
        for amount in amounts:
            talk.say(giver, Deliver, transfer=place, quantity=kg(amount))
            talk.say(receiver, Receive, transfer=place, quantity=kg(amount))
    talk.say("Montes", Deliver, transfer=_place(talk, "Montes"), quantity=Quantity(2, 0, "saco"))
    talk.say("Costa", Deliver, transfer=_place(talk, "Costa"))
    talk.say("Montes", Receive, transfer=_place(talk, "Costa"), condition="short")


@_story
def _a_delivery_by_one_who_had_not_seen_all_agree_says_nothing(talk: Talk) -> None:
    talk.propose("Montes", *RING)
    talk.say("Valle", Accept)
    talk.say("Costa", Accept, deaf=["Valle"])
    talk.say("Costa", Deliver, transfer=_place(talk, "Costa"), deaf=["Valle"])
    talk.say("Costa", Deliver, transfer=_place(talk, "Costa"))


@_story
def _a_transfer_is_closed_by_a_dispute_settled_so(talk: Talk) -> None:
    _agreed(talk)
    place = _place(talk, "Montes")
    talk.say("Valle", Receive, transfer=place, quantity=kg(60), condition="damaged")
    dispute = talk.say("Valle", Dispute, transfer=place)
    for name, outcome in (("Montes", "closed"), ("Valle", "due"), ("Valle", "closed")):
        talk.say(name, Settle, about=dispute, outcome=outcome)
    talk.say("Montes", Settle, about=dispute, outcome="due")


@_story
def _an_outcome_taken_back_cannot_be_taken_up(talk: Talk) -> None:
    _agreed(talk)
    dispute = talk.say("Valle", Dispute)
    for name, outcome in (("Valle", "closed"), ("Montes", "due"), ("Valle", "due"), ("Montes", "closed")):
        talk.say(name, Settle, about=dispute, outcome=outcome)


@_story
def _words_that_cross_over_leave_a_dispute_open(talk: Talk) -> None:
    _agreed(talk)
    dispute = talk.say("Valle", Dispute)
    talk.say("Valle", Settle, about=dispute, outcome="closed")
    talk.say("Montes", Settle, about=dispute, outcome="due")
    talk.listen("Valle")
    talk.say("Valle", Settle, about=dispute, outcome="due", deaf=["Montes"])
    talk.say("Montes", Settle, about=dispute, outcome="closed", deaf=["Valle"])


@_story
def _a_contested_exchange_is_closed_by_settling_the_whole(talk: Talk) -> None:
    _agreed(talk)
    talk.say("Valle", Receive, transfer=_place(talk, "Montes"), quantity=kg(60), contested=True)
    dispute = talk.say("Montes", Dispute)
    for name in ("Montes", "Valle"):
        talk.say(name, Settle, about=dispute, outcome="due")


@_story
def _all_cancel_after_a_part_was_received(talk: Talk) -> None:
    _agreed(talk)
    talk.say("Valle", Receive, transfer=_place(talk, "Montes"), quantity=kg(60))
    for name in ("Montes", "Valle"):
        talk.say(name, Cancel)


@_story
def _a_cancel_taken_back_stands_if_it_was_answered_first(talk: Talk) -> None:
    _agreed(talk)
    cancel = talk.say("Montes", Cancel)
    talk.listen("Valle")
    talk.say("Montes", Withdraw, about=cancel)
    talk.say("Valle", Cancel, deaf=["Montes"])


@_story
def _a_cancel_taken_back_before_anybody_heard_of_it_does_not_stand(talk: Talk) -> None:
    _agreed(talk)
    cancel = talk.say("Montes", Cancel)
    talk.say("Montes", Withdraw, about=cancel)
    talk.say("Valle", Cancel, deaf=["Montes"])


@_story
def _cancels_that_cross_stay_once_one_knew_of_both(talk: Talk) -> None:
    _agreed(talk)
    talk.listen("Montes")
    cancel = talk.say("Montes", Cancel, deaf=["Valle"])
    talk.say("Valle", Cancel, deaf=["Montes"])
    talk.say("Montes", Withdraw, about=cancel)


@_story
def _what_names_the_wrong_thing_or_comes_from_a_stranger_says_nothing(talk: Talk) -> None:
    _agreed(talk)
    dispute = talk.say("Montes", Dispute)
    talk.say("Valle", Decline, about=dispute)
    talk.say("Costa", Settle, about=dispute, outcome="closed")
    talk.say("Costa", Accept)
    talk.say("Montes", Receive, transfer=_place(talk, "Montes"), quantity=kg(100))
    talk.say("Montes", Dispute, transfer=5)


@_story
def _a_late_word_after_all_cancelled(talk: Talk) -> None:
    _agreed(talk)
    cancel = talk.say("Montes", Cancel)
    talk.say("Valle", Cancel)
    talk.say("Montes", Withdraw, about=cancel)


@_story
def _a_gift_is_fulfilled(talk: Talk) -> None:
    _agreed(talk, MAIZE)
    talk.say("Valle", Receive, transfer=0, quantity=kg(100))
    talk.say("Montes", Deliver, transfer=0, quantity=kg(130))


@_story
def _the_whole_is_closed(talk: Talk) -> None:
    _agreed(talk)
    dispute = talk.say("Valle", Dispute)
    for name in ("Montes", "Valle"):
        talk.say(name, Settle, about=dispute, outcome="closed")


@_story
def _what_comes_before_its_time_says_nothing(talk: Talk) -> None:
    talk.propose("Montes", MAIZE)
    talk.say("Valle", Accept, deaf=["Montes"])
    dispute = talk.say("Valle", Dispute)
    cancel = talk.say("Valle", Cancel)
    talk.say("Valle", Accept)
    talk.say("Montes", Settle, about=dispute, outcome="due")
    talk.say("Valle", Withdraw, about=cancel)


def _told(name: str, talk: Talk) -> dict[str, Any]:
    moves = [
        {
            "id": move.id.hex(),
            "commune": move.commune.hex(),
            "order": list(move.order[:2]),
            "contested": move.contested,
            "had_seen": [
                other.id.hex()
                for other in talk.moves
                if other.commune != move.commune and other.id in talk.heard[move.id]
            ],
            "payload": to_payload(move.record).hex(),
        }
        for move in talk.moves
    ]
    return {"name": name, "moves": moves, "exchange": described(talk.exchange())}


def exchange_vectors() -> dict[str, Any]:
    """Everything in tests/vectors/exchange.json."""
    montes, valle, trade = example()
    folded = history_of(montes, valle).exchange(trade)
    assert folded is not None
    return {
        "example": {
            "network": NETWORK,
            "logs": [_log(montes), _log(valle)],
            "id": trade.hex(),
            "exchange": described(folded),
        },
        "stories": [_told(name, talk()) for name, talk in _STORIES.items()],
    }


def folded_from(story: dict[str, Any]) -> Exchange:
    """Fold a story as a reader of the vectors would: its first move is the proposal."""
    seen = {move["id"]: set(move["had_seen"]) for move in story["moves"]}
    moves = [
        Move(
            EntryId(bytes.fromhex(move["id"])),
            commune_of(move),
            (*move["order"], bytes.fromhex(move["id"])),
            _record(move["payload"]),
            move["contested"],
            0,
        )
        for move in story["moves"]
    ]
    return fold(moves[0], moves, lambda move, other: other.id.hex() in seen[move.id.hex()])


def _record(payload: str) -> Record:
    record = parse(bytes.fromhex(payload))
    assert not isinstance(record, Malformed | Uninterpreted)
    return record


def commune_of(move: dict[str, Any]) -> Any:
    """The commune that a move of the vectors is of."""
    return bytes.fromhex(move["commune"])


# The parts of the page --------------------------------------------------------------------------


def example_lines() -> Iterator[str]:
    """The example at the head of docs/spec/exchange.md, from the logs themselves."""
    montes, valle, _ = example()
    for writer in (montes, valle):
        yield f"{writer.name}, the commune {writer.commune.hex()},"
        yield f"in the log {writer.log.hex()}:"
        yield ""
        for index in range(1, writer.size):
            record = parse(writer.payloads[index])
            assert not isinstance(record, Malformed)
            yield f"    entry {index}: {record.kind}, id {writer.leaves[index].hex()}"
            digits = writer.payloads[index].hex()
            yield from (f"      {digits[at : at + 80]}" for at in range(0, len(digits), 80))
        yield ""
