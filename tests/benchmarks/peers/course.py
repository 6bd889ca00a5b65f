"""The course: which work is done, by whom in turn, and what is measured of it.

Decides the order: for each work and each try, the three systems one after the
other, another one first each time. Two processes at a time, sender and
receiver, over TCP on this computer, through a relay that counts every byte of
both directions. A work that fails, or takes too long, is a failure with its
reason, and the course goes on.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from ...support.memory import peak
from ...support.shared import CHECKOUT
from ..corpus import NETWORK
from ..gossip import ENTRIES_OF_LOG, Relay, next_entry, short_log
from .corpora import Corpora, long_log, payload_base64, payload_text, short_logs
from .sides import Side, SideFailed
from .table import OURS, SYSTEMS, Value

QUIET_SECONDS: Final = 1.0
"""without a byte in either direction: then all that belongs to a sync has been said."""
MOST_QUIET_SECONDS: Final = 20.0
"""for which that is waited for; whoever never falls silent is counted up to there."""
NOTICE_SECONDS: Final = 0.5
"""for the other side to notice that a link has ended, and to save what it remembers."""

_BULK: Final = ("rate", "bytes", "memory", "disk")
_CATCH_UP: Final = ("remembered_bytes", "remembered_ms", "fresh_bytes", "fresh_ms")
_KNOWN: Final = {OURS: "beside.sqlite", "hypercore": "keys", "ssb": "feeds"}
"""what a receiver is told beforehand: a file that `make` left in the sender's store."""
_MEMORY: Final = "ebt"
"""the folder of a store in which ssb-ebt saves the clocks of others; Trueque and Hypercore save nothing."""


@dataclass(frozen=True, slots=True)
class Work:
    """What is synced, and whether both sides then catch up with one entry more."""

    name: str
    make: Callable[[Path], Corpora]
    catches_up: bool = False

    @property
    def figures(self) -> Sequence[str]:
        """What is measured of it."""
        return (*_BULK, *_CATCH_UP) if self.catches_up else _BULK


def works(*, long: Sequence[int] = (10_000, 100_000), short: int = 1_000) -> list[Work]:
    """Logs of so many entries each, and so many logs of 20, of which some get one more."""
    found = [Work(f"one log of {entries:,}", partial(long_log, entries=entries)) for entries in long]
    name = f"{short:,} logs of {ENTRIES_OF_LOG}"
    return [*found, Work(name, partial(short_logs, logs=short), catches_up=True)]


