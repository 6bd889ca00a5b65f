"""An exchange: what a set of moves makes of a proposal.

Decides who may make which move and when, which moves take effect, and the
state that follows: one table of moves and one pure fold. It is told by its
caller which entries count, whose they are and what their writers had seen
(`standing`); it reads no store and no clock, and the order in which moves
arrive does not matter (docs/spec/exchange.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple, TypeAlias

from .authority import Refused
from .limits import MAX_SCALE
from .log import EntryId
from .records import (
    Accept,
    Cancel,
    CommuneId,
    Deliver,
    Dispute,
    Propose,
    Quantity,
    Receive,
    Record,
    Settle,
    Transfer,
    Withdraw,
)


class Move(NamedTuple):
    """A record that says something about an exchange, as an entry that counts.

    `order` places it in its commune's history: the ordinal of its log, its
    index, its id. `place` means nothing here; it is handed back to `Saw`.
    `contested` says that it stands past a cut or seal, or in a contested log.
    """

    id: EntryId
    commune: CommuneId
    order: tuple[int, int, bytes]
    record: Record
    contested: bool
    place: int


Saw: TypeAlias = Callable[[Move, Move], bool]
"""Whether the writer of the first move held the second one when writing (by `seen`, or as its own)."""


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


class Form(StrEnum):
    """Whether something comes back: nothing, between two, or around a ring."""

    GIFT = "gift"
    BARTER = "barter"
    RING = "ring"


class Who(StrEnum):
    """Who may make a move."""

    PROPOSER = "proposer"
    ANSWERER = "answerer"
    PARTY = "party"
    GIVER = "giver"
    RECEIVER = "receiver"
    SIDE = "side"


class Once(StrEnum):
    """What the writer of a move must have seen before it."""

    PROPOSED = "proposed"
    AGREED = "agreed"


class Rule(NamedTuple):
    """Who may make a move, and what they must have seen."""

    who: frozenset[Who]
    once: Once


MOVES: Final[Mapping[str, Rule]] = {
    "accept": Rule(frozenset({Who.ANSWERER, Who.PROPOSER}), Once.PROPOSED),
    "decline": Rule(frozenset({Who.ANSWERER}), Once.PROPOSED),
    "propose": Rule(frozenset({Who.ANSWERER, Who.PROPOSER}), Once.PROPOSED),
    "withdraw": Rule(frozenset({Who.PROPOSER}), Once.PROPOSED),
    "deliver": Rule(frozenset({Who.GIVER}), Once.AGREED),
    "receive": Rule(frozenset({Who.RECEIVER}), Once.AGREED),
    "dispute": Rule(frozenset({Who.SIDE}), Once.AGREED),
    "settle": Rule(frozenset({Who.SIDE}), Once.AGREED),
    "cancel": Rule(frozenset({Who.PARTY}), Once.AGREED),
}
"""The table of moves. `propose` is a counter-offer (`replaces`); `withdraw` one of the proposal itself."""


class Answer(NamedTuple):
    """A party's first answer; `late` if it needs the proposer's word and does not have it."""

    commune: CommuneId
    kind: str
    id: EntryId
    late: bool


@dataclass(frozen=True, slots=True)
class Leg:
    """One transfer and how far it is.

    `given` and `got` are sums of `deliver` and `receive`, in millionths of the
    transfer's unit; without a quantity they count deliveries, and `agreed` is 1.
    `closed`: a dispute settled so ended it.
    """

    transfer: Transfer
    giver: CommuneId
    receiver: CommuneId
    agreed: int
    given: int
    got: int
    closed: bool
    damaged: bool

    @property
    def done(self) -> bool:
        """Whether both sides say that all of it was handed over."""
        return self.given >= self.agreed and self.got >= self.agreed

    @property
    def due(self) -> int:
        """What the giver still owes by the receiver's word, in millionths (or 1 without a quantity)."""
        return 0 if self.closed else max(0, self.agreed - self.got)

    @property
    def disagreement(self) -> int:
        """What the giver says beyond what the receiver says, in millionths; negative the other way."""
        return self.given - self.got


