"""The reference page of limits, written from the `limits.py` of the three layers.

    python -m tests.support.limits_page

writes docs/reference/limits.md anew; a test holds the two equal, and that every
limit says beside itself what it counts and why it is as it is.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Final

from .shared import CHECKOUT

LAYERS: Final = {
    "ledger": "What is true for everybody who reads the same bytes: another limit here is another format.",
    "protocol": "What nodes allow each other while they are linked.",
    "node": "What a node allows itself, its neighbours and those who use it.",
}

_OPENING: Final = """\
# Limits

Whatever could grow without end has a limit with a name, a unit and a reason. They are not settings: what
the operator decides is in [settings](settings.md). Names are those in the `limits.py` of each layer.

This page is written from these by `python -m tests.support.limits_page`.
"""

_UNIT_ENDS: Final = re.compile(
    r"[;:,.(]|\s(?:of|that|in|a|at|from|by|for|free|which|since|between|beyond|without|as|after|before|until|with"
    r"|on|under|than|to|not|and|or|whose|inside|about|remembered|said|used|wanted|kept)\b"
)


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit of a layer."""

    name: str
    value: float
    text: str
    """what it counts and why, as it stands in the code, in one line"""

    @property
    def unit(self) -> str:
        """The words with which its text begins."""
        return _UNIT_ENDS.split(self.text, maxsplit=1)[0].strip()

    @property
    def reason(self) -> str:
        """What stands after the words that say what it counts; empty if nothing does."""
        return re.split(r"[;:,.]\s|\s\(", self.text, maxsplit=1)[1:][0] if self._has_more else ""

    @property
    def _has_more(self) -> bool:
        return re.search(r"[;:,.]\s\S|\s\(", self.text) is not None


def limits(layer: str) -> Iterator[Limit]:
    """The limits of a layer, in the order of its module."""
    module = import_module(f"{layer}.limits")
    body = ast.parse((CHECKOUT / layer / "limits.py").read_text(encoding="utf-8")).body
    for number, node in enumerate(body):
        if not isinstance(node, ast.AnnAssign) or not isinstance(node.target, ast.Name):
            continue
        text = ""
        if number + 1 < len(body):
            match body[number + 1]:
                case ast.Expr(value=ast.Constant(value=str(said))):
                    text = " ".join(said.split())
        yield Limit(node.target.id, getattr(module, node.target.id), text)


def page() -> str:
    """The whole page, Markdown, ending in one newline."""
    lines = [_OPENING]
    for layer, about in LAYERS.items():
        lines += [
            f"## {layer}",
            "",
            about,
            "",
            "| limit | value | what it counts, and why |",
            "|---|---:|---|",
        ]
        lines += [
            f"| `{each.name}` | {_number(each.value)} {each.unit} | {_cell(each)} |" for each in limits(layer)
        ]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _cell(limit: Limit) -> str:
    return limit.text.replace("|", "\\|")


def _number(value: float) -> str:
    return f"{int(value) if value == int(value) else value:,}"


def page_path() -> Path:
    """Where the page is kept."""
    return CHECKOUT / "docs" / "reference" / "limits.md"


if __name__ == "__main__":
    page_path().write_text(page(), encoding="utf-8")
