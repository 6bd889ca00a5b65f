"""Where the tests find data that is published elsewhere and not kept in this repository.

Test vectors of other projects live in a folder `shared` beside the checkout, or
wherever the environment variable TRUEQUE_SHARED says. A test that needs a file
of it is skipped, with a sentence, where the file is not there.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
"""The folder that holds pyproject.toml."""


def shared_folder() -> Path:
    """The folder of shared data, which need not exist."""
    named = os.environ.get("TRUEQUE_SHARED")
    return Path(named) if named else CHECKOUT.parent / "shared"


def shared_path(relative: str) -> Path:
    """The shared file or folder at ``relative``, for example ``"vectors/merkle/inclusion.json"``.

    Skips the test that asks where it is absent.
    """
    path = shared_folder() / relative
    if not path.exists():
        pytest.skip(f"{relative} is not in the shared data; set TRUEQUE_SHARED to the folder that holds it")
    return path
