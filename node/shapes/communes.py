"""Communes as JSON: how they present themselves, who speaks for them, their logs and what stands open."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import msgspec

from ledger import commune as rules
from ledger import view
from ledger.log import LogKey
from ledger.records import CommuneId
from ledger.store.reading import CommuneRow, Reader

from .. import keys, wording
from ..overview import Relations, accounts_of
from ..petnames import pet_names_at
from . import Amount, Id, Time, one_of


class Commune(msgspec.Struct, frozen=True, kw_only=True):
    """A commune as it presents itself, and what people here call it (`called`).

    `words` of its id, by language, are for comparing aloud.
    """

    id: Id
    commune: Id
    name: str
    called: str | None
    kind: Annotated[str, one_of("own", "recognised", "known")]
    place: str | None
    about: str | None
    contact: str | None
    words: dict[str, str]


class Named(msgspec.Struct, frozen=True):
    """What a commune calls itself, and people here call it; `alike` are others that call themselves so."""

    id: Id
    name: str
    called: str | None
    alike: tuple[Id, ...]


class Authority(msgspec.Struct, frozen=True):
    """Who speaks for a commune: `threshold` of these keys."""

    threshold: int
    keys: tuple[Id, ...]


class Log(msgspec.Struct, frozen=True):
    """A log of a commune."""

    log: Id
    size: int
    branches: int
    forked_at: int | None
    sealed_at: int | None
    contested: bool


class RefusedRecord(msgspec.Struct, frozen=True):
    """A record without effect, and the code of the reason."""

    id: Id
    code: str


class Figure(msgspec.Struct, frozen=True):
    """A sum, and the exchanges behind it."""

    quantity: Amount
    exchanges: tuple[Id, ...]


class Account(msgspec.Struct, frozen=True):
    """What stands open with one partner, of one category in one unit."""

    partner: Id
    category: str | None
    unit: str | None
    owes: Figure
    owed: Figure
    giving: Figure
    getting: Figure
    contested: tuple[Id, ...]


class CommuneInFull(Commune, frozen=True, kw_only=True):
    """A commune with who speaks for it, its logs, and what stands open."""

    network: str
    within: str | None
    founded_at: Time
    authority: tuple[Authority, ...]
    logs: tuple[Log, ...]
    recognises: tuple[Id, ...]
    refused: tuple[RefusedRecord, ...]
    accounts: tuple[Account, ...]


def commune_of(row: CommuneRow, relations: Relations, called: Mapping[CommuneId, str]) -> Commune:
    """A commune, and what it is to the home's own; `called` are pet names."""
    return Commune(
        id=row.id.hex(),
        commune=row.id.hex(),
        name=row.name,
        called=called.get(row.id),
        kind=relations[row.id],
        place=row.place,
        about=row.about,
        contact=row.contact,
        words={language: keys.fingerprint_words(row.id, language) for language in keys.LANGUAGES},
    )


def in_full(row: CommuneRow, relations: Relations, reader: Reader) -> CommuneInFull:
    """A commune with all that its logs say of it."""
    formed = reader.formed(row.id)
    return CommuneInFull(
        **msgspec.structs.asdict(commune_of(row, relations, pet_names_at(reader))),
        network=formed.founding.network,
        within=formed.founding.within,
        founded_at=formed.founding.at,
        authority=tuple(
            Authority(tip.authority.threshold, tuple(key.hex() for key in tip.authority.keys))
            for tip in formed.chain.tips
        ),
        logs=tuple(log_of(formed, log, reader) for log in formed.logs),
        recognises=tuple(other.hex() for other in reader.recognised(formed.id)),
        refused=tuple(RefusedRecord(item.id.hex(), item.code) for item in formed.refused),
        accounts=tuple(account_of(account) for account in accounts_of(row.id, reader)),
    )


def log_of(formed: rules.Commune, log: LogKey, reader: Reader) -> Log:
    """A log of a commune, and how much of it is held."""
    held = reader.branches(log)
    seal = formed.seals.get(log)
    return Log(
        log=log.hex(),
        size=max((branch.size for branch in held), default=0),
        branches=len(held),
        forked_at=held[0].cut if held else None,
        sealed_at=None if seal is None else seal.size,
        contested=log in formed.contested,
    )


def account_of(account: view.Account) -> Account:
    """What stands open with one partner, of one category and unit."""

    def figure(value: view.Figure) -> Figure:
        amount = str(value.amount) if account.unit is None else wording.decimal(value.amount)
        return Figure(amount, tuple(entry.hex() for entry in value.exchanges))

    return Account(
        partner=account.partner.hex(),
        category=account.category,
        unit=account.unit,
        owes=figure(account.owes),
        owed=figure(account.owed),
        giving=figure(account.giving),
        getting=figure(account.getting),
        contested=tuple(entry.hex() for entry in account.contested),
    )
