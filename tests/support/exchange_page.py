"""The parts of docs/spec/exchange.md that are written from the code: the example, the moves, the reasons.

    python -m tests.support.exchange_page

writes them anew between their marks; a test holds the page against the code.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from ledger.moves import MOVES, REASONS, Names, Once

from .exchange_vectors import example_lines
from .shared import CHECKOUT

_NAMES: Final = {Names.PROPOSAL: "the proposal", Names.DISPUTE: "a dispute", Names.CANCEL: "a cancel"}
_KNEW: Final = {Once.NAMED: "", Once.PROPOSED: "the proposal", Once.AGREED: "agreement"}


def table_lines() -> Iterator[str]:
    """The table of moves."""
    yield "| kind | names | who | knew |"
    yield "|---|---|---|---|"
    for kind, rules in MOVES.items():
        for rule in rules:
            yield f"| `{kind}` | {_NAMES[rule.names]} | {rule.who} | {_KNEW[rule.once]} |"


def reason_lines() -> Iterator[str]:
    """The reasons for which a move has no effect."""
    yield "| code | |"
    yield "|---|---|"
    yield from (f"| `{code}` | {reason} |" for code, reason in REASONS.items())


SECTIONS: Final[dict[str, Callable[[], Iterator[str]]]] = {
    "example": example_lines,
    "table": table_lines,
    "reasons": reason_lines,
}

_SECTION: Final = re.compile(r"(<!-- from the code: (\w+) -->\n).*?(<!-- to here -->)", re.DOTALL)


def page_path() -> Path:
    """Where the page is."""
    return CHECKOUT / "docs" / "spec" / "exchange.md"


def renewed(page: str) -> str:
    """The page with these parts as the code has them."""
    return _SECTION.sub(
        lambda found: found[1] + "\n" + "\n".join(SECTIONS[found[2]]()).rstrip() + "\n\n" + found[3], page
    )


def sections_of(page: str) -> list[str]:
    """The names of the parts that the page marks."""
    return [found[2] for found in _SECTION.finditer(page)]


if __name__ == "__main__":
    page_path().write_text(renewed(page_path().read_text(encoding="utf-8")), encoding="utf-8")
