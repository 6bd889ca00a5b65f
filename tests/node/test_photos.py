"""Photos over sockets of this machine: fetched when somebody wants to see them, and in nobody's way."""

from __future__ import annotations

import asyncio
import socket as sockets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from ledger.records import Offer
from node.blobs import Blobs
from node.limits import UNSENT_BYTES
from node.links import Links
from protocol.limits import MAX_BLOB_BYTES

from ..support.communes import Writer
from ..support.communes import found as commune
from ..support.photos import digest_of, jpeg
from .test_links import Node, linked, tell, until

PHOTO = jpeg("maíz", 2_000_000)


# Over links -------------------------------------------------------------------------------------


def node_with(folder: Path, name: str, montes: Writer, photo: bytes | None = None) -> Node:
    """A node that holds the log of Los Montes, and the photo in it or not."""
    (folder / name).mkdir()
    node = Node(folder / name, name)
    node.store.ingest(montes.run())
    node.links._blobs = Blobs(folder / name / "blobs", 100_000_000)
    if photo is not None:
        node.links._blobs.keep(digest_of(photo), photo, own=False)
    return node


@pytest.fixture
def montes() -> Writer:
    writer = commune("Montes")
    writer.say(Offer, title="Maíz", category="food", images=(digest_of(PHOTO),))
    return writer


@asynccontextmanager
async def star(middle: Node, *others: Node) -> AsyncIterator[None]:
    """A node that is linked with some others."""
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(middle.running())
        for other in others:
            await stack.enter_async_context(other.running())
            await stack.enter_async_context(linked(middle, other))
        await until(lambda: all(middle.links.gossip.is_at_rest(link.number) for link in middle.links.linked))
        await until(lambda: len(middle.links.linked) == len(others))
        await until(lambda: len(middle.links.gossip.blobs._links) == len(others))
        yield


def fetch(links: Links, montes: Writer, photo: bytes = PHOTO) -> asyncio.Task[bool]:
    return asyncio.ensure_future(links.fetch(digest_of(photo), montes.id_of(1)))


def test_a_photo_comes_from_the_one_who_holds_it(tmp_path: Path, montes: Writer) -> None:
    middle = node_with(tmp_path, "middle", montes)
    without, holder = node_with(tmp_path, "without", montes), node_with(tmp_path, "holder", montes, PHOTO)

    async def story() -> None:
        async with star(middle, without, holder):
            both = [fetch(middle.links, montes) for _ in range(2)]
            assert await asyncio.gather(*both) == [True, True]
            assert middle.links._blobs.read(digest_of(PHOTO)) == PHOTO
            assert await fetch(middle.links, montes), "it is held"
            assert not await fetch(middle.links, montes, jpeg("no listing names it"))

    tell(story)


def test_what_nobody_holds_or_nobody_is_there_to_give_is_told_soon(tmp_path: Path, montes: Writer) -> None:
    alone, middle, without = (node_with(tmp_path, name, montes) for name in ("alone", "middle", "without"))

    async def story() -> None:
        async with star(alone):
            assert not await fetch(alone.links, montes)

    async def other_story() -> None:
        async with star(middle, without):
            assert not await fetch(middle.links, montes)

    tell(story)
    tell(other_story)


def test_what_is_signed_meanwhile_does_not_wait_for_photos(tmp_path: Path) -> None:
    """Sixteen megabytes are on their way over a link that takes them slowly; news come through."""
    montes = commune("Montes")
    photos = [jpeg(f"photo {number}", MAX_BLOB_BYTES) for number in range(2)]
    montes.say(Offer, title="Maíz", category="food", images=tuple(map(digest_of, photos)))
    middle, holder = node_with(tmp_path, "middle", montes), node_with(tmp_path, "holder", montes)
    for photo in photos:
        holder.links._blobs.keep(digest_of(photo), photo, own=False)

    async def story() -> None:
        async with star(middle, holder):
            fetches = [fetch(middle.links, montes, photo) for photo in photos]
            (end,) = middle.links._ends.values()
            await until(lambda: end.session.open_blobs == 2)
            montes.say(Offer, title="Yuca", category="food")
            holder.store.ingest(montes.run(2))
            holder.links.wrote(montes.log)
            await until(lambda: middle.sizes()[montes.log] == 3)
            assert end.session.open_blobs, "photos are still on their way"
            assert await asyncio.gather(*fetches) == [True, True]

    tell(story)


def test_the_system_holds_little_unsent(tmp_path: Path, montes: Writer) -> None:
    middle, holder = node_with(tmp_path, "middle", montes), node_with(tmp_path, "holder", montes)

    async def story() -> None:
        async with star(middle, holder):
            for node in (middle, holder):
                (end,) = node.links._ends.values()
                connection = end.socket.get_extra_info("socket")
                option = connection.getsockopt(sockets.IPPROTO_TCP, sockets.TCP_NOTSENT_LOWAT)
                assert option == UNSENT_BYTES

    tell(story)


def test_a_neighbour_that_takes_too_long_is_passed_over(
    tmp_path: Path, montes: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("node.photos.FETCH_SECONDS", 0.2)
    middle = node_with(tmp_path, "middle", montes)
    slow, holder = (node_with(tmp_path, name, montes, PHOTO) for name in ("slow", "holder"))

    async def story() -> None:
        async with star(middle, slow, holder):
            (end,) = slow.links._ends.values()
            end.session._lending.spend([bytes(100_000_000)], slow.links._now())
            assert await fetch(middle.links, montes)
            assert len(middle.links.linked) == 2

    tell(story)
