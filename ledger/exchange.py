"""An exchange: what the moves about a proposal make of it.

Decides the state of an exchange and how far each transfer is: one pure fold
over what `moves` permits, `agreement` makes of the answers and `settlement` of
disputes and cancels. It reads no store and no clock, and the order in which
moves arrive does not matter (docs/spec/exchange.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Final

import msgspec

from .agreement import Agreement, Answer
from .authority import Refused
from .kinds import CommuneId, Deliver, Propose, Receive, Transfer
from .log import EntryId
from .moves import MOVES, Move, Once, Permitted, Rule, Saw, Who, is_proposal, millionths
from .settlement import Quarrel, Word, cancels_of, quarrels_of

__all__ = [
    "MOVES", "TERMINAL", "Answer", "Exchange", "Form", "Leg", "Move", "Once", "Quarrel", "Rule", "Saw",
    "State", "Who", "Word", "fold", "form_of", "is_proposal", "millionths",
]  # fmt: skip


class State(StrEnum):
    """What an exchange is. Lapsed is no state: it depends on the reader's clock."""

    PROPOSED = "proposed"
    AGREED = "agreed"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    REPLACED = "replaced"
    CANCELLED = "cancelled"
    FULFILLED = "fulfilled"
    CLOSED = "closed"


TERMINAL: Final = frozenset(
    {State.DECLINED, State.WITHDRAWN, State.REPLACED, State.CANCELLED, State.FULFILLED, State.CLOSED}
)
"""States in which nothing is due; an acceptance that had not seen a withdrawal may still come out of one."""


class Form(StrEnum):
    """Whether something comes back: nothing, between two, or around a ring."""

    GIFT = "gift"
    BARTER = "barter"
    RING = "ring"


class Leg(msgspec.Struct, frozen=True, gc=False):
    """One transfer and how far it is.

    `given` and `got` are sums of `deliver` and `receive`, in millionths of the
    transfer's unit; without a quantity they count deliveries, and `agreed` is 1.
    `closed`: nothing more of it is due, by a dispute settled so or since all
    parties cancelled. `short` and `damaged`: the receiver said so of a part of it.
    """

    transfer: Transfer
    giver: CommuneId
    receiver: CommuneId
    agreed: int
    given: int
    got: int
    closed: bool
    short: bool
    damaged: bool

    @property
    def done(self) -> bool:
        """Whether both sides say that all of it was handed over."""
        return self.given >= self.agreed and self.got >= self.agreed

    @property
    def due(self) -> int:
        """What the giver owes by the receiver's word, once agreed: millionths, or 1 without a quantity."""
        return 0 if self.closed else max(0, self.agreed - self.got)

    @property
    def disagreement(self) -> int:
        """What the giver says beyond what the receiver says, in millionths; negative the other way."""
        return self.given - self.got


class Exchange(msgspec.Struct, frozen=True, gc=False):
    """The state of an exchange.

    `wanting` are those whose word it still waits for to be agreed. `cancels`
    are the cancels that stand, one a party. `contested`: something that counts
    stands past a cut or seal, and no dispute about the whole was settled.
    `newer`: a record of a party that this version cannot interpret names it.
    """

    id: EntryId
    proposal: Propose
    proposer: CommuneId
    form: Form
    state: State
    answers: tuple[Answer, ...]
    wanting: tuple[CommuneId, ...]
    legs: tuple[Leg, ...]
    quarrels: tuple[Quarrel, ...]
    cancels: tuple[Word, ...]
    replaced_by: EntryId | None
    contested: bool
    newer: bool
    refused: tuple[Refused, ...]

    @property
    def disputed(self) -> bool:
        """Whether a dispute stands open."""
        return any(quarrel.outcome is None for quarrel in self.quarrels)

    @property
    def cancelling(self) -> tuple[CommuneId, ...]:
        """The parties whose cancel stands."""
        return tuple(word.commune for word in self.cancels)

    def lapsed(self, now: int) -> bool:
        """Whether it waits for an answer past its `answer_by`, by a reader's clock in milliseconds."""
        answer_by = self.proposal.answer_by
        return self.state is State.PROPOSED and answer_by is not None and now > answer_by


