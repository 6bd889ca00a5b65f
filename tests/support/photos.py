"""Photos for tests: bytes that begin as a JPEG does, always the same for one name."""

from __future__ import annotations

from hashlib import sha256, shake_128
from pathlib import Path

from ledger.log import EntryId
from ledger.records import Offer
from node import clock, opening
from node.blobs import Blobs
from node.home import Home


def jpeg(name: str, size: int = 1_000) -> bytes:
    """So many bytes that cannot be compressed and begin as a photo."""
    return b"\xff\xd8\xff\xe0" + shake_128(name.encode()).digest(size - 4)


def digest_of(data: bytes) -> bytes:
    """What a blob is named by."""
    return sha256(data).digest()


def post_with_photos(home: Path, title: str, *photos: bytes, kept: bool = True) -> EntryId:
    """Post an offer with photos in a home, whether a node runs in it or not; `kept`: they are there."""
    record = Offer(
        at=clock.now(), title=title, category="food", images=tuple(digest_of(photo) for photo in photos)
    )
    if kept:
        for photo in photos:
            Blobs.of(Home(home)).keep(digest_of(photo), photo, own=True)
    with opening.open_home(Home(home), writing=True) as service:
        return service.record(record)
