"""Agreement: from a proposal and its answers, whether all agreed and who could know it.

Decides which answer of a party counts, which answers a withdrawal undoes, what
becomes of late acceptances, and whose moves were written knowing that all had
agreed. Who may answer at all is `moves`'s; what follows after agreement is
`exchange`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from .kinds import Accept, CommuneId, Propose
from .log import EntryId
from .moves import Move, Permitted


class Answer(NamedTuple):
    """The answer of a party that counts; `late` if it needs the proposer's word and does not have it.

    `kind` is `accept`, `decline`, or `propose` for a counter-offer.
    """

    commune: CommuneId
    kind: str
    id: EntryId
    late: bool


class Agreement:
    """What the answers to a proposal amount to; what has no effect is refused on the way.

    `agreed` says whether all parties accepted, and is for good: nothing but
    moves that come before can change it. `counted` are the moves that it is
    made of. `waiting_for` are those whose word is still missing.
    """

    def __init__(self, moves: Permitted) -> None:
        self._moves = moves
        self._proposer = moves.opening.commune
        self._answerers = sorted(moves.parties - {self._proposer})
        self._acceptances: dict[CommuneId, list[Move]] = {}
        self._confirmed: dict[bytes, list[Move]] = {}
        self._withdrawals = moves.first(
            move for move in (*moves.of("withdraw"), *moves.of("propose")) if move.commune == self._proposer
        )
        self._first: dict[CommuneId, Move] = {}
        self.counted: list[Move] = []
        self._weigh()
        self._confirm()
        self.agreed = all(map(self._has_accepted, self._answerers))
        self._take_back()
        self.answers = tuple(
            Answer(
                commune,
                move.record.kind,
                move.id,
                isinstance(move.record, Accept) and not self._has_accepted(commune),
            )
            for commune, move in sorted(self._first.items())
        )

    @property
    def declined(self) -> bool:
        """Whether a party said no."""
        return any(answer.kind == "decline" for answer in self.answers)

    @property
    def withdrawn(self) -> bool:
        """Whether the proposer took the proposal back, before it was agreed."""
        return bool(self._withdrawals)

    @property
    def replaced_by(self) -> EntryId | None:
        """The proposal that replaced this one; of several, the one with the lowest id.

        What a proposer that takes back twice did first counts.
        """
        own = sorted(self._withdrawals, key=lambda move: move.order)[:1]
        replacing = (*self._first.values(), *own)
        return min((move.id for move in replacing if isinstance(move.record, Propose)), default=None)

    @property
    def waiting_for(self) -> tuple[CommuneId, ...]:
        """Who has not answered, and the proposer where an acceptance is late."""
        silent = set(self._answerers) - self._first.keys()
        if any(answer.late for answer in self.answers):
            silent.add(self._proposer)
        return tuple(sorted(silent))

    def known_to(self, move: Move) -> bool:
        """Whether all have agreed, and the writer of a move knew it: had everybody's acceptance before it."""
        return self.agreed and all(
            any(self._knew(move, acceptance) for acceptance in self._acceptances[commune])
            for commune in self._answerers
        )

    # Parts --------------------------------------------------------------------------------------

    def _weigh(self) -> None:
        """Find the answer of each party that counts, of those that had not seen the proposal taken back."""
        answers: dict[CommuneId, list[Move]] = {}
        of = self._moves.of
        for move in (*of("accept"), *of("decline"), *of("propose")):
            if move.commune == self._proposer:
                continue
            if self._is_after_withdrawal(move):
                self._moves.refuse(move, "withdrawn-already")
            else:
                answers.setdefault(move.commune, []).append(move)
        for commune, given in answers.items():
            self._weigh_one(commune, sorted(given, key=lambda move: move.order))

    def _weigh_one(self, commune: CommuneId, given: Sequence[Move]) -> None:
        """The first counts; a contested no gives way to any later yes, and to any later answer that is firm.

        A party that forks its log, or restores an old backup, must not get rid
        of what it accepted by a decline that it slips in before. To accept
        again says nothing new, and hurts nobody.
        """
        firm = (move for move in given if isinstance(move.record, Accept) or not move.contested)
        first = next(firm, given[0])
        self._first[commune] = first
        self.counted += [move for move in given if move.order <= first.order]
        later = [move for move in given if move.order > first.order]
        if isinstance(first.record, Accept):
            again = [move for move in later if isinstance(move.record, Accept)]
            self._acceptances[commune] = [first, *self._moves.first(again)]
            later = [move for move in later if not isinstance(move.record, Accept)]
        for move in later:
            self._moves.refuse(move, "answered-already")

    def _confirm(self) -> None:
        """Find which late acceptances the proposer confirmed: those that its own `accept` had seen."""
        late = [
            acceptance
            for acceptances in self._acceptances.values()
            for acceptance in acceptances
            if self._is_late(acceptance)
        ]
        confirming: list[Move] = []
        for move in self._moves.of("accept"):
            if move.commune != self._proposer:
                continue
            if self._is_after_withdrawal(move):
                self._moves.refuse(move, "withdrawn-already")
            elif not any(self._moves.knew(move, acceptance) for acceptance in late):
                self._moves.refuse(move, "nothing-late")
            else:
                confirming.append(move)
        for move in self._moves.first(confirming):
            self.counted.append(move)
            for acceptance in late:
                if self._moves.knew(move, acceptance):
                    self._confirmed.setdefault(acceptance.id, []).append(move)

    def _take_back(self) -> None:
        """Once all have agreed no withdrawal counts: each came too late, or crossed with an acceptance."""
        if not self.agreed:
            self.counted += self._withdrawals
            return
        for move in self._withdrawals:
            self._moves.refuse(move, "agreed-already" if self.known_to(move) else "crossed")
        self._withdrawals = []

    def _has_accepted(self, commune: CommuneId) -> bool:
        return any(
            not self._is_late(acceptance) or acceptance.id in self._confirmed
            for acceptance in self._acceptances.get(commune, ())
        )

    def _is_late(self, acceptance: Move) -> bool:
        answer_by = self._moves.proposal.answer_by
        return answer_by is not None and acceptance.record.at > answer_by

    def _is_after_withdrawal(self, move: Move) -> bool:
        return any(self._moves.knew(move, withdrawal) for withdrawal in self._withdrawals)

    def _knew(self, move: Move, acceptance: Move) -> bool:
        """Whether a writer had an acceptance, and where that is late a confirmation of it."""
        if not self._moves.knew(move, acceptance):
            return False
        if not self._is_late(acceptance):
            return True
        return any(self._moves.knew(move, other) for other in self._confirmed.get(acceptance.id, ()))
