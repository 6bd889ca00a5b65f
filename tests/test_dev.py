"""`./dev`, as it speaks to those who only run a node: in their language, and with what to do next."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from .support.shared import CHECKOUT


@pytest.mark.parametrize(
    ("locale", "said"),
    [
        ("es_VE.UTF-8", "Hace falta Python 3.11 o más nuevo, y /none no lo es."),
        ("C.UTF-8", "Python 3.11 or newer is needed, and /none is not."),
    ],
)
def test_a_python_that_is_missing_is_told_in_the_language_of_the_computer(
    tmp_path: Path, locale: str, said: str
) -> None:
    shutil.copy(CHECKOUT / "dev", tmp_path)
    environment = {**os.environ, "LC_ALL": locale, "TRUEQUE_PYTHON": "/none"}
    done = subprocess.run(
        [tmp_path / "dev", "run"], env=environment, capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 2
    assert said in done.stderr
    assert "sudo apt install python3 python3-venv." in done.stderr
