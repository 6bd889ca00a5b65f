"""Following: what is signed here, what comes, and another day are reasons to look whose logs are taken in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import cast

import pytest

from ledger.log import LogKey
from ledger.records import CommuneId, Recognise
from node.custody import Custody
from node.following import Following
from node.home import Home
from node.links import Links
from node.settings import Settings

from ..support.members import tell, until
from .conftest import Found, Secretary


class Told:
    """Links, as far as following goes."""

    def __init__(self) -> None:
        self.forgiven = 0
        self.shown: list[set[LogKey]] = []

    def forgive(self) -> None:
        self.forgiven += 1

    def took_in(self, logs: Iterable[LogKey]) -> None:
        self.shown.append(set(logs))


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("node.following.REVIEW_SECONDS", 0.01)
    monkeypatch.setattr("node.following.DAY_LOOK_SECONDS", 0.01)


@asynccontextmanager
async def followed(who: Secretary) -> AsyncIterator[tuple[Custody, Following, Links]]:
    custody = await Custody.open(Home(who.home), lambda what, seconds: None)
    following = Following(custody, Settings(discovery=False))
    await following.begin()
    try:
        yield custody, following, cast(Links, Told())
    finally:
        await following.close()
        await custody.close()


OTHER = CommuneId(bytes(range(32)))


def test_whoever_is_recognised_here_is_asked_for_again(montes: Secretary) -> None:
    async def story() -> None:
        async with followed(montes) as (custody, following, links):
            told = cast(Told, links)
            assert following.recognised == frozenset()
            await custody.do(lambda service: service.record(Recognise(at=1, commune=OTHER)))
            following.wrote(links)
            await until(lambda: told.forgiven)
            assert following.recognised == {OTHER}
            await until(lambda: told.shown)
            assert told.shown == [{custody.log}], "what a bundle may have brought is told too"

    tell(story)


def test_what_comes_is_looked_at_and_changes_nothing_where_nobody_else_is_in_reach(found: Found) -> None:
    async def story() -> None:
        async with followed(found("Montes")) as (_, following, links):
            for _time in range(5):
                following.came(links)
            await asyncio.sleep(0.1)
            assert cast(Told, links).forgiven == 0

    tell(story)


def test_on_another_day_what_was_held_back_is_asked_for_again(
    montes: Secretary, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = iter([False, True])
    monkeypatch.setattr("node.rations.Rations.count_day", lambda *_: next(days, False))

    async def story() -> None:
        async with followed(montes) as (_, following, links):
            following.count_days(links)
            await until(lambda: cast(Told, links).forgiven)
            await asyncio.sleep(0.05)
            assert cast(Told, links).forgiven == 1

    tell(story)
