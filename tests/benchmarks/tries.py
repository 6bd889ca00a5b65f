"""The best of some tries of one piece of work, each in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

TRIES: Final = 3

Measure = Callable[..., dict[str, Any]]
"""Measures a piece of work by its name; which figure decides, and whether its lowest is the best."""


def best_in(module: str, folder: Path) -> Measure:
    """What disturbs a run only slows it down: the best try says what the work takes."""

    def measure(what: str, key: str = "ratio", lowest: bool = False) -> dict[str, Any]:
        results = []
        for _ in range(TRIES):
            done = subprocess.run(
                [sys.executable, "-m", module, what, str(folder)], check=True, capture_output=True, text=True
            )
            results.append(json.loads(done.stdout))
        found: dict[str, Any] = (min if lowest else max)(results, key=lambda result: result[key])
        print(f"\n{what}: " + ", ".join(f"{name} {value:,.2f}" for name, value in found.items()))
        return found

    return measure
