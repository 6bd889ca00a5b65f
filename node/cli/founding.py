"""`init`: founding a commune, with the recovery words written down first.

Decides the order of things: nothing is founded before the words are on paper
(typed back) or in a file. The words stand for the authority, which is the
commune's and not the computer's.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .. import language
from ..errors import InputError, WordsError
from ..language import gettext as _
from ..outgoing import write_new
from .desk import Desk, is_interactive
from .options import LINE, TEXT, command, option
from .output import for_terminal, safe

if TYPE_CHECKING:
    from ledger.signing import SigningKey

COLUMNS = 3


@command("init")
@option("--name", type=LINE, metavar="NAME", help="Name of the commune; asked for if it is not given.")
@option(
    "--network",
    default="comunas",
    show_default=True,
    metavar="NET",
    help="Network to belong to, for ever; use another name for trials.",
)
@option("--place", type=LINE, metavar="PLACE", help="Where the commune is.")
@option("--about", type=TEXT, metavar="TEXT", help="What others should know about it.")
@option("--within", type=LINE, metavar="NAME", help="Communal city that it belongs to.")
@option("--yes", is_flag=True, help="Ask nothing; the recovery words go to the file of --recovery-out.")
@option(
    "--recovery-out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="With --yes: new file for the recovery words, readable by you only.",
)
def init(
    desk: Desk,
    name: str | None,
    network: str,
    place: str | None,
    about: str | None,
    within: str | None,
    recovery_out: Path | None,
) -> None:
    """Found a commune in an empty home.

    Makes the keys, shows 24 recovery words to write on paper, asks for them, and only then founds the
    commune. Whoever holds these words can speak for the commune: keep the paper where the assembly decides.
    """
    from .. import keys
    from ..founding import Founding, check_unfounded, found

    if desk.yes != (recovery_out is not None):
        raise InputError("Give --yes and --recovery-out FILE together, or neither.")
    check_unfounded(desk.home)
    if not desk.yes and not is_interactive():
        # Words that cannot be typed back must not be shown: somebody might keep them, and they open nothing.
        raise InputError(
            "Founding asks questions: run this in a terminal, or give --yes and --recovery-out FILE."
        )
    if name is None:
        if desk.yes:
            raise InputError("With --yes, give the commune's name with --name.")
        name = LINE.convert(click.prompt(_("Name of the commune"), err=True), None, None)
    founding = Founding(name, network, place, about, within)
    recovery = keys.new_key()
    founding.charter(recovery, desk.now())
    if recovery_out is not None:
        _write_words(recovery_out, keys.words_of(recovery, language.current()))
    else:
        _have_words_written(recovery)
    commune = found(desk.home, founding, recovery, now=desk.now)
    sentence = _("{name} is founded in {path}, on the network {network}. To check its id aloud: {words}.")
    desk.done(
        commune,
        sentence.format(
            name=name,
            path=desk.home.path,
            network=network,
            words=keys.fingerprint_words(commune, language.current()),
        ),
    )


def _write_words(path: Path, words: str) -> None:
    """Write the words into a new file of the user's own, on disk before anything is founded."""
    try:
        write_new(path, f"{words}\n".encode(), 0o600)
    except FileExistsError:
        raise InputError(
            "{path} exists already and is not overwritten: name a new file.", path=path
        ) from None


def _have_words_written(recovery: SigningKey) -> None:
    """Show the words, and go on only when they have been typed back."""
    from .. import keys

    words = keys.words_of(recovery, language.current()).split()
    _show(words)
    while True:
        typed = _typed(len(words))
        if not typed:
            _show(words)
            continue
        try:
            if keys.key_of_words(" ".join(typed)).public_key == recovery.public_key:
                click.clear()  # what was typed leaves the screen too
                return
            wrong = WordsError("These are the recovery words of another commune: copy those shown here.")
        except WordsError as error:
            wrong = error
        click.echo(safe(language.told(wrong)), err=True)


def _show(words: list[str]) -> None:
    told = _(
        "These are the recovery words of your commune. Write them on paper, in this order. With them the "
        "assembly can bring the commune back on another computer; without them nobody can. "
        "They are shown only now."
    )
    click.echo(for_terminal(told), err=True)
    click.echo(err=True)
    rows = len(words) // COLUMNS
    for row in range(rows):
        cells = [f"{row + column * rows + 1:>2}. {words[row + column * rows]}" for column in range(COLUMNS)]
        click.echo("    " + "".join(cell.ljust(18) for cell in cells).rstrip(), err=True)
    click.echo(err=True)
    click.prompt(
        _("Press Enter when they are on paper; they then leave the screen"),
        default="",
        show_default=False,
        prompt_suffix=".",
        err=True,
    )
    click.clear()  # does nothing where there is no terminal


def _typed(count: int) -> list[str]:
    """The words as typed, over as many lines as it takes; none if the first line is empty."""
    asked = _("Type the {count} words from the paper, with blanks between them; accents may be left out.")
    told = f"{asked.format(count=count)} {_('Enter alone shows them again.')}"
    click.echo(for_terminal(told), err=True)
    typed: list[str] = []
    while len(typed) < count:
        line = click.prompt(f"{len(typed) + 1}.", default="", show_default=False, prompt_suffix=" ", err=True)
        if not line.strip():
            break
        typed += line.split()
    return typed
