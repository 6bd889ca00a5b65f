"""The life of an exchange after agreement, as stories; and what holds for every set of moves."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.exchange import TERMINAL, Exchange, Form, Move, State, fold
from ledger.kinds import (
    Accept,
    Cancel,
    Decline,
    Deliver,
    Dispute,
    Propose,
    Quantity,
    Receive,
    Settle,
    Withdraw,
)
from ledger.limits import MAX_NUMBER
from ledger.log import EntryId
from ledger.moves import REASONS
from tests.support.talks import Asked, Talk, commune_id, kg

MAIZE = ("Montes", "Valle", "maíz", kg(100))
NAILS = ("Valle", "Montes", "clavos", kg(20))


def agreed(*asked: Asked) -> Talk:
    talk = Talk()
    talk.propose(asked[0][0], *asked)
    for name in dict.fromkeys(side for giver, receiver, *_ in asked for side in (giver, receiver)):
        if name != asked[0][0]:
            talk.say(name, Accept)
    return talk


def hand_over(talk: Talk, number: int, quantity: Quantity | None) -> None:
    """Both sides say that a quantity of a transfer was handed over."""
    leg = talk.exchange().legs[number]
    names = {commune_id(name): name for name in ("Montes", "Valle", "Costa", "Llano")}
    talk.say(names[leg.giver], Deliver, transfer=number, quantity=quantity)
    talk.say(names[leg.receiver], Receive, transfer=number, quantity=quantity)


# Life cycles ------------------------------------------------------------------------------------


def test_the_whole_life_of_a_barter_between_two() -> None:
    talk = Talk()
    talk.propose("Montes", MAIZE, NAILS)
    assert talk.exchange().state is State.PROPOSED
    talk.say("Valle", Accept)
    assert talk.exchange().state is State.AGREED
    hand_over(talk, 0, kg(100))
    exchange = talk.exchange()
    assert exchange.state is State.AGREED
    assert [leg.done for leg in exchange.legs] == [True, False]
    hand_over(talk, 1, kg(20))
    exchange = talk.exchange()
    assert exchange.state is State.FULFILLED
    assert exchange.form is Form.BARTER
    assert exchange.refused == ()
    assert not exchange.contested


def test_a_gift_has_nothing_in_return() -> None:
    talk = agreed(MAIZE)
    assert talk.exchange().form is Form.GIFT
    hand_over(talk, 0, kg(100))
    assert talk.exchange().state is State.FULFILLED


def test_gifts_of_several_to_one_are_a_gift() -> None:
    talk = agreed(MAIZE, ("Costa", "Valle", "sal", kg(5)))
    assert talk.exchange().form is Form.GIFT


@pytest.mark.parametrize("names", [("Montes", "Valle", "Costa"), ("Montes", "Valle", "Costa", "Llano")])
def test_a_ring_is_fulfilled_when_everybody_gave_and_got(names: tuple[str, ...]) -> None:
    ring = [(name, names[(at + 1) % len(names)], "maíz", kg(10)) for at, name in enumerate(names)]
    talk = agreed(*ring)
    assert talk.exchange().form is Form.RING
    for number in range(len(names)):
        assert talk.exchange().state is State.AGREED
        hand_over(talk, number, kg(10))
    assert talk.exchange().state is State.FULFILLED


# Deliveries and receipts ------------------------------------------------------------------------


def test_partial_deliveries_add_up_in_whatever_order_they_are_said() -> None:
    talk = agreed(MAIZE)
    talk.say("Valle", Receive, transfer=0, quantity=Quantity(605, 1, "kg"))
    talk.say("Montes", Deliver, transfer=0, quantity=kg(40))
    talk.say("Montes", Deliver, transfer=0, quantity=kg(60))
    leg = talk.exchange().legs[0]
    assert (leg.given, leg.got, leg.due, leg.done) == (100_000_000, 60_500_000, 39_500_000, False)
    talk.say("Valle", Receive, transfer=0, quantity=Quantity(395, 1, "kg"))
    assert talk.exchange().state is State.FULFILLED


def test_one_sides_word_is_shown_as_that() -> None:
    talk = agreed(MAIZE)
    talk.say("Montes", Deliver, transfer=0, quantity=kg(100))
    leg = talk.exchange().legs[0]
    assert not leg.done
    assert leg.disagreement == 100_000_000
    assert leg.due == 100_000_000

    talk = agreed(MAIZE)
    talk.say("Valle", Receive, transfer=0, quantity=kg(100))
    leg = talk.exchange().legs[0]
    assert not leg.done
    assert leg.disagreement == -100_000_000
    assert leg.due == 0


def test_more_than_agreed_is_shown_and_never_credited() -> None:
    talk = agreed(MAIZE, NAILS)
    hand_over(talk, 0, kg(130))
    exchange = talk.exchange()
    assert exchange.legs[0].got == 130_000_000
    assert exchange.legs[0].due == 0
    assert exchange.legs[1].due == 20_000_000
    assert exchange.state is State.AGREED


def test_what_arrived_short_leaves_the_rest_due() -> None:
    talk = agreed(MAIZE)
    talk.say("Montes", Deliver, transfer=0, quantity=kg(100))
    talk.say("Valle", Receive, transfer=0, quantity=kg(80), condition="short")
    assert talk.exchange().legs[0].due == 20_000_000
    talk.say("Valle", Receive, transfer=0, quantity=kg(20))
    assert talk.exchange().state is State.FULFILLED


def test_what_arrived_damaged_has_arrived_and_is_marked() -> None:
    talk = agreed(MAIZE)
    talk.say("Montes", Deliver, transfer=0, quantity=kg(100))
    talk.say("Valle", Receive, transfer=0, quantity=kg(30), condition="damaged")
    talk.say("Valle", Receive, transfer=0, quantity=kg(70))
    exchange = talk.exchange()
    assert exchange.state is State.FULFILLED
    assert exchange.legs[0].damaged


def test_without_a_quantity_one_of_each_is_enough_and_a_short_one_is_not() -> None:
    talk = agreed(("Montes", "Valle", "una jornada de trabajo", None))
    talk.say("Montes", Deliver, transfer=0)
    talk.say("Valle", Receive, transfer=0, condition="short")
    leg = talk.exchange().legs[0]
    assert (leg.agreed, leg.given, leg.got, leg.due) == (1, 1, 0, 1)
    assert leg.short
    talk.say("Valle", Receive, transfer=0, quantity=kg(3))
    assert talk.exchange().state is State.FULFILLED


@pytest.mark.parametrize("quantity", [None, Quantity(100, 0, "saco")])
def test_another_unit_or_none_says_nothing_about_a_quantity(quantity: Quantity | None) -> None:
    talk = agreed(MAIZE)
    said = [
        talk.say("Montes", Deliver, transfer=0, quantity=quantity),
        talk.say("Valle", Receive, transfer=0, quantity=quantity, condition="short"),
    ]
    assert (talk.exchange().legs[0].given, talk.exchange().legs[0].got) == (0, 0)
    assert [talk.refusal(entry) for entry in said] == ["other-unit"] * 2


def test_the_largest_quantities_add_up_exactly() -> None:
    talk = agreed(MAIZE)
    for _ in range(20):
        talk.say("Montes", Deliver, transfer=0, quantity=kg(MAX_NUMBER))
    assert talk.exchange().legs[0].given == 20 * MAX_NUMBER * 1_000_000


# Marks ------------------------------------------------------------------------------------------


def test_a_contested_proposal_makes_a_contested_exchange() -> None:
    talk = agreed(MAIZE)
    opening = talk.opening._replace(contested=True)
    assert fold(opening, talk.moves, talk.saw).contested


def test_a_contested_move_counts_like_another_and_marks_the_exchange() -> None:
    talk = agreed(MAIZE)
    talk.say("Montes", Deliver, transfer=0, quantity=kg(100))
    talk.say("Valle", Receive, transfer=0, quantity=kg(100), contested=True)
    exchange = talk.exchange()
    assert exchange.state is State.FULFILLED
    assert exchange.contested


def test_a_contested_move_without_effect_marks_nothing() -> None:
    talk = agreed(MAIZE)
    talk.say("Costa", Deliver, transfer=0, quantity=kg(100), contested=True)
    talk.say("Valle", Receive, transfer=0, quantity=Quantity(1, 0, "saco"), contested=True)
    assert not talk.exchange().contested


def test_a_record_that_this_version_cannot_interpret_is_said_to_need_a_newer_one() -> None:
    talk = agreed(MAIZE)
    assert not talk.exchange().newer
    assert talk.exchange(newer=True).newer


# What holds for every set of moves --------------------------------------------------------------

NAMES = ("Montes", "Valle", "Costa", "Llano")
"""Los Montes, El Valle and La Costa are parties; El Llano is a stranger."""

ANSWERING = (Accept, Decline, Withdraw, Propose)
ACTING = (Deliver, Receive, Dispute, Settle, Cancel, Withdraw)
THEMES: tuple[tuple[type, ...], ...] = (
    ANSWERING,
    ANSWERING + ACTING,
    ACTING,
    (Deliver, Receive),
    (Dispute, Settle, Settle, Settle, Settle),
    (Cancel, Cancel, Withdraw),
)

CHOICES = st.tuples(*(st.integers(0, 11) for _ in range(4)))
"""Numbers by which a step chooses: who, about what, how much, and how wrong it is."""


@st.composite
def talks(draw: st.DrawFn, *, contested: bool = True, deaf: bool = True) -> Talk:
    """Anything that parties and a stranger may say, each having heard or not; mostly what fits."""
    talk = Talk()
    asked: list[Asked] = [("Montes", "Valle", "maíz", kg(10))]
    if draw(st.booleans()):
        asked += [("Valle", "Costa", "un día de trabajo", None), ("Costa", "Montes", "sal", kg(10))]
    talk.propose("Montes", *asked, answer_by=draw(st.sampled_from([None, 5])))
    kinds = draw(st.sampled_from(THEMES))
    if kinds is not ANSWERING:
        for name in NAMES[1:3]:
            talk.say(name, Accept, at=0)
    if kinds is THEMES[4]:
        talk.say("Valle", Dispute, transfer=draw(st.sampled_from([None, 0])))
    steps = st.tuples(
        st.sampled_from(kinds),
        CHOICES,
        st.sets(st.sampled_from(NAMES), max_size=3) if deaf else st.just(frozenset[str]()),
        st.booleans() if contested else st.just(False),
    )
    for kind, choices, unheard, is_contested in draw(st.lists(steps, max_size=24)):
        name, about, fields = _step(talk, kind, *choices)
        talk.say(name, kind, about=about, deaf=unheard, contested=is_contested, **fields)
    return talk


def _step(
    talk: Talk, kind: type, who: int, what: int, much: int, wrong: int
) -> tuple[str, EntryId, dict[str, Any]]:
    """Who says what about which entry; `wrong` 0 to 2 spoils one of the three."""
    name = NAMES[who % len(talk.proposal.parties)] if wrong else NAMES[3]
    transfers = talk.proposal.transfers
    number = what % (len(transfers) + (wrong == 1))
    about = talk.opening.id
    fields: dict[str, Any] = {}
    if kind is Accept:
        fields = {"at": much}
    elif kind is Propose:
        fields = {"parties": talk.proposal.parties, "transfers": transfers}
    elif kind is Dispute:
        fields = {"transfer": None if much % 2 else number}
    elif kind in (Deliver, Receive):
        fields = {
            "transfer": number,
            "quantity": Quantity(1, 0, "l") if much == 11 else kg((5, 10)[much % 2]),
        }
        if kind is Receive:
            fields["condition"] = ("good", "short", "damaged")[much % 3]
        if wrong > 2:
            transfer = transfers[number]
            place = transfer.giver if kind is Deliver else transfer.receiver
            name = next(name for name in NAMES if commune_id(name) == talk.proposal.parties[place])
    elif kind is Settle:
        fields = {"outcome": ("due", "closed")[much % 2]}
        about = _one([move for move in talk.moves if isinstance(move.record, Dispute)], what, about)
    elif kind is Withdraw and much % 4:
        own = [
            move for move in talk.moves if move.record.kind == "cancel" and move.commune == commune_id(name)
        ]
        about = _one(own, -1 if wrong else what, about)
    if wrong == 2 and much > 6:
        about = talk.moves[what % len(talk.moves)].id
    return name, about, fields


def _one(moves: list[Move], number: int, otherwise: EntryId) -> EntryId:
    return moves[number % len(moves) if number >= 0 else -1].id if moves else otherwise


def bare(exchange: Exchange) -> Exchange:
    return msgspec.structs.replace(exchange, refused=())


@given(talks(), st.randoms(use_true_random=False))
def test_the_order_in_which_moves_arrive_does_not_matter(talk: Talk, rng: Any) -> None:
    expected = talk.exchange()
    shuffled = [*talk.moves, *talk.moves[:3]]
    rng.shuffle(shuffled)
    assert talk.exchange(shuffled) == expected


@given(talks())
def test_strangers_change_nothing(talk: Talk) -> None:
    parties = [move for move in talk.moves if move.commune in talk.proposal.parties]
    assert bare(talk.exchange()) == bare(talk.exchange(parties))
    strange = {move.id for move in talk.moves} - {move.id for move in parties}
    assert all(item.code == "stranger" for item in talk.exchange().refused if item.id in strange)


@given(talks())
def test_a_refused_move_has_no_effect(talk: Talk) -> None:
    exchange = talk.exchange()
    refused = {item.id for item in exchange.refused}
    assert all(item.code in REASONS for item in exchange.refused)
    assert len(refused) == len(exchange.refused)
    for gone in (*({entry} for entry in refused), refused):
        rest = [move for move in talk.moves if move.id not in gone]
        assert bare(talk.exchange(rest)) == bare(exchange)


@given(talks(), st.integers(0, 2**32))
def test_no_claim_about_what_was_seen_makes_the_fold_raise(talk: Talk, seed: int) -> None:
    """A liar's heads can claim anything, even that two moves had each seen the other."""

    def saw(move: Move, other: Move) -> bool:
        return hash((seed, move.id, other.id)) % 3 == 0

    exchange = fold(talk.opening, talk.moves, saw)
    assert fold(talk.opening, talk.moves[::-1], saw) == exchange


