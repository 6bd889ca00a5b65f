"""The documents that lead through pages: what they say is done as it stands there, and comes out so."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ..support import catalogue
from ..support.shared import CHECKOUT
from .conftest import NEARBY, Running, Secretary
from .guide import address_of, followed, steps, windows

if TYPE_CHECKING:
    from playwright.sync_api import Browser

NAMES = ("Los Montes", "El Valle")
READMES = {
    "es": ("README.es.md", "Cinco minutos hasta un primer intercambio"),
    "en": ("README.md", "Five minutes to a first exchange"),
}
TUTORIALS = {"es": "docs/tutorial/es/primer-intercambio.md", "en": "docs/tutorial/en/first-exchange.md"}


@pytest.mark.parametrize("language", ["es", pytest.param("en", marks=pytest.mark.slow)])
def test_the_tutorial_goes_as_written(chromium: Browser, language: str, places: Path) -> None:
    with followed(chromium, TUTORIALS[language], places, NAMES, language) as guide:
        guide.follow()


@pytest.mark.slow
@pytest.mark.parametrize("language", READMES)
def test_the_five_minutes_of_the_readme_go_as_written(chromium: Browser, language: str, places: Path) -> None:
    page, section = READMES[language]
    with followed(chromium, page, places, NAMES, language, section=section) as guide:
        guide.follow()


@pytest.mark.parametrize("language", TUTORIALS)
def test_every_name_in_the_tutorial_is_one_of_the_pages(language: str) -> None:
    """Without a browser too: a button that is renamed takes its name in the documents along."""
    said = steps(CHECKOUT / TUTORIALS[language])
    names = catalogue.read("es_VE")
    shown = {str(each.id if language == "en" else each.string) for each in names if isinstance(each.id, str)}
    shown |= {step.value for step in said if step.value} | set(NAMES)
    told = [each for each in shown if re.search(r"\w\w", re.sub(r"\{\w+\}", "", each))]
    patterns = [re.sub(r"\\\{\w+\\\}", "\\\\S+", re.escape(each)) for each in told]
    known = re.compile("|".join(patterns))
    controls = {step.text for step in said if step.kind == "control"}
    assert len(controls) > 30
    assert {text for text in controls if not known.fullmatch(text)} == set()
    seen = {re.sub("|".join(NAMES), "N", step.text) for step in said if step.kind == "seen"} - {"N"}
    assert len(seen) > 5
    assert {
        each for each in seen if not known.fullmatch(each) and not any(each in string for string in shown)
    } == set()


# How-tos ----------------------------------------------------------------------------------------

STICK = {"en": "docs/howto/stick.md", "es": "docs/howto/es/pendrive.md"}
PHONES = {"en": "docs/howto/phones.md", "es": "docs/howto/es/telefonos.md"}
BACKUP = {"en": "docs/howto/backup.md", "es": "docs/howto/es/respaldo.md"}


@pytest.mark.slow
@pytest.mark.parametrize("language", STICK)
def test_what_is_said_of_sticks_goes_as_written(
    chromium: Browser, language: str, montes: Secretary, valle: Secretary, running: Running, places: Path
) -> None:
    homes = {"Los Montes": montes.home, "El Valle": valle.home}
    addresses = {name: address_of(running(home)) for name, home in homes.items()}
    with windows(chromium, CHECKOUT / STICK[language], places, addresses, language) as guide:
        guide.follow()
    assert {row["name"] for row in montes.json("communes")} == {"Los Montes", "El Valle"}


@pytest.mark.slow
@pytest.mark.parametrize("language", PHONES)
def test_what_is_said_of_phones_goes_as_written(
    chromium: Browser, language: str, montes: Secretary, running: Running, places: Path
) -> None:
    node = running(montes.home)
    names = ("the computer", "the phone") if language == "en" else ("la computadora", "el teléfono")
    addresses = dict(zip(names, (address_of(node), address_of(node, NEARBY)), strict=True))
    with windows(chromium, CHECKOUT / PHONES[language], places, addresses, language) as guide:
        guide.follow()
        guide.windows[names[1]].locator("nav").wait_for()


@pytest.mark.slow
@pytest.mark.parametrize("language", BACKUP)
def test_what_is_said_of_backups_goes_as_written(
    chromium: Browser, language: str, montes: Secretary, running: Running, places: Path
) -> None:
    names = ("the computer", "the new one") if language == "en" else ("la computadora", "la nueva")
    homes = dict(zip(names, (montes.home, places / "new"), strict=True))
    addresses = {name: address_of(running(home)) for name, home in homes.items()}
    with windows(chromium, CHECKOUT / BACKUP[language], places, addresses, language) as guide:
        guide.words[names[1]] = (places / "los-montes.words").read_text(encoding="utf-8").strip()
        guide.follow()
        guide.windows[names[1]].goto("/".join(addresses[names[1]].split("/")[:3]) + "/neighbours")
        guide.windows[names[1]].locator("nav").wait_for()
