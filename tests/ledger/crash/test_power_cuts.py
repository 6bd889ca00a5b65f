"""The power goes: what was written and not synced is gone, or there in part, in any order.

A story is told once and recorded; then its disk is worked out as a cut at some
moment may leave it (`disk` says by which rules), and examined like after a
kill. What the process had acknowledged before that moment must be there.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from random import Random

import pytest

from .conftest import Crasher, Recording
from .disk import Choice, Disk, Event, File, sectors
from .stories import STORIES

SEED = 20_261_124
CUTS = 60
"""cuts of each story."""


def cut(
    crasher: Crasher, story: str, folder: Path, at: int, choice: Choice, seed: int, *, lying: bool = False
) -> list[str]:
    """The faults of what is left when the power goes after event `at`."""
    recording = crasher.record(story)
    disk = Disk(recording.before, recording.after)
    events = recording.events[:at]
    for event in events:
        if not (lying and event.operation == "s"):
            disk.apply(event)
    folder.mkdir()
    disk.leave(folder, choice, Random(seed))
    acknowledged = [event.said["acknowledged"] for event in events if event.said is not None]
    faults = crasher.examine(story, folder, acknowledged, power=True)
    shutil.rmtree(folder)
    return faults


def moments(recording: Recording, count: int, rng: Random) -> list[tuple[int, Choice]]:
    """Cuts to try: right after every acknowledgement, and at random moments."""
    chosen: list[tuple[int, Choice]] = []
    for at, event in enumerate(recording.events, 1):
        if event.said is not None:
            chosen += [(at, "nothing"), (at, "something")]
    choices: list[Choice] = ["nothing", "something", "something", "something", "everything"]
    while len(chosen) < count:
        chosen.append((rng.randint(0, len(recording.events)), rng.choice(choices)))
    return chosen


@pytest.mark.parametrize("story", STORIES)
def test_a_power_cut_loses_nothing_that_was_acknowledged(
    crasher: Crasher, tmp_path: Path, story: str
) -> None:
    rng = Random(f"{SEED} {story}")
    for at, choice in moments(crasher.record(story), CUTS, rng):
        seed = rng.getrandbits(32)
        faults = cut(crasher, story, tmp_path / "left", at, choice, seed)
        assert not faults, f"story {story!r}, cut after event {at}, {choice!r}, seed {seed}:\n{faults[0]}"


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("story", STORIES)
def test_the_power_may_go_at_any_moment(crasher: Crasher, tmp_path: Path, story: str) -> None:
    rng = Random(f"{SEED} {story} everywhere")
    for at in range(len(crasher.record(story).events) + 1):
        choices: list[Choice] = ["nothing", "something", "something", "everything"]
        for choice in choices:
            seed = rng.getrandbits(32)
            faults = cut(crasher, story, tmp_path / "left", at, choice, seed)
            assert not faults, f"story {story!r}, cut after event {at}, {choice!r}, seed {seed}:\n{faults[0]}"


def test_a_disk_that_lies_about_syncing_loses_and_the_loss_is_seen(crasher: Crasher, tmp_path: Path) -> None:
    """Beyond what anybody can promise; here to show that these tests can fail."""
    story = "appending"
    events = crasher.record(story).events
    acknowledgements = [at for at, event in enumerate(events, 1) if event.said is not None]
    for at in acknowledgements:
        assert cut(crasher, story, tmp_path / "left", at, "nothing", 0, lying=True)


def folder_after(tmp_path: Path, choice: Choice, seed: int, *events: Event) -> dict[str, bytes]:
    """What is left of a folder that held the file `old` when the power went after some events."""
    before, left = tmp_path / "before", tmp_path / f"left {choice} {seed}"
    before.mkdir(exist_ok=True)
    (before / "old").write_bytes(b"old")
    disk = Disk(before, Path("/home of a commune"))
    for event in events:
        disk.apply(event)
    left.mkdir()
    disk.leave(left, choice, Random(seed))
    return {path.name: path.read_bytes() for path in left.iterdir()}


HOME = "/home of a commune"
MADE = (Event("c", f"{HOME}/new"), Event("w", f"{HOME}/new", data=b"new"))
MOVED = Event("r", f"{HOME}/new", f"{HOME}/old")


def test_a_new_file_may_be_lost_until_its_folder_is_synced(tmp_path: Path) -> None:
    """Syncing the file alone does not make its name durable (fsync(2))."""
    synced = (*MADE, Event("s", f"{HOME}/new"))
    assert folder_after(tmp_path, "nothing", 0, *synced) == {"old": b"old"}
    assert folder_after(tmp_path, "nothing", 1, *synced, Event("s", HOME)) == {"old": b"old", "new": b"new"}


def test_a_name_may_be_durable_before_its_content_is(tmp_path: Path) -> None:
    """Why a file is synced before it takes the place of another one."""
    events = (*MADE, MOVED, Event("s", HOME))
    assert folder_after(tmp_path, "nothing", 0, *events) == {"old": b""}


def test_a_file_that_takes_the_place_of_another_does_so_at_once(tmp_path: Path) -> None:
    events = (*MADE, Event("s", f"{HOME}/new"), MOVED)
    assert folder_after(tmp_path, "everything", 0, *events) == {"old": b"new"}
    for seed in range(30):
        left = folder_after(tmp_path, "something", seed, *events)
        assert left in ({"old": b"old"}, {"old": b"old", "new": b"new"}, {"old": b"new"})


def test_a_file_that_was_removed_may_be_back_until_its_folder_is_synced(tmp_path: Path) -> None:
    removed = Event("u", f"{HOME}/old")
    assert folder_after(tmp_path, "nothing", 0, removed) == {"old": b"old"}
    assert folder_after(tmp_path, "nothing", 1, removed, Event("s", HOME)) == {}


def test_a_torn_write_leaves_whole_sectors() -> None:
    event = Event("w", "ledger", offset=500, data=bytes(range(256)) * 5)
    parts = list(sectors(event))
    assert b"".join(data for _, data in parts) == event.data
    assert [offset for offset, _ in parts] == [500, 512, 1024, 1536]


def test_what_is_synced_stays_and_what_is_not_may_go() -> None:
    file = File(b"synced", [Event("w", offset=6, data=b" and more")])
    assert file.left("nothing", Random(0)) == b"synced"
    assert file.left("everything", Random(0)) == b"synced and more"
    assert {file.left("something", Random(seed)) for seed in range(40)} >= {b"synced", b"synced and more"}


def test_a_write_beyond_the_end_leaves_zeros_where_nothing_was_written() -> None:
    file = File(b"ab", [Event("w", offset=4, data=b"ef"), Event("t", offset=5)])
    assert file.left("everything", Random(0)) == b"ab\0\0e"
