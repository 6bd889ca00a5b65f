"""Click's commands, options and arguments, with their texts in the language that is spoken.

Decides nothing but when a text is translated: as it is shown, not as it is
written, since a module is imported once and the language is known later.
"""

from __future__ import annotations

import copy
from typing import Any

import click

from ..language import gettext as _


def told_text(text: str | None) -> str:
    """A text that a command was made with, as it is shown."""
    return _(text) if text else ""


def told_usage(pieces: list[str], *metavars: str | None) -> list[str]:
    """The pieces of a usage line, with the placeholders that click has in English in the language spoken."""
    return [_(piece) if piece in metavars else piece for piece in pieces]


class Option(click.Option):
    """An option whose help and placeholder are translated when they are shown."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        told = copy.copy(self)
        told.help = told_text(self.help)
        return click.Option.get_help_record(told, ctx)

    def make_metavar(self, ctx: click.Context) -> str:
        return super().make_metavar(ctx) if self.metavar is None else _(self.metavar)


class Argument(click.Argument):
    """An argument whose help and placeholder are translated when they are shown."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str]:
        return self.make_metavar(ctx), told_text(self.help)

    def make_metavar(self, ctx: click.Context) -> str:
        assert self.metavar is not None
        name = _(self.metavar) + ("..." if self.nargs != 1 else "")
        return name if self.required else f"[{name}]"


def _show_help(ctx: click.Context, _parameter: click.Parameter, asked: bool) -> None:
    if asked and not ctx.resilient_parsing:
        click.echo(ctx.get_help(), color=ctx.color)
        ctx.exit()


def help_option() -> Option:
    """The option `--help`."""
    return Option(
        ["--help"],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_show_help,
        help="Show this message and exit.",
    )


def _show_version(ctx: click.Context, _parameter: click.Parameter, asked: bool) -> None:
    if asked and not ctx.resilient_parsing:
        from importlib.metadata import version

        click.echo(f"trueque {version('trueque')}")
        ctx.exit()


def version_option() -> Option:
    """The option `--version`."""
    return Option(
        ["--version"],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_show_version,
        help="Show the version and exit.",
    )


class Command(click.Command):
    """A command whose help is translated when it is shown."""

    def __init__(self, name: str | None, **settings: Any) -> None:
        super().__init__(name, add_help_option=False, **settings)
        self.params.append(help_option())

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        return told_usage(super().collect_usage_pieces(ctx), self.options_metavar)

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_text(told_text(self.help))
