"""Vectors for rosters and comparisons, from made-up logs.

A second implementation can be checked against tests/vectors/reconciliation.json;
tests/protocol/test_reconciliation_vectors.py holds that it comes out the same,
byte for byte. Binary is given as hex digits.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ledger.log import LogKey
from protocol.compact import pack_number
from protocol.reconcile import Reconciler
from protocol.roster import Mark, Roster
from protocol.turns import Tag

from .rosters import log_of, root_of

Held = Mapping[LogKey, Mark]


def held(count: int) -> dict[LogKey, Mark]:
    """Some logs, the first of them forked at index 5."""
    return {
        log_of(number): Mark(5) if number == 0 else Mark(10 * number, root_of(number))
        for number in range(count)
    }


def cases() -> dict[str, tuple[Held, Held, Held | None]]:
    """Two sides and what both remember, by what is to be seen."""
    few, some, many = held(3), held(20), held(400)
    more = {log_of(1): Mark(11, root_of(1_001))}
    fork = {log_of(2): Mark(20, root_of(2_002))}
    return {
        "both hold nothing": ({}, {}, None),
        "both hold the same": (some, some, None),
        "the second has an entry more": (some, some | more, None),
        "the second has an entry more and, of equal size, a fork": (
            some,
            some | more | fork,
            None,
        ),
        "one of two sizes that agree is of a fork": (some, some | fork, None),
        "the first holds nothing": ({}, few, None),
        "the second holds nothing": (few, {}, None),
        "a log is held by the second alone": (some, held(21), None),
        "many logs, an entry more": (many, many | more, None),
        "an entry more since then": (some | more, some, some),
        "an entry more here and logs fewer there since then": (some | more, few, some),
        "a log more since then": (held(21), some | more, some),
    }


def spoken(one: Held, other: Held, remembered: Held | None) -> list[list[bytes]]:
    """The turns of a comparison that the first opens."""
    memory = None if remembered is None else Roster(remembered)
    sides = [
        Reconciler(Roster(roster), initiator=first, remembered=memory)
        for roster, first in ((one, True), (other, False))
    ]
    turns = [sides[0].begin()]
    while not sides[len(turns) % 2].is_done:
        answers = [answer for body in turns[-1] for answer in sides[len(turns) % 2].receive(body)]
        if not answers:
            break
        turns.append(answers)
    return turns


def refused() -> dict[str, bytes]:
    """First messages that nobody has to answer."""
    root = bytes((0, Tag.ROOT)) + bytes([1]) * 32
    return {
        "nothing": b"",
        "a flag that has no meaning": b"\x02" + root[1:],
        "no items, and more to come": b"\x01",
        "an item that has no meaning": b"\x00\x40",
        "an answer": bytes((0, Tag.OTHER_SIZES, 0, 0)) + bytes(16),
        "a root cut short": root[:-1],
        "two roots": root + root[1:],
        "a number in a longer form": bytes((0, Tag.MEMORY)) + bytes(32) + b"\x80\x00",
        "a memory of logs out of order": (
            bytes((0, Tag.MEMORY)) + bytes(32) + b"\x00\x02" + 2 * (log_of(1) + pack_number(3))
        ),
        "a memory of more changes than bytes": bytes((0, Tag.MEMORY)) + bytes(32) + pack_number(10**6),
    }


def _plain(roster: Held) -> list[dict[str, Any]]:
    return [
        {"log": log.hex(), ("cut" if mark.is_cut else "size"): mark.number, "root": mark.root.hex()}
        for log, mark in sorted(roster.items())
    ]


def _hashes(roster: Held) -> dict[str, str]:
    made = Roster(roster)
    root = made.root
    return {
        "keys": "" if root is None else root.keys_hash.hex(),
        "heads": "" if root is None else root.heads_hash.hex(),
        "state": made.state.hex(),
    }


def reconciliation_vectors() -> dict[str, Any]:
    """All vectors of rosters and comparisons."""
    return {
        "rosters": [
            {"count": count, "held": _plain(held(count)) if count <= 20 else [], **_hashes(held(count))}
            for count in (0, 1, 3, 16, 17, 20, 400)
        ],
        "comparisons": [
            {
                "what": what,
                "turns": [[body.hex() for body in turn] for turn in spoken(one, other, remembered)],
            }
            for what, (one, other, remembered) in cases().items()
        ],
        "refused": {what: message.hex() for what, message in refused().items()},
    }
