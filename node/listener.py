"""A listener: who may connect at all, and how long somebody may take to say what they want.

Decides before a byte is read: so many connections at once, so many of them from
one host, this very computer aside (tunnels and relays end here); more are
closed without an answer. What is asked has to be said in time, so that whoever
says it a byte at a time keeps no place from others. What becomes of a request
is `people`'s and the parts'; of a link that was opened, `door`'s and `links`'.
Decides too what an answer to another node says of this one, and one to bytes that
are no request: nothing that is not needed, and nothing of what was sent.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from http import HTTPStatus
from typing import Final

from aiohttp import web
from aiohttp.http_exceptions import BadHttpMessage
from aiohttp.typedefs import Handler

from . import journal
from .door import is_here
from .limits import BODY_SECONDS, HEAD_SECONDS, LEAST_BODY_BYTES, LINGER_SECONDS, REQUEST_SECONDS

BACKLOG: Final = 128
"""connections that may wait to be accepted."""


REFUSAL: Final = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Server": "Trueque",
}
"""What an answer carries to what is no request, which no application gets to see."""


async def runner_of(app: web.Application) -> web.AppRunner:
    """What serves an application, to be given to a `Listener`."""
    runner = web.AppRunner(app, shutdown_timeout=REQUEST_SECONDS)
    await runner.setup()
    return runner


class _Handler(web.RequestHandler):
    """A connection that is served, as `Server` of aiohttp would make one, but for what it says to junk."""

    __slots__ = ()

    def __init__(self, server: web.Server) -> None:
        logger = logging.getLogger("aiohttp.server")
        logger.addFilter(_is_ours)
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type]  # which aiohttp takes for none
            logger=logger,
            keepalive_timeout=HEAD_SECONDS,  # before the first request it counts too
            lingering_time=LINGER_SECONDS,
        )

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Say that it is wrong; what was wrong with it would be the bytes that were sent."""
        said = super().handle_error(request, status, exc, message)
        refusal = web.Response(status=said.status, text=f"{said.status} {said.reason}\n", headers=REFUSAL)
        refusal.force_close()
        return refusal


def _is_ours(record: logging.LogRecord) -> bool:
    """Whether something is worth saying: bytes that are no HTTP are not, nor is who hangs up.

    Anybody can do both a thousand times, and a trace of each would fill a disk.
    """
    return not (record.exc_info and isinstance(record.exc_info[1], BadHttpMessage | ConnectionError))


class Listener(web.BaseSite):
    """Listens at a socket for what a runner serves; at most `most` connections, `most_at_host` of a host."""

    def __init__(
        self, runner: web.AppRunner, bound: socket.socket, *, most: int, most_at_host: int | None = None
    ) -> None:
        super().__init__(runner, backlog=BACKLOG)
        assert runner.server is not None, "it is set up"
        self.server = runner.server
        self._bound = bound
        self._most = most
        self._most_at_host = most if most_at_host is None else most_at_host

    @property
    def name(self) -> str:
        """Where it listens."""
        host, port = self._bound.getsockname()[:2]
        return f"http://{host}:{port}"

    async def start(self) -> None:
        """Begin to listen. Raises OSError."""
        await super().start()
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Knock(self), sock=self._bound, backlog=BACKLOG)

    def has_room(self, host: str) -> bool:
        """Whether somebody from a host may connect now."""
        hosts = [each.peername[0] if each.peername else "" for each in self.server.connections]
        return len(hosts) < self._most and (is_here(host) or hosts.count(host) < self._most_at_host)


class _Knock(asyncio.Protocol):
    """A connection that has just been made: handed on to the server, or closed."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        host = (transport.get_extra_info("peername") or ("",))[0]
        if not self._listener.has_room(host):
            journal.tell("refused", level="debug", host=host)
            transport.abort()
            return
        handler = _Handler(self._listener.server)
        transport.set_protocol(handler)
        handler.connection_made(transport)


@web.middleware
async def patiently(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Wait for the body of a request as long as it goes on; one that stops, or drips, ends the connection.

    Not of requests to the API: whoever has its token is the home's owner, and a
    bundle waits there for what is stored before.
    """
    if not request.can_read_body or request.path.startswith("/api/"):
        return await handler(request)
    watching = asyncio.create_task(_watch(request))
    try:
        return await handler(request)
    finally:
        watching.cancel()


async def tersely(_: web.Request, response: web.StreamResponse) -> None:
    """Leave out of an answer what nodes do not read: the software, and the date where a link opens.

    A signal of an application. An answer 1xx needs no date (RFC 9110, section 6.6.1).
    """
    response.headers.pop("Server", None)
    if response.status == HTTPStatus.SWITCHING_PROTOCOLS:
        response.headers.pop("Date", None)


async def _watch(request: web.Request) -> None:
    content, seen = request.content, 0
    while not content.is_eof():
        await asyncio.sleep(BODY_SECONDS)
        if not content.is_eof() and content.total_bytes - seen < LEAST_BODY_BYTES:
            if request.transport is not None:
                request.transport.abort()
            return
        seen = content.total_bytes