class Quarrel(NamedTuple):
    """A dispute: who opened it, over which transfer (None: all), and its common outcome, if any yet."""

    id: EntryId
    commune: CommuneId
    transfer: int | None
    outcome: str | None


@dataclass(frozen=True, slots=True)
class Exchange:
    """The state of an exchange. `wanting` are the parties whose answer it still waits for."""

    id: EntryId
    proposal: Propose
    proposer: CommuneId
    form: Form
    state: State
    answers: tuple[Answer, ...]
    wanting: tuple[CommuneId, ...]
    legs: tuple[Leg, ...]
    quarrels: tuple[Quarrel, ...]
    cancelling: tuple[CommuneId, ...]
    replaced_by: EntryId | None
    contested: bool
    newer: bool
    refused: tuple[Refused, ...]

    @property
    def disputed(self) -> bool:
        """Whether a dispute stands open."""
        return any(quarrel.outcome is None for quarrel in self.quarrels)

    def lapsed(self, now: int) -> bool:
        """Whether it waits for an answer past its `answer_by`, by a reader's clock in milliseconds."""
        answer_by = self.proposal.answer_by
        return self.state is State.PROPOSED and answer_by is not None and now > answer_by


def millionths(quantity: Quantity) -> int:
    """A quantity as a whole number of millionths of its unit."""
    return int(quantity.number * 10 ** (MAX_SCALE - quantity.scale))


def form_of(proposal: Propose) -> Form:
    """A gift if nobody both gives and receives; a barter between two; else a ring."""
    givers = {transfer.giver for transfer in proposal.transfers}
    receivers = {transfer.receiver for transfer in proposal.transfers}
    if not givers & receivers:
        return Form.GIFT
    return Form.BARTER if len(proposal.parties) == 2 else Form.RING


def fold(proposal: Move, moves: Iterable[Move], saw: Saw, *, newer: bool = False) -> Exchange:
    """Fold all moves about a proposal into the state of its exchange.

    `moves` are the entries that count and name the exchange, one of its
    disputes or one of its cancels, in any order. `newer` says that a party's
    uninterpreted record names it. The proposer must be one of the parties;
    `is_proposal` says whether a record opens an exchange at all.
    """
    return _Fold(proposal, moves, saw).exchange(newer)


def is_proposal(move: Move) -> bool:
    """Whether a move opens an exchange: a proposal by one of its own parties."""
    return isinstance(move.record, Propose) and move.commune in move.record.parties


