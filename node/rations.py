"""Rations: what is held of others' logs, counted against the quotas, and remembered.

Decides when something is counted: before it is stored, so that many runs at
once come to no more than one after the other; what was not stored after all is
given back. What the quotas are and how they are shared is `quotas`'; that the
counts outlast the process is `storage`'s, and where that is lost, what is held
is weighed anew.

One per home and process. Gossip and the import of a bundle ask it on different
threads, one at a time.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

from ledger.log import LogKey, Run
from ledger.records import CommuneId
from ledger.store.totals import lengths

from . import clock
from .errors import HeldBack
from .limits import MAX_HELD_BACK, MEGABYTE
from .quotas import Account, Book, Day, Days, Over, Quotas, Reach, Standing, weight_of

if TYPE_CHECKING:
    from ledger.store.reading import Reader

    from .home import Home
    from .settings import Settings
    from .storage.counts import Accounts

_DAY_MILLISECONDS = 86_400_000


def quotas_of(settings: Settings) -> Quotas:
    """The quotas that an operator has set."""
    return Quotas(
        settings.introduced_logs,
        settings.introduced_megabytes * MEGABYTE,
        settings.log_megabytes * MEGABYTE,
    )


def weight(run: Run) -> int:
    """What a run weighs, in bytes."""
    return weight_of(len(run.items), sum(len(item) for item in run.items if isinstance(item, bytes)))


@contextmanager
def counting(rations: Rations | None, home: Home, settings: Settings) -> Iterator[Rations]:
    """Those that there are, of a running node; else those of a home in which none runs, until the end."""
    if rations is not None:
        yield rations
        return
    from .storage import Storage

    storage = Storage(home.storage)
    try:
        yield Rations(quotas_of(settings), storage.accounts)
    finally:
        storage.close()


@dataclass(frozen=True, slots=True)
class Back:
    """Whose a log is that is held back, if that is known, and by which quota."""

    commune: CommuneId | None
    over: Over


class Rations:
    """The counts of one home."""

    def __init__(self, quotas: Quotas, storage: Accounts | None = None) -> None:
        self.quotas = quotas
        self._held_back: OrderedDict[LogKey, Back] = OrderedDict()
        """the logs of which something was not taken in because of a quota, the newest last"""
        self._lock = Lock()
        self._storage = storage
        self._book = Book(quotas)
        self._days = Days()
        self._counted: float | None = None
        """when a day was counted last, by a clock that nobody sets"""
        self._changed: set[LogKey] = set()
        self._is_open = False

    def open(self, reader: Reader, reach: Reach, own: LogKey) -> None:
        """Take note of what is held and who is in reach: at first, and whenever either may have changed.

        What is not counted yet, as it was taken in by another program, is
        weighed; logs are charged to who introduces them in the order in which they
        came. Waits for the storage the first time. Raises StoreError.
        """
        with self._lock:
            if not self._is_open:
                self._load()
                self._is_open = True
                self._count_day(clock.now(), time.monotonic())
            with reader.snapshot():
                communes: dict[LogKey, CommuneId | None] = {}
                for branch in reader.branches():
                    communes[branch.log] = communes.get(branch.log) or branch.commune
                for log, back in list(self._held_back.items()):
                    if reach.standing(log, back.commune) is None:
                        del self._held_back[log]
                for log, commune in communes.items():
                    if log != own:
                        self._take_note(reader, log, commune, reach)
            self._keep()

    def _take_note(self, reader: Reader, log: LogKey, commune: CommuneId | None, reach: Reach) -> None:
        if log not in self._book.accounts:
            held = weight_of(*lengths(reader, log))
            self._book.put(log, Account(self._days.count, held, held))
            self._changed.add(log)
        introducers = () if commune is None else reach.introducers.get(commune, ())
        if self._book.place(log, reach.standing(log, commune), introducers):
            self._changed.add(log)

    def judge(
        self, run: Run, commune: CommuneId | None, standing: Standing, introducers: Sequence[CommuneId]
    ) -> HeldBack | None:
        """Count a run that is to be stored; why it is not, where that is more than a quota allows."""
        with self._lock:
            over = self._book.ask(run.log, standing, introducers, weight(run), self._days.count)
            if over is None:
                self._changed.add(run.log)
                self._held_back.pop(run.log, None)
                return None
            self._held_back[run.log] = Back(commune, over)
            self._held_back.move_to_end(run.log)
            while len(self._held_back) > MAX_HELD_BACK:
                self._held_back.popitem(last=False)
            return self._why(over, standing, run.log)

    def all_held_back(self) -> list[tuple[LogKey, Back]]:
        """The logs of which something was not taken in because of a quota, the newest last."""
        with self._lock:
            return list(self._held_back.items())

    def add(self, log: LogKey, more: int) -> None:
        """Count more or less of a log, in bytes, whatever the quotas say."""
        with self._lock:
            self._book.add(log, more, self._days.count)
            self._changed.add(log)

    def keep(self) -> None:
        """Have remembered what has changed."""
        with self._lock:
            self._keep()

    def count_day(self, now: int, seconds: float) -> bool:
        """Look at the wall clock (ms) and at one that nobody sets; whether another day has begun."""
        with self._lock:
            return self._is_open and self._count_day(now, seconds)

    def used(self, introducer: CommuneId) -> tuple[int, int]:
        """How many logs a commune has introduced here, and what they weigh, in bytes."""
        with self._lock:
            return self._book.used(introducer)

    # Behind the lock ----------------------------------------------------------------------------

    def _count_day(self, now: int, seconds: float) -> bool:
        since = None if self._counted is None else seconds - self._counted
        days = self._days.at(now // _DAY_MILLISECONDS, since)
        if days == self._days:
            return False
        is_later = days.count > self._days.count
        self._days, self._counted = days, seconds
        if self._storage is not None:
            self._storage.keep_days(days.count, days.date)
        return is_later

    def _why(self, over: Over, standing: Standing, log: LogKey) -> HeldBack:
        if over is Over.SHARE:
            return HeldBack(
                "Held back: all that one commune introduces may be {logs} logs and {limit} MB, and this "
                "would be more. `trueque recognise` this commune, or raise introduced-logs or "
                "introduced-megabytes in config.toml.",
                logs=self.quotas.introduced_logs,
                limit=self.quotas.introduced_weight // MEGABYTE,
            )
        account = self._book.accounts.get(log) or Account(self._days.count, 0, 0)
        limit = self.quotas.of_log(standing, account.had, self._days.count - account.day)
        return HeldBack(
            "Held back: this log has more than its quota, which is {limit} MB today. It gets room for more "
            "each day that this node runs; to give it more at once, raise log-megabytes in config.toml.",
            limit=limit // MEGABYTE,
        )

    def _load(self) -> None:
        if self._storage is None:
            return
        rows, days = self._storage.all(), self._storage.days()
        for log, day, had, held, introducer in rows.result():
            self._book.put(
                log, Account(Day(day), had, held, None if introducer is None else CommuneId(introducer))
            )
        count, date = days.result()
        self._days = Days(Day(count), date)

    def _keep(self) -> None:
        if self._storage is None or not self._changed:
            return
        accounts = {log: self._book.accounts.get(log) for log in self._changed}
        self._changed.clear()
        self._storage.keep(
            (log, one.day, one.had, one.weight, one.introducer) for log, one in accounts.items() if one
        )
        if gone := [log for log, one in accounts.items() if one is None]:
            self._storage.drop(gone)
