"""The pictures of the documents, taken anew: those of the tutorials while they are followed, and the board.

    python -m tests.browser.pictures

Writes docs/images. The board is that of a commune of `trueque demo`.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ..support.catalogue import compile_translations
from ..support.nodes import START
from ..support.shared import CHECKOUT
from .conftest import find_chromium, launched
from .guide import followed, shoot
from .test_guides import NAMES, TUTORIALS

if TYPE_CHECKING:
    from playwright.sync_api import Browser

IMAGES: Final = CHECKOUT / "docs" / "images"
DEMO_SECONDS: Final = 90
"""seconds for the five communes to be there"""


def take_tutorials(chromium: Browser, work: Path) -> None:
    """Follow each tutorial, and take the pictures that it shows."""
    for language, page in TUTORIALS.items():
        folder = work / language
        folder.mkdir()
        with followed(chromium, page, folder, NAMES, language, pictures=IMAGES) as guide:
            guide.follow()


def take_board(chromium: Browser, work: Path) -> None:
    """The board of the first commune of the demonstration, in both languages."""
    told = work / "demo"
    with told.open("w") as out:
        demo = subprocess.Popen([sys.executable, "-c", START, "demo"], stdout=out)
    try:
        ends = time.monotonic() + DEMO_SECONDS
        while not (found := re.search(r"http://127\.0\.0\.1:\d+/", told.read_text())):
            assert demo.poll() is None
            assert time.monotonic() < ends
            time.sleep(0.2)
        for language in TUTORIALS:
            context = chromium.new_context(
                locale=language, viewport={"width": 1100, "height": 860}, reduced_motion="reduce"
            )
            page = context.new_page()
            page.goto(found[0])
            shoot(page, IMAGES / f"board.{language}.webp")
            context.close()
    finally:
        demo.send_signal(signal.SIGINT)
        demo.wait(30)


def main() -> None:
    """Take all of them."""
    compile_translations()
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, launched(find_chromium() or "chromium") as chromium:
        work = Path(folder)
        for name in ("XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
            os.environ[name] = str(work / name.lower())
        take_tutorials(chromium, work)
        take_board(chromium, work)


if __name__ == "__main__":
    main()
