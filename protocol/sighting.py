"""Sighting: heads of which nothing is fetched, and which of them are looked at.

These are heads of the log that is written here, of which somebody may hold more
than this node remembers, and of logs that are not taken in. Decides that each is
looked at once, since that verifies a signature, and how many are remembered. What
is seen in them is for whoever drives this to say (`deeds.See`).
"""

from __future__ import annotations

from collections import OrderedDict

from ledger.log import Head, LogKey

from .limits import MAX_DECLINED, MAX_OWN_SEEN


class Sighting:
    """The heads that were looked at, by their sizes and roots. Belongs to one task."""

    def __init__(self) -> None:
        self._declined: OrderedDict[LogKey, tuple[int, bytes]] = OrderedDict()
        """logs that are not taken in, the most recently shown last, with what was shown of them last"""
        self._own: OrderedDict[tuple[int, bytes], None] = OrderedDict()

    def own(self, head: Head) -> bool:
        """Take note of a head of the log that is written here; whether it is to be looked at."""
        if (head.size, head.root) in self._own:
            return False
        self._own[head.size, head.root] = None
        if len(self._own) > MAX_OWN_SEEN:
            self._own.popitem(last=False)
        return True

    def forged(self, head: Head) -> None:
        """Forget a head that nobody has signed."""
        self._own.pop((head.size, head.root), None)

    def decline(self, head: Head) -> bool:
        """Take note of a head of a log that is not taken in; whether it is to be looked at."""
        log = LogKey(head.log)
        is_new = self._declined.get(log) != (head.size, head.root)
        self._declined[log] = (head.size, head.root)
        self._declined.move_to_end(log)
        while len(self._declined) > MAX_DECLINED:
            self._declined.popitem(last=False)
        return is_new

    def is_declined(self, log: LogKey) -> bool:
        """Whether a log is known not to be taken in."""
        return log in self._declined

    def shown_again(self, log: LogKey) -> None:
        """Remember longer a log that is not taken in: somebody still shows it."""
        self._declined.move_to_end(log)

    def forgive(self) -> list[LogKey]:
        """Forget which logs are not taken in; returns them."""
        logs = list(self._declined)
        self._declined.clear()
        return logs
