"""Checking a receipt on a page: from its file, photos and text; and what becomes of anything else."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from random import Random

import pytest
from PIL import Image

from ledger.paper import to_paper
from ledger.parts import paper_parts
from node import codes
from node.web.receipts import MAX_FILES

from ...support.browser import Browser, Page
from ...support.downloads import sent
from ..conftest import Secretary
from .conftest import Visiting
from .test_papers import HOSTILE, trade

GENUINE = "The receipt is genuine"
NOTHING = "This receipt proves nothing"


@pytest.fixture
def receipt(montes: Secretary, valle: Secretary) -> bytes:
    path = montes.home.parent / "one.recibo"
    montes.run("receipt", trade(montes, valle), "--out", str(path))
    return path.read_bytes()


def photo(part: str) -> bytes:
    """A picture of a code, in which its text does not stand beside it."""
    with Image.open(io.BytesIO(codes.draw_png([part]))) as drawn:
        file = io.BytesIO()
        drawn.convert("L").save(file, "JPEG")
    return file.getvalue()


def check(browser: Browser, *files: bytes) -> Page:
    """Bring files to the page, all at once."""
    browser.open("/verify")
    return sent(browser, "/verify", "files", [(f"{number}.jpg", data) for number, data in enumerate(files)])


def test_a_receipt_is_checked_from_its_file(montes: Secretary, receipt: bytes, visit: Visiting) -> None:
    browser = visit(montes)
    text = check(browser, receipt).text
    assert GENUINE in text
    assert "The exchange is not fulfilled." in text
    assert "Los Montes → El Valle: «Maíz», 100 kg: given 100 kg, received 90 kg" in text
    assert text.count("known here as") == 2
    assert "It proves what was signed, not that goods changed hands." in text
    browser.follow("The exchange as it stands here")
    assert "/exchanges/" in browser.page.address


def test_a_stranger_checks_it_as_well(
    montes: Secretary, receipt: bytes, visit: Visiting, places: Path
) -> None:
    """A node of another network, which holds nothing of it; and one without a commune."""
    other = Secretary("Otra", places / "otra")
    words = str(places / "otra.words")
    other.run("init", "--name", "Otra", "--network", "otra", "--yes", "--recovery-out", words)
    empty = Secretary("", places / "empty")
    for home in (other, empty):
        text = check(visit(home), receipt).text
        assert GENUINE in text
        assert text.count("not known here") == 2
        assert "The exchange as it stands here" not in text


def test_a_receipt_is_checked_from_photos_of_its_codes(
    montes: Secretary, receipt: bytes, visit: Visiting
) -> None:
    parts = paper_parts(to_paper(receipt), 300)
    assert len(parts) > 1
    photos = [photo(part) for part in reversed(parts)]
    browser = visit(montes)
    assert GENUINE in check(browser, *photos).text
    page = check(browser, *photos[1:])
    assert page.status == 422
    assert GENUINE not in page.text


def test_a_receipt_is_checked_from_the_text_of_its_codes(
    montes: Secretary, receipt: bytes, visit: Visiting
) -> None:
    browser = visit(montes)
    browser.open("/verify")
    parts = paper_parts(to_paper(receipt))
    assert GENUINE in browser.send("Check it", text=" \n".join(parts)).text
    browser.open("/verify")
    page = browser.send("Check it", text=f"{parts[0][:-1]}{(int(parts[0][-1]) + 1) % 10}")
    assert page.status == 422
    assert page.form("Check it").fields["text"].startswith("TRUEQUE1:"), "what was typed is kept"


def test_a_receipt_that_was_changed_proves_nothing(
    montes: Secretary, receipt: bytes, visit: Visiting
) -> None:
    browser = visit(montes)
    random = Random(7)
    for _turn in range(20):
        place = random.randrange(11, len(receipt))
        changed = bytearray(receipt)
        changed[place] ^= 1 << random.randrange(8)
        page = check(browser, bytes(changed))
        assert page.status == 422
        assert NOTHING in page.text


def png(width: int, height: int) -> bytes:
    """A picture that says to be so large, and is nothing."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(9)))


def test_junk_is_told_to_be_none(montes: Secretary, receipt: bytes, visit: Visiting) -> None:
    browser = visit(montes)
    for junk in (
        b"\x00",
        b"hola",
        HOSTILE.encode(),
        Random(1).randbytes(70_000),
        receipt[:-1],
        receipt[:13],
        receipt + b"\x00",
        codes.draw_png(["TRUEQUE1:1/1:0"])[:200],
        png(60_000, 60_000),
        png(4, 4),
        b"GIF89a" + bytes(40),
        b"TRUEQUE1:9/1:123 TRUEQUE1:1/99:" + b"9" * 90_000,
    ):
        page = check(browser, junk)
        assert page.status == 422, junk[:20]
        assert not any("onerror" in given for _tag, given in page.tags)
    assert "Choose the file" in check(browser).text
    assert "Choose the file" in check(browser, b"").text
    assert "At most 12 files" in check(browser, *[b"a"] * (MAX_FILES + 1)).text
    assert "one receipt at a time" in check(browser, receipt, receipt).text
    assert GENUINE in check(browser, receipt).text, "it goes on working"


def test_what_is_no_form_is_refused(montes: Secretary, visit: Visiting) -> None:
    browser = visit(montes)
    for body, kind in (
        (b"--edge\r\n", "multipart/form-data; boundary=edge"),
        (b"a", "multipart/form-data"),
        (b"--e\r\nContent-Disposition: form-data\r\n\r\na\r\n--e--\r\n", "multipart/form-data; boundary=e"),
        (b"\xff=\xff", "application/x-www-form-urlencoded"),
        (b"{}", "application/json"),
    ):
        assert browser._go("POST", "/verify", body, kind).status in (400, 422)
    assert browser.open("/verify").status == 200
