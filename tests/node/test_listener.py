"""A listener: who is slow, says nothing, or comes too often, takes no place from others."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import ClassVar

import pytest
from aiohttp import ClientSession, web
from aiohttp.http_exceptions import BadStatusLine

from node import listener
from node.listener import Listener, patiently, runner_of, tersely

SECONDS = 30.0
"""seconds after which a story has failed; it takes one or two."""


def tell(story: Callable[[], Awaitable[None]]) -> None:
    async def timed() -> None:
        async with asyncio.timeout(SECONDS):
            await story()

    asyncio.run(timed())


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits as they are, in a fortieth of the time."""
    monkeypatch.setattr(listener, "HEAD_SECONDS", 0.4)
    monkeypatch.setattr(listener, "BODY_SECONDS", 0.5)
    monkeypatch.setattr(listener, "LINGER_SECONDS", 0.1)


async def _hello(_: web.Request) -> web.Response:
    return web.Response(text="hello")


async def _link(request: web.Request) -> web.WebSocketResponse:
    link = web.WebSocketResponse()
    await link.prepare(request)
    return link


async def _count(request: web.Request) -> web.Response:
    return web.Response(text=str(len(await request.read())))


@asynccontextmanager
async def listening(
    most: int = 8, at: str = "127.0.0.1", most_at_host: int | None = None
) -> AsyncIterator[int]:
    app = web.Application(middlewares=[patiently])
    app.add_routes([web.get("/", _hello), web.post("/", _count), web.post("/api/", _count)])
    runner = await runner_of(app)
    bound = socket.socket()
    bound.bind((at, 0))
    await Listener(runner, bound, most=most, most_at_host=most_at_host).start()
    try:
        yield bound.getsockname()[1]
    finally:
        for caller in Caller.all:
            caller.writer.close()
        Caller.all.clear()
        await runner.cleanup()


class Caller:
    """A connection over which a test says what it likes."""

    all: ClassVar[list[Caller]] = []

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.all.append(self)

    @classmethod
    async def calling(cls, port: int, said: bytes = b"") -> Caller:
        caller = cls(*await asyncio.open_connection("127.0.0.1", port))
        caller.writer.write(said)
        return caller

    async def drip(self, byte: bytes) -> None:
        """Go on saying something, a byte at a time."""
        while not self.reader.at_eof() and not self.writer.is_closing():
            self.writer.write(byte)
            await asyncio.sleep(0.05)

    async def is_sent_away(self) -> bool:
        """Wait until the connection is closed without any answer."""
        try:
            return await self.reader.read() == b""
        except ConnectionError:
            return True


async def answered(port: int) -> bool:
    async with ClientSession() as client, client.get(f"http://127.0.0.1:{port}/") as response:
        return await response.text() == "hello"


@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: "], ids=["nothing", "a header"])
@pytest.mark.parametrize("byte", [b"", b"x"], ids=["stops", "drips"])
def test_who_does_not_say_in_time_what_they_want_is_sent_away(said: bytes, byte: bytes) -> None:
    async def story() -> None:
        async with listening() as port:
            caller = await Caller.calling(port, said)
            dripping = asyncio.create_task(caller.drip(byte)) if said and byte else None
            assert await caller.is_sent_away()
            if dripping is not None:
                dripping.cancel()
            assert await answered(port)

    tell(story)


@pytest.mark.parametrize("byte", [b"", b"x"], ids=["stops", "drips"])
def test_a_body_that_does_not_go_on_ends_the_connection(byte: bytes) -> None:
    async def story() -> None:
        async with listening() as port:
            caller = await Caller.calling(
                port, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 500000\r\n\r\n"
            )
            dripping = asyncio.create_task(caller.drip(byte))
            assert await caller.is_sent_away()
            dripping.cancel()

    tell(story)


