"""A side in a process of its own: started, asked, and ended for certain.

Decides how long an answer is waited for, and that no side outlives whoever
started it: each leads a process group, which is killed at the end, and ends by
itself when its standard input does. What it is asked is `course`'s to say.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

QUIT_SECONDS: Final = 60
"""for a side to close its store."""
_LINE_BYTES: Final = 1 << 20
_ANSWER: Final = b"= "


class SideFailed(Exception):
    """A side has not done what it was asked; the message says what came instead."""


class Side:
    """A process that does what it is asked, one request after the other."""

    def __init__(self, process: asyncio.subprocess.Process, name: str, journal: Path) -> None:
        self._process = process
        self._name = name
        self._journal = journal

    @classmethod
    async def started(
        cls, name: str, command: Sequence[str], environment: Mapping[str, str], journal: Path
    ) -> Side:
        """Start a side; what it writes to standard error goes into the file `journal`."""
        with journal.open("ab") as errors:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                env={**os.environ, **environment},
                limit=_LINE_BYTES,
                start_new_session=True,  # Ctrl-C is for whoever started this
            )
        return cls(process, name, journal)

    @property
    def pid(self) -> int:
        """The number of its process."""
        return self._process.pid

    async def ask(self, do: str, seconds: float, **fields: Any) -> dict[str, Any]:
        """Ask for a deed, and wait so long at most. Raises SideFailed."""
        try:
            async with asyncio.timeout(seconds):
                return await self._ask({"do": do, **fields})
        except TimeoutError:
            raise SideFailed(f"{self._name} has not answered `{do}` within {seconds:.0f} s") from None

    async def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        asked, answered = self._process.stdin, self._process.stdout
        assert asked is not None
        assert answered is not None
        with suppress(ConnectionError):  # what it died of is told below
            asked.write(json.dumps(request).encode() + b"\n")
            await asked.drain()
        while line := await answered.readline():
            if line.startswith(_ANSWER):
                answer: dict[str, Any] = json.loads(line.removeprefix(_ANSWER))
                if "failed" in answer:
                    raise SideFailed(f"{self._name} could not `{request['do']}`: {answer['failed']}")
                return answer
        await self._process.wait()
        raise SideFailed(
            f"{self._name} ended with {self._process.returncode} at `{request['do']}`: {self._last_words()}"
        )

    def _last_words(self) -> str:
        lines = self._journal.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"

    async def quit(self) -> None:
        """Have it close its store and end. Raises SideFailed; it has ended all the same."""
        try:
            await self.ask("quit", QUIT_SECONDS)
            with suppress(TimeoutError):
                async with asyncio.timeout(QUIT_SECONDS):
                    await self._process.wait()
        finally:
            await self.kill()

    async def kill(self) -> None:
        """End it, with all that it has started; nothing if it has ended."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        await asyncio.shield(self._process.wait())
