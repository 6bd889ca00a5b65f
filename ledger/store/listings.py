"""Listings as they are chosen: by whose they are, what they are, words in them, and where.

Decides which listings a choice means, the order in which they come, and that what
they say is read of those alone. Which of them count is `meaning`'s to have
written, how a place is looked for `sites`'.
"""

from __future__ import annotations

import re
import sqlite3
from dataclasses import dataclass
from typing import Final
from unicodedata import normalize

from ..errors import NotFound
from ..log import EntryId
from ..records import CommuneId, Need, Offer, parse
from ..standing import INDEX_MASK, PLACE_BITS
from .holding import prefix_of
from .passing import Passing
from .sites import FOUND, words_of

IMAGES_KEY: Final = b"\xa6images"
"""How the field `images` begins in a payload; one that has it nowhere names no images."""

_WORD: Final = re.compile(r"[^\W_]+")
"""A word as the search index has it; to that an underscore is what stands between two."""


@dataclass(frozen=True, slots=True)
class ListingRow:
    """An offer or need that counts; `ended` is None while it stands, else how it ended."""

    id: EntryId
    commune: CommuneId
    record: Offer | Need
    ended: str | None


class Listings(Passing):
    """Questions about listings, over one read-only connection. Every method can raise StoreError."""

    def listings(
        self,
        *,
        commune: CommuneId | None = None,
        kind: str | None = None,
        category: str | None = None,
        search: str | None = None,
        place: str | None = None,
        since: int | None = None,
        today: str | None = None,
        ended: bool = False,
        illustrated: bool = False,
        limit: int = -1,
        offset: int = 0,
    ) -> list[ListingRow]:
        """Listings that count, the newest claim first.

        `search` finds words and beginnings of words, with or without accents;
        `place` likewise, in where a listing or its commune is. `since` (in
        milliseconds) leaves out those that claim to be older, `today` (a date
        like 2030-01-31) those whose `until` is before it. `ended` shows the withdrawn and replaced ones too.
        `illustrated` leaves out those without images.
        """
        source = "listing"
        where = ["listing.commune IS NOT NULL"]
        values: list[object] = []
        if commune is not None:
            # Those that count stand in the commune's own logs.
            source = (
                "standing CROSS JOIN listing ON listing.place BETWEEN standing.branch << ? "
                "AND standing.branch << ? | ?"
            )
            where.append("standing.commune = ?")
            values += (PLACE_BITS, PLACE_BITS, INDEX_MASK, commune)
        for column, value in (("commune", commune), ("kind", kind), ("category", category)):
            if value is not None:
                where.append(f"listing.{column} = ?")
                values.append(value)
        if not ended:
            where.append("listing.ended IS NULL")
        if since is not None:
            where.append("listing.at >= ?")
            values.append(since)
        if today is not None:
            where.append("(listing.until IS NULL OR listing.until >= ?)")
            values.append(today)
        if illustrated:
            where.append("instr(payload, ?) > 0")
            values.append(IMAGES_KEY)
        words = _WORD.findall(normalize("NFC", search or ""))
        if search is not None and not words:
            return []
        if words:
            where.append("listing.place IN (SELECT rowid FROM listing_text WHERE listing_text MATCH ?)")
            values.append(" AND ".join(f'"{word}"*' for word in words))
        sites = words_of(place or "")
        if place is not None and not sites:
            return []
        for word in sites:
            where.append(FOUND)
            values += (word, word)
        if illustrated:
            source += " JOIN entry ON entry.place = listing.place"
        with self._asking():
            rows = self.connection.execute(
                # The conditions are the literals above; what was asked for are parameters. Which listings
                # these are is decided first: what they say is read of those alone.
                "SELECT leaf, chosen.commune, entry.payload, chosen.ended FROM ("  # noqa: S608
                f"SELECT listing.place, listing.commune, listing.ended, listing.at FROM {source} "
                f"WHERE {' AND '.join(where)} ORDER BY listing.at DESC, listing.place DESC LIMIT ? OFFSET ?"
                ") AS chosen CROSS JOIN entry ON entry.place = chosen.place "
                "ORDER BY chosen.at DESC, chosen.place DESC",
                (*values, limit, offset),
            ).fetchall()
            return [self._listing(*row) for row in rows]

    @staticmethod
    def _listing(leaf: bytes, commune: bytes, payload: bytes, ended: str | None) -> ListingRow:
        record = parse(payload)
        if not isinstance(record, Offer | Need):
            raise sqlite3.DatabaseError("malformed listing")
        return ListingRow(EntryId(leaf), CommuneId(commune), record, ended)

    def listing(self, entry: bytes) -> ListingRow:
        """One listing that counts. Raises NotFound."""
        with self._asking():
            row = self.connection.execute(
                "SELECT leaf, listing.commune, payload, ended FROM identity JOIN listing USING (place) "
                "JOIN entry USING (place) WHERE prefix = ? AND leaf = ? AND listing.commune IS NOT NULL",
                (prefix_of(entry), entry),
            ).fetchone()
            if row is not None:
                return self._listing(*row)
        raise NotFound(
            "{id} is not an offer or need that is held here: `trueque listings` shows those.",
            id=entry.hex()[:16],
        )
