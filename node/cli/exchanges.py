"""`exchanges`: what was proposed and agreed, who said what, and what comes next."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import click

from .. import telling, wording
from ..language import gettext as _
from ..language import ngettext
from . import output
from .desk import Desk
from .options import argument, command, limit_option, option

if TYPE_CHECKING:
    from ledger.exchange import Exchange

    from ..overview import Names, Said
    from ..service import Service

STATES = ("proposed", "agreed", "declined", "withdrawn", "replaced", "cancelled", "fulfilled", "closed")


@command("exchanges")
@argument(
    "exchange", metavar="EXCHANGE", help="One exchange in full, by its id or its beginning.", required=False
)
@option(
    "--state", "states", type=click.Choice(STATES), multiple=True, help="Those in this state. Repeatable."
)
@option("--commune", metavar="COMMUNE", help="Those with this commune, by its name or id.")
@option("--all", "everything", is_flag=True, help="Those between other communes too.")
@option("--waiting", is_flag=True, help="Those that wait for your commune.")
@limit_option
def exchanges(
    desk: Desk,
    exchange: str | None,
    states: tuple[str, ...],
    commune: str | None,
    everything: bool,
    waiting: bool,
    limit: int | None,
) -> None:
    """Show exchanges, or one in full.

    Those of your commune, the newest first: what was agreed, how far it is by the word of each side, and
    what comes next. What one side says is shown as that.
    """
    from .. import overview
    from ..petnames import OwnNames, find_commune
    from ..shapes import exchanges as shapes

    with desk.reading() as service:
        names = (overview.Names if desk.as_json else OwnNames)(service.reader)
        if exchange is not None:
            found = service.find_exchange(exchange)
            said = overview.said_in(found, service)
            if desk.as_json:
                shown = shapes.exchange_of(found, service, desk.now(), names)
                output.print_json([shapes.in_full(shown, said)])
            else:
                _show_one(found, said, service, desk.now(), names)
            return
        partner = None if commune is None else find_commune(service.reader, commune)
        desk.show(
            overview.exchanges_chosen(
                service, partner=partner, states=states, everything=everything, waiting=waiting
            ),
            partial(shapes.exchange_of, service=service, now=desk.now(), names=names),
            partial(_draw, service=service, now=desk.now(), names=names),
            _("There are no exchanges to show."),
            limit=limit,
        )


# For people -------------------------------------------------------------------------------------


def _open_quarrels(row: Exchange, names: Names) -> list[str]:
    return [telling.quarrel(item, names) for item in row.quarrels if item.outcome is None]


def _draw(rows: Sequence[Exchange], service: Service, now: int, names: Names) -> None:
    from ledger.steps import awaited

    click.echo(ngettext("{count} exchange", "{count} exchanges", len(rows)).format(count=len(rows)))
    for row in rows:
        click.echo()
        heading = _("{id}  {form} with {communes}: {state}").format(
            id=wording.short(row.id),
            form=wording.form(row.form),
            communes=telling.told_parties(row.proposal.parties, service.own, names),
            state=telling.state_of(row, now),
        )
        quarrels = [(2, told) for told in _open_quarrels(row, names)]
        steps = [(2, f"→ {telling.step(step, row, names)}") for step in awaited(row)]
        output.print_lines([(0, heading), *telling.leg_lines(row, names), *quarrels, *steps])


def _show_one(row: Exchange, said: list[Said], service: Service, now: int, names: Names) -> None:
    from ledger.steps import available_moves, awaited

    facts = [
        (_("Exchange"), row.id.hex()),
        (_("Form"), wording.form(row.form)),
        (_("State"), telling.state_of(row, now)),
        (_("Proposed by"), names[row.proposer]),
    ]
    if row.proposal.answer_by is not None:
        facts.append((_("Answer by"), wording.time_of(row.proposal.answer_by)))
    if row.proposal.note is not None:
        facts.append((_("Note"), row.proposal.note))
    if row.proposal.replaces is not None:
        facts.append((_("Replaces"), wording.short(row.proposal.replaces)))
    if row.replaced_by is not None:
        facts.append((_("Replaced by"), wording.short(row.replaced_by)))
    if quarrels := _open_quarrels(row, names):
        facts.append((_("Disputes"), "\n".join(quarrels)))
    if steps := awaited(row):
        facts.append((_("Waits for"), "\n".join(telling.step(step, row, names) for step in steps)))
    if service.own is not None and (moves := available_moves(row, service.own)):
        commands = (f"trueque {'propose --replaces' if kind == 'propose' else kind}" for kind in moves)
        facts.append((_("You can"), ", ".join(commands)))
    output.print_facts(facts)

    click.echo(_("Transfers"))
    output.print_lines(telling.leg_lines(row, names))
    click.echo()
    click.echo(_("What was said, in order"))
    output.print_lines((2, telling.said_line(each, row, names)) for each in said)
