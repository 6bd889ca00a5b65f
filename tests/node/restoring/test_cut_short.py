"""Founding and bringing back, killed at each step: one command says what to do, and it is given again.

A step is whatever changes which files there are, or opens one for writing; what
SQLite does within its own files is killed in `tests/ledger/crash`.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ...support.nodes import NodeProcess
from ..conftest import Found, Secretary
from .conftest import PASSWORD, computer, folder_of

KILLED_AT = """
import os, signal, sys
at, place, count = int(sys.argv.pop(1)), sys.argv.pop(1), 0
STEPS = {"open", "os.rename", "os.mkdir", "os.remove", "sqlite3.connect"}
def hook(event, arguments):
    global count
    if event not in STEPS or place not in str(arguments[0]):
        return
    if event == "open" and not (arguments[2] or 0) & (os.O_WRONLY | os.O_RDWR):
        return
    count += 1
    if count == at:
        os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(hook)
from node.cli import main
sys.argv[0] = "trueque"
main()
"""

STEPS = 80
"""more steps than any of these commands has"""


def is_killed(who: Secretary, step: int, *arguments: str) -> bool:
    """Give a command in a process that is killed (SIGKILL) at a step; whether it had that many."""
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            KILLED_AT,
            str(step),
            str(folder_of(who)),
            *arguments,
            "--home",
            str(who.home),
        ],
        env={**os.environ, **who.environment, "LANGUAGE": "en"},
        capture_output=True,
        text=True,
    )
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode == -signal.SIGKILL


def killed_again_and_again(
    new: Callable[[int], Secretary], command: Callable[[Secretary, int], tuple[str, ...]], every: int
) -> int:
    """Kill a command at every so many steps, do as `status` says, and look for losses; how often."""
    for count, step in enumerate(range(1, STEPS, every)):
        who = new(step)
        if not is_killed(who, step, *command(who, 0)):
            return count
        told = " ".join(who.run("status").stdout.split())
        if "This computer may sign." not in told:
            assert f"`trueque {command(who, 0)[0]}" in told, told
            who.run(*command(who, 1))
        assert who.json("status")["situation"] == "ready"
        who.run("offer", "Maíz")
        assert who.json("audit")["findings"] == []
        with_key = who.json("status")["commune"]["log"]
        assert {row["log"] for row in who.json("log")} >= {with_key}
    raise AssertionError("it has more steps than that")


def founding(places: Path, every: int) -> int:
    def command(who: Secretary, again: int) -> tuple[str, ...]:
        words = str(places / f"{folder_of(who).name}-{again}.words")
        return ("init", "--name", "Nueva", "--network", "ensayo", "--yes", "--recovery-out", words)

    def new(step: int) -> Secretary:
        who = computer("Nueva", places / f"fundada-{step}")
        folder_of(who).mkdir()
        return who

    return killed_again_and_again(new, command, every)


def restoring(places: Path, montes: Secretary, every: int) -> int:
    backup, password = str(places / "respaldo"), places / "password"
    password.write_text(f"{PASSWORD}\n", encoding="utf-8")
    montes.run("offer", "Yuca")
    montes.run("backup", backup, "--password-file", str(password))
    words = str(montes.home.with_suffix(".words"))

    def new(step: int) -> Secretary:
        who = computer("Los Montes", places / f"nueva-{step}")
        folder_of(who).mkdir()
        return who

    return killed_again_and_again(
        new, lambda who, again: ("restore", backup, "--password-file", str(password), "--words", words), every
    )


def test_a_founding_that_is_killed_is_begun_again(places: Path) -> None:
    assert founding(places, every=5) >= 2


def test_a_restore_that_is_killed_is_begun_again(places: Path, montes: Secretary) -> None:
    assert restoring(places, montes, every=9) >= 1


@pytest.mark.slow
def test_a_founding_may_be_killed_at_every_step(places: Path) -> None:
    assert founding(places, every=1) >= 8


@pytest.mark.slow
def test_a_restore_may_be_killed_at_every_step(places: Path, montes: Secretary) -> None:
    assert restoring(places, montes, every=1) >= 8


def test_between_the_key_and_the_log_everything_says_what_to_do(found: Found, places: Path) -> None:
    """The window that a running node makes the most of: it has a key, and a ledger, and no log of its own."""
    montes = found("Los Montes")
    backup, password = str(places / "respaldo"), places / "password"
    password.write_text(f"{PASSWORD}\n", encoding="utf-8")
    montes.run("backup", backup, "--password-file", str(password))
    command = (
        *("restore", backup, "--password-file", str(password)),
        *("--words", str(montes.home.with_suffix(".words"))),
    )
    who = computer("Los Montes", places / "nueva")
    folder_of(who).mkdir()
    who.run(*command)
    # As it was before the succession: all of the old log, and a key that has signed nothing.
    key = (who.home / "log.key").read_bytes()
    for left in (who.home, folder_of(who) / "state"):
        assert left.exists()
    for path in (*who.home.iterdir(), *(folder_of(who) / "state").rglob("*")):
        if path.is_file():
            path.unlink()
    montes_ledger = montes.home / "ledger.sqlite"
    (who.home / "ledger.sqlite").write_bytes(montes_ledger.read_bytes())
    (who.home / "log.key").write_bytes(key)
    for speaks, parts in (
        ("en", ("is not opened yet", "give the same `trueque restore` again")),
        ("es", ("todavía no está abierto", "vuelva a dar el mismo `trueque restore`")),
    ):
        status = " ".join(who.run("status", speaks=speaks).stdout.split())
        assert all(part in status for part in parts), status
    assert "finish `trueque restore`" in who.refused("offer", "Maíz")
    with NodeProcess(who.home, environment=who.environment) as node:
        page = node.ask("/welcome/signatures", headers={"Accept-Language": "en"}).body.decode()
        assert "stop this node and give the same" in page
        assert who.json("status")["commune"]["id"] is None
        node.stop()
    who.run(*command)
    assert who.commune == montes.commune
    who.run("offer", "Maíz")
