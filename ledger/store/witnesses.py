"""Witnesses in the tables: which entries past a limit another commune vouches for.

Decides nothing: who vouches for what is `witness`'s rule, by which `find` finds
all witnessed entries. While no limit changes, entries that come can only add to
them: `spread` follows what they add and no more, so that a forked log costs
what is new of it and not what it has become (a test holds the two equal).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from .. import standing
from ..dealings import Found
from ..held import INDEX_MASK, PLACE_BITS, Standing
from ..log import Head
from ..records import CommuneId, Malformed, parse
from .holding import Holding, listed, names_of, portions, prefix_of


class Witnesses:
    """The table `witnessed` over one connection."""

    def __init__(self, holding: Holding) -> None:
        self.holding = holding
        self.connection = holding.connection
        self._limited: set[bytes] | None = None

    def forget(self) -> None:
        """Drop what is remembered: a limit may have changed."""
        self._limited = None

    # All of them --------------------------------------------------------------------------------

    def find(self) -> set[int]:
        """Find all anew; the places of those that are witnessed and were not, or were and are not."""
        before = {place for (place,) in self.connection.execute("SELECT place FROM witnessed").fetchall()}
        # The rules ask `is_witnessed` of nothing while they look for witnesses.
        after = standing.witnessed(self.holding, self.holding)
        # They know no more of an entry than that it is there: one that is no record says nothing that counts.
        more = {found[0] for found in self._read(after - before)}
        self.holding.write("DELETE FROM witnessed WHERE place = ?", [(place,) for place in before - after])
        self._write(more)
        return (before - after) | more

    # What is added ------------------------------------------------------------------------------

    def spread(self, new: Iterable[Found], grown: Mapping[int, int]) -> set[int]:
        """Find those that new entries add, in branches grown from these indexes on; their places.

        Right only if no limit has changed since the last time.
        """
        for branch in grown:
            self._note(branch)
        if not self._limited_logs():
            return set()
        more = {*self._reached(grown), *self._named_before(new)}
        vouchers = [*new, *self._read(more)]
        found: set[int] = set()
        while vouchers:
            self._write(more)
            found |= more
            more = set(self._vouched_by(voucher for voucher in vouchers if self._counts(voucher[0]))) - found
            vouchers = list(self._read(more))
        return found

    def _limited_logs(self) -> set[bytes]:
        """The logs that hold entries past their limit; few, and remembered."""
        if self._limited is None:
            self._limited = set()
            for branch in self.holding.limited():
                self._note(branch)
        return self._limited

    def _note(self, branch: int) -> None:
        if self._limited is not None and self._beyond(branch) is not None:
            self._limited.add(self.holding.log_of(branch))

    def _beyond(self, branch: int) -> Standing | None:
        """The standing of a branch that holds entries past its limit, None if it does not."""
        state = self.holding.standing(branch)
        if state is None or state.limit is None or self.holding.branch(branch).size <= state.limit:
            return None
        return state

    def _past(self, place: int) -> Standing | None:
        """The standing of an entry past the limit of its branch, None if it is not past one."""
        state = self.holding.standing(place >> PLACE_BITS)
        return state if state and state.limit is not None and place & INDEX_MASK >= state.limit else None

    def _counts(self, place: int) -> bool:
        return standing.counts(self.holding, place)

    def _vouches(self, place: int, commune: CommuneId) -> bool:
        """Whether the record at a place vouches for what it names of a commune, or has seen of it."""
        state = self.holding.standing(place >> PLACE_BITS)
        return state is not None and state.commune != commune and self._counts(place)

    def _reached(self, grown: Mapping[int, int]) -> Iterator[int]:
        """What heads seen before cover, now that the branch reaches them."""
        for branch, start in grown.items():
            state = self._beyond(branch)
            if state is None or state.limit is None:
                continue
            size = self.holding.branch(branch).size
            for sight in self.holding.all_sights(self.holding.log_of(branch), max(start, state.limit)):
                if (
                    sight.size <= size
                    and self._vouches(sight.place, state.commune)
                    and self.holding.root_at(branch, sight.size) == sight.root
                ):
                    yield from self._covered(branch, state.limit, sight.size)

    def _named_before(self, new: Iterable[Found]) -> Iterator[int]:
        """New entries past their limit that a record held already names."""
        for place, entry, _ in new:
            state = self._past(place)
            if state is not None and any(
                self._vouches(naming, state.commune) for naming in self.holding.naming(entry)
            ):
                yield place

    def _vouched_by(self, vouchers: Iterable[Found]) -> Iterator[int]:
        """What these records, which count, vouch for and is not witnessed yet."""
        named: dict[bytes, set[CommuneId]] = {}
        for place, _, record in vouchers:
            commune = self.holding.standing(place >> PLACE_BITS)
            assert commune is not None
            for name in names_of(record):
                named.setdefault(name, set()).add(commune.commune)
            for head in record.seen:
                if head.log in self._limited_logs():
                    yield from self._seen(head, commune.commune)
        for some in portions(list(named)):
            rows = self.connection.execute(
                "SELECT place, leaf FROM identity JOIN entry USING (place) "
                "WHERE prefix IN (SELECT value FROM json_each(?))",
                (listed(map(prefix_of, some)),),
            )
            for place, leaf in rows.fetchall():
                state = self._past(place)
                if (
                    state is not None
                    and named.get(leaf, set()) - {state.commune}
                    and not self.holding.is_witnessed(place)
                ):
                    yield place

    def _seen(self, head: Head, by: CommuneId) -> Iterator[int]:
        """What a head covers that a commune has seen, on the branches of another one that have its root."""
        for held in self.holding.branches_of(head.log):
            state = self._beyond(held.number)
            if (
                state is not None
                and state.limit is not None
                and state.commune != by
                and head.size > state.limit
                and self.holding.root_at(held.number, head.size) == head.root
                and (self.holding.is_held(head) or head.is_signed(self.holding.network))
            ):
                yield from self._covered(held.number, state.limit, head.size)

    def _covered(self, branch: int, limit: int, size: int) -> Iterator[int]:
        """The entries of a branch from its limit to a size that are not witnessed yet."""
        for first, last in self.holding.stretches(branch, limit, size):
            rows = self.connection.execute(
                "SELECT place FROM entry WHERE place >= ? AND place < ? AND payload IS NOT NULL "
                "AND place NOT IN (SELECT place FROM witnessed)",
                (first, last),
            )
            for found in self._read([place for (place,) in rows.fetchall()]):
                yield found[0]

    # Rows ---------------------------------------------------------------------------------------

    def _read(self, places: Iterable[int]) -> Iterator[Found]:
        """The entries at some places that can be read."""
        for some in portions(sorted(places)):
            rows = self.connection.execute(
                "SELECT place, leaf, payload FROM entry WHERE place IN (SELECT value FROM json_each(?))",
                (listed(some),),
            )
            for place, leaf, payload in rows.fetchall():
                if not isinstance(record := parse(payload), Malformed):
                    yield place, leaf, record

    def _write(self, places: Iterable[int]) -> None:
        self.holding.write(
            "INSERT OR IGNORE INTO witnessed VALUES (?)", [(place,) for place in sorted(places)]
        )
