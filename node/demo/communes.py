"""Communes: the five of the demonstration, whose story stands in `communes.toml`.

Decides how that file becomes a story: that all recognise each other comes first.
"""

from __future__ import annotations

import tomllib
from itertools import permutations
from pathlib import Path
from typing import Any, Final

import msgspec

from .story import COMMUNE, Act, Member, Story, ref

FILE: Final = Path(__file__).with_suffix(".toml")


def five_communes() -> Story:
    """The story of the five communes."""
    told = tomllib.loads(FILE.read_text(encoding="utf-8"))
    members = msgspec.convert(told["members"], tuple[Member, ...])
    recognised = tuple(
        Act(f"{one.name} recognises {other.name}", one.name, "recognise", COMMUNE + other.name)
        for one, other in permutations(members, 2)
    )
    return Story(members, recognised + msgspec.convert(_with_refs(told["acts"]), tuple[Act, ...]))


def _with_refs(value: Any) -> Any:
    if isinstance(value, str):
        return ref(value[1:]) if value.startswith("@") else value
    if isinstance(value, dict):
        return {name: _with_refs(each) for name, each in value.items()}
    return [_with_refs(each) for each in value] if isinstance(value, list) else value
