"""Backups made and communes brought back in a browser, and two browsers that want the same home."""

from __future__ import annotations

import http.client
import io
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from node.sealed import OpeningReader, SealingWriter

from ...support.browser import Browser, Page, path_of
from ...support.nodes import NodeProcess
from ..conftest import Secretary
from ..test_cli_keeping import council_keys, words_of
from .conftest import Visiting

PASSWORD = "clave del respaldo"


@pytest.fixture
def empty(places: Path) -> Iterator[NodeProcess]:
    with NodeProcess(places / "nueva") as node:
        assert node.started
        yield node


def words(secretary: Secretary) -> str:
    return Path(words_of(secretary)).read_text(encoding="utf-8")


def backup_of(montes: Secretary, places: Path) -> bytes:
    file, password = places / "montes.backup", places / "password"
    password.write_text(PASSWORD)
    montes.run("backup", str(file), "--password-file", str(password))
    return file.read_bytes()


def arrive(browser: Browser) -> Page:
    """Wait on the page that shows how far it is."""
    ends = time.monotonic() + 60
    while path_of(browser.page) == "/welcome/restoring" and "refresh" in browser.page.headers:
        assert time.monotonic() < ends
        time.sleep(0.1)
        browser.open("/welcome/restoring")
    return browser.page


def handed_in(node: NodeProcess, data: bytes, password: str = PASSWORD) -> Browser:
    """A browser that has given a backup."""
    browser = Browser(node.told["people_port"])
    browser.open("/")
    browser.follow("Bring it back")
    browser.send("Go on", {"backup": data}, password=password)
    return browser


def test_what_one_page_saves_another_brings_back(
    montes: Secretary, visit: Visiting, empty: NodeProcess
) -> None:
    montes.run("offer", "Yellow maize")
    browser = visit(montes)
    browser.open("/settings")
    browser.follow("Make a backup")
    assert "Not in it, on purpose: the key of this computer" in browser.page.text
    browser.send("Make the backup", password=PASSWORD, again=PASSWORD)
    assert browser.headers["content-disposition"].startswith('attachment; filename="trueque-20')
    data = browser.content
    assert data.startswith(b"trueque-sealed-1\n")
    assert bytes.fromhex((montes.home / "log.key").read_text()) not in data
    assert not list(montes.home.glob(".copy-*"))

    other = handed_in(empty, data)
    assert path_of(other.page) == "/welcome/restore/words"
    assert "Bring Los Montes back" in other.page.text
    page = other.send("Bring it back", words="  ".join(words(montes).upper().split()))
    assert path_of(arrive(other)) == "/welcome/restored"
    assert "Los Montes is back" in other.page.text
    assert "stop using it for Los Montes" in other.page.text
    assert "Yellow maize" in other.open("/").text
    other.open("/listings/new")
    other.send("Look at it once more", title="Beans", category="food-grain")
    page = other.send("Sign it")
    assert path_of(page).startswith("/listings/")
    journal, typed = empty.journal.read_text().casefold(), words(montes).split()
    for secret in (PASSWORD, *(" ".join(pair) for pair in pairwise(typed))):
        assert secret not in journal


@pytest.mark.parametrize(
    ("password", "again", "told"),
    [
        ("corta", "corta", "at least 8 characters are needed, and it has 5"),
        (PASSWORD, "otra cosa", "The two are not the same"),
    ],
)
def test_a_backup_asks_for_what_the_command_asks(
    montes: Secretary, visit: Visiting, password: str, again: str, told: str
) -> None:
    browser = visit(montes)
    browser.open("/settings/backup")
    page = browser.send("Make the backup", password=password, again=again)
    assert (page.status, told in page.text) == (422, True)
    assert PASSWORD not in page.html
    page = browser.post("/settings/backup", {"password": PASSWORD, "again": PASSWORD, "token": "x"})
    assert page.status == 422


def test_a_wrong_password_or_file_is_told_at_the_file_and_changes_nothing(
    montes: Secretary, places: Path, empty: NodeProcess
) -> None:
    data = backup_of(montes, places)
    for given, password in ((data, "otra clave"), (b"no backup", PASSWORD), (data[:40], PASSWORD)):
        browser = handed_in(empty, given, password)
        assert browser.page.status == 422
        assert path_of(browser.page) == "/welcome/restore"
        assert len(browser.page.attributes("small")) >= 1
        assert password not in browser.page.html
    browser = handed_in(empty, b"")
    assert "Choose the file of the backup." in browser.page.text
    assert sorted(path.name for path in empty.home.iterdir()) == ["node.json", "node.lock"]


def test_wrong_words_are_told_and_right_ones_go_on(
    montes: Secretary, valle: Secretary, places: Path, empty: NodeProcess
) -> None:
    browser = handed_in(empty, backup_of(montes, places))
    for given, told in (
        ("", "Type the words, or say below that others sign."),
        ("uno dos tres", "Words given: 3; needed: 24."),
        (" ".join(["xyzzy", *words(montes).split()[1:]]), "'xyzzy' is not one of the recovery words"),
        (words(valle), "These recovery words are of another key than those that are asked for"),
    ):
        browser.send("Bring it back", words=given)
        page = arrive(browser)
        assert page.status == 422
        assert told in page.text
        assert page.form("Bring it back").fields["words"].split() == given.split()
        assert not (empty.home / "log.key").exists()
    browser.send("Bring it back", words=words(montes))
    assert path_of(arrive(browser)) == "/welcome/restored"
    assert "xyzzy" not in empty.journal.read_text()


