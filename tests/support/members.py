"""Members of a net, in the process of a test: a home, its company, and a listener on loopback.

What they hear of each other on the local network is told to them by the test.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from aiohttp import web

from ledger.log import LogKey
from node.company import Company
from node.custody import Custody
from node.hints import Hint
from node.home import Home
from node.neighbours import Found, Lost
from node.parts import Place
from node.settings import Settings

SECONDS = 60.0
"""seconds after which a story has failed; most take one or two."""


class Member:
    """A node with a company, while it runs."""

    def __init__(self, home: Home, **settings: Any) -> None:
        self.home = home
        self.settings = Settings(discovery=False, **settings)
        self.port = 0
        self.company = Company(self.settings)

    @property
    def log(self) -> LogKey:
        """Its log."""
        return LogKey(self.home.read_key().public_key)

    @property
    def hint(self) -> Hint:
        """What it would announce."""
        log = self.log[:8]
        return Hint(f"trueque-{log.hex()}", log, "ensayo", (1,), "", self.port, ("127.0.0.1",))

    @asynccontextmanager
    async def running(self, port: int = 0) -> AsyncIterator[Member]:
        """From its start until it is stopped; may be run again."""
        self.company = Company(self.settings)
        custody = await Custody.open(self.home, lambda what, seconds: None)
        app = web.Application()
        app.router.add_routes(self.company.routes())
        runner = web.AppRunner(app, shutdown_timeout=1)
        try:
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", port).start()
            self.port = runner.addresses[0][1]
            await self.company.start(Place(custody, self.settings, self.port, self.settings.addresses))
            try:
                yield self
            finally:
                await self.company.stop()
        finally:
            await runner.cleanup()
            await custody.close()

    def hears_of(self, *others: Member) -> None:
        """Others are announced."""
        for other in others:
            if other is not self:
                self.company._heard(Found(other.hint))

    def loses(self, *others: Member) -> None:
        """Others are announced no more."""
        for other in others:
            self.company._heard(Lost(other.hint))

    @property
    def linked(self) -> set[LogKey]:
        """With whom it is linked now."""
        return {link.peer for link in self.company._links.linked} if self.company._links else set()

    @property
    def facts(self) -> Any:
        """What it tells of its company."""
        state = self.company.state()
        return state.facts

    def state_of(self, other: Member) -> dict[str, Any] | None:
        """What it tells of one other that is not linked."""
        found = [row for row in self.facts["known"] if other.log.hex().startswith(row["log"] or "?")]
        return found[0] if found else None


@asynccontextmanager
async def all_running(members: list[Member]) -> AsyncIterator[None]:
    """Several members at once."""
    async with AsyncExitStack() as stack:
        for member in members:
            await stack.enter_async_context(member.running())
        yield


def tell(story: Callable[[], Awaitable[None]]) -> None:
    """Run a story; it fails if it does not end."""

    async def timed() -> None:
        async with asyncio.timeout(SECONDS):
            await story()

    asyncio.run(timed())


async def until(condition: Callable[[], Any]) -> None:
    """Wait until something holds."""
    while not condition():
        await asyncio.sleep(0.01)
