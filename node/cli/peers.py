"""`peers`: the nodes that the running one is linked with, and those that it may meet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import click

from ..errors import InputError
from ..language import gettext as _
from ..language import ngettext
from .desk import Desk
from .options import command, option
from .output import Table, print_table, safe

if TYPE_CHECKING:
    from ..addressbook import Addressbook
    from ..shapes.nodes import GivenAddress, Node

SHOWN_DIGITS = 16
"""hex digits of a log's key as it is shown; an announcement has as many."""


@command("peers")
@option("--add", metavar="HOST:PORT", help="Have the node at this address called, from now on.")
@option("--remove", metavar="HOST:PORT", help="Have it called no longer.")
@option("--given", is_flag=True, help="Show the addresses that were given, and how it stands with each.")
def peers(desk: Desk, add: str | None, remove: str | None, given: bool) -> None:
    """Show the nodes that your node is linked with, and others that it knows of.

    It stays linked with some, and compares with the others in turn. One that is not recognised is shown by
    the name that it gives itself: compare its words aloud, then `trueque recognise` it. Links are there while
    the node runs (`trueque run`). A node in another network is added by its address, and remembered.
    """
    if sum((add is not None, remove is not None, given)) > 1:
        raise InputError("Give one of --add, --remove and --given.")
    if add is not None or remove is not None:
        _change(desk, add, remove)
    elif given:
        _show_given(desk, _given(desk))
    else:
        _show(desk)


def _change(desk: Desk, add: str | None, remove: str | None) -> None:
    """Add or remove an address: by the node if one runs, which calls at once, else in its file."""
    import msgspec

    from .. import remote, running
    from ..limits import ANSWER_SECONDS
    from ..shapes.nodes import given_of

    desk.home.read_key()  # says first if there is no commune
    typed = add or remove or ""
    with ExitStack() as held:
        node = running.find(desk.home) or running.lock(desk.home, held)
        if node is None:
            book = _book(desk)
            if add is None:
                book.remove(typed)
            else:
                book.add(typed)
            rows = given_of(book, {})
        else:
            path = "/api/1/addresses" if add is not None else "/api/1/addresses/remove"
            asked = msgspec.json.encode({"address": typed})
            line = remote.Line(desk.home, node)
            rows = line.ask("POST", path, remote.Addresses, asked, seconds=ANSWER_SECONDS).items
    if not desk.as_json:
        click.echo(_("It is called from now on.") if add is not None else _("It is called no longer."))
    _show_given(desk, rows)


def _book(desk: Desk) -> Addressbook:
    from ..addressbook import Addressbook
    from ..settings import read_settings

    return Addressbook(desk.home, read_settings(desk.home.settings_file))


def _given(desk: Desk) -> list[GivenAddress]:
    from .. import remote, running
    from ..limits import ANSWER_SECONDS
    from ..shapes.nodes import given_of

    node = running.find(desk.home)
    if node is None:
        return given_of(_book(desk), {})
    line = remote.Line(desk.home, node)
    return line.ask("GET", "/api/1/addresses", remote.Addresses, seconds=ANSWER_SECONDS).items


def _show_given(desk: Desk, rows: Sequence[GivenAddress]) -> None:
    from .. import wording

    def draw(rows: Sequence[GivenAddress]) -> None:
        table = Table(
            (_("Address"), _("Name"), _("State"), _("Given")),
            texts=frozenset({1, 2}),
            title=ngettext("{count} address", "{count} addresses", len(rows)).format(count=len(rows)),
        )
        for row in rows:
            source = _("at the start") if row.source == "settings" else _("here")
            table.rows.append((row.address, row.name or "", wording.given_state(row), source))
        print_table(table)

    desk.show(rows, lambda row: row, draw, _("No address of another node was given."))


def _show(desk: Desk) -> None:
    from ..petnames import pet_names_at
    from ..shapes.nodes import nodes_of
    from .running import state_of

    state = state_of(desk)
    facts = state.facts_of("gossip")
    if state.process is None and not desk.as_json:
        desk.warn(_("The node is not running: start it with `trueque run`."))
    with desk.reading() as service:
        recognised = (
            set() if service.own is None else {row.hex() for row in service.reader.recognised(service.own)}
        )
        called = pet_names_at(service.reader)
    desk.show(
        list(nodes_of(facts, recognised, called)),
        lambda row: row,
        _draw,
        _("No other node is linked with this one, and it knows of none."),
    )
    if not desk.as_json:
        _tell_quotas(facts, desk)


def _tell_quotas(facts: Mapping[str, Any], desk: Desk) -> None:
    """Say what recognised communes introduce here, and how many logs nobody has asked for."""
    from .. import wording
    from ..petnames import OwnNames

    quotas = facts.get("quotas")
    if quotas is None:
        return
    with desk.reading() as service:
        names = {commune.hex(): name for commune, name in OwnNames(service.reader).listed()}
    for one in facts["introduced"]:
        told = _("{name} introduces {logs} of {most} logs, {used} of {room}.").format(
            name=names.get(one["commune"], one["commune"][:SHOWN_DIGITS]),
            logs=one["logs"],
            most=quotas["introduced_logs"],
            used=wording.size_of(one["bytes"]),
            room=wording.size_of(quotas["introduced_bytes"]),
        )
        click.echo(safe(told))
    if facts["held_back"]:
        told = _("Logs held back by their quotas: {count}. `trueque status` says why.")
        click.echo(told.format(count=len(facts["held_back"])))
    if facts["unknown"]["logs"]:
        told = _("Logs that neighbours show and that nobody here has asked for: {count}.")
        click.echo(told.format(count=facts["unknown"]["logs"]))


def linked_communes(desk: Desk) -> list[tuple[str, str]]:
    """The communes of the nodes that are linked with the running one: id in hex, and name."""
    from .running import state_of

    peers = state_of(desk).facts_of("gossip").get("peers", [])
    return [(peer["commune"], peer["name"] or "") for peer in peers if peer["commune"] is not None]


def _draw(rows: Sequence[Node]) -> None:
    from msgspec.structs import asdict

    from .. import keys, wording
    from ..language import current

    table = Table(
        (_("Log"), _("Name"), _("Commune"), _("Words"), _("State"), _("Last contact"), _("Address")),
        texts=frozenset({1, 3, 4}),
        title=ngettext("{count} node", "{count} nodes", len(rows)).format(count=len(rows)),
    )
    for row in rows:
        commune = row.commune
        words = "" if commune is None else keys.fingerprint_words(bytes.fromhex(commune), current())
        met = wording.time_of(row.met) if row.met is not None else _("never")
        table.rows.append(
            (
                (row.id or "")[:SHOWN_DIGITS],
                row.name or "" if row.called is None else f"{row.called} ({row.name})",
                "" if commune is None else commune[:SHOWN_DIGITS],
                words,
                wording.node_state(asdict(row)),
                _("now") if row.seconds is not None else met,
                row.address,
            )
        )
    print_table(table)
