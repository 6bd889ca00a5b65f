"""Lending: which photos are given to a neighbour, and kept of those that come from one.

Decides that a photo travels only as part of a listing: it is given to whoever
names a listing that is held here and names it, and kept as one's own if that is
a listing of this commune. So nobody makes a node keep files for them. The files
are `blobs`', how they travel `protocol.lending`'s.
"""

from __future__ import annotations

from typing import BinaryIO

from ledger.errors import NotFound, StoreError
from ledger.log import LogKey
from ledger.store.reading import ListingRow, Reader
from protocol.blobs import BlobWant

from . import journal
from .blobs import Blobs
from .errors import BlobRefused


class Lender:
    """The photos of a home, as its neighbours see them. Belongs to one thread, as its reader does."""

    def __init__(self, reader: Reader, blobs: Blobs, own: LogKey) -> None:
        """`own` is the log that is written here."""
        self.blobs = blobs
        self._reader = reader
        self._own = own

    def lend(self, want: BlobWant) -> tuple[int, BinaryIO] | None:
        """The size and the file of a photo, None where it is not held or its listing is not."""
        try:
            return self.blobs.open(want.digest) if self._listing(want) is not None else None
        except StoreError as error:
            journal.tell("lending_failed", level="warning", error=error)
            return None

    def keep(self, want: BlobWant, data: bytes) -> bool:
        """Keep a photo that came; whether it is held now. Why not is in the journal."""
        try:
            row = self._listing(want)
            if row is None:
                return False  # erased meanwhile
            self.blobs.keep(want.digest, data, own=row.commune == self._reader.commune_of(self._own))
        except (BlobRefused, StoreError) as error:
            journal.tell("photo_refused", level="warning", digest=want.digest.hex()[:16], error=error)
            return False
        return True

    def _listing(self, want: BlobWant) -> ListingRow | None:
        """The listing that names a photo, None where it is not held or names it not."""
        try:
            row = self._reader.listing(want.entry)
        except NotFound:
            return None
        return row if want.digest in row.record.images else None