@given(talks())
def test_the_figures_agree_with_the_moves_that_count(talk: Talk) -> None:
    exchange = talk.exchange()
    refused = {item.id for item in exchange.refused}
    for number, leg in enumerate(exchange.legs):
        assert leg.due == 0 or not leg.closed
        if leg.transfer.quantity is None:
            continue
        for kind, total in ((Deliver, leg.given), (Receive, leg.got)):
            counted = [
                move.record.quantity.number * 1_000_000
                for move in talk.moves
                if isinstance(move.record, kind)
                and move.id not in refused
                and move.record.exchange == exchange.id
                and move.record.transfer == number
                and move.record.quantity
            ]
            assert total == sum(counted)
    assert exchange.wanting == () or exchange.state is State.PROPOSED
    assert exchange.replaced_by is None or exchange.state in (State.REPLACED, State.DECLINED)
    if exchange.state in TERMINAL and exchange.state not in (State.DECLINED, State.WITHDRAWN, State.REPLACED):
        assert sum(leg.due for leg in exchange.legs) == 0


@given(talks(), st.data())
def test_agreement_is_for_good(talk: Talk, data: st.DataObject) -> None:
    """Whatever the parties say after one of them knew that all agreed, it stays agreed."""
    after = talk.exchange()
    length = data.draw(st.integers(1, len(talk.moves)))
    before = talk.exchange(talk.moves[:length])
    settled = {State.AGREED, State.CANCELLED, State.FULFILLED, State.CLOSED}
    if before.state in settled:
        assert after.state in settled


