"""The group of all commands: finds them, and turns whatever they raise into an exit status.

Decides when a command's module is imported (when it is called, or when its own
help is asked for), which language is spoken, and what a person reads when
something fails: one line on standard error, never a traceback. What the
commands do is theirs.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from typing import Any, Final, NamedTuple

import click

from ledger.errors import LedgerError

from .. import language
from ..language import gettext as _
from .output import for_terminal, safe
from .spoken import Option, help_option, told_text, told_usage, version_option

DONE: Final = 0
FOUND: Final = 1
REFUSED: Final = 2
INTERRUPTED: Final = 130
"""Exit statuses: done; done, and something was found; refused or failed; 128 + SIGINT."""

DEBUG: Final = "TRUEQUE_DEBUG"
"""Environment variable: if set, a fault of the program itself is shown with its traceback."""


class Row(NamedTuple):
    """A command before it is imported: `target` is `module:function` inside this package."""

    name: str
    target: str
    section: str
    short: str


class _ReaderGone(Exception):
    """Whoever read our output has read enough; click would take a broken pipe for a failure."""


class Group(click.Group):
    """The command `trueque`, over a table of commands."""

    def __init__(self, rows: Sequence[Row]) -> None:
        asked = Option(
            ["--language"],
            type=click.Choice(tuple(language.LOCALES)),
            expose_value=False,
            help="Language to speak; otherwise the one of the system (LC_ALL, LC_MESSAGES, LANG).",
        )
        super().__init__(
            "trueque",
            params=[asked, version_option(), help_option()],
            add_help_option=False,
            help="Exchange between communes: offers, needs and agreements in a ledger that nobody can alter.",
            no_args_is_help=True,
        )
        self.rows = {row.name: row for row in rows}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.rows)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        from difflib import get_close_matches

        near = get_close_matches(args[0], self.rows, n=3, cutoff=0.6)
        if args[0] not in self.rows and near:
            raise click.UsageError(
                _("There is no command '{name}'. Did you mean: {names}?").format(
                    name=args[0], names=", ".join(near)
                ),
                ctx,
            )
        return super().resolve_command(ctx, args)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        row = self.rows.get(cmd_name)
        if row is None:
            return None
        module, _colon, function = row.target.partition(":")
        command = getattr(import_module(f"{__package__}.{module}"), function)
        assert isinstance(command, click.Command)
        return command

    # Help ---------------------------------------------------------------------------------------

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        return told_usage(super().collect_usage_pieces(ctx), self.options_metavar, self.subcommand_metavar)

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.indentation():
            formatter.write_paragraph()
            formatter.write_text(told_text(self.help))

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        sections: dict[str, list[tuple[str, str]]] = {}
        for row in self.rows.values():
            sections.setdefault(row.section, []).append((row.name, _(row.short)))
        width = max(map(len, self.rows))
        for section, lines in sections.items():
            with formatter.section(_(section)):
                formatter.write_dl([(name.ljust(width), short) for name, short in lines])

    # Running ------------------------------------------------------------------------------------

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise _ReaderGone from None

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """As click's, with this project's exit statuses and one sentence for each error."""
        given = list(sys.argv[1:] if args is None else args)
        language.use(_asked_language(given) or language.language_of(os.environ))
        _never_fail_to_print()
        status = _status_of(lambda: super(Group, self).main(given, "trueque", complete_var, False, **extra))
        if standalone_mode:
            sys.exit(status)
        return status


def _asked_language(args: Sequence[str]) -> str | None:
    """The value of `--language`, looked for before parsing, so that errors of parsing are told in it too."""
    for place, argument in enumerate(args):
        name, _equals, value = argument.partition("=")
        if name == "--language":
            value = value or next(iter(args[place + 1 :]), "")
            return value if value in language.LOCALES else None
        if not argument.startswith("-"):
            break
    return None


def _never_fail_to_print() -> None:
    """Show what a terminal's character set lacks as `?` rather than fail."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _status_of(run: Callable[[], Any]) -> int:
    """Run it, tell what goes wrong on standard error, and say with which status to end."""
    try:
        result = run()
        sys.stdout.flush()
    except click.Abort as error:
        return _stopped(error)
    except (KeyboardInterrupt, EOFError) as error:
        return _stopped(error)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return REFUSED
    except click.UsageError as error:
        return _refuse(_usage_sentence(error))
    except click.ClickException as error:
        return _refuse(error.format_message())
    except LedgerError as error:
        return _refuse(language.told(error))
    except (BrokenPipeError, _ReaderGone):
        # Whoever read our output has read enough. What is still buffered has nowhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except OSError as error:
        return _refuse(_system_sentence(error))
    except Exception as error:
        if os.environ.get(DEBUG):
            raise
        sentence = _(
            "This is a fault of Trueque itself ({error}): run the command again with {variable}=1 in front, "
            "and send what it prints to those who maintain it."
        )
        return _refuse(sentence.format(error=f"{type(error).__name__}: {error}", variable=DEBUG))
    return result if isinstance(result, int) else DONE


def _refuse(sentence: str) -> int:
    click.echo(for_terminal(safe(" ".join(sentence.split()))), err=True)
    return REFUSED


def _usage_sentence(error: click.UsageError) -> str:
    """What click found wrong with the arguments, and how to get help, in one line."""
    command = "trueque" if error.ctx is None else error.ctx.command_path
    hint = _("Try '{command} {option}' for help.").format(command=command, option="--help")
    said = error.format_message().rstrip()
    return f"{said} {hint}" if said.endswith((".", "?", "!")) else f"{said}. {hint}"


def _system_sentence(error: OSError) -> str:
    if error.filename is None:
        return _("The system refused something ({reason}): check the disk and its permissions.").format(
            reason=language.reason_told(error.strerror or str(error))
        )
    return _("{path}: {reason}. Check the name, the permissions and the disk, then try again.").format(
        path=error.filename, reason=language.reason_told(error.strerror or str(error))
    )


def _stopped(error: BaseException) -> int:
    """Ctrl-C ends with 130; an answer that never came is a refusal."""
    if any(isinstance(cause, EOFError) for cause in _causes(error)):
        return _refuse(
            _("An answer is missing: run this in a terminal, or see --help for how to do without questions.")
        )
    if isinstance(error.__cause__ or error, KeyboardInterrupt):
        told = _("Stopped. `trueque log` shows whether something was signed before that.")
    else:
        told = _("Stopped: nothing was signed.")  # at a question, and those come before anything is signed
        if sys.stderr.isatty():
            click.echo(err=True)  # below the question, where a terminal shows ^C
    click.echo(told, err=True)
    return INTERRUPTED


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
