"""Settlement: what the sides of an exchange say in common, about a dispute or about cancelling it.

Decides what each side's last word is, when all sides have said the same, and
that it stays said once one of them knew of it. Who may speak is `moves`'s; what
a settled dispute or a complete cancellation does to the transfers is
`exchange`'s.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from .kinds import CommuneId, Dispute, Settle
from .log import EntryId
from .moves import Move, Names, Permitted, named_by


class Word(NamedTuple):
    """What a commune said last about a dispute or a cancel, and in which entry."""

    commune: CommuneId
    said: str
    id: EntryId


class Quarrel(NamedTuple):
    """A dispute: who opened it, over which transfer (None: all), and its common outcome, if any yet.

    `words` are what each side that spoke said last: `due` or `closed`.
    """

    id: EntryId
    commune: CommuneId
    transfer: int | None
    outcome: str | None
    words: tuple[Word, ...]


class _Said(NamedTuple):
    move: Move
    word: str


def quarrels_of(moves: Permitted, counted: list[Move]) -> tuple[Quarrel, ...]:
    """The disputes of an exchange, in order of their ids; adds the moves that count to `counted`."""
    disputes = {move.id: move for move in moves.of("dispute")}
    said: dict[bytes, dict[CommuneId, list[_Said]]] = {dispute: {} for dispute in disputes}
    for move in moves.of("settle", Names.DISPUTE):
        assert isinstance(move.record, Settle)
        if move.record.dispute in said:
            words = said[move.record.dispute].setdefault(move.commune, [])
            words.append(_Said(move, move.record.outcome))
        else:
            moves.refuse(move, "no-such-dispute")
    return tuple(_quarrel(moves, disputes[dispute], said[dispute], counted) for dispute in sorted(disputes))


def _quarrel(
    moves: Permitted, dispute: Move, said: Mapping[CommuneId, list[_Said]], counted: list[Move]
) -> Quarrel:
    assert isinstance(dispute.record, Dispute)
    transfer = dispute.record.transfer
    weighed = {side: _weighed(moves, words) for side, words in sorted(said.items())}
    counted += [dispute, *(move for words in weighed.values() for move, _ in words)]
    last = tuple(Word(side, words[-1].word, words[-1].move.id) for side, words in weighed.items())
    outcome = _outcome(moves, moves.sides(transfer), weighed)
    return Quarrel(dispute.id, dispute.commune, transfer, outcome, last)


def _outcome(
    moves: Permitted, sides: frozenset[CommuneId], said: Mapping[CommuneId, Sequence[_Said]]
) -> str | None:
    """What all sides say now; else what they last had said in common and one of them knew of.

    Of two things that they had, the one counts that was said knowing the other;
    if neither was, the words crossed, and the dispute stands open.
    """
    last = {words[-1].word for words in said.values()}
    if said.keys() == sides and len(last) == 1:
        return last.pop()
    known = list(_known_in_common(moves, sides, said))
    common = {
        word
        for word, move in known
        if not any(word != later and moves.knew(other, move) for later, other in known)
    }
    return common.pop() if len(common) == 1 else None


def cancels_of(moves: Permitted, counted: list[Move]) -> tuple[Word, ...]:
    """The cancels that stand; those of all parties once the cancellation is complete.

    It is when the last word of every party is a cancel, and stays so once one
    of them knew that: what takes a cancel back later counts no more.
    """
    cancels = {move.id: move for move in moves.of("cancel")}
    said: dict[CommuneId, list[_Said]] = {}
    last: dict[CommuneId, Move] = {}
    for move in sorted((*cancels.values(), *moves.of("withdraw", Names.CANCEL)), key=lambda move: move.order):
        if move.id in cancels:
            last[move.commune] = move
        elif move.commune not in last or last[move.commune].id != named_by(move.record):
            moves.refuse(move, "no-such-cancel")
            continue
        said.setdefault(move.commune, []).append(_Said(move, move.record.kind))
    said = {commune: _weighed(moves, words) for commune, words in said.items()}
    known = {move.id for word, move in _known_in_common(moves, moves.parties, said) if word == "cancel"}
    for words in said.values():
        while known and words[-1].word == "withdraw":
            move = words.pop().move
            # Where only one that takes back knew of the completion, it counts as bearing witness of it.
            if known & cancels.keys():
                moves.refuse(move, "cancelled-already" if move.id in known else "crossed")
            else:
                counted.append(move)
        counted += [move for move, _ in words]
    return tuple(
        Word(commune, "cancel", words[-1].move.id)
        for commune, words in sorted(said.items())
        if words[-1].word == "cancel"
    )


def _weighed(moves: Permitted, words: Sequence[_Said]) -> list[_Said]:
    """As many words of one commune as are weighed, in its own order."""
    weighed = {move.id for move in moves.first(move for move, _ in words)}
    return [said for said in words if said.move.id in weighed]


def _known_in_common(
    moves: Permitted, sides: frozenset[CommuneId], said: Mapping[CommuneId, Sequence[_Said]]
) -> Iterator[tuple[str, Move]]:
    """What all sides said in common, by the knowledge of one of them, with the move that shows it.

    So it is if a side, when it spoke, had a last word of each other side, and
    all these were the same as what it said then, or as what it had said before.
    """
    if said.keys() != sides:
        return
    for side, words in said.items():
        others = [said[other] for other in sides if other != side]
        for place, (move, word) in enumerate(words):
            heard = {
                next((other.word for other in reversed(theirs) if moves.knew(move, other.move)), None)
                for theirs in others
            }
            before = words[place - 1].word if place else None
            common = heard.pop() if len(heard) == 1 else None
            if common is not None and common in (word, before):
                yield common, move
