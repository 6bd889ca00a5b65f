"""The password of the pages for the local network: `password`.

A command and not only a page, so that a computer without a screen can be set up,
and a password that was forgotten can be set anew by whoever has the home. Who
can do that could read the commune's key as well, so the old one is not asked for.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import click

from ..errors import InputError
from ..language import gettext as _
from ..limits import MIN_LAN_PASSWORD_CHARACTERS
from . import output
from .desk import Desk
from .options import command, option
from .secret import password_from


@command("password")
@option(
    "--password-file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="File whose first line is the password; else it is asked for.",
)
@option("--remove", is_flag=True, help="Have none: then nobody is let in from the local network.")
def password(desk: Desk, password_file: Path | None, remove: bool) -> None:
    """Set the password with which phones on the local network open the pages.

    The one before need not be known. Whoever is logged in has to log in again. Phones are let in once the
    page of settings, --lan or the setting lan says so.
    """
    import msgspec

    from .. import remote, running
    from ..entrance import set_at_rest
    from ..limits import ANSWER_SECONDS

    if remove and password_file is not None:
        raise InputError("Give either --password-file or --remove.")
    desk.home.read_key()  # says first if there is no commune
    wanted = None if remove else password_from(password_file, new=True, least=MIN_LAN_PASSWORD_CHARACTERS)
    told = remote.Guarded(password=wanted is not None, lan=False)
    with ExitStack() as held:
        node = running.find(desk.home) or running.lock(desk.home, held)
        if node is None:
            set_at_rest(desk.home, wanted)
        else:
            asked = msgspec.json.encode({"password": wanted})
            line = remote.Line(desk.home, node)
            told = line.ask("POST", "/api/1/password", remote.Guarded, asked, seconds=ANSWER_SECONDS)
    if desk.as_json:
        output.print_json({"password": told.password, "lan": told.lan})
    elif not told.password:
        click.echo(_("There is no password any more: nobody is let in from the local network."))
    elif told.lan:
        click.echo(_("The password is set, and phones on the local network are let in with it."))
    else:
        click.echo(_("The password is set. The page of settings lets phones in."))
