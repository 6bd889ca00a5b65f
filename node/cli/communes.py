"""Communes: `communes`, `name`, `recognise`, `unrecognise`, `profile`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import click

from ledger.errors import NotFound
from ledger.records import CommuneId
from ledger.store.reading import MIN_PREFIX

from .. import telling, wording
from ..errors import InputError
from ..language import current, ngettext
from ..language import gettext as _
from ..wishes import Remark
from ..wishes import communes as wishes
from . import output
from .desk import Desk
from .options import LINE, OPTIONAL_LINE, OPTIONAL_TEXT, TEXT, argument, command, option

if TYPE_CHECKING:
    from ledger.commune import Commune
    from ledger.store.reading import CommuneRow, Reader
    from ledger.view import Account, Figure

    from ..overview import Names, Relations
    from ..petnames import OwnNames


@command("communes")
@argument("commune", metavar="COMMUNE", help="One commune in full, by its name or id.", required=False)
def communes(desk: Desk, commune: str | None) -> None:
    """Show the communes that are known here, or one in full.

    The words beside a commune are for comparing it aloud: two communes with one name have different words.
    """
    from .. import overview
    from ..petnames import OwnNames, find_commune
    from ..shapes import communes as shapes

    with desk.reading() as service:
        reader, names = service.reader, OwnNames(service.reader)
        relations = overview.Relations(service)
        if commune is not None:
            row = reader.commune(find_commune(reader, commune))
            if desk.as_json:
                output.print_json([shapes.in_full(row, relations, reader)])
            else:
                formed, accounts = reader.formed(row.id), overview.accounts_of(row.id, reader)
                _show_one(row, formed, accounts, reader, relations, names)
            return
        rows = reader.communes()
        desk.show(
            rows,
            partial(shapes.commune_of, relations=relations, called=names.called),
            partial(_draw, relations=relations, names=names),
            _("No commune is known here."),
        )


def _draw(rows: Sequence[CommuneRow], relations: Relations, names: OwnNames) -> None:
    from .. import keys

    table = output.Table(
        (_("Id"), _("Name"), _("Place"), _("Words"), ""),
        texts=frozenset({1, 2, 3}),
        title=ngettext("{count} commune", "{count} communes", len(rows)).format(count=len(rows)),
    )
    for row in rows:
        relation = relations[row.id]
        table.rows.append(
            (
                wording.short(row.id),
                names.both(row.id),
                row.place or "",
                keys.fingerprint_words(row.id, current()),
                wording.relation_name(relation),
            )
        )
    output.print_table(table)


def _show_one(
    row: CommuneRow,
    formed: Commune,
    accounts: tuple[Account, ...],
    reader: Reader,
    relations: Relations,
    names: OwnNames,
) -> None:
    from .. import keys

    relation = wording.relation_name(relations[row.id])
    facts = [(_("Commune"), f"{row.name} ({relation})"), (_("Id"), row.id.hex())]
    facts.append((_("Words"), keys.fingerprint_words(row.id, current())))
    optional = (
        (_("Called here"), names.called.get(row.id)),
        (_("Place"), row.place),
        (_("About"), row.about),
        (_("Contact"), row.contact),
        (_("Communal city"), formed.founding.within),
    )
    facts += [(name, value) for name, value in optional if value is not None]
    facts.append((_("Network"), formed.founding.network))
    facts.append((_("Founded"), wording.day_of(formed.founding.at)))
    tips = formed.chain.tips
    facts += [
        (_("Authority"), telling.authority(tip.authority.threshold, len(tip.authority.keys))) for tip in tips
    ]
    if formed.chain.in_force is None:
        facts.append(
            ("", _("These contradict each other: no authority is in force until one replaces them all."))
        )
    recognises = ", ".join(names[other] for other in reader.recognised(row.id))
    if recognises:
        facts.append((_("Recognises"), recognises))
    output.print_facts(facts)
    output.print_table(_logs_table(formed, reader))
    if accounts:
        output.print_table(_accounts_table(row, accounts, names))


def _logs_table(formed: Commune, reader: Reader) -> output.Table:
    from ..shapes.communes import log_of

    table = output.Table((_("Log"), _("Entries"), _("State")), title=_("Logs"), right=frozenset({1}))
    for log in formed.logs:
        told = log_of(formed, log, reader)
        state = []
        if told.sealed_at is not None:
            state.append(_("sealed at {size}").format(size=told.sealed_at))
        if told.forked_at is not None:
            state.append(_("forked at {index}").format(index=told.forked_at))
        if told.contested:
            state.append(_("contested"))
        table.rows.append((wording.short(log), str(told.size), ", ".join(state) or _("in use")))
    return table


def _accounts_table(row: CommuneRow, accounts: tuple[Account, ...], names: Names) -> output.Table:
    table = output.Table(
        (_("With"), _("Category"), _("Owes"), _("Is owed"), _("Gives as a gift"), _("Gets as a gift")),
        title=_("What stands open of {name}").format(name=row.name),
        right=frozenset({2, 3, 4, 5}),
        texts=frozenset({0, 1}),
    )
    for account in accounts:
        figures = (account.owes, account.owed, account.giving, account.getting)
        told = [_figure(figure, account.unit) for figure in figures]
        category = wording.category(account.category) or _("not said")
        if account.contested:
            category = f"{category} ({_('contested')})"
        table.rows.append((names[account.partner], category, *told))
    return table


def _figure(figure: Figure, unit: str | None) -> str:
    if figure.amount == 0:
        return ""
    if unit is None:
        return ngettext("{count} transfer", "{count} transfers", figure.amount).format(count=figure.amount)
    return wording.amount(wording.decimal(figure.amount), unit)


# Acts -------------------------------------------------------------------------------------------


def _linked(text: str, desk: Desk) -> tuple[CommuneId, str] | None:
    """The commune of a node that is linked with the running one, by its name or the beginning of its id."""
    from .peers import linked_communes

    sought = text.strip().casefold()
    matching = {
        CommuneId(bytes.fromhex(commune)): name
        for commune, name in linked_communes(desk)
        if name.casefold() == sought or (len(sought) >= MIN_PREFIX and commune.startswith(sought))
    }
    return next(iter(matching.items())) if len(matching) == 1 else None


@command("name")
@argument("commune", metavar="COMMUNE", help="Name or id.")
@argument("name", metavar="NAME", help="What you call it; else that is shown.", required=False)
@option("--remove", is_flag=True, help="Call it as it calls itself.")
def name_(desk: Desk, commune: str, name: str | None, remove: bool) -> None:
    """Call another commune by a name of your own.

    It is kept on this computer and in its backups, and shown here alone: others know that commune by the name
    that it gives itself. Two communes cannot have the same.
    """
    from .. import keys
    from ..petnames import OwnNames, find_commune, give_pet_name, namesakes
    from ..shapes.communes import Named

    if name is not None and remove:
        raise InputError("Give a name or --remove, not both.")
    with desk.reading() as service:
        reader = service.reader
        identity = find_commune(reader, commune)
        if name is not None or remove:
            give_pet_name(name, identity, reader, service.own)
        names = OwnNames(reader)
        called, public = names.called.get(identity), names.public(identity)
        words = keys.fingerprint_words(identity, current())
        alike = [] if called is None else namesakes(called, identity, reader)
        if alike:
            desk.warn(
                _("Another commune calls itself '{name}', or looks so: go by the words.").format(name=called)
            )
        if desk.as_json:
            output.print_json(Named(identity.hex(), public, called, tuple(other.hex() for other in alike)))
        elif called is None:
            click.echo(output.safe(_("{name} is called as it calls itself.").format(name=public)))
        else:
            told = _("{name}, whose words are {words}, is called '{called}' here.")
            click.echo(output.safe(told.format(name=public, words=words, called=called)))


@command("recognise", signs=True)
@argument(
    "commune",
    metavar="COMMUNE",
    help="Name or id; also of a commune whose node is linked with yours, or the whole id of any.",
)
@option("--note", type=TEXT, metavar="TEXT", help="Why, or how you know it.")
def recognise(desk: Desk, commune: str, note: str | None, by: str | None) -> None:
    """Say publicly that your commune deals with another.

    What it records is then kept here, and so is what those record that it recognises. Compare its words
    aloud first.
    """
    from .. import keys

    with desk.writing() as service:
        try:
            identity, name = wishes.commune_meant(commune, service.reader)
        except NotFound:
            linked = _linked(commune, desk)
            if linked is None:
                raise
            identity, name = linked
        given = Remark(note=note, by=by)
        record = wishes.recognition("recognise", identity, given, desk.now()).record
        service.check(record)
        words = keys.fingerprint_words(identity, current())
        desk.confirm(_("Recognise {name}, whose words are: {words}.").format(name=name, words=words))
        entry = service.record(record)
        desk.done(entry, _("Your commune recognises {name}.").format(name=name), commune=identity.hex())
        if not desk.as_json:
            _tell_quota(name, desk)


def _tell_quota(name: str, desk: Desk) -> None:
    """Say how much of a commune there may be from now on."""
    from ..limits import FOLLOWED_TIMES
    from ..settings import read_settings

    settings = read_settings(desk.home.settings_file)
    told = _(
        "Kept of {name}: up to {log} MB, and more each day; of all that it introduces, {logs} logs and "
        "{share} MB. Settings in config.toml change that."
    )
    click.echo(
        output.safe(
            told.format(
                name=name,
                log=FOLLOWED_TIMES * settings.log_megabytes,
                logs=settings.introduced_logs,
                share=settings.introduced_megabytes,
            )
        )
    )


@command("unrecognise", signs=True)
@argument("commune", metavar="COMMUNE", help="Name or id.")
@option("--note", type=TEXT, metavar="TEXT", help="Why.")
def unrecognise(desk: Desk, commune: str, note: str | None, by: str | None) -> None:
    """Take a recognition back.

    What was agreed with that commune stays as it is.
    """
    with desk.writing() as service:
        identity, name = wishes.commune_meant(commune, service.reader)
        given = Remark(note=note, by=by)
        record = wishes.recognition("unrecognise", identity, given, desk.now()).record
        service.check(record)
        desk.confirm(_("Recognise {name} no more.").format(name=name))
        entry = service.record(record)
        desk.done(
            entry, _("Your commune recognises {name} no more.").format(name=name), commune=identity.hex()
        )


@command("profile", signs=True)
@option("--name", type=LINE, metavar="NAME", help="Name of the commune.")
@option("--place", type=OPTIONAL_LINE, metavar="PLACE", help="Where it is; '' to remove it.")
@option(
    "--about", type=OPTIONAL_TEXT, metavar="TEXT", help="What others should know about it; '' to remove it."
)
@option("--contact", type=OPTIONAL_TEXT, metavar="TEXT", help="Office and role to turn to; '' to remove it.")
def profile(
    desk: Desk,
    name: str | None,
    place: str | None,
    about: str | None,
    contact: str | None,
    by: str | None,
) -> None:
    """Say how your commune presents itself.

    What is not given stays as it is. It is public for ever: name roles and offices, not persons.
    """
    from ledger.records import Profile

    given = wishes.Presentation(name=name, place=place, about=about, contact=contact, by=by)
    wishes.check_presentation(given)
    with desk.writing() as service:
        record = wishes.presentation(given, service, desk.now()).record
        assert isinstance(record, Profile)
        service.check(record)
        texts = (record.name, record.place, record.about, record.contact)
        told = "; ".join(value for value in texts if value is not None)
        desk.confirm(_("Present your commune as: {profile}.").format(profile=told))
        entry = service.record(record)
        desk.done(entry, _("Your commune presents itself as: {profile}.").format(profile=told))
