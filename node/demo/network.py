"""Network: the processes with the nodes of a demonstration, and what is done with all of them together.

Decides in which order that happens, carries the news of what was done from
process to process (ids alone: the entries go from node to node), and compares
what the nodes hold in the end. Whatever happens, no process outlives it.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from ledger.errors import LocalError

from ..answers import error_of
from ..limits import DEMO_LINE_BYTES, DEMO_STALL_SECONDS, DEMO_STOP_SECONDS
from . import cues
from .lodging import Lodging, lodged, ways
from .story import COMMUNE, Story

_WORDS: Final = msgspec.json.Decoder(cues.Word)

Said = TypeVar("Said", bound=cues.Word)


class _Stalled(LocalError):
    """Nothing has happened for too long."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the nodes hold in the end, and what their audits found."""

    holdings: Mapping[str, cues.Holding]
    audits: Mapping[str, str | None]
    memory: int
    """bytes that all processes have taken at the most"""

    @property
    def alike(self) -> int:
        """How many nodes hold the same."""
        return max(Counter(holding.digest for holding in self.holdings.values()).values())

    @property
    def clean(self) -> int:
        """How many audits found nothing amiss."""
        return sum(worst is None for worst in self.audits.values())


class Network:
    """All nodes of a story, from the first to the last. Belongs to the event loop's thread."""

    def __init__(self, story: Story, folder: Path, processes: int) -> None:
        """As `open`, which is what callers use."""
        self.story = story
        self.folder = folder
        self.lodgings = lodged(story, folder, processes)
        self.ids: dict[str, str] = {}
        self.entries = 0
        self._processes: list[asyncio.subprocess.Process] = []
        self._readers: list[asyncio.Task[None]] = []
        self._words: asyncio.Queue[tuple[int, cues.Word | None]] = asyncio.Queue()

    @classmethod
    @asynccontextmanager
    async def open(cls, story: Story, folder: Path, processes: int) -> AsyncIterator[Network]:
        """Start the processes; leaving it ends them. Raises OSError."""
        network = cls(story, folder, min(processes, len(story.members)))
        try:
            for number in range(1 + max(lodging.process for lodging in network.lodgings.values())):
                await network._start_process(number)
            yield network
        finally:
            await network._end()

    # One thing after the other ------------------------------------------------------------------

    async def start(self) -> None:
        """Found all communes, start their nodes and link them. Raises LedgerError."""
        for number in range(len(self._processes)):
            members = [
                (lodging.member, str(lodging.home))
                for lodging in self.lodgings.values()
                if lodging.process == number
            ]
            await self._tell(number, cues.Found(members))
        for founded in await self._all(cues.Founded, len(self._processes)):
            self.ids |= {COMMUNE + name: entry for name, entry in founded.ids.items()}
        self.entries = len(self.ids)
        follow = sorted(self.ids.values()) if self.story.follows_all else []
        await self._tell_all(cues.Start(follow))
        for started in await self._all(cues.Started, len(self._processes)):
            for name, (people, peers) in started.ports.items():
                lodging = self.lodgings[name]
                self.lodgings[name] = Lodging(lodging.member, lodging.home, lodging.process, people, peers)
        await self._tell_all(cues.Meet({name: list(ports) for name, ports in ways(self.lodgings).items()}))

    async def play(self, told: Callable[[int, int], None]) -> None:
        """Have all acts done. Raises LedgerError."""
        total, done = len(self.story.acts), 0
        told(done, total)
        for number in range(len(self._processes)):
            acts = [act for act in self.story.acts if self.lodgings[act.who].process == number]
            await self._tell(number, cues.Play(acts, self.ids))
        while done < total:
            number, word = await self._next(cues.Done)
            for other in range(len(self._processes)):
                if other != number:
                    await self._tell(other, cues.Tell(word.ids))
            done += len(word.ids)
            told(done, total)
        self.entries += done

    async def settle(self, told: Callable[[int, int], None]) -> dict[str, cues.Holding]:
        """What each node holds once it holds all entries that were recorded; or now, if no more come.

        Raises LedgerError.
        """
        await self._tell_all(cues.Settle(self.entries))
        found: dict[str, cues.Holding] = {}
        while len(found) < len(self.lodgings):
            try:
                _, holding = await self._next(cues.Holding)
            except _Stalled:
                await self._tell_all(cues.Settle(None))
                _, holding = await self._next(cues.Holding)
            found[holding.name] = holding
            told(len(found), len(self.lodgings))
        return found

    async def audit(self, told: Callable[[int, int], None]) -> tuple[dict[str, str | None], int]:
        """How grave the worst is that each node's audit finds, and the memory taken. Raises LedgerError."""
        await self._tell_all(cues.Audit())
        found: dict[str, str | None] = {}
        memory: dict[int, int] = {}
        while len(found) < len(self.lodgings):
            number, audited = await self._next(cues.Audited)
            found[audited.name] = audited.worst
            memory[number] = audited.memory
            told(len(found), len(self.lodgings))
        return found, sum(memory.values())

    async def watch(self) -> None:
        """Look after the processes for ever. Raises LedgerError if one ends."""
        while True:
            await self._next(cues.Done, however_long=True)

    def write_settings(self) -> None:
        """Leave settings in each home with which `trueque run` makes the same network of them."""
        follow = sorted(self.ids.values()) if self.story.follows_all else []
        calls = ways(self.lodgings)
        for name, lodging in self.lodgings.items():
            peers = [f"127.0.0.1:{port}" for port in calls[name]]
            lines = [
                f"people-port = {lodging.people}",
                f"peer-port = {lodging.peers}",
                f"peers = {msgspec.json.encode(peers).decode()}",
                f"follow = {msgspec.json.encode(follow).decode()}",
                "discovery = false",
            ]
            (lodging.home / "config.toml").write_text("\n".join(lines) + "\n")

    @property
    def processes(self) -> int:
        """How many processes there are."""
        return len(self._processes)

    # Processes ----------------------------------------------------------------------------------

    async def _start_process(self, number: int) -> None:
        # It finds its modules where this process does, and nothing in the folder where it happens to stand.
        path = os.pathsep.join(str(Path(place).absolute()) for place in sys.path)
        with (self.folder / f"process-{number + 1}.journal").open("ab") as journal:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-P", "-m", f"{__package__}.house",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=journal,
                limit=DEMO_LINE_BYTES,
                env={**os.environ, "PYTHONPATH": path},
            )  # fmt: skip
        self._processes.append(process)
        self._readers.append(asyncio.create_task(self._read(number, process)))

    async def _read(self, number: int, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        while line := await process.stdout.readline():
            self._words.put_nowait((number, _WORDS.decode(line)))
        self._words.put_nowait((number, None))

    async def _tell(self, number: int, cue: cues.Cue) -> None:
        stdin = self._processes[number].stdin
        assert stdin is not None
        with suppress(ConnectionError):  # that it has ended is heard as well
            stdin.write(msgspec.json.encode(cue) + b"\n")
            await stdin.drain()

    async def _tell_all(self, cue: cues.Cue) -> None:
        for number in range(len(self._processes)):
            await self._tell(number, cue)

    async def _next(self, kind: type[Said], *, however_long: bool = False) -> tuple[int, Said]:
        """The next word, which has to be of a kind, and of which process. Raises LedgerError."""
        try:
            async with asyncio.timeout(None if however_long else DEMO_STALL_SECONDS):
                number, word = await self._words.get()
        except TimeoutError:
            raise _Stalled(
                "The demonstration does not get on: this computer may be too busy. Try again with fewer "
                "communities, or when less is running."
            ) from None
        if isinstance(word, cues.Failed):
            raise error_of(word.error)
        if not isinstance(word, kind):
            raise LocalError(
                "A process of the demonstration has ended: with --keep, what it said last stands in {path}.",
                path=self.folder / f"process-{number + 1}.journal",
            )
        return number, word

    async def _all(self, kind: type[Said], count: int) -> list[Said]:
        return [(await self._next(kind))[1] for _ in range(count)]

    async def _end(self) -> None:
        """End all processes: they stop when nothing more can be said to them, and are killed if not."""
        for process in self._processes:
            assert process.stdin is not None
            process.stdin.close()
        waits = [asyncio.create_task(process.wait()) for process in self._processes]
        if waits:
            await asyncio.wait(waits, timeout=DEMO_STOP_SECONDS)
        for process in self._processes:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
        await asyncio.gather(*waits, *self._readers, return_exceptions=True)
