"""Custody: the one open home of a running node, and the threads that may touch it.

Decides who asks what on which thread: everything that signs runs on one, with
the one Author and Service; questions for status and figures are asked on
another, so that they are answered during a long import. The store has a thread
of its own. What is done is the callers'.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from typing import Final, TypeVar

from ledger.author import Author, Situation
from ledger.errors import RunRefused
from ledger.evidence import Evidence
from ledger.log import Head, LogKey, Run
from ledger.signing import SigningKey
from ledger.store.reading import Reader
from ledger.store.writing import Ingested, Progress, Store

from . import clock
from .errors import HomeError
from .founding import holds_entries
from .home import Home
from .limits import HEALTH_SECONDS
from .rations import Rations, quotas_of
from .service import Service
from .settings import Settings
from .storage import Storage

Result = TypeVar("Result")
DEFAULTS: Final = Settings()
Observe = Callable[[str, float], None]
"""Told of every write: what it was, and the seconds that it took, waiting included."""


class MeteredStore(Store):
    """A store that tells how long its writes take."""

    def __init__(self, home: Home, network: str, observe: Observe) -> None:
        self._observe = observe
        super().__init__(home.ledger, network)

    def append(self, key: SigningKey, payloads: Sequence[bytes], expected: Head | None) -> Run:
        return self._timed("append", lambda: super(MeteredStore, self).append(key, payloads, expected))

    def ingest(self, run: Run) -> Ingested:
        return self._timed("ingest", lambda: super(MeteredStore, self).ingest(run))

    def ingest_all(self, runs: Iterable[Run]) -> Iterator[Ingested | RunRefused]:
        results, spent = super().ingest_all(runs), 0.0
        try:
            while True:
                begun = time.perf_counter()
                result = next(results, None)
                spent += time.perf_counter() - begun
                if result is None:
                    return
                yield result
        finally:
            self._observe("ingest", spent)

    def add_evidence(self, evidence: Evidence) -> bool:
        return self._timed("evidence", lambda: super(MeteredStore, self).add_evidence(evidence))

    def erase(self, log: bytes, index: int, entry: bytes, at: int, reason: str) -> None:
        self._timed("erase", lambda: super(MeteredStore, self).erase(log, index, entry, at, reason))

    def rebuild(self, progress: Progress = lambda done, total: None) -> int:
        return self._timed("rebuild", lambda: super(MeteredStore, self).rebuild(progress))

    def _timed(self, what: str, work: Callable[[], Result]) -> Result:
        begun = time.perf_counter()
        try:
            return work()
        finally:
            self._observe(what, time.perf_counter() - begun)


def is_founded(home: Home) -> bool:
    """Whether there is something in a home to open: a founding that was cut short is given up to `init`."""
    return home.exists and holds_entries(home)


class Custody:
    """A home held open for writing. Its methods are called on the event loop's thread.

    `home`, `log`, `network`, `store`, `storage` and `rations` may be used by
    anybody (store and storage have threads of their own); whoever has much to read opens a Reader
    of their own.
    """

    def __init__(self, home: Home, observe: Observe, settings: Settings = DEFAULTS) -> None:
        """As `open`, which is what callers use; on the thread that signs."""
        self.home = home
        self._held = ExitStack()
        try:
            key = home.read_key()
            home.check_unsigned()
            self._held.enter_context(home.locked())
            if not home.exists:
                raise HomeError(
                    "The founding of a commune in {path} was not finished: give `trueque init` again.",
                    path=home.path,
                )
            with Reader(home.ledger) as reader:
                self.network = reader.network
            self.log = LogKey(key.public_key)
            self.store: Store = self._held.enter_context(MeteredStore(home, self.network, observe))
            self.storage = Storage(home.storage)
            self._held.callback(self.storage.close)
            self.rations = Rations(quotas_of(settings), self.storage.accounts)
            self._author = Author(self.store, key, home.anchors(self.log))
            reader = self._held.enter_context(Reader(home.ledger))
            self._service = Service(
                reader, self.log, self.store, self._author, clock.now, rations=self.rations
            )
            reader = self._held.enter_context(Reader(home.ledger))
            self._questions = Service(reader, self.log, None, None, clock.now)
        except BaseException:
            self._held.close()
            raise

    @classmethod
    async def open(cls, home: Home, observe: Observe, settings: Settings = DEFAULTS) -> Custody:
        """Open and lock a home. Raises HomeError (HomeInUse), StoreError."""
        signing = ThreadPoolExecutor(1, "trueque-home")
        try:
            custody = await asyncio.wrap_future(signing.submit(cls, home, observe, settings))
        except BaseException:
            signing.shutdown(wait=False)
            raise
        custody._signing = signing
        custody._asking = ThreadPoolExecutor(1, "trueque-reader")
        custody._checking = ThreadPoolExecutor(1, "trueque-health")
        return custody

    _signing: ThreadPoolExecutor
    _asking: ThreadPoolExecutor
    _checking: ThreadPoolExecutor
    _health: Future[object] | None = None

    @property
    def situation(self) -> Situation:
        """Whether the home's log may be signed, as far as known; may be asked on any thread."""
        return self._author.situation

    async def do(self, work: Callable[[Service], Result]) -> Result:
        """Do something with the service on the thread that signs. Raises what `work` raises.

        Once begun it goes on to its end, also when the task that waits for it is cancelled.
        """
        return await asyncio.wrap_future(self._signing.submit(work, self._service))

    def do_here(self, work: Callable[[Service], Result]) -> Result:
        """As `do`, for a thread of the caller's own, which waits. Raises what `work` raises."""
        return self._signing.submit(work, self._service).result()

    async def review(self) -> Situation:
        """Look anew whether the log may be signed, as after something of it came in. Raises StoreError."""
        return await self.do(lambda service: service.author.review())

    @property
    def has_failed(self) -> bool:
        """Whether a write failed, so that nothing is written or signed until `recover`; for any thread."""
        return self.store.failed or self._author.situation is Situation.STOPPED

    async def recover(self) -> Situation:
        """After a failed write, open the ledger anew. Raises StoreError if that cannot be done yet."""

        def opened_anew(service: Service) -> Situation:
            if self.store.failed:
                self.store.recover()
            return service.author.recover()

        return await self.do(opened_anew)

    async def ask(self, question: Callable[[Service], Result]) -> Result:
        """Ask the ledger something short, whatever is being written. Raises what `question` raises."""
        return await asyncio.wrap_future(self._asking.submit(question, self._questions))

    async def check_health(self) -> bool:
        """Whether the store answers, by the clock; one question is under way at most. Raises StoreError."""
        if self._health is None or self._health.done():
            self._health = self._checking.submit(self.store.own_log, self.log)
        waited = asyncio.wrap_future(self._health)
        done, _ = await asyncio.wait({waited}, timeout=HEALTH_SECONDS)
        if not done:
            waited.add_done_callback(lambda late: late.cancelled() or late.exception())
            return False
        waited.result()
        return True

    async def close(self) -> None:
        """Finish what is under way, and let go of the home."""
        await asyncio.wrap_future(self._asking.submit(lambda: None))
        await asyncio.wrap_future(self._signing.submit(self._held.close))
        self._checking.shutdown(wait=False)
        self._signing.shutdown(wait=False)
        self._asking.shutdown(wait=False)
