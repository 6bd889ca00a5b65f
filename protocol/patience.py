"""Patience: how long the other side of a session may take with what it owes.

Decides when it is given up: so many seconds after the last thing that it owed
came, or after it was asked. The time is told by whoever drives the session, and
what is asked between two tellings counts from the second, so that how long a
session was at rest counts for nothing. What is owed is `session`'s to say.
"""

from __future__ import annotations

from .limits import ANSWER_SECONDS, MEETING_SECONDS


class Patience:
    """The time that was told last, and since when something is owed."""

    def __init__(self, now: float) -> None:
        self.told = now
        self._since: float | None = now
        """None until the time is told again"""

    def tell(self, now: float) -> None:
        """Take note of the time."""
        self.told = now
        if self._since is None:
            self._since = now

    def asked(self) -> None:
        """Take note that something is owed now, and that nothing was before."""
        self._since = None

    def heard(self) -> None:
        """Take note that something that was owed has come."""
        self._since = self.told

    def ends(self, *, meeting: bool) -> float:
        """When the other side is given up, if it owes something; in a handshake that is sooner."""
        if self._since is None:
            return self.told  # at once, to be told the time: it is counted from then on
        return self._since + (MEETING_SECONDS if meeting else ANSWER_SECONDS)
