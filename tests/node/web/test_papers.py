"""Papers of an exchange: what stands on them, that codes prove it, and that no text does anything."""

from __future__ import annotations

import base64
import io
import re

from PIL import Image

from node import codes
from node.verifying import receipt_in, verified

from ...support.browser import Browser
from ...support.downloads import downloaded
from ..conftest import Secretary
from .conftest import Visiting

HOSTILE = '<script>alert(1)</script>"><img src=x onerror=alert(1)>'


def trade(montes: Secretary, valle: Secretary, thing: str = "Maíz;100;kg", note: str = "Todo bien") -> str:
    """Los Montes gives maize for nails; the maize has been delivered, and most of it received."""
    exchange = montes.sign("propose", "--to", "El Valle", "--give", thing, "--take", "Clavos;3;kg")
    montes.tell(valle)
    valle.sign("accept", exchange, "--note", note)
    valle.tell(montes)
    montes.sign("deliver", exchange, "--transfer", "1")
    montes.tell(valle)
    valle.sign("receive", exchange, "--transfer", "1", "--quantity", "90", "--condition", "short")
    valle.tell(montes)
    return exchange


def check_paper(browser: Browser) -> None:
    """Nothing on it runs or hides, and its markup is whole."""
    assert browser.page.status == 200
    assert [given.get("src") for given in browser.page.attributes("script")] == [
        given["src"] for given in browser.page.attributes("script") if given["src"].startswith("/static/")
    ]
    assert not any("style" in given or "onerror" in given for _tag, given in browser.page.tags)
    assert not browser.page.forms
    assert not browser.page.attributes("nav")


def enlarged(picture: bytes) -> bytes:
    """A picture as large as a page shows it."""
    with Image.open(io.BytesIO(picture)) as small:
        larger = small.convert("L").resize((small.width * 4, small.height * 4), Image.Resampling.NEAREST)
    file = io.BytesIO()
    larger.save(file, "PNG")
    return file.getvalue()


def test_papers_are_found_from_the_exchange_and_lead_back(
    montes: Secretary, valle: Secretary, visit: Visiting
) -> None:
    exchange = trade(montes, valle)
    browser = visit(montes)
    for label in ("Print: delivery note 2", "Print: minutes", "Print: receipt with its codes"):
        browser.open(f"/exchanges/{exchange}")
        browser.follow(label)
        check_paper(browser)
        browser.follow("← Back")
        assert browser.page.address.endswith(f"/exchanges/{exchange}")


def test_a_delivery_note_says_what_travels_from_whom_to_whom(
    montes: Secretary, valle: Secretary, visit: Visiting
) -> None:
    exchange = trade(montes, valle)
    browser = visit(montes)
    text = browser.open(f"/exchanges/{exchange}/print/delivery-1").text
    assert re.search(r"It comes from Los Montes .*It goes to El Valle .*Maíz .*100 kg", text)
    assert "received 90 kg" in text
    assert text.count("Signature") == 3
    assert text.count("Stamp") == 2
    assert len(re.findall(r"Its words: (\w+ ){6}", text)) == 2
    assert browser.open(f"/exchanges/{exchange}/print/delivery-3").status == 404
    assert browser.open(f"/exchanges/{montes.commune}/print/delivery-1").status == 404


def test_minutes_tell_all_terms_and_who_said_what(
    montes: Secretary, valle: Secretary, visit: Visiting
) -> None:
    browser = visit(montes)
    text = browser.open(f"/exchanges/{trade(montes, valle)}/print/minutes").text
    assert "Los Montes El Valle Maíz 100 kg given 100 kg, received 90 kg" in text
    assert "El Valle: acceptance: Todo bien" in text
    assert "El Valle: receive 1" in text


def test_the_codes_on_paper_are_the_receipt(montes: Secretary, valle: Secretary, visit: Visiting) -> None:
    exchange = trade(montes, valle)
    browser = visit(montes)
    browser.open(f"/exchanges/{exchange}/print/receipt")
    pictures = [
        base64.b64decode(given["src"].partition("base64,")[2])
        for given in browser.page.attributes("img")
        if given["src"].startswith("data:image/png;")
    ]
    texts = [text for picture in pictures for text in codes.read_image(enlarged(picture))]
    assert len(texts) == len(pictures) > 0
    seen = verified(receipt_in([("codes", "\n".join(texts).encode())]))
    assert seen.exchange.id.hex() == exchange
    assert {party.name for party in seen.parties} == {"Los Montes", "El Valle"}


def test_the_receipt_as_a_file_is_the_one_that_the_command_writes(
    montes: Secretary, valle: Secretary, visit: Visiting
) -> None:
    exchange = trade(montes, valle)
    montes.run("receipt", exchange, "--out", str(montes.home.parent / "one.recibo"))
    found = downloaded(visit(montes), f"/exchanges/{exchange}/receipt")
    assert found.body == (montes.home.parent / "one.recibo").read_bytes()
    assert found.name == f"{exchange[:12]}.recibo"
    assert found.headers["content-type"] == "application/octet-stream"


def test_the_text_of_others_stands_on_paper_and_does_nothing(
    montes: Secretary, valle: Secretary, visit: Visiting
) -> None:
    valle.sign("profile", "--name", "Valle <b>bajo</b>", "--place", HOSTILE, "--contact", HOSTILE)
    valle.tell(montes)
    exchange = valle.sign("propose", "--to", "Los Montes", "--give", f"{HOSTILE};9;kg", "--note", HOSTILE)
    valle.tell(montes)
    browser = visit(montes)
    for paper in ("delivery-1", "minutes", "receipt"):
        browser.open(f"/exchanges/{exchange}/print/{paper}")
        check_paper(browser)
        assert HOSTILE in browser.page.text
        assert "Valle <b>bajo</b>" in browser.page.text