class Course:
    """All tries of all works; what was measured stands in `results` as soon as it is known."""

    def __init__(self, folder: Path, packages: Path, node: str, patience: float, tell: Callable[[str], None]):
        """Stores are made and removed in `folder`; no answer is waited for longer than `patience` seconds."""
        self._folder = folder
        self._packages = packages
        self._node = node
        self._patience = patience
        self._tell = tell
        self.results: dict[str, dict[str, dict[str, list[Value]]]] = {}
        self.payload_bytes: dict[str, float] = {}

    async def run(self, all_works: Sequence[Work], tries: int) -> None:
        """Do everything. Whatever is started ends with this, also when it is cancelled."""
        for work in all_works:
            self.results[work.name] = {name: {system: [] for system in SYSTEMS} for name in work.figures}
            self._tell(f"{work.name}: making the corpus")
            corpora = await asyncio.to_thread(work.make, self._place(work, "corpus"))
            self.payload_bytes[work.name] = corpora.payload_bytes
            unmade = {system: await self._made(work, system, corpora) for system in SYSTEMS}
            for number in range(tries):
                first = number % len(SYSTEMS)
                for system in [*SYSTEMS, *SYSTEMS][first : first + len(SYSTEMS)]:
                    self._tell(f"{work.name}, try {number + 1} of {tries}: {SYSTEMS[system]}")
                    found = unmade[system] or await self._tried(work, system, number)
                    self._keep(work, system, found)
            shutil.rmtree(self._place(work))

    def _place(self, work: Work, *parts: str) -> Path:
        return self._folder.joinpath(work.name.replace(" ", "-").replace(",", ""), *parts)

    def _keep(self, work: Work, system: str, found: dict[str, float] | str) -> None:
        for name in work.figures:
            value = found if isinstance(found, str) else found[name]
            self.results[work.name][name][system].append(value)
        self._tell(f"    {found}" if isinstance(found, str) else f"    {found['rate']:,.0f} entries a second")

    # One try ------------------------------------------------------------------------------------

    async def _made(self, work: Work, system: str, corpora: Corpora) -> str:
        """Make the sender's store; why it could not be, or nothing."""
        self._tell(f"{work.name}: {SYSTEMS[system]} makes the sender's store")
        store = self._place(work, system, "sender")
        store.mkdir(parents=True)
        request: dict[str, Any] = {"folder": str(store), "corpus": str(getattr(corpora, system))}
        if system == OURS:
            request["beside"] = None if corpora.beside is None else str(corpora.beside)
        try:
            async with self._side(work, system, "sender") as side:
                made = await side.ask("make", self._patience, **request)
                await side.quit()
        except SideFailed as failed:
            return str(failed)
        return "" if made["entries"] == corpora.entries else f"{made['entries']} entries were made"

    async def _tried(self, work: Work, system: str, number: int) -> dict[str, float] | str:
        receiver = self._place(work, system, "receiver")
        try:
            found = await self._synced(work, system, 2 * number)
            if work.catches_up:
                for store in (receiver, self._place(work, system, "sender")):
                    shutil.rmtree(store / _MEMORY, ignore_errors=True)
                found |= await self._synced_afresh(work, system, 2 * number + 1)
        except (SideFailed, OSError) as failed:
            return str(failed)
        finally:
            shutil.rmtree(receiver, ignore_errors=True)
        return found

    async def _synced(self, work: Work, system: str, log: int) -> dict[str, float]:
        """From nothing to all entries; then, if asked for, one more between the same two processes."""
        store = self._place(work, system, "receiver")
        store.mkdir()
        async with self._pair(work, system) as (sender, receiver, served, opened):
            entries = served["entries"] - opened["entries"]
            answer, count = await self._received(receiver, served["port"], served["entries"])
            found = {
                "rate": entries / answer["seconds"],
                "bytes": count / entries,
                "memory": peak(receiver.pid),
            }
            if work.catches_up:
                await self._part(receiver)
                # ssb-ebt knows that the other has all of it only when they meet again.
                await self._received(receiver, served["port"], served["entries"])
                await self._part(receiver)
                await self._add(sender, system, log)
                answer, count = await self._received(receiver, served["port"], served["entries"] + 1)
                found |= {"remembered_bytes": count, "remembered_ms": 1_000 * answer["seconds"]}
            await receiver.quit()
            await sender.quit()
        beside = self._place(work, system, "sender", _KNOWN[OURS])  # what our receiver began with
        return found | {"disk": (_disk(store) - _disk(beside)) / entries}

    async def _synced_afresh(self, work: Work, system: str, log: int) -> dict[str, float]:
        """One entry more between two processes that remember nothing of each other."""
        async with self._pair(work, system) as (sender, receiver, served, _):
            await self._add(sender, system, log)
            answer, count = await self._received(receiver, served["port"], served["entries"] + 1)
            await receiver.quit()
            await sender.quit()
        return {"fresh_bytes": count, "fresh_ms": 1_000 * answer["seconds"]}

    async def _part(self, receiver: Side) -> None:
        await receiver.ask("part", self._patience)
        await asyncio.sleep(NOTICE_SECONDS)

    async def _add(self, sender: Side, system: str, log: int) -> None:
        (payload,) = next_entry(log, short_log(log, NETWORK)).items
        assert isinstance(payload, bytes)
        entry = {OURS: None, "hypercore": payload_base64(payload), "ssb": payload_text(payload)}[system]
        await sender.ask("add", self._patience, log=log, **({} if entry is None else {"entry": entry}))

    async def _received(self, receiver: Side, port: int, entries: int) -> tuple[dict[str, Any], int]:
        """Have so many entries received; the answer, and all bytes of the link until it fell silent."""
        relay = Relay(port)
        through = await relay.start()
        try:
            answer = await receiver.ask("receive", self._patience, port=through, entries=entries)
        finally:
            relay.stop()
        waited, count = 0.0, -1
        while count != relay.bytes and waited < MOST_QUIET_SECONDS:
            count = relay.bytes
            await asyncio.sleep(QUIET_SECONDS)
            waited += QUIET_SECONDS
        return answer, relay.bytes

    @asynccontextmanager
    async def _pair(
        self, work: Work, system: str
    ) -> AsyncIterator[tuple[Side, Side, dict[str, Any], dict[str, Any]]]:
        """Both sides, with their stores open, and what they said of them."""
        stores = {name: self._place(work, system, name) for name in ("sender", "receiver")}
        async with (
            self._side(work, system, "sender") as sender,
            self._side(work, system, "receiver") as receiver,
        ):
            served = await sender.ask("serve", self._patience, folder=str(stores["sender"]))
            known = stores["sender"] / _KNOWN[system]
            request = {"folder": str(stores["receiver"]), "known": str(known)}
            yield sender, receiver, served, await receiver.ask("open", self._patience, **request)

    @asynccontextmanager
    async def _side(self, work: Work, system: str, name: str) -> AsyncIterator[Side]:
        if system == OURS:
            command = [sys.executable, "-m", f"{__package__}.ours"]
            environment = {"PYTHONPATH": str(CHECKOUT)}
        else:
            command = [self._node, str(Path(__file__).with_name(f"{system}.js"))]
            environment = {"NODE_PATH": str(self._packages / system / "node_modules")}
        journal = self._place(work, system, f"{name}.journal")
        side = await Side.started(f"{SYSTEMS[system]}'s {name}", command, environment, journal)
        try:
            yield side
        finally:
            await side.kill()


def _disk(place: Path) -> int:
    """The bytes of a file, or of all files of a folder; 0 if it is not there.

    Not the blocks that they take, for file systems give more of them to files that were just written.
    """
    return sum(path.stat().st_size for path in (place, *place.rglob("*")) if path.is_file())
