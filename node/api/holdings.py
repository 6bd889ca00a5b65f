"""What is read of communes and logs: who they are, what stands open, and entries with their proofs."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import UNSET, UnsetType

from ledger.records import CommuneId

from .. import clock, typed
from ..charts import counted, months_until
from ..entries import as_it_is
from ..overview import Names, Relations, accounts_of
from ..petnames import find_commune, give_pet_name, namesakes, pet_names_at
from ..service import Service
from ..shapes import Page, communes, entries, statements
from ..shapes.charts import Charts, charts_of
from ..statements import statement_of, sums_of
from ..wishes import about
from .asking import Asked
from .endpoints import Endpoint
from .parts import Name, Part, page_of, part_of

# Communes and accounts --------------------------------------------------------------------------


async def list_communes(asked: Asked) -> Page[communes.Commune]:
    """The communes that are known here."""
    query: Part = asked.query

    def look(service: Service) -> Page[communes.Commune]:
        relations, called = Relations(service), pet_names_at(service.reader)
        rows = part_of(service.reader.communes(), query.limit, query.offset)
        found = [communes.commune_of(row, relations, called) for row in rows]
        return page_of(found, query.limit, query.offset)

    return await asked.ask(look)


async def show_commune(asked: Asked) -> communes.CommuneInFull:
    """One commune in full."""
    commune = asked.id()

    def look(service: Service) -> communes.CommuneInFull:
        reader = service.reader
        return communes.in_full(reader.commune(commune), Relations(service), reader)

    return await asked.ask_aside(look)


class Naming(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What people here call a commune."""

    name: Annotated[str | None, about("what they call it; null to call it as it calls itself")]


async def name_commune(asked: Asked) -> communes.Named:
    """Call a commune by a name of one's own."""
    commune, given = CommuneId(asked.id()), asked.body.name

    def name(service: Service) -> communes.Named:
        reader = service.reader
        public = reader.commune(commune).name
        give_pet_name(given, commune, reader, service.own)
        called = pet_names_at(reader).get(commune)
        alike = () if called is None else namesakes(called, commune, reader)
        return communes.Named(commune.hex(), public, called, tuple(other.hex() for other in alike))

    return await asked.ask_aside(name)


class AccountsAsked(Part, frozen=True, kw_only=True):
    """Whose accounts."""

    commune: Name | UnsetType = UNSET


async def list_accounts(asked: Asked) -> Page[communes.Account]:
    """What stands open."""
    query: AccountsAsked = asked.query

    def look(service: Service) -> Page[communes.Account]:
        reader = service.reader
        commune = find_commune(reader, query.commune) if query.commune else service.commune
        rows = part_of(accounts_of(commune, reader), query.limit, query.offset)
        return page_of([communes.account_of(row) for row in rows], query.limit, query.offset)

    return await asked.ask_aside(look)


class StatementAsked(Part, frozen=True, kw_only=True):
    """Of which period."""

    since: Annotated[str, about("first day, like 2030-01-01; else the first of this month")] | UnsetType = (
        UNSET
    )
    until: Annotated[str, about("last day, like 2030-01-31; else today")] | UnsetType = UNSET


async def show_statement(asked: Asked) -> statements.Statement:
    """What came in and went out."""
    query: StatementAsked = asked.query
    today = clock.today()
    first, last = query.since or f"{today[:8]}01", query.until or today
    begin, end = typed.start_of_day(first), typed.end_of_day(last)

    def look(service: Service) -> statements.Statement:
        found = statement_of(begin, end, service).passings
        rows = [statements.passing_of(each) for each in part_of(found, query.limit, query.offset)]
        part = page_of(rows, query.limit, query.offset)
        sums = tuple(statements.sum_of(each) for each in sums_of(found))
        return statements.Statement(
            since=first.strip(), until=last.strip(), items=part.items, next=part.next, sums=sums
        )

    return await asked.ask_aside(look)


class ChartsAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose exchanges are counted."""

    commune: Annotated[Name, about("a commune, by its name or id; else all that is held")] | UnsetType = UNSET


async def show_charts(asked: Asked) -> Charts:
    """Exchanges over time."""
    query: ChartsAsked = asked.query
    months = months_until(clock.today())

    def look(service: Service) -> Charts:
        commune = find_commune(service.reader, query.commune) if query.commune else None
        return charts_of(counted(service, months, commune), months)

    return await asked.ask_aside(look)


# Entries ----------------------------------------------------------------------------------------


async def list_logs(asked: Asked) -> Page[entries.HeldLog]:
    """The logs that are held."""
    query: Part = asked.query

    def look(service: Service) -> Page[entries.HeldLog]:
        rows = part_of(service.reader.branches(), query.limit, query.offset)
        return page_of([entries.log_of(row) for row in rows], query.limit, query.offset)

    return await asked.ask(look)


class EntriesAsked(Part, frozen=True, kw_only=True):
    """Whose entries."""

    of: (
        Annotated[str, about("a commune by its name or id, or a log by its key; else this commune")]
        | UnsetType
    ) = UNSET
    newest: Annotated[bool, about("the newest first, by their places in the logs")] = False


async def list_entries(asked: Asked) -> Page[entries.Entry]:
    """Entries of logs, in the order in which they were signed."""
    query: EntriesAsked = asked.query

    def look(service: Service) -> Page[entries.Entry]:
        reader, names = service.reader, Names(service.reader)
        branches = entries.branches_meant(query.of or None, service)
        limit, offset = query.limit + 1, query.offset
        if query.newest:
            # Counted from the end: the part ends where those begin that are passed over.
            end = max(0, sum(branch.size - entries.first_of(branch) for branch in branches) - offset)
            limit, offset = min(limit, end), max(0, end - limit)
        rows = entries.rows_of(branches, reader, limit=limit, offset=offset)
        found = [entries.entry_of(row, branch, names) for row, branch in rows]
        return page_of(found[::-1] if query.newest else found, query.limit, query.offset)

    return await asked.ask_aside(look)


async def show_entry(asked: Asked) -> entries.EntryAsItIs:
    """One entry as it is, with its proof."""
    entry = asked.id()

    def look(service: Service) -> entries.EntryAsItIs:
        reader = service.reader
        return msgspec.convert(as_it_is(reader.entry(entry), reader), entries.EntryAsItIs)

    return await asked.ask(look)


ENDPOINTS: Final = (
    Endpoint(
        "GET", "/api/1/accounts", "listAccounts",
        "What stands open between a commune and its partners; this commune's, if no other is named.",
        list_accounts, "[accounts](json.md#account)", Page[communes.Account], query=AccountsAsked,
    ),
    Endpoint(
        "GET", "/api/1/statement", "showStatement",
        "What came in and went out of this commune in a period, by the word of whoever received it.",
        show_statement, "[a statement](json.md#statement), whose `items` come in parts", statements.Statement,
        query=StatementAsked,
    ),
    Endpoint(
        "GET", "/api/1/charts", "showCharts",
        "Exchanges that were agreed and what was received, over two years by category, and who exchanges "
        "with whom. Quantities are by the word of whoever received.",
        show_charts, "[charts](json.md#charts)", Charts, query=ChartsAsked,
    ),
    Endpoint(
        "GET", "/api/1/communes", "listCommunes", "The communes that are known here.",
        list_communes, "[communes](json.md#commune)", Page[communes.Commune], query=Part,
    ),
    Endpoint(
        "GET", "/api/1/communes/{id}", "showCommune",
        "One commune: who speaks for it, its logs, and what stands open.",
        show_commune, "[a commune in full](json.md#commune-in-full)", communes.CommuneInFull,
    ),
    Endpoint(
        "POST", "/api/1/communes/{id}/name", "nameCommune",
        "Says what people here call a commune, or that they call it as it calls itself. It is kept in this "
        "home and its backups, and no other node is told.",
        name_commune, "[the names of a commune](json.md#names-of-a-commune)", communes.Named, body=Naming,
    ),
    Endpoint(
        "GET", "/api/1/logs", "listLogs", "The logs that are held; a forked one in all its branches.",
        list_logs, "[logs](json.md#held-log)", Page[entries.HeldLog], query=Part,
    ),
    Endpoint(
        "GET", "/api/1/entries", "listEntries",
        "Entries of the logs of a commune, or of one log, in the order in which they were signed.",
        list_entries, "[entries](json.md#entry)", Page[entries.Entry], query=EntriesAsked,
    ),
    Endpoint(
        "GET", "/api/1/entries/{id}", "showEntry", "One entry, with all that is needed to check it.",
        show_entry, "[an entry as it is](json.md#entry-as-it-is)", entries.EntryAsItIs,
    ),
)  # fmt: skip
"""What is read of communes and logs."""
