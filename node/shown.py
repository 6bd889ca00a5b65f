"""Shown: the heads that a record names as seen, so that it says what it builds on.

Decides which: those of the other parties' logs that say something about the
exchange, the most needed first, since a record has room for a few. What having
seen them is worth, the rules of the ledger say.
"""

from __future__ import annotations

from collections.abc import Iterator

from ledger.exchange import Exchange
from ledger.limits import MAX_SEEN
from ledger.log import EntryId, Head, LogKey
from ledger.records import Cancel, CommuneId, Dispute
from ledger.store.reading import EntryRow, Reader


def heads_to_show(reader: Reader, log: LogKey, own: CommuneId, exchange: Exchange) -> tuple[Head, ...]:
    """The newest heads of the other parties' logs about an exchange that a log has not shown yet.

    A record names what it builds on by having seen it, and makes its commune a
    witness of the other's log; heads already in this log are not repeated,
    since `seen` accumulates. Of a forked log every branch that says something
    is shown: seeing one says nothing about the other.

    A record has room for a few heads, and without those that it needs the
    rules refuse it. So what strangers say is not among them, however many do,
    and the proposal and the answers that count come before all else.
    """
    parties = set(exchange.proposal.parties) - {own}
    weight = {exchange.id: 0, **{answer.id: 1 for answer in exchange.answers}}
    needed: dict[tuple[LogKey, int], tuple[int, int]] = {}
    for row in (reader.entry(exchange.id), *moves_of(reader, exchange.id)):
        if reader.commune_of(row.log) in parties:
            where = (row.log, row.branch)
            rank, size = needed.get(where, (2, 0))
            needed[where] = min(rank, weight.get(row.id, 2)), max(size, row.index + 1)
    heads = []
    for (other, branch), (_, size) in sorted(needed.items(), key=lambda item: (item[1][0], item[0])):
        is_forked = len(reader.branches(other)) > 1
        if is_forked or not reader.has_seen(log, other, size):
            heads.append(reader.head(branch))
    return tuple(heads[:MAX_SEEN])


def moves_of(reader: Reader, entry: EntryId) -> Iterator[EntryRow]:
    """Every held record about an exchange, its proposal not included, in no order that means anything."""
    for row in reader.records_about(entry):
        yield row
        if isinstance(row.record, Dispute | Cancel):
            yield from reader.records_about(row.id)
