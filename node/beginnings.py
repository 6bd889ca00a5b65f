"""Beginnings: foundings under way in a running node, from the words that are shown to those typed back.

Decides that nothing is founded before the recovery words have come back, so that
somebody has them on paper, and that until then they are in memory alone. Who is
shown them is said by a key of whoever asks: a browser's visit, or the API. How a
commune is founded is `founding`'s.

Belongs to the event loop's thread.
"""

from __future__ import annotations

import asyncio
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ledger.records import CommuneId
from ledger.signing import SigningKey

from . import clock, journal, keys, language
from .errors import HomeError, WordsError
from .founding import Founding, check_unfounded, found
from .limits import STARTING_SECONDS

if TYPE_CHECKING:
    from .resident import Resident

MAX_BEGUN: Final = 8
"""foundings under way at once; there is one home."""

NETWORK: Final = "comunas"
"""The network for real use."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A founding whose words are shown, and the key that they stand for."""

    founding: Founding
    recovery: SigningKey
    words: tuple[str, ...]


class Beginnings:
    """Foundings under way, by who asks; the oldest gives way."""

    def __init__(self) -> None:
        self._begun: dict[str, Begun] = {}

    def of(self, asking: str) -> Begun | None:
        """The one that somebody has begun."""
        return self._begun.get(asking)

    async def begin(self, asking: str, founding: Founding, resident: Resident) -> Begun:
        """Make the recovery key of a commune that is to be. Raises HomeError, RecordError.

        Its words are in the language that is spoken.
        """
        recovery = keys.new_key()
        founding.charter(recovery, clock.now())
        await asyncio.to_thread(check_unfounded, resident.home)
        words = tuple(keys.words_of(recovery, language.current()).split())
        self._begun.pop(asking, None)
        self._begun[asking] = begun = Begun(founding, recovery, words)
        while len(self._begun) > MAX_BEGUN:
            del self._begun[next(iter(self._begun))]
        return begun

    def check_words(self, begun: Begun, typed: str) -> None:
        """Refuse words that are not those which were shown. Raises WordsError."""
        key = keys.key_of_words(typed).public_key
        if not hmac.compare_digest(key, begun.recovery.public_key):
            raise WordsError("These are the recovery words of another commune: copy those shown here.")

    async def found(self, asking: str, begun: Begun, resident: Resident) -> CommuneId:
        """Found the commune, and forget the words once it is; returns when the node has opened the home.

        Raises HomeError, RecordError, StoreError.
        """
        commune = await asyncio.to_thread(found, resident.home, begun.founding, begun.recovery)
        journal.tell("founded", network=begun.founding.network)
        self._begun.pop(asking, None)
        await opened(resident)
        return commune


async def opened(resident: Resident) -> None:
    """Wait until the node has opened the home that was founded or restored just now. Raises HomeError."""
    for _wait in range(STARTING_SECONDS * 10):
        if resident.custody is not None:
            return
        await asyncio.sleep(0.1)
    raise HomeError("The commune is founded, and its home is not open yet: load this page again in a moment.")


def check_empty(resident: Resident) -> None:
    """Refuse where a commune is open already. Raises HomeError."""
    if resident.custody is not None:
        raise HomeError(
            "There is a commune in {path} already: choose another folder with --home.",
            path=resident.home.path,
        )
