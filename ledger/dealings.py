"""Dealings: what the communes have said about one exchange, gathered from whoever holds entries.

Decides which entries become the moves of an exchange: each entry once, as the
commune's that it speaks for, marked as contested where its standing says so.
What the moves amount to is `exchange`'s; which entries count is `standing`'s.
The store and the history in memory both gather through this, so that they give
the same answer.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import TypeAlias

from . import exchange, ordinary, standing
from .exchange import Exchange, Move
from .held import INDEX_MASK, PLACE_BITS, Holdings
from .log import EntryId
from .records import Accept, Cancel, CommuneId, Decline, Dispute, Propose, Record, Uninterpreted, Withdraw

Found: TypeAlias = tuple[int, bytes, Record | Uninterpreted]
"""Place, id and content of an entry that is held and can be read."""

Finding: TypeAlias = Callable[[bytes], Sequence[Found]]
"""Entries found by an id, in any order."""


class Dealings:
    """The exchanges in some holdings.

    `held` finds an entry by its id, at several places if branches hold equal
    leaves; `about` finds all records that name it.
    """

    def __init__(self, holdings: Holdings, held: Finding, about: Finding) -> None:
        self._holdings = holdings
        self._held = held
        self._about = about

    def proposal(self, entry: bytes) -> Move | None:
        """The proposal with this id as a move, None if there is none that counts and opens an exchange."""
        opening = [move for move in self._openings(entry) if exchange.is_proposal(move)]
        return min(opening, key=_firmest) if opening else None

    def exchange(self, entry: bytes) -> Exchange | None:
        """Fold the exchange that an entry opens, None if it opens none that counts."""
        opening = self.proposal(entry)
        return None if opening is None else self.fold(opening)

    def fold(self, opening: Move) -> Exchange:
        """Fold everything that was said about a proposal."""
        return self._in_order(opening) or self._gather(opening)

    def _in_order(self, opening: Move) -> Exchange | None:
        """The exchange if every entry about it is held once, firm and ordinary; None if any is not."""
        if len(self._held(opening.id)) != 1:
            return None
        moves: list[Move] = []
        for place, entry, record in self._about(opening.id):
            if not isinstance(record, ordinary.STEPS):
                return None
            # An entry that does not count changes nothing; one past a limit is weighed with the others.
            state = self._holdings.standing(place >> PLACE_BITS)
            if state is None:
                continue
            index = place & INDEX_MASK
            if state.contested or (state.limit is not None and index >= state.limit):
                return None
            order = (state.ordinal, index, entry)
            moves.append(Move(EntryId(entry), state.commune, order, record, False, place))
        return ordinary.fold(opening, moves, self._saw)

    def _saw(self, move: Move, other: Move) -> bool:
        return standing.had_seen(self._holdings, move.place, other.place)

    def _gather(self, opening: Move) -> Exchange:
        assert isinstance(opening.record, Propose)
        parties = opening.record.parties
        gathered = _Gathered(self._holdings, opening)
        for copy in self._openings(opening.id):
            gathered.add(copy)
        newer = False
        waiting: list[bytes] = [opening.id]
        for name in waiting:
            for place, entry, record in self._about(name):
                if isinstance(record, Uninterpreted):
                    newer = newer or commune_at(self._holdings, place) in parties
                    continue
                move = move_at(self._holdings, place, entry, record)
                if move is not None and gathered.add(move) and isinstance(record, Dispute | Cancel):
                    waiting.append(entry)
        return exchange.fold(opening, gathered.moves(parties), gathered.saw, newer=newer)

    def _openings(self, entry: bytes) -> Iterator[Move]:
        for place, _, record in self._held(entry):
            if isinstance(record, Propose):
                move = move_at(self._holdings, place, entry, record)
                if move is not None:
                    yield move


def commune_at(holdings: Holdings, place: int) -> CommuneId | None:
    """The commune whose entry stands at a place, None if it does not count."""
    state = holdings.standing(place >> PLACE_BITS)
    return state.commune if state is not None and standing.counts(holdings, place) else None


def move_at(holdings: Holdings, place: int, entry: bytes, record: Record) -> Move | None:
    """An entry as a move, None if it does not count."""
    state = holdings.standing(place >> PLACE_BITS)
    if state is None:
        return None
    index = place & INDEX_MASK
    firm = state.limit is None or index < state.limit
    if not firm and not holdings.is_witnessed(place):
        return None
    order = (state.ordinal, index, entry)
    return Move(EntryId(entry), state.commune, order, record, not firm or state.contested, place)


class _Gathered:
    """The moves of one exchange while they are gathered.

    Branches can hold the same entry past a cut. It is one move then, which
    knew what it knew on any of them: a fork must not make a party forget.
    """

    def __init__(self, holdings: Holdings, opening: Move) -> None:
        self._holdings = holdings
        self._opening = opening.id
        self._copies: dict[bytes, list[Move]] = {}

    def add(self, move: Move) -> bool:
        """Add a copy of an entry; whether it is the first."""
        copies = self._copies.get(move.id)
        if copies is None:
            self._copies[move.id] = [move]
            return True
        if all(move.place != held.place for held in copies):
            copies.append(move)
        return False

    def moves(self, parties: Collection[bytes]) -> list[Move]:
        """One move an entry: of a log that two communes opened, by a fork at entry 0, as a party's."""
        found = [
            copies[0]
            if len(copies) == 1
            else min(copies, key=lambda move: (move.commune not in parties, *_firmest(move)))
            for entry, copies in self._copies.items()
            if entry != self._opening
        ]
        if not any(isinstance(move.record, Decline | Propose) for move in found):
            return found
        accepts = [move for move in found if isinstance(move.record, Accept)]
        return [
            move._replace(contested=True)
            if any(self._is_beside(move, accept) for accept in accepts)
            else move
            for move in found
        ]

    def _is_beside(self, move: Move, accept: Move) -> bool:
        """Whether a no and an acceptance of one commune are such that neither stands before the other.

        They stand on two branches, or in two logs of which neither continues
        the other, even if a third has joined these. The order between such
        entries is a convention, by which nobody gets rid of what they accepted.
        """
        if move.commune != accept.commune or not isinstance(move.record, Decline | Propose):
            return False
        said_no = [copy.place for copy in self._copies[move.id]]
        said_yes = [copy.place for copy in self._copies[accept.id]]
        if any(standing.had_written(self._holdings, no, yes) for no in said_no for yes in said_yes):
            return False
        return not all(
            any(standing.had_written(self._holdings, yes, no) for no in said_no) for yes in said_yes
        )

    def saw(self, move: Move, other: Move) -> bool:
        """`moves.Saw`: of two communes' moves; what of one's own comes first is a matter of order.

        To know a withdrawal undoes an acceptance, so that has to be so of every
        copy: else a debtor could say the same again on a branch where it knew.
        """
        undoes = isinstance(other.record, Withdraw | Propose) and other.id != self._opening
        quantifier = all if undoes and isinstance(move.record, Accept) else any
        return quantifier(
            any(
                standing.had_seen(self._holdings, one.place, another.place)
                for another in self._copies[other.id]
            )
            for one in self._copies[move.id]
        )


def _firmest(move: Move) -> tuple[bool, tuple[int, int, bytes], bytes]:
    """What is least for the copy of an entry that counts most."""
    return move.contested, move.order, move.commune
