"""Chromium at real nodes. `./dev test` installs what it takes; without a browser these tests are skipped."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ..node.conftest import Found, Secretary, found, montes, places, translations, valle
from ..support.nodes import NodeProcess

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

__all__ = ["Found", "Secretary", "found", "montes", "places", "translations", "valle"]

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
"""What Chromium is called on one system or another."""

Running = Callable[..., NodeProcess]
Open = Callable[..., "Page"]


def find_chromium() -> str | None:
    """The program, None if there is none; TRUEQUE_CHROMIUM names another."""
    named = os.environ.get("TRUEQUE_CHROMIUM")
    return named or next((path for name in NAMES if (path := shutil.which(name))), None)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One Chromium for all tests of a process."""
    program = find_chromium()
    if program is None:
        pytest.skip("there is no Chromium: on Debian, Ubuntu and Raspberry Pi OS `sudo apt install chromium`")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program,
            # As root there is no sandbox; what is shown here is our own.
            args=["--no-sandbox"] if os.geteuid() == 0 else [],
        )
        yield browser
        browser.close()


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
