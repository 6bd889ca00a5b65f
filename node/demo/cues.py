"""Cues: what a demonstration and the processes with its nodes say to each other, one line of JSON each.

Decides only how it is spelled. A process is told what to do by the lines on its
standard input, and stops when there are no more of them; so it never outlives
who started it. What it does is `house`'s, when it is told is `network`'s.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from ..answers import AnsweredError
from .story import Act, Member

Ids = dict[str, str]
"""Ids in hexadecimal, by the labels of the acts that recorded them, or by names."""

# What a process is told --------------------------------------------------------------------------


class Found(msgspec.Struct, frozen=True, tag="found"):
    """Found these communes, each in its folder."""

    members: list[tuple[Member, str]]


class Start(msgspec.Struct, frozen=True, tag="start"):
    """Start the nodes of all communes that were founded; `follow` are ids of communes and logs."""

    follow: list[str]


class Meet(msgspec.Struct, frozen=True, tag="meet"):
    """Link each node with those that listen at these ports."""

    ports: dict[str, list[int]]


class Play(msgspec.Struct, frozen=True, tag="play"):
    """Do these acts, each when what it needs is held where it is done; `ids` are those of the communes."""

    acts: list[Act]
    ids: Ids


class Tell(msgspec.Struct, frozen=True, tag="tell"):
    """These acts have been done elsewhere."""

    ids: Ids


class Settle(msgspec.Struct, frozen=True, tag="settle"):
    """Say of each node what it holds, once that is so many entries; at once, without a number."""

    entries: int | None


class Audit(msgspec.Struct, frozen=True, tag="audit"):
    """Audit each node."""


Cue: TypeAlias = Found | Start | Meet | Play | Tell | Settle | Audit

# What it says ------------------------------------------------------------------------------------


class Founded(msgspec.Struct, frozen=True, tag="founded"):
    """The communes are founded, with these ids, and logs."""

    ids: Ids


class Started(msgspec.Struct, frozen=True, tag="started"):
    """The nodes are started, with these ports for people and for peers."""

    ports: dict[str, tuple[int, int]]


class Done(msgspec.Struct, frozen=True, tag="done"):
    """These acts are done."""

    ids: Ids


class Holding(msgspec.Struct, frozen=True, tag="holding"):
    """What a node holds, in numbers and as a hash over all heads; its traffic, in bytes."""

    name: str
    entries: int
    exchanges: int
    fulfilled: int
    digest: str
    sent: int
    received: int
    links: int
    """the most links that it had at once"""


class Audited(msgspec.Struct, frozen=True, tag="audited"):
    """How grave the worst is that a node's audit found; None if it is clean."""

    name: str
    worst: str | None
    memory: int
    """bytes that the process with the node has taken at the most"""


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """Something was refused that should not have been: at whose node, and why."""

    name: str
    error: AnsweredError


Word: TypeAlias = Founded | Started | Done | Holding | Audited | Failed
