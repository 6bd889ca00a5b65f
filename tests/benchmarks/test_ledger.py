"""How fast the ledger is, as ratios measured within one run; never seconds.

`./dev bench` runs these, on a machine that does nothing else meanwhile. Every
figure is the best of three: what disturbs a run only slows it down.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .tries import Measure, best_in
from .work import prepare

ENTRIES = 100_000
MEMORY_MB = 150


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("corpus")
    prepare(made, ENTRIES)
    return made


@pytest.fixture(scope="module")
def best(folder: Path) -> Measure:
    return best_in("tests.benchmarks.work", folder)


@pytest.mark.timeout(600)
def test_entries_are_verified_and_stored_at_three_times_the_rate_of_signatures(best: Measure) -> None:
    """One signature covers a run: were each entry signed, this would be below one."""
    found = best("store")
    assert found["entries"] == ENTRIES
    assert found["ratio"] >= 3
    assert found["memory"] < MEMORY_MB


@pytest.mark.timeout(600)
def test_with_views_and_search_it_is_one_and_a_half_times_that_rate(best: Measure) -> None:
    found = best("views")
    assert found["ratio"] >= 1.5
    assert found["memory"] < MEMORY_MB


@pytest.mark.timeout(600)
def test_the_audit_reads_two_and_a_half_times_that_rate(best: Measure) -> None:
    """Runs after the one before it, whose ledger it audits."""
    found = best("audit")
    assert found["ratio"] >= 2.5
    assert found["memory"] < MEMORY_MB


@pytest.mark.timeout(600)
def test_one_durable_append_costs_at_most_four_synced_blocks(best: Callable[..., dict[str, Any]]) -> None:
    assert best("append", lowest=True)["ratio"] <= 4


def test_help_and_a_listing_come_at_once(tmp_path: Path) -> None:
    """Against an interpreter that starts and imports nothing but `asyncio`, in the same run."""
    home = ("--home", str(tmp_path / "home"))
    command = [str(Path(sys.executable).with_name("trueque"))]
    words = str(tmp_path / "words")
    subprocess.run(
        [
            *command,
            "init",
            "--name",
            "La Ceiba",
            "--network",
            "ensayo",
            "--yes",
            "--recovery-out",
            words,
            *home,
        ],
        check=True,
        capture_output=True,
    )

    def fastest(arguments: list[str]) -> float:
        times = []
        for _ in range(5):
            start = time.perf_counter()
            subprocess.run(arguments, check=True, capture_output=True)
            times.append(time.perf_counter() - start)
        return min(times)

    plain = fastest([sys.executable, "-c", "import asyncio"])
    shown = fastest([*command, "--help"])
    listed = fastest([*command, "listings", *home])
    print(f"\nhelp {shown / plain:.2f}, listing {listed / plain:.2f} times `import asyncio` ({plain:.3f} s)")
    assert shown / plain < 4
    assert listed / plain < 5
