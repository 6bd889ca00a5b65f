"""The views: what the entries held mean, kept up to date entry by entry.

Decides which rows of the views a new entry touches, and writes them in the
transaction that stores the entry. The rules themselves are `commune`'s,
`standing`'s and `exchange`'s; the result is that of `history` over the same
entries, whatever the order in which they came.

A change of standing (a succession, a seal, evidence, a witness) is rare: then
all records of the branches concerned are projected again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Final

import msgspec

from .. import standing
from ..authority import Stated, commune_of
from ..commune import Commune, form_commune
from ..exchange import Exchange
from ..log import EntryId, LogKey
from ..records import (
    AuthorityChange,
    Cancel,
    Charter,
    CommuneId,
    Dispute,
    Malformed,
    Need,
    Offer,
    Profile,
    Propose,
    Recognise,
    Record,
    Settle,
    Succession,
    Uninterpreted,
    Unrecognise,
    Withdraw,
    parse,
)
from ..standing import INDEX_MASK, PLACE_BITS, Standing, place_of
from .folding import Folding
from .holding import MAX_ASKED, PROPOSAL, Found, Holding, Read, names_of, prefix_of

_encode = msgspec.msgpack.Encoder().encode

MAX_READ: Final = 16_384
"""entries kept parsed between transactions, since the next moves are mostly about the newest."""

Entry = tuple[int, bytes, Record | Uninterpreted]
"""Place, id and content of an entry that could be read."""


# Tuples, since a union is made anew each time that it is written in a loop.
_LISTINGS: Final = (Offer, Need)
_NAMING: Final = (Profile, Charter)
_RECOGNISING: Final = (Recognise, Unrecognise)
_SAID: Final = (Profile, Recognise, Unrecognise)
_SIGNED: Final = (Succession, AuthorityChange)
_ABOUT_MOVES: Final = (Settle, Withdraw)
_ENDING: Final = (Withdraw, Offer, Need)


def searchable(record: Offer | Need) -> str:
    """The text by which a listing is found."""
    return "\n".join(
        filter(None, (record.title, record.note, record.wants, record.place, record.council, record.by))
    )


class Projection:
    """The views over one writing connection; used within the writer's transactions only."""

    def __init__(self, holding: Holding) -> None:
        self.holding = holding
        self.connection: sqlite3.Connection = holding.connection
        self._read: dict[int, Read] = {}
        self.folding = Folding(holding, self._read)
        self._folds: set[bytes] = set()
        self._fresh: list[tuple[int, bytes]] = []
        self._limited: set[bytes] | None = None

    def forget(self) -> None:
        """Drop everything remembered: the tables may have changed."""
        self._read.clear()
        self._folds.clear()
        self._fresh.clear()
        self._limited = None

    def finish(self) -> None:
        """Do what is cheaper for many entries at once; called before each commit.

        Writes the indices, finds which new listings had ended before they came,
        and folds every exchange that was touched.
        """
        self.holding.settle()
        self._end_listings(self._named(self._fresh))
        self._fresh.clear()
        while self._folds:
            self._fold_all([self._folds.pop() for _ in range(min(MAX_ASKED, len(self._folds)))])

    # New entries --------------------------------------------------------------------------------

    def add(self, branch: int, start: int, leaves: Sequence[bytes], payloads: Sequence[bytes | None]) -> None:
        """Project entries just stored: those of `branch` from index `start` on."""
        base = place_of(branch, start)
        entries: list[Entry] = []
        for offset, (leaf, payload) in enumerate(zip(leaves, payloads, strict=True)):
            if payload is not None and not isinstance(record := parse(payload), Malformed):
                entries.append((base + offset, leaf, record))
        self._index(branch, entries)
        self._sight(branch, entries)
        self._remember(entries)
        log = self.holding.log_of(branch)
        touched = self._stated(entries)
        known = self.holding.standing(branch)
        if known is not None and known.limit is not None:
            touched.add(known.commune)
        if start == 0 or known is None:
            touched |= self._opened(branch)
        again = self._form(touched)
        self._list(entries)
        if self.holding.cut(log) is not None:
            again |= {other.number for other in self.holding.branches_of(log)}
        if branch not in again or start == self.holding.branch(branch).first:
            self._project(entries, branch in again)
            again.discard(branch)
        self._vouch(branch, entries, bool(again))
        for other in sorted(again):
            self._redo(other)

    def _remember(self, entries: Sequence[Entry]) -> None:
        """Keep what is about an exchange as it was read: most of what follows is about the newest of them."""
        self._read.update(
            (place, (leaf, record)) for place, leaf, record in entries if not isinstance(record, _LISTINGS)
        )
        for place in list(islice(self._read, max(0, len(self._read) - MAX_READ))):
            del self._read[place]

    def reform(self, log: LogKey) -> None:
        """Project again what new evidence about a log touches."""
        branches = {other.number for other in self.holding.branches_of(log)}
        communes = {
            held.commune for number in branches if (held := self.holding.standing(number)) is not None
        }
        again = self._form(communes) | branches
        self._limited = None
        self._witness()
        for other in sorted(again):
            self._redo(other)

    def erased(self, place: int, leaf: bytes, record: Record | Uninterpreted) -> None:
        """Project again what an entry said whose payload was just erased."""
        self._read.pop(place, None)
        self.holding.settle()
        self.holding.forget()
        self._drop_exchanges([place])
        if isinstance(record, Offer | Need):
            self.connection.execute(
                "INSERT INTO listing_text (listing_text, rowid, text) VALUES ('delete', ?, ?)",
                (place, searchable(record)),
            )
            self.connection.execute("DELETE FROM listing WHERE place = ?", (place,))
            # Until the segments of the index are merged its words are in them still.
            self.connection.execute("INSERT INTO listing_text (listing_text) VALUES ('optimize')")
        where = (place >> PLACE_BITS, place & INDEX_MASK)
        self.connection.execute("DELETE FROM sight WHERE branch = ? AND at = ?", where)
        self.connection.execute("DELETE FROM said WHERE branch = ? AND at = ?", where)
        self.connection.execute("DELETE FROM stated WHERE place = ?", (place,))
        self.connection.execute(
            "DELETE FROM identity WHERE prefix = ? AND place = ?", (prefix_of(leaf), place)
        )
        self.holding.write(
            "DELETE FROM about WHERE prefix = ? AND place = ?",
            [(prefix_of(name), place) for name in names_of(record)],
        )
        self._witness()
        self._redo(place >> PLACE_BITS, also=[(place, leaf, record)])

    def _index(self, branch: int, entries: Sequence[Entry]) -> None:
        """Where each entry is, what it names, and what it says of its commune or of another."""
        self.holding.index(entries)
        self.holding.write(
            "INSERT OR IGNORE INTO said VALUES (?, ?, ?, ?)",
            [
                (
                    branch,
                    record.kind,
                    b"" if isinstance(record, Profile) else record.commune,
                    place & INDEX_MASK,
                )
                for place, _, record in entries
                if isinstance(record, _SAID)
            ],
        )

    def _sight(self, branch: int, entries: Sequence[Entry]) -> None:
        """The heads that entries have seen; those held here too are known to be validly signed."""
        rows = [
            (branch, head.log, place & INDEX_MASK, head.size, head.root, self.holding.is_held(head) or None)
            for place, _, record in entries
            for head in record.seen
        ]
        for _, log, at, size, root, sound in rows:
            self.holding.add_look(branch, log, (at, size, root, sound))
        self.holding.write("INSERT OR IGNORE INTO sight VALUES (?, ?, ?, ?, ?, ?)", rows)

    def _list(self, entries: Sequence[Entry]) -> None:
        """The rows of new listings, and the text by which they are found."""
        listings = [(place, record) for place, _, record in entries if isinstance(record, _LISTINGS)]
        self.holding.write(
            "INSERT INTO listing (place, commune, kind, category, until, at) VALUES (?, ?, ?, ?, ?, ?)",
            [
                (place, self.folding.commune_at(place), record.kind, record.category, record.until, record.at)
                for place, record in listings
            ],
        )
        self.holding.write(
            "INSERT INTO listing_text (rowid, text) VALUES (?, ?)",
            [(place, searchable(record)) for place, record in listings],
        )

    # Communes and standing ----------------------------------------------------------------------

    def _stated(self, entries: Sequence[Entry]) -> set[CommuneId]:
        touched = set()
        for place, leaf, record in entries:
            if isinstance(record, Charter):
                commune = CommuneId(leaf)
                if place & INDEX_MASK or record.network != self.holding.network:
                    continue
            elif isinstance(record, _SIGNED):
                commune = CommuneId(record.commune)
            else:
                continue
            self.connection.execute("INSERT INTO stated VALUES (?, ?, ?)", (place, commune, record.kind))
            touched.add(commune)
        return touched

    def _opened(self, branch: int) -> set[CommuneId]:
        """The commune that a branch's entry 0 names, for a branch whose standing is not known yet."""
        row = self.connection.execute(
            "SELECT commune FROM stated WHERE place = ?", (self._first(branch),)
        ).fetchone()
        return set() if row is None else {CommuneId(row[0])}

    def _first(self, branch: int) -> int:
        """The place of a branch's entry 0, which may be another branch's as well."""
        return place_of(self.holding.lineage(branch, 1)[-1].branch, 0)

    def _opening(self, branch: int) -> EntryId | None:
        """The id of a branch's entry 0, None if it is not held."""
        row = self.connection.execute(
            "SELECT leaf FROM entry WHERE place = ?", (self._first(branch),)
        ).fetchone()
        return None if row is None else EntryId(row[0])

    def commune(self, commune: CommuneId) -> Commune | None:
        """Form a commune from what is held of it, None if its charter is not."""
        charter: Stated | None = None
        changes: dict[EntryId, Stated] = {}
        successions: dict[EntryId, Stated] = {}
        rows = self.connection.execute(
            "SELECT place, leaf, payload FROM stated JOIN entry USING (place) "
            "WHERE commune = ? AND payload IS NOT NULL ORDER BY place",
            (commune,),
        )
        for place, leaf, payload in rows.fetchall():
            record = parse(payload)
            assert isinstance(record, Charter | AuthorityChange | Succession)
            stated = Stated(
                EntryId(leaf), self.holding.log_of(place >> PLACE_BITS), place & INDEX_MASK, payload, record
            )
            assert commune_of(stated) == commune
            if isinstance(record, Charter):
                charter = stated
            elif isinstance(record, AuthorityChange):
                changes[stated.id] = stated
            else:
                successions[stated.id] = stated
        if charter is None:
            return None
        return form_commune(charter, changes.values(), successions.values(), self.holding.network)

    def _form(self, communes: Iterable[CommuneId]) -> set[int]:
        """Form communes anew; return the branches whose standing changed."""
        changed: set[int] = set()
        for identity in sorted(communes):
            formed = self.commune(identity)
            if formed is None:
                continue
            self._name(formed)
            before = {
                row[0]: row[1:]
                for row in self.connection.execute(
                    "SELECT branch, ordinal, bound, contested, predecessors FROM standing WHERE commune = ?",
                    (identity,),
                )
            }
            after = {number: row for log in formed.logs for number, row in self._standings(formed, log)}
            for number in before.keys() - after.keys():
                self.connection.execute("DELETE FROM standing WHERE branch = ?", (number,))
            for number, row in after.items():
                if before.get(number) != row:
                    self.connection.execute(
                        "INSERT OR REPLACE INTO standing VALUES (?, ?, ?, ?, ?, ?)", (number, identity, *row)
                    )
            different = {
                number for number in before.keys() | after.keys() if before.get(number) != after.get(number)
            }
            for number in different:
                self.holding.forget_branch(number)
            if any(
                row[1] is not None
                for number in different
                for row in (before.get(number), after.get(number))
                if row
            ):
                self._limited = None
            changed |= different
        return changed

    def _standings(
        self, formed: Commune, log: LogKey
    ) -> Iterable[tuple[int, tuple[int, int | None, int, bytes]]]:
        """The standing of each held branch of a commune's log, as the table has it."""
        for held in self.holding.branches_of(log):
            opening = self._opening(held.number)
            found = standing.standing_on(self.holding, formed, held.number, opening)
            if opening is not None and found is not None:
                parts = standing.predecessors_on(self.holding, formed, opening, self._opening)
                yield held.number, (found.ordinal, found.limit, int(found.contested), _encode(parts))

    def _name(self, formed: Commune) -> None:
        """Write a commune's row from its charter; a profile, if there is one, then replaces it."""
        charter = formed.founding
        self.connection.execute(
            "INSERT OR IGNORE INTO commune (id, name, place, about) VALUES (?, ?, ?, ?)",
            (formed.id, charter.name, charter.place, charter.about),
        )

    # Witnesses ----------------------------------------------------------------------------------

    def _vouch(self, branch: int, entries: Sequence[Entry], changed: bool) -> None:
        """Find witnesses anew if these entries, or a changed standing, can have made a difference."""
        limited = self._limited_logs()
        held = self.holding.standing(branch)
        if held is not None and held.limit is not None and self.holding.branch(branch).size > held.limit:
            limited.add(self.holding.log_of(branch))
            changed = True
        if changed or (limited and self._may_vouch(entries, limited)):
            self._witness()

    def _limited_logs(self) -> set[bytes]:
        """The logs that hold entries past their limit; few, and remembered."""
        if self._limited is None:
            self._limited = set()
            for number in self.holding.limited():
                held = self.holding.standing(number)
                if held is not None and self.holding.branch(number).size > (held.limit or 0):
                    self._limited.add(self.holding.log_of(number))
        return self._limited

    def _may_vouch(self, entries: Sequence[Entry], limited: set[bytes]) -> bool:
        for _, _, record in entries:
            if any(head.log in limited for head in record.seen):
                return True
            for name in names_of(record):
                if any(
                    self.holding.log_of(place >> PLACE_BITS) in limited
                    for place in self.holding.places_of(name)
                ):
                    return True
        return False

    def _witness(self) -> None:
        """Compute the witnessed entries from scratch; project again the branches of those that changed."""
        before = {place for (place,) in self.connection.execute("SELECT place FROM witnessed").fetchall()}
        # The rules ask `is_witnessed` of nothing while they look for witnesses.
        after = standing.witnessed(self.holding, self.holding)
        self.holding.write("DELETE FROM witnessed WHERE place = ?", [(place,) for place in before - after])
        self.holding.write("INSERT INTO witnessed VALUES (?)", [(place,) for place in after - before])
        for number in sorted({place >> PLACE_BITS for place in before ^ after}):
            self._redo(number)

    def _redo(self, branch: int, also: Sequence[Entry] = ()) -> None:
        """Project all records of a branch again; its rows in the indices stand."""
        first = place_of(branch, 0)
        entries: list[Entry] = list(also)
        rows = self.connection.execute(
            "SELECT place, leaf, payload FROM entry WHERE place >= ? AND place < ? AND payload IS NOT NULL",
            (first, first + INDEX_MASK + 1),
        )
        for place, leaf, payload in rows.fetchall():
            if not isinstance(record := parse(payload), Malformed):
                entries.append((place, leaf, record))
        self._project(entries, True)

    # Listings, profiles, recognitions, exchanges ------------------------------------------------

    def _project(self, entries: Sequence[Entry], again: bool) -> None:
        listings: list[tuple[int, bytes]] = []
        owners: list[tuple[CommuneId | None, int]] = []
        profiles = False
        recognitions: set[tuple[int, bytes]] = set()
        for place, leaf, record in entries:
            if isinstance(record, _LISTINGS):
                if again:
                    owners.append((self.folding.commune_at(place), place))
                    listings.append((place, leaf))
                else:
                    self._fresh.append((place, leaf))
                if record.replaces is not None:
                    listings += [
                        (other, record.replaces) for other in self.holding.places_of(record.replaces)
                    ]
            elif isinstance(record, _NAMING):
                profiles = profiles or isinstance(record, Profile)
            elif isinstance(record, _RECOGNISING):
                recognitions.add((place >> PLACE_BITS, record.commune))
            else:
                self._concerned(leaf, record, self._folds, listings)
        self.holding.write("UPDATE listing SET commune = ? WHERE place = ?", owners)
        self._end_listings(listings)
        owner = self.holding.standing(entries[0][0] >> PLACE_BITS) if entries else None
        if owner is not None and (profiles or again):
            self._profile(owner.commune)
        for number, subject in sorted(recognitions):
            if (by := self.holding.standing(number)) is not None:
                self._recognition(by.commune, subject)

    def _named(self, listings: Sequence[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
        """Those of new listings that a record held already names, as one that came before them may."""
        named: set[int] = set()
        prefixes = [prefix_of(entry) for _, entry in listings]
        for start in range(0, len(prefixes), 500):
            some = prefixes[start : start + 500]
            rows = self.connection.execute(
                # Proposals draw on listings, and end none.
                f"SELECT DISTINCT prefix FROM about WHERE known != {PROPOSAL} "
                f"AND prefix IN ({', '.join('?' * len(some))})",
                some,
            )
            named.update(prefix for (prefix,) in rows)
        return [(place, entry) for place, entry in listings if prefix_of(entry) in named]

    def _counting(self, place: int) -> Standing | None:
        """The standing of an entry that counts, None if it does not."""
        return self.holding.standing(place >> PLACE_BITS) if standing.counts(self.holding, place) else None

    def _concerned(
        self,
        leaf: bytes,
        record: Record | Uninterpreted,
        folds: set[bytes],
        listings: list[tuple[int, bytes]],
    ) -> None:
        """Which exchanges and listings a record may change."""
        if isinstance(record, Uninterpreted):
            folds.update(record.names)
        elif isinstance(record, Propose):
            folds.add(leaf)
            if record.replaces is not None:
                folds.add(record.replaces)
        elif isinstance(record, _ABOUT_MOVES):
            target = record.dispute if isinstance(record, Settle) else record.target
            folds.add(target)
            for place in self.holding.places_of(target):
                _, named = self._record(place)
                if isinstance(named, Dispute | Cancel):
                    folds.add(named.exchange)
                elif isinstance(named, Offer | Need):
                    listings.append((place, target))
        else:
            exchange_id = getattr(record, "exchange", None)
            if exchange_id is not None:
                folds.add(exchange_id)

    def _record(self, place: int) -> tuple[bytes, Record | Uninterpreted | Malformed | None]:
        return self.folding.record(place)

    def _end_listings(self, listings: Sequence[tuple[int, bytes]]) -> None:
        """Write how listings ended: withdrawn, or replaced by a later one of the same commune."""
        ends: list[tuple[str | None, int]] = []
        for start in range(0, len(listings), MAX_ASKED):
            some = listings[start : start + MAX_ASKED]
            about = self.holding.about_all([entry for _, entry in some], self._read)
            ends += [(self._end_of(place, about[entry]), place) for place, entry in some]
        self.holding.write("UPDATE listing SET ended = ? WHERE place = ?", ends)

    def _end_of(self, place: int, about: Sequence[Found]) -> str | None:
        """How a listing ended by what its own commune said about it, None if it has not."""
        ended: str | None = None
        owner = self.folding.commune_at(place)
        for other, _, record in about:
            if isinstance(record, _ENDING) and self.folding.commune_at(other) == owner:
                ended = "withdrawn" if isinstance(record, Withdraw) else ended or "replaced"
        return None if owner is None else ended

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
                    if self._counting(place) is not None:
                        found = ((ordinal, at, self._record(place)[0]), place)
                        best = found if best is None else max(best, found)
                        break
        return None if best is None else best[1]

    def _profile(self, commune: CommuneId) -> None:
        place = self._last_said(commune, ("profile",), b"")
        row: tuple[str, str | None, str | None, str | None, int | None, CommuneId]
        if place is not None:
            _, record = self._record(place)
            assert isinstance(record, Profile)
            row = (record.name, record.place, record.about, record.contact, place, commune)
        else:
            charter = self.connection.execute(
                "SELECT place FROM stated WHERE commune = ? AND kind = 'charter' ORDER BY place LIMIT 1",
                (commune,),
            ).fetchone()
            _, founding = self._record(charter[0])
            assert isinstance(founding, Charter)
            row = (founding.name, founding.place, founding.about, None, None, commune)
        self.connection.execute(
            "UPDATE commune SET name = ?, place = ?, about = ?, contact = ?, profile = ? WHERE id = ?", row
        )

    def _recognition(self, by: CommuneId, commune: bytes) -> None:
        place = self._last_said(by, ("recognise", "unrecognise"), commune)
        if place is not None and isinstance(self._record(place)[1], Recognise):
            self.connection.execute(
                "INSERT OR REPLACE INTO recognition VALUES (?, ?, ?)", (commune, by, place)
            )
        else:
            self.connection.execute(
                "DELETE FROM recognition WHERE commune = ? AND by_commune = ?", (commune, by)
            )

    def _fold_all(self, entries: Sequence[bytes]) -> None:
        """Write the rows of some exchanges; drop those whose proposal does not count (any more)."""
        self.folding.prepare(entries)
        folded: list[tuple[int, Exchange]] = []
        stale: list[int] = []
        for entry in entries:
            places = [place for place, _, _ in self.folding.held(entry)]
            opening = self.folding.proposal(EntryId(entry)) if places else None
            if opening is not None:
                folded.append((opening.place, self.folding.fold(opening)))
                places.remove(opening.place)
            stale += places
        self._drop_exchanges(stale)
        self._write_exchanges(folded)

    def _write_exchanges(self, folded: Sequence[tuple[int, Exchange]]) -> None:
        places = [place for place, _ in folded]
        held = self.connection.execute(
            f"SELECT place FROM exchange WHERE place IN ({', '.join('?' * len(places))})", places
        )
        known = {place for (place,) in held.fetchall()}
        self.holding.write(
            "INSERT INTO exchange (place, id, state, form, at, contested, disputed) VALUES (?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (place) DO UPDATE SET state = excluded.state, contested = excluded.contested, "
            "disputed = excluded.disputed",
            [
                (place, item.id, item.state, item.form, item.proposal.at, item.contested, item.disputed)
                for place, item in folded
            ],
        )
        self.holding.write(
            "INSERT INTO party VALUES (?, ?)",
            [
                (party, place)
                for place, item in folded
                if place not in known
                for party in item.proposal.parties
            ],
        )

    def _drop_exchanges(self, places: Sequence[int]) -> None:
        """Drop the rows of exchanges that stand at some places, if there are any."""
        for place in places:
            if self.connection.execute("DELETE FROM exchange WHERE place = ?", (place,)).rowcount:
                self.connection.execute("DELETE FROM party WHERE exchange = ?", (place,))
