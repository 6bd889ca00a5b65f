"""Speaking: what neighbours want is read in pieces, and they are told if it cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from node import speaking
from protocol.frames import Kind
from protocol.limits import SERVED_BYTES
from protocol.questions import Want, encode_wants
from protocol.serving import frames_for

from ..support.histories import NETWORK, Author, numbered, written
from ..support.stranger import stranger
from .test_links import Node, failing, linked, tell, until


def test_a_neighbour_is_told_of_trouble_where_what_it_wants_cannot_be_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    one, other = Node(tmp_path, "one"), Node(tmp_path, "other")
    other.holding(written("some", numbered("some", 3)))

    async def story() -> None:
        async with other.running(), one.running():
            with failing(speaking, "frames_for"):
                async with linked(one, other) as task:
                    assert (await task).said == "trouble"
            assert other.links.troubles.serving is not None
            assert one.links.troubles == (None, None)
            assert [each.message for each in caplog.records if each.levelname == "ERROR"] == [
                "serving_failed"
            ]
            async with linked(one, other):
                await until(lambda: bool(one.links.gossip._announcing._memories))
            assert one.sizes() == other.sizes()
            assert other.links.troubles == (None, None)

    tell(story)


def test_what_is_wanted_by_the_gigabyte_is_served_by_the_megabyte(tmp_path: Path) -> None:
    """A log wanted a thousand times takes no more memory than once, and others get theirs in between."""
    one = Node(tmp_path, "one")
    author = written("long", *([bytes([number]) * 1_000 for number in range(200)] for _ in range(15)))
    one.holding(author)
    log, size = author.state.log, author.state.size

    async def story() -> None:
        async with one.running(), stranger(one.port, Author("greedy").key, NETWORK) as greedy:
            wants = [Want(log, 0, size)] * 1_000
            served = frames_for(wants, one.links._speaking._shelf)
            assert sum(map(len, served.frames)) < 2 * SERVED_BYTES
            assert served.rest[0].start > 0
            assert len(served.rest) > 990
            await greedy.say(Kind.WANT, encode_wants(wants))
            async with stranger(one.port, Author("modest").key, NETWORK) as modest:
                modest.session.want([Want(log, 0, size)])
                await modest.send()
                while modest.session.open_wants:
                    assert await modest.hear()

    tell(story)
