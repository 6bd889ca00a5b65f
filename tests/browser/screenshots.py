"""Every page as it looks: on a phone and on a large screen, in both languages, by day and by night.

    python -m tests.browser.screenshots FOLDER [--only WORD ...]

Writes FOLDER/<page>.<language>.<light or dark>.<width>.png, each whole page from
its top to its end; --only takes the pages whose names hold one of the words.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from ..support.catalogue import compile_translations
from .conftest import find_chromium, launched, street
from .furnishing import PLAIN

if TYPE_CHECKING:
    from playwright.sync_api import ViewportSize

SIZES: Final[tuple[ViewportSize, ...]] = ({"width": 360, "height": 740}, {"width": 1280, "height": 800})
LANGUAGES: Final = ("es", "en")
SCHEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")


def shoot(folder: Path, work: Path, only: Sequence[str]) -> int:
    """Take all pictures; returns how many."""
    count = 0
    with (
        launched(find_chromium() or "chromium") as chromium,
        street(chromium, work, PLAIN, others=True) as made,
    ):
        for language in LANGUAGES:
            for context, seen in made.walks(locale=language):
                page = context.new_page()
                for stop in (each for each in seen if any(word in each.name for word in only)):
                    stop.visit(page)
                    for size in SIZES:
                        page.set_viewport_size(size)
                        for scheme in SCHEMES:
                            page.emulate_media(color_scheme=scheme)
                            name = f"{stop.name}.{language}.{scheme}.{size['width']}.png"
                            page.screenshot(path=folder / name, full_page=True)
                            count += 1
    return count


def main() -> None:
    """Take them as the arguments say."""
    parser = argparse.ArgumentParser(prog="python -m tests.browser.screenshots", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", nargs="+", default=[""], metavar="WORD")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    compile_translations()
    with tempfile.TemporaryDirectory() as work:
        print(f"{shoot(given.folder, Path(work), given.only)} pictures in {given.folder}")


if __name__ == "__main__":
    main()
