"""Standing: how things stand when a record is looked at, compared with how they stand when it is signed.

Decides what of that counts: the state of the exchange that the record is about,
and whether the same has been recorded just now. So of two people, or two
windows, at one node the second is told what the first has done, and nothing is
recorded twice unless somebody means it.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

import msgspec

from ledger.log import EntryId
from ledger.records import Record

from ..errors import InputError
from ..repeated import same_as
from ..service import Service


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether one of the newest own entries says the same, and a mark of the exchange's state."""

    is_repeated: bool
    exchange: str

    @property
    def mark(self) -> str:
        """What the page holds of it, to be compared."""
        return f"{self.exchange}.{self.is_repeated:d}"

    def check(self, seen: str) -> None:
        """Refuse to sign if it was otherwise when somebody looked. Raises InputError."""
        exchange, _, repeated = seen.partition(".")
        if exchange != self.exchange:
            raise InputError(
                "Something has been recorded in this exchange since you looked: go back to it and look, or "
                "sign all the same."
            )
        if self.is_repeated and repeated != "1":
            raise InputError(
                "The same was recorded while you looked, perhaps by somebody else or in another window."
            )


def standing_of(record: Record, about: EntryId | None, service: Service) -> Standing:
    """How things stand now for a record, and for the exchange that it is about. Raises NotFound."""
    mark = ""
    if about is not None:
        # What strangers say in it changes nothing, and must keep nobody from signing.
        exchange = msgspec.structs.replace(service.reader.exchange(about), refused=())
        mark = sha256(msgspec.msgpack.encode(exchange)).hexdigest()[:16]
    return Standing(same_as(record, service) is not None, mark)