def form_of(proposal: Propose) -> Form:
    """A gift if nobody both gives and receives; a barter between two; else a ring."""
    givers = {transfer.giver for transfer in proposal.transfers}
    receivers = {transfer.receiver for transfer in proposal.transfers}
    if not givers & receivers:
        return Form.GIFT
    return Form.BARTER if len(proposal.parties) == 2 else Form.RING


def fold(proposal: Move, moves: Iterable[Move], saw: Saw, *, newer: bool = False) -> Exchange:
    """Fold all moves about a proposal into the state of its exchange; raises nothing, whatever they say.

    `moves` are the entries that count and name the exchange, one of its
    disputes or one of its cancels, in any order; others are passed over.
    `newer` says that a party's uninterpreted record names it. The proposal must
    be one (`is_proposal`).
    """
    permitted = Permitted(proposal, moves, saw)
    agreement = Agreement(permitted)
    permitted.require_agreement(agreement.known_to)
    counted = [proposal, *agreement.counted]
    quarrels = quarrels_of(permitted, counted)
    cancels = cancels_of(permitted, counted)
    cancelled = len(cancels) == len(permitted.parties)
    closed = {quarrel.transfer for quarrel in quarrels if quarrel.outcome == "closed"}
    legs = _legs(permitted, counted, closed, cancelled)
    state = _state(agreement, legs, closed, cancelled)
    settled = any(quarrel.transfer is None and quarrel.outcome is not None for quarrel in quarrels)
    return Exchange(
        proposal.id,
        permitted.proposal,
        proposal.commune,
        form_of(permitted.proposal),
        state,
        agreement.answers,
        agreement.waiting_for if state is State.PROPOSED else (),
        legs,
        quarrels,
        cancels,
        None if agreement.agreed else agreement.replaced_by,
        not settled and any(move.contested for move in counted),
        newer,
        tuple(sorted(permitted.refused, key=lambda item: (item.id, item.code))),
    )


def _state(agreement: Agreement, legs: Sequence[Leg], closed: set[int | None], cancelled: bool) -> State:
    """The first of these that holds."""
    if not agreement.agreed:
        if agreement.declined:
            return State.DECLINED
        if agreement.replaced_by is not None:
            return State.REPLACED
        return State.WITHDRAWN if agreement.withdrawn else State.PROPOSED
    if all(leg.done for leg in legs):
        return State.FULFILLED
    if None in closed or all(leg.done or place in closed for place, leg in enumerate(legs)):
        return State.CLOSED
    return State.CANCELLED if cancelled else State.AGREED


# Transfers --------------------------------------------------------------------------------------


def _legs(moves: Permitted, counted: list[Move], closed: set[int | None], cancelled: bool) -> tuple[Leg, ...]:
    transfers = moves.proposal.transfers
    given, got = [0] * len(transfers), [0] * len(transfers)
    conditions: set[tuple[int, str]] = set()
    for move in (*moves.of("deliver"), *moves.of("receive")):
        record = move.record
        assert isinstance(record, Deliver | Receive)
        amount = _amount(record, transfers[record.transfer])
        if amount is None:
            moves.refuse(move, "other-unit")
            continue
        counted.append(move)
        if isinstance(record, Deliver):
            given[record.transfer] += amount
        else:
            got[record.transfer] += amount
            conditions.add((record.transfer, record.condition))
    parties = moves.proposal.parties
    return tuple(
        Leg(
            transfer,
            CommuneId(parties[transfer.giver]),
            CommuneId(parties[transfer.receiver]),
            1 if transfer.quantity is None else millionths(transfer.quantity),
            given[place],
            got[place],
            cancelled or None in closed or place in closed,
            (place, "short") in conditions,
            (place, "damaged") in conditions,
        )
        for place, transfer in enumerate(transfers)
    )


def _amount(record: Deliver | Receive, transfer: Transfer) -> int | None:
    """What a delivery or receipt adds, in millionths; None if its unit is not the transfer's.

    Where no quantity was agreed each counts one, and a short one nothing.
    """
    if transfer.quantity is None:
        return 0 if isinstance(record, Receive) and record.condition == "short" else 1
    if record.quantity is None or record.quantity.unit != transfer.quantity.unit:
        return None
    return millionths(record.quantity)
