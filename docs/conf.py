"""How Sphinx makes the documents a web site: `./dev docs` says where it put it.

The pages are plain Markdown that reads well on a code host as it is, so nothing
of Sphinx stands in them. What is in the navigation, and in which order, is
taken from the lists of docs/README.md: a page that is missing there is a
warning, and warnings are errors. The whole checkout is the source, so that
links between the README and docs/ are those of the files. What is made asks
other hosts for nothing.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

CHECKOUT = Path(__file__).resolve().parent.parent
INDEX = "docs/README"

project = "Trueque"
author = "The Trueque authors"
copyright = "The Trueque authors, AGPL-3.0-or-later"  # noqa: A001  # Sphinx calls it so
language = "en"
root_doc = "README"
include_patterns = ["docs/**", "README.md", "README.es.md", "CONTRIBUTING.md", "CHANGELOG.md"]
exclude_patterns = [".*", "dist", "ledger", "node", "protocol", "tests"]  # else they are walked through
extensions = ["myst_parser"]
myst_heading_anchors = 6
"""levels of headings that links may name, spelled as code hosts spell them"""
nitpicky = True
highlight_language = "none"

html_theme = "furo"
html_title = "Trueque"
html_show_sphinx = False
html_copy_source = False
html_theme_options: dict[str, list[str]] = {"top_of_page_buttons": []}

LINK = re.compile(r"\]\(([^)#]+\.md)\)")


def sections() -> list[tuple[str, list[str]]]:
    """Of the index: its headings, each with the pages that its section is the first to link to."""
    text = (CHECKOUT / f"{INDEX}.md").read_text(encoding="utf-8")
    listed: set[str] = {"README"}
    made = []
    for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        heading, _, rest = section.partition("\n")
        names = [_name_of(target) for target in LINK.findall(rest)]
        made.append((heading, [name for name in dict.fromkeys(names) if name not in listed]))
        listed.update(names)
    return made


def _name_of(target: str) -> str:
    page = (CHECKOUT / INDEX).parent.joinpath(target).resolve()
    return str(page.relative_to(CHECKOUT).with_suffix(""))


def _add_navigation(app: Sphinx, name: str, source: list[str]) -> None:
    if name == root_doc:
        for heading, names in [("", [INDEX]), *sections()]:
            listed = "\n".join(f"/{each}" for each in names)
            caption = f":caption: {heading}\n" if heading else ""
            source[0] += f"\n\n```{{toctree}}\n:hidden:\n{caption}\n{listed}\n```\n"


def _say_language(app: Sphinx, name: str, template: str, context: dict[str, Any], tree: object) -> None:
    if "/es/" in name or name.endswith(".es"):
        context["language"] = "es"


def _lead_in(app: Sphinx, fault: Exception | None) -> None:
    """Browsers that open the folder are led to its first page."""
    if fault is None:
        leads = f'<meta http-equiv="refresh" content="0; url={root_doc}.html">'
        Path(app.outdir, "index.html").write_text(
            f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{project}</title>{leads}'
            f'<a href="{root_doc}.html">{project}</a></html>\n',
            encoding="utf-8",
        )


def setup(app: Sphinx) -> dict[str, bool]:
    """Tell Sphinx what is done here."""
    app.connect("source-read", _add_navigation)
    app.connect("html-page-context", _say_language)
    app.connect("build-finished", _lead_in)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