# A naive twin: everybody hears everything at once -----------------------------------------------


class Twin:
    """An exchange as a clerk would keep it who hears every word as it is said."""

    def __init__(self, talk: Talk) -> None:
        self.parties = set(talk.proposal.parties)
        self.proposer = talk.opening.commune
        self.answers: dict[bytes, tuple[str, bool]] = {}
        self.end: State | None = None
        self.totals = {(number, side): 0 for number in range(len(talk.proposal.transfers)) for side in "go"}
        self.transfers = talk.proposal.transfers
        self.order = talk.proposal.parties
        self.answer_by = talk.proposal.answer_by
        self.id = talk.opening.id
        self.disputes: dict[bytes, tuple[int | None, dict[bytes, str], list[str]]] = {}
        self.cancels: dict[bytes, list[bytes]] = {}
        self.cancelled = False

    @property
    def agreed(self) -> bool:
        waiting = self.parties - {self.proposer} - self.answers.keys()
        return not waiting and all(answer == ("accept", True) for answer in self.answers.values())

    def hear(self, move: Move) -> None:
        record = move.record
        if move.commune not in self.parties:
            return
        mine = move.commune == self.proposer
        match record:
            case Accept() if record.exchange == self.id and not self.end:
                if mine:
                    self.answers = {who: (kind, True) for who, (kind, _) in self.answers.items()}
                else:
                    on_time = self.answer_by is None or record.at <= self.answer_by
                    former = self.answers.get(move.commune)
                    if former is None or (former[0] == "accept" and on_time):
                        self.answers[move.commune] = ("accept", on_time)
            case Decline() if record.exchange == self.id and not mine and not self._is_withdrawn():
                self.answers.setdefault(move.commune, ("decline", True))
            case Propose() if record.replaces == self.id and not self._is_withdrawn():
                if mine and not self.agreed:
                    self.end = State.REPLACED
                elif not mine:
                    self.answers.setdefault(move.commune, ("propose", True))
            case Withdraw() if record.target == self.id and mine and not self.agreed:
                self.end = self.end or State.WITHDRAWN
            case _ if self.agreed:
                self._hear_about_agreed(move)

    def _is_withdrawn(self) -> bool:
        return self.end is not None

    def _hear_about_agreed(self, move: Move) -> None:
        record = move.record
        match record:
            case Deliver() | Receive() if record.exchange == self.id and record.transfer < len(
                self.transfers
            ):
                transfer = self.transfers[record.transfer]
                gives = isinstance(record, Deliver)
                if move.commune != self.order[transfer.giver if gives else transfer.receiver]:
                    return
                amount = 0
                if transfer.quantity is None:
                    amount = 0 if isinstance(record, Receive) and record.condition == "short" else 1
                elif record.quantity is not None and record.quantity.unit == transfer.quantity.unit:
                    amount = record.quantity.number
                self.totals[record.transfer, "g" if gives else "o"] += amount
            case Dispute() if record.exchange == self.id and move.commune in self._sides(record.transfer):
                self.disputes[move.id] = (record.transfer, {}, [])
            case Settle() if record.dispute in self.disputes:
                disputed, words, outcomes = self.disputes[record.dispute]
                sides = self._sides(disputed)
                if move.commune in sides:
                    words[move.commune] = record.outcome
                    if words.keys() == sides and len(set(words.values())) == 1:
                        outcomes.append(record.outcome)
            case Cancel() if record.exchange == self.id:
                self.cancels.setdefault(move.commune, []).append(move.id)
                self.cancelled |= all(self.cancels.get(party) for party in self.parties)
            case Withdraw() if not self.cancelled:
                own = self.cancels.get(move.commune, [])
                if own and own[-1] == record.target:
                    own.clear()

    def _sides(self, transfer: int | None) -> set[bytes]:
        if transfer is None:
            return set(self.parties)
        if transfer >= len(self.transfers):
            return set()
        return {self.order[self.transfers[transfer].giver], self.order[self.transfers[transfer].receiver]}

    @property
    def state(self) -> State:
        kinds = {kind for kind, _ in self.answers.values()}
        if "decline" in kinds:
            return State.DECLINED
        if "propose" in kinds or self.end is State.REPLACED:
            return State.REPLACED
        if self.end or not self.agreed:
            return self.end or State.PROPOSED
        done, over = [], []
        ended = {
            transfer
            for transfer, _, outcomes in self.disputes.values()
            if outcomes and outcomes[-1] == "closed"
        }
        for number, transfer in enumerate(self.transfers):
            needed = 1 if transfer.quantity is None else transfer.quantity.number
            done.append(min(self.totals[number, "g"], self.totals[number, "o"]) >= needed)
            over.append(done[-1] or number in ended or None in ended)
        if all(done):
            return State.FULFILLED
        if all(over):
            return State.CLOSED
        return State.CANCELLED if self.cancelled else State.AGREED


@settings(max_examples=300)
@given(talks(contested=False, deaf=False))
def test_where_everybody_hears_everything_the_fold_does_as_a_clerk_would(talk: Talk) -> None:
    twin = Twin(talk)
    for number, move in enumerate(talk.moves[1:], start=2):
        twin.hear(move)
        exchange = talk.exchange(talk.moves[:number])
        assert exchange.state is twin.state
        assert exchange.disputed == any(not outcomes for _, _, outcomes in twin.disputes.values())
