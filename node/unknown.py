"""Unknown: the newest heads of logs that this home does not take in.

Decides which of them are kept, and who has to go for it: of each log the newest
head that its key signed, or two of one size that say otherwise, which is the
sign of a fork; of so many logs from each neighbour and no more, so that nobody
who invents logs drives out what others have shown. They say how many logs there
are that nobody here has asked for, and are forgotten without harm.

Belongs to the thread that stores; the counts may be read on any.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ledger.log import Head, LogKey
from protocol.errors import MessageError
from protocol.messages import decode_heads, encode_heads

from .limits import MAX_UNKNOWN, MAX_UNKNOWN_OF_ONE

if TYPE_CHECKING:
    from .storage.counts import Unknowns


@dataclass(slots=True)
class _Shown:
    """The heads that are kept of one log, and the neighbour that showed it first."""

    peer: LogKey
    heads: tuple[Head, ...]


class Unknown:
    """What is kept of logs that are not taken in."""

    def __init__(self, network: str, storage: Unknowns | None = None) -> None:
        """Begin with what is stored, where there is a storage; waits for it."""
        self.forked = 0
        """of how many logs two heads of one size are kept"""
        self._network = network
        self._storage = storage
        self._logs: dict[LogKey, _Shown] = {}
        self._of: defaultdict[LogKey, OrderedDict[LogKey, None]] = defaultdict(OrderedDict)
        """of each neighbour the logs that it showed, the most recently shown last"""
        for log, peer, encoded in storage.all().result() if storage is not None else ():
            try:
                heads = decode_heads(encoded)
            except MessageError:
                continue  # it is written by this program alone; whatever else it is, it is no head
            self._put(log, _Shown(peer, heads))

    def __len__(self) -> int:
        """Of how many logs a head is kept."""
        return len(self._logs)

    def heads(self, log: LogKey) -> tuple[Head, ...]:
        """What is kept of a log: nothing, the newest head, or two of one size."""
        shown = self._logs.get(log)
        return () if shown is None else shown.heads

    def see(self, head: Head, peer: LogKey) -> bool:
        """Take a head that a neighbour shows, if it is newer; False if its log's key did not sign it.

        One that would not be kept is not looked at so closely.
        """
        log = LogKey(head.log)
        shown = self._logs.get(log)
        if shown is not None:
            self._of[shown.peer].move_to_end(log)
            newest = shown.heads[0]
            if len(shown.heads) > 1 or head.size < newest.size or head.root == newest.root:
                return True
        elif len(self._of.get(peer, ())) >= MAX_UNKNOWN_OF_ONE:
            return True
        if not head.is_signed(self._network):
            return False
        if shown is None:
            self._make_room()
            shown = _Shown(peer, ())
        is_other = bool(shown.heads) and shown.heads[0].size == head.size
        self._put(log, _Shown(shown.peer, (*shown.heads, head) if is_other else (head,)))
        if self._storage is not None:
            self._storage.keep(log, shown.peer, encode_heads(self._logs[log].heads))
        return True

    def forget(self, log: LogKey) -> None:
        """A log is taken in by now."""
        shown = self._logs.pop(log, None)
        if shown is not None:
            self.forked -= len(shown.heads) > 1
            del self._of[shown.peer][log]
            if not self._of[shown.peer]:
                del self._of[shown.peer]
            if self._storage is not None:
                self._storage.drop(log)

    def _put(self, log: LogKey, shown: _Shown) -> None:
        former = self._logs.get(log)
        self.forked += (len(shown.heads) > 1) - (former is not None and len(former.heads) > 1)
        self._logs[log] = shown
        self._of[shown.peer][log] = None

    def _make_room(self) -> None:
        """Of the neighbour that has shown most of them the log that it showed longest ago goes."""
        if len(self._logs) >= MAX_UNKNOWN:
            most = max(self._of, key=lambda one: len(self._of[one]))
            self.forget(next(iter(self._of[most])))