class _Fold:
    """One fold: `refused` collects as the phases run; nothing outlives `exchange`."""

    def __init__(self, proposal: Move, moves: Iterable[Move], saw: Saw) -> None:
        assert isinstance(proposal.record, Propose)
        self.opening = proposal
        self.proposal = proposal.record
        self.saw = saw
        self.parties = frozenset(CommuneId(party) for party in self.proposal.parties)
        self.answerers = self.parties - {proposal.commune}
        self.refused: list[Refused] = []
        self.effective: list[Move] = [proposal]
        self.moves: dict[str, list[Move]] = {}
        for move in sorted(set(moves), key=lambda move: (move.commune, move.order)):
            if move.id != proposal.id and self._allowed(move):
                self.moves.setdefault(move.record.kind, []).append(move)
        self.accepted: dict[CommuneId, Move] = {}
        self.confirmed: dict[CommuneId, Move] = {}
        self.withdrawals: list[Move] = []

    def _of(self, kind: str) -> Sequence[Move]:
        return self.moves.get(kind, ())

    def _refuse(self, move: Move, code: str) -> None:
        self.refused.append(Refused(move.id, code))

    def _allowed(self, move: Move) -> bool:
        """The table's first half: only parties make moves, and only the kinds that it names."""
        if move.record.kind not in MOVES:
            return False
        if move.commune not in self.parties:
            self._refuse(move, "stranger")
            return False
        if isinstance(move.record, Propose) and not is_proposal(move):
            self._refuse(move, "stranger")
            return False
        who = MOVES[move.record.kind].who
        role = Who.PROPOSER if move.commune == self.opening.commune else Who.ANSWERER
        if who <= {Who.PROPOSER, Who.ANSWERER} and role not in who:
            # A withdraw that names a cancel is its author's own; it is read with the cancels.
            if not isinstance(move.record, Withdraw) or move.record.target == self.opening.id:
                self._refuse(move, "not-yours")
                return False
        return True

    def exchange(self, newer: bool) -> Exchange:
        answers, replaced_by = self._answer()
        agreed = len(self.accepted) == len(self.answerers) and not any(answer.late for answer in answers)
        legs = self._hand_over(agreed)
        quarrels = self._settle(agreed)
        cancelling = self._cancel(agreed)
        whole = {quarrel.outcome for quarrel in quarrels if quarrel.transfer is None}
        closed = {quarrel.transfer for quarrel in quarrels if quarrel.outcome == "closed"}
        legs = tuple(
            Leg(leg.transfer, leg.giver, leg.receiver, leg.agreed, leg.given, leg.got,
                None in closed or place in closed, leg.damaged)
            for place, leg in enumerate(legs)
        )  # fmt: skip
        state = self._state(agreed, answers, replaced_by, legs, cancelling)
        answered = {answer.commune for answer in answers}
        return Exchange(
            self.opening.id,
            self.proposal,
            self.opening.commune,
            form_of(self.proposal),
            state,
            answers,
            tuple(sorted(self.answerers - answered)) if state is State.PROPOSED else (),
            legs,
            quarrels,
            cancelling,
            replaced_by,
            any(move.contested for move in self.effective) and not whole & {"due", "closed"},
            newer,
            tuple(sorted(self.refused, key=lambda item: (item.id, item.code))),
        )

    # Answers ------------------------------------------------------------------------------------

    def _answer(self) -> tuple[tuple[Answer, ...], EntryId | None]:
        """Find each party's first answer, then which acceptances a withdrawal undoes."""
        first: dict[CommuneId, Move] = {}
        counters = [move for move in self._of("propose") if isinstance(move.record, Propose)]
        given: dict[CommuneId, list[Move]] = {}
        for move in (*self._of("accept"), *self._of("decline"), *counters):
            if move.commune not in self.answerers:
                continue
            if isinstance(move.record, Accept) and not self.saw(move, self.opening):
                self._refuse(move, "unseen")
                continue
            given.setdefault(move.commune, []).append(move)
        for commune, moves in given.items():
            first[commune] = _first_answer(moves)
            for move in moves:
                if move is not first[commune] and not move.contested and not first[commune].contested:
                    self._refuse(move, "answered-already")
        self.accepted = {commune: move for commune, move in first.items() if isinstance(move.record, Accept)}
        self._confirm()
        self.withdrawals = withdrawals = self._withdrawals()
        for commune, move in list(self.accepted.items()):
            if any(self.saw(move, withdrawal) for withdrawal in withdrawals):
                self._refuse(move, "withdrawn-already")
                del self.accepted[commune]
                del first[commune]
                self.confirmed.pop(commune, None)
        self.effective += [*first.values(), *withdrawals, *self.confirmed.values()]
        answers = tuple(
            Answer(commune, move.record.kind, move.id, self._late(move) and commune not in self.confirmed)
            for commune, move in sorted(first.items())
        )
        replacing = [
            move.id for move in (*first.values(), *withdrawals) if isinstance(move.record, Propose)
        ]
        return answers, min(replacing, default=None)

    def _withdrawals(self) -> list[Move]:
        """The proposer's withdrawals, but for those made knowing that all had accepted."""
        own = [
            move
            for move in (*self._of("withdraw"), *self._of("propose"))
            if move.commune == self.opening.commune and _target(move) == self.opening.id
        ]
        standing = []
        agreed = len(self.accepted) == len(self.answerers) and all(
            commune in self.confirmed or not self._late(move) for commune, move in self.accepted.items()
        )
        for move in own:
            if agreed and self._knew_agreement(move):
                self._refuse(move, "agreed-already")
            else:
                standing.append(move)
        return standing

    def _late(self, move: Move) -> bool:
        answer_by = self.proposal.answer_by
        return isinstance(move.record, Accept) and answer_by is not None and move.record.at > answer_by

    def _confirm(self) -> None:
        """The proposer's own `accept` confirms the late acceptances that it had seen."""
        for move in self._of("accept"):
            if move.commune == self.opening.commune:
                for commune, acceptance in self.accepted.items():
                    if commune not in self.confirmed and self._late(acceptance) and self.saw(move, acceptance):
                        self.confirmed[commune] = move

    def _knew_agreement(self, move: Move) -> bool:
        """Whether the writer of a move had seen all acceptances (and confirmations of late ones)."""
        needed = (*self.accepted.values(), *self.confirmed.values())
        return all(_own_or_seen(move, other, self.saw) for other in needed)

    # After agreement ----------------------------------------------------------------------------

    def _once_agreed(self, move: Move, agreed: bool) -> bool:
        """The table's second half, for moves that need agreement."""
        if agreed and self._knew_agreement(move):
            return True
        self._refuse(move, "not-agreed")
        return False

    def _hand_over(self, agreed: bool) -> tuple[Leg, ...]:
        given = [0] * len(self.proposal.transfers)
        got = [0] * len(self.proposal.transfers)
        damaged = [False] * len(self.proposal.transfers)
        for move in (*self._of("deliver"), *self._of("receive")):
            record = move.record
            assert isinstance(record, Deliver | Receive)
            if record.transfer >= len(given):
                self._refuse(move, "no-such-transfer")
                continue
            transfer = self.proposal.transfers[record.transfer]
            side = transfer.giver if isinstance(record, Deliver) else transfer.receiver
            if move.commune != self.proposal.parties[side]:
                self._refuse(move, "not-yours")
                continue
            amount = _amount(record, transfer)
            if amount is None:
                self._refuse(move, "other-unit")
                continue
            if not self._once_agreed(move, agreed):
                continue
            self.effective.append(move)
            if isinstance(record, Deliver):
                given[record.transfer] += amount
            else:
                got[record.transfer] += amount
                damaged[record.transfer] |= record.condition == "damaged"
        parties = self.proposal.parties
        return tuple(
            Leg(
                transfer,
                CommuneId(parties[transfer.giver]),
                CommuneId(parties[transfer.receiver]),
                millionths(transfer.quantity) if transfer.quantity else 1,
                given[place],
                got[place],
                False,
                damaged[place],
            )
            for place, transfer in enumerate(self.proposal.transfers)
        )

    def _sides(self, transfer: int | None) -> frozenset[CommuneId]:
        if transfer is None:
            return self.parties
        leg = self.proposal.transfers[transfer]
        return frozenset(
            {CommuneId(self.proposal.parties[leg.giver]), CommuneId(self.proposal.parties[leg.receiver])}
        )

    def _settle(self, agreed: bool) -> tuple[Quarrel, ...]:
        opened: dict[bytes, Move] = {}
        for move in self._of("dispute"):
            record = move.record
            assert isinstance(record, Dispute)
            if record.transfer is not None and record.transfer >= len(self.proposal.transfers):
                self._refuse(move, "no-such-transfer")
            elif move.commune not in self._sides(record.transfer):
                self._refuse(move, "not-yours")
            elif self._once_agreed(move, agreed):
                opened[move.id] = move
                self.effective.append(move)
        said: dict[tuple[bytes, str], set[CommuneId]] = {}
        for move in self._of("settle"):
            record = move.record
            assert isinstance(record, Settle)
            dispute = opened.get(record.dispute)
            if dispute is None:
                self._refuse(move, "no-such-dispute")
                continue
            assert isinstance(dispute.record, Dispute)
            if move.commune not in self._sides(dispute.record.transfer):
                self._refuse(move, "not-yours")
            elif self._once_agreed(move, agreed):
                said.setdefault((record.dispute, record.outcome), set()).add(move.commune)
        return tuple(
            Quarrel(EntryId(dispute), move.commune, transfer, self._outcome(said, dispute, transfer))
            for dispute, move in sorted(opened.items())
            if isinstance(move.record, Dispute)
            for transfer in (move.record.transfer,)
        )

    def _outcome(
        self, said: Mapping[tuple[bytes, str], set[CommuneId]], dispute: bytes, transfer: int | None
    ) -> str | None:
        """The outcome that all sides have said; once said by all, nobody alone can unsay it."""
        for outcome in ("closed", "due"):
            if said.get((dispute, outcome), set()) >= self._sides(transfer):
                return outcome
        return None

    def _cancel(self, agreed: bool) -> tuple[CommuneId, ...]:
        """The parties whose cancel stands. One taken back does not stand, unless the rest had not seen that."""
        cancels: dict[CommuneId, list[Move]] = {}
        for move in self._of("cancel"):
            assert isinstance(move.record, Cancel)
            if self._once_agreed(move, agreed):
                cancels.setdefault(move.commune, []).append(move)
        standing = []
        for commune, own in cancels.items():
            others = [cancels.get(other, []) for other in self.parties - {commune}]
            if any(self._cancel_stands(move, others) for move in own):
                standing.append(commune)
                self.effective += own
        return tuple(sorted(standing))

    def _cancel_stands(self, cancel: Move, others: Sequence[Sequence[Move]]) -> bool:
        taken_back = [
            move
            for move in self._of("withdraw")
            if move.commune == cancel.commune and _target(move) == cancel.id
        ]
        return not taken_back or all(
            any(not any(self.saw(move, withdrawal) for withdrawal in taken_back) for move in moves)
            for moves in others
        )

    def _state(
        self,
        agreed: bool,
        answers: Sequence[Answer],
        replaced_by: EntryId | None,
        legs: Sequence[Leg],
        cancelling: Sequence[CommuneId],
    ) -> State:
        if not agreed:
            if any(answer.kind == "decline" for answer in answers):
                return State.DECLINED
            if replaced_by is not None:
                return State.REPLACED
            return State.WITHDRAWN if self.withdrawals else State.PROPOSED
        if all(leg.done for leg in legs):
            return State.FULFILLED
        if all(leg.done or leg.closed for leg in legs):
            return State.CLOSED
        return State.CANCELLED if len(cancelling) == len(self.parties) else State.AGREED


