"""Links: two nodes over sockets of this machine, and whatever else may knock at the door."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
from aiohttp import ClientSession, WSMessage, WSMsgType, web

from ledger.errors import StoreError
from ledger.store.reading import Reader
from ledger.store.writing import Store
from node import storing
from node.admission import Admission
from node.ends import Parting
from node.links import PATH, Links
from protocol.handshake import Identity, Role
from protocol.session import Session

from ..support.histories import NETWORK, Author, numbered, written

SECONDS = 20.0
"""seconds after which a story has failed; it takes a tenth of one."""


class Node:
    """A node with a listener on loopback."""

    def __init__(self, folder: Path, name: str) -> None:
        self.path = folder / f"{name}.sqlite"
        self.key = Author(name).key
        self.store = Store(self.path, NETWORK)
        self.port = 0
        self.links = Links(
            self.path,
            self.store,
            None,
            Identity.of(self.key, NETWORK),
            lambda reader: Admission(reader, None, _nothing),
        )

    def holding(self, *authors: Author) -> None:
        for author in authors:
            for run in author.runs:
                self.store.ingest(run)

    def sizes(self) -> dict[bytes, int]:
        with Reader(self.path) as reader:
            return {branch.log: branch.size for branch in reader.branches()}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Node]:
        async with self.links.open():
            app = web.Application()
            app.router.add_get(PATH, self.links.accept)
            runner = web.AppRunner(app, shutdown_timeout=1)
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            self.port = runner.addresses[0][1]
            try:
                yield self
            finally:
                await runner.cleanup()
        self.store.close()


def _nothing() -> None:
    """Nothing waits to be stored."""


def tell(story: Callable[[], Awaitable[None]]) -> None:
    async def timed() -> None:
        async with asyncio.timeout(SECONDS):
            await story()

    asyncio.run(timed())


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.01)


@asynccontextmanager
async def linked(one: Node, other: Node) -> AsyncIterator[asyncio.Task[Parting]]:
    async with Links.client() as client:
        task = asyncio.create_task(one.links.meet(client, "127.0.0.1", other.port))
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def test_two_nodes_hold_the_same_after_they_met(tmp_path: Path) -> None:
    one, other = Node(tmp_path, "one"), Node(tmp_path, "other")
    mine = [written(f"mine {number}", numbered("mine", 5)) for number in range(20)]
    theirs = [written("theirs", *(numbered(f"{batch}", 300) for batch in range(8)))]
    one.holding(*mine)
    other.holding(*theirs)

    async def story() -> None:
        async with other.running(), one.running(), linked(one, other):
            await until(lambda: all(each.links.gossip._announcing._memories for each in (one, other)))
            assert one.sizes() == other.sizes()
            assert sum(one.sizes().values()) == 2_500

    tell(story)


def test_what_is_signed_later_comes_at_once(tmp_path: Path) -> None:
    one, other = Node(tmp_path, "one"), Node(tmp_path, "other")
    author = Author("speaker")

    async def story() -> None:
        async with other.running(), one.running(), linked(one, other):
            await until(lambda: bool(one.links.gossip._announcing._memories))
            run = author.write(b"something new")
            other.store.ingest(run)
            other.links.wrote(run.log)
            await until(lambda: author.state.log in one.sizes())

    tell(story)


def test_a_link_ends_in_good_order_where_a_node_stops(tmp_path: Path) -> None:
    one, other = Node(tmp_path, "one"), Node(tmp_path, "other")

    async def story() -> None:
        async with one.running():
            async with other.running(), linked(one, other) as task:
                await until(lambda: bool(one.links.linked))
            await asyncio.wait_for(asyncio.gather(task, return_exceptions=True), SECONDS)
            await until(lambda: not one.links.linked)

    tell(story)


@pytest.mark.parametrize("knock", ["text", "junk", "long", "silence", "leaving"])
def test_whatever_knocks_is_sent_away_and_the_node_goes_on(tmp_path: Path, knock: str) -> None:
    one, other = Node(tmp_path, "one"), Node(tmp_path, "other")
    other.holding(written("some", numbered("some", 3)))

    async def story() -> None:
        async with other.running(), one.running():
            async with ClientSession() as client:
                async with client.ws_connect(f"ws://127.0.0.1:{other.port}{PATH}") as socket:
                    if knock == "text":
                        await socket.send_str("hello")
                    elif knock == "junk":
                        await socket.send_bytes(bytes(32))
                    elif knock == "long":
                        await socket.send_bytes(bytes(70_000))
                    if knock in ("text", "junk", "long"):
                        assert (await socket.receive()).type in (
                            WSMsgType.CLOSE,
                            WSMsgType.CLOSED,
                            WSMsgType.CLOSING,
                        )
                plain = await client.get(f"http://127.0.0.1:{other.port}{PATH}")
                assert plain.status == 400
            async with linked(one, other):
                await until(lambda: bool(one.links.gossip._announcing._memories))
            assert one.sizes() == other.sizes()

    tell(story)


@contextmanager
def failing(owner: object, name: str) -> Iterator[None]:
    """A function of the store that fails as long as it is tried here."""

    def fail(*_: object) -> None:
        raise StoreError("The disk is full.")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(owner, name, fail)
        yield


def test_what_cannot_be_stored_is_stored_once_that_can_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A disk that was full, and is not any more: nothing has to be started anew."""
    monkeypatch.setattr(storing, "RETRY_SECONDS", 0.05)
    one, other = Node(tmp_path, "one"), Node(tmp_path, "other")
    other.holding(written("some", numbered("some", 3)))

    async def story() -> None:
        async with other.running(), one.running():
            with failing(one.store, "ingest_all"):
                async with linked(one, other) as task:
                    await task
                await until(lambda: one.links.troubles.storing is not None)
                assert one.sizes() == {}
            await until(lambda: one.links.troubles.storing is None)
            assert {each.message for each in caplog.records if each.levelname == "ERROR"} == {
                "storing_failed"
            }
            async with linked(one, other):
                await until(lambda: bool(one.links.gossip._announcing._memories))
            assert one.sizes() == other.sizes()
            await until(lambda: not one.links.gossip._links)

    tell(story)


