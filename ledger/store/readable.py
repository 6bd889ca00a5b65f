# ruff: noqa: S608  # every part of these questions is a constant of this module
"""Readable views: the ledger for people who open its file with a tool for SQLite.

Decides which views there are and what their columns are called
(docs/reference/sqlite.md). They are made of what the tables hold, when somebody
asks: writing does not know of them. No code of this project reads them.

Payloads are MessagePack, which SQLite does not read; `all_records` does, with a walk
over the bytes of one payload. `walk` has the place of the next byte, the JSON
written so far, what is open (for each array or map, innermost first, its kind
and how many items of it are still to come), and the item whose tag was read.
Only what the index knows as a record is read so: its encoding was checked when
it came.
"""

from __future__ import annotations

from typing import Final

from ..held import INDEX_MASK, PLACE_BITS


def _byte(at: str) -> str:
    """The value of the payload's byte at a place."""
    return f"(instr(bytes, substr(payload, {at}, 1)) - 1)"


def _after(frame: str) -> str:
    """What stands behind an item, by what is open around it and still to come there."""
    rest = f"CAST(substr({frame}, 2, 4) AS INTEGER)"
    return f"CASE WHEN {rest} = 0 THEN '' WHEN {frame} LIKE 'M%' AND {rest} % 2 THEN ':' ELSE ',' END"


def _quoted(text: str) -> str:
    """Text as JSON; of control characters, records hold the newline alone."""
    escaped = rf"""replace(replace(replace({text}, '\', '\\'), '"', '\"'), char(10), '\n')"""
    return f"'\"' || {escaped} || '\"'"


_CODES: Final = f"(SELECT X'{''.join(f'{value:02X}' for value in range(256))}' AS bytes)"
"""All bytes in their order, so that the place of one is its value and one more."""

_TAGS: Final = """
    (X'00', X'7F', 'I', 0, 0), (X'80', X'8F', 'M', 0, 128), (X'90', X'9F', 'A', 0, 144),
    (X'A0', X'BF', 'S', 0, 160), (X'C0', X'C0', 'null', 0, 0), (X'C2', X'C2', 'false', 0, 0),
    (X'C3', X'C3', 'true', 0, 0), (X'C4', X'C4', 'B', 1, 0), (X'C5', X'C5', 'B', 2, 0),
    (X'CC', X'CC', 'I', 1, 0), (X'CD', X'CD', 'I', 2, 0), (X'CE', X'CE', 'I', 4, 0),
    (X'CF', X'CF', 'I', 8, 0), (X'D0', X'D0', 'I', 1, 256), (X'D1', X'D1', 'I', 2, 65536),
    (X'D2', X'D2', 'I', 4, 4294967296), (X'D3', X'D3', 'I', 8, 0), (X'D9', X'D9', 'S', 1, 0),
    (X'DA', X'DA', 'S', 2, 0), (X'DC', X'DC', 'A', 2, 0), (X'DE', X'DE', 'M', 2, 0),
    (X'E0', X'FF', 'I', 0, 256)
"""
"""Tags of MessagePack (https://github.com/msgpack/msgpack/blob/master/spec.md): first and last, what follows,
in how many bytes its number stands, what is taken from that.

The number is a whole number itself (I), the length of text (S) or bytes (B), or how many items an array (A)
or pairs a map (M) has. In a canonical encoding the signed tags have negative numbers only.
"""

_NUMBER: Final = " | ".join(f"({_byte(f'p + width - {k}')} * (width > {k}) << {8 * k})" for k in range(8))
"""The number behind a tag; in eight bytes it is a signed one by itself."""

_LESS: Final = "substr(open, 1, 1) || printf('%04d', substr(open, 2, 4) - 1)"
"""The innermost that is open, with one item less to come."""

