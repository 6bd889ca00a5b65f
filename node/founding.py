"""Founding: how a commune begins in an empty home.

Decides what is checked before anything is made, and the order in which key,
charter and anchors come to be. The recovery words are the caller's: they have
to be on paper before this is called.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ledger.errors import StoreError
from ledger.log import LogKey, entry_id
from ledger.records import Authority, Charter, CommuneId, to_payload
from ledger.signing import SigningKey, check_network
from ledger.store.database import is_begun
from ledger.store.reading import Reader

from . import clock, keys
from .errors import HomeError
from .home import Home


@dataclass(frozen=True, slots=True)
class Founding:
    """What a new commune starts with; none of it can be taken back later."""

    name: str
    network: str
    place: str | None = None
    about: str | None = None
    within: str | None = None

    def charter(self, recovery: SigningKey, at: int) -> bytes:
        """The charter, its authority the recovery key. Raises RecordError if it breaks a limit."""
        check_network(self.network)
        return to_payload(
            Charter(
                about=self.about,
                at=at,
                authority=Authority(keys=(recovery.public_key,), threshold=1),
                name=self.name,
                network=self.network,
                place=self.place,
                within=self.within,
            )
        )


def check_unfounded(home: Home) -> None:
    """Raise HomeError if there is a commune in a home already, or if nothing can be written there."""
    home.check_unsigned()
    if is_begun(home.ledger) and holds_entries(home):
        raise HomeError(
            "There is a commune in {path} already: choose another folder with --home.", path=home.path
        )
    home.make()
    with home.locked():
        pass


def holds_entries(home: Home) -> bool:
    """Whether anything is in the ledger; one that cannot be read is not taken for empty."""
    try:
        with Reader(home.ledger) as reader:
            return bool(reader.branches())
    except StoreError:
        return True


def found(
    home: Home, founding: Founding, recovery: SigningKey, *, now: Callable[[], int] = clock.now
) -> CommuneId:
    """Found a commune in an empty home, its authority the recovery key.

    Raises HomeError, RecordError, StoreError. Returns once it is on disk.
    """
    from ledger.author import Author
    from ledger.store.writing import Store

    payload = founding.charter(recovery, now())
    check_unfounded(home)
    with home.locked():
        # A key without entries is left by a founding that was cut short: it has signed nothing.
        key = home.read_key() if home.key_file.exists() else keys.new_key()
        if not home.key_file.exists():
            home.write_key(key)
        with Store(home.ledger, founding.network) as store:
            author = Author(store, key, home.anchors(LogKey(key.public_key)))
            run = author.append([payload])
    return CommuneId(entry_id(run.log, 0, payload))
