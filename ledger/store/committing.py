"""Committing: how changes to the ledger become durable, on the one thread that writes.

Decides what a transaction holds, when it is on the disk, and that nothing is
written where that is not known any more: after a commit that failed, or where
other files stand by now. What is changed is `writing`'s, which stands on this.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from sqlite_utils import Database

from ..errors import StoreError
from .database import open_for_writing, store_errors
from .holding import Holding
from .projection import Projection

Result = TypeVar("Result")


class Committing:
    """The connection that writes, its thread, and its transactions.

    The methods without an underscore may be called from any thread; all others
    run on the thread of this, one after another, as `_submit` has it.
    """

    def __init__(self, path: Path, network: str) -> None:
        """Open or create the database at `path` for one network. Raises StoreError."""
        self.path = path
        self.network = network
        self._durable: bool | None = None
        self._version = -1
        self._failed = False
        self._closed = False
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="trueque-store")
        try:
            self._thread.submit(self._open).result()
        except BaseException:
            self._thread.shutdown()
            raise

    def _open(self) -> None:
        self._database: Database = open_for_writing(self.path)
        self._connection: sqlite3.Connection = self._database.conn
        self._holding = Holding(self._connection, self.network)
        self._projection = Projection(self._holding)
        try:
            self._settle_network()
        except StoreError:
            self._connection.close()
            raise
        self._files = self._find_files()

    def _find_files(self) -> list[tuple[int, int] | None]:
        """Which files stand where the ledger and its write-ahead log are; None for one that is not there."""
        found: list[tuple[int, int] | None] = []
        for path in (self.path, self.path.with_name(f"{self.path.name}-wal")):
            try:
                status = path.stat()
            except OSError:
                found.append(None)
            else:
                found.append((status.st_dev, status.st_ino))
        return found

    def check_in_place(self) -> None:
        """Raise StoreError if other files stand by now where those are that this store has open.

        SQLite would go on in files that nobody finds any more.
        """
        if self._find_files() != self._files:
            raise StoreError(
                "The ledger {path} was replaced or removed while this program was using it, so nothing is "
                "written: close the program and start it again; what is missing then comes back from "
                "neighbours.",
                path=self.path,
            )

    def _settle_network(self) -> None:
        """A ledger belongs to the network that it was made for."""
        with store_errors(self.path):
            held = self._connection.execute("SELECT value FROM setting WHERE name = 'network'").fetchone()
            if held is None:
                self._connection.execute(
                    "INSERT INTO setting (name, value) VALUES ('network', ?)", (self.network,)
                )
        if held is not None and held[0] != self.network:
            raise StoreError(
                "The ledger {path} belongs to the network '{held}', not '{network}': "
                "networks are never merged; use another home.",
                path=self.path,
                held=held[0],
                network=self.network,
            )

    def close(self) -> None:
        """Finish what is under way and close the database; a second time, and there is nothing to do."""
        if not self._closed:
            self._closed = True
            self._thread.submit(self._connection.close).result()
            self._thread.shutdown()

    @property
    def failed(self) -> bool:
        """Whether a write failed, so that nothing is written until `recover`."""
        return self._failed

    def recover(self) -> None:
        """After a failed write, open the database anew, as a program that starts.

        Raises StoreError if that cannot be done or SQLite finds the file damaged; then nothing is
        written still, and it may be tried again.
        """
        self._thread.submit(self._recover).result()

    # On the thread ------------------------------------------------------------------------------

    def _recover(self) -> None:
        with suppress(sqlite3.Error):
            self._connection.close()
        self._durable, self._version = None, -1
        self._open()
        with store_errors(self.path):
            found = self._connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise StoreError(
                "The ledger {path} is damaged ({detail}): restore a backup, or fetch it from neighbours.",
                path=self.path,
                detail=found,
            )
        self._failed = False

    def _submit(self, work: Callable[[], Result]) -> Result:
        return self._thread.submit(self._guarded, work).result()

    def _guarded(self, work: Callable[[], Result]) -> Result:
        if self._failed:
            raise StoreError(
                "Writing to the ledger {path} failed before, so nothing more is written until it has been "
                "opened anew: check the disk. A running node opens it anew by itself; any other program has "
                "to be closed and started again.",
                path=self.path,
            )
        self.check_in_place()
        with store_errors(self.path):
            self._notice_others()
            return work()

    def _notice_others(self) -> None:
        """Forget what is remembered if another program has written to the ledger meanwhile."""
        version = self._connection.execute("PRAGMA data_version").fetchone()[0]
        if version != self._version:
            self._version = version
            self._holding.forget()
            self._projection.forget()

    @contextmanager
    def _transaction(self, *, durable: bool) -> Iterator[None]:
        """One transaction; whatever goes wrong inside, nothing is changed."""
        if durable != self._durable:
            self._connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            self._durable = durable
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            self._notice_others()
            yield
            self._projection.finish()
        except BaseException as error:
            self._roll_back(failed=isinstance(error, sqlite3.Error))
            raise
        try:
            self._connection.execute("COMMIT")
        except BaseException:
            self._roll_back(failed=True)
            raise

    def _roll_back(self, *, failed: bool) -> None:
        self._failed = self._failed or failed
        self._holding.forget()
        self._projection.forget()
        if self._connection.in_transaction:
            try:
                self._connection.execute("ROLLBACK")
            except sqlite3.Error:
                self._failed = True