def _first_answer(moves: Sequence[Move]) -> Move:
    """The first in the commune's own order; past a cut or seal an acceptance goes before all else.

    A party that forks its log must not get rid of what it accepted by a
    decline that it slipped in before it.
    """
    firm = [move for move in moves if not move.contested]
    if firm:
        return min(firm, key=lambda move: move.order)
    accepts = [move for move in moves if isinstance(move.record, Accept)]
    return min(accepts or moves, key=lambda move: move.order)


def _target(move: Move) -> bytes | None:
    record = move.record
    if isinstance(record, Withdraw):
        return record.target
    return record.replaces if isinstance(record, Propose) else None


def _own_or_seen(move: Move, other: Move, saw: Saw) -> bool:
    return (move.commune == other.commune and other.order < move.order) or saw(move, other)


def _amount(record: Deliver | Receive, transfer: Transfer) -> int | None:
    """What a delivery or receipt adds, in millionths; None if its unit is not the transfer's."""
    if transfer.quantity is None:
        short = isinstance(record, Receive) and record.condition == "short"
        return 0 if short else 1
    if record.quantity is None or record.quantity.unit != transfer.quantity.unit:
        return None
    return millionths(record.quantity)


TERMINAL: Final = frozenset(
    {State.DECLINED, State.WITHDRAWN, State.REPLACED, State.CANCELLED, State.FULFILLED, State.CLOSED}
)
"""States in which nothing is due; an acceptance that had not seen a withdrawal may still come out of one."""
