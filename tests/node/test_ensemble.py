"""The ensemble: a part that fails, or takes too long, keeps nobody else from anything."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import cast

import pytest

from node.ensemble import Ensemble
from node.parts import Part, PartState, Place

from .test_meeting import journal_of


class Player(Part):
    """A part that notes what it is told."""

    def __init__(self, name: str) -> None:
        self.name = name  # type: ignore[misc]  # of each its own, to tell them apart
        self.noted: list[str] = []

    async def start(self, place: Place) -> None:
        self.noted.append("start")

    async def stop(self) -> None:
        self.noted.append("stop")

    async def before_first_signature(self) -> None:
        self.noted.append("look")

    async def fetch(self, digest: bytes, listing: bytes) -> bool:
        self.noted.append("fetch")
        return True

    def written(self) -> None:
        self.noted.append("written")

    def state(self) -> PartState | None:
        return PartState({"noted": len(self.noted)}) if self.noted else None


class Stubborn(Player):
    """One that waits for ever, or as long as nobody cancels it."""

    async def stop(self) -> None:
        await asyncio.Event().wait()

    before_first_signature = stop

    async def fetch(self, digest: bytes, listing: bytes) -> bool:
        await asyncio.Event().wait()
        return False


class Broken(Player):
    """One that has a fault."""

    async def stop(self) -> None:
        raise RuntimeError("a fault")

    before_first_signature = stop


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ASKING_SECONDS", "PART_SECONDS", "PHOTO_SECONDS"):
        monkeypatch.setattr(f"node.ensemble.{name}", 0.02)


def play(*parts: Part, story: Callable[[Ensemble], Awaitable[None]]) -> None:
    async def whole() -> None:
        ensemble = Ensemble(parts)
        await ensemble.start(cast(Place, None))
        await story(ensemble)

    asyncio.run(whole())


def test_parts_are_told_nothing_before_they_were_started() -> None:
    part = Player("one")
    ensemble = Ensemble([part])
    ensemble.written()
    assert asyncio.run(ensemble.stop()) is None
    assert part.noted == []
    assert ensemble.states() == {}


def test_all_are_stopped_although_some_fail_or_take_too_long(caplog: pytest.LogCaptureFixture) -> None:
    parts = Broken("broken"), Stubborn("stubborn"), Player("good")

    async def story(ensemble: Ensemble) -> None:
        await ensemble.stop()

    play(*parts, story=story)
    assert parts[2].noted == ["start", "stop"]
    assert [fault["part"] for fault in journal_of(caplog, "fault")] == ["broken"]
    assert [late["part"] for late in journal_of(caplog, "left_behind")] == ["stubborn"]


def test_all_look_once_before_the_first_signature_however_many_wait_for_it() -> None:
    parts = Broken("broken"), Stubborn("stubborn"), Player("good")

    async def story(ensemble: Ensemble) -> None:
        await asyncio.gather(*(ensemble.before_first_signature() for _ in range(3)))
        await ensemble.before_first_signature()

    play(*parts, story=story)
    assert parts[2].noted == ["start", "look"]


def test_a_photo_is_fetched_by_all_and_nobody_is_waited_for_without_end() -> None:
    parts = Stubborn("stubborn"), Player("good")

    async def story(ensemble: Ensemble) -> None:
        await ensemble.fetch(bytes(32), bytes(32))
        ensemble.written()
        assert ensemble.states() == {"stubborn": PartState({"noted": 2}), "good": PartState({"noted": 3})}

    play(*parts, story=story)
    assert parts[1].noted == ["start", "fetch", "written"]
