"""How a command is declared, and the options that many have.

Decides that every command takes `--home` and `--json`, that one which signs
takes `--yes` and `--by`, and that its function is given a `Desk` first. What
the options mean is `desk`'s.
"""

from __future__ import annotations

import inspect
import unicodedata
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from ..language import gettext as _
from .desk import Desk
from .spoken import Argument, Command, Option

MOST: Final = 2**31 - 1
"""things that are asked for at the most: more rows than a ledger can list, and SQLite counts further."""


class Count(click.IntRange):
    """A number of things, at least one; told in the language that is spoken.

    More than can be counted to is as good as the most that can.
    """

    def __init__(self) -> None:
        super().__init__(min=1)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        return min(int(super().convert(value, param, ctx)), MOST)

    @property
    def name(self) -> str:  # type: ignore[override]
        return _("whole number")


COUNT = Count()

Function = TypeVar("Function", bound=Callable[..., Any])


def command(name: str, *, signs: bool = False) -> Callable[[Callable[..., Any]], click.Command]:
    """Make a function a command: its docstring is the help, and a `Desk` its first argument.

    The parameters that all commands have stand after its own. With `signs` it
    also takes `--by`, passed on as `by`, and `--yes`.
    """

    def declare(function: Callable[..., Any]) -> click.Command:
        @wraps(function)
        def run(home: Path | None, as_json: bool, yes: bool = False, **given: Any) -> Any:
            return function(Desk.of(home, as_json=as_json, yes=yes), **given)

        declared: Callable[..., Any] = run
        if signs:
            declared = option("--yes", is_flag=True, help="Sign without asking.")(declared)
            declared = option(
                "--by", type=LINE, metavar="ROLE", help="Role that records this: secretary, ..."
            )(declared)
        declared = json_option(home_option(declared))
        made = click.command(name, cls=Command, help=inspect.getdoc(function))(declared)
        made.params = [
            *(each for each in made.params if each.name not in _LAST),
            *(each for name in _LAST for each in made.params if each.name == name),
        ]
        return made

    return declare


_LAST = ("by", "yes", "as_json", "home", "help")


def option(*names: str, **settings: Any) -> Callable[[Function], Function]:
    """An option whose texts are translated."""
    return click.option(*names, cls=Option, **settings)


def argument(name: str, *, metavar: str, help: str, **settings: Any) -> Callable[[Function], Function]:  # noqa: A002  # click's name
    """An argument whose texts are translated."""
    return click.argument(name, cls=Argument, metavar=metavar, help=help, **settings)


def limit_option(function: Function) -> Function:
    """`--limit NUMBER`."""
    return option(
        "--limit",
        type=COUNT,
        metavar="NUMBER",
        help="At most so many; without it 200 in a table, and all with --json.",
    )(function)


def home_option(function: Function) -> Function:
    """`--home DIR`."""
    return option(
        "--home",
        type=click.Path(path_type=Path, file_okay=False),
        envvar="TRUEQUE_HOME",
        metavar="DIR",
        help="Folder with your commune's ledger and keys; else TRUEQUE_HOME, or the system's data folder.",
    )(function)


def json_option(function: Function) -> Function:
    """`--json`."""
    return option("--json", "as_json", is_flag=True, help="Print JSON for programs, and ask nothing.")(
        function
    )


class _Text(click.ParamType[str]):
    """Text as records want it: composed (NFC), without blanks around it, not empty."""

    def __init__(self, *, line: bool, empty: bool = False) -> None:
        self.name = "text"
        self._line = line
        self._empty = empty

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        text = unicodedata.normalize("NFC", str(value)).strip()
        if any(unicodedata.category(letter) == "Cs" for letter in text):
            # What Python makes of bytes on the command line that are no UTF-8.
            self.fail(_("It holds bytes that are no text: type it again."), param, ctx)
        if not text and not self._empty:
            self.fail(_("It must not be empty."), param, ctx)
        if self._line and len(text.splitlines()) > 1:
            self.fail(_("It must be one line."), param, ctx)
        return text


LINE = _Text(line=True)
"""One line of text: a title, a name, a place."""

TEXT = _Text(line=False)
"""Text of several lines: a note, a reason."""

OPTIONAL_LINE = _Text(line=True, empty=True)
OPTIONAL_TEXT = _Text(line=False, empty=True)
"""The same, and empty for none."""
