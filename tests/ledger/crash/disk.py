"""A disk that loses its power: what may be left of a folder, from a record of all that was written.

The model is what POSIX and Linux promise, and nothing more. What a file held
when it was last synced is there. Of what was written to it later, any part may
be there, each sector of 512 bytes for itself, in no order. A name (made, moved
or removed) is there for sure once the folder that holds it was synced; until
then it may be there or not, with any other. A name that moved is in the old
place or in the new. What the disk says it has synced is on it: one that lies
about that is beyond this model, and beyond every program.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Literal, TypeVar

SECTOR = 512
"""bytes that a disk writes as a whole."""

HEADER = struct.Struct("<BBHHHQQ")
"""`struct record` of the shim, without padding."""

Change = TypeVar("Change")

Choice = Literal["nothing", "everything", "something"]
"""What is left of that which was not synced."""


@dataclass(frozen=True, slots=True)
class Event:
    """One call that changed the folder, or what the process said (`said`), in the order of time."""

    operation: str
    path: str = ""
    target: str = ""
    offset: int = 0
    data: bytes = b""

    @property
    def said(self) -> dict[str, Any] | None:
        """What left the process at this moment, if this is a mark."""
        said: dict[str, Any] | None = json.loads(self.data) if self.operation == "m" else None
        return said


def read_trace(path: Path) -> list[Event]:
    """All events of a trace, in order."""
    trace = memoryview(path.read_bytes())
    events = []
    at = 0
    while at < len(trace):
        operation, _, path_length, target_length, _, offset, length = HEADER.unpack_from(trace, at)
        at += HEADER.size
        parts = []
        for size in (path_length, target_length, length):
            parts.append(bytes(trace[at : at + size]))
            at += size
        events.append(Event(chr(operation), parts[0].decode(), parts[1].decode(), offset, parts[2]))
    return events


@dataclass(slots=True, eq=False)
class File:
    """A file, whatever its names: what is certain of it, and what was done to it since."""

    certain: bytes = b""
    pending: list[Event] = field(default_factory=list)

    def left(self, choice: Choice, rng: Random) -> bytes:
        """What a power cut leaves of it."""
        content = bytearray(self.certain)
        for event in chosen(self.pending, choice, rng):
            if event.operation == "t":
                resize(content, event.offset)
            elif choice == "something" and rng.random() < 0.3:
                for offset, data in sectors(event):
                    if rng.random() < 0.5:
                        write(content, offset, data)
            else:
                write(content, event.offset, event.data)
        return bytes(content)


Names = dict[str, "File | Folder | None"]
"""What names stand for after one change of a folder, which happens as a whole; None: no longer there."""


@dataclass(slots=True, eq=False)
class Folder:
    """A folder: the names that are certain, and what was done to its names since."""

    certain: dict[str, File | Folder] = field(default_factory=dict)
    pending: list[Names] = field(default_factory=list)

    def now(self) -> dict[str, File | Folder]:
        """The names as the process sees them."""
        return self._after(self.pending)

    def left(self, choice: Choice, rng: Random) -> dict[str, File | Folder]:
        """The names that a power cut leaves."""
        return self._after(chosen(self.pending, choice, rng))

    def _after(self, changes: Sequence[Names]) -> dict[str, File | Folder]:
        names: Names = dict(self.certain)
        for change in changes:
            names.update(change)
        return {name: item for name, item in names.items() if item is not None}


class Disk:
    """A folder on a disk, as calls change it."""

    def __init__(self, before: Path, place: Path) -> None:
        """Begin with a copy of the folder `before`, all of it certain; calls name paths below `place`."""
        self.place = place
        self.top = _certain(before)

    def apply(self, event: Event) -> None:
        """One call, in the order of the trace."""
        if event.operation == "m":
            return
        item = self._find(event.path)
        match event.operation:
            case "w" | "t":
                assert isinstance(item, File)
                item.pending.append(event)
            case "s":
                if isinstance(item, File):
                    item.certain, item.pending = item.left("everything", Random(0)), []
                else:
                    assert isinstance(item, Folder)
                    item.certain, item.pending = item.now(), []
            case "c" | "d":
                self._name(event.path, File() if event.operation == "c" else Folder())
            case "u" | "x":
                assert item is not None
                self._name(event.path, None)
            case "r":
                assert Path(event.path).parent == Path(event.target).parent
                assert item is not None
                folder, name = self._folder_of(event.target)
                folder.pending.append({name: item, Path(event.path).name: None})
            case _:
                raise AssertionError(event)

    def leave(self, target: Path, choice: Choice, rng: Random) -> None:
        """Write what a power cut leaves into an empty folder."""
        _leave(self.top, target, choice, rng)

    def _folder_of(self, path: str) -> tuple[Folder, str]:
        *folders, name = Path(path).relative_to(self.place).parts
        at = self.top
        for part in folders:
            below = at.now()[part]
            assert isinstance(below, Folder)
            at = below
        return at, name

    def _find(self, path: str) -> File | Folder | None:
        if Path(path) == self.place:
            return self.top
        folder, name = self._folder_of(path)
        return folder.now().get(name)

    def _name(self, path: str, item: File | Folder | None) -> None:
        folder, name = self._folder_of(path)
        folder.pending.append({name: item})


def chosen(pending: Sequence[Change], choice: Choice, rng: Random) -> Sequence[Change]:
    """Which of some changes are left, in their order: none, all, the first few, or any."""
    if choice == "something":
        match rng.randrange(4):
            case 0:
                return [change for change in pending if rng.random() < 0.5]
            case 1:
                return pending[: rng.randint(0, len(pending))]
            case 2:
                return pending
    return pending if choice == "everything" else []


def sectors(event: Event) -> Iterator[tuple[int, bytes]]:
    """A write as the sectors that it touches: offset and bytes of each part."""
    at, end = event.offset, event.offset + len(event.data)
    while at < end:
        stop = min(end, (at // SECTOR + 1) * SECTOR)
        yield at, event.data[at - event.offset : stop - event.offset]
        at = stop


def write(content: bytearray, offset: int, data: bytes) -> None:
    """Write into a file's content; what lies between its end and the offset becomes zeros."""
    if len(content) < offset:
        resize(content, offset)
    content[offset : offset + len(data)] = data


def resize(content: bytearray, size: int) -> None:
    """Cut a file's content short, or fill it up with zeros."""
    del content[size:]
    content.extend(bytes(size - len(content)))


def _certain(folder: Path) -> Folder:
    return Folder(
        {
            path.name: _certain(path) if path.is_dir() else File(path.read_bytes())
            for path in sorted(folder.iterdir())
        }
    )


def _leave(folder: Folder, target: Path, choice: Choice, rng: Random) -> None:
    for name, item in sorted(folder.left(choice, rng).items()):
        if isinstance(item, Folder):
            (target / name).mkdir()
            _leave(item, target / name, choice, rng)
        else:
            content = item.left(choice, rng)
            if name.endswith("-shm"):
                # Shared memory: written through no call, and worth nothing after a restart: so anything.
                content = rng.randbytes(len(content))
            (target / name).write_bytes(content)
