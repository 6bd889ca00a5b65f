"""Ways between nodes: relays on loopback that can be cut, and that can stall."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from enum import Enum
from typing import Any, Final

_PIECE: Final = 1 << 16


class Way(Enum):
    """How it is with a wire."""

    UP = "up"
    CUT = "cut"
    """what was connected breaks, and nothing connects"""
    STALLED = "stalled"
    """everything stays connected, and nothing arrives: as behind a router that lost its own link"""


class Wires:
    """All wires of a network; they live on a thread of their own, and may be called from any."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="wires")
        self._thread.start()
        self._wires: list[Wire] = []

    def lay(self, port: int) -> Wire:
        """A wire that leads to a port of this computer."""
        wire = Wire(port, self._do)
        self._do(wire.open())
        self._wires.append(wire)
        return wire

    def close(self) -> None:
        """Take all of them away."""
        for wire in self._wires:
            self._do(wire.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, work: Coroutine[Any, Any, Any]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(30)


class Wire:
    """One relay: whoever connects to `port` reaches the port that it was laid to."""

    def __init__(self, far: int, do: Callable[[Coroutine[Any, Any, Any]], None]) -> None:
        self.port = 0
        self._far = far
        self._do = do
        self._way = Way.UP
        self._flows = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._links: set[asyncio.Task[None]] = set()

    def turn(self, way: Way) -> None:
        """Have it be up, cut or stalled from now on."""
        self._do(self._turn(way))

    async def open(self) -> None:
        """Listen."""
        self._flows.set()
        self._server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Listen no more."""
        assert self._server is not None
        self._server.close()
        await self._break()

    async def _turn(self, way: Way) -> None:
        self._way = way
        if way is Way.STALLED:
            self._flows.clear()
        else:
            self._flows.set()
        if way is Way.CUT:
            await self._break()

    async def _break(self) -> None:
        links = list(self._links)
        for link in links:
            link.cancel()
        await asyncio.gather(*links, return_exceptions=True)

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._links.add(task)
        # A link that is cut is not to be taken for a task that failed.
        with suppress(OSError, asyncio.CancelledError):
            try:
                if self._way is not Way.CUT:
                    await self._link(reader, writer)
            finally:
                self._links.discard(task)
                writer.close()

    async def _link(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._far)
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pass(reader, far_writer))
                both.create_task(self._pass(far_reader, writer))
        except* OSError:
            pass
        finally:
            far_writer.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(_PIECE):
            await self._flows.wait()
            writer.write(data)
            await writer.drain()
        with suppress(OSError):
            writer.write_eof()
