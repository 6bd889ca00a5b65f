"""The instrument itself: that it sees every write, and that what it shows can be repeated."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path
from random import Random

import pytest

from .conftest import Crasher
from .disk import Disk
from .stories import STORIES


def files(folder: Path) -> dict[str, bytes]:
    """All files below a folder but the shared memory, which is not written through calls."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.endswith("-shm")
    }


def test_there_are_a_thousand_points_and_more(crasher: Crasher) -> None:
    assert sum(crasher.record(story).calls for story in STORIES) >= 1_000


@pytest.mark.parametrize("story", STORIES)
def test_what_is_quick_to_try_is_every_call_that_is_not_amid_writes_to_one_file(
    crasher: Crasher, story: str
) -> None:
    events, turns = crasher.record(story).events, set(crasher.record(story).turns())
    calls = [event for event in events if event.operation != "m"]
    assert {number for number, event in enumerate(calls, 1) if event.operation != "w"} <= turns
    # What was said at a moment was said between two calls, and both are tried.
    before = 0
    for event in events:
        if event.operation == "m":
            assert before in turns
            assert before == len(calls) or before + 1 in turns
        else:
            before += 1
    left_out = set(range(1, len(calls) + 1)) - turns
    assert left_out
    for number in left_out:
        around = {(event.operation, event.path) for event in calls[number - 3 : number + 2]}
        assert len(around) == 1, (number, around)


@pytest.mark.parametrize("story", STORIES)
def test_the_trace_is_all_that_was_written(crasher: Crasher, tmp_path: Path, story: str) -> None:
    """The trace, replayed, gives the files byte for byte: no call is missed, by whatever name it is made."""
    recording = crasher.record(story)
    disk = Disk(recording.before, recording.after)
    for event in recording.events:
        disk.apply(event)
    disk.leave(tmp_path, "everything", Random(0))
    assert files(tmp_path) == files(recording.after)
    assert files(tmp_path) != files(recording.before)


@pytest.mark.parametrize("story", STORIES)
def test_a_story_makes_the_same_calls_whenever_it_is_told(
    crasher: Crasher, tmp_path: Path, story: str
) -> None:
    """Else a point would not be the same one twice, and some might never be reached."""
    recording = crasher.record(story)
    again = crasher.ask(do="record", story=story, folder=str(tmp_path / "again"), trace="")
    assert again["calls"] == recording.calls
    assert recording.calls == sum(event.operation != "m" for event in recording.events)
    assert {event.operation for event in recording.events} >= {"w", "t", "s"}


def test_a_call_that_is_never_made_disturbs_nothing(crasher: Crasher) -> None:
    """And a story that nothing disturbs acknowledges all its steps."""
    for name, story in STORIES.items():
        said = crasher.disturb(name, "fail on", crasher.record(name).calls + 1, errno.EIO).said
        assert [item["acknowledged"]["step"] for item in said] == list(range(len(story().during)))


def test_the_examination_finds_what_is_missing(crasher: Crasher, tmp_path: Path) -> None:
    """A head said to be acknowledged that is not held, one of another root, and a run that is not there."""
    recording = crasher.record("ingesting")
    heads = [event.said["acknowledged"] for event in recording.events if event.said is not None]
    before, after = tmp_path / "before", tmp_path / "after"
    shutil.copytree(recording.before, before)
    shutil.copytree(recording.after, after)
    assert not crasher.examine("ingesting", after, heads)
    newest = max(heads, key=lambda head: int(head["size"]))
    for wrong in ({**newest, "size": newest["size"] + 1}, {**newest, "root": "00" * 32}):
        assert "AssertionError" in crasher.examine("ingesting", after, [*heads, wrong])[0]
    runs = [head for head in heads if not head["size"]]
    assert "an acknowledged run" in crasher.examine("ingesting", before, runs)[0]
