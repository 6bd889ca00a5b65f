"""Exchanges as JSON: what was agreed, how far it is by the word of each side, and all that was said."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal, TypeAlias

import msgspec

from ledger import exchange as rules
from ledger.exchange import Form, State
from ledger.steps import available_moves, awaited

from .. import wording
from ..overview import Names, Said
from ..service import Service
from . import Amount, Day, Id, Time, hex_of, one_of

Outcome: TypeAlias = Annotated[str, one_of("due", "closed")]


class Party(msgspec.Struct, frozen=True):
    """A commune in an exchange."""

    id: Id
    name: str


class Transfer(msgspec.Struct, frozen=True, kw_only=True):
    """A transfer, and how far it is."""

    number: int
    giver: Id = msgspec.field(name="from")
    receiver: Id = msgspec.field(name="to")
    title: str
    category: str | None
    quantity: Amount | None
    unit: str | None
    given: Amount
    got: Amount
    due: Amount
    done: bool
    closed: bool
    short: bool
    damaged: bool
    due_on: Day | None
    listing: Id | None


class Answer(msgspec.Struct, frozen=True):
    """What a party answered to a proposal."""

    commune: Id
    kind: Annotated[str, one_of("accept", "decline", "propose")]
    id: Id
    late: bool


class Step(msgspec.Struct, frozen=True):
    """What an exchange waits for, and from whom."""

    commune: Id
    kind: str
    transfer: int | None


class Word(msgspec.Struct, frozen=True):
    """What a side of a dispute said last."""

    commune: Id
    outcome: Outcome


class Dispute(msgspec.Struct, frozen=True):
    """A dispute about a transfer, or the whole of an exchange."""

    id: Id
    commune: Id
    transfer: int | None
    outcome: Outcome | None
    words: tuple[Word, ...]


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """An exchange."""

    id: Id
    commune: Id
    state: State
    form: Form
    lapsed: bool
    disputed: bool
    contested: bool
    newer: bool
    parties: tuple[Party, ...]
    transfers: tuple[Transfer, ...]
    answers: tuple[Answer, ...]
    waiting_for: tuple[Step, ...]
    moves_open: tuple[str, ...]
    disputes: tuple[Dispute, ...]
    cancelled_by: tuple[Id, ...]
    note: str | None
    answer_by: Time | None
    replaces: Id | None
    replaced_by: Id | None
    by: str | None
    at: Time


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was said in an exchange."""

    id: Id
    commune: Id | None
    log: Id
    index: int
    kind: str | None
    transfer: int | None
    quantity: Amount | None
    unit: str | None
    condition: Literal["good", "short", "damaged"] | None
    outcome: Outcome | None
    note: str | None
    counts: bool
    contested: bool
    refused: str | None
    by: str | None
    at: Time | None


class ExchangeInFull(Exchange, frozen=True, kw_only=True):
    """An exchange with all that was said in it, the proposal first."""

    moves: tuple[Move, ...]


def exchange_of(row: rules.Exchange, service: Service, now: int, names: Names) -> Exchange:
    """An exchange as the home's commune stands to it; `now` in milliseconds."""
    proposal, own = row.proposal, service.own
    return Exchange(
        id=row.id.hex(),
        commune=row.proposer.hex(),
        state=row.state,
        form=row.form,
        lapsed=row.lapsed(now),
        disputed=row.disputed,
        contested=row.contested,
        newer=row.newer,
        parties=tuple(Party(party.hex(), names[party]) for party in proposal.parties),
        transfers=tuple(transfer_of(leg, number) for number, leg in enumerate(row.legs, 1)),
        answers=tuple(
            Answer(answer.commune.hex(), answer.kind, answer.id.hex(), answer.late) for answer in row.answers
        ),
        waiting_for=tuple(
            Step(step.commune.hex(), step.kind, _number(step.transfer)) for step in awaited(row)
        ),
        moves_open=() if own is None else available_moves(row, own),
        disputes=tuple(
            Dispute(
                quarrel.id.hex(),
                quarrel.commune.hex(),
                _number(quarrel.transfer),
                quarrel.outcome,
                tuple(Word(word.commune.hex(), word.said) for word in quarrel.words),
            )
            for quarrel in row.quarrels
        ),
        cancelled_by=tuple(party.hex() for party in row.cancelling),
        note=proposal.note,
        answer_by=proposal.answer_by,
        replaces=hex_of(proposal.replaces),
        replaced_by=hex_of(row.replaced_by),
        by=proposal.by,
        at=proposal.at,
    )


def in_full(exchange: Exchange, said: Iterable[Said]) -> ExchangeInFull:
    """An exchange with all that was said in it."""
    return ExchangeInFull(**msgspec.structs.asdict(exchange), moves=moves_of(said))


def transfer_of(leg: rules.Leg, number: int) -> Transfer:
    """A transfer by its number, counted from 1."""
    quantity = leg.transfer.quantity

    def amount(millionths: int) -> str:
        return str(millionths) if quantity is None else wording.decimal(millionths)

    return Transfer(
        number=number,
        giver=leg.giver.hex(),
        receiver=leg.receiver.hex(),
        title=leg.transfer.title,
        category=leg.transfer.category,
        quantity=None if quantity is None else wording.decimal_of(quantity),
        unit=None if quantity is None else quantity.unit,
        given=amount(leg.given),
        got=amount(leg.got),
        due=amount(leg.due),
        done=leg.done,
        closed=leg.closed,
        short=leg.short,
        damaged=leg.damaged,
        due_on=leg.transfer.due,
        listing=hex_of(leg.transfer.listing),
    )


def moves_of(said: Iterable[Said]) -> tuple[Move, ...]:
    """All that was said in an exchange, its proposal first."""
    return tuple(_move(each) for each in said)


def _move(each: Said) -> Move:
    record = each.row.record
    quantity = getattr(record, "quantity", None)
    return Move(
        id=each.row.id.hex(),
        commune=hex_of(each.commune),
        log=each.row.log.hex(),
        index=each.row.index,
        kind=getattr(record, "kind", None),
        transfer=_number(getattr(record, "transfer", None)),
        quantity=None if quantity is None else wording.decimal_of(quantity),
        unit=None if quantity is None else quantity.unit,
        condition=getattr(record, "condition", None),
        outcome=getattr(record, "outcome", None),
        note=getattr(record, "note", None) or getattr(record, "reason", None),
        counts=each.counts,
        contested=each.contested,
        refused=each.refused,
        by=getattr(record, "by", None),
        at=getattr(record, "at", None),
    )


def _number(place: int | None) -> int | None:
    """The number of a transfer, counted from 1."""
    return None if place is None else place + 1
