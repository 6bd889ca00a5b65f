"""Farewells: which of two links with one neighbour stays, and who is left for taking too little."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from aiohttp import ClientSession, TCPConnector

from ledger.log import LogKey
from node import farewells
from protocol.frames import Kind
from protocol.messages import encode_heads

from ..support.histories import NETWORK, Author, numbered, written
from ..support.stranger import stranger
from .test_links import Node, tell, until


def from_host(host: str) -> ClientSession:
    """What opens links from another address of this computer."""
    return ClientSession(connector=TCPConnector(local_addr=(host, 0)))


def test_two_copies_of_one_home_do_not_take_turns(tmp_path: Path) -> None:
    """The one that was there first gives way once, as if it had moved; then the other one stays."""
    middle = Node(tmp_path, "middle")
    home, copy = Node(tmp_path, "home"), Node(tmp_path, "copy")
    copy.links._identity = home.links._identity
    log = LogKey(home.key.public_key)

    def hosts() -> list[str]:
        return [link.host for link in middle.links.linked]

    async def story() -> None:
        async with (
            middle.running(), home.running(), copy.running(),
            from_host("127.0.0.1") as here, from_host("127.0.0.2") as there,
        ):  # fmt: skip
            first = asyncio.create_task(home.links.meet(here, "127.0.0.1", middle.port))
            await until(lambda: hosts() == ["127.0.0.1"])
            second = asyncio.create_task(copy.links.meet(there, "127.0.0.1", middle.port))
            assert (await first).said == "duplicate"
            for _time in range(3):
                parting = await home.links.meet(here, "127.0.0.1", middle.port)
                assert (parting.said, parting.peer) == ("copy", middle.key.public_key)
                assert hosts() == ["127.0.0.2"]
            assert not second.done()
            # Where the one that stayed is gone, the other is let in: nothing is refused for its own sake.
            (kept,) = copy.links.linked
            copy.links.leave(kept, "done")
            assert (await second).left
            third = asyncio.create_task(home.links.meet(here, "127.0.0.1", middle.port))
            await until(lambda: hosts() == ["127.0.0.1"])
            assert [link.peer for link in middle.links.linked] == [log]
            third.cancel()
            await asyncio.gather(third, return_exceptions=True)

    tell(story)


def test_one_that_has_moved_is_believed_at_once(tmp_path: Path) -> None:
    """It opens a link from elsewhere while the former one seems to stand."""
    middle, laptop = Node(tmp_path, "middle"), Node(tmp_path, "laptop")

    async def story() -> None:
        async with middle.running(), laptop.running(), AsyncExitStack() as stack:
            tasks = []
            for host in ("127.0.0.1", "127.0.0.2", "127.0.0.3"):
                client = await stack.enter_async_context(from_host(host))
                tasks.append(asyncio.create_task(laptop.links.meet(client, "127.0.0.1", middle.port)))
                await until(lambda host=host: [link.host for link in middle.links.linked] == [host])  # type: ignore[misc]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    tell(story)


def test_one_that_takes_nothing_is_left_behind_and_asked_for_nothing_any_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was asked of it is asked of others; no place is kept for it."""
    monkeypatch.setattr(farewells, "MAX_UNSENT_BYTES", 100_000)
    monkeypatch.setattr(farewells, "FAREWELL_SECONDS", 0.1)
    monkeypatch.setattr("node.links.FAREWELL_SECONDS", 0.1)
    one = Node(tmp_path, "one")
    author = written("some", numbered("some", 3))

    async def story() -> None:
        async with one.running(), stranger(one.port, Author("slow").key, NETWORK) as slow:
            await slow.say(Kind.HEADS, encode_heads([author.runs[0].head]))
            await until(lambda: bool(one.links.gossip._pulling._pulls))
            (end,) = one.links._ends.values()
            end.session._channel.put_frames([bytes(65_536)] * 400)  # type: ignore[union-attr]
            one.links.look()
            assert not one.links.gossip._links
            assert not one.links.gossip._pulling._pulls
            await until(lambda: not one.links._ends)

    tell(story)
