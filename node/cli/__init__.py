"""The command `trueque`: what there is, and where each command lives.

    group      the group: commands imported when they are called, errors turned into exit statuses
    options    how a command is declared, with the options that all have
    desk       what a command is given: the home, confirmations, warnings, where its answer goes
    output     tables, lines and JSON
    founding, listings, proposals, moves, exchanges, communes, logs, upkeep,
    keeping, passing, authority, audit, running, demo    the commands, by theme
    secret     passwords and recovery words, from a file or typed

To add a command: write it in a module of its theme with `@command` of
`options`, and add a line to `COMMANDS`. The line carries the short help, so
that `trueque --help` imports nothing; it must equal the first sentence of the
function's docstring, which is the command's help. Nothing heavy is imported at
the top of these modules: what writes or draws is imported where it is used.
Texts are English, in `_()` or in errors, and are translated where they are
shown: `python -m tests.support.catalogue` takes new ones into the catalogues,
where their Spanish is written. `python -m tests.support.command_pages` writes
docs/reference/commands.md anew; the JSON goes into docs/reference/json.md.
"""

from __future__ import annotations

from typing import Final

from .group import Group, Row

COMMANDS: Final = (
    Row("run", "running:run", "Node", "Run the node of your commune, until Ctrl-C or a signal ends it."),
    Row(
        "status",
        "running:status",
        "Node",
        "Tell how your commune's node is: whether it runs, may sign, and has room.",
    ),
    Row(
        "peers",
        "peers:peers",
        "Node",
        "Show the nodes that your node is linked with, and others that it knows of.",
    ),
    Row(
        "password",
        "password:password",
        "Node",
        "Set the password with which phones on the local network open the pages.",
    ),
    Row("demo", "demo:demo", "Node", "Run a whole network on this computer, to look at or to measure."),
    Row("init", "founding:init", "Commune", "Found a commune in an empty home."),
    Row("profile", "communes:profile", "Commune", "Say how your commune presents itself."),
    Row("communes", "communes:communes", "Commune", "Show the communes that are known here, or one in full."),
    Row("name", "communes:name_", "Commune", "Call another commune by a name of your own."),
    Row("recognise", "communes:recognise", "Commune", "Say publicly that your commune deals with another."),
    Row("unrecognise", "communes:unrecognise", "Commune", "Take a recognition back."),
    Row("offer", "listings:offer", "Offers and needs", "Post something that your commune has in surplus."),
    Row("need", "listings:need", "Offers and needs", "Post something that your commune lacks."),
    Row("listings", "listings:listings", "Offers and needs", "Show offers and needs."),
    Row(
        "withdraw",
        "listings:withdraw",
        "Offers and needs",
        "Take back a listing, proposal or cancel of your own.",
    ),
    Row("propose", "proposals:propose", "Exchanges", "Propose an exchange to another commune."),
    Row("accept", "moves:accept", "Exchanges", "Accept a proposal."),
    Row("decline", "moves:decline", "Exchanges", "Decline a proposal."),
    Row("deliver", "moves:deliver", "Exchanges", "Record that your commune handed something over."),
    Row("receive", "moves:receive", "Exchanges", "Record that something arrived at your commune."),
    Row("cancel", "moves:cancel", "Exchanges", "Ask to end an agreed exchange."),
    Row("dispute", "moves:dispute", "Exchanges", "Say that something is wrong with an agreed exchange."),
    Row("settle", "moves:settle", "Exchanges", "Say how a dispute ends."),
    Row("exchanges", "exchanges:exchanges", "Exchanges", "Show exchanges, or one in full."),
    Row("receipt", "receipts:receipt", "Exchanges", "Write a receipt of an exchange, which proves itself."),
    Row("verify", "receipts:verify", "Exchanges", "Check a receipt, with no ledger and no network."),
    Row(
        "export",
        "passing:export",
        "Passing on",
        "Write your commune's history, and that of the communes it recognises, into a file for others.",
    ),
    Row(
        "import",
        "passing:import_",
        "Passing on",
        "Take in what others have recorded, from a file that they wrote with export.",
    ),
    Row(
        "backup", "keeping:backup", "Keeping safe", "Write everything held here into a file under a password."
    ),
    Row(
        "restore", "keeping:restore", "Keeping safe", "Bring a commune back from a backup, in an empty home."
    ),
    Row(
        "authority",
        "authority:authority",
        "Keeping safe",
        "Show or change who speaks for your commune, or sign such a change.",
    ),
    Row("log", "logs:log", "Ledger", "Show the entries of a log, in the order in which they were signed."),
    Row(
        "audit",
        "audit:audit",
        "Ledger",
        "Check everything that is held: that nothing was altered, and what is open, missing or disputed.",
    ),
    Row("correct", "logs:correct", "Ledger", "Put an explanation beside a record of your own."),
    Row("erase", "upkeep:erase", "Ledger", "Erase the content of one entry, for ever, on this computer."),
    Row("rebuild", "upkeep:rebuild", "Ledger", "Make everything that is computed from the entries anew."),
)
"""Every command, in the order in which help shows them: name, `module:function`, section, short help."""

trueque: Final = Group(COMMANDS)


def main() -> None:
    """Run the command line of this process; ends it with the exit status."""
    trueque.main()
