"""The process is killed (SIGKILL) at every call that changes or syncs a file, in every story.

After each kill the home is opened by another process, which must find all that
was acknowledged, be allowed to sign, and tell the story to its end.
"""

from __future__ import annotations

import pytest

from .conftest import Crasher
from .stories import STORIES


@pytest.mark.timeout(900)
@pytest.mark.parametrize("story", STORIES)
def test_a_process_killed_at_any_write_loses_nothing_that_it_acknowledged(
    crasher: Crasher, story: str
) -> None:
    acknowledged = [
        len(crasher.disturb(story, "kill", point).said) for point in range(1, crasher.record(story).calls + 1)
    ]
    assert acknowledged == sorted(acknowledged)
    assert acknowledged[0] == 0


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
