"""The node: `run`, which is it, and `status`, which tells how it is."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..language import gettext as _
from . import output
from .desk import Desk
from .options import command, option

if TYPE_CHECKING:
    from ..running import Running
    from ..settings import Settings
    from ..state import State


class Port(click.IntRange):
    """A port; 0 is any that is free."""

    def __init__(self) -> None:
        super().__init__(min=0, max=65_535)

    @property
    def name(self) -> str:  # type: ignore[override]
        return _("whole number")


PORT = Port()
LEVELS = ("debug", "info", "warning", "error")


@command("run")
@option(
    "--people-port", type=PORT, metavar="PORT", help="Port of pages and API, on this computer; else 8783."
)
@option("--peer-port", type=PORT, metavar="PORT", help="Port at which other nodes are heard; else 8784.")
@option("--peer", "peers", multiple=True, metavar="HOST:PORT", help="A node to talk to; may be repeated.")
@option("--lan", is_flag=True, help="Let the local network open the pages, with the password that is set.")
@option("--no-discovery", is_flag=True, help="Do not look for nodes on the local network.")
@option("--log-level", type=click.Choice(LEVELS), help="What is written to standard error; else info.")
@option("--log-json", is_flag=True, help="Write it as JSON, one object a line.")
@option("--unit", is_flag=True, help="Print a unit with which systemd keeps the node running, and end.")
def run(
    desk: Desk,
    people_port: int | None,
    peer_port: int | None,
    peers: tuple[str, ...],
    lan: bool,
    no_discovery: bool,
    log_level: str | None,
    log_json: bool,
    unit: bool,
) -> None:
    """Run the node of your commune, until Ctrl-C or a signal ends it.

    It serves pages on this computer, and on the local network if that is wanted and a password is set.
    Commands go on working while it runs; what they write, it writes. Port 0 stands for any that is free.
    The same can be said in config.toml of the home.
    """
    from .. import app, journal
    from ..addresses import parse_address
    from ..settings import read_settings

    if unit:
        from ..systemd import unit as unit_of

        click.echo(unit_of(_program(), desk.home.path.absolute()), nl=False)
        return
    given: dict[str, Any] = {
        "people_port": people_port,
        "peer_port": peer_port,
        "peers": tuple(str(parse_address(peer)) for peer in peers) or None,
        "lan": lan or None,
        "discovery": False if no_discovery else None,
        "log_level": log_level,
        "log_json": log_json or None,
    }
    settings = _with(read_settings(desk.home.settings_file), given)
    journal.begin(settings.log_level, as_json=settings.log_json)
    app.run(desk.home, settings, app.parts_of(settings), lambda node: _tell_started(desk, node))


def _with(settings: Settings, given: dict[str, Any]) -> Settings:
    """Settings, and over them what the command line says."""
    from msgspec.structs import replace

    return replace(settings, **{name: value for name, value in given.items() if value is not None})


def _program() -> Path:
    """The command `trueque` as it was called."""
    return Path(shutil.which(sys.argv[0]) or sys.argv[0]).absolute()


def _tell_started(desk: Desk, node: Running) -> None:
    from .. import reach

    found = reach.addresses(node.people) if node.lan else ()
    if desk.as_json:
        output.print_json(
            {
                "home": str(desk.home.path),
                "pid": node.pid,
                "people_port": node.people,
                "peer_port": node.peers,
                "lan": list(found),
            }
        )
    else:
        told = _("The node runs: http://127.0.0.1:{port}/ (Ctrl-C ends it)")
        click.echo(told.format(port=node.people))
        for address in found[:1]:
            click.echo(_("Phones in the same network: {address}").format(address=address))
            _draw_code(address)
    sys.stdout.flush()


def _draw_code(address: str) -> None:
    """The address as a code that a phone reads from the screen, where there is one that can show it."""
    if not sys.stdout.isatty() or "utf" not in (sys.stdout.encoding or "").lower():
        return
    import segno

    segno.make(address, micro=False, error="l").terminal(border=2, compact=True)


@command("status")
def status(desk: Desk) -> None:
    """Tell how your commune's node is: whether it runs, may sign, and has room."""
    from msgspec import to_builtins

    from ..reporting import facts

    state = state_of(desk)
    if desk.as_json:
        output.print_json(to_builtins(state))
    else:
        output.print_facts(facts(state))


def state_of(desk: Desk) -> State:
    """How a home and its node are, by the node itself if one runs."""
    from .. import remote, running
    from ..limits import ANSWER_SECONDS
    from ..state import State, look

    node = running.find(desk.home)
    if node is None:
        return look(desk.home)
    return remote.Line(desk.home, node).ask("GET", "/api/1/status", State, seconds=ANSWER_SECONDS)
