"""Forms that were filled and not signed yet."""

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..limits import MAX_DRAFTS_KEPT

if TYPE_CHECKING:
    from sqlite_utils import Database

    from .file import File


@dataclass(frozen=True, slots=True)
class Draft:
    """A form that was filled and not signed yet: its address, what it is about, and what was typed."""

    id: str
    form: str
    title: str
    typed: Mapping[str, str]
    at: int


class Drafts:
    """Forms that were filled and not signed, so that a power cut costs nobody what was typed."""

    def __init__(self, file: File) -> None:
        self._file = file

    def all(self) -> Future[list[Draft]]:
        """All, the newest first."""

        def work(database: Database) -> list[Draft]:
            rows = database.execute("SELECT id, form, title, typed, at FROM draft ORDER BY at DESC, id")
            return [Draft(row[0], row[1], row[2], json.loads(row[3]), row[4]) for row in rows]

        return self._file.do(work, [])

    def keep(self, draft: Draft) -> None:
        """Remember one in the place of what it was; beyond `MAX_DRAFTS_KEPT` the oldest go."""
        row = (draft.id, draft.form, draft.title, json.dumps(dict(draft.typed)), draft.at)

        def work(database: Database) -> None:
            database.execute("INSERT OR REPLACE INTO draft VALUES (?, ?, ?, ?, ?)", row)
            database.execute(
                "DELETE FROM draft WHERE id IN (SELECT id FROM draft ORDER BY at DESC LIMIT -1 OFFSET ?)",
                (MAX_DRAFTS_KEPT,),
            )

        self._file.do(work, None)

    def drop(self, draft: str) -> None:
        """Forget one: it was signed, or thrown away."""
        self._file.do(lambda database: database.execute("DELETE FROM draft WHERE id = ?", (draft,)), None)
