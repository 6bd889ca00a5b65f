"""Writing: an export in its file, or to standard output.

Decides what each format replaces, which is a file of its own kind and nothing
else, and that a file is in its place only once it is whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Literal

from ..errors import ExportFailed, InputError
from ..outgoing import is_replaceable, outgoing
from ..service import Service
from .chosen import Choice, Progress, Walk
from .tables import FOLDER, TABLES, Table, headings, write_archive, write_table

Format = Literal["csv", "jsonl", "valueflows"]
FORMATS: Final[tuple[Format, ...]] = ("csv", "jsonl", "valueflows")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to write; without a `table`, CSV is an archive of all of them."""

    form: Format
    choice: Choice
    table: Table | None = None

    @property
    def passes(self) -> int:
        """How often all entries are read."""
        return len(TABLES) if self.form == "csv" and self.table is None else 1

    @property
    def signs(self) -> tuple[bytes, ...]:
        """How files of this kind begin."""
        if self.form == "jsonl":
            from .lines import SIGN

            return (SIGN,)
        if self.form == "valueflows":
            from .valueflows import SIGN

            return (SIGN,)
        if self.table is not None:
            return headings(self.table)
        return (f"{FOLDER}/{next(iter(TABLES))}.csv".encode(),)


def check_place(wanted: Wanted, path: Path) -> None:
    """Refuse a place where something else stands. Raises InputError, OSError."""
    within = 64 + max(map(len, wanted.signs))
    if path.is_file() and not path.stat().st_size:
        return
    if not any(is_replaceable(path, sign, within) for sign in wanted.signs):
        raise InputError(
            "{path} exists and is something else, so it is not replaced: give another name.", path=path
        )


def write_file(service: Service, wanted: Wanted, path: Path, progress: Progress) -> int:
    """Write what is wanted at `path`; how many lines, rows or nodes. Raises InputError, ExportFailed.

    Whatever goes wrong, what stood there stands there still.
    """
    with _told(path):
        check_place(wanted, path)
        with outgoing(path) as file:
            return write(service, wanted, file, progress)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ExportFailed(
            "The file {path} cannot be written ({reason}): free some space or choose another folder.",
            path=path,
            reason=error.strerror,
        ) from error


def write(service: Service, wanted: Wanted, file: BinaryIO, progress: Progress) -> int:
    """Write what is wanted; how many lines, rows or nodes. Within a snapshot of the reader's."""
    walk = Walk(service, wanted.choice, progress, wanted.passes)
    if wanted.form == "jsonl":
        from .lines import write_lines

        return write_lines(walk, file)
    if wanted.form == "valueflows":
        from .valueflows import write_graph

        return write_graph(walk, file)
    return write_archive(walk, file) if wanted.table is None else write_table(walk, wanted.table, file)