@pytest.mark.parametrize(("path", "piece", "pieces"), [(b"/", 2_048, 30), (b"/api/", 1, 30)])
def test_a_body_that_goes_on_and_one_of_the_owner_are_waited_for(
    path: bytes, piece: int, pieces: int
) -> None:
    async def story() -> None:
        async with listening() as port:
            size = piece * pieces
            head = b"POST %b HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % (
                path,
                size,
            )
            caller = await Caller.calling(port, head)
            for _ in range(pieces):
                await asyncio.sleep(0.04)
                caller.writer.write(bytes(piece))
            assert (await caller.reader.read()).endswith(b"\r\n\r\n%d" % size)

    tell(story)


def test_one_connection_too_many_is_closed_and_there_is_room_again_when_another_ends() -> None:
    async def story() -> None:
        async with listening(most=3) as port:
            callers = [await Caller.calling(port) for _ in range(3)]
            await asyncio.sleep(0.1)
            assert await (await Caller.calling(port)).is_sent_away()
            callers[0].writer.close()
            await asyncio.sleep(0.1)
            assert await answered(port)

    tell(story)


def test_one_host_does_not_take_all_places_but_this_computer_may(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        async with listening(most=8, most_at_host=2) as port:
            callers = [await Caller.calling(port) for _ in range(2)]
            await asyncio.sleep(0.1)
            assert await answered(port)
            monkeypatch.setattr(listener, "is_here", lambda host: False)
            assert await (await Caller.calling(port)).is_sent_away()
            assert all(not caller.reader.at_eof() for caller in callers)

    tell(story)


def test_who_hangs_up_or_speaks_no_http_leaves_no_trace_in_the_journal() -> None:
    """Whoever looks for open doors does so a thousand times."""
    for error in (ConnectionResetError("gone"), BadStatusLine("junk")):
        assert not listener._is_ours(_record(error))
    assert listener._is_ours(_record(RuntimeError("a fault")))
    assert listener._is_ours(_record(None))


def _record(error: Exception | None) -> logging.LogRecord:
    info = None if error is None else (type(error), error, None)
    return logging.LogRecord("aiohttp.server", logging.ERROR, "", 0, "Error handling request", (), info)


def test_a_link_is_opened_with_no_header_that_nobody_reads() -> None:
    """Of what two nodes say to catch up with one entry, HTTP is a quarter."""

    async def story() -> None:
        app = web.Application()
        app.on_response_prepare.append(tersely)
        app.add_routes([web.get("/", _link), web.get("/hello", _hello)])
        runner = await runner_of(app)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        at = f"http://127.0.0.1:{runner.addresses[0][1]}"
        async with ClientSession() as client:
            async with client.ws_connect(at) as link:
                needed = {"Upgrade", "Connection", "Sec-WebSocket-Accept"}
                assert set(link._response.headers) == needed
            async with client.get(f"{at}/hello") as answer:
                assert "Date" in answer.headers  # RFC 9110 wants it where no link is opened
                assert "Server" not in answer.headers
        await runner.cleanup()

    tell(story)


@pytest.mark.parametrize(
    "said",
    [
        b"GET /<script>alert(1)</script> HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\n<script>alert(1)</script>: x\r\n\r\n",
        b"SCRIPT / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"script" * 2_000 + b"\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Encoding: br\r\nContent-Length: 6\r\n\r\nscript",
    ],
    ids=["version", "header", "method", "length", "encoding"],
)
def test_what_is_no_request_is_told_so_without_a_word_of_it_and_runs_nothing(said: bytes) -> None:
    async def story() -> None:
        async with listening() as port:
            caller = await Caller.calling(port, said)
            head, _, body = (await caller.reader.read()).partition(b"\r\n\r\n")
            assert head.split()[1] == b"400"
            assert body == b"400 Bad Request\n"
            assert b"default-src 'none'" in head
            assert b"nosniff" in head
            assert b"no-store" in head
            assert not any(word in head.lower() for word in (b"script", b"aiohttp", b"python"))

    tell(story)
