"""The views: what the entries held mean, kept up to date as entries come.

Decides which rows of the views new entries touch, and writes them in the
transaction that stores the entries. The rules themselves are `commune`'s,
`standing`'s and `exchange`'s; the result is that of `history` over the same
entries, whatever the order in which they came.

New entries are indexed at once, and what they mean is worked out at the end of
the transaction, in this order, since each builds on the one before: standings,
witnesses, then listings, profiles, recognitions and exchanges. A change of
standing (a succession, a seal, evidence, a witness) is rare: then all entries
concerned are looked at anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from ..commune import Commune
from ..dealings import Found
from ..held import PLACE_BITS, place_of
from ..log import LogKey
from ..records import CommuneId, Malformed, Record, Uninterpreted, parse
from .folding import Folding
from .forming import Changed, Forming
from .holding import Holding
from .indices import LISTINGS, Indices
from .meaning import Meaning
from .witnesses import Witnesses

MAX_NEW: Final = 32_768
"""new entries that wait for the end of the transaction; with more, what they mean is worked out before it."""

CHUNK: Final = 4_096
"""entries that are read again at once."""


class Projection:
    """The views over one writing connection; used within the writer's transactions only."""

    def __init__(self, holding: Holding) -> None:
        self.holding = holding
        self.connection = holding.connection
        self.folding = Folding(holding)
        self._indices = Indices(holding)
        self._forming = Forming(holding)
        self._witnesses = Witnesses(holding)
        self._new: list[Found] = []
        self._gone: list[Found] = []
        self._filled: set[int] = set()
        self._grown: dict[int, int] = {}
        self._again: dict[int, int] = {}
        self._touched: set[CommuneId] = set()
        self._recount = False

    def forget(self) -> None:
        """Drop everything remembered: the tables may have changed."""
        self._indices.forget()
        self._forming.forget()
        self._witnesses.forget()
        self._start_over()

    def _start_over(self) -> None:
        self._new, self._gone, self._grown, self._again, self._touched = [], [], {}, {}, set()
        self._filled, self._recount = set(), False

    def commune(self, commune: CommuneId) -> Commune | None:
        """Form a commune from what is held of it, None if its charter is not."""
        return self._forming.commune(commune)

    # What changed -------------------------------------------------------------------------------

    def add(self, branch: int, start: int, leaves: Sequence[bytes], payloads: Sequence[bytes | None]) -> None:
        """Take note of entries just stored: those of `branch` from index `start` on."""
        base = place_of(branch, start)
        entries: list[Found] = []
        for offset, (leaf, payload) in enumerate(zip(leaves, payloads, strict=True)):
            if payload is not None and not isinstance(record := parse(payload), Malformed):
                entries.append((base + offset, leaf, record))
        self._index(branch, entries)
        self.holding.remember(found for found in entries if not isinstance(found[2], LISTINGS))
        self._grown[branch] = min(start, self._grown.get(branch, start))
        self._new += entries
        if len(self._new) > MAX_NEW:
            self.finish()

    def _index(self, branch: int, entries: Sequence[Found]) -> None:
        for place, commune in self._indices.add(branch, entries):
            if self._forming.note(place, commune):
                self._touched.add(commune)

    def reform(self, log: LogKey) -> None:
        """Take note of new evidence about a log."""
        for held in self.holding.branches_of(log):
            state = self.holding.standing(held.number)
            if state is not None:
                self._touched.add(state.commune)
        self._look_past_the_cut(log)
        self._recount = True

    def erased(self, place: int, leaf: bytes, record: Record | Uninterpreted) -> None:
        """Take note of an entry whose payload was just erased."""
        self._indices.remove(place, leaf, record)
        self.connection.execute("DELETE FROM listing WHERE place = ?", (place,))
        self._gone.append((place, leaf, record))
        self._look_at_all_of(place)

    def filled(self, place: int, leaf: bytes, record: Record | Uninterpreted) -> None:
        """Take note of an entry of which there was the hash alone, and whose payload has come."""
        self._index(place >> PLACE_BITS, [(place, leaf, record)])
        self._new.append((place, leaf, record))
        self._filled.add(place)
        self._look_at_all_of(place)

    def _look_at_all_of(self, place: int) -> None:
        """What an entry had seen, later ones of its log had seen too, and of the logs that continue it."""
        self._recount = True
        state = self.holding.standing(place >> PLACE_BITS)
        if state is not None:
            rows = self.connection.execute("SELECT branch FROM standing WHERE commune = ?", (state.commune,))
            self._again.update((number, 0) for (number,) in rows)
        self.holding.forget()

    def _look_past_the_cut(self, log: LogKey) -> None:
        """What is seen of a forked log can matter to every entry past the cut."""
        cut = self.holding.cut(log)
        if cut is not None:
            for held in self.holding.branches_of(log):
                self._look_again(held.number, cut)

    def _look_where_seen(self, branch: int, start: int) -> None:
        """If a head was seen of a forked log that one of its branches reaches only now, it covers more."""
        log = self.holding.log_of(branch)
        if self.holding.cut(log) is not None and self.holding.is_seen(
            log, start, self.holding.branch(branch).size
        ):
            self._look_past_the_cut(log)

    def _look_again(self, branch: int, start: int) -> None:
        self._again[branch] = min(start, self._again.get(branch, start))

    # What that means ----------------------------------------------------------------------------

    def finish(self) -> None:
        """Work out what all changes since the last time mean; called before each commit."""
        if not (self._grown or self._again or self._gone or self._recount):
            return
        self._indices.settle()
        changed = self._form()
        for branch, start in self._grown.items():
            self._look_where_seen(branch, start)
        revised = self._witness(changed)
        meaning = Meaning(self.holding, self.folding)
        meaning.add_communes(changed.communes)
        meaning.add_gone(self._gone)
        meaning.add_new(self._new)
        for branch, start in sorted(self._again.items()):
            # Those from where it has grown are new, and looked at already.
            for entries in self._entries_between(branch, start, self._grown.get(branch)):
                meaning.add_again([found for found in entries if found[0] not in self._filled])
        meaning.add_again(self._entries_at(place for place in revised if not self._is_covered(place)))
        meaning.write()
        self.holding.trim()
        self._start_over()

    def _form(self) -> Changed:
        for branch in self._grown.keys() | {place >> PLACE_BITS for place in self._filled}:
            self._touched |= self._forming.concerned(branch)
        changed = self._forming.form(self._touched)
        for branch in changed.branches:
            self._look_again(branch, 0)
        return changed

    def _witness(self, changed: Changed) -> set[int]:
        """Find the entries that are witnessed now and were not, or were and are not; their places."""
        if not (self._recount or changed.branches):
            return self._witnesses.spread(self._new, self._grown)
        self._witnesses.forget()
        return self._witnesses.find()

    def _is_covered(self, place: int) -> bool:
        """Whether an entry is looked at in any case: it is new, or among those that are looked at again."""
        branch = place >> PLACE_BITS
        if place in self._filled:
            return True
        starts = [noted[branch] for noted in (self._grown, self._again) if branch in noted]
        return bool(starts) and place >= place_of(branch, min(starts))

    def _entries_between(self, branch: int, start: int, end: int | None) -> Iterator[list[Found]]:
        """The entries of a branch's own stretch from `start` to `end` that can be read, some at a time."""
        place = place_of(branch, start)
        stop = place_of(branch + 1, 0) if end is None else place_of(branch, end)
        while rows := self.connection.execute(
            "SELECT place, leaf, payload FROM entry WHERE place >= ? AND place < ? ORDER BY place LIMIT ?",
            (place, stop, CHUNK),
        ).fetchall():
            yield _readable(rows)
            place = rows[-1][0] + 1

    def _entries_at(self, places: Iterable[int]) -> list[Found]:
        rows = [
            self.connection.execute(
                "SELECT place, leaf, payload FROM entry WHERE place = ?", (place,)
            ).fetchone()
            for place in sorted(places)
        ]
        return _readable(rows)


def _readable(rows: Iterable[tuple[int, bytes, bytes | None]]) -> list[Found]:
    return [
        (place, leaf, record)
        for place, leaf, payload in rows
        if payload is not None and not isinstance(record := parse(payload), Malformed)
    ]
