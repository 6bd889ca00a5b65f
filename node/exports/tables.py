"""Tables: listings, transfers and what was said, as CSV for people with a spreadsheet.

Decides which columns each table has. Cells are words of the language that is
spoken; ids are whole, so that one table can be joined with another. Every cell
stands in quotes: read with another separator than it was written with, none
falls apart into cells of its own.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator, Sequence
from typing import BinaryIO, Final, Literal, cast

from ledger.exchange import Leg
from ledger.store.reading import ListingRow

from .. import clock, columns, overview, telling, wording
from ..columns import Column
from ..language import gettext as _
from .chosen import Dealing, Walk

Table = Literal["listings", "transfers", "moves"]

FOLDER: Final = "trueque"
"""The folder in the archive of all tables."""

_DATE: Final = (1980, 1, 1, 0, 0, 0)
"""The time that files in the archive bear: the same ledger makes the same bytes."""


LISTINGS: Final = (
    columns.KIND, columns.TITLE, columns.CATEGORY, columns.QUANTITY, columns.UNIT, columns.UNTIL,
    columns.NOTE, columns.WANTS, columns.PLACE, columns.COUNCIL, columns.LEFT, columns.STATE, columns.AT,
    columns.COMMUNE, columns.ID, columns.COMMUNE_ID,
)  # fmt: skip
TRANSFERS: Final = (
    columns.GIVER, columns.RECEIVER, columns.TITLE, columns.CATEGORY, columns.QUANTITY, columns.UNIT,
    columns.GIVEN, columns.GOT, columns.DUE, columns.DUE_ON, columns.REMARKS, columns.STATE, columns.FORM,
    columns.AT, columns.NOTE, columns.EXCHANGE, columns.NUMBER, columns.LISTING,
)  # fmt: skip
MOVES: Final = (
    columns.AT, columns.COMMUNE, columns.KIND, columns.NUMBER, columns.QUANTITY, columns.UNIT,
    columns.CONDITION, columns.OUTCOME, columns.NOTE, columns.EFFECT, columns.EXCHANGE, columns.ID,
)  # fmt: skip
TABLES: Final[dict[Table, tuple[Column, ...]]] = {
    "listings": LISTINGS,
    "transfers": TRANSFERS,
    "moves": MOVES,
}
"""Every table by its name, and its columns from left to right."""


def headings(table: Table) -> tuple[bytes, ...]:
    """How files of a table begin, in either language: by one of these they are known."""
    english = '","'.join(column.en for column in TABLES[table])
    spanish = '";"'.join(column.es for column in TABLES[table])
    return tuple(f'{columns.BOM}"{names}"'.encode() for names in (english, spanish))


def write_table(walk: Walk, table: Table, file: BinaryIO) -> int:
    """Write one table; how many rows it has without its headings."""
    makers = {"listings": _listings, "transfers": _transfers, "moves": _moves}
    text = io.TextIOWrapper(file, "utf-8", newline="")
    writer = csv.writer(text, delimiter=columns.separator(), quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    text.write(columns.BOM)
    writer.writerow([column.name for column in TABLES[table]])
    count = 0
    for row in makers[table](walk):
        writer.writerow([columns.cell(value) for value in row])
        count += 1
    text.flush()
    text.detach()
    return count


def write_archive(walk: Walk, file: BinaryIO) -> int:
    """Write all tables into one ZIP file; how many rows they have."""
    count = 0
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for table in TABLES:
            named = zipfile.ZipInfo(f"{FOLDER}/{table}.csv", _DATE)
            named.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(named, "w", force_zip64=True) as member:
                count += write_table(walk, table, cast(BinaryIO, member))
    return count


# Rows -------------------------------------------------------------------------------------------


def _listings(walk: Walk) -> Iterator[Sequence[str | None]]:
    reader, today = walk.service.reader, clock.today()
    names = overview.Names(reader)
    for row in walk.listings():
        yield _listing(row, overview.listed(row, reader, today), names)


def _listing(row: ListingRow, listed: overview.Listed, names: overview.Names) -> Sequence[str | None]:
    record, quantity = row.record, row.record.quantity
    return (
        wording.kind(record.kind),
        record.title,
        wording.category(record.category),
        None if quantity is None else wording.number(wording.decimal_of(quantity)),
        None if quantity is None else quantity.unit,
        record.until,
        record.note,
        record.wants,
        record.place,
        record.council,
        None if listed.left is None else wording.number(wording.decimal(listed.left)),
        wording.listing_state(listed.state, listed.expired),
        wording.plain_time_of(record.at),
        names[row.commune],
        row.id.hex(),
        row.commune.hex(),
    )


def _transfers(walk: Walk) -> Iterator[Sequence[str | None]]:
    names = overview.Names(walk.service.reader)
    for dealing in walk.dealings():
        for number, leg in enumerate(dealing.exchange.legs, 1):
            yield _transfer(dealing, leg, number, names)


def _transfer(dealing: Dealing, leg: Leg, number: int, names: overview.Names) -> Sequence[str | None]:
    exchange, quantity = dealing.exchange, leg.transfer.quantity

    def amount(millionths: int) -> str:
        return str(millionths) if quantity is None else wording.number(wording.decimal(millionths))

    remarks = [
        told
        for told, holds in (
            (wording.condition("short"), leg.short),
            (wording.condition("damaged"), leg.damaged),
            (_("disputed"), exchange.disputed),
            (_("contested"), exchange.contested),
        )
        if holds
    ]
    return (
        names[leg.giver],
        names[leg.receiver],
        leg.transfer.title,
        wording.category(leg.transfer.category),
        None if quantity is None else wording.number(wording.decimal_of(quantity)),
        None if quantity is None else quantity.unit,
        amount(leg.given),
        amount(leg.got),
        amount(leg.due if exchange.state == "agreed" else 0),
        leg.transfer.due,
        "; ".join(remarks),
        wording.exchange_state(exchange.state),
        wording.form(exchange.form),
        wording.plain_time_of(exchange.proposal.at),
        exchange.proposal.note,
        exchange.id.hex(),
        str(number),
        None if leg.transfer.listing is None else leg.transfer.listing.hex(),
    )


def _moves(walk: Walk) -> Iterator[Sequence[str | None]]:
    names = overview.Names(walk.service.reader)
    for dealing in walk.dealings():
        for each in dealing.said:
            record = each.row.record
            at = getattr(record, "at", None)
            if not walk.choice.lasts(at):
                continue
            quantity, place = getattr(record, "quantity", None), getattr(record, "transfer", None)
            condition, outcome = getattr(record, "condition", None), getattr(record, "outcome", None)
            yield (
                None if at is None else wording.plain_time_of(at),
                None if each.commune is None else names[each.commune],
                wording.kind(getattr(record, "kind", "")),
                None if place is None else str(place + 1),
                None if quantity is None else wording.number(wording.decimal_of(quantity)),
                None if quantity is None else quantity.unit,
                None if condition is None else wording.condition(condition),
                None if outcome is None else telling.outcome(outcome),
                getattr(record, "note", None) or getattr(record, "reason", None),
                _("yes") if each.counts and each.refused is None else _("no"),
                dealing.exchange.id.hex(),
                each.row.id.hex(),
            )
