"""`./dev`, as it speaks to those who only run a node, and what it installs for the tests."""

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


def test_chromium_is_installed_for_the_tests_where_there_is_none(tmp_path: Path) -> None:
    """As root, in a checkout whose Python agrees to everything, with no programs but these."""
    shutil.copy(CHECKOUT / "dev", tmp_path)
    (tmp_path / "requirements-dev.txt").touch()
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "hatch_build.py").touch()
    programs = tmp_path / "programs"
    installed = tmp_path / "installed"
    for folder, name, does in (
        (tmp_path / ".venv/bin", "python", "exit 0"),
        (programs, "id", "echo 0"),
        (programs, "apt-get", f'echo "$@" >>{installed}; echo "exit 0" >{programs}/chromium; '
                              f"chmod +x {programs}/chromium"),
    ):  # fmt: skip
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"#!/bin/sh\n{does}\n")
        (folder / name).chmod(0o755)
    for name in ("sh", "dirname", "cat", "cmp", "find", "rm", "chmod"):
        (programs / name).symlink_to(str(shutil.which(name)))
    environment = {"PATH": str(programs)}
    for _ in range(2):  # the second time it is there
        done = subprocess.run(
            [tmp_path / "dev", "test", "x"],
            env=environment, capture_output=True, encoding="utf-8", check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert "are skipped" not in done.stderr
    assert installed.read_text().splitlines() == [
        "-qq update",
        "-qq -y --no-install-recommends install chromium libatomic1",
    ]
