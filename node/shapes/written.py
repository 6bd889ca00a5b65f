"""What is answered once something was signed or done, as JSON."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from ledger.exchange import State

from . import Id


class Written(msgspec.Struct, frozen=True):
    """The entry that was signed."""

    id: Id


class WrittenMove(msgspec.Struct, frozen=True):
    """The entry that was signed, and the state of the exchange after it."""

    id: Id
    state: State


class WrittenRecognition(msgspec.Struct, frozen=True):
    """The entry that was signed, and the commune that it is about."""

    id: Id
    commune: Id


class Opened(msgspec.Struct, frozen=True):
    """The succession that opened a log, or the request that still lacks signatures."""

    id: Id | UnsetType = UNSET
    request: dict[str, Any] | UnsetType = UNSET


class Kept(msgspec.Struct, frozen=True):
    """A photo that was kept."""

    sha256: Id


class Unread(msgspec.Struct, frozen=True):
    """How many notices nobody has looked at."""

    unread: int
