"""Telling: records, transfers and steps of an exchange as sentences in the language that is spoken.

Decides how one line tells what an entry says, what goes from whom to whom, and
what an exchange waits for. Used for lists, confirmations and answers alike;
single words (amounts, kinds, states) are `wording`'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from ledger.exchange import Exchange, Leg, State
from ledger.log import EntryId
from ledger.moves import REASONS
from ledger.records import (
    Accept,
    AuthorityChange,
    Cancel,
    Charter,
    CommuneId,
    Correct,
    Decline,
    Deliver,
    Dispute,
    Malformed,
    Need,
    Offer,
    Profile,
    Propose,
    Quantity,
    Receive,
    Recognise,
    Record,
    Settle,
    Succession,
    Transfer,
    Uninterpreted,
    Unrecognise,
    Withdraw,
)
from ledger.settlement import Quarrel
from ledger.steps import Step

from . import wording
from .language import gettext as _
from .language import ngettext
from .overview import Names, Said
from .visible import apart

SUBJECT_TITLES: Final = 3
"""things by which an exchange is told from others; more would be its terms."""


def thing(title: str, quantity: Quantity | None) -> str:
    """One thing with its amount: `«maize», 100 kg`."""
    told = f"«{apart(title)}»"
    return told if quantity is None else f"{told}, {wording.quantity_text(quantity)}"


def transfer(leg: Transfer, parties: Iterable[bytes], names: Names) -> str:
    """What goes from whom to whom."""
    order = list(parties)
    return _("{giver} → {receiver}: {thing}").format(
        giver=apart(names[order[leg.giver]]),
        receiver=apart(names[order[leg.receiver]]),
        thing=thing(leg.title, leg.quantity),
    )


def terms(proposal: Propose, names: Names) -> str:
    """All transfers of a proposal in one line."""
    return "; ".join(transfer(leg, proposal.parties, names) for leg in proposal.transfers)


def progress(leg: Leg) -> str:
    """How far a transfer is, by the word of each side."""
    if leg.transfer.quantity is None:
        given = _("given") if leg.given else ""
        got = _("received") if leg.got else ""
        said = [word for word in (given, got) if word] or [_("nothing said yet")]
    else:
        unit = leg.transfer.quantity.unit
        said = [
            _("given {amount}").format(amount=wording.amount(wording.decimal(leg.given), unit)),
            _("received {amount}").format(amount=wording.amount(wording.decimal(leg.got), unit)),
        ]
    if leg.short and not leg.done:
        said.append(_("some of it missing"))
    if leg.damaged:
        said.append(_("some of it damaged"))
    if leg.done:
        said.append(_("done"))
    elif leg.closed:
        said.append(_("nothing more is due"))
    return ", ".join(said)


def step(awaited: Step, exchange: Exchange, names: Names) -> str:
    """Who has to do what next: `El Valle: receive 1`."""
    who = apart(names[awaited.commune])
    if awaited.kind == "accept":
        if awaited.commune == exchange.proposer:
            return _("{who}: accept again, since an answer came late").format(who=who)
        return _("{who}: accept or decline").format(who=who)
    number = None if awaited.transfer is None else awaited.transfer + 1
    match awaited.kind:
        case "deliver":
            return _("{who}: deliver {number}").format(who=who, number=number)
        case "receive":
            return _("{who}: receive {number}").format(who=who, number=number)
        case "cancel":
            return _("{who}: cancel too, or go on").format(who=who)
        case _:
            return _("{who}: settle the dispute").format(who=who)


def quarrel(dispute: Quarrel, names: Names, *, with_id: bool = True) -> str:
    """A dispute that stands open, and what each side says of its end; commands name it by its id."""
    what = (
        _("the whole exchange")
        if dispute.transfer is None
        else _("transfer {number}").format(number=dispute.transfer + 1)
    )
    who = apart(names[dispute.commune])
    if with_id:
        told = _("dispute {id} by {who} about {what}").format(
            id=wording.short(dispute.id), who=who, what=what
        )
    else:
        told = _("dispute by {who} about {what}").format(who=who, what=what)
    said = [
        _("{who} says: {outcome}").format(who=apart(names[word.commune]), outcome=outcome(word.said))
        for word in dispute.words
    ]
    return "; ".join((told, *said))


def outcome(word: str) -> str:
    """How a dispute is to end by one side's word."""
    return _("nothing more is due") if word == "closed" else _("the rest stays due")


def marks(exchange: Exchange, now: int) -> list[str]:
    """What is to be said of an exchange beside its state."""
    said = []
    if exchange.lapsed(now):
        said.append(_("lapsed"))
    if exchange.disputed:
        said.append(_("disputed"))
    if exchange.contested:
        said.append(_("contested"))
    if exchange.newer:
        said.append(_("needs a newer version"))
    if exchange.state is State.AGREED and exchange.cancels:
        said.append(_("cancelled by some, not by all"))
    return said


def state_of(row: Exchange, now: int) -> str:
    """What an exchange is, with what is to be said beside it."""
    return ", ".join((wording.exchange_state(row.state), *marks(row, now)))


def leg_lines(row: Exchange, names: Names) -> Iterator[tuple[int, str]]:
    """What goes from whom to whom, and below it how far it is; each with the blanks before it."""
    for number, leg in enumerate(row.legs, 1):
        yield 2, f"{number}. {transfer(leg.transfer, row.proposal.parties, names)}"
        said = [progress(leg), wording.category(leg.transfer.category)]
        if leg.transfer.due is not None:
            said.append(_("due on {day}").format(day=wording.day(leg.transfer.due)))
        yield 5, "; ".join(part for part in said if part)


