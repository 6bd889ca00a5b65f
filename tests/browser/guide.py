"""Somebody who follows a page of the documents word by word, in Chromium, at real nodes.

    with followed(chromium, "docs/tutorial/en/first-exchange.md", folder) as guide:
        guide.follow()

Decides how such a page is read, and nothing of what it says:

- a line `./dev run OPTIONS` of a block of code starts a node in that home, and a
  window of the browser at its pages; ports are free ones instead of those named;
- *emphasis* with the name of a window (they are named in the order of the nodes)
  goes on in that window;
- **strong** is a button, a link or the like, which is pressed; with `code` after a
  colon it is a field, which is filled with that or has that chosen, or the file of
  that name, in which … stands for anything;
- “quoted” (in Spanish «así») has to be on the page now, or come to it by itself;
  fields are then looked for after it first;
- a picture is taken where the page shows one, if pictures are wanted.

What it cannot do as it stands there fails, with the sentence.
"""

from __future__ import annotations

import io
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PIL import Image

from ..support.nodes import NodeProcess
from ..support.shared import CHECKOUT

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Download, Locator, Page

PATIENCE: Final = 20_000
"""milliseconds that something may take to appear, on a machine that is busy"""

_RUN: Final = re.compile(r"^    \./dev run(.*)$", re.MULTILINE)
_BLOCK: Final = re.compile(r"(?:^    .*\n)+", re.MULTILINE)
_STEP: Final = re.compile(
    r"!\[[^\]]*\]\((?P<picture>[^)]+)\)"
    r"|\*\*(?P<control>[^*]+)\*\*(?::\s+`(?P<value>[^`]+)`)?"
    r"|\*(?P<window>[^*]+)\*"
    r"|[“«](?P<seen>[^”»]+)[”»]"
)
_CONTROLS: Final = "a, button, summary, label:has([type=checkbox]), label:has([type=radio])"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that a page says is done or seen."""

    kind: str
    """`picture`, `control`, `window` or `seen`"""
    text: str
    value: str | None
    around: str


def steps(page: Path, section: str = "") -> list[Step]:
    """What a page of the documents says, or a section of it, in its order."""
    whole = page.read_text(encoding="utf-8")
    if section:
        whole = whole.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    text = _BLOCK.sub("\n", whole)
    found = []
    for match in _STEP.finditer(text):
        kind = match.lastgroup if match.lastgroup != "value" else "control"
        assert kind is not None
        said = " ".join(match[kind].split())
        around = " ".join(text[max(0, match.start() - 60) : match.end() + 30].split())
        found.append(Step(kind, said, match["value"], around))
    return found


def nodes(page: Path) -> list[list[str]]:
    """The options of the nodes that a page starts: those whose homes it names."""
    given = [shlex.split(line) for line in _RUN.findall(page.read_text(encoding="utf-8"))]
    return [options for options in given if "--home" in options]


@dataclass
class Guide:
    """The windows of somebody who follows a page, and the files that they have saved."""

    page: Path
    folder: Path
    windows: dict[str, Page]
    addresses: Mapping[str, str]
    """where each window goes when it is named first"""
    section: str = ""
    """what of the page is followed, by its heading; all of it if none is named"""
    pictures: Path | None = None
    words: dict[str, str] = field(default_factory=dict)
    """the recovery words that each window has shown"""
    current: str = ""
    _after: Locator | None = None
    _downloads: list[Download] = field(default_factory=list)

    def follow(self) -> None:
        """Do all that the page says."""
        for window in self.windows.values():
            window.set_default_timeout(PATIENCE)
            window.on("download", lambda saved: self._downloads.append(saved))
        for step in steps(self.page, self.section):
            try:
                self._do(step)
            except Exception as fault:
                where = self.windows[self.current].url if self.current else "nowhere"
                raise AssertionError(f"{self.page.name}: … {step.around} …: {fault} (at {where})") from fault

    def _do(self, step: Step) -> None:
        if step.kind == "window":
            if step.text in self.windows:
                self.current, self._after = step.text, None
                self._shown.bring_to_front()
                if self._shown.url == "about:blank":
                    self._shown.goto(self.addresses[step.text])
        elif step.kind == "seen":
            self._after = self._shown.get_by_text(step.text).locator("visible=true").first
            self._after.wait_for()
        elif step.kind == "picture":
            self._take(step.text)
        elif step.value is not None:
            self._fill(step.text, step.value)
        else:
            self._press(step.text)

    @property
    def _shown(self) -> Page:
        assert self.current, "no window is named yet"
        return self.windows[self.current]

    def _press(self, name: str) -> None:
        if self._shown.locator("label[for=words]").filter(has_text=_begins(name)).count():
            self._shown.locator("#words").fill(self.words[self.current])
            return
        whole = re.compile(rf"^\s*(?:← )?{re.escape(name)}(?:\s+\d+)?\s*$")
        self._shown.locator(_CONTROLS).filter(has_text=whole).locator("visible=true").first.click()
        self._after = None
        self._shown.wait_for_load_state()
        shown = self._shown.locator(".words li").all_inner_texts()
        if shown:
            self.words[self.current] = " ".join(shown)

    def _fill(self, name: str, value: str) -> None:
        label = self._label(name)
        box = label.locator("input, select, textarea").first
        if box.evaluate("each => each.tagName") == "SELECT":
            box.select_option(label=value)
        elif box.get_attribute("type") == "file":
            self._save()
            (file,) = self.folder.glob(value.replace("…", "*"))
            box.set_input_files(file)
        else:
            box.fill(value)

    def _label(self, name: str) -> Locator:
        where = "xpath=following::label"
        if self._after is not None:
            found = self._after.locator(where).filter(has_text=_begins(name)).locator("visible=true")
            if found.count():
                return found.first
        return self._shown.locator("label").filter(has_text=_begins(name)).locator("visible=true").first

    def _save(self) -> None:
        if not self._downloads:
            self._shown.wait_for_event("download")
        for download in self._downloads:
            download.save_as(self.folder / download.suggested_filename)

    def _take(self, target: str) -> None:
        if self.pictures is not None:
            shoot(self._shown, (self.page.parent / target).resolve())


def _begins(name: str) -> re.Pattern[str]:
    return re.compile(rf"^\s*{re.escape(name)}")


def shoot(page: Page, path: Path) -> None:
    """A picture of what a window shows, small: of paper all of it, of other pages no more than there is."""
    page.evaluate("document.activeElement && document.activeElement.blur()")
    is_paper = "/print/" in page.url
    with Image.open(io.BytesIO(page.screenshot(animations="disabled", full_page=is_paper))) as picture:
        ends = page.evaluate("document.querySelector('main').getBoundingClientRect().bottom + 24")
        shown = picture if is_paper else picture.crop((0, 0, picture.width, min(picture.height, int(ends))))
        shown.convert("RGB").save(path, "WEBP", quality=72, method=6)


@contextmanager
def followed(
    chromium: Browser,
    page: str,
    folder: Path,
    names: Sequence[str],
    language: str,
    section: str = "",
    pictures: Path | None = None,
) -> Iterator[Guide]:
    """The nodes that a page of the documents starts, and windows at them with these names."""
    path = CHECKOUT / page
    with ExitStack() as held:
        ports: dict[str, int] = {}
        addresses: dict[str, str] = {}
        for name, options in zip(names, nodes(path), strict=True):
            home = folder / Path(options[options.index("--home") + 1]).name
            node = held.enter_context(NodeProcess(home, *_with_ports(options, ports)))
            assert node.started, node.journal.read_text()
            ports[_told(options, "--peer-port", "8784")] = node.told["peer_port"]
            addresses[name] = address_of(node)
        yield held.enter_context(windows(chromium, path, folder, addresses, language, section, pictures))


def address_of(node: NodeProcess, host: str = "127.0.0.1") -> str:
    """The address of a node's pages."""
    return f"http://{host}:{node.told['people_port']}/"


@contextmanager
def windows(
    chromium: Browser,
    page: Path,
    folder: Path,
    addresses: Mapping[str, str],
    language: str,
    section: str = "",
    pictures: Path | None = None,
) -> Iterator[Guide]:
    """Somebody with a window for each of these addresses, by their names, all in one browser."""
    context = chromium.new_context(
        locale=language, viewport={"width": 960, "height": 720}, reduced_motion="reduce"
    )
    try:
        made = {name: context.new_page() for name in addresses}
        yield Guide(page, folder, made, addresses, section, pictures)
    finally:
        context.close()


def _told(options: Sequence[str], name: str, otherwise: str) -> str:
    return options[options.index(name) + 1] if name in options else otherwise


def _with_ports(options: Sequence[str], ports: dict[str, int]) -> list[str]:
    """The options that are left, addresses of peers by the ports that these have in truth."""
    kept = []
    for name, value in zip(options[::2], options[1::2], strict=True):
        if name == "--peer":
            host, _, port = value.rpartition(":")
            kept += [name, f"{host}:{ports[port]}"]
        else:
            assert name in ("--home", "--people-port", "--peer-port"), name
    return kept
