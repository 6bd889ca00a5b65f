"""Trades: a table of what communities gave each other, as a story that their nodes replay.

    time,giver,receiver,gives,returns,amount
    2020-01-27T06:10:27Z,Vitangani,Vyogato,Food/Water,Farming/Labour,1.0

Decides what a row may hold, and what becomes of it: the receiver posts a need,
the giver an offer; the receiver of every other trade proposes, the giver of the
rest; the other one accepts; each delivers its side and receives the other's.
`amount` is the value that both agreed on, counted in pieces. Two communities
have so many trades under way at once; the next begins when an earlier one of
theirs is over.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from ledger.errors import LocalError
from ledger.limits import MAX_NAME_CHARACTERS
from ledger.records import Offer, to_payload

from .. import typed
from ..errors import InputError
from ..limits import MAX_DEMO_BYTES, MAX_DEMO_COMMUNES
from ..wishes import line_of
from .story import COMMUNE, Act, Member, Story, ref

COLUMNS: Final = ("time", "giver", "receiver", "gives", "returns", "amount")
EXAMPLE: Final = "2020-01-27T06:10:27Z"
ACTS: Final = 8
"""records of one trade: need, offer, proposal, acceptance, two deliveries, two arrivals."""

AT_ONCE: Final = 16
"""trades that two communities have under way at once."""

_CATEGORIES: Final = {
    "education": "teaching",
    "energy": "fuel",
    "farming": "farm-work",
    "food": "food-processed",
    "fuel": "fuel",
    "health": "health-work",
    "labour": "farm-work",
    "shop": "household-goods",
    "transport": "transport-goods",
    "water": "drinking-water",
}
"""Categories by the first word of a kind of goods or work that says it; all else is `other`."""


@dataclass(frozen=True, slots=True)
class Trade:
    """One row: who gave what to whom, for what, and the value of both. Times without a zone are UTC."""

    line: int
    time: str
    giver: str
    receiver: str
    gives: str
    returns: str
    amount: str


@dataclass(frozen=True, slots=True)
class BadRow:
    """A line that cannot be replayed, and why."""

    line: int
    reason: LocalError


def read_trades(path: Path) -> tuple[list[Trade], list[BadRow]]:
    """The trades of a table in the order of their times, and the rows that are none.

    Raises InputError if it is no such table at all, and OSError.
    """
    with path.open("rb") as file:
        data = file.read(MAX_DEMO_BYTES + 1)
    if len(data) > MAX_DEMO_BYTES:
        raise InputError("{path} is too long for a demonstration: give fewer trades.", path=path)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError("{path} is not written in UTF-8: save the table as that.", path=path) from None
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    trades: list[Trade] = []
    bad: list[BadRow] = []
    try:
        heading = next(rows, [])
        if sorted(name.strip() for name in heading) != sorted(COLUMNS):
            raise InputError(
                "{path} is no table of trades: its first line has to be {columns}.",
                path=path,
                columns=",".join(COLUMNS),
            )
        names = [name.strip() for name in heading]
        for row in rows:
            if not row:
                continue
            try:
                trades.append(_trade_of(rows.line_num, dict(zip(names, row, strict=True))))
            except ValueError:
                wrong = InputError("it has {found} fields and not {count}", found=len(row), count=len(names))
                bad.append(BadRow(rows.line_num, wrong))
            except LocalError as error:
                bad.append(BadRow(rows.line_num, error))
    except csv.Error:
        raise InputError(
            "{path} cannot be read as a table from line {line} on: look at the quotes there.",
            path=path,
            line=rows.line_num,
        ) from None
    return sorted(trades, key=lambda trade: _moment(trade.time)), bad


def _trade_of(line: int, row: dict[str, str]) -> Trade:
    found = {name: _line(value, name) for name, value in row.items()}
    trade = Trade(line, **found)
    try:
        _moment(trade.time)
    except ValueError:
        raise InputError(
            "'{text}' is no time: write it like {example}.", text=trade.time[:70], example=EXAMPLE
        ) from None
    if trade.giver == trade.receiver:
        raise InputError("{name} cannot trade with itself: name another community.", name=trade.giver)
    quantity = typed.quantity_of(trade.amount, "piece")
    for text in (trade.giver, trade.receiver, trade.gives, trade.returns):
        to_payload(Offer(at=0, category=typed.OTHER, quantity=quantity, title=text))
    return trade


def _line(value: str, name: str) -> str:
    found = line_of(value, name) or ""
    if len(found) > MAX_NAME_CHARACTERS:
        raise InputError(
            "'{field}' has more than {count} characters: shorten it.", field=name, count=MAX_NAME_CHARACTERS
        )
    return typed.line_of(found)


def _moment(text: str) -> float:
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


# The story ----------------------------------------------------------------------------------------


def story_of(trades: Sequence[Trade]) -> Story:
    """The story that some trades tell. Raises InputError if there are none, or too many communities."""
    names = list(dict.fromkeys(name for trade in trades for name in (trade.giver, trade.receiver)))
    if not trades:
        raise InputError("There is no trade in that table: nothing can be replayed.")
    if len(names) > MAX_DEMO_COMMUNES:
        raise InputError(
            "There are {count} communities in that table: at most {most} are shown on one computer.",
            count=len(names),
            most=MAX_DEMO_COMMUNES,
        )
    return Story(tuple(map(Member, names)), tuple(_acts_of_all(trades)), follows_all=True)


def _acts_of_all(trades: Iterable[Trade]) -> Iterator[Act]:
    ended: defaultdict[frozenset[str], list[tuple[str, ...]]] = defaultdict(list)
    for number, trade in enumerate(trades):
        former = ended[frozenset((trade.giver, trade.receiver))]
        acts = _acts_of(number, trade, former[-AT_ONCE] if len(former) >= AT_ONCE else ())
        former.append(tuple(act.label for act in acts[-2:]))
        yield from acts


def _acts_of(number: int, trade: Trade, after: tuple[str, ...]) -> list[Act]:
    """The acts of one trade, in their order; it begins when `after` is held."""
    giver, receiver = trade.giver, trade.receiver
    amount = {"quantity": trade.amount, "unit": "piece"}
    posted = {"title": trade.gives, "category": category_of(trade.gives), "wants": trade.returns, **amount}
    need, offer, proposal = f"{number}/need", f"{number}/offer", f"{number}/proposal"
    proposer, other = (receiver, giver) if number % 2 == 0 else (giver, receiver)
    there: dict[str, Any] = {
        "from": ref(COMMUNE + giver),
        "to": ref(COMMUNE + receiver),
        # Who proposes answers what the other one has posted.
        "listing": ref(offer if proposer == receiver else need),
        "title": trade.gives,
        "category": category_of(trade.gives),
        **amount,
    }
    back: dict[str, Any] = {
        "from": ref(COMMUNE + receiver),
        "to": ref(COMMUNE + giver),
        "title": trade.returns,
        "category": category_of(trade.returns),
        **amount,
    }
    accepted = f"{number}/accepted"
    given, returned = f"{number}/given", f"{number}/returned"
    return [
        Act(need, receiver, "need", None, posted, after),
        Act(offer, giver, "offer", None, posted, after),
        Act(
            proposal,
            proposer,
            "propose",
            None,
            {"transfers": [there, back], "note": trade.time},
            (need, offer),
        ),
        Act(accepted, other, "accept", proposal),
        Act(given, giver, "deliver", proposal, {"transfer": 1}, (accepted,)),
        Act(returned, receiver, "deliver", proposal, {"transfer": 2}, (accepted,)),
        Act(f"{number}/got", receiver, "receive", proposal, {"transfer": 1}, (given,)),
        Act(f"{number}/got-back", giver, "receive", proposal, {"transfer": 2}, (returned,)),
    ]


def category_of(kind: str) -> str:
    """The category for a kind of goods or work, as well as its words tell."""
    for word in kind.casefold().replace("/", " ").split():
        if word in _CATEGORIES:
            return _CATEGORIES[word]
    return typed.OTHER