# Entries ----------------------------------------------------------------------------------------


def entry(
    record: Record | Uninterpreted | Malformed | None, names: Names, exchange: EntryId | None = None
) -> str:
    """What an entry says, in one line. With `exchange`, what it says about that, which is not named again."""
    match record:
        case None:
            return _("Its content was erased here.")
        case Uninterpreted():
            return _("It is of a newer version, and is kept as it is.")
        case Malformed():
            return _("It is no record.")
    told = _summary(record, names) if exchange is None else _move(record, exchange, names)
    return " ".join(told.split())


def entry_about(record: Record | Uninterpreted | Malformed | None, about: Record | None, names: Names) -> str:
    """As `entry`, with what it is about in words in place of its id, where that is known."""
    if about is None or record is None or isinstance(record, Uninterpreted | Malformed):
        return entry(record, names)
    match record:
        case Withdraw():
            said = record.reason
        case Correct():
            said = record.note
        case _:
            said = _move(record, EntryId(b""), names)
    return " ".join(": ".join(part for part in (subject(about), said) if part).split())


def subject(record: Record) -> str:
    """What a record is known by among people: what it is about, and from which day it is."""
    match record:
        case Propose():
            titles = [f"«{apart(leg.title)}»" for leg in record.transfers[:SUBJECT_TITLES]]
            what = ", ".join(titles) + (" …" if len(record.transfers) > SUBJECT_TITLES else "")
        case Offer() | Need():
            what = thing(record.title, record.quantity)
        case _:
            what = wording.kind(record.kind)
    return _("{what} of {day}").format(what=what, day=wording.day_of(record.at))


def _summary(record: Record, names: Names) -> str:
    match record:
        case Charter() | Profile():
            return record.name if record.place is None else f"{record.name}, {record.place}"
        case Offer() | Need():
            told = thing(record.title, record.quantity)
            return (
                told
                if record.until is None
                else _("{thing}, until {day}").format(thing=told, day=wording.day(record.until))
            )
        case Propose():
            return terms(record, names)
        case Accept() | Decline() | Cancel() | Deliver() | Receive() | Dispute():
            where = _("exchange {id}").format(id=wording.short(record.exchange))
            said = _move(record, EntryId(record.exchange), names)
            return f"{where}: {said}" if said else where
        case Settle():
            where = _("dispute {id}").format(id=wording.short(record.dispute))
            return f"{where}: {_move(record, EntryId(record.dispute), names)}"
        case Withdraw():
            return _about(_("of {id}"), record.target, record.reason)
        case Correct():
            return _about(_("of {id}"), record.target, record.note)
        case Recognise() | Unrecognise():
            return names[record.commune] if record.note is None else f"{names[record.commune]}: {record.note}"
        case Succession():
            ends = ", ".join(f"{wording.short(seal.log)}…/{seal.size}" for seal in record.previous)
            return _("a new log, after {logs}").format(logs=ends)
        case AuthorityChange():
            return authority(record.authority.threshold, len(record.authority.keys))


def _about(template: str, entry_id: bytes, note: str | None) -> str:
    where = template.format(id=wording.short(entry_id))
    return where if note is None else f"{where}: {note}"


def _move(record: Record, exchange: EntryId, names: Names) -> str:
    """What a record says about an exchange, which is not named again."""
    said: list[str | None] = []
    match record:
        case Propose() if record.replaces == exchange:
            return _("instead: {terms}").format(terms=terms(record, names))
        case Deliver() | Receive():
            said = [
                _("transfer {number}").format(number=record.transfer + 1),
                wording.quantity_text(record.quantity),
            ]
            if isinstance(record, Receive) and record.condition != "good":
                said.append(wording.condition(record.condition))
        case Dispute() if record.transfer is not None:
            said = [_("transfer {number}").format(number=record.transfer + 1)]
        case Settle():
            said = [outcome(record.outcome)]
        case Accept() | Decline() | Cancel() | Dispute():
            pass
        case _:
            return _summary(record, names)
    said.append(getattr(record, "note", None) or getattr(record, "reason", None))
    return ", ".join(part for part in said if part)


def authority(threshold: int, keys: int) -> str:
    """How many of how many keys speak for a commune."""
    return ngettext("{keys} key", "{threshold} of {keys} keys", keys).format(threshold=threshold, keys=keys)


def told_parties(parties: Iterable[bytes], own: CommuneId | None, names: Names) -> str:
    """The names of all parties but the home's own commune."""
    return ", ".join(apart(names[party]) for party in parties if party != own)


def reason(code: str) -> str:
    """Why a record has no effect; a code that this version does not know is shown as itself."""
    return _(REASONS.get(code, code))


def said_line(each: Said, row: Exchange, names: Names) -> str:
    """What one entry says about an exchange, with when and who, and whether it has an effect."""
    record = each.row.record
    at, by = getattr(record, "at", None), getattr(record, "by", None)
    who = _("unknown") if each.commune is None else apart(names[each.commune])
    parts = [
        wording.short(each.row.id),
        "" if at is None else wording.time_of(at),
        who if by is None else f"{who} ({by})",
    ]
    told = entry(record, names, None if each.row.id == row.id else row.id)
    kind = wording.kind(getattr(record, "kind", ""))
    line = f"{'  '.join(part for part in parts if part)}: {': '.join(part for part in (kind, told) if part)}"
    if each.refused is not None:
        return f"{line} [{_('without effect: {reason}').format(reason=reason(each.refused))}]"
    if not each.counts:
        return f"{line} [{_('it does not count: it is past a cut or a seal')}]"
    return f"{line} [{_('contested')}]" if each.contested else line
