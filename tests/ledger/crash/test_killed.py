"""The process is killed (SIGKILL) at calls that change or sync a file, in every story.

Of runs of writes to one file the beginning and the end are quick to try; each
call and each torn write for itself takes long.

After each kill the home is opened by another process, which must find all that
was acknowledged, be allowed to sign, and tell the story to its end.
"""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from .conftest import Crasher
from .stories import STORIES


def killed(crasher: Crasher, story: str, points: Iterable[int]) -> None:
    acknowledged = [len(crasher.disturb(story, "kill", point).said) for point in points]
    assert acknowledged == sorted(acknowledged)
    assert acknowledged[0] == 0


@pytest.mark.timeout(900)
@pytest.mark.parametrize("story", STORIES)
def test_a_process_killed_at_a_write_loses_nothing_that_it_acknowledged(crasher: Crasher, story: str) -> None:
    killed(crasher, story, crasher.record(story).turns())


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("story", STORIES)
def test_a_process_killed_at_any_write_loses_nothing_that_it_acknowledged(
    crasher: Crasher, story: str
) -> None:
    killed(crasher, story, range(1, crasher.record(story).calls + 1))


def torn(crasher: Crasher, story: str, every: int) -> None:
    writes = [event.operation == "w" for event in crasher.record(story).events if event.operation != "m"]
    points = [point for point, is_write in enumerate(writes, 1) if is_write]
    for point in points[len(points) % every :: every]:
        crasher.disturb(story, "tear", point)


@pytest.mark.parametrize("story", STORIES)
def test_a_process_killed_in_the_middle_of_a_write_loses_nothing(crasher: Crasher, story: str) -> None:
    torn(crasher, story, every=7)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("story", STORIES)
def test_a_process_killed_in_the_middle_of_any_write_loses_nothing(crasher: Crasher, story: str) -> None:
    torn(crasher, story, every=1)


@pytest.mark.parametrize("story", ["appending", "checkpointing"])
def test_a_reader_that_stays_does_not_hinder_recovery(crasher: Crasher, story: str) -> None:
    """Another process holds on to a state from before, and to the shared memory that the dead one wrote."""
    points = range(3, crasher.record(story).calls + 1, 11)
    killed = [crasher.disturb(story, "kill", point, reader=True).killed for point in points]
    assert sum(killed) > len(points) // 2
