"""What is printed: tables for people, JSON for programs.

Decides what tables and JSON look like; how text from anywhere is made safe to
print is `visible`'s. What they hold is the commands'; docs/reference/json.md describes
the JSON.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import click

from ..visible import safe as safe

PIPED_COLUMNS: Final = 160
"""columns of a table that goes into a file or another program."""


def print_json(value: Any) -> None:
    """Print one JSON value, indented, UTF-8."""
    click.echo(json_text(value))


def json_text(value: Any) -> str:
    """A value as indented JSON; Structs of `shapes` may be in it."""
    return json.dumps(value, ensure_ascii=False, indent=2, default=_plain)


def _plain(value: Any) -> Any:
    from msgspec import to_builtins

    return to_builtins(value)


def for_terminal(text: str) -> str:
    """Sentences for standard error: broken between words where that is a terminal, in one line elsewhere."""
    if not sys.stderr.isatty():
        return text
    from textwrap import fill

    return "\n".join(
        fill(line, shutil.get_terminal_size().columns, break_on_hyphens=False) for line in text.split("\n")
    )


def print_facts(facts: Sequence[tuple[str, str]]) -> None:
    """Print what there is to say of one thing, a name and a value a line."""
    width = max(len(name) for name, _value in facts)
    for name, value in facts:
        first, *rest = safe(value).splitlines() or [""]
        click.echo(f"{name.ljust(width)}  {first}")
        for line in rest:
            click.echo(f"{' ' * width}  {line}")
    click.echo()


def _width() -> int:
    """Columns that a line may have."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else PIPED_COLUMNS


def print_lines(lines: Iterable[tuple[int, str]]) -> None:
    """Print lines, each with so many blanks before it; what is too long goes on below, further in."""
    from textwrap import wrap

    width = _width()
    for indent, text in lines:
        blanks = " " * indent
        told = wrap(
            safe(text).replace("\n", " "),
            width,
            initial_indent=blanks,
            subsequent_indent=f"{blanks}   ",
            break_on_hyphens=False,
        )
        click.echo("\n".join(told))


@dataclass
class Table:
    """Columns with headings, and rows of text.

    `right` are the places of columns with numbers, `texts` of those that may be
    broken into lines where room is short; the others keep their width.
    """

    headings: Sequence[str]
    rows: list[Sequence[str]] = field(default_factory=list)
    right: frozenset[int] = frozenset()
    texts: frozenset[int] | None = None
    title: str | None = None


def print_table(table: Table) -> None:
    """Print a table as wide as the terminal; nothing is cut off, long text goes on in the next line."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table as Drawn
    from rich.text import Text

    drawn = Drawn(
        box=SIMPLE_HEAD, padding=(0, 1), collapse_padding=True, pad_edge=False, title_justify="left"
    )
    if table.title is not None:
        drawn.title = Text(table.title)
    for place, heading in enumerate(table.headings):
        # Ids and numbers keep their width; it is the texts that give way.
        drawn.add_column(
            Text(heading),
            justify="right" if place in table.right else "left",
            overflow="fold",
            no_wrap=place == 0 if table.texts is None else place not in table.texts,
        )
    for row in table.rows:
        drawn.add_row(*(Text(safe(cell)) for cell in row))
    Console(file=sys.stdout, width=_width(), highlight=False, emoji=False).print(drawn)


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """Show on standard error how far long work is, if a person is watching; called with done and total."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(file=sys.stderr), transient=True) as shown:
        task = shown.add_task(what, total=None)
        yield lambda done, total: shown.update(task, completed=done, total=total or None)
