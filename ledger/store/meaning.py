"""What entries mean: the rows of listings, profiles, recognitions and exchanges.

Decides which of these rows an entry can change, and writes them. Standings and
witnesses are settled before; what the rules make of them is asked of `folding`
and `standing`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from ..dealings import Found, commune_at
from ..exchange import Exchange
from ..held import PLACE_BITS, place_of
from ..moves import named_by
from ..ordinary import STEPS
from ..records import (
    Cancel,
    Charter,
    CommuneId,
    Dispute,
    Need,
    Offer,
    Profile,
    Propose,
    Recognise,
    Settle,
    Uninterpreted,
    Unrecognise,
    Withdraw,
)
from .folding import Folding
from .holding import PROPOSAL, Holding, listed, portions, prefix_of
from .indices import LISTINGS
from .sites import site_of

# Tuples, since a union is made anew each time that it is written in a loop.
_OF_COMMUNES: Final = (Profile, Recognise, Unrecognise)
_INDIRECT: Final = (Settle, Withdraw)
_ENDING: Final = (Withdraw, Offer, Need)


class Meaning:
    """Gathers what some entries touch; `write` then writes what is common to several of them."""

    def __init__(self, holding: Holding, folding: Folding) -> None:
        self.holding = holding
        self.folding = folding
        self.connection = holding.connection
        self._profiles: set[CommuneId] = set()
        self._recognitions: set[tuple[CommuneId, bytes]] = set()
        # In the order of the entries that name them: what else was said about exchanges that are named
        # together was mostly said together as well, and stands on the same few pages.
        self._exchanges: dict[bytes, None] = {}
        self._ends: set[bytes] = set()

    def add_communes(self, communes: Iterable[CommuneId]) -> None:
        """Communes of which a branch came to stand otherwise: what was theirs may not be any more."""
        for commune in communes:
            self._profiles.add(commune)
            rows = self.connection.execute("SELECT commune FROM recognition WHERE by_commune = ?", (commune,))
            self._recognitions.update((commune, subject) for (subject,) in rows)

    def add_new(self, entries: Sequence[Found]) -> None:
        """Entries just stored."""
        listings = self._list(entries)
        self._ends |= self._named_already(listings)
        self._touch(entries)

    def add_again(self, entries: Sequence[Found]) -> None:
        """Entries whose own standing, or that of what they are about, may have changed."""
        self._ends.update(self._list(entries))
        self._touch(entries)

    def add_gone(self, entries: Sequence[Found]) -> None:
        """Entries whose payloads were erased; what they said before."""
        self._drop_exchanges([place for place, _, _ in entries])
        self._touch(entries)

    def write(self) -> None:
        """Write all rows that the entries gathered have touched."""
        self._end_listings()
        for commune in sorted(self._profiles):
            self._write_profile(commune)
        for by, subject in sorted(self._recognitions):
            self._write_recognition(by, subject)
        for some in portions(list(self._exchanges)):
            self._fold_all(some)

    def _touch(self, entries: Sequence[Found]) -> None:
        """Take note of everything but their own listings that entries may change."""
        for place, leaf, record in entries:
            if isinstance(record, LISTINGS):
                if record.replaces is not None:
                    self._ends.add(record.replaces)
            elif isinstance(record, STEPS):
                self._exchanges[record.exchange] = None
            elif isinstance(record, Uninterpreted):
                self._exchanges.update(dict.fromkeys(record.names))
            elif isinstance(record, _OF_COMMUNES):
                state = self.holding.standing(place >> PLACE_BITS)
                if state is None:
                    continue
                if isinstance(record, Profile):
                    self._profiles.add(state.commune)
                else:
                    self._recognitions.add((state.commune, record.commune))
            else:
                if isinstance(record, Propose):
                    self._exchanges[leaf] = None
                named = named_by(record)
                if named is not None:
                    self._exchanges[named] = None
                    if isinstance(record, _INDIRECT):
                        self._touch_indirectly(named)

    def _touch_indirectly(self, named: bytes) -> None:
        """What names a dispute or a cancel is about the exchange; what names a listing ends it."""
        for _, _, target in self.holding.located(named):
            if isinstance(target, Dispute | Cancel):
                self._exchanges[target.exchange] = None
            elif isinstance(target, Offer | Need):
                self._ends.add(named)

    # Listings -----------------------------------------------------------------------------------

    def _list(self, entries: Sequence[Found]) -> list[bytes]:
        """Write the rows of listings, and whose they are; returns the ids of these listings."""
        listings = [found for found in entries if isinstance(found[2], LISTINGS)]
        self.holding.write(
            "INSERT INTO listing (place, commune, kind, category, until, at, site) "
            "VALUES (?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (place) DO UPDATE SET commune = excluded.commune",
            [
                (
                    place,
                    commune_at(self.holding, place),
                    record.kind,
                    record.category,
                    record.until,
                    record.at,
                    site_of(record.place),
                )
                for place, _, record in listings
                if isinstance(record, LISTINGS)
            ],
        )
        return [leaf for _, leaf, _ in listings]

    def _named_already(self, listings: Sequence[bytes]) -> set[bytes]:
        """Those of new listings that a record held already names, as one that came before them may."""
        named: set[int] = set()
        for some in portions([prefix_of(entry) for entry in listings]):
            # Proposals draw on listings, and end none.
            rows = self.connection.execute(
                "SELECT DISTINCT prefix FROM about "
                "WHERE prefix IN (SELECT value FROM json_each(?)) AND known != ?",
                (listed(some), PROPOSAL),
            )
            named.update(prefix for (prefix,) in rows)
        return {entry for entry in listings if prefix_of(entry) in named}

    def _end_listings(self) -> None:
        """Write how listings ended: withdrawn, or replaced by a later one of the same commune."""
        ends: list[tuple[str | None, int]] = []
        for some in portions(sorted(self._ends)):
            self.holding.prepare(some)
            ends += [
                (self._end_of(place, entry), place)
                for entry in some
                for place, _, record in self.holding.located(entry)
                if isinstance(record, LISTINGS)
            ]
        self.holding.release()
        self.holding.write("UPDATE listing SET ended = ? WHERE place = ?", ends)

    def _end_of(self, place: int, entry: bytes) -> str | None:
        """How a listing ended by what its own commune said about it, None if it has not."""
        owner = commune_at(self.holding, place)
        ended: str | None = None
        for other, _, record in self.holding.about(entry) if owner is not None else ():
            if isinstance(record, _ENDING) and commune_at(self.holding, other) == owner:
                ended = "withdrawn" if isinstance(record, Withdraw) else ended or "replaced"
        return ended

    # Communes -----------------------------------------------------------------------------------

    def _last_said(self, commune: CommuneId, kinds: Sequence[str], subject: bytes) -> int | None:
        """The place of a commune's last record that counts of some kinds and about one subject."""
        branches = self.connection.execute(
            "SELECT branch, ordinal FROM standing WHERE commune = ?", (commune,)
        )
        best: tuple[tuple[int, int, bytes], int] | None = None
        for number, ordinal in branches.fetchall():
            for kind in kinds:
                rows = self.connection.execute(
                    "SELECT at FROM said WHERE branch = ? AND kind = ? AND subject = ? ORDER BY at DESC",
                    (number, kind, subject),
                )
                for (at,) in rows.fetchall():
                    place = place_of(number, at)
                    if commune_at(self.holding, place) is not None:
                        found = ((ordinal, at, self.holding.record_at(place)[0]), place)
                        best = found if best is None else max(best, found)
                        break
        return None if best is None else best[1]

    def _write_profile(self, commune: CommuneId) -> None:
        """How a commune presents itself: by its last profile, before there is one by its charter."""
        place = self._last_said(commune, ("profile",), b"")
        row: tuple[str | None, ...]
        if place is not None:
            _, record = self.holding.record_at(place)
            if not isinstance(record, Profile):
                raise sqlite3.DatabaseError("malformed profile")
            row = (record.name, record.place, record.about, record.contact)
        else:
            charter = self.connection.execute(
                "SELECT place FROM stated WHERE commune = ? AND kind = 'charter'", (commune,)
            ).fetchone()
            _, founding = self.holding.record_at(charter[0])
            if not isinstance(founding, Charter):
                raise sqlite3.DatabaseError("malformed charter")
            row = (founding.name, founding.place, founding.about, None)
        self.connection.execute(
            "INSERT OR REPLACE INTO commune (id, name, place, about, contact, profile, site) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (commune, *row, place, site_of(row[1])),
        )

    def _write_recognition(self, by: CommuneId, commune: bytes) -> None:
        place = self._last_said(by, ("recognise", "unrecognise"), commune)
        if place is not None and isinstance(self.holding.record_at(place)[1], Recognise):
            self.connection.execute(
                "INSERT OR REPLACE INTO recognition VALUES (?, ?, ?)", (commune, by, place)
            )
        else:
            self.connection.execute(
                "DELETE FROM recognition WHERE commune = ? AND by_commune = ?", (commune, by)
            )

    # Exchanges ----------------------------------------------------------------------------------

    def _fold_all(self, entries: Sequence[bytes]) -> None:
        """Write the rows of some exchanges; drop those whose proposal does not count (any more)."""
        self.holding.prepare(entries)
        folded: dict[int, Exchange] = {}
        stale: list[int] = []
        for entry in entries:
            places = [place for place, _, _ in self.holding.located(entry)]
            opening = self.folding.proposal(entry) if places else None
            if opening is not None:
                folded[opening.place] = self.folding.fold(opening)
                places.remove(opening.place)
            stale += places
        self.holding.release()
        self._drop_exchanges(stale)
        self._write_exchanges(folded)

    def _write_exchanges(self, folded: Mapping[int, Exchange]) -> None:
        """Write the rows of exchanges by the places of their proposals; most steps change nothing there."""
        rows = self.connection.execute(
            "SELECT place, state, contested, disputed FROM exchange "
            "WHERE place IN (SELECT value FROM json_each(?))",
            (listed(folded),),
        )
        held = {row[0]: row[1:] for row in rows.fetchall()}
        states = {place: (item.state, item.contested, item.disputed) for place, item in folded.items()}
        new = [(place, item) for place, item in folded.items() if place not in held]
        self.holding.write(
            "INSERT INTO exchange (place, id, form, at, state, contested, disputed) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            [(place, item.id, item.form, item.proposal.at, *states[place]) for place, item in new],
        )
        self.holding.write(
            "INSERT INTO party VALUES (?, ?)",
            [(party, place) for place, item in new for party in item.proposal.parties],
        )
        self.holding.write(
            "UPDATE exchange SET state = ?, contested = ?, disputed = ? WHERE place = ?",
            [(*states[place], place) for place, row in held.items() if row != states[place]],
        )

    def _drop_exchanges(self, places: Sequence[int]) -> None:
        """Drop the rows of exchanges that stand at some places, if there are any."""
        for place in places:
            if self.connection.execute("DELETE FROM exchange WHERE place = ?", (place,)).rowcount:
                self.connection.execute("DELETE FROM party WHERE exchange = ?", (place,))
