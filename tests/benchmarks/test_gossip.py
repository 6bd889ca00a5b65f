"""How fast two nodes come to hold the same over loopback, and how much they say for it; never seconds.

`./dev bench` runs these, on a machine that does nothing else meanwhile. Rates
are ratios to PyNaCl's verifications in the same run; beside them stands what
was measured. Best of three.
"""

from __future__ import annotations

import pytest

from .tries import Measure, best_in
from .work import prepare

ENTRIES = 100_000
MEMORY_MB = 150


@pytest.fixture(scope="module")
def best(tmp_path_factory: pytest.TempPathFactory) -> Measure:
    folder = tmp_path_factory.mktemp("gossip")
    prepare(folder, ENTRIES)

    return best_in("tests.benchmarks.gossip", folder)


@pytest.mark.timeout(900)
def test_a_long_log_comes_faster_than_its_entries_could_be_verified_one_by_one(best: Measure) -> None:
    found = best("long")
    assert found["entries"] == ENTRIES
    assert found["ratio"] >= 1.1
    assert found["bytes_an_entry"] <= 200
    assert found["memory"] < MEMORY_MB


@pytest.mark.timeout(600)
def test_many_short_logs_come_at_two_thirds_of_that(best: Measure) -> None:
    found = best("many")
    assert found["ratio"] >= 0.66
    assert found["bytes_an_entry"] <= 200
    assert found["memory"] < MEMORY_MB


@pytest.mark.timeout(600)
def test_one_entry_among_a_thousand_logs_costs_little(best: Measure) -> None:
    """HTTP, handshake, comparison, entry, and what is said afterwards, in both directions."""
    found = best("catch-up", "fresh_ms", lowest=True)
    assert found["fresh_bytes"] <= 3_000
    assert found["remembered_bytes"] <= 1_500
