"""The store of photos: what is kept, what has to go for it, and what is never given out."""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace

import pytest

from ledger.errors import StoreError
from node.blobs import Blobs, picture_type
from node.errors import BlobRefused
from node.home import Home
from node.limits import BLOB_USED_SECONDS, LOW_DISK_BYTES, MAX_DAMAGED_BLOBS, MEGABYTE, UNLISTED_SECONDS
from protocol.limits import MAX_BLOB_BYTES

from ..support.photos import digest_of, jpeg

QUOTA = 10_000


class Clock:
    """A clock that is set by hand, in seconds."""

    def __init__(self) -> None:
        self.seconds = 1_800_000_000.0

    def __call__(self) -> int:
        return int(self.seconds * 1_000)

    def forward(self, seconds: float) -> None:
        self.seconds += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def blobs(tmp_path: Path, clock: Clock) -> Blobs:
    return Blobs(tmp_path / "blobs", QUOTA, clock)


def keep(blobs: Blobs, clock: Clock, name: str, size: int = 1_000, *, own: bool = False) -> bytes:
    """Keep a photo, looked at now by the clock of the test."""
    data = jpeg(name, size)
    assert blobs.keep(digest_of(data), data, own=own)
    path = blobs._own if own else blobs._others
    os.utime(path / digest_of(data).hex(), (clock.seconds, clock.seconds))
    return digest_of(data)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("own", [False, True])
def test_a_photo_comes_out_as_it_went_in(blobs: Blobs, *, own: bool) -> None:
    data = jpeg("mercado", 5_000)
    assert blobs.read(digest_of(data)) is None
    assert not blobs.holds(digest_of(data))
    assert blobs.keep(digest_of(data), data, own=own)
    assert not blobs.keep(digest_of(data), data, own=own), "the second time it is not new"
    assert blobs.read(digest_of(data)) == data
    assert blobs.holds(digest_of(data))
    opened = blobs.open(digest_of(data))
    assert opened is not None
    with opened[1] as file:
        assert (opened[0], file.read()) == (len(data), data)
    assert names(blobs._own.parent) == [digest_of(data).hex()]


def test_one_of_others_becomes_ones_own_and_never_the_other_way(blobs: Blobs) -> None:
    data = jpeg("mercado")
    blobs.keep(digest_of(data), data, own=False)
    assert blobs.open_own(digest_of(data)) is None
    blobs.keep(digest_of(data), data, own=True)
    blobs.keep(digest_of(data), data, own=False)
    opened = blobs.open_own(digest_of(data))
    assert opened is not None
    opened[1].close()
    assert names(blobs._others) == []


@pytest.mark.parametrize(
    ("data", "digest"),
    [
        (b"", None),
        (b"\xff\xd8\xff" + bytes(MAX_BLOB_BYTES), None),
        (b"<svg onload='alert(1)'/>", None),
        (b"GIF89a" + bytes(20), None),
        (jpeg("mercado"), bytes(32)),
    ],
    ids=["empty", "too large", "svg", "gif", "another"],
)
def test_what_is_no_photo_or_another_one_is_refused_and_leaves_nothing(
    blobs: Blobs, data: bytes, digest: bytes | None
) -> None:
    with pytest.raises(BlobRefused):
        blobs.keep(digest or sha256(data).digest(), data, own=True)
    assert names(blobs._own.parent) == []


def test_pictures_are_told_by_how_they_begin() -> None:
    assert picture_type(jpeg("mercado")) == "image/jpeg"
    assert picture_type(b"\x89PNG\r\n\x1a\n" + bytes(4)) == "image/png"
    assert picture_type(b"RIFF\x24\x00\x00\x00WEBP") == "image/webp"
    for other in (b"", b"\xff\xd8", b"RIFF\x24\x00\x00\x00WAVE", b"<html>", b"%PDF-1.7", b"\x00\xff\xd8\xff"):
        assert picture_type(other) is None


def test_photos_of_others_that_were_not_looked_at_for_longest_go_first(blobs: Blobs, clock: Clock) -> None:
    kept = []
    for number in range(10):
        kept.append(keep(blobs, clock, f"photo {number}"))
        clock.forward(BLOB_USED_SECONDS + 1)
    assert blobs.read(kept[0]) is not None, "now it was looked at last"
    keep(blobs, clock, "one more", 1_500)
    assert [blobs.holds(digest) for digest in kept] == [True, False, False] + [True] * 7


def test_looking_again_within_an_hour_writes_nothing(blobs: Blobs, clock: Clock) -> None:
    digest = keep(blobs, clock, "photo")
    path = blobs._others / digest.hex()
    before = path.stat().st_mtime_ns
    clock.forward(BLOB_USED_SECONDS - 1)
    blobs.read(digest)
    assert path.stat().st_mtime_ns == before


