"""Photos through a running node: sent in, seen, fetched from others, and nothing but pictures given out."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from node.blobs import Blobs
from node.home import Home
from protocol.limits import MAX_BLOB_BYTES

from ..support.hosts import eventually
from ..support.nodes import Answer, NodeProcess
from ..support.photos import digest_of, jpeg, post_with_photos
from .conftest import Secretary

PHOTO = jpeg("maíz", 300_000)


def asked(node: NodeProcess, photo: bytes, listing: str | None = None) -> Answer:
    query = "" if listing is None else f"?listing={listing}"
    headers = {"Authorization": f"Bearer {node.token}"}
    return node.ask(f"/api/1/blobs/{digest_of(photo).hex()}{query}", headers=headers)


def sent(node: NodeProcess, photo: bytes) -> Answer:
    return node.ask("/api/1/blobs", "POST", photo, {"Authorization": f"Bearer {node.token}"})


def test_a_photo_that_was_sent_in_is_shown_and_kept_as_ones_own(montes: Secretary) -> None:
    with NodeProcess(montes.home) as node:
        assert asked(node, PHOTO).status == 404
        answer = sent(node, PHOTO)
        assert (answer.status, answer.json) == (201, {"sha256": digest_of(PHOTO).hex()})
        shown = asked(node, PHOTO)
        assert (shown.status, shown.body) == (200, PHOTO)
        assert shown.headers["Content-Type"] == "image/jpeg"
        assert shown.headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in shown.headers["Content-Security-Policy"]
        opened = Blobs.of(Home(montes.home)).open_own(digest_of(PHOTO))
        assert opened is not None
        opened[1].close()


@pytest.mark.parametrize(
    "photo",
    [b"<script>alert(1)</script>", b"%PDF-1.7", jpeg("x", MAX_BLOB_BYTES + 1), b""],
    ids=["script", "pdf", "too large", "empty"],
)
def test_what_is_no_photo_or_too_large_is_refused(montes: Secretary, photo: bytes) -> None:
    with NodeProcess(montes.home) as node:
        answer = sent(node, photo)
        assert (answer.status, answer.json["error"]) == (409, "BlobRefused")
        assert asked(node, photo).status == 404


def test_what_is_in_the_folder_and_no_picture_is_not_given(montes: Secretary) -> None:
    with NodeProcess(montes.home) as node:
        page = b"<script>alert(1)</script>"
        sent(node, PHOTO)
        (montes.home / "blobs" / "own" / digest_of(page).hex()).write_bytes(page)
        assert asked(node, page).status == 404
        assert asked(node, PHOTO, "noid").status == 400


def test_a_photo_of_another_commune_is_fetched_when_it_is_looked_at(
    montes: Secretary, valle: Secretary, places: Path
) -> None:
    montes.run("recognise", "El Valle")
    listing = post_with_photos(valle.home, "Clavos", PHOTO).hex()
    with NodeProcess(valle.home) as holder:
        address = f"127.0.0.1:{holder.told['peer_port']}"
        with NodeProcess(montes.home, "--peer", address) as node:
            eventually(lambda: "Clavos" in str(montes.json("listings")), "the listing has come")
            assert asked(node, PHOTO).status == 404, "nobody is asked without its listing"
            assert asked(node, jpeg("another"), listing).status == 404
            shown = asked(node, PHOTO, listing)
            assert (shown.status, shown.body) == (200, PHOTO)
        holder.stop()
    blobs = Blobs.of(Home(montes.home))
    assert blobs.read(digest_of(PHOTO)) == PHOTO
    assert blobs.open_own(digest_of(PHOTO)) is None, "it is another commune's"


def test_a_photo_whose_listing_was_never_signed_does_not_stay_for_ever(montes: Secretary) -> None:
    listed, forgotten = jpeg("listed"), jpeg("forgotten")
    post_with_photos(montes.home, "Maíz", listed)
    blobs = Blobs.of(Home(montes.home))
    blobs.keep(digest_of(forgotten), forgotten, own=True)
    for photo in (listed, forgotten):
        path = montes.home / "blobs" / "own" / digest_of(photo).hex()
        os.utime(path, (1_000_000_000, 1_000_000_000))
    with NodeProcess(montes.home) as node:
        assert node.started
    assert {path.name for path in (montes.home / "blobs" / "own").iterdir()} == {digest_of(listed).hex()}
    assert {path.name for path in (montes.home / "blobs" / "others").iterdir()} == {
        digest_of(forgotten).hex()
    }
