"""Charts: what is counted, that each drawing has its table, and that names in drawings are only names."""

from __future__ import annotations

import math
import re
from xml.etree import ElementTree as ET

from node import clock
from node.charts import MONTHS, months_until
from node.web import drawings

from ..conftest import Secretary
from .conftest import Visiting
from .test_papers import HOSTILE, trade


def test_exchanges_quantities_and_ties_are_drawn_and_told(
    montes: Secretary, valle: Secretary, visit: Visiting
) -> None:
    trade(montes, valle)
    montes.sign("propose", "--to", "El Valle", "--give", "Papas;7;kg")  # which nobody has accepted
    browser = visit(montes)
    browser.open("/history")
    browser.follow("Charts")
    text = browser.page.text
    assert "1 exchange that was agreed" in text
    drawn = browser.page.attributes("svg")
    assert len(drawn) == 3
    month = clock.today()[:7]
    assert drawn[0]["aria-label"].startswith("without a category: 1 from ")
    assert drawn[0]["aria-label"].endswith(f"to {month}, at most 1 in a month")
    assert "without a category, kilograms: 90 kg" in drawn[1]["aria-label"]
    assert len(browser.page.attributes("table")) == 3
    assert "El ValleLos Montes1" in text or "Los MontesEl Valle1" in text
    assert browser.open(f"/history/charts?commune={valle.commune}").status == 200
    assert browser.open("/history/charts?commune=nadie").status == 404


def test_without_exchanges_the_page_says_so(montes: Secretary, visit: Visiting) -> None:
    page = visit(montes).open("/history/charts")
    assert "Nothing was agreed in this time." in page.text
    assert not page.attributes("svg")


def test_hostile_names_do_nothing_in_a_drawing(montes: Secretary, valle: Secretary, visit: Visiting) -> None:
    valle.sign("profile", "--name", '</text></svg><script>x</script>"', "--place", HOSTILE)
    valle.tell(montes)
    exchange = montes.sign("propose", "--to", valle.commune, "--give", f"{HOSTILE};5;kg")
    montes.tell(valle)
    valle.sign("accept", exchange)
    valle.tell(montes)
    page = visit(montes).open("/history/charts")
    assert page.status == 200
    assert "</text></svg><scri" in page.text
    assert all(given["src"].startswith("/static/") for given in page.attributes("script"))
    assert not any("style" in given or "onerror" in given for _tag, given in page.tags)


def test_months_follow_each_other() -> None:
    months = months_until("2026-02-28")
    assert len(months) == MONTHS
    assert months[0] == "2024-03"
    assert months[-3:] == ["2025-12", "2026-01", "2026-02"]


def test_bars_are_as_high_as_their_values() -> None:
    root = ET.fromstring(drawings.bars([0, 5, 10], "<a>", "b", "10 & more", 'of "all"'))
    heights = [float(bar.attrib["height"]) for bar in root.iter("rect")]
    assert len(heights) == 2, "of nothing there is no bar"
    assert math.isclose(heights[1], 2 * heights[0])
    assert [text.text for text in root.iter("text")] == ["10 & more", "<a>", "b"]
    assert root.attrib["aria-label"] == 'of "all"'
    assert not list(ET.fromstring(drawings.bars([], "", "", "", "")).iter("rect"))


def test_a_network_stays_within_its_drawing() -> None:
    names = [f"Comuna {number} de nombre largo" for number in range(24)]
    ties = {(one, other): one + other for one in range(24) for other in range(one + 1, 24)}
    drawing = drawings.network(names, ties, 3, "all")
    root = ET.fromstring(drawing)
    width, height = drawings.ROOM
    for spot in root.iter("circle"):
        assert 0 < float(spot.attrib["cx"]) < width
        assert 0 < float(spot.attrib["cy"]) < height
    assert len(list(root.iter("line"))) == len(ties)
    assert max(float(line.attrib["stroke-width"]) for line in root.iter("line")) == drawings.THICKEST
    assert all(len(text.text or "") <= drawings.MAX_NAME for text in root.iter("text"))
    assert not re.search(r"style|class=(?!\"drawing\")", drawing)