def test_a_damaged_backup_is_told_and_another_one_can_be_given(
    montes: Secretary, places: Path, empty: NodeProcess
) -> None:
    montes.run("offer", "Algo")
    data = backup_of(montes, places)
    cut = io.BytesIO()
    sealing = SealingWriter(cut, PASSWORD)
    sealing.write(OpeningReader(io.BytesIO(data), PASSWORD).read(1 << 20)[:-40])
    sealing.finish()
    browser = handed_in(empty, cut.getvalue())
    browser.send("Bring it back", words=words(montes))
    assert arrive(browser).status == 422
    assert not (empty.home / "log.key").exists()
    browser.follow("Another file")
    browser.send("Go on", {"backup": data}, password=PASSWORD)
    browser.send("Bring it back", words=words(montes))
    assert path_of(arrive(browser)) == "/welcome/restored"


def test_where_several_sign_it_waits_for_them(montes: Secretary, places: Path, empty: NodeProcess) -> None:
    councils = council_keys(montes, places)
    keys = [option for key, _words in councils for option in ("--key", key)]
    montes.sign("authority", "replace", *keys, "--threshold", "2", "--words", words_of(montes))
    montes.run("offer", "Yellow maize")
    browser = handed_in(empty, backup_of(montes, places))
    browser.post("/welcome/restore/words", {**browser.page.form("Bring it back").fields, "later": "1"})
    assert path_of(arrive(browser)) == "/welcome/signatures"
    assert "2 more signatures are needed." in browser.page.text
    assert "Yellow maize" in browser.open("/").text
    assert "signatures are needed" in browser.page.text
    assert path_of(browser.open("/settings/profile")) == "/welcome/signatures"
    asked = places / "asked.json"
    browser.open("/welcome/signatures/request.json")
    asked.write_bytes(browser.content)
    for number, told in ((0, "still needed: 1"), (2, "Los Montes is back")):
        signed = places / f"signed-{number}.json"
        montes.run(
            "authority", "sign", str(asked), "--words", councils[number][1], "--out", str(signed), "--yes"
        )
        browser.open("/welcome/signatures")
        browser.send("Take them in", {"signed": signed.read_bytes()})
        assert told in browser.page.text
    assert path_of(browser.open("/welcome/signatures")) == "/"


@pytest.mark.parametrize("junk", [b"{}", b"x" * 200_000, b"\xff\xfe", b"[" * 9_999])
def test_what_is_no_request_is_told(montes: Secretary, places: Path, empty: NodeProcess, junk: bytes) -> None:
    council_keys(montes, places, 1)
    browser = handed_in(empty, backup_of(montes, places))
    browser.post("/welcome/restore/words", {**browser.page.form("Bring it back").fields, "later": "1"})
    assert path_of(arrive(browser)) == "/welcome/signatures"
    page = browser.send("Take them in", {"signed": junk})
    assert page.status == 422
    assert "1 more signature is needed." in page.text


def test_more_than_a_backup_can_have_is_not_read(empty: NodeProcess) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", empty.told["people_port"], timeout=30)
    kind = {"Content-Type": "multipart/form-data; boundary=x", "Content-Length": str(9_000_000_000)}
    connection.request("POST", "/welcome/restore", b"--x\r\n", kind)
    assert connection.getresponse().status == 413
    connection.close()


# Two at once ------------------------------------------------------------------------------------


def begun(node: NodeProcess, name: str) -> tuple[Browser, str]:
    browser = Browser(node.told["people_port"])
    browser.open("/")
    browser.follow("Begin")
    browser.send("Go on", name=name, network="ensayo")
    shown = browser.page.html.partition('<ol class="words">')[2].partition("</ol>")[0]
    typed = shown.replace("</li>", " ").replace("<li>", " ")
    browser.follow("They are on paper")
    return browser, typed


def test_of_two_browsers_that_found_at_once_one_does(empty: NodeProcess) -> None:
    (one, first), (other, second) = begun(empty, "Los Montes"), begun(empty, "El Valle")
    assert one.send("Found the commune", words=second).status == 422  # each has its own words
    one.send("Found the commune", words=first)
    assert path_of(one.page) == "/welcome/lan"
    page = other.send("Found the commune", words=second)
    assert path_of(page) == "/"
    assert "Los Montes" in page.text
    assert "El Valle" not in page.text
    assert path_of(other.open("/welcome/restore")) == "/"


def test_a_backup_that_one_browser_gave_is_not_anothers(
    montes: Secretary, places: Path, empty: NodeProcess
) -> None:
    one = handed_in(empty, backup_of(montes, places))
    other = Browser(empty.told["people_port"])
    assert path_of(other.open("/welcome/restore/words")) == "/welcome/restore"
    assert path_of(other.open("/welcome/restoring")) == "/welcome"
    handed_in(empty, backup_of(montes, places))
    assert path_of(one.open("/welcome/restore/words")) == "/welcome/restore"


def test_the_last_step_of_a_first_run_lets_phones_in(empty: NodeProcess) -> None:
    browser, typed = begun(empty, "Los Montes")
    browser.send("Found the commune", words=typed)
    assert "Step 4 of 4" in browser.page.text
    page = browser.send("Set it and let phones in", password="corta", again="corta")
    assert (page.status, "Step 4 of 4" in page.text) == (422, True)
    browser.send("Set it and let phones in", password="agua de panela", again="agua de panela")
    ends = time.monotonic() + 20
    while "Their addresses" not in browser.open("/settings").text:
        assert time.monotonic() < ends
    phone = Browser(empty.told["people_port"], host="127.0.0.2")
    phone.open("/")
    assert "Los Montes" in phone.send("Log in", password="agua de panela").text
    assert path_of(browser.open("/welcome/lan")) == "/"  # it is done
