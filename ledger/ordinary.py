"""The ordinary exchange, folded in one pass.

Nearly every exchange is accepted by all in time, then delivered and received,
and nothing else is ever said about it. Decides nothing of its own: `fold` gives
what `exchange.fold` gives (a test holds them equal), or None at the first move
that is out of the ordinary. It is here because the store and the audit fold
every exchange, and this is several times as fast.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from .agreement import Answer
from .exchange import Exchange, Leg, State, form_of
from .kinds import Accept, CommuneId, Deliver, Propose, Receive
from .limits import MAX_SCALE
from .moves import Move, Saw

_HANDING: Final = (Deliver, Receive)

STEPS: Final = (Accept, Deliver, Receive)
"""The moves of an ordinary exchange."""


def fold(opening: Move, moves: Collection[Move], saw: Saw) -> Exchange | None:
    """Fold all moves about a proposal into the state of its exchange, None if one is out of the ordinary."""
    proposal = opening.record
    assert isinstance(proposal, Propose)
    parties = proposal.parties
    accepted: dict[bytes, Move] = {}
    handed: list[Move] = []
    for move in moves:
        record = move.record
        kind = record.__class__
        if move.contested or move.commune not in parties:
            return None
        if kind is Deliver or kind is Receive:
            handed.append(move)
        elif (
            kind is not Accept
            or move.commune in accepted
            or move.commune == opening.commune
            or (proposal.answer_by is not None and record.at > proposal.answer_by)
            or not saw(move, opening)
        ):
            return None
        else:
            accepted[move.commune] = move
    agreed = len(accepted) == len(parties) - 1
    if opening.contested or (handed and not agreed) or len({move.id for move in moves}) < len(moves):
        return None
    sums = _sums(proposal, handed, list(accepted.values()), saw)
    if sums is None:
        return None
    given, got, conditions = sums
    legs = tuple(
        Leg(
            transfer,
            CommuneId(parties[transfer.giver]),
            CommuneId(parties[transfer.receiver]),
            1
            if (quantity := transfer.quantity) is None
            else quantity.number * 10 ** (MAX_SCALE - quantity.scale),
            given[place],
            got[place],
            False,
            (place, "short") in conditions,
            (place, "damaged") in conditions,
        )
        for place, transfer in enumerate(proposal.transfers)
    )
    if not agreed:
        state = State.PROPOSED
    else:
        state = State.FULFILLED if all(leg.done for leg in legs) else State.AGREED
    answers = tuple(
        Answer(CommuneId(party), "accept", accepted[party].id, False) for party in sorted(accepted)
    )
    wanting = tuple(
        CommuneId(party) for party in parties if party != opening.commune and party not in accepted
    )
    return Exchange(
        opening.id, proposal, opening.commune, form_of(proposal), state, answers, wanting, legs,
        (), (), None, False, False, (),
    )  # fmt: skip


def _sums(
    proposal: Propose, handed: list[Move], accepted: list[Move], saw: Saw
) -> tuple[list[int], list[int], set[tuple[int, str]]] | None:
    """What was given and got of each transfer, and in which conditions; None if a move is not in order."""
    parties, transfers = proposal.parties, proposal.transfers
    given, got = [0] * len(transfers), [0] * len(transfers)
    conditions: set[tuple[int, str]] = set()
    # `seen` accumulates along a log: what an entry of a log knew, all later ones of that log know.
    knew: dict[tuple[bytes, int], int] = {}
    for move in handed:
        record = move.record
        assert isinstance(record, _HANDING)
        if record.transfer >= len(transfers):
            return None
        transfer = transfers[record.transfer]
        giving = record.__class__ is Deliver
        if move.commune != parties[transfer.giver if giving else transfer.receiver]:
            return None
        log = (move.commune, move.order[0])
        if move.order[1] < knew.get(log, move.order[1] + 1):
            for other in accepted:
                if not (other.order < move.order if other.commune == move.commune else saw(move, other)):
                    return None
            knew[log] = move.order[1]
        short = False
        if isinstance(record, Receive):
            short = record.condition == "short"
            conditions.add((record.transfer, record.condition))
        agreed, quantity = transfer.quantity, record.quantity
        if agreed is None:
            amount = 0 if short else 1
        elif quantity is None or quantity.unit != agreed.unit:
            return None
        else:
            amount = quantity.number * 10 ** (MAX_SCALE - quantity.scale)
        (given if giving else got)[record.transfer] += amount
    return given, got, conditions
