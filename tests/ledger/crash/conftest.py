"""The process that is disturbed: the shim compiled, loaded and asked."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ...support.shared import CHECKOUT
from .disk import Event, read_trace

SOURCE = Path(__file__).with_name("shim.c")


@dataclass(frozen=True)
class Recording:
    """A story told undisturbed: its home before and after, how many calls it made, and the calls."""

    before: Path
    after: Path
    calls: int
    events: list[Event]

    def turns(self) -> list[int]:
        """The calls by number, without the inner ones of long runs of writes to one file.

        Nothing reads what such a run has written before its last: of each, the first two and the last two.
        """
        runs: list[list[int]] = []
        number, last = 0, ""
        for event in self.events:
            this = event.path if event.operation == "w" else ""
            if not this or this != last:
                runs.append([])
            last = this
            if event.operation != "m":
                number += 1
                runs[-1].append(number)
        return [number for run in runs for number in (run if len(run) <= 4 else run[:2] + run[-2:])]


@dataclass(frozen=True)
class Disturbed:
    """What a disturbed process said (`acknowledged` or `refused`, in order), and whether it was killed."""

    said: list[dict[str, Any]]
    killed: bool


class Crasher:
    """Asks the worker, one request at a time."""

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        self.process = process
        self.folder = folder
        self._recordings: dict[str, Recording] = {}

    def ask(self, **request: Any) -> dict[str, Any]:
        """One answer; a worker that has ended is an error of the tests."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, "the worker has ended; what it said stands on standard error"
        answer: dict[str, Any] = json.loads(line)
        return answer

    def record(self, story: str) -> Recording:
        """A story told undisturbed, with all calls that it makes; told once."""
        if story not in self._recordings:
            folder, trace = self.folder / f"{story} recorded", self.folder / f"{story}.trace"
            answer = self.ask(do="record", story=story, folder=str(folder), trace=str(trace))
            self._recordings[story] = Recording(
                Path(answer["before"]), folder, answer["calls"], read_trace(trace)
            )
        return self._recordings[story]

    def disturb(
        self,
        story: str,
        mode: str,
        point: int,
        error: int = 0,
        *,
        reader: bool = False,
        recover: bool = False,
    ) -> Disturbed:
        """Disturb a story at one call and examine what is left. Fails with what is wrong with it.

        With `recover`, a process whose write failed opens its ledger anew and goes on.
        """
        answer = self.ask(
            do="disturb", story=story, mode=mode, point=point, error=error, reader=reader, recover=recover
        )
        where = f"story {story!r}, mode {mode!r}, error {error}, at call {point}"
        assert not answer["faults"], f"{where}:\n{answer['faults'][0]}"
        return Disturbed(answer["said"], answer["killed"])

    def examine(
        self, story: str, folder: Path, acknowledged: list[dict[str, Any]], *, power: bool = False
    ) -> list[str]:
        """The faults of a home that is said to have acknowledged something."""
        answer = self.ask(
            do="examine", story=story, folder=str(folder), acknowledged=acknowledged, power=power
        )
        faults: list[str] = answer["faults"]
        return faults


@pytest.fixture(scope="session")
def crasher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crasher]:
    """A worker with the shim loaded; skips where that cannot be."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None or not sys.platform.startswith("linux"):
        pytest.skip("killing a process at its writes needs Linux and a C compiler (cc) to build what does it")
    # In memory where that can be: nothing is synced, and thousands of homes are written.
    memory = Path("/dev/shm")
    base = memory if os.access(memory, os.W_OK) else tmp_path_factory.getbasetemp()
    folder = Path(tempfile.mkdtemp(prefix="trueque-crash-", dir=base))
    shim = folder / "shim.so"
    subprocess.run(
        [
            compiler,
            "-O2",
            "-Wall",
            "-Wextra",
            "-Werror",
            "-shared",
            "-fPIC",
            "-pthread",
            "-o",
            shim,
            SOURCE,
            "-ldl",
        ],
        check=True,
    )
    process = subprocess.Popen(
        [sys.executable, "-m", f"{__package__}.worker", str(folder)],
        cwd=CHECKOUT,
        env={**os.environ, "LD_PRELOAD": str(shim), "PYTHONHASHSEED": "0"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    yield Crasher(process, folder)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.close()
    process.wait()
    process.stdout.close()
    shutil.rmtree(folder)
