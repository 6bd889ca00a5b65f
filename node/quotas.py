"""Quotas: how much of others' logs a home takes in, and at whose introduction.

Decides which communes are in reach and who introduced them, how large a log
may be on which day, what all that one commune introduces may come to, and when
a day counts. Pure: what is counted, remembered and stored is `rations`', and
whose a log is `admission`'s.

What a log takes is its *weight*, in bytes: its payloads, and for each entry what
stands beside the payload in the database. So many small entries weigh as well.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import NewType

from ledger.log import LogKey
from ledger.records import CommuneId

from .limits import (
    DAY_SECONDS,
    ENTRY_WEIGHT,
    FOLLOWED_TIMES,
    INTRODUCED_LOGS,
    INTRODUCED_MEGABYTES,
    LEAST_DAY_WEIGHT,
    LOG_DAYS,
    LOG_MEGABYTES,
    MEGABYTE,
)

Day = NewType("Day", int)
"""A day as a home counts them: 0 is the first on which it counted."""


# Reach ------------------------------------------------------------------------------------------


class Standing(Enum):
    """What a commune is to this home: its own, one that it recognises or follows, ..."""

    OWN = "own"
    FOLLOWED = "followed"
    """recognised by this commune, or chosen by its operator"""
    PARTNER = "partner"
    """a party to an exchange in which this commune has said something"""
    INTRODUCED = "introduced"
    """recognised by a commune that this one recognises, directly or further on"""


@dataclass(frozen=True, slots=True)
class Reach:
    """The communes whose logs are taken in; of those introduced, by whom, in the order of recognition.

    `chosen` are the communes and logs that the operator named.
    """

    standings: Mapping[CommuneId, Standing]
    introducers: Mapping[CommuneId, tuple[CommuneId, ...]] = field(default_factory=dict)
    chosen: frozenset[bytes] = frozenset()

    @classmethod
    def of(cls, communes: Collection[CommuneId]) -> Reach:
        """Some communes, all of them followed."""
        return cls(dict.fromkeys(communes, Standing.FOLLOWED))

    @property
    def communes(self) -> frozenset[CommuneId]:
        """All of them."""
        return frozenset(self.standings)

    def standing(self, log: LogKey, commune: CommuneId | None) -> Standing | None:
        """What a log is to this home, None if it is not taken in."""
        found = None if commune is None else self.standings.get(commune)
        if found in (None, Standing.INTRODUCED, Standing.PARTNER) and log in self.chosen:
            return Standing.FOLLOWED
        return found

    def followed(self) -> Reach:
        """The same without whom others introduce."""
        kept = {one: what for one, what in self.standings.items() if what is not Standing.INTRODUCED}
        return Reach(kept, {}, self.chosen)


def reach(
    own: CommuneId,
    recognised: Callable[[CommuneId], Sequence[CommuneId]],
    partners: Iterable[CommuneId],
    chosen: Iterable[bytes],
    hops: int,
) -> Reach:
    """Whom a commune reaches: those followed, and whom these recognise, so many recognitions on.

    `recognised` gives whom a commune recognises, the first first. Partners and
    what the operator chose introduce nobody. What a recognised commune
    introduces is not charged to another one that introduces that commune.
    """
    chosen = frozenset(chosen)
    ours = tuple(one for one in recognised(own) if one != own)
    standings = dict.fromkeys(partners, Standing.PARTNER)
    standings |= dict.fromkeys((*ours, *map(CommuneId, chosen)), Standing.FOLLOWED)
    standings[own] = Standing.OWN
    introducers: defaultdict[CommuneId, list[CommuneId]] = defaultdict(list)
    asked: dict[CommuneId, Sequence[CommuneId]] = {}
    stops = {own, *ours}
    for introducer in ours if hops > 1 else ():
        edge, seen = [introducer], set(stops)
        for _ in range(hops - 1):
            further: list[CommuneId] = []
            for commune in edge:
                if commune not in asked:
                    asked[commune] = recognised(commune)
                for one in asked[commune]:
                    if one not in seen:
                        seen.add(one)
                        further.append(one)
                        introducers[one].append(introducer)
            edge = further
    introduced = {one: tuple(by) for one, by in introducers.items() if one not in standings}
    standings |= dict.fromkeys(introduced, Standing.INTRODUCED)
    return Reach(standings, introduced, chosen)


# How much ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Quotas:
    """How much there may be: logs that one commune introduces, their weight together, and a log's own."""

    introduced_logs: int = INTRODUCED_LOGS
    introduced_weight: int = INTRODUCED_MEGABYTES * MEGABYTE
    log_weight: int = LOG_MEGABYTES * MEGABYTE

    def of_log(self, standing: Standing, had: int, days: int) -> int:
        """What a log may weigh that weighed `had` when it was first counted, so many days ago."""
        times = FOLLOWED_TIMES if standing is Standing.FOLLOWED else 1
        daily = max(self.log_weight // LOG_DAYS, LEAST_DAY_WEIGHT)
        return max(times * self.log_weight, had) + times * daily * max(0, days)


def weight_of(entries: int, payload_bytes: int) -> int:
    """What some entries weigh, in bytes."""
    return payload_bytes + ENTRY_WEIGHT * entries


class Over(Enum):
    """Which quota is used up."""

    LOG = "log"
    SHARE = "share"


@dataclass(slots=True)
class Account:
    """What is counted of a log: since which day, what it weighed then and now, and who introduced it."""

    day: Day
    had: int
    weight: int
    introducer: CommuneId | None = None


class Book:
    """The accounts of all logs of others, and what each introducer has used of its share.

    A log that is held is never thrown out: what is over a quota only does not
    grow. It stays charged to who introduced it, as long as anybody recognises
    that one, so that nobody makes room by taking an introduction back.
    """

    def __init__(self, quotas: Quotas) -> None:
        self.quotas = quotas
        self.accounts: dict[LogKey, Account] = {}
        self._used: defaultdict[CommuneId, list[int]] = defaultdict(lambda: [0, 0])

    def used(self, introducer: CommuneId) -> tuple[int, int]:
        """How many logs a commune has introduced, and what they weigh."""
        logs, weight = self._used.get(introducer, (0, 0))
        return logs, weight

    def put(self, log: LogKey, account: Account) -> None:
        """Take an account over from elsewhere, in the place of what was."""
        self._charge(log, -1)
        self.accounts[log] = account
        self._charge(log, 1)

    def ask(
        self, log: LogKey, standing: Standing, introducers: Sequence[CommuneId], weight: int, day: Day
    ) -> Over | None:
        """Count so much more of a log, on a day; or say which quota that is beyond, and count nothing."""
        account = self.accounts.get(log) or Account(day, 0, 0)
        if account.weight + weight > self.quotas.of_log(standing, account.had, day - account.day):
            return Over.LOG
        introducer = None
        if standing is Standing.INTRODUCED:
            introducer = self._room(account, introducers, weight)
            if introducer is None:
                return Over.SHARE
        self.put(log, Account(account.day, account.had, account.weight + weight, introducer))
        return None

    def add(self, log: LogKey, weight: int, day: Day) -> None:
        """Count so much more or less of a log, whatever the quotas say; nothing is left of nothing."""
        account = self.accounts.get(log) or Account(day, 0, 0)
        after = max(0, account.weight + weight)
        if not after and not account.had:
            self._charge(log, -1)
            self.accounts.pop(log, None)
        else:
            self.put(log, Account(account.day, account.had, after, account.introducer))

    def place(self, log: LogKey, standing: Standing | None, introducers: Sequence[CommuneId]) -> bool:
        """Charge a log that is held to who introduces it, else to the first; whether that is new.

        One that is out of reach stays charged to whom it was.
        """
        account = self.accounts[log]
        introducer = account.introducer
        if standing is Standing.INTRODUCED:
            if introducer not in introducers:
                introducer = self._room(account, introducers, 0) or introducers[0]
        elif standing is not None:
            introducer = None
        if introducer == account.introducer:
            return False
        self.put(log, Account(account.day, account.had, account.weight, introducer))
        return True

    def _room(self, account: Account, introducers: Sequence[CommuneId], weight: int) -> CommuneId | None:
        """To whom a log may be charged that grows by so much: to whom it is, else to the first with room."""
        for one in sorted(introducers, key=lambda one: one != account.introducer):
            is_new = one != account.introducer
            logs, used = self.used(one)
            if (
                logs + is_new <= self.quotas.introduced_logs
                and used + weight + (account.weight if is_new else 0) <= self.quotas.introduced_weight
            ):
                return one
        return None

    def _charge(self, log: LogKey, sign: int) -> None:
        account = self.accounts.get(log)
        if account is not None and account.introducer is not None:
            used = self._used[account.introducer]
            used[0] += sign
            used[1] += sign * account.weight


# Days -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Days:
    """How many days a home has counted, and the date of the last, in days since 1970."""

    count: Day = Day(0)
    date: int | None = None

    def at(self, date: int, seconds: float | None) -> Days:
        """The same at a date that the clock shows, so many seconds after a day was counted last.

        `seconds` is by a clock that nobody sets, None if this program has
        counted none yet. A date that is another than the last is one day, however far it is from it, and
        in which direction: a clock that jumps neither opens a quota nor closes it.
        """
        if date == self.date or (seconds is not None and seconds < DAY_SECONDS):
            return self
        return Days(Day(self.count + (self.date is not None)), date)
