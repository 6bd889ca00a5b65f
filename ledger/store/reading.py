"""Reading what is held: ids, communes, listings and exchanges.

Decides what a reader can ask of the database, never what it means. A `Reader`
is what `passing` and `listings` make of a connection, and finds things besides.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .. import standing
from ..commune import Commune
from ..errors import NotFound
from ..exchange import Exchange
from ..log import EntryId
from ..records import CommuneId, Malformed, Record, Uninterpreted
from ..standing import PLACE_BITS, place_of
from ..view import PROMISING
from .folding import Folding
from .forming import Forming
from .holding import prefix_of
from .listings import IMAGES_KEY, ListingRow, Listings
from .passing import BranchInfo, EntryRow

__all__ = ["IMAGES_KEY", "MIN_PREFIX", "BranchInfo", "CommuneRow", "EntryRow", "ListingRow", "Reader"]

MIN_PREFIX: Final = 4
"""hex digits that a shortened id must have; fewer are nearly always ambiguous."""

_HEX: Final = re.compile(r"[0-9a-f]{1,64}")


@dataclass(frozen=True, slots=True)
class CommuneRow:
    """A commune as lists show it."""

    id: CommuneId
    name: str
    place: str | None
    about: str | None
    contact: str | None


class Reader(Listings):
    """Questions to the ledger over one read-only connection. Every method can raise StoreError."""

    def __init__(self, path: Path) -> None:
        """Open the database at `path`, which must exist. Raises StoreError."""
        super().__init__(path)
        self._folding = Folding(self.holding)

    # Finding ------------------------------------------------------------------------------------

    def find(self, text: str) -> EntryId:
        """The entry id that a person means by its hex digits or an unambiguous beginning of them."""
        digits = text.strip().lower()
        if not _HEX.fullmatch(digits):
            raise NotFound("'{text}' is not an id: an id is written with the digits 0-9 and a-f.", text=text)
        if len(digits) < MIN_PREFIX:
            raise NotFound(
                "'{text}' is too short: give at least {least} digits of the id.", text=text, least=MIN_PREFIX
            )
        low = bytes.fromhex(digits.ljust(64, "0"))
        high = bytes.fromhex(digits.ljust(64, "f"))
        with self._asking():
            rows = self.connection.execute(
                "SELECT DISTINCT leaf FROM identity JOIN entry USING (place) "
                "WHERE prefix BETWEEN ? AND ? AND leaf BETWEEN ? AND ? LIMIT 2",
                (prefix_of(low), prefix_of(high), low, high),
            ).fetchall()
            if not rows:
                rows = self._scan(low, high)
        if not rows:
            raise NotFound(
                "Nothing held here has an id that begins with {digits}: look it up again.", digits=digits
            )
        if len(rows) > 1:
            raise NotFound("More than one id begins with {digits}: give more digits.", digits=digits)
        return EntryId(rows[0][0])

    def entry(self, entry: bytes) -> EntryRow:
        """An entry by its id. Raises NotFound."""
        with self._asking():
            for place in self.holding.places_of(entry):
                return self._entry(place)
            for _leaf, place in self._scan(entry, entry):
                return self._entry(place)
        raise NotFound("No entry {id} is held here: look its id up again.", id=entry.hex()[:16])

    def _scan(self, low: bytes, high: bytes) -> list[tuple[bytes, int]]:
        """Look through all entries for two ids: those that are erased, or no record, stand in no index."""
        return self.connection.execute(
            "SELECT leaf, min(place) FROM entry WHERE leaf BETWEEN ? AND ? GROUP BY leaf LIMIT 2", (low, high)
        ).fetchall()

    # Communes -----------------------------------------------------------------------------------

    def communes(self) -> list[CommuneRow]:
        """All communes whose charter is held, by name."""
        with self._asking():
            rows = self.connection.execute(
                "SELECT id, name, place, about, contact FROM commune ORDER BY name, id"
            )
            return [CommuneRow(CommuneId(row[0]), *row[1:]) for row in rows]

    def commune(self, commune: bytes) -> CommuneRow:
        """One commune as lists show it. Raises NotFound."""
        with self._asking():
            row = self.connection.execute(
                "SELECT id, name, place, about, contact FROM commune WHERE id = ?", (commune,)
            ).fetchone()
        if row is None:
            raise NotFound(
                "The commune {id} is not known here: import a bundle that has it.", id=commune.hex()[:16]
            )
        return CommuneRow(CommuneId(row[0]), *row[1:])

    def profile(self, commune: bytes) -> EntryRow | None:
        """The profile by which lists show a commune; None if they show it by its charter."""
        with self._asking():
            row = self.connection.execute("SELECT profile FROM commune WHERE id = ?", (commune,)).fetchone()
            return None if row is None or row[0] is None else self._entry(row[0])

    def find_commune(self, text: str) -> CommuneId:
        """The commune that a person means: by its exact name, or by its id or the beginning of it."""
        named = [row.id for row in self.communes() if row.name.casefold() == text.strip().casefold()]
        if len(named) == 1:
            return named[0]
        if len(named) > 1:
            raise NotFound(
                "{count} communes are called '{text}': give the id of the one you mean.",
                count=len(named),
                text=text,
            )
        digits = text.strip().lower()
        if _HEX.fullmatch(digits) and len(digits) >= MIN_PREFIX:
            matching = [row.id for row in self.communes() if row.id.hex().startswith(digits)]
            if len(matching) == 1:
                return matching[0]
            if len(matching) > 1:
                raise NotFound(
                    "More than one commune's id begins with {digits}: give more digits.", digits=digits
                )
        from difflib import get_close_matches

        names = {row.name.casefold(): row.name for row in self.communes()}
        if near := get_close_matches(text.strip().casefold(), names, n=3, cutoff=0.6):
            raise NotFound(
                "No commune called '{text}' is known here. Did you mean: {names}?",
                text=text,
                names=", ".join(names[name] for name in near),
            )
        raise NotFound("No commune called '{text}' is known here: `trueque communes` lists them.", text=text)

    def formed(self, commune: CommuneId) -> Commune:
        """A commune with its authority, logs and seals. Raises NotFound."""
        with self._asking():
            formed = Forming(self.holding).commune(commune)
        if formed is None:
            raise NotFound(
                "The commune {id} is not known here: import a bundle that has it.", id=commune.hex()[:16]
            )
        return formed

    def commune_of(self, log: bytes) -> CommuneId | None:
        """The commune that a log belongs to, None while that is not known."""
        with self._asking():
            for held in self.holding.branches_of(log):
                standing = self.holding.standing(held.number)
                if standing is not None:
                    return standing.commune
        return None

    def recognised(self, by: CommuneId) -> list[CommuneId]:
        """The communes that one recognises, in the order in which its log says so."""
        with self._asking():
            rows = self.connection.execute(
                "SELECT commune FROM recognition WHERE by_commune = ? ORDER BY place", (by,)
            )
            return [CommuneId(row[0]) for row in rows]

    def partners(self, commune: CommuneId) -> list[CommuneId]:
        """The parties to exchanges in which a commune has said something, held here or not.

        Whoever names it in a proposal of theirs, beside others, makes these nobody's partners.
        """
        with self._asking():
            rows = self.connection.execute(
                "SELECT DISTINCT other.commune, own.exchange, exchange.id FROM party AS own "
                "JOIN party AS other USING (exchange) JOIN exchange ON exchange.place = own.exchange "
                "WHERE own.commune = ?1 AND other.commune != ?1 ORDER BY other.commune, own.exchange",
                (commune,),
            ).fetchall()
            branches = {
                row[0]
                for row in self.connection.execute(
                    "SELECT branch FROM standing WHERE commune = ?", (commune,)
                )
            }
            spoken: dict[int, bool] = {}
            found: dict[CommuneId, None] = {}
            for other, place, exchange in rows:
                if other in found:
                    continue
                if place not in spoken:
                    spoken[place] = place >> PLACE_BITS in branches or any(
                        move >> PLACE_BITS in branches for move, _, _ in self.holding.about(exchange)
                    )
                if spoken[place]:
                    found[CommuneId(other)] = None
            return list(found)

    # Exchanges ----------------------------------------------------------------------------------

    def exchange(self, entry: EntryId) -> Exchange:
        """The state of one exchange. Raises NotFound."""
        with self._asking():
            folded = self._folding.exchange(entry)
            erased = None if folded is not None else self._erased(entry)
        if erased is not None:
            raise self._gone(entry, erased)
        if folded is None:
            raise NotFound(
                "{id} is not an exchange that is held here: `trueque exchanges` shows those.",
                id=entry.hex()[:16],
            )
        return folded

    def _gone(self, entry: EntryId, reason: str) -> NotFound:
        """What is still known of a proposal whose content was erased here: whose it was, what names it."""
        owner = self.commune_of(self.entry(entry).log)
        with self._asking():
            about = [found[1].hex()[:12] for found in self.holding.about(entry)]
        fields = {
            "id": entry.hex()[:16],
            "name": "?" if owner is None else self.commune(owner).name,
            "reason": reason,
        }
        if not about:
            return NotFound(
                "The content of {id}, of {name}, was erased here ({reason}), so what it proposed is not "
                "known any more, and no record that is held here names it.",
                **fields,
            )
        return NotFound(
            "The content of {id}, of {name}, was erased here ({reason}), so what it proposed is not known "
            "any more. These records still name it: {ids}. `trueque log` shows them.",
            **fields,
            ids=", ".join(about),
        )

    def _erased(self, entry: bytes) -> str | None:
        """Why the content of an entry was erased here, None if it was not."""
        row = self.connection.execute(
            "SELECT reason FROM erasure JOIN entry USING (place) WHERE leaf = ?", (entry,)
        ).fetchone()
        return None if row is None else str(row[0])

    def exchanges(
        self,
        *,
        commune: CommuneId | None = None,
        states: Sequence[str] = (),
        limit: int = -1,
        offset: int = 0,
    ) -> list[Exchange]:
        """Exchanges, the newest claim first; of one commune, or in some states, if given."""
        where, values = ["1"], list[object]()
        if commune is not None:
            where.append("place IN (SELECT exchange FROM party WHERE commune = ?)")
            values.append(commune)
        if states:
            where.append(f"state IN ({', '.join('?' * len(states))})")
            values += states
        with self._asking():
            rows = self.connection.execute(
                f"SELECT id FROM exchange WHERE {' AND '.join(where)} "  # noqa: S608  # as above
                "ORDER BY at DESC, place DESC LIMIT ? OFFSET ?",
                (*values, limit, offset),
            ).fetchall()
            folded = [self._folding.exchange(EntryId(row[0])) for row in rows]
        return [exchange for exchange in folded if exchange is not None]

    def exchange_ids(self, commune: CommuneId) -> list[EntryId]:
        """The exchanges of a commune, in no order that means anything."""
        with self._asking():
            rows = self.connection.execute(
                "SELECT id FROM exchange WHERE place IN (SELECT exchange FROM party WHERE commune = ?)",
                (commune,),
            )
            return [EntryId(row[0]) for row in rows]

    def exchange_of(self, entry: bytes) -> EntryId:
        """The exchange that an entry opens, or that its record is about. Raises NotFound."""
        named: bytes | None = entry
        while named is not None:
            entry = named
            record = self.entry(entry).record
            named = None if record is None else _subject(record)
        return self.exchange(EntryId(entry)).id

    def drawing_on(self, listing: bytes, *, agreed: bool = False) -> list[Exchange]:
        """The exchanges whose proposals name a listing.

        With `agreed` those alone that can take something of it: anybody can
        propose, as often as they like, and only what its commune agreed to counts.
        """
        with self._asking():
            if agreed:
                rows = self.connection.execute(
                    "SELECT exchange.id FROM about CROSS JOIN exchange USING (place) WHERE prefix = ? "
                    "AND state IN (SELECT value FROM json_each(?))",
                    (prefix_of(listing), json.dumps(sorted(PROMISING))),
                )
                named = [entry for (entry,) in rows.fetchall()]
            else:
                named = [
                    entry for _, entry, record in self.holding.about(listing) if record.kind == "propose"
                ]
            folded = [self._folding.exchange(EntryId(entry)) for entry in dict.fromkeys(named)]
        return [exchange for exchange in folded if exchange is not None]

    def records_about(self, entry: bytes) -> list[EntryRow]:
        """Every held record that names an entry, in no order that means anything."""
        with self._asking():
            return [self._entry(place) for place, _, _ in self.holding.about(entry)]

    def weight(self, row: EntryRow) -> tuple[bool, bool]:
        """Whether an entry counts, and whether it is contested, by where it stands."""
        with self._asking():
            place = place_of(row.branch, row.index)
            counts = standing.counts(self.holding, place)
            return counts, counts and standing.is_contested(self.holding, place)


def _subject(record: Record | Uninterpreted | Malformed) -> bytes | None:
    """The entry that a step of an exchange is about."""
    for name in ("exchange", "dispute", "target"):
        named: bytes | None = getattr(record, name, None)
        if named is not None:
            return named
    return None
