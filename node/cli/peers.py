"""`peers`: the nodes that the running one is linked with, and those that it hears of around it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..language import gettext as _
from ..language import ngettext
from .desk import Desk
from .options import command
from .output import Table, print_table

if TYPE_CHECKING:
    from ..state import State

SHOWN_DIGITS = 16
"""hex digits of a log's key as it is shown; an announcement has as many."""


@command("peers")
def peers(desk: Desk) -> None:
    """Show the nodes that your node is linked with, and those around it.

    One that is not recognised is shown by the name that it gives itself: compare its words aloud, then
    `trueque recognise` it. Links are there while the node runs (`trueque run`).
    """
    from .running import state_of

    state = state_of(desk)
    facts = _facts(state)
    if state.process is None and not desk.as_json:
        desk.warn(_("It is not running: start it with `trueque run`."))
    with desk.reading() as service:
        recognised = (
            set() if service.own is None else {row.hex() for row in service.reader.recognised(service.own)}
        )
    desk.show(
        list(_rows(facts, recognised)),
        lambda row: row,
        _draw,
        _("No other node is linked with this one, and none is announced around it."),
    )


def linked_communes(desk: Desk) -> list[tuple[str, str]]:
    """The communes of the nodes that are linked with the running one: id in hex, and name."""
    from .running import state_of

    peers = _facts(state_of(desk)).get("peers", [])
    return [(peer["commune"], peer["name"] or "") for peer in peers if peer["commune"] is not None]


def _facts(state: State) -> Mapping[str, Any]:
    return state.parts["gossip"].facts if "gossip" in state.parts else {}


def _rows(facts: Mapping[str, Any], recognised: set[str]) -> Iterator[dict[str, Any]]:
    """Those linked first, then those that are only announced."""
    linked = facts.get("peers", [])
    for peer in linked:
        known = "recognised" if peer["commune"] in recognised else "stranger"
        yield {
            "id": peer["log"],
            "commune": peer["commune"],
            "name": peer["name"],
            "state": "linked",
            "relation": known,
            "address": peer["address"],
            "seconds": peer["seconds"],
        }
    for hint in facts.get("announced", []):
        if not any(peer["log"].startswith(hint["log"]) for peer in linked):
            yield {
                "id": hint["log"],
                "commune": None,
                "name": hint["name"] or None,
                "state": "announced",
                "relation": "stranger",
                "address": f"{hint['addresses'][0]}:{hint['port']}",
                "seconds": None,
            }


def _draw(rows: Sequence[Mapping[str, Any]]) -> None:
    from .. import keys
    from ..language import current

    table = Table(
        (_("Log"), _("Name"), _("Commune"), _("Words"), _("State"), _("Address")),
        texts=frozenset({1, 3}),
        title=ngettext("{count} node", "{count} nodes", len(rows)).format(count=len(rows)),
    )
    for row in rows:
        commune = row["commune"]
        words = "" if commune is None else keys.fingerprint_words(bytes.fromhex(commune), current())
        state = _("linked") if row["state"] == "linked" else _("announced, not linked")
        if row["state"] == "linked" and row["relation"] == "stranger":
            state = _("linked, not recognised")
        table.rows.append(
            (
                row["id"][:SHOWN_DIGITS],
                row["name"] or "",
                "" if commune is None else commune[:SHOWN_DIGITS],
                words,
                state,
                row["address"],
            )
        )
    print_table(table)
