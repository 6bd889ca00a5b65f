"""The documents as a web site: built without a warning, whole in themselves, and all of them to be found."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

from .support.shared import CHECKOUT
from .test_house import tracked_files

SOURCES = {"script": "src", "img": "src", "iframe": "src", "source": "src", "object": "data", "link": "href"}
"""what a browser fetches by itself, by tag; of `link` only some kinds"""

LINKED = {"stylesheet", "icon", "preload", "prefetch", "manifest", "modulepreload"}
ELSEWHERE = re.compile(r"(?:[a-z]+:)?//", re.IGNORECASE)


@dataclass
class Site(HTMLParser):
    """One page of the site: what it links to, what it fetches, the places in it that can be linked to."""

    path: Path
    links: list[str] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)
    places: set[str] = field(default_factory=set)
    language: str = ""

    def __post_init__(self) -> None:
        HTMLParser.__init__(self)
        self.feed(self.path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.places |= {given[name] for name in ("id", "name") if name in given}
        if tag == "html":
            self.language = given.get("lang", "")
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        is_fetched = tag != "link" or bool(LINKED & set(given.get("rel", "").split()))
        if tag in SOURCES and SOURCES[tag] in given and is_fetched:
            self.fetched.append(given[SOURCES[tag]])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, as `./dev docs` makes it."""
    made = tmp_path_factory.mktemp("docs")
    command = re.search(r"-m (sphinx .*) -d ", (CHECKOUT / "dev").read_text())
    assert command is not None
    done = subprocess.run(
        [sys.executable, "-m", *command[1].split(), "-d", str(made / "kept"), ".", str(made / "site")],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return made / "site"


@pytest.fixture(scope="module")
def site(folder: Path) -> dict[Path, Site]:
    return {path: Site(path) for path in sorted(folder.rglob("*.html"))}


def test_every_page_is_in_the_navigation_of_the_first(site: dict[Path, Site], folder: Path) -> None:
    """Sphinx would warn of a page that is in no toctree; this holds that it was asked to make it at all."""
    navigation = {(folder / link.partition("#")[0]).resolve() for link in site[folder / "README.html"].links}
    pages = {
        (folder / path.relative_to(CHECKOUT)).with_suffix(".html")
        for path in tracked_files()
        if path.suffix == ".md" and "tests" not in path.parts[len(CHECKOUT.parts) :]
    }
    assert len(pages) > 50
    assert {str(page.relative_to(folder)) for page in pages - navigation - {folder / "README.html"}} == set()


def test_every_link_of_the_site_leads_to_a_page_and_a_place_in_it(site: dict[Path, Site]) -> None:
    broken = []
    for path, page in site.items():
        for link in page.links:
            if re.match(r"(?:[a-z]+:|//)", link):
                continue
            target, _, place = unquote(link).partition("#")
            where = (path.parent / target).resolve() if target else path
            if not where.is_file() or (place and where in site and place not in site[where].places):
                broken.append((path.name, link))
    assert not broken


def test_the_site_asks_no_other_host_for_anything(site: dict[Path, Site], folder: Path) -> None:
    """It is read where there is no internet, and nobody is told that it is."""
    fetched = [(path.name, address) for path, page in site.items() for address in page.fetched]
    assert fetched
    assert [each for each in fetched if ELSEWHERE.match(each[1])] == []
    missing = [
        (path.name, address)
        for path, page in site.items()
        for address in page.fetched
        if not address.startswith("data:") and not (path.parent / address.partition("?")[0]).is_file()
    ]
    assert not missing
    for sheet in folder.rglob("*.css"):
        asked = re.findall(r"(?:url\(|@import)\s*['\"]?([^'\")]+)", sheet.read_text(encoding="utf-8"))
        assert [address for address in asked if ELSEWHERE.match(address)] == [], sheet.name


def test_the_first_page_is_found_by_whoever_opens_the_folder(site: dict[Path, Site], folder: Path) -> None:
    assert site[folder / "index.html"].links == ["README.html"]
