"""Talks: communes that say things about one exchange, without logs, heads or signatures.

    talk = Talk("Montes", "Valle")
    talk.propose("Montes", ("Montes", "Valle", "maíz", kg(100)), ("Valle", "Montes", "clavos", kg(20)))
    talk.say("Valle", Accept)
    talk.say("Montes", Deliver, transfer=0, quantity=kg(100))
    talk.exchange().state

Whoever speaks has heard all that was said before, but from those in `deaf`:
of them they know what they had heard when they last listened. `exchange` folds
the first proposal (or another one) over everything said. What a fork or an
older log makes of a move is said here by `contested` and `order`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import msgspec

from ledger.exchange import Exchange, Move, fold
from ledger.kinds import CommuneId, Propose, Quantity, Settle, Transfer, Withdraw
from ledger.log import EntryId

Asked = tuple[str, str, str, Quantity | None]
"""Giver, receiver, title and quantity of a transfer."""


def commune_id(name: str) -> CommuneId:
    """The id of a commune, from its name."""
    return CommuneId(sha256(name.encode()).digest())


def transfers_of(parties: tuple[bytes, ...], *asked: Asked, **fields: Any) -> tuple[Transfer, ...]:
    """Transfers between named communes, all with the same further fields."""
    return tuple(
        Transfer(
            giver=parties.index(commune_id(giver)),
            receiver=parties.index(commune_id(receiver)),
            title=title,
            quantity=quantity,
            **fields,
        )
        for giver, receiver, title, quantity in asked
    )


@dataclass(repr=False)
class Talk:
    """Everything that was said, in the order in which it was, and what each had heard."""

    clock: int = 1_000
    moves: list[Move] = field(default_factory=list)
    heard: dict[EntryId, frozenset[EntryId]] = field(default_factory=dict)
    ears: dict[CommuneId, frozenset[EntryId]] = field(default_factory=dict)

    def __repr__(self) -> str:
        """Everything said, a line each: who, what, about which line, having heard which lines."""
        lines = {move.id: number for number, move in enumerate(self.moves)}
        told = []
        for move in self.moves:
            fields = {key: value for key, value in msgspec.structs.asdict(move.record).items() if value}
            for key in ("parties", "transfers", "kind"):
                fields.pop(key, None)
            shown = {key: lines.get(value, value) for key, value in fields.items()}
            heard = sorted(lines[entry] for entry in self.heard[move.id] if entry in lines)
            mark = "contested " if move.contested else ""
            told.append(f"{move.commune.hex()[:4]} {mark}{move.record.kind} {shown} heard {heard}")
        return "\n".join(["Talk", *(f"  {number}: {line}" for number, line in enumerate(told))])

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """How hypothesis shows a failing example."""
        printer.text(repr(self))

    def add(
        self,
        name: str,
        record: Any,
        *,
        deaf: Collection[str] = (),
        contested: bool = False,
        order: tuple[int, int] | None = None,
    ) -> EntryId:
        """Say a record; returns its id."""
        self.listen(name, deaf=deaf)
        commune = commune_id(name)
        number = len(self.moves)
        entry = EntryId(sha256(f"{name} {number}".encode()).digest())
        ordinal, index = order or (0, number)
        self.moves.append(Move(entry, commune, (ordinal, index, entry), record, contested, number))
        self.heard[entry] = self.ears[commune]
        return entry

    def listen(self, name: str, *, deaf: Collection[str] = ()) -> None:
        """Hear all that was said, but from those in `deaf`."""
        unheard = {commune_id(other) for other in deaf}
        heard = {move.id for move in self.moves if move.commune not in unheard}
        self.ears[commune_id(name)] = self.ears.get(commune_id(name), frozenset()) | heard

    def say(
        self, name: str, kind: Callable[..., Any], *, about: EntryId | None = None, **fields: Any
    ) -> EntryId:
        """Say a record about the first proposal, or about the dispute, cancel or proposal given."""
        context = {key: fields.pop(key) for key in ("deaf", "contested", "order") if key in fields}
        self.clock += 1_000
        fields.setdefault("at", self.clock)
        target = self.opening.id if about is None else about
        key = {Settle: "dispute", Withdraw: "target", Propose: "replaces"}.get(kind, "exchange")  # type: ignore[call-overload]
        return self.add(name, kind(**{key: target}, **fields), **context)

    def propose(self, name: str, *asked: Asked, deaf: Collection[str] = (), **fields: Any) -> EntryId:
        """Propose transfers between all who give or receive."""
        self.clock += 1_000
        parties = tuple(
            sorted({commune_id(side) for giver, receiver, *_ in asked for side in (giver, receiver)})
        )
        proposal = Propose(at=self.clock, parties=parties, transfers=transfers_of(parties, *asked), **fields)
        return self.add(name, proposal, deaf=deaf)

    @property
    def opening(self) -> Move:
        """The first proposal."""
        return self.moves[0]

    @property
    def proposal(self) -> Propose:
        """What it proposes."""
        assert isinstance(self.opening.record, Propose)
        return self.opening.record

    def move(self, entry: EntryId) -> Move:
        """The move with an id."""
        return next(move for move in self.moves if move.id == entry)

    def saw(self, move: Move, other: Move) -> bool:
        """`exchange.Saw`: of another commune, what had been heard."""
        assert move.commune != other.commune
        return other.id in self.heard[move.id]

    def exchange(
        self, moves: Iterable[Move] | None = None, *, opening: EntryId | None = None, newer: bool = False
    ) -> Exchange:
        """Fold everything, or these moves, about the first proposal or another one."""
        first = self.opening if opening is None else self.move(opening)
        return fold(first, self.moves if moves is None else moves, self.saw, newer=newer)

    def refusal(self, entry: EntryId) -> str | None:
        """Why a move has no effect on the first proposal, None if it has one."""
        return next((item.code for item in self.exchange().refused if item.id == entry), None)


def kg(number: int, scale: int = 0) -> Quantity:
    """So many kilograms."""
    return Quantity(number, scale, "kg")
