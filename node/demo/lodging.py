"""Lodging: in which process each node of a demonstration lives, and with which others it is linked.

Decides that all processes have about as much to do, and that every node can be
reached from every other over few links.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .story import Member, Story

LINKS: Final = (1, 6)
"""Each node opens links with those so many places after it; with as many opened by others it has four."""

ALL_LINKED: Final = 9
"""Nodes up to which each is linked with all others, as neighbours are; that makes eight links at the most."""


@dataclass(frozen=True, slots=True)
class Lodging:
    """Where the node of a member lives, once it has been started."""

    member: Member
    home: Path
    process: int
    people: int = 0
    peers: int = 0

    @property
    def page(self) -> str:
        """The address of its pages."""
        return f"http://127.0.0.1:{self.people}/"


def lodged(story: Story, folder: Path, processes: int) -> dict[str, Lodging]:
    """All members, each in the process that has the least to do, those with the most to do first."""
    busy: Counter[str] = Counter(act.who for act in story.acts)
    load = [0] * processes
    house: dict[str, int] = {}
    for member in sorted(story.members, key=lambda member: -busy[member.name]):
        house[member.name] = min(range(processes), key=lambda number: (load[number], number))
        load[house[member.name]] += busy[member.name] + 1
    return {
        member.name: Lodging(member, folder / f"{place:02}-{_folder_name(member.name)}", house[member.name])
        for place, member in enumerate(story.members, 1)
    }


def _folder_name(name: str) -> str:
    """A name as part of a path: small ASCII letters and digits."""
    plain = unicodedata.normalize("NFKD", name.casefold()).encode("ascii", "ignore").decode()
    return "".join(letter if letter.isalnum() else "-" for letter in plain)[:40].strip("-")


def ways(lodgings: Mapping[str, Lodging]) -> dict[str, tuple[int, ...]]:
    """At which ports each node calls others."""
    names = list(lodgings)
    steps = range(1, len(names)) if len(names) <= ALL_LINKED else LINKS
    return {
        name: tuple(
            lodgings[names[(place + step) % len(names)]].peers
            for step in steps
            # Those that are called from the other side are not called from this one.
            if 2 * step < len(names) or (2 * step == len(names) and place < step)
        )
        for place, name in enumerate(names)
    }
