"""The project's own test vectors: tests/vectors/*.json, which a second implementation can read.

They are made from fixed keys by the tests named in them, and a test holds the
files against what is made today, byte for byte: a format that is signed and
append-only cannot change unnoticed. To write them anew, after a change that is
meant, run these tests with TRUEQUE_WRITE_VECTORS=1 and read the difference.
"""

from __future__ import annotations

import json
import os
from typing import Any

from .shared import CHECKOUT

FOLDER = CHECKOUT / "tests" / "vectors"


def assert_regenerates(name: str, vectors: dict[str, Any]) -> None:
    """Hold the committed file `name`.json against `vectors`, byte for byte."""
    path = FOLDER / f"{name}.json"
    text = json.dumps(vectors, indent=1, ensure_ascii=False) + "\n"
    if os.environ.get("TRUEQUE_WRITE_VECTORS"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text


def load(name: str) -> dict[str, Any]:
    """The committed vectors of file `name`.json."""
    vectors: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return vectors
