"""Keys of requests: how many are known, and what becomes of a request that fails or is left alone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from aiohttp.test_utils import make_mocked_request

from ledger.errors import MoveRefused
from node.api.repeats import HEADER, Done, Repeats
from node.errors import InputError
from node.limits import MAX_REPEATS

Do = Callable[[], Awaitable[Done]]


def counting() -> tuple[list[int], Do]:
    """Something that says how often it was done."""
    times: list[int] = []

    async def do() -> Done:
        times.append(1)
        return Done(201, str(len(times)).encode())

    return times, do


async def once(repeats: Repeats, key: str, do: Do, data: bytes = b"") -> Done:
    return await repeats.once(make_mocked_request("POST", "/x", {HEADER: key}), data, do)


def test_only_the_newest_keys_are_known() -> None:
    async def story() -> None:
        repeats = Repeats()
        times, do = counting()
        for number in range(MAX_REPEATS + 1):
            await once(repeats, str(number), do)
        assert len(times) == MAX_REPEATS + 1
        assert (await once(repeats, "1", do)).body == b"2"
        assert (await once(repeats, "0", do)).body == str(MAX_REPEATS + 2).encode()

    asyncio.run(story())


def test_what_failed_is_forgotten() -> None:
    async def refuse() -> Done:
        raise MoveRefused("Not now.")

    async def story() -> None:
        repeats = Repeats()
        with pytest.raises(MoveRefused):
            await once(repeats, "a", refuse)
        times, do = counting()
        assert (await once(repeats, "a", do)).status == 201
        with pytest.raises(InputError):
            await once(repeats, "a", do, b"else")
        assert len(times) == 1

    asyncio.run(story())


def test_what_signed_nothing_is_tried_anew() -> None:
    async def wait() -> Done:
        return Done(200, b"signatures are missing")

    async def story() -> None:
        repeats = Repeats()
        assert (await once(repeats, "a", wait)).status == 200
        assert (await once(repeats, "a", counting()[1])).status == 201

    asyncio.run(story())


def test_whoever_goes_away_finds_it_done() -> None:
    async def story() -> None:
        repeats = Repeats()
        times, do = counting()
        going = asyncio.Event()

        async def slowly() -> Done:
            await going.wait()
            return await do()

        first = asyncio.create_task(once(repeats, "a", slowly))
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        going.set()
        assert (await once(repeats, "a", slowly)).body == b"1"
        assert len(times) == 1

    asyncio.run(story())


def test_without_a_key_it_is_done_each_time() -> None:
    async def story() -> None:
        repeats = Repeats()
        times, do = counting()
        for _ in range(3):
            await repeats.once(make_mocked_request("POST", "/x"), b"", do)
        assert len(times) == 3

    asyncio.run(story())
