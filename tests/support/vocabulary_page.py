"""The reference page of categories and units, written from the data.

    python -m tests.support.vocabulary_page

writes docs/reference/vocabulary.md anew; a test holds the two equal.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ledger.vocabulary import categories, groups, units

from .shared import CHECKOUT

_OPENING = """\
# Categories and units

A listing says in which category (rubro) it falls and in which unit its amount is counted. Both are
codes, so that every commune reads them in its own language:

    trueque offer "Caraotas negras" --category food-legumes --quantity 100 --unit kg

shows in Spanish as *Caraotas y otros granos, 100 kg*, in English as *Beans and other pulses, 100 kg*.

- Codes stand in signed records that are kept for ever: none is ever renamed, removed or given another
  meaning. Names may be improved, and codes added.
- Codes are open. A commune may write one that is not on this page (at most 48 characters); other nodes
  keep it, pass it on and show it as it is.
- Units are never converted. What a saco, a cesta or a quintal holds differs from place to place and from
  crop to crop: say it in the title or the note, or count in kilograms.
- An amount is never required.

This page is written from `ledger/vocabulary.toml` by `python -m tests.support.vocabulary_page`.
"""

_KINDS = """
The kind of a unit says what it tells: `mass`, `volume`, `length`, `area`, `energy` and `time` are measured;
`count` is counted one by one; a `pack` holds what its commune says it holds; an `occasion` is done once,
however long it takes. `OM2` is the name in the
[Ontology of units of Measure 2](http://www.ontology-of-units-of-measure.org/resource/om-2/), where it
has the unit.
"""


def page() -> str:
    """The whole page, Markdown, ending in one newline."""
    lines = [_OPENING, f"## Categories ({len(categories())})"]
    for group in groups().values():
        lines += ["", f"### {group.es} / {group.en}", ""]
        lines += _table(
            ("code", "español", "English", "search words"),
            (
                (f"`{category.code}`", category.es, category.en, ", ".join(category.search))
                for category in categories().values()
                if category.group == group.code
            ),
        )
    lines += ["", f"## Units ({len(units())})", _KINDS]
    lines += _table(
        ("code", "kind", "español", "English", "symbol", "also", "OM2"),
        (
            (
                f"`{unit.code}`",
                unit.kind,
                ", ".join(unit.es),
                ", ".join(unit.en),
                unit.symbol or "",
                ", ".join(unit.also),
                f"`{unit.om2}`" if unit.om2 else "",
            )
            for unit in units().values()
        ),
    )
    return "\n".join(lines) + "\n"


def page_path() -> Path:
    """Where the page stands in the checkout."""
    return CHECKOUT / "docs" / "reference" / "vocabulary.md"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    return ["| " + " | ".join(cells) + " |" for cells in (head, ("---",) * len(head), *rows)]


if __name__ == "__main__":
    page_path().parent.mkdir(parents=True, exist_ok=True)
    page_path().write_text(page(), encoding="utf-8")
