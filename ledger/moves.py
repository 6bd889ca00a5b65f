"""Moves: who may say what about an exchange, and after what.

Decides which records are moves, in one table, and for each of them what it
names, who may make it and what its writer must have seen. What the moves that
the table allows amount to is `exchange`'s and `agreement`'s. Whoever brings
moves says which entries count, whose they are and what their writers had seen
(`standing`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Final, NamedTuple, TypeAlias

from .authority import Refused
from .kinds import (
    Accept,
    Cancel,
    CommuneId,
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
from .limits import MAX_SCALE, MAX_WORDS
from .log import EntryId


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
"""Whether the writer of the first move held the second one, another commune's, when writing: by `seen`."""


class Names(StrEnum):
    """What a move's id stands for: the proposal, a dispute about the exchange, or a cancel of it."""

    PROPOSAL = "proposal"
    DISPUTE = "dispute"
    CANCEL = "cancel"


class Who(StrEnum):
    """Who may make a move.

    Giver and receiver are those of the transfer that it names; a side is either
    of them, or any party where no transfer is named; the author is who wrote
    the entry that it names.
    """

    PROPOSER = "proposer"
    ANSWERER = "answerer"
    PARTY = "party"
    GIVER = "giver"
    RECEIVER = "receiver"
    SIDE = "side"
    AUTHOR = "author"


class Once(StrEnum):
    """What the writer of a move must have known.

    What it names (its id says so), the proposal by its log's `seen`, or that
    all parties had agreed.
    """

    NAMED = "named"
    PROPOSED = "proposed"
    AGREED = "agreed"


class Rule(NamedTuple):
    """One line of the table: what the move names, who may make it, and once they knew what."""

    names: Names
    who: Who
    once: Once


MOVES: Final[Mapping[str, tuple[Rule, ...]]] = {
    "accept": (
        Rule(Names.PROPOSAL, Who.ANSWERER, Once.PROPOSED),
        Rule(Names.PROPOSAL, Who.PROPOSER, Once.PROPOSED),
    ),
    "decline": (Rule(Names.PROPOSAL, Who.ANSWERER, Once.NAMED),),
    "propose": (
        Rule(Names.PROPOSAL, Who.ANSWERER, Once.NAMED),
        Rule(Names.PROPOSAL, Who.PROPOSER, Once.NAMED),
    ),
    "withdraw": (
        Rule(Names.PROPOSAL, Who.PROPOSER, Once.NAMED),
        Rule(Names.CANCEL, Who.AUTHOR, Once.AGREED),
    ),
    "deliver": (Rule(Names.PROPOSAL, Who.GIVER, Once.AGREED),),
    "receive": (Rule(Names.PROPOSAL, Who.RECEIVER, Once.AGREED),),
    "dispute": (Rule(Names.PROPOSAL, Who.SIDE, Once.AGREED),),
    "settle": (Rule(Names.DISPUTE, Who.SIDE, Once.AGREED),),
    "cancel": (Rule(Names.PROPOSAL, Who.PARTY, Once.AGREED),),
}
"""The table of moves, by kind.

The proposer's `accept` confirms late acceptances; a `propose` that `replaces`
the proposal is an answerer's counter-offer or the proposer's replacement.
"""

REASONS: Final[Mapping[str, str]] = {
    "stranger": "It was written by a commune that is no party to the exchange.",
    "misdirected": "It names an entry that such a record cannot be about.",
    "no-such-transfer": "It names a transfer that the proposal does not have.",
    "not-yours": "It is another party's to say.",
    "other-unit": "It gives no amount in the unit that was agreed.",
    "unseen": "It accepts, and its log had not seen the proposal.",
    "answered-already": "Its commune had answered the proposal before.",
    "withdrawn-already": "It answers a proposal that its log had seen withdrawn or replaced.",
    "nothing-late": "It confirms late acceptances, and there is none that its log had seen.",
    "agreed-already": "It takes back a proposal that its log had seen accepted by all.",
    "crossed": "It crossed with the answer that completed what it takes back; nobody is at fault.",
    "not-agreed": "As far as is known here, its log had not seen all parties agree.",
    "no-such-dispute": "It settles a dispute that the rules refuse.",
    "no-such-cancel": "It takes back a cancel that the rules refuse.",
    "too-many": "Its commune said more about this than is weighed.",
    "cancelled-already": "It takes back a cancel, and its log had seen that all parties had cancelled.",
}
"""Every reason for which a move has no effect, by its code, as a sentence about the record."""


def is_proposal(move: Move) -> bool:
    """Whether a move opens an exchange: a proposal by one of its own parties."""
    return isinstance(move.record, Propose) and move.commune in move.record.parties


def named_by(record: Record) -> bytes | None:
    """The id that a record names as a move; None if it is none."""
    match record:
        case Accept() | Decline() | Deliver() | Receive() | Dispute() | Cancel():
            return record.exchange
        case Settle():
            return record.dispute
        case Withdraw():
            return record.target
        case Propose():
            return record.replaces
    return None


def millionths(quantity: Quantity) -> int:
    """A quantity as a whole number of millionths of its unit."""
    return int(quantity.number * 10 ** (MAX_SCALE - quantity.scale))


