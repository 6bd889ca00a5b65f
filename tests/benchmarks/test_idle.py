"""What a node takes that has nothing to do and many neighbours, all in processes of their own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.timeout(900)
@pytest.mark.parametrize("live", [8, 20])
def test_a_node_at_rest_takes_little_of_the_computer_and_says_little(tmp_path: Path, live: int) -> None:
    """With as many links as a node keeps by itself, and the others in turn; and linked with all of them."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.idle", str(tmp_path), "--live", str(live)],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    found = json.loads(done.stdout)
    print("\n" + ", ".join(f"{name} {value:,.2f}" for name, value in found.items()))
    assert found["linked"] >= live
    assert found["core_percent"] < 1
    assert found["most_memory"] < 120
    assert found["bytes_a_minute"] <= 1_024
