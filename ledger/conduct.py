"""Conduct: what communes did, against the rules.

Decides what is worth telling about communes, their authority and logs, and
about the records in them: entries past a seal or a fork, records that speak of
what is not theirs, moves that the rules refuse. What exchanges amount to is
`reckoning`'s. It reads a history on which has been decided, and no store.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import groupby
from typing import Final

from . import signing, standing
from .commune import Commune
from .findings import Findings, Tally
from .held import INDEX_MASK, PLACE_BITS
from .history import History
from .records import (
    Accept,
    Cancel,
    Charter,
    CommuneId,
    Correct,
    Decline,
    Deliver,
    Dispute,
    Need,
    Offer,
    Propose,
    Receive,
    Record,
    Settle,
    Succession,
    Withdraw,
    mandate_body,
)

# Communes ---------------------------------------------------------------------------------------


def check_communes(history: History, findings: Findings) -> None:
    """Authority, successions, seals, and the logs that belong to nobody."""
    stated = {record.id: record for record in history.stated.values()}
    refused: set[bytes] = set()
    for commune in history.communes.values():
        for refusal in commune.refused:
            record = stated[refusal.id]
            refused.add(refusal.id)
            findings.add(refusal.code, record.log, record.index)
        if commune.chain.in_force is None:
            findings.add("authority-frozen", commune.charter.log, 0, count=len(commune.chain.tips))
        if commune.contested:
            findings.add("successions-contested", min(commune.contested), 0)
        _check_seals(history, commune, findings)
    for place, record in history.stated.items():
        known = history.communes
        if isinstance(record.record, Charter):
            if record.index > 0 or record.record.network != history.network:
                findings.add("charter-misplaced", record.log, record.index)
        elif CommuneId(record.record.commune) not in known and not _opens(history, place):
            findings.add("commune-not-held", record.log, record.index)
    _check_openings(history, refused, findings)


def _opens(history: History, place: int) -> bool:
    """Whether a record that stands at entry 0 of a log is a succession."""
    return place & INDEX_MASK == 0 and isinstance(history.records[place], Succession)


def _check_openings(history: History, refused: set[bytes], findings: Findings) -> None:
    """Logs that are held from entry 0 on and belong to no commune, unless that was said already."""
    told: set[bytes] = set()
    belonging = {
        branch.log for number, branch in history.branches.items() if history.standing(number) is not None
    }
    for number, branch in history.branches.items():
        opening = history.opening(number)
        if branch.log in belonging or branch.log in told or opening in refused:
            continue
        if history.lineage(number, 1)[-1].end and history.leaf_at(number, 0) is not None:
            told.add(branch.log)
            findings.add("log-without-commune", branch.log, 0)


def _check_seals(history: History, commune: Commune, findings: Findings) -> None:
    """Whether what a seal names is held."""
    for log, seal in commune.seals.items():
        branches = history.branches_of(log)
        roots = {history.root_at(branch.number, seal.size) for branch in branches if branch.size >= seal.size}
        if not roots and seal.size:
            held = max((branch.size for branch in branches), default=0)
            findings.add("seal-not-reached", log, held, size=seal.size, held=held)
        elif seal.size and seal.root not in roots and None not in roots:
            findings.add("seal-unmatched", log, seal.size - 1, size=seal.size)


def check_limits(history: History, findings: Findings) -> None:
    """Entries past a seal or a cut, by whether another commune vouches for them."""
    for number in history.limited():
        state, branch = history.standing(number), history.branches[number]
        assert state is not None
        assert state.limit is not None
        seal = history.communes[state.commune].seals.get(branch.log)
        code = "past-seal" if seal is not None and seal.size == state.limit else "past-cut"
        counting: list[int] = []
        others: list[int] = []
        for index in range(max(state.limit, branch.first), branch.size):
            witnessed = history.is_witnessed(number << PLACE_BITS | index)
            (counting if witnessed else others).append(index)
        findings.add_each(f"{code}-witnessed", branch.log, counting)
        findings.add_each(code, branch.log, others)


# Records ----------------------------------------------------------------------------------------


def check_records(history: History, findings: Findings, tallies: Mapping[bytes, Tally]) -> None:
    """Records that this version cannot read, false mandates, and records about what is not their author's."""
    places = sorted(history.uninterpreted)
    for number, own in groupby(places, key=lambda place: place >> PLACE_BITS):
        findings.add_each(
            "record-uninterpreted", history.log_of(number), (place & INDEX_MASK for place in own)
        )
    for place, record in history.records.items():
        if isinstance(record, Accept) and record.mandate is not None:
            log = history.log_of(place >> PLACE_BITS)
            body = mandate_body(record.mandate, history.network)
            tallies[log].signatures += len(record.mandate.signatures)
            if not all(
                signing.verify(signed.key, body, signed.signature) for signed in record.mandate.signatures
            ):
                findings.add("mandate-unsigned", log, place & INDEX_MASK)


def check_targets(history: History, known: Collection[bytes], findings: Findings) -> None:
    """Records that name an entry which is not there, not of the right kind or not their author's.

    `known` are the ids of exchanges that count, and of the disputes and cancels
    about them: of moves that name one of these the fold has judged.
    """
    naming = [
        (place, target)
        for target, places in history.about.items()
        for place in places
        if _must_fit(history.records.get(place), target, target in known)
    ]
    held = history.find({target for _, target in naming})
    for place, target in naming:
        if standing.counts(history, place):
            code = _misfit(history, place, held.get(target))
            if code is not None:
                findings.add(code, history.log_of(place >> PLACE_BITS), place & INDEX_MASK)


def _must_fit(record: Record | None, target: bytes, is_known: bool) -> bool:
    """Whether a record names an entry in a way that nobody has judged yet."""
    kind = record.__class__
    if kind in _ABOUT_OWN:
        return True
    if kind is Propose:
        return not is_known and isinstance(record, Propose) and record.replaces == target
    return not is_known and kind in _MOVES


def _misfit(history: History, place: int, target: int | None) -> str | None:
    """What is wrong with what a record names, as a code; None if nothing is."""
    if target is None:
        return "exchange-not-held"
    if not history.is_read(target):
        return None
    record, about = history.records[place], history.records.get(target)
    author, owner = history.standing(place >> PLACE_BITS), history.standing(target >> PLACE_BITS)
    if not isinstance(record, Correct | Withdraw | Offer | Need):
        return "move-without-exchange"
    if author is not None and owner is not None and owner.commune != author.commune:
        return "target-not-own"
    return None if isinstance(record, Correct) or isinstance(about, Offer | Need) else "move-misdirected"


_ABOUT_OWN: Final = frozenset({Correct, Offer, Need})
_MOVES: Final = frozenset({Accept, Decline, Deliver, Receive, Dispute, Settle, Cancel, Withdraw})
