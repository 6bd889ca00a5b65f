"""Where nodes can be called, as their logs have signed it."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future
from contextlib import suppress
from typing import TYPE_CHECKING

from protocol.addresses import Addresses, decode_addresses, encode_addresses
from protocol.errors import MessageError
from protocol.limits import MAX_KNOWN_ADDRESSES

if TYPE_CHECKING:
    from sqlite_utils import Database

    from .file import File


class Whereabouts:
    """Where nodes can be called, as their logs have signed it; of each the newest, this node's own too."""

    def __init__(self, file: File) -> None:
        self._file = file

    def all(self) -> Future[list[Addresses]]:
        """Those of all logs, the one that came first at the beginning."""

        def work(database: Database) -> list[Addresses]:
            found: list[Addresses] = []
            for (told,) in database.execute("SELECT told FROM whereabouts ORDER BY at").fetchall():
                with suppress(MessageError):  # of a version that allowed more
                    found += decode_addresses(told)
            return found

        return self._file.do(work, [])

    def keep(self, told: Iterable[Addresses]) -> None:
        """Remember these in the place of what was; beyond `MAX_KNOWN_ADDRESSES` the oldest go."""
        rows = [(bytes(each.log), encode_addresses([each])) for each in told]

        def work(database: Database) -> None:
            database.conn.executemany(
                "INSERT OR REPLACE INTO whereabouts SELECT ?, coalesce(max(at), 0) + 1, ? FROM whereabouts",
                rows,
            )
            database.execute(
                "DELETE FROM whereabouts WHERE log IN "
                "(SELECT log FROM whereabouts ORDER BY at DESC LIMIT -1 OFFSET ?)",
                (MAX_KNOWN_ADDRESSES + 1,),
            )

        self._file.do(work, None)
