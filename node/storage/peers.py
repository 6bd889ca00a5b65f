"""Whom the node has met or tried: how that went, and when it is tried next."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING

from ..limits import MAX_PEERS_KEPT

if TYPE_CHECKING:
    from sqlite_utils import Database

    from .file import File


@dataclass(frozen=True, slots=True)
class Kept:
    """What is remembered of an address or a log; times in milliseconds of the wall clock.

    `name` is `HOST:PORT` or a log in hex; `log` is who was met there. It is
    tried again at `until`, after so many `failures` in a row; `why` says in one
    word what they were (`faults` if it broke the protocol).
    """

    name: str
    log: bytes | None
    met: int | None
    failures: int
    until: int
    why: str


class Peers:
    """Whom the node has met or tried: how that went, and when it is tried next."""

    def __init__(self, file: File) -> None:
        self._file = file

    def all(self) -> Future[list[Kept]]:
        """Everything that is remembered."""

        def work(database: Database) -> list[Kept]:
            rows = database.execute("SELECT name, log, met, failures, until, why FROM peer").fetchall()
            return [Kept(*row) for row in rows]

        return self._file.do(work, [])

    def keep(self, kept: Kept) -> None:
        """Remember this in the place of what was; beyond `MAX_PEERS_KEPT`, who was met longest ago goes."""

        def work(database: Database) -> None:
            database.execute("INSERT OR REPLACE INTO peer VALUES (?, ?, ?, ?, ?, ?)", astuple(kept))
            database.execute(
                "DELETE FROM peer WHERE name IN (SELECT name FROM peer "
                "ORDER BY coalesce(met, 0) DESC, until DESC LIMIT -1 OFFSET ?)",
                (MAX_PEERS_KEPT,),
            )

        self._file.do(work, None)
