"""Hearsay: addresses that neighbours tell, judged before anybody calls there or hears of them.

Decides whether what is told is believed: signed by its log, of a log that is
taken in, and not changed too often. Signatures and the ledger are looked at on
the thread that serves, by `Judge`. What is told to whom is `protocol.spreading`'s,
who is called `calling`'s.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor

from ledger.errors import StoreError
from ledger.log import LogKey
from ledger.store.reading import Reader
from protocol.addresses import Addresses
from protocol.gossip import Gossip
from protocol.spreading import Heard, Verdict

from . import journal
from .admission import Admission
from .limits import CHANGES_AN_HOUR, HOUR_SECONDS, MAX_CHANGING


class Judge:
    """Whether addresses are what they say; on a thread of its own, with its reader."""

    def __init__(self, reader: Reader, judged: Callable[[Reader], Admission]) -> None:
        """`judged` makes the admission of what comes."""
        self._reader = reader
        self._judged = judged

    def verdicts(self, heard: Sequence[Heard]) -> list[Verdict]:
        """What is to be made of each. Raises StoreError."""
        admission = self._judged(self._reader)
        return [self._verdict(each.told, admission) for each in heard]

    def _verdict(self, told: Addresses, admission: Admission) -> Verdict:
        if not told.is_signed(self._reader.network):
            return Verdict.FORGED
        return Verdict.KNOWN if admission.holds(told.key) else Verdict.LATER


class Changes:
    """How often each log has said something new lately."""

    def __init__(self) -> None:
        self._times: OrderedDict[LogKey, deque[float]] = OrderedDict()

    def may(self, log: LogKey, now: float) -> bool:
        """Whether another change is taken now, and take note of it if so; `now` in seconds."""
        times = self._times.setdefault(log, deque(maxlen=CHANGES_AN_HOUR))
        self._times.move_to_end(log)
        while len(self._times) > MAX_CHANGING:
            self._times.popitem(last=False)
        if len(times) == CHANGES_AN_HOUR and now - times[0] < HOUR_SECONDS:
            return False
        times.append(now)
        return True


class Hearsay:
    """What is told and not judged yet. Used in the event loop's thread."""

    def __init__(
        self,
        gossip: Gossip,
        thread: Executor,
        judge: Judge,
        *,
        look: Callable[[], None],
        learned: Callable[[Sequence[Addresses]], None],
        outdone: Callable[[Addresses], None],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """`look` has sessions send; `learned` is told what is new, `outdone` what is newer of the own log."""
        self._gossip = gossip
        self._thread = thread
        self._judge = judge
        self._look = look
        self._learned = learned
        self._outdone = outdone
        self._now = now
        self._changes = Changes()
        self._task: asyncio.Task[None] | None = None

    def collect(self) -> None:
        """Have judged what was told; one after the other, so that the newest stays."""
        if self._task is None or self._task.done():
            heard = self._gossip.addresses.to_judge()
            if heard:
                self._task = asyncio.create_task(self._judged(heard))

    async def _judged(self, heard: Sequence[Heard]) -> None:
        while heard:
            loop = asyncio.get_running_loop()
            try:
                verdicts = await loop.run_in_executor(self._thread, self._judge.verdicts, heard)
            except StoreError as error:
                journal.tell("not_judged", level="warning", error=error)
                return
            new = [
                each.told for each, verdict in zip(heard, verdicts, strict=True) if self._take(each, verdict)
            ]
            if new:
                self._learned(new)
            self._look()
            heard = self._gossip.addresses.to_judge()

    def _take(self, heard: Heard, verdict: Verdict) -> bool:
        told = heard.told
        if verdict is Verdict.KNOWN and told.key == self._gossip.addresses.own:
            self._outdone(told)
        elif verdict is Verdict.KNOWN and not self._changes.may(told.key, self._now()):
            verdict = Verdict.DROPPED
        return self._gossip.judged(heard, verdict)

    def close(self) -> None:
        """Judge nothing any more."""
        if self._task is not None:
            self._task.cancel()