_JSON: Final = f"""
WITH RECURSIVE
tag (low, high, kind, width, less) AS (VALUES {_TAGS}),
walk (p, json, open, item, head, n) AS (
    SELECT 1, '', 'A0001', NULL, 0, 0
    UNION ALL
    SELECT
        CASE
            WHEN item IS NOT NULL THEN p + head + CASE WHEN item IN ('S', 'B') THEN n ELSE 0 END
            WHEN kind IS NOT NULL OR open LIKE '_0000%' THEN p
        END,
        json || CASE
            WHEN item IN ('M', 'A') THEN CASE item WHEN 'M' THEN '{{' ELSE '[' END
            WHEN item IS NOT NULL THEN CASE item
                WHEN 'S' THEN {_quoted("CAST(substr(payload, p + head, n) AS TEXT)")}
                WHEN 'B' THEN '"' || lower(hex(substr(payload, p + head, n))) || '"'
                WHEN 'I' THEN n
                ELSE item
            END || {_after(_LESS)}
            WHEN open LIKE '_0000%' THEN CASE WHEN open LIKE 'M%' THEN '}}' ELSE ']' END
                || {_after("substr(open, 6)")}
            ELSE ''
        END,
        CASE
            WHEN item = 'M' THEN 'M' || printf('%04d', 2 * n)
            WHEN item = 'A' THEN 'A' || printf('%04d', n)
            ELSE ''
        END || CASE
            WHEN item IS NOT NULL THEN {_LESS} || substr(open, 6)
            WHEN open LIKE '_0000%' THEN substr(open, 6)
            ELSE open
        END,
        CASE WHEN item IS NULL AND open NOT LIKE '_0000%' THEN kind END,
        1 + width,
        CASE width WHEN 0 THEN {_byte("p")} ELSE {_NUMBER} END - less
    FROM walk LEFT JOIN tag ON item IS NULL AND substr(payload, p, 1) BETWEEN low AND high
    WHERE open <> 'A0000' AND p <= length(payload) + 1
)
SELECT json FROM walk WHERE open = 'A0000'
"""
"""The payload as JSON. Every item takes two steps: its tag is read, then it is written; what is complete is
closed in a step of its own."""

_PREFIX: Final = " | ".join(
    f"((instr(bytes, substr(leaf, {1 + k}, 1)) - 1) << {8 * (7 - k)})" for k in range(8)
)
"""The number by which the index knows an id: its first eight bytes."""


def _time(milliseconds: str) -> str:
    """A time as text, in UTC."""
    return f"strftime('%Y-%m-%dT%H:%M:%SZ', {milliseconds} / 1000, 'unixepoch')"


def _hex(value: str) -> str:
    return f"lower(hex({value}))"


def _name_of(commune: str) -> str:
    """The name of a commune by its id, which may be unknown here."""
    return f"(SELECT name FROM commune WHERE commune.id = {commune})"


def _name_of_hex(commune: str) -> str:
    """The same by the digits of its id; of one that is unknown, these."""
    return f"coalesce((SELECT name FROM commune WHERE {_hex('commune.id')} = {commune}), {commune})"


def _party(side: str) -> str:
    """The id of who gives or receives, which a transfer names by its place among the parties."""
    return f"json_extract(record, '$.parties[' || json_extract(transfer.value, '$.{side}') || ']')"


_AMOUNT: Final = (
    "json_extract({0}, '$.quantity[0]') * 1.0 / CASE json_extract({0}, '$.quantity[1]') WHEN 0 THEN 1 "
    "WHEN 1 THEN 10 WHEN 2 THEN 100 WHEN 3 THEN 1000 WHEN 4 THEN 10000 WHEN 5 THEN 100000 ELSE 1000000 END"
)

