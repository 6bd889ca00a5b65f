"""Homes of communes for stories told through the command line; nothing outside a test's folder is touched."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ledger.store.reading import Reader
from ledger.store.writing import Store
from node import language
from node.cli import trueque

from ..support.catalogue import compile_translations


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The platform's folders inside the test's own; English, and faults shown as they are."""
    for name in ("XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("TRUEQUE_DEBUG", "1")
    monkeypatch.setenv("LANGUAGE", "en")
    monkeypatch.delenv("TRUEQUE_HOME", raising=False)
    yield tmp_path
    language.use("en")


@pytest.fixture(scope="session", autouse=True)
def translations() -> None:
    """Compiled, as an installation has them."""
    compile_translations()


@dataclass
class Secretary:
    """Somebody at the keyboard of one home."""

    name: str
    home: Path
    environment: dict[str, str] = field(default_factory=dict)
    """what differs around it from the test's own environment, as on another computer"""

    def run(self, *arguments: str, typed: str | None = None, status: int = 0, speaks: str = "en") -> Result:
        """Run a command in the home, and check how it ends."""
        result = CliRunner().invoke(
            trueque,
            ["--language", speaks, *arguments, "--home", str(self.home)],
            input=typed,
            env=self.environment,
        )
        assert status is None or result.exit_code == status, result.output
        return result

    def json(self, *arguments: str) -> Any:
        """What a command prints with `--json`."""
        return json.loads(self.run(*arguments, "--json").stdout)

    def sign(self, *arguments: str) -> str:
        """The id of what a command recorded."""
        entry: str = self.json(*arguments)["id"]
        return entry

    def refused(self, *arguments: str, speaks: str = "en") -> str:
        """The one sentence of a command that is refused; warnings stand before it."""
        result = self.run(*arguments, status=2, speaks=speaks)
        assert result.stdout == ""
        return result.stderr.strip().splitlines()[-1]

    @property
    def commune(self) -> str:
        """The commune's id."""
        found: str = next(row["id"] for row in self.json("communes") if row["kind"] == "own")
        return found

    def tell(self, *others: Secretary) -> None:
        """Carry everything held here to other homes."""
        with Reader(self.home / "ledger.sqlite") as reader:
            runs = [run for branch in reader.branches() for run in reader.runs(branch.number)]
            network = reader.network
        for other in others:
            with Store(other.home / "ledger.sqlite", network) as store:
                for run in runs:
                    store.ingest(run)


Found = Callable[..., Secretary]


@pytest.fixture
def found(places: Path) -> Found:
    """Found a commune by its name, with `trueque init`."""

    def founded(name: str, *options: str, folder: Path = places) -> Secretary:
        called = name.lower().replace(" ", "-")
        secretary = Secretary(name, folder / called)
        words = folder / f"{called}.words"
        secretary.run(
            "init", "--name", name, "--network", "ensayo", "--yes", "--recovery-out", str(words), *options
        )
        return secretary

    return founded


@pytest.fixture
def montes(found: Found) -> Secretary:
    """The commune Los Montes, which has maize."""
    return found("Los Montes")


@pytest.fixture
def valle(found: Found, montes: Secretary) -> Secretary:
    """The commune El Valle, which has nails; it and Los Montes know each other."""
    other = found("El Valle")
    other.tell(montes)
    montes.tell(other)
    return other