def test_ones_own_photos_stay_and_take_the_place_of_others(blobs: Blobs, clock: Clock) -> None:
    own = [keep(blobs, clock, f"own {number}", own=True) for number in range(4)]
    for number in range(12):
        keep(blobs, clock, f"other {number}")
    assert all(map(blobs.holds, own))
    assert len(names(blobs._others)) == 6
    own += [keep(blobs, clock, f"more {number}", own=True) for number in range(6)]
    assert names(blobs._others) == []
    for is_own in (True, False):
        data = jpeg("one too many")
        with pytest.raises(BlobRefused, match="photo-megabytes"):
            blobs.keep(digest_of(data), data, own=is_own)
    assert all(map(blobs.holds, own))


def test_what_would_not_fit_at_all_drops_nothing(blobs: Blobs, clock: Clock) -> None:
    digest = keep(blobs, clock, "other")
    data = jpeg("large", QUOTA + 1)
    with pytest.raises(BlobRefused):
        blobs.keep(digest_of(data), data, own=False)
    assert blobs.holds(digest)


@pytest.mark.parametrize("how", ["one bit", "cut short", "longer", "empty"])
def test_a_damaged_photo_is_put_aside_and_absent_until_it_comes_again(
    blobs: Blobs, clock: Clock, how: str
) -> None:
    digest = keep(blobs, clock, "photo")
    path = blobs._others / digest.hex()
    data = bytearray(path.read_bytes())
    data[500] ^= 1
    damaged: dict[str, bytes] = {
        "one bit": bytes(data),
        "cut short": bytes(data[:400]),
        "longer": bytes(data) + b"x",
        "empty": b"",
    }
    path.write_bytes(damaged[how])
    assert blobs.read(digest) is None
    assert not blobs.holds(digest)
    assert names(blobs._damaged) == [digest.hex()]
    assert blobs.keep(digest, jpeg("photo"), own=False)
    assert blobs.read(digest) == jpeg("photo")


def test_only_the_newest_damaged_photos_stay(blobs: Blobs, clock: Clock) -> None:
    for number in range(MAX_DAMAGED_BLOBS + 3):
        digest = keep(blobs, clock, f"photo {number}", 100)
        clock.forward(1)
        path = blobs._others / digest.hex()
        path.write_bytes(b"damaged")
        os.utime(path, (clock.seconds, clock.seconds))
        assert blobs.read(digest) is None
    assert len(names(blobs._damaged)) == MAX_DAMAGED_BLOBS
    assert digest.hex() in names(blobs._damaged)


@pytest.mark.parametrize("moment", ["write", "fsync", "replace"])
def test_a_disk_that_takes_no_more_leaves_nothing_half_written(
    blobs: Blobs, clock: Clock, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    older = keep(blobs, clock, "older")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    data = jpeg("mercado")
    with monkeypatch.context() as patched:
        if moment == "write":
            patched.setattr("node.outgoing._temporary", full)
        elif moment == "fsync":
            patched.setattr("node.outgoing.os.fsync", full)
        else:
            patched.setattr(Path, "replace", full)
        with pytest.raises(StoreError, match="free some space"):
            blobs.keep(digest_of(data), data, own=True)
    assert names(blobs._own.parent) == [older.hex()]
    assert blobs.keep(digest_of(data), data, own=True)


def test_photos_of_others_do_not_fill_the_last_of_the_disk(
    blobs: Blobs, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=LOW_DISK_BYTES))
    data = jpeg("mercado")
    with pytest.raises(BlobRefused, match="nearly full"):
        blobs.keep(digest_of(data), data, own=False)
    assert blobs.keep(digest_of(data), data, own=True)


def test_what_no_own_listing_names_is_held_like_those_of_others_after_a_day(
    blobs: Blobs, clock: Clock
) -> None:
    """Somebody chose a photo and never signed the listing: nothing else would ever drop it."""
    listed, forgotten = (keep(blobs, clock, name, own=True) for name in ("listed", "forgotten"))
    clock.forward(UNLISTED_SECONDS - 1)
    blobs.release([listed])
    assert sorted(names(blobs._own)) == sorted([listed.hex(), forgotten.hex()])
    left = blobs._own / ".trueque-half.new"
    left.write_bytes(b"half")
    os.utime(left, (clock.seconds - UNLISTED_SECONDS, clock.seconds - UNLISTED_SECONDS))
    clock.forward(2)
    blobs.release([listed])
    assert names(blobs._own) == [listed.hex()]
    assert names(blobs._others) == [forgotten.hex()]


def test_a_home_has_its_photos_under_the_quota_of_its_settings(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert Blobs.of(home).quota == 512 * MEGABYTE
    home.settings_file.write_text("photo-megabytes = 3\n")
    assert Blobs.of(home).quota == 3 * MEGABYTE
