"""The desk: what a command is given to work with.

Decides how a home is opened for a command, which warnings come first, what is
asked before something is signed, and where an answer goes: results to standard
output, everything else (questions, warnings) to standard error, so that the
output can be piped. What the answers look like is `output`'s.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import click

from .. import clock, wording
from ..errors import InputError
from ..home import Home, default_home
from ..language import gettext as _
from . import output

if TYPE_CHECKING:
    from ..service import Service

SHOWN: Final = 200
"""rows that are drawn for a person who gave no limit; more are narrowed down sooner than read."""

Row = TypeVar("Row")

YES: Final = frozenset({"y", "yes", "s", "si", "sí"})
NO: Final = frozenset({"", "n", "no"})


@dataclass(frozen=True)
class Desk:
    """A home, and how the person or program at the other end wants to be talked to."""

    home: Home
    as_json: bool
    yes: bool
    now: Callable[[], int]

    @classmethod
    def of(cls, path: Path | None, *, as_json: bool, yes: bool) -> Desk:
        """The desk for the options that all commands have."""
        return cls(Home(path or default_home()), as_json, yes, clock.now)

    # The home -----------------------------------------------------------------------------------

    @contextmanager
    def reading(self) -> Iterator[Service]:
        """The home, opened for reading; all answers come from one state of the ledger."""
        from ..opening import open_home

        with open_home(self.home, writing=False, now=self.now) as service, service.reader.snapshot():
            self._check_clock(service)
            yield service

    @contextmanager
    def writing(self) -> Iterator[Service]:
        """The home, opened and locked for signing."""
        from ..opening import open_home

        with open_home(self.home, writing=True, now=self.now) as service:
            self._check_clock(service)
            yield service

    def _check_clock(self, service: Service) -> None:
        """Warn of a clock that cannot be right; records say what it says, for ever."""
        doubt = wording.doubt_of_clock(self.now(), service.last_recorded)
        if doubt is not None:
            self.warn(doubt)

    # The person ---------------------------------------------------------------------------------

    def warn(self, sentence: str) -> None:
        """Say something on standard error and go on."""
        click.echo(output.for_terminal(output.safe(sentence)), err=True)

    def confirm(self, summary: str, question: str | None = None) -> None:
        """Ask before something is done for ever, if a person is there. Raises InputError on no."""
        if self.yes or self.as_json or not is_interactive():
            return
        asked = question or _("This stays in the ledger for ever. Sign it?")
        while True:
            answer = ask(output.for_terminal(f"{output.safe(summary)} {asked} {_('[y/N]')}"))
            if answer in YES:
                return
            if answer in NO:
                raise InputError("Nothing was done: give the command again when you are sure.")

    # The answer ---------------------------------------------------------------------------------

    def done(self, entry: bytes, sentence: str, **more: object) -> None:
        """Answer of a command that signed: the id of what it wrote, and what happened."""
        if self.as_json:
            output.print_json({"id": entry.hex(), **more})
        else:
            click.echo(f"{wording.short(entry)}  {output.safe(sentence)}")

    def show(
        self,
        rows: Iterable[Row],
        plain: Callable[[Row], object],
        draw: Callable[[Sequence[Row]], None],
        empty: str,
        *,
        limit: int | None = None,
    ) -> None:
        """Answer of a command that shows many things: one array, or drawn for people; `empty` if none.

        People are shown `SHOWN` of them where no limit is given, programs all.
        """
        if self.as_json:
            output.print_json([plain(row) for row in islice(rows, limit)])
            return
        first = list(islice(rows, (limit or SHOWN) + 1))
        if not first:
            click.echo(empty)
            return
        draw(first[: limit or SHOWN])
        if len(first) > (limit or SHOWN):
            self.warn(_("There are more: narrow it down with an option, or give --limit."))


def is_interactive() -> bool:
    """Whether a person is at the other end."""
    return sys.stdin.isatty()


def ask(question: str) -> str:
    """A line typed in answer to a question on standard error, without blanks around it, in small letters."""
    answer: str = click.prompt(question, default="", show_default=False, prompt_suffix=" ", err=True)
    return answer.strip().casefold()
