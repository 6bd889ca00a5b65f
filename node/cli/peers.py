"""`peers`: the nodes that the running one is linked with, and those that it may meet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from ..language import gettext as _
from ..language import ngettext
from .desk import Desk
from .options import command
from .output import Table, print_table, safe

if TYPE_CHECKING:
    from ..shapes.nodes import Node

SHOWN_DIGITS = 16
"""hex digits of a log's key as it is shown; an announcement has as many."""


@command("peers")
def peers(desk: Desk) -> None:
    """Show the nodes that your node is linked with, and others that it knows of.

    It stays linked with some, and compares with the others in turn. One that is not recognised is shown by
    the name that it gives itself: compare its words aloud, then `trueque recognise` it. Links are there while
    the node runs (`trueque run`).
    """
    from ..shapes.nodes import nodes_of
    from .running import state_of

    state = state_of(desk)
    facts = state.facts_of("gossip")
    if state.process is None and not desk.as_json:
        desk.warn(_("It is not running: start it with `trueque run`."))
    with desk.reading() as service:
        recognised = (
            set() if service.own is None else {row.hex() for row in service.reader.recognised(service.own)}
        )
    desk.show(
        list(nodes_of(facts, recognised)),
        lambda row: row,
        _draw,
        _("No other node is linked with this one, and it knows of none."),
    )
    if not desk.as_json:
        _tell_quotas(facts, desk)


def _tell_quotas(facts: Mapping[str, Any], desk: Desk) -> None:
    """Say what recognised communes introduce here, and how many logs nobody has asked for."""
    from .. import wording

    quotas = facts.get("quotas")
    if quotas is None:
        return
    with desk.reading() as service:
        names = {row.id.hex(): row.name for row in service.reader.communes()}
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
                row.name or "",
                "" if commune is None else commune[:SHOWN_DIGITS],
                words,
                wording.node_state(asdict(row)),
                _("now") if row.seconds is not None else met,
                row.address,
            )
        )
    print_table(table)
