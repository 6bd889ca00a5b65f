"""The process whose children are killed, failed and recorded; started with the shim loaded.

Answers one JSON object a line on standard input with one on standard output.
Each disturbance happens in a forked child, so that Python starts once. What a
child acknowledges goes out through a pipe the moment a step has returned.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import shutil
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ledger.author import Situation
from ledger.errors import LedgerError, SigningStopped, StoreError
from ledger.log import Head
from ledger.store.database import open_for_reading

from .examination import Content, examine, undisturbed
from .stories import STORIES, Acknowledged, Append, Home, Reopen, Story, begin

SHIM = ctypes.CDLL(None)
MODES = {"pass": 0, "kill": 1, "tear": 2, "fail once": 3, "fail on": 4}


def arm(folder: Path, mode: str = "pass", point: int = 0, error: int = 0, trace: str = "") -> None:
    """Watch a folder in this process."""
    SHIM.crash_arm(os.fsencode(folder), ctypes.c_long(point), MODES[mode], error, os.fsencode(trace))


class Told:
    """A story and all that is worked out of it once: its home before, and its content at the end."""

    def __init__(self, name: str, folder: Path) -> None:
        self.story: Story = STORIES[name]()
        self.template = folder / f"{name} before"
        self.template.mkdir()
        begin(self.template, self.story)
        scratch = folder / f"{name} told"
        shutil.copytree(self.template, scratch)
        self.end: Content = undisturbed(scratch, self.story)
        self.gone_on: set[bytes] = set()
        """The states from which it has been told to its end."""


Say = Callable[[Any], object]
"""Says something to the world outside the process; it cannot be unsaid."""


def child(work: Callable[[Say], None]) -> tuple[list[Any], int]:
    """Run `work` in a forked child; what it said, and the status that it ended with (a signal: negative)."""
    reading, writing = os.pipe()
    process = os.fork()
    if process == 0:
        status = 1
        try:
            os.close(reading)
            work(lambda said: os.write(writing, json.dumps(said).encode() + b"\n"))
            status = 0
        except BaseException:
            os.write(writing, json.dumps({"fault": traceback.format_exc()}).encode() + b"\n")
        finally:
            os._exit(status)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = [json.loads(line) for line in pipe]
    _, status = os.waitpid(process, 0)
    return said, os.waitstatus_to_exitcode(status)


def tell(home: Home, story: Story, say: Say, *, recover: bool = False) -> None:
    """Tell a story until it ends or the process does; say what was acknowledged and what was refused.

    With `recover`, a process whose write failed opens its ledger anew and tells the story to its end.
    """

    def acknowledge(number: int, head: Head | None) -> None:
        item = Acknowledged(number) if head is None else Acknowledged(number, head.size, head.root.hex())
        said = {"acknowledged": asdict(item)}
        SHIM.crash_mark(json.dumps(said).encode())
        say(said)

    def refuse(number: int, error: LedgerError) -> None:
        say({"refused": type(error).__name__, "sentence": str(error), "step": number})

    try:
        home.open()
    except LedgerError as error:
        return refuse(-1, error)
    failed = stopped = False
    for number, step in enumerate(story.during):
        if failed and isinstance(step, Reopen):
            break
        try:
            acknowledge(number, home.take(step))
            assert not (stopped and isinstance(step, Append)), "something was signed after a failure"
        except LedgerError as error:
            failed = True
            refuse(number, error)
            if isinstance(step, Reopen):
                return None
            if isinstance(step, Append):
                if stopped and not isinstance(error, SigningStopped):
                    raise AssertionError("a stopped author says something else than that") from error
                stopped = True
                if home.author.situation is Situation.READY:
                    raise AssertionError("an author whose write failed has not stopped") from error
    if stopped:
        SHIM.crash_pass()
        # A store that has failed does not answer; then the author's answer is the one from before.
        with suppress(StoreError):
            home.author.review()
        assert home.author.situation is not Situation.READY, "an author goes on after a failure"
        with suppress(SigningStopped):
            home.author.append([b"anything"])
            raise AssertionError("something was signed after a failure, when the disk worked again")
    if failed and recover:
        SHIM.crash_pass()
        home.recover()
        for number, step in enumerate(story.during):
            acknowledge(number, home.take(step))
    home.store.close()
    return None


class Worker:
    """Answers requests; everything is below one folder, which the caller removes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.told: dict[str, Told] = {}

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """One answer to one request."""
        name = request["story"]
        if name not in self.told:
            self.told[name] = Told(name, self.folder)
        told = self.told[name]
        match request["do"]:
            case "record":
                return self.record(told, Path(request["folder"]), request["trace"])
            case "disturb":
                given = {name: request[name] for name in ("mode", "point", "error", "reader", "recover")}
                return self.disturb(told, **given)
            case "examine":
                items = [Acknowledged(**item) for item in request["acknowledged"]]
                return {"faults": self.examined(told, Path(request["folder"]), items, power=request["power"])}
        raise AssertionError(request)

    def record(self, told: Told, folder: Path, trace: str) -> dict[str, Any]:
        """Tell a story undisturbed in a copy of its home, written down in a trace."""
        shutil.copytree(told.template, folder)

        def work(say: Say) -> None:
            arm(folder, trace=trace)
            tell(Home(folder, told.story.writer, told.story.checkpoint), told.story, say)
            say({"calls": SHIM.crash_calls()})

        said, status = child(work)
        assert status == 0, said
        return {"calls": said[-1]["calls"], "before": str(told.template)}

    def disturb(
        self, told: Told, mode: str, point: int, error: int, *, reader: bool, recover: bool
    ) -> dict[str, Any]:
        """Disturb a story at one call, examine what is left, and go on from there."""
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        shutil.copytree(told.template, folder, dirs_exist_ok=True)
        home = Home(folder, told.story.writer, told.story.checkpoint)
        looking = self.reader(home) if reader else None

        def work(say: Say) -> None:
            arm(folder, mode, point, error)
            tell(home, told.story, say, recover=recover)

        said, status = child(work)
        faults = [item["fault"] for item in said if "fault" in item]
        # A reader hinders some of the calls, so that the process may end before it comes to the last of them.
        expected = [-signal.SIGKILL] if mode in ("kill", "tear") else [0]
        if status not in expected + [0] * reader and not faults:
            faults = [f"the process ended with {status}, not {expected[0]}"]
        acknowledged = [Acknowledged(**item["acknowledged"]) for item in said if "acknowledged" in item]
        faults += self.examined(told, folder, acknowledged)
        if looking is not None:
            os.kill(looking, signal.SIGKILL)
            os.waitpid(looking, 0)
        shutil.rmtree(folder)
        return {"faults": faults, "said": said, "killed": status == -signal.SIGKILL}

    def reader(self, home: Home) -> int:
        """Another process that reads the ledger meanwhile, from a state that it holds on to."""
        reading, writing = os.pipe()
        process = os.fork()
        if process == 0:
            with closing(open_for_reading(home.ledger)) as connection:
                connection.execute("BEGIN")
                connection.execute("SELECT count(*) FROM entry").fetchone()
                os.write(writing, b"x")
                signal.pause()
        os.read(reading, 1)
        os.close(reading)
        os.close(writing)
        return process

    def examined(
        self, told: Told, folder: Path, acknowledged: list[Acknowledged], *, power: bool = False
    ) -> list[str]:
        """The faults of a home. This process knows nothing of the one that was disturbed but what it said."""
        try:
            examine(folder, told.story, acknowledged, told.end, told.gone_on, power=power)
        except (AssertionError, LedgerError):
            return [traceback.format_exc()]
        return []


def main() -> None:
    """Serve until standard input ends."""
    worker = Worker(Path(sys.argv[1]))
    # What is forked need not be collected, nor copied for that.
    gc.disable()
    arm(worker.folder)
    for line in sys.stdin:
        print(json.dumps(worker.answer(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
