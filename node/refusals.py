"""Refusals: what a commune may not sign or erase, said before anything is.

Decides that of records by what is held: whose listing it is, whether a proposal
names this commune, whom it recognises already. Steps of an exchange are refused
by the rules of the ledger (`ledger.steps`), a record's form by `ledger.records`;
whether the log may be signed at all is its author's to say.
"""

from __future__ import annotations

from ledger.encoding import check_text
from ledger.errors import EncodingError, MoveRefused, RecordError
from ledger.exchange import Exchange
from ledger.limits import MAX_TEXT_CHARACTERS
from ledger.records import (
    AuthorityChange,
    Charter,
    CommuneId,
    Correct,
    Need,
    Offer,
    Propose,
    Recognise,
    Record,
    Succession,
    Unrecognise,
    Withdraw,
    to_payload,
)
from ledger.store.reading import EntryRow, Reader


def refuse_record(reader: Reader, own: CommuneId, record: Record, about: Exchange | None = None) -> None:
    """Raise what a commune would hear that signs a record: RecordError, MoveRefused, NotFound."""
    to_payload(record)
    if about is not None:
        from ledger import steps

        steps.check_move(about, own, record)
    match record:
        case Propose():
            _refuse_proposal(reader, own, record)
        case Offer() | Need() if record.replaces is not None:
            _refuse_for_listing(reader, own, record.replaces)
        case Withdraw() if about is None:
            _refuse_withdrawal(reader, own, record)
        case Recognise() | Unrecognise():
            _refuse_recognition(reader, own, record)
        case Correct() if reader.commune_of(reader.entry(record.target).log) != own:
            raise MoveRefused("That record is another commune's: only its own commune can explain it.")


def _refuse_for_listing(reader: Reader, own: CommuneId, entry: bytes) -> None:
    row = reader.listing(entry)
    if row.commune != own:
        raise MoveRefused("That listing belongs to another commune: only its own commune can change it.")
    if row.ended == "withdrawn":
        raise MoveRefused("That listing has been withdrawn already: post a new one.")
    if row.ended is not None:
        raise MoveRefused("That listing has been replaced already: name the one that replaced it.")


def _refuse_withdrawal(reader: Reader, own: CommuneId, record: Withdraw) -> None:
    row = reader.entry(record.target)
    if row.payload is None:
        raise MoveRefused(
            "The content of that entry was erased here, so what it was is not known any more: it stays."
        )
    if not isinstance(row.record, Offer | Need):
        raise MoveRefused(
            "Only a listing, proposal or cancel can be withdrawn: explain others with `trueque correct`."
        )
    _refuse_for_listing(reader, own, record.target)


def _refuse_proposal(reader: Reader, own: CommuneId, record: Propose) -> None:
    if own not in record.parties:
        raise MoveRefused("This commune is not among the parties of the exchange that it proposes: add it.")
    for party in record.parties:
        reader.commune(party)


def _refuse_recognition(reader: Reader, own: CommuneId, record: Recognise | Unrecognise) -> None:
    if record.commune == own:
        raise MoveRefused("That is this commune itself: name another one.")
    is_recognised = record.commune in reader.recognised(own)
    if isinstance(record, Recognise) and is_recognised:
        raise MoveRefused("This commune recognises that one already: there is nothing to do.")
    if isinstance(record, Unrecognise) and not is_recognised:
        raise MoveRefused("This commune does not recognise that one: there is nothing to take back.")


def refuse_erasure(reader: Reader, own: CommuneId | None, row: EntryRow, reason: str) -> None:
    """Refuse to erase what is gone already, or what a commune stands on. Raises RecordError, MoveRefused.

    The reason is held to what a record's is: it is shown by every audit from now on.
    """
    try:
        check_text(reason)
    except EncodingError as error:
        raise RecordError("A text cannot be recorded: {reason}", reason=error) from error
    if len(reason) > MAX_TEXT_CHARACTERS:
        raise RecordError(
            "The field '{field}' is too long: shorten it to {limit}.",
            field="reason",
            limit=MAX_TEXT_CHARACTERS,
        )
    if row.payload is None:
        raise MoveRefused("The content of that entry has been erased here already: there is nothing to do.")
    if isinstance(row.record, Charter | Succession | AuthorityChange) and reader.commune_of(row.log) == own:
        raise MoveRefused(
            "That entry says who speaks for this commune: without it nothing here counts, so it stays."
        )