VIEWS: Final = {
    "all_records": f"""
        SELECT place, CASE WHEN EXISTS (
            SELECT 1 FROM identity WHERE prefix = ({_PREFIX}) AND identity.place = entry.place
        ) THEN ({_JSON}) END AS record
        FROM entry CROSS JOIN {_CODES}
    """,
    "all_entries": f"""
        SELECT
            {_hex("entry.leaf")} AS id, {_name_of("standing.commune")} AS commune,
            {_hex("branch.log")} AS log, branch.number AS branch,
            entry.place & {INDEX_MASK} AS position,
            json_extract(all_records.record, '$.kind') AS kind,
            {_time("json_extract(all_records.record, '$.at')")} AS at,
            json_extract(all_records.record, '$.by') AS by,
            length(entry.payload) AS bytes,
            entry.payload IS NULL AS erased,
            all_records.record AS record,
            {_hex("standing.commune")} AS commune_id
        FROM entry JOIN all_records ON all_records.place = entry.place
        JOIN branch ON branch.number = entry.place >> {PLACE_BITS}
        LEFT JOIN standing ON standing.branch = branch.number
    """,
    "all_communes": f"""
        SELECT
            commune.name AS name, commune.place AS place, commune.about AS about, commune.contact AS contact,
            (SELECT count(*) FROM standing WHERE standing.commune = commune.id) AS logs,
            (SELECT count(*) FROM party WHERE party.commune = commune.id) AS exchanges,
            {_hex("commune.id")} AS id
        FROM commune
    """,
    "all_listings": f"""
        SELECT
            listing.kind AS kind, json_extract(record, '$.title') AS title, listing.category AS category,
            {_AMOUNT.format("record")} AS quantity, json_extract(record, '$.quantity[2]') AS unit,
            {_name_of("listing.commune")} AS commune, listing.until AS until,
            coalesce(listing.ended, 'open') AS state, {_time("listing.at")} AS at,
            json_extract(record, '$.note') AS note, json_extract(record, '$.wants') AS wants,
            json_extract(record, '$.place') AS place, json_extract(record, '$.council') AS council,
            {_hex("entry.leaf")} AS id, {_hex("listing.commune")} AS commune_id
        FROM listing JOIN entry ON entry.place = listing.place
        JOIN all_records ON all_records.place = listing.place
        WHERE listing.commune IS NOT NULL
    """,
    "all_exchanges": f"""
        SELECT
            (SELECT group_concat({_name_of_hex(_hex("party.commune"))}, ', ') FROM party
                WHERE party.exchange = exchange.place) AS parties,
            exchange.form AS form, exchange.state AS state, exchange.disputed AS disputed,
            exchange.contested AS contested, {_name_of("standing.commune")} AS proposed_by,
            {_time("exchange.at")} AS at, json_extract(record, '$.note') AS note, {_hex("exchange.id")} AS id
        FROM exchange JOIN all_records ON all_records.place = exchange.place
        LEFT JOIN standing ON standing.branch = exchange.place >> {PLACE_BITS}
    """,
    "all_transfers": f"""
        SELECT
            {_name_of_hex(_party("from"))} AS giver, {_name_of_hex(_party("to"))} AS receiver,
            json_extract(transfer.value, '$.title') AS title, {_AMOUNT.format("transfer.value")} AS quantity,
            json_extract(transfer.value, '$.quantity[2]') AS unit,
            json_extract(transfer.value, '$.category') AS category,
            json_extract(transfer.value, '$.due') AS due, exchange.state AS state,
            {_time("exchange.at")} AS at, transfer.key + 1 AS number, {_hex("exchange.id")} AS exchange,
            json_extract(transfer.value, '$.listing') AS listing
        FROM exchange JOIN all_records ON all_records.place = exchange.place
        JOIN json_each(json_extract(all_records.record, '$.transfers')) AS transfer
    """,
}
"""Every view by its name, and what it selects.

The names are not free: where SQLite (3.40) comes upon a view first of all, `PRAGMA integrity_check` leaves
out what no table uses, and it comes upon them by a hash of their names. Beside our tables these never come
first; the test of damage holds that.
"""