def test_a_ledger_that_cannot_be_read_for_a_while_ends_links_and_nothing_else(tmp_path: Path) -> None:
    """Whatever is read when a neighbour says something: there is a place for it again afterwards."""
    one, other = Node(tmp_path, "one"), Node(tmp_path, "other")
    other.holding(written("some", numbered("some", 3)))

    async def story() -> None:
        async with other.running(), one.running():
            with failing(one.links._reader, "snapshot"):
                async with linked(one, other) as task:
                    await task
                async with linked(other, one) as task:
                    assert (await task).said in ("trouble", None)
                assert one.links.troubles.serving is not None
            await until(lambda: not one.links._ends and not other.links._ends)
            assert not one.links.gossip._links
            async with linked(one, other):
                await until(lambda: bool(one.links.gossip._announcing._memories))
            assert one.sizes() == other.sizes()
            assert one.links.troubles == (None, None)

    tell(story)


def test_a_fault_of_the_program_while_it_stores_ends_links_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever it is, what comes after it is stored."""
    monkeypatch.setattr(storing, "RETRY_SECONDS", 0.05)
    one, other = Node(tmp_path, "one"), Node(tmp_path, "other")
    other.holding(written("some", numbered("some", 3)))

    def fail(*_: object) -> None:
        raise RuntimeError("a fault")

    async def story() -> None:
        async with other.running(), one.running():
            with pytest.MonkeyPatch.context() as patched:
                patched.setattr(one.links._doer, "take", fail)
                async with linked(one, other) as task:
                    await task
            await until(lambda: not one.links._ends)
            async with linked(one, other):
                await until(lambda: bool(one.links.gossip._announcing._memories))
            assert one.sizes() == other.sizes()
            assert "fault" in [each.message for each in caplog.records if each.levelname == "ERROR"]

    tell(story)


class Chatterer:
    """A socket at which much has come already."""

    def __init__(self, count: int) -> None:
        self.left = count

    def __aiter__(self) -> Chatterer:
        return self

    async def __anext__(self) -> WSMessage:
        if not self.left:
            raise StopAsyncIteration
        self.left -= 1
        return WSMessage(WSMsgType.BINARY, b"word", None)

    def get_extra_info(self, name: str) -> None:
        return None

    async def send_bytes(self, data: bytes) -> None:
        pass

    async def close(self) -> None:
        pass


def test_whoever_says_much_at_once_keeps_nobody_waiting_for_all_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Session, "receive", lambda *_: None)
    one = Node(tmp_path, "one")
    seen: list[int] = []

    async def story() -> None:
        async with one.running():
            chatterer = Chatterer(50)
            link = asyncio.create_task(one.links._run(chatterer, Role.RESPONDER, "127.0.0.1"))  # type: ignore[arg-type]
            while not link.done():
                seen.append(chatterer.left)
                await asyncio.sleep(0)
            assert {*range(1, 50)} <= set(seen)

    tell(story)
