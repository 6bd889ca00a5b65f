"""Chromium at real nodes. `./dev test` installs what it takes; without a browser these tests are skipped."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ..node.conftest import Found, Secretary, found, montes, places, translations, valle
from ..support.nodes import NodeProcess
from .beginnings import Beginning, beginnings
from .furnishing import PLAIN, STOPS_NEARBY, Furnished, Stop, Voice, furnish, stops

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

__all__ = ["Found", "Secretary", "found", "montes", "places", "translations", "valle"]

NEARBY = "127.0.0.2"
"""This computer as the local network sees it: whoever connects there has come in like a phone."""

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
"""What Chromium is called on one system or another."""

Running = Callable[..., NodeProcess]
Open = Callable[..., "Page"]


def find_chromium() -> str | None:
    """The program, None if there is none; TRUEQUE_CHROMIUM names another."""
    named = os.environ.get("TRUEQUE_CHROMIUM")
    return named or next((path for name in NAMES if (path := shutil.which(name))), None)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One Chromium for the tests of a module.

    Its driver keeps an event loop running in this thread: tests of other modules have loops of their own.
    """
    program = find_chromium()
    if program is None:
        pytest.skip("there is no Chromium: on Debian, Ubuntu and Raspberry Pi OS `sudo apt install chromium`")
    asked = [sys.executable, "-m", "playwright", "--version"]
    if subprocess.run(asked, capture_output=True, check=False).returncode != 0:
        pytest.skip(
            f"playwright's driver does not start: `{' '.join(asked[1:])}` says why; on Debian, Ubuntu "
            "and Raspberry Pi OS `sudo apt install libatomic1` may be all"
        )
    with launched(program) as browser:
        yield browser


@contextmanager
def launched(program: str) -> Iterator[Browser]:
    """Chromium, until it is not needed any more."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program,
            # As root there is no sandbox; what is shown here is our own.
            args=["--no-sandbox"] if os.geteuid() == 0 else [],
        )
        yield browser
        browser.close()


@dataclass
class Street:
    """Running nodes to be looked at, and the browser to do it with."""

    chromium: Browser
    home: Furnished
    node: NodeProcess

    others: Sequence[Beginning] = ()

    def at(self, node: NodeProcess, host: str = "127.0.0.1", **options: object) -> BrowserContext:
        """A browser that has been nowhere before, on a phone unless `options` say otherwise."""
        phone = {"width": 360, "height": 740}
        return self.chromium.new_context(
            base_url=f"http://{host}:{node.told['people_port']}",
            # Without it colours are looked at while they change.
            **{"locale": "es", "viewport": phone, "reduced_motion": "reduce", **options},  # type: ignore[arg-type]
        )

    def walks(self, **options: object) -> Iterator[tuple[BrowserContext, Sequence[Stop]]]:
        """Every page there is, by the browsers that can see it."""
        walks: list[tuple[NodeProcess, str, Sequence[Stop]]] = [
            (self.node, "127.0.0.1", stops(self.home)),
            (self.node, NEARBY, STOPS_NEARBY),
            *((node, "127.0.0.1", seen) for node, seen in self.others),
        ]
        for node, host, seen in walks:
            with self.at(node, host, **options) as context:
                yield context, seen


@contextmanager
def street(chromium: Browser, folder: Path, voices: Sequence[Voice], others: bool) -> Iterator[Street]:
    """A home furnished with neighbours of these voices; with `others` those at their beginning too."""
    with pytest.MonkeyPatch.context() as patched:
        for name in ("XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
            patched.setenv(name, str(folder / name.lower()))
        home = furnish(folder, voices)
        with NodeProcess(home.home, "--lan", "--peer", "127.0.0.1:2") as node, ExitStack() as held:
            assert node.started
            yield Street(chromium, home, node, held.enter_context(beginnings(home)) if others else ())


@pytest.fixture(scope="module")
def plain_street(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    """Neighbours who say what people say."""
    with street(chromium, tmp_path_factory.mktemp("plain"), PLAIN, others=True) as made:
        yield made


@pytest.fixture
def running() -> Iterator[Running]:
    """Start the node of a home, with further options of `trueque run`."""
    with ExitStack() as held:

        def run(home: Path, *options: str) -> NodeProcess:
            node = held.enter_context(NodeProcess(home, *options))
            assert node.started, node.journal.read_text()
            return node

        yield run


@pytest.fixture
def open_page(chromium: Browser) -> Iterator[Open]:
    """Open a page at a node, in a browser that has been nowhere before; what is amiss in it fails it."""
    complaints: list[str] = []

    def note(kind: str, text: str) -> None:
        if kind == "error":
            complaints.append(text)

    with ExitStack() as held:

        def opened(node: NodeProcess, path: str = "/", **options: object) -> Page:
            context = chromium.new_context(
                base_url=f"http://127.0.0.1:{node.told['people_port']}",
                **{"locale": "en", "viewport": {"width": 360, "height": 740}, **options},  # type: ignore[arg-type]
            )
            held.callback(context.close)
            page = context.new_page()
            page.set_default_timeout(15_000)
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.on("console", lambda said: note(said.type, said.text))
            page.goto(path)
            return page

        yield opened
    wrong = [text for text in complaints if "Failed to load resource" not in text]
    assert not wrong
