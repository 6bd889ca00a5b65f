"""Dealings: what the communes have said about one exchange, gathered from whoever holds entries.

Decides which entries become the moves of an exchange: each entry once, as the
commune's that it speaks for, marked as contested where its standing says so.
What the moves amount to is `exchange`'s; which entries count is `standing`'s.
The store and the history in memory both gather through this, so that they give
the same answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from . import exchange, standing
from .exchange import Exchange, Move
from .log import EntryId
from .records import Accept, Cancel, Decline, Dispute, Propose, Record, Uninterpreted
from .standing import INDEX_MASK, PLACE_BITS, Holdings


class Readings(Holdings, Protocol):
    """Holdings of which the records can be read."""

    def placed(self, entry: bytes) -> Iterable[tuple[int, Record | Uninterpreted]]:
        """Every place at which an entry is held, and what it says; several if branches hold equal leaves."""

    def speaking(self, entry: bytes) -> Iterable[tuple[int, bytes, Record | Uninterpreted]]:
        """Place, id and content of every record that names an entry."""


class Dealings:
    """The exchanges of whoever holds these readings."""

    def __init__(self, readings: Readings) -> None:
        self.readings = readings

    def proposal(self, entry: bytes) -> Move | None:
        """The proposal with this id as a move, None if there is none that counts and opens an exchange."""
        opening = [move for move in self._openings(entry) if exchange.is_proposal(move)]
        return min(opening, key=_firmest, default=None)

    def exchange(self, entry: bytes) -> Exchange | None:
        """Fold the exchange that an entry opens, None if it opens none that counts."""
        opening = self.proposal(entry)
        return None if opening is None else self.fold(opening)

    def fold(self, opening: Move) -> Exchange:
        """Fold everything that was said about a proposal."""
        gathered = _Gathered(self.readings, opening)
        for copy in self._openings(opening.id):
            gathered.add(copy)
        waiting: list[bytes] = [opening.id]
        for name in waiting:
            for place, entry, record in self.readings.speaking(name):
                if isinstance(record, Uninterpreted):
                    gathered.hear_newer(place)
                elif (move := move_at(self.readings, place, entry, record)) is not None:
                    is_new = gathered.add(move)
                    if is_new and isinstance(record, Dispute | Cancel):
                        waiting.append(entry)
        return exchange.fold(opening, gathered.moves(), gathered.saw, newer=gathered.newer)

    def _openings(self, entry: bytes) -> Iterator[Move]:
        for place, record in self.readings.placed(entry):
            if isinstance(record, Propose):
                move = move_at(self.readings, place, entry, record)
                if move is not None:
                    yield move


def move_at(readings: Holdings, place: int, entry: bytes, record: Record) -> Move | None:
    """An entry as a move, None if it does not count."""
    state = readings.standing(place >> PLACE_BITS)
    if state is None or not standing.counts(readings, place):
        return None
    order = (state.ordinal, place & INDEX_MASK, entry)
    return Move(EntryId(entry), state.commune, order, record, standing.is_contested(readings, place), place)


class _Gathered:
    """The moves of one exchange while they are gathered.

    Branches can hold the same entry past a cut. It is one move then, which
    knew what it knew on any of them: a fork must not make a party forget.
    """

    def __init__(self, readings: Readings, opening: Move) -> None:
        assert isinstance(opening.record, Propose)
        self.readings = readings
        self.opening = opening
        self.parties = opening.record.parties
        self.newer = False
        self._copies: dict[bytes, list[Move]] = {}

    def add(self, move: Move) -> bool:
        """Add a copy of an entry; whether it is the first."""
        copies = self._copies.setdefault(move.id, [])
        is_first = not copies
        if all(move.place != held.place for held in copies):
            copies.append(move)
        return is_first

    def hear_newer(self, place: int) -> None:
        """Take note of a record that this version cannot interpret, if it is a party's and counts."""
        state = self.readings.standing(place >> PLACE_BITS)
        if state is not None and state.commune in self.parties and standing.counts(self.readings, place):
            self.newer = True

    def moves(self) -> list[Move]:
        """One move an entry: of a log that two communes opened, by a fork at entry 0, as a party's."""
        found = [
            min(copies, key=lambda move: (move.commune not in self.parties, *_firmest(move)))
            for entry, copies in self._copies.items()
            if entry != self.opening.id
        ]
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
        if any(standing.had_written(self.readings, no, yes) for no in said_no for yes in said_yes):
            return False
        return not all(
            any(standing.had_written(self.readings, yes, no) for no in said_no) for yes in said_yes
        )

    def saw(self, move: Move, other: Move) -> bool:
        """`exchange.Saw`."""
        if move.commune == other.commune:
            return other.order < move.order
        return any(
            standing.had_seen(self.readings, one.place, another.place)
            for one in self._copies[move.id]
            for another in self._copies[other.id]
        )


def _firmest(move: Move) -> tuple[bool, tuple[int, int, bytes], bytes]:
    """What is least for the copy of an entry that counts most."""
    return move.contested, move.order, move.commune
