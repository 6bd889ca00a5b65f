"""The command `trueque`: what there is, and where each command lives.

    group      the group: commands imported when they are called, errors turned into exit statuses
    options    how a command is declared, with the options that all have
    desk       what a command is given: the home, confirmations, warnings, where its answer goes
    output     tables and JSON
    founding, listings, exchanges, moves, communes, logs, upkeep      the commands, by theme

To add a command: write it in a module of its theme with `@command` of
`options`, and add a line to `COMMANDS`. The line carries the short help, so
that `trueque --help` imports nothing; it must equal the first sentence of the
function's docstring, which is the command's help. Nothing heavy is imported at
the top of these modules: what writes or draws is imported where it is used.
Texts are English, in `_()` or in errors, and are translated where they are shown.
"""

from __future__ import annotations

from typing import Final

from .group import Group, Row

COMMANDS: Final = (
    Row("init", "founding:init", "Commune", "Found a commune in an empty home."),
    Row("offer", "listings:offer", "Listings", "Post something that your commune has in surplus."),
    Row("need", "listings:need", "Listings", "Post something that your commune lacks."),
    Row("listings", "listings:listings", "Listings", "Show offers and needs."),
    Row(
        "withdraw",
        "listings:withdraw",
        "Listings",
        "Take back a listing, proposal or cancel of your own.",
    ),
)
"""Every command, in the order in which help shows them: name, `module:function`, section, short help."""

trueque: Final = Group(COMMANDS)


def main() -> None:
    """Run the command line of this process; ends it with the exit status."""
    trueque.main()
