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


class RecoveryWords(msgspec.Struct, frozen=True):
    """The recovery words of a commune that is not founded yet, with blanks between them."""

    words: str


class Founded(msgspec.Struct, frozen=True):
    """The commune that was founded."""

    commune: Id


class Received(msgspec.Struct, frozen=True):
    """How many bytes of a file came."""

    bytes: int


class BroughtBack(msgspec.Struct, frozen=True, kw_only=True):
    """A commune that is back: its new log, and what opened it or what others still have to sign."""

    commune: Id
    name: str
    log: Id
    id: Id | None
    request: dict[str, Any] | None


class Kept(msgspec.Struct, frozen=True):
    """A photo that was kept."""

    sha256: Id


class Unread(msgspec.Struct, frozen=True):
    """How many notices nobody has looked at."""

    unread: int
