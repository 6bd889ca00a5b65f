"""The project's own test vectors: tests/vectors/*.json, which a second implementation can read.

They are made from fixed keys by the tests named in them, and a test holds the
files against what is made today, byte for byte: a format that is signed and
append-only cannot change unnoticed. To write them anew, after a change that is
meant, run these tests with TRUEQUE_WRITE_VECTORS=1 and read the difference.
"""

from __future__ import annotations

import json
import os
import re
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


def page(name: str) -> str:
    """The text of the page `name` of the specification."""
    return (CHECKOUT / "docs" / "spec" / f"{name}.md").read_text(encoding="utf-8")


def assert_page_is_from_vectors(name: str) -> int:
    """Hold every long hexadecimal or base64 number on the page `name` against the vectors of that name.

    Returns how many there are. An example written by hand, or of an older
    format, would mislead for years.
    """
    known = (FOLDER / f"{name}.json").read_text(encoding="utf-8")
    text = re.sub(r"https?://\S+", "", page(name))
    numbers: list[str] = re.findall(r"\b[0-9a-f]{12,}\b|[A-Za-z0-9+/]{30,}={0,2}", text)
    assert [number for number in numbers if number not in known] == []
    return len(numbers)
