"""What must not be seen by others: passwords and recovery words, from a file or typed.

Decides how they are asked for; what they open is the callers'.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .. import language
from ..errors import InputError, WordsError
from ..language import gettext as _
from .desk import is_interactive
from .output import safe

if TYPE_CHECKING:
    from ledger.signing import SigningKey

MAX_SECRET_BYTES = 4_096
"""bytes of a file with a password or with words; 24 words have some 200."""


def password_from(path: Path | None, *, new: bool, least: int | None = None) -> str:
    """The password in the first line of a file, or typed; a new one is typed twice. Raises InputError.

    `least`: characters that a new one has to have, else those of a backup's.
    """
    if path is not None:
        lines = _read(path).splitlines()
        return lines[0] if lines else ""
    if not is_interactive():
        raise InputError("A password is needed: run this in a terminal, or give --password-file FILE.")
    from ..sealed import MIN_PASSWORD_CHARACTERS

    least = least or MIN_PASSWORD_CHARACTERS
    if new:
        click.echo(
            _("Choose a password of at least {least} characters; it does not show while you type it.").format(
                least=least
            ),
            err=True,
        )
    while True:
        first = _hidden(_("Password"))
        if new and len(first) < least:
            wrong = _(
                "That is too short: at least {least} characters are needed, and it has {count}."
            ).format(count=len(first), least=least)
        elif not first:
            wrong = _("Nothing was typed; the password does not show while you type it.")
        elif new and first != _hidden(_("The same password again")):
            wrong = _("The two are not the same: type it again.")
        else:
            return first
        click.echo(wrong, err=True)


def _hidden(question: str) -> str:
    """A line typed without being shown; it may be empty."""
    typed: str = click.prompt(question, default="", show_default=False, hide_input=True, err=True)
    return typed


def words_from(path: Path | None) -> SigningKey:
    """The key of recovery words in a file, or typed. Raises WordsError, InputError."""
    from .. import keys

    if path is not None:
        return keys.key_of_words(_read(path))
    if not is_interactive():
        raise InputError("Recovery words are needed: run this in a terminal, or give --words FILE.")
    while True:
        typed: list[str] = []
        click.echo(
            _("Type the recovery words from the paper, in their order; accents may be left out."), err=True
        )
        while len(typed) < keys.WORDS:
            typed += click.prompt(f"{len(typed) + 1}.", prompt_suffix=" ", err=True).split()
        try:
            key = keys.key_of_words(" ".join(typed))
        except WordsError as error:
            click.echo(safe(language.told(error)), err=True)
            continue
        click.clear()  # whoever passes by must not read them; does nothing where there is no terminal
        return key


def _read(path: Path) -> str:
    with path.open("rb") as file:
        data = file.read(MAX_SECRET_BYTES + 1)
    try:
        if len(data) <= MAX_SECRET_BYTES:
            return data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    raise InputError("{path} is not a file with words or a password: choose another.", path=path)
