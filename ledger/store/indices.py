"""Indices over entries: where each is, what it names, what it has seen, and by which words it is found.

Decides nothing: the rows follow from each entry alone, whatever else is held.
They are written when the entry is stored and removed when it is erased.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import itemgetter
from typing import Any, Final

from ..dealings import Found
from ..held import INDEX_MASK, PLACE_BITS
from ..records import (
    AuthorityChange,
    Charter,
    CommuneId,
    Need,
    Offer,
    Profile,
    Recognise,
    Record,
    Succession,
    Uninterpreted,
    Unrecognise,
)
from .holding import KNOWN, PROPOSAL, UNKNOWN, Holding, names_of, prefix_of

_Row = tuple[int, int, int]
"""Prefix of an id, place, and what is known of the entry there."""

_prefix: Final = itemgetter(0)

_KNOWN: Final = {"propose": PROPOSAL}

# Tuples, since a union is made anew each time that it is written in a loop.
LISTINGS: Final = (Offer, Need)
_SAID: Final = (Profile, Recognise, Unrecognise)
_SIGNED: Final = (Succession, AuthorityChange)


def searchable(record: Offer | Need) -> str:
    """The text by which a listing is found."""
    return "\n".join(
        filter(None, (record.title, record.note, record.wants, record.place, record.council, record.by))
    )


class Indices:
    """The indices over one writing connection.

    Ids are random: the rows found by them are written by `settle`, many at once
    and in order, so that each page of these tables is written once.
    """

    def __init__(self, holding: Holding) -> None:
        self.holding = holding
        self.connection = holding.connection
        self._identities: list[_Row] = []
        self._names: list[_Row] = []

    def forget(self) -> None:
        """Drop what is not written yet."""
        self._identities.clear()
        self._names.clear()

    def settle(self) -> None:
        """Write what is not written yet; nothing can be found by its id or by what it names before that."""
        write = self.holding.write
        # By the prefix alone, which costs a third of comparing whole rows: few of them share one.
        write("INSERT INTO identity VALUES (?, ?, ?)", sorted(self._identities, key=_prefix))
        write("INSERT OR IGNORE INTO about VALUES (?, ?, ?)", sorted(self._names, key=_prefix))
        self.forget()

    def add(self, branch: int, entries: Sequence[Found]) -> list[tuple[int, CommuneId]]:
        """Index entries of a branch; returns where they say something about a commune, and of which."""
        for place, leaf, record in entries:
            known = UNKNOWN if isinstance(record, Uninterpreted) else _KNOWN.get(record.kind, KNOWN)
            self._identities.append((prefix_of(leaf), place, known))
            for name in names_of(record):
                self._names.append((prefix_of(name), place, known))
        write = self.holding.write
        write(
            "INSERT INTO said VALUES (?, ?, ?, ?)",
            [
                (branch, record.kind, _subject(record), place & INDEX_MASK)
                for place, _, record in entries
                if isinstance(record, _SAID)
            ],
        )
        write(
            "INSERT INTO listing_text (rowid, text) VALUES (?, ?)",
            [(place, searchable(record)) for place, _, record in entries if isinstance(record, LISTINGS)],
        )
        self._see(branch, entries)
        stated = list(self._stated(entries))
        write("INSERT INTO stated VALUES (?, ?, ?)", stated)
        return [(place, commune) for place, commune, _ in stated]

    def _see(self, branch: int, entries: Sequence[Found]) -> None:
        """The heads that entries have seen; those held here too are known to be validly signed."""
        rows: list[tuple[Any, ...]] = []
        for place, _, record in entries:
            for head in record.seen:
                look = (place & INDEX_MASK, head.size, head.root, self.holding.is_held(head) or None)
                self.holding.add_look(branch, head.log, look)
                rows.append((branch, head.log, *look))
        self.holding.write("INSERT OR IGNORE INTO sight VALUES (?, ?, ?, ?, ?, ?)", rows)

    def _stated(self, entries: Sequence[Found]) -> Iterator[tuple[int, CommuneId, str]]:
        """What entries say about communes: place, the commune meant, kind."""
        for place, leaf, record in entries:
            if isinstance(record, Charter):
                if place & INDEX_MASK == 0 and record.network == self.holding.network:
                    yield place, CommuneId(leaf), record.kind
            elif isinstance(record, _SIGNED):
                yield place, CommuneId(record.commune), record.kind

    def remove(self, place: int, leaf: bytes, record: Record | Uninterpreted) -> None:
        """Remove all rows of an entry whose payload was just erased."""
        execute = self.connection.execute
        where = (place >> PLACE_BITS, place & INDEX_MASK)
        execute("DELETE FROM identity WHERE prefix = ? AND place = ?", (prefix_of(leaf), place))
        self.holding.write(
            "DELETE FROM about WHERE prefix = ? AND place = ?",
            [(prefix_of(name), place) for name in names_of(record)],
        )
        execute("DELETE FROM said WHERE branch = ? AND at = ?", where)
        execute("DELETE FROM sight WHERE branch = ? AND at = ?", where)
        execute("DELETE FROM stated WHERE place = ?", (place,))
        if isinstance(record, LISTINGS):
            execute(
                "INSERT INTO listing_text (listing_text, rowid, text) VALUES ('delete', ?, ?)",
                (place, searchable(record)),
            )
            # Until the segments of the index are merged its words are in them still.
            execute("INSERT INTO listing_text (listing_text) VALUES ('optimize')")


def _subject(record: Profile | Recognise | Unrecognise) -> bytes:
    return b"" if isinstance(record, Profile) else record.commune
