"""Drawings: bars over months, and a network, as SVG that stands in a page.

Decides how numbers become shapes. Everything is said by attributes, since a page
may hold no style of its own (its policy), and in the page's colour, so that it
is seen in light and dark. Nothing is told by colour alone; the table that
belongs to each drawing tells the same.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

from markupsafe import Markup, escape

from ..visible import safe

WIDTH: Final = 300
HEIGHT: Final = 110
"""units of a drawing of bars; it is shown as wide as there is room."""

BASE: Final = 88
TOP: Final = 14
"""where bars stand, and where the highest ends; what is above and below is text."""

ROOM: Final = (640, 400)
"""units of a drawing of a network, width and height."""

RADIUS: Final = 145
"""of the circle on which the communes stand; outside of it there is room for their names."""

MAX_NAME: Final = 22
"""characters of a name beside its circle; the table has it whole."""

THICKEST: Final = 12.0
"""units of the line between those who exchange most."""


def bars(values: Sequence[int], first: str, last: str, highest: str, told: str) -> Markup:
    """A bar for each value, with the highest one's text above and labels below; `told` says what it shows."""
    most = max([1, *values])
    step = WIDTH / max(1, len(values))
    drawn = [
        f'<rect x="{place * step + step * 0.12:.2f}" y="{BASE - height:.2f}" '
        f'width="{step * 0.76:.2f}" height="{height:.2f}" fill="currentColor"></rect>'
        for place, value in enumerate(values)
        if (height := (BASE - TOP) * value / most) > 0
    ]
    return _svg(
        WIDTH,
        HEIGHT,
        told,
        [
            *drawn,
            f'<line x1="0" y1="{BASE}" x2="{WIDTH}" y2="{BASE}" stroke="currentColor"></line>',
            f'<line x1="0" y1="{TOP}" x2="{WIDTH}" y2="{TOP}" stroke="currentColor" stroke-width="0.5" '
            'stroke-dasharray="2 3"></line>',
            _text(0, TOP - 3, highest, "start", 11),
            _text(0, HEIGHT - 6, first, "start", 11),
            _text(WIDTH, HEIGHT - 6, last, "end", 11),
        ],
    )


def network(names: Sequence[str], ties: Mapping[tuple[int, int], int], bold: int | None, told: str) -> Markup:
    """Names on a circle, with a line between two that is the thicker the larger the number of their tie."""
    count, middle = max(1, len(names)), (ROOM[0] / 2, ROOM[1] / 2)
    angles = [2 * math.pi * place / count - math.pi / 2 for place in range(count)]
    spots = [(middle[0] + RADIUS * math.cos(angle), middle[1] + RADIUS * math.sin(angle)) for angle in angles]
    most = max([1, *ties.values()])
    drawn = []
    for (one, other), number in sorted(ties.items(), key=lambda tie: tie[1]):
        (left, top), (right, bottom) = spots[one], spots[other]
        drawn.append(
            f'<line x1="{left:.1f}" y1="{top:.1f}" x2="{right:.1f}" y2="{bottom:.1f}" stroke="currentColor" '
            f'stroke-opacity="0.55" stroke-width="{max(1.0, THICKEST * number / most):.1f}"></line>'
        )
    for place, name in enumerate(names):
        x, y = spots[place]
        across = math.cos(angles[place])
        anchor = "middle" if abs(across) < 0.25 else "start" if across > 0 else "end"
        down = 26 if math.sin(angles[place]) > 0 else -16
        size = 10 if place == bold else 7
        drawn.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{size}" fill="currentColor"></circle>')
        drawn.append(
            _text(
                x if anchor == "middle" else x + (16 if across > 0 else -16),
                y + (down if anchor == "middle" else 5),
                name if len(name) <= MAX_NAME else f"{name[: MAX_NAME - 1]}…",
                anchor,
                14,
                "bold" if place == bold else "normal",
            )
        )
    return _svg(*ROOM, told, drawn)


def _text(x: float, y: float, text: str, anchor: str, size: int, weight: str = "normal") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" font-weight="{weight}" '
        f'fill="currentColor">{escape(safe(text))}</text>'
    )


def _svg(width: int, height: int, told: str, drawn: Sequence[str]) -> Markup:
    # Each piece is made above from numbers and escaped text.
    return Markup(  # noqa: S704
        f'<svg class="drawing" role="img" aria-label="{escape(safe(told))}" '
        f'viewBox="0 0 {width} {height}">{"".join(drawn)}</svg>'
    )
