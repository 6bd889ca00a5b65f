"""A side that is Trueque: a store with views, and the links of a node, as in `tests.benchmarks.gossip`.

    python -m tests.benchmarks.peers.ours      (what `sides` starts)

Speaks as side.js does: a request is a line of JSON with a deed in `do`, the
answer a line of "= " and JSON. Ends when nobody asks any more.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
import time
from contextlib import AsyncExitStack
from pathlib import Path
from threading import Thread
from typing import Any, Final

from aiohttp import ClientSession, web

from ledger.log import LogKey
from ledger.store.writing import Ingested, Store
from node.links import PATH, Links
from node.listener import tersely

from ..corpus import NETWORK
from ..gossip import Synced, links_of, next_entry, short_log
from ..work import runs_in

LEDGER: Final = "ledger.sqlite"


class OurSide:
    """One side; each deed takes what its request says and returns its answer."""

    def __init__(self) -> None:
        self._stack = AsyncExitStack()
        self._synced = Synced()
        self._store: Store
        self._links: Links
        self._client: ClientSession
        self._met: asyncio.Task[Any] | None = None

    async def make(self, folder: str, corpus: str, beside: str | None) -> dict[str, Any]:
        """Take in the runs of a file; those of `beside` before, and keep a copy of what is held then.

        They are the logs that those of the corpus refer to, and any receiver begins with them.
        """
        path = Path(folder) / LEDGER
        entries = 0
        if beside is not None:
            with Store(path, NETWORK) as store:
                _take(store, Path(beside))
            shutil.copy(path, path.with_name("beside.sqlite"))
        with Store(path, NETWORK) as store:
            entries = _take(store, Path(corpus))
        return {"entries": entries}

    async def serve(self, folder: str) -> dict[str, Any]:
        """Wait for somebody; answers with the port."""
        await self._open(Path(folder), "sender")
        app = web.Application()
        app.on_response_prepare.append(tersely)
        app.router.add_get(PATH, self._links.accept)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return {"port": runner.addresses[0][1], "entries": self._held()}

    async def open(self, folder: str, known: str) -> dict[str, Any]:
        """Be ready to receive; begins with the copy `known`, if there is one and nothing is held."""
        if Path(known).exists() and not (Path(folder) / LEDGER).exists():
            shutil.copy(known, Path(folder) / LEDGER)
        await self._open(Path(folder), "receiver")
        self._client = await self._stack.enter_async_context(Links.client())
        return {"entries": self._held()}

    async def receive(self, port: int, entries: int) -> dict[str, Any]:
        """Meet somebody, until so many entries are verified, stored and in the views."""
        begun = time.perf_counter()
        self._met = asyncio.create_task(self._links.meet(self._client, "127.0.0.1", port))
        while self._held() < entries:
            await self._synced.event.wait()
            self._synced.event.clear()
        seconds = time.perf_counter() - begun
        return {"seconds": seconds, "stored": seconds}

    async def add(self, log: int) -> dict[str, Any]:
        """Take in the next entry of one of the short logs, and tell whoever is linked."""
        run = next_entry(log, short_log(log, NETWORK))
        assert isinstance(self._store.ingest(run), Ingested)
        self._links.wrote(LogKey(run.log))
        return {}

    async def part(self) -> dict[str, Any]:
        """Leave whoever was met."""
        if self._met is not None:
            self._met.cancel()
            await asyncio.gather(self._met, return_exceptions=True)
        return {}

    async def quit(self) -> dict[str, Any]:
        """Close everything."""
        await self.part()
        await self._stack.aclose()
        return {}

    async def _open(self, folder: Path, name: str) -> None:
        path = folder / LEDGER
        self._store = self._stack.enter_context(Store(path, NETWORK))
        self._links = links_of(path, self._store, name, self._synced)
        await self._stack.enter_async_context(self._links.open())

    def _held(self) -> int:
        return sum(mark.number for _, mark in self._links.gossip.roster.items())


def _take(store: Store, runs: Path) -> int:
    taken = 0
    for result in store.ingest_all(runs_in(runs)):
        assert isinstance(result, Ingested)
        taken += result.new
    return taken


async def _answer() -> None:
    side = OurSide()
    requests: asyncio.Queue[str] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    Thread(target=_listen, args=(loop, requests), daemon=True).start()
    while True:
        request = json.loads(await requests.get())
        do = request.pop("do")
        try:
            answer = await getattr(side, do)(**request)
        except Exception as error:  # whoever asked is told, and the next request may still be answered
            answer = {"failed": f"{type(error).__name__}: {error}"}
        print("=", json.dumps(answer), flush=True)
        if do == "quit":
            return


def _listen(loop: asyncio.AbstractEventLoop, requests: asyncio.Queue[str]) -> None:
    """Take requests; when nobody can ask any more, end at once, whatever is being done."""
    for line in sys.stdin:
        loop.call_soon_threadsafe(requests.put_nowait, line)
    os._exit(1)


if __name__ == "__main__":
    asyncio.run(_answer())
