"""Steps: what a commune may do next in an exchange, and whose word it waits for.

Decides, before anything is signed, whether a commune that has seen everything
held here may make a move, and says in one sentence why not. It is stricter than
the fold where a move would be allowed and pointless. What moves amount to once
they are signed is `exchange`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from .errors import MoveRefused
from .exchange import MOVES, Exchange, State
from .kinds import CommuneId, Deliver, Dispute, Propose, Receive, Record, Settle, Withdraw
from .moves import named_by


class Step(NamedTuple):
    """Something that an exchange waits for: who has to act, by which kind of record, for which transfer.

    `accept` stands for any answer; with the proposer it is the confirmation of
    a late acceptance.
    """

    commune: CommuneId
    kind: str
    transfer: int | None = None


_OVER: Final[Mapping[State, str]] = {
    State.AGREED: "The exchange is agreed: to end what is still due, ask the other parties to cancel it too.",
    State.DECLINED: "The proposal was declined: make a new one.",
    State.WITHDRAWN: "The proposal was withdrawn: make a new one.",
    State.REPLACED: "The proposal was replaced by another one: answer that, or make a new one.",
    State.CANCELLED: "All parties cancelled the exchange: make a new proposal.",
    State.FULFILLED: "The exchange is fulfilled: if something is wrong with it, open a dispute.",
    State.CLOSED: "The exchange is closed by a settled dispute: make a new proposal.",
}
_AFTER_AGREEMENT: Final = frozenset({State.AGREED, State.CANCELLED, State.FULFILLED, State.CLOSED})


def available_moves(exchange: Exchange, commune: CommuneId) -> tuple[str, ...]:
    """The kinds of record by which a commune may go on, in the order of the table of moves.

    To say of more than was agreed that it was handed over is allowed, and nothing that goes on.
    """
    return tuple(
        kind
        for kind in MOVES
        if _why_not(exchange, commune, kind) is None and not _is_all_said(exchange, commune, kind)
    )


def _is_all_said(exchange: Exchange, commune: CommuneId, kind: str) -> bool:
    """Whether a commune has said of all that it gives, or gets, that it was handed over."""
    if kind == "deliver":
        return all(leg.given >= leg.agreed for leg in exchange.legs if leg.giver == commune)
    if kind == "receive":
        return all(leg.got >= leg.agreed for leg in exchange.legs if leg.receiver == commune)
    return False


def check_move(exchange: Exchange, commune: CommuneId, record: Record) -> None:
    """Raise MoveRefused, saying why and what to do, unless the commune may make this move now."""
    reason = _why_not(exchange, commune, record.kind) or _why_not_so(exchange, commune, record)
    if reason is _OVER[State.REPLACED] and exchange.replaced_by is not None:
        raise MoveRefused(
            "The proposal was replaced by {id}: answer that, or make a new one.",
            id=exchange.replaced_by.hex()[:12],
        )
    if reason is not None:
        raise MoveRefused(reason)


def awaited(exchange: Exchange) -> tuple[Step, ...]:
    """What an exchange waits for, and from whom; nothing once it is over and undisputed."""
    steps = [Step(commune, "accept") for commune in exchange.wanting]
    if exchange.state is State.AGREED:
        for place, leg in enumerate(exchange.legs):
            if leg.closed or leg.done:
                continue
            if leg.given < leg.agreed:
                steps.append(Step(leg.giver, "deliver", place))
            if leg.got < min(leg.given, leg.agreed):
                steps.append(Step(leg.receiver, "receive", place))
        if exchange.cancels:
            steps += [
                Step(CommuneId(party), "cancel")
                for party in exchange.proposal.parties
                if party not in exchange.cancelling
            ]
    for quarrel in exchange.quarrels:
        if quarrel.outcome is None:
            said = {word.commune for word in quarrel.words}
            sides = _sides(exchange, quarrel.transfer)
            silent = [side for side in sides if side not in said] or sides
            steps += [Step(side, "settle", quarrel.transfer) for side in silent]
    return tuple(steps)


def _sides(exchange: Exchange, transfer: int | None) -> tuple[CommuneId, ...]:
    if transfer is None:
        return tuple(CommuneId(party) for party in exchange.proposal.parties)
    leg = exchange.legs[transfer]
    return leg.giver, leg.receiver


def _why_not(exchange: Exchange, commune: CommuneId, kind: str) -> str | None:
    """Why the commune can make no move of a kind at all; None if it can make one."""
    if kind not in MOVES:
        return "A record of this kind says nothing about an exchange: choose another step."
    if commune not in exchange.proposal.parties:
        return "This commune is not a party to the exchange: only those named in the proposal can act in it."
    match kind:
        case "accept" | "decline" | "propose":
            return _why_no_answer(exchange, commune, kind)
        case "withdraw":
            return _why_no_withdrawal(exchange, commune)
        case "deliver":
            givers = {leg.giver for leg in exchange.legs}
            return _why_not_agreed(exchange) or (
                None
                if commune in givers
                else "This commune gives nothing in the exchange: record what it receives."
            )
        case "receive":
            receivers = {leg.receiver for leg in exchange.legs}
            return _why_not_agreed(exchange) or (
                None
                if commune in receivers
                else "This commune receives nothing in the exchange: record what it gives."
            )
        case "settle":
            mine = any(
                quarrel.outcome is None and commune in _sides(exchange, quarrel.transfer)
                for quarrel in exchange.quarrels
            )
            return None if mine else "No dispute of this commune stands open in the exchange: open one first."
        case "cancel":
            if exchange.state is not State.AGREED:
                return _why_not_agreed(exchange) or _OVER[exchange.state]
            if commune in exchange.cancelling:
                return "This commune has cancelled already: it ends when all parties have."
            return None
    return _why_not_agreed(exchange)


def _why_not_agreed(exchange: Exchange) -> str | None:
    if exchange.state is State.PROPOSED:
        return "Not all parties have accepted yet: wait for their answers."
    return None if exchange.state in _AFTER_AGREEMENT else _OVER[exchange.state]


def _why_no_answer(exchange: Exchange, commune: CommuneId, kind: str) -> str | None:
    if exchange.state is not State.PROPOSED:
        return _OVER[exchange.state]
    if commune == exchange.proposer:
        if kind == "decline":
            return "This is the commune's own proposal: withdraw it instead."
        if kind == "accept" and commune not in exchange.wanting:
            return "By proposing, this commune has accepted already: wait for the other parties."
        return None
    if commune not in exchange.wanting:
        return "This commune has answered already, and its first answer counts: wait for the other parties."
    return None


def _why_no_withdrawal(exchange: Exchange, commune: CommuneId) -> str | None:
    if exchange.state is State.PROPOSED:
        if commune == exchange.proposer:
            return None
        return "Only the commune that made the proposal can withdraw it: decline it instead."
    if exchange.state is State.AGREED and commune in exchange.cancelling:
        return None
    return _OVER[exchange.state]


def _why_not_so(exchange: Exchange, commune: CommuneId, record: Record) -> str | None:
    """Why the commune cannot make this very move, though it can make one of its kind."""
    named = named_by(record)
    match record:
        case Settle():
            quarrel = next((item for item in exchange.quarrels if item.id == named), None)
            if quarrel is None or quarrel.outcome is not None:
                return "No such dispute stands open in this exchange: name one that does."
            if commune not in _sides(exchange, quarrel.transfer):
                return "The dispute is about a transfer between other parties: they have to settle it."
            return None
        case Withdraw() if exchange.state is State.AGREED:
            own = {word.id for word in exchange.cancels if word.commune == commune}
            return (
                None
                if named in own
                else "What can be taken back is the commune's own last cancel: name that."
            )
    if named != exchange.id:
        return "The record names another exchange: name this one."
    match record:
        case Propose():
            if commune not in record.parties:
                return "This commune is not among the parties that it proposes: add it."
        case Deliver() | Receive() | Dispute():
            return _why_not_this_transfer(exchange, commune, record)
    return None


def _why_not_this_transfer(
    exchange: Exchange, commune: CommuneId, record: Deliver | Receive | Dispute
) -> str | None:
    if record.transfer is None:
        return None
    if record.transfer >= len(exchange.legs):
        return "The exchange has no transfer of that number: choose one from its list of transfers."
    leg = exchange.legs[record.transfer]
    if isinstance(record, Dispute):
        if commune not in (leg.giver, leg.receiver):
            return "The transfer is between other parties: dispute one of your own, or the whole exchange."
        return None
    if commune != (leg.giver if isinstance(record, Deliver) else leg.receiver):
        return "That is for the other side of the transfer to say: record your own side of it."
    agreed = leg.transfer.quantity
    if agreed is not None and (record.quantity is None or record.quantity.unit != agreed.unit):
        return "The quantity has to be given in the unit that was agreed: units are never converted."
    return None