class Permitted:
    """The moves about one proposal that the table allows, each commune's in its own order.

    `refused` collects those that have no effect, with a code of `REASONS`.
    """

    def __init__(self, opening: Move, moves: Iterable[Move], saw: Saw) -> None:
        assert isinstance(opening.record, Propose)
        self.opening = opening
        self.proposal = opening.record
        self.parties = frozenset(CommuneId(party) for party in opening.record.parties)
        self.refused: list[Refused] = []
        self._saw = saw
        self._of: dict[tuple[str, Names], list[Move]] = {}
        ordered = _distinct(opening, moves)
        self._known: dict[bytes, tuple[Names, Move]] = {opening.id: (Names.PROPOSAL, opening)}
        for move in ordered:
            if isinstance(move.record, Dispute | Cancel) and move.record.exchange == opening.id:
                names = Names.DISPUTE if isinstance(move.record, Dispute) else Names.CANCEL
                self._known[move.id] = (names, move)
        for move in ordered:
            self._file(move)

    def of(self, kind: str, names: Names = Names.PROPOSAL) -> Sequence[Move]:
        """The moves of one kind that still stand."""
        return self._of.get((kind, names), ())

    def refuse(self, move: Move, code: str) -> None:
        """Note that a move has no effect."""
        self.refused.append(Refused(move.id, code))

    def knew(self, move: Move, other: Move) -> bool:
        """Whether the writer of a move had the other one before it: as its own, or by `seen`."""
        if move.commune == other.commune:
            return other.order < move.order
        return self._saw(move, other)

    def first(self, moves: Iterable[Move]) -> list[Move]:
        """Words of one commune about one thing, as many as are weighed, firm ones first; refuses the rest."""
        ordered = sorted(moves, key=lambda move: (move.contested, move.order))
        for move in ordered[MAX_WORDS:]:
            self.refuse(move, "too-many")
        return ordered[:MAX_WORDS]

    def require_agreement(self, known_to: Callable[[Move], bool]) -> None:
        """Refuse the moves that need agreement where their writers did not know of it."""
        for key in _ONCE_AGREED & self._of.keys():
            standing = []
            for move in self._of[key]:
                if known_to(move):
                    standing.append(move)
                else:
                    self.refuse(move, "not-agreed")
            self._of[key] = standing

    def sides(self, transfer: int | None) -> frozenset[CommuneId]:
        """Giver and receiver of a transfer; all parties where none is named."""
        if transfer is None:
            return self.parties
        leg = self.proposal.transfers[transfer]
        return frozenset(CommuneId(self.proposal.parties[place]) for place in (leg.giver, leg.receiver))

    def _file(self, move: Move) -> None:
        names, target = self._known.get(named_by(move.record) or b"", (None, move))
        if names is None:
            return
        rules = [rule for rule in MOVES[move.record.kind] if rule.names is names]
        said_of = target.record if names is Names.DISPUTE else move.record
        transfer = said_of.transfer if isinstance(said_of, Deliver | Receive | Dispute) else None
        if move.commune not in self.parties:
            self.refuse(move, "stranger")
        elif not rules:
            self.refuse(move, "misdirected")
        elif transfer is not None and transfer >= len(self.proposal.transfers):
            self.refuse(move, "no-such-dispute" if names is Names.DISPUTE else "no-such-transfer")
        elif not any(self._is(rule.who, move, target, transfer) for rule in rules):
            self.refuse(move, "not-yours")
        elif rules[0].once is Once.PROPOSED and not self.knew(move, self.opening):
            self.refuse(move, "unseen")
        else:
            self._of.setdefault((move.record.kind, names), []).append(move)

    def _is(self, who: Who, move: Move, target: Move, transfer: int | None) -> bool:
        """Whether the writer of a move, a party, is who the table asks for."""
        if isinstance(move.record, Propose) and not is_proposal(move):
            return False
        match who:
            case Who.PROPOSER:
                return move.commune == self.opening.commune
            case Who.ANSWERER:
                return move.commune != self.opening.commune
            case Who.PARTY:
                return True
            case Who.AUTHOR:
                return move.commune == target.commune
            case Who.SIDE:
                return move.commune in self.sides(transfer)
        assert transfer is not None
        leg = self.proposal.transfers[transfer]
        return move.commune == self.proposal.parties[leg.giver if who is Who.GIVER else leg.receiver]


_ONCE_AGREED: Final = frozenset(
    (kind, rule.names) for kind, rules in MOVES.items() for rule in rules if rule.once is Once.AGREED
)


def _distinct(opening: Move, moves: Iterable[Move]) -> list[Move]:
    """One move for each entry but the proposal itself, in an order that does not depend on how they came."""
    found: dict[bytes, Move] = {}
    for move in moves:
        held = found.get(move.id)
        if held is None or (move.contested, move.commune, move.order) < (
            held.contested, held.commune, held.order
        ):  # fmt: skip
            found[move.id] = move
    found.pop(opening.id, None)
    return sorted(found.values(), key=lambda move: (move.commune, move.order))
