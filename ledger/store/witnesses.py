"""Witnesses in the tables: which entries past a limit another commune vouches for.

Decides when they have to be found anew; who vouches for what is `witness`'s.
"""

from __future__ import annotations

from collections.abc import Iterable

from .. import standing
from ..dealings import Found
from ..held import PLACE_BITS
from .holding import Holding, names_of


class Witnesses:
    """The table `witnessed` over one connection."""

    def __init__(self, holding: Holding) -> None:
        self.holding = holding
        self.connection = holding.connection
        self._limited: set[bytes] | None = None

    def forget(self) -> None:
        """Drop what is remembered: a limit may have changed."""
        self._limited = None

    @property
    def limited(self) -> set[bytes]:
        """The logs that hold entries past their limit; few, and remembered."""
        if self._limited is None:
            self._limited = set()
            self.grow(self.holding.limited())
        return self._limited

    def grow(self, branches: Iterable[int]) -> bool:
        """Take note of branches that may have grown; whether any goes beyond its limit."""
        beyond = set()
        for branch in branches:
            held = self.holding.standing(branch)
            if held is not None and held.limit is not None and self.holding.branch(branch).size > held.limit:
                beyond.add(self.holding.log_of(branch))
        if self._limited is not None:
            self._limited |= beyond
        return bool(beyond)

    def may_be_vouched_by(self, entries: Iterable[Found]) -> bool:
        """Whether any of these entries names or has seen what stands past a limit."""
        limited = self.limited
        if not limited:
            return False
        for _, _, record in entries:
            if any(head.log in limited for head in record.seen):
                return True
            for name in names_of(record):
                places = self.holding.places_of(name)
                if any(self.holding.log_of(place >> PLACE_BITS) in limited for place in places):
                    return True
        return False

    def find(self) -> set[int]:
        """Find all witnessed entries anew; the places of those that are and were not, or were and are not."""
        before = {place for (place,) in self.connection.execute("SELECT place FROM witnessed").fetchall()}
        # The rules ask `is_witnessed` of nothing while they look for witnesses.
        after = standing.witnessed(self.holding, self.holding)
        self.holding.write("DELETE FROM witnessed WHERE place = ?", [(place,) for place in before - after])
        self.holding.write("INSERT INTO witnessed VALUES (?)", [(place,) for place in after - before])
        return before ^ after
