"""What a receipt shows, as JSON: nothing of the home is in it."""

from __future__ import annotations

import msgspec

from ledger import receipt as rules
from ledger.exchange import Form, State
from ledger.receipt import FOUND, UNPROVEN

from ..verifying import said_of
from . import Id
from .exchanges import Move, Transfer, moves_of, transfer_of


class PartyOfReceipt(msgspec.Struct, frozen=True):
    """A party, as far as the receipt holds how it presents itself."""

    id: Id
    name: str | None
    place: str | None


class LogOfReceipt(msgspec.Struct, frozen=True):
    """A log, and how much of it is under its head in the receipt."""

    log: Id
    commune: Id
    size: int


class ReceiptRemark(msgspec.Struct, frozen=True):
    """Something to know about a receipt."""

    code: str
    sentence: str


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What a receipt shows."""

    id: Id
    network: str
    commune: Id
    state: State
    form: Form
    disputed: bool
    contested: bool
    newer: bool
    parties: tuple[PartyOfReceipt, ...]
    transfers: tuple[Transfer, ...]
    moves: tuple[Move, ...]
    logs: tuple[LogOfReceipt, ...]
    found: tuple[ReceiptRemark, ...]
    unproven: tuple[ReceiptRemark, ...]


def receipt_of(seen: rules.Verified) -> Receipt:
    """A receipt that was verified."""
    row = seen.exchange
    return Receipt(
        id=row.id.hex(),
        network=seen.network,
        commune=row.proposer.hex(),
        state=row.state,
        form=row.form,
        disputed=row.disputed,
        contested=row.contested,
        newer=row.newer,
        parties=tuple(PartyOfReceipt(party.id.hex(), party.name, party.place) for party in seen.parties),
        transfers=tuple(transfer_of(leg, number) for number, leg in enumerate(row.legs, 1)),
        moves=moves_of(said_of(seen)),
        logs=tuple(LogOfReceipt(log.log.hex(), log.commune.hex(), log.size) for log in seen.logs),
        found=tuple(ReceiptRemark(code, FOUND[code]) for code in seen.found),
        unproven=tuple(ReceiptRemark(code, sentence) for code, sentence in UNPROVEN.items()),
    )
