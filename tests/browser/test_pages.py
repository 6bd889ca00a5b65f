"""Every page there is: whoever sees, hears or touches it can use it, and it comes over a weak network."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from .conftest import Street
from .furnishing import Stop

if TYPE_CHECKING:
    from playwright.sync_api import Page, Response

PAGES = Path(__file__).parents[2] / "docs" / "reference" / "pages.md"

PHONE, DESKTOP = {"width": 360, "height": 740}, {"width": 1280, "height": 800}

LEVELS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
"""Tags of the rules that belong to WCAG 2.2, levels A and AA."""

AXE = {
    "resultTypes": ["violations"],
    "runOnly": {"type": "tag", "values": LEVELS},
    "rules": {"target-size": {"enabled": True}},
}

LOOKS = {
    "resultTypes": ["violations"],
    "runOnly": {"type": "rule", "values": ["color-contrast", "target-size"]},
}
"""What light and dark, small and large can change; all else was checked on the phone by day."""

TOO_WIDE = """() => {
    const root = document.documentElement, far = [];
    const name = each => each.outerHTML.slice(0, 120);
    if (root.scrollWidth > root.clientWidth) far.push(`the page is ${root.scrollWidth} wide`);
    for (const each of document.querySelectorAll(".scroll:not(.network)"))
        if (root.clientWidth < 544 && each.scrollWidth > each.clientWidth) far.push(`scrolls: ${name(each)}`);
    for (const each of document.querySelectorAll("body *:not(.scroll *, .skip)")) {
        const box = each.getBoundingClientRect();
        if (box.width && box.right > root.clientWidth + 1) far.push(`reaches ${box.right}: ${name(each)}`);
    }
    for (const each of document.querySelectorAll("a, button, label, th, h1, h2, h3"))
        if (each.scrollWidth > each.clientWidth + 1 && getComputedStyle(each).display != "inline")
            far.push(`is cut or runs over its edge: ${name(each)}`);
    return far;
}"""
"""What is wider than its place; on a phone tables stand as blocks, and only a drawing scrolls."""

FILES = frozenset(
    {
        "/static/{mark}/{name}", "/photos/{digest}", "/live", "/audit/result", "/entries/{id}/proof",
        "/exchanges/{id}/receipt", "/accounts/statement/csv", "/welcome/signatures/request.json",
    }
)  # fmt: skip
"""Addresses that give no page."""


def faults_of(response: Any) -> Iterator[str]:
    for violation in response["violations"]:
        for node in violation["nodes"]:
            yield f"{violation['id']}: {node['html'][:200]} ({node['failureSummary'][:300]})"


@pytest.mark.parametrize(
    ("scheme", "size", "language", "every"),
    [
        ("light", PHONE, "es", 1),
        ("dark", DESKTOP, "en", 4),
        pytest.param("dark", DESKTOP, "en", 1, marks=pytest.mark.slow),
        pytest.param("dark", PHONE, "es", 1, marks=pytest.mark.slow),
        pytest.param("light", DESKTOP, "en", 1, marks=pytest.mark.slow),
    ],
    ids=[
        "light, phone, es",
        "dark, desktop, en, some",
        "dark, desktop, en",
        "dark, phone, es",
        "light, desktop, en",
    ],
)
def test_nobody_is_shut_out_of_a_page(
    plain_street: Street, scheme: str, size: dict[str, int], language: str, every: int
) -> None:
    """No rule of WCAG 2.2 A and AA that programs can check is broken; nothing is wider than the screen."""
    from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]

    axe, faults = Axe(), []
    rules = AXE if scheme == "light" and size == PHONE else LOOKS
    for context, seen in plain_street.walks(color_scheme=scheme, viewport=size, locale=language):
        page = context.new_page()
        page.set_default_timeout(15_000)
        for stop in seen[::every]:
            stop.visit(page)
            faults += [f"{stop.name}: {fault}" for fault in faults_of(axe.run(page, options=rules).response)]
            faults += [f"{stop.name}: {fault}" for fault in page.evaluate(TOO_WIDE)]
    assert not faults, "\n".join(faults)


def test_every_page_is_among_those_that_are_looked_at(plain_street: Street) -> None:
    """All that docs/reference/pages.md lists, which has every address there is."""
    visited = {
        address
        for _, seen in plain_street.walks()
        for stop in seen
        if stop.status == 200
        for address in (urlsplit(stop.address).path, stop.shows)
    }
    listed = re.findall(r"^\| `GET ([^`]+)`", PAGES.read_text(encoding="utf-8"), re.MULTILINE)
    assert set(listed) > FILES
    for address in set(listed) - FILES:
        pattern = re.compile(re.sub(r"\{\w+\}", "[^/]+", address.replace("{id}", "[0-9a-f]{64}")))
        assert any(pattern.fullmatch(path) for path in visited), address


# Weight -----------------------------------------------------------------------------------------


def weighed(page: Page, stop: Stop) -> list[int]:
    """Bytes of every page on the way to a stop, each with all that it asks for, and the heads of answers."""
    answers: list[Response] = []

    def note(answer: Response) -> None:
        answers.append(answer)

    page.on("response", note)
    stop.visit(page)
    page.remove_listener("response", note)
    found = [0]
    for answer in answers:
        if answer.url.endswith("/live"):  # which does not end while the page is open
            continue
        if answer.request.is_navigation_request():
            found.append(0)
        sizes = answer.request.sizes()
        found[-1] += sizes["responseBodySize"] + sizes["responseHeadersSize"]
    return found


def test_the_first_visit_takes_250_kb_and_every_later_one_30(plain_street: Street) -> None:
    """Whichever page comes first: what all share is counted at the first, what one has alone at that one."""
    weights: dict[str, int] = {}
    for context, seen in plain_street.walks():
        page = context.new_page()
        page.set_default_timeout(15_000)
        first = max(weighed(page, Stop("first", seen[0].address)))
        assert 30_000 < first <= 250_000 - 30_000
        # A form that is shown again weighs what it did; where a test answers for the node nothing is cached.
        weights |= {
            stop.name: max(weighed(page, stop))
            for stop in seen
            if not stop.name.endswith("-faults") and stop.name != "restoring"
        }
    assert len(weights) > 70
    assert max(weights.values()) <= 30_000, weights
