"""Shown: a record names the heads that it builds on, of the parties alone, and none twice."""

from __future__ import annotations

from ledger.log import EntryId, Head, LogKey
from ledger.records import CommuneId
from ledger.store.reading import Reader
from node.home import Home
from node.shown import heads_to_show

from .conftest import Found, Secretary


def log_of(who: Secretary) -> LogKey:
    return LogKey(Home(who.home).read_key().public_key)


def heads(who: Secretary, exchange: str) -> dict[bytes, int]:
    with Reader(who.home / "ledger.sqlite") as reader:
        own = CommuneId(bytes.fromhex(who.commune))
        found: tuple[Head, ...] = heads_to_show(
            reader, log_of(who), own, reader.exchange(EntryId(bytes.fromhex(exchange)))
        )
        return {head.log: head.size for head in found}


def test_what_the_other_side_has_said_is_shown_once(montes: Secretary, valle: Secretary) -> None:
    exchange = montes.sign("propose", "--to", "El Valle", "--give", "Maíz;100;kg", "--take", "Clavos;20;kg")
    montes.tell(valle)
    assert heads(montes, exchange) == {}, "nobody else has said anything"
    assert heads(valle, exchange) == {log_of(montes): 2}
    valle.sign("accept", exchange)
    assert heads(valle, exchange) == {}, "the acceptance has shown it"
    valle.tell(montes)
    assert heads(montes, exchange) == {log_of(valle): 2}


def test_what_third_ones_say_is_not_shown(montes: Secretary, valle: Secretary, found: Found) -> None:
    exchange = montes.sign("propose", "--to", "El Valle", "--give", "Maíz;100;kg", "--take", "Clavos;20;kg")
    third = found("La Costa")
    for who in (montes, valle):
        who.tell(third)
    montes.tell(valle)
    assert heads(third, exchange) == {log_of(montes): 2}
    third.tell(valle)
    assert heads(valle, exchange) == {log_of(montes): 2}
