"""Pages say what to do on pages: no sentence that they show sends a person to the command line."""

from __future__ import annotations

import re

from markupsafe import Markup

from ledger.errors import NotFound
from node import language
from node.language import LOCALES
from node.web.sayings import SAYINGS, with_links

from ...support.catalogue import fresh, texts
from ..conftest import Secretary
from .conftest import Visiting

NAMES_A_COMMAND = re.compile(r"`trueque|(?<!\w)--[a-z]")
LINK = re.compile(r"\]\((/[^)]*)\)")

COMMANDS_ALONE = (
    "make a new log", "trueque restore", "trueque init", "trueque authority", "trueque run`", "--home",
)  # fmt: skip
"""What is done by commands alone: a home that cannot be opened, or signs no more, has no page for it."""

ELSEWHERE = (
    "node/cli",
    "node/demo",
    "node/remote.py",  # of a command that asks a node
    "node/codes.py",  # files that commands write
    "node/lan.py",  # how the node was started
    "node/addressbook.py",
    "node/web/diagnosis.py",
)


def test_every_sentence_that_names_a_command_has_another_for_pages() -> None:
    known = {text.one for text in texts()}
    assert set(SAYINGS) <= known, "it says otherwise what nobody says"
    for text in texts():
        if not NAMES_A_COMMAND.search(text.one) or text.place.startswith(ELSEWHERE):
            continue
        is_alone = any(part in text.one for part in COMMANDS_ALONE)
        assert text.one in SAYINGS or is_alone or "trueque correct" in text.one, (text.place, text.one)
    assert not any(NAMES_A_COMMAND.search(said) for said in SAYINGS.values())


def test_sentences_of_pages_have_the_fields_and_links_of_each_other() -> None:
    fields = re.compile(r"\{\w+\}")
    for sentence, said in SAYINGS.items():
        assert set(fields.findall(said)) <= set(fields.findall(sentence)), said
    for locale in LOCALES.values():
        for message in fresh(locale):
            if isinstance(message.id, str) and message.id in SAYINGS.values():
                assert isinstance(message.string, str)
                assert not message.string or LINK.findall(message.string) == LINK.findall(message.id)


def test_what_others_wrote_makes_no_link_of_a_sentence() -> None:
    language.speak("en", language.Saying(SAYINGS, with_links))
    try:
        error = NotFound(
            "No commune called '{text}' is known here: `trueque communes` lists them.",
            text="<b>[x](/neighbours)",
        )
        told = language.told(error)
        assert isinstance(told, Markup)
        assert "&lt;b&gt;[x](/neighbours)" in told
        assert told.count("<a ") == 1
    finally:
        language.speak("en")
    assert "`trueque communes`" in language.told(error), "commands and programs are told theirs"


def test_pages_lead_on_and_programs_are_told_the_command(montes: Secretary, visit: Visiting) -> None:
    browser = visit(montes)
    browser.open(f"/listings/{'00' * 32}")
    assert browser.page.status == 404
    assert "`" not in browser.page.text
    browser.follow("the board")
    assert browser.page.status == 200
    assert "trueque" not in browser.open("/?commune=nadie").text.replace("Trueque", "")
    browser.open(f"/exchanges/{montes.commune}")
    browser.follow("these are")
    assert browser.page.status == 200
