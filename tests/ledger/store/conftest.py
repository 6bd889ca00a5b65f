"""A ledger of its own for each test, and one that a story was told to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ledger.store.reading import Reader
from ledger.store.writing import Store
from tests.support.communes import NETWORK, Writer, found


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the ledger is."""
    return tmp_path / "ledger.sqlite3"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    """An open store."""
    with Store(path, NETWORK) as store:
        yield store


@dataclass
class Told:
    """A ledger that a story was told to, open for reading and writing."""

    path: Path
    store: Store
    reader: Reader
    montes: Writer
    valle: Writer

    def tell(self) -> None:
        """Bring in what the two have written since."""
        for writer in (self.montes, self.valle):
            self.store.ingest(writer.run())


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Told]:
    path = tmp_path / "ledger.sqlite3"
    with Store(path, NETWORK) as store:
        montes, valle = found("Los Montes", place="Boconó"), found("El Valle")
        with Reader(path) as reader:
            story = Told(path, store, reader, montes, valle)
            story.tell()
            yield story
