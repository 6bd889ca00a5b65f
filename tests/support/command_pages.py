"""The reference page of commands, written from the commands themselves.

    python -m tests.support.command_pages

writes docs/reference/commands.md anew; a test holds the two equal.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterable
from pathlib import Path

import click

from node import language
from node.cli import trueque

from .catalogue import commands
from .shared import CHECKOUT

_OPENING = """\
# Commands

`trueque` is the command; the word behind it says what it does. Each explains itself: `trueque offer --help`.

- **Language.** Spanish or English, as the system says (`LC_ALL`, `LC_MESSAGES`, `LANG`), or as
  `trueque --language es` does. Names of commands and options, and the codes that they take, are the same in
  both.
- **Home.** The folder with a commune's ledger and keys: `--home DIR`, else the environment variable
  `TRUEQUE_HOME`, else the platform's folder for data. One program at a time writes in it; reading is always
  possible.
- **Ids.** 64 hex digits; any beginning of at least four that means one thing will do. Communes may also be
  named by their name, an exchange by the id of anything that was said in it.
- **Signing.** What is signed stays for ever. At a terminal every command that signs asks first; `--yes`,
  `--json`, or input that is no terminal leave the question out.
- **Output.** Results go to standard output, questions and warnings to standard error. `--json` prints what
  [JSON](json.md) describes.
- **Exit status.** 0: done. 1: done, and something was found (`audit`, `verify`). 2: refused or failed, with
  one sentence on standard error that says what to do next. 130: stopped by the keyboard.
- **Faults.** A fault of the program itself is told in one sentence too; with `TRUEQUE_DEBUG=1` in the
  environment it is shown with its traceback.

This page is written from the commands by `python -m tests.support.command_pages`.
"""


def page() -> str:
    """The whole page, Markdown, ending in one newline."""
    spoken, kept = language.current(), os.environ.get("LANGUAGE")
    language.use("en")
    try:
        lines = [_OPENING]
        section = ""
        for name, command in commands():
            if command is trueque:
                continue
            words = name.split()
            row = trueque.rows[words[1]]
            if row.section != section:
                section = row.section
                lines += [f"## {section}", ""]
            lines += _command(name, command, level=len(words) + 1)
        return "\n".join(lines).rstrip() + "\n"
    finally:
        language.use(spoken)
        if kept is not None:
            os.environ["LANGUAGE"] = kept


def _command(name: str, command: click.Command, level: int) -> Iterable[str]:
    ctx = click.Context(command, info_name=name)
    yield f"{'#' * level} {name}"
    yield ""
    yield f"    {name} {' '.join(command.collect_usage_pieces(ctx))}"
    yield ""
    yield inspect.cleandoc(command.help or "")
    yield ""
    rows = [
        (parameter, record)
        for parameter in command.params
        if (record := parameter.get_help_record(ctx)) is not None and "--help" not in parameter.opts
    ]
    if rows:
        yield "| | |"
        yield "|---|---|"
        for _parameter, (spelling, told) in rows:
            yield f"| `{_cell(spelling)}` | {_cell(told)} |"
        yield ""


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def page_path() -> Path:
    """Where the page is kept."""
    return CHECKOUT / "docs" / "reference" / "commands.md"


if __name__ == "__main__":
    page_path().write_text(page())
