"""What is shown of a ledger: listings with what is left of them, and how the home's own commune stands.

Decides which pieces of the reader and the views make up one thing on a screen,
for commands and pages alike. How it is put into words is `wording`'s.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from ledger import view
from ledger.errors import NotFound
from ledger.exchange import Exchange, Leg, State
from ledger.log import EntryId
from ledger.records import CommuneId, Need, Offer
from ledger.store.reading import EntryRow, ListingRow, Reader
from ledger.view import Account

from .shown import moves_of

if TYPE_CHECKING:
    from .service import Service


Row = TypeVar("Row")
Row_co = TypeVar("Row_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Listed:
    """A listing as lists show it.

    `state` is `open`, `withdrawn` or `replaced`; `expired` is by the reader's
    calendar. `left` is in millionths of the listing's unit, None if it has no
    quantity; `overcommitted`: exchanges agreed promise more than it has.
    """

    id: EntryId
    commune: CommuneId
    record: Offer | Need
    state: str
    expired: bool
    left: int | None
    overcommitted: bool


def listed(row: ListingRow, reader: Reader, today: str) -> Listed:
    """A listing with what exchanges have left of it; `today` is a date like 2030-01-31."""
    drawing = reader.drawing_on(row.id, agreed=True)
    return Listed(
        row.id,
        row.commune,
        row.record,
        row.ended or view.ListingState.OPEN.value,
        view.is_expired(row.record, today),
        view.left(row, drawing),
        view.over_commitment(row, drawing) is not None,
    )


PAGE: Final = 200
"""rows that are asked for first; a screen shows no more."""


class Fetch(Protocol[Row_co]):
    """A question to the reader that is answered in parts."""

    def __call__(self, *, limit: int, offset: int) -> Sequence[Row_co]: ...


def pages(fetch: Fetch[Row]) -> Iterator[Row]:
    """All rows that a question has, asked for as they are used; within one snapshot.

    Each part is twice as long as the one before, since each costs as much as all before it.
    """
    offset, limit = 0, PAGE
    while rows := fetch(limit=limit, offset=offset):
        yield from rows
        offset, limit = offset + limit, 2 * limit


class Names:
    """The names of communes, looked up once."""

    def __init__(self, reader: Reader) -> None:
        self._names: Mapping[CommuneId, str] = {row.id: row.name for row in reader.communes()}

    def __getitem__(self, commune: bytes) -> str:
        """The name of a commune; of one that is not known here, the beginning of its id."""
        return self._names.get(CommuneId(commune)) or commune.hex()[:12]


class Relations:
    """What communes are to the home: `own`, `recognised` or `known`, looked up once."""

    def __init__(self, service: Service) -> None:
        self._own = service.own
        self._recognised = frozenset(service.reader.recognised(self._own) if self._own is not None else ())

    def __getitem__(self, commune: CommuneId) -> str:
        if commune == self._own:
            return "own"
        return "recognised" if commune in self._recognised else "known"


@dataclass(frozen=True, slots=True)
class Said:
    """Something that was said about an exchange: an entry, whose it is, and whether it has an effect.

    `refused` is a code of `ledger.moves.REASONS`. `counts` is False of an entry
    past a cut or seal that nobody else bears witness of.
    """

    row: EntryRow
    commune: CommuneId | None
    counts: bool
    contested: bool
    refused: str | None


def said_in(exchange: Exchange, service: Service) -> list[Said]:
    """All that is held about an exchange, its proposal first.

    Each log's entries stand in their own order; between logs the claimed times
    decide, since nothing better orders them for a reader.
    """
    reader = service.reader
    refused = {item.id: item.code for item in exchange.refused}
    logs: dict[int, list[EntryRow]] = {}
    opening = reader.entry(exchange.id)
    for row in {row.id: row for row in moves_of(reader, exchange.id)}.values():
        logs.setdefault(row.branch, []).append(row)
    queues = [sorted(rows, key=lambda row: row.index) for rows in logs.values()]
    ordered = [opening]
    while queues := [queue for queue in queues if queue]:
        ordered.append(min(queues, key=lambda queue: (getattr(queue[0].record, "at", 0), queue[0].id)).pop(0))
    return [
        Said(row, reader.commune_of(row.log), *reader.weight(row), refused.get(row.id)) for row in ordered
    ]


def accounts_of(commune: CommuneId, reader: Reader) -> tuple[Account, ...]:
    """What stands open between a commune and its partners, by category and unit."""
    exchanges = reader.exchanges(commune=commune, states=[State.AGREED])
    categories: dict[bytes, str] = {}
    for exchange in exchanges:
        for leg in exchange.legs:
            listing = leg.transfer.listing
            if listing is not None and leg.transfer.category is None:
                try:
                    categories[listing] = reader.listing(listing).record.category
                except NotFound:
                    # A listing that is not held, or was erased, has no category to give.
                    continue
    return view.accounts(commune, exchanges, categories)


def category_of(leg: Leg, reader: Reader) -> str:
    """The category of a transfer: its own, else that of its listing, else empty."""
    if leg.transfer.category is not None or leg.transfer.listing is None:
        return leg.transfer.category or ""
    try:
        return reader.listing(leg.transfer.listing).record.category
    except NotFound:
        return ""


def exchanges_chosen(
    service: Service,
    *,
    partner: CommuneId | None = None,
    states: Sequence[str] = (),
    everything: bool = False,
    waiting: bool = False,
) -> Iterator[Exchange]:
    """Exchanges of this commune, or of all if `everything` is wanted, the newest first; within one snapshot.

    Those with a `partner`, in some `states`, and that wait for this commune, if that is asked for.
    """
    from ledger.steps import awaited

    own = None if everything else service.commune
    for row in pages(partial(service.reader.exchanges, commune=own or partner, states=states)):
        if partner is not None and partner not in row.proposal.parties:
            continue
        if not waiting or any(step.commune == service.own for step in awaited(row)):
            yield row
