"""Somebody at a page: what people do there, by pointing at it or with the keys of the keyboard alone.

    person = Person(page)                        # clicks; `keys=True`: presses nothing but keys
    person.press("a", "Offer something")
    person.fill("#title", "Yellow maize")
    person.appears("Yellow maize")               # by itself, or by loading it again

By keyboard whatever is to be used has to be reached with the tab key, so that
what cannot be reached, or is not seen to be reached, fails.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from playwright.sync_api import Page

MOST_STEPS: Final = 150
"""presses of the tab key on one page; none of those in a story has as much on it."""

REACHED: Final = """([selector, text]) => {
    const each = document.activeElement;
    if (!each.matches(selector) || !each.innerText.includes(text)) return "";
    const shape = each.getBoundingClientRect(), style = getComputedStyle(each);
    const outlined = style.outlineStyle !== "none" && style.outlineWidth !== "0px";
    const marked = outlined || style.boxShadow !== "none";
    return shape.width && shape.height && marked ? "seen" : "unseen";
}"""
"""Whether the focus is on something, and whether that shows."""

ATTEMPTS: Final = 200
"""tenths of a second in which something has to come; it takes less than ten."""


@dataclass
class Person:
    """Somebody at one page; `script`: whether their browser runs any."""

    page: Page
    script: bool = True
    keys: bool = False

    def press(self, selector: str, text: str = "") -> None:
        """Follow a link, press a button, open what is folded."""
        if self.keys:
            self._reach(selector, text)
            self.page.keyboard.press("Enter")
        else:
            self.page.locator(selector, has_text=text).locator("visible=true").first.click()

    def fill(self, selector: str, text: str) -> None:
        """Type into a field, in the place of what stands there."""
        if self.keys:
            self._reach(selector)
            self.page.keyboard.press("Control+A")
            self.page.keyboard.insert_text(text)
        else:
            self.page.locator(selector).locator("visible=true").first.fill(text)

    def choose(self, selector: str, label: str) -> None:
        """Choose from a list."""
        if self.keys:
            self._reach(selector)
            self.page.keyboard.type(label)
        else:
            self.page.locator(selector).locator("visible=true").first.select_option(label=label)

    def sign(self) -> None:
        """Look at it once more, and sign it."""
        self.press("button", "Look at it once more")
        self.press_sign()

    def press_sign(self) -> None:
        """Sign what is shown, and wait until that is done."""
        signing = self.page.get_by_role("button", name="Sign it")
        signing.wait_for()
        self.press("button", "Sign it")
        signing.wait_for(state="detached")

    def appears(self, text: str) -> None:
        """Wait until a text is on the page: by itself, or by loading it again where there is no script."""
        shown = self.page.get_by_text(text).first
        if self.script:
            shown.wait_for()
            return
        for _attempt in range(ATTEMPTS):
            if shown.count():
                return
            self.page.wait_for_timeout(100)
            self.page.reload()
        raise AssertionError(self.page.inner_text("main"))

    def news(self, text: str) -> None:
        """Follow what a page says when something has come; without script load it until it is there."""
        if self.script:
            self.press("#now a", "Show what can be done now")
        self.appears(text)

    def found(self, name: str) -> None:
        """Found a commune, as a new user does."""
        self.press("a", "Begin")
        self.fill("#name", name)
        self.press("summary", "More: communal city")
        self.fill("#network", "ensayo")
        self.press("button", "Go on")
        self.page.locator(".words li").nth(23).wait_for()
        words = self.page.locator(".words li").all_inner_texts()
        assert len(words) == 24
        self.press("a", "They are on paper")
        self.fill("#words", " ".join(words))
        self.press("button", "Found the commune")
        self.press("a", "Not now")
        self.page.get_by_role("heading", name="First steps").wait_for()

    def _reach(self, selector: str, text: str = "") -> None:
        self.page.locator(selector, has_text=text).locator("visible=true").first.wait_for()
        for _step in range(MOST_STEPS):
            self.page.keyboard.press("Tab")
            if found := self.page.evaluate(REACHED, [selector, text]):
                assert found == "seen", f"nothing shows that the focus is on {selector} {text}"
                return
        raise AssertionError(f"{selector} {text} cannot be reached on {self.page.url}")
