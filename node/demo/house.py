"""House: a process with some nodes of a demonstration, each with a home, sockets and sessions of its own.

    python -m node.demo.house FOLDER

Decides how they are founded, started and stopped in one event loop. What they
do is told by `cues` on standard input; when that ends, all of them stop. A
Ctrl-C in the terminal is none of its business: whoever started it hears that.
"""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import sys
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from ledger.anchor import Anchors
from ledger.errors import LedgerError
from ledger.log import LogKey

from .. import app, journal, keys
from ..answers import AnsweredError, plain_error
from ..founding import Founding, found
from ..home import Home
from ..limits import DEMO_LINE_BYTES
from ..running import Running
from ..settings import Settings
from . import cues
from .acting import Actor
from .story import NETWORK

_LINES: Final = msgspec.json.Decoder(cues.Cue)


class DemoHome(Home):
    """A home of a demonstration: nothing of it is outside its folder."""

    __slots__ = ()

    def anchors(self, log: LogKey) -> Anchors:
        """Both inside."""
        return Anchors((self.path / "anchor", self.path / "anchor.2"))


@dataclass(slots=True)
class Node:
    """One node while it runs."""

    actor: Actor
    serving: asyncio.Task[None]
    started: asyncio.Future[Running]


class House:
    """The nodes of this process. Belongs to the event loop's thread."""

    def __init__(self) -> None:
        self._homes: dict[str, DemoHome] = {}
        self._nodes: dict[str, Node] = {}
        self._stop = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    async def hear(self, cue: cues.Cue) -> None:
        """Do what is said, and answer."""
        match cue:
            case cues.Found():
                _say(cues.Founded(await asyncio.to_thread(self._found, cue)))
            case cues.Start():
                await self._start(frozenset(cue.follow))
            case cues.Meet():
                for name, ports in cue.ports.items():
                    if name in self._nodes:
                        self._nodes[name].actor.meet(ports)
            case cues.Play():
                ids = _bytes_of(cue.ids)
                for name, node in self._nodes.items():
                    node.actor.play([act for act in cue.acts if act.who == name], ids)
            case cues.Tell():
                self._tell(_bytes_of(cue.ids))
            case cues.Settle(entries=None):
                for node in self._nodes.values():
                    self._begin(node.actor.give_up())
            case cues.Settle(entries=int(entries)):
                for node in self._nodes.values():
                    self._begin(self._settle(node.actor, entries))
            case cues.Audit():
                self._begin(self._audit())

    async def stop(self) -> None:
        """Stop all nodes."""
        for task in self._tasks:
            task.cancel()
        self._stop.set()
        await asyncio.gather(*(node.serving for node in self._nodes.values()), return_exceptions=True)

    # --------------------------------------------------------------------------------------------

    def _found(self, cue: cues.Found) -> dict[str, str]:
        ids: dict[str, str] = {}
        for member, folder in cue.members:
            home = self._homes[member.name] = DemoHome(Path(folder))
            founding = Founding(member.name, NETWORK, member.place, member.about)
            ids[member.name] = found(home, founding, keys.new_key()).hex()
        return ids

    async def _start(self, follow: frozenset[str]) -> None:
        for name, home in self._homes.items():
            settings = Settings(
                people_port=0,
                peer_port=0,
                discovery=False,
                follow=tuple(sorted(follow)),
                lan=False,
                log_level="warning",
            )
            actor = Actor(name, settings, self._done, self._failed)
            started: asyncio.Future[Running] = asyncio.get_running_loop().create_future()
            serving = asyncio.create_task(
                app.serve(home, settings, [actor], started.set_result, self._stop, everywhere=False)
            )
            self._nodes[name] = Node(actor, serving, started)
            either: set[asyncio.Future[Any]] = {serving, started}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if serving.done():
                serving.result()
        ports = {name: node.started.result() for name, node in self._nodes.items()}
        _say(cues.Started({name: (running.people, running.peers) for name, running in ports.items()}))

    def _tell(self, ids: Mapping[str, bytes]) -> None:
        for node in self._nodes.values():
            node.actor.told(ids)

    def _done(self, ids: Mapping[str, bytes]) -> None:
        self._tell(ids)
        _say(cues.Done({label: entry.hex() for label, entry in ids.items()}))

    def _failed(self, name: str, error: LedgerError) -> None:
        _say(cues.Failed(name, msgspec.convert(plain_error(error), AnsweredError)))

    async def _settle(self, actor: Actor, entries: int) -> None:
        _say(await actor.holding(entries))

    async def _audit(self) -> None:
        for name, home in self._homes.items():
            worst = await asyncio.to_thread(_worst, home)
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # in kibibytes on Linux
            _say(cues.Audited(name, worst, peak * (1 if sys.platform == "darwin" else 1_024)))

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _worst(home: Home) -> str | None:
    """How grave the worst is that an audit finds; None if it is clean."""
    from ledger.audit import audit
    from ledger.sentences import Severity
    from ledger.store.reading import Reader

    with Reader(home.ledger) as reader:
        worst = audit(reader).worst
    return None if worst in (None, Severity.INFO) else worst.name.lower()


def _bytes_of(ids: Mapping[str, str]) -> dict[str, bytes]:
    return {label: bytes.fromhex(entry) for label, entry in ids.items()}


def _say(word: cues.Word) -> None:
    with suppress(BrokenPipeError):
        sys.stdout.buffer.write(msgspec.json.encode(word) + b"\n")
        sys.stdout.buffer.flush()


async def _run() -> None:
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader(limit=DEMO_LINE_BYTES)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin.buffer)
    house = House()
    try:
        while line := await lines.readline():
            try:
                await house.hear(_LINES.decode(line))
            except LedgerError as error:
                _say(cues.Failed("", msgspec.convert(plain_error(error), AnsweredError)))
    finally:
        await house.stop()


def main() -> None:
    """Be a process with nodes, until standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    journal.begin("warning", as_json=False)
    asyncio.run(_run())
    sys.stdout.flush()
    os._exit(0)  # threads of nodes that were left behind keep nobody


if __name__ == "__main__":
    main()
