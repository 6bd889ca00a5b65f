"""Words for how a home and its node are, in the language that is spoken.

Decides what a person reads where a program reads a `State`: names and values,
and sentences that say what to do. Used by the command `status` and by the page.
"""

from __future__ import annotations

from typing import Final

from ledger.author import SENTENCES, Situation
from ledger.sentences import N_

from . import language, wording
from .answers import error_of
from .language import gettext as _
from .language import ngettext
from .limits import LOW_DISK_BYTES
from .state import Nearby, State

Facts = list[tuple[str, str]]

_TWICE: Final = N_(
    "The commune was brought back twice, so two logs continue the same old one, until one names both: on one "
    "computer alone, make a backup once it has met the other or a neighbour of it, and bring it back into "
    "another folder with `trueque restore`; stop using the others."
)


def facts(state: State) -> Facts:
    """What there is to say, a name and a value each; values may be sentences."""
    told: Facts = [(_("Home"), state.home), (_("Node"), _node(state))]
    for part in state.parts.values():
        told.extend(("", language.told(error_of(sentence))) for sentence in part.sentences)
    if state.commune is not None:
        told.append((_("Commune"), state.commune.name or _("none yet")))
        told.append((_("Network"), state.commune.network))
    told.append((_("Signing"), _signing(state)))
    if state.commune is not None and state.commune.contested and state.situation is Situation.READY:
        told.append((_("Contested"), brought_back_twice()))
    if (sentence := uncounted(state)) is not None:
        told.append((_("Past the end"), sentence))
    if state.held is not None:
        entries = ngettext("{count} entry", "{count} entries", state.held.entries)
        logs = ngettext("{count} log", "{count} logs", state.held.logs)
        told.append(
            (
                _("Held"),
                _("{entries} in {logs}").format(
                    entries=entries.format(count=state.held.entries), logs=logs.format(count=state.held.logs)
                ),
            )
        )
        if state.held.forked:
            forked = ngettext(
                "{count} log was continued in two ways: the audit tells more.",
                "{count} logs were continued in two ways: the audit tells more.",
                state.held.forked,
            )
            told.append((_("Forks"), forked.format(count=state.held.forked)))
    if state.disk is not None:
        told.append((_("Disk"), _disk(state.disk.free)))
    told.append((_("Clock"), _clock(state)))
    if state.lan is not None:
        told.append((_("Phones nearby"), _nearby(state.lan, runs=state.process is not None)))
    return told


def headline(state: State) -> str:
    """How the node is, in one sentence, for `systemctl status`."""
    return f"{_node(state)} {_signing(state)}"


def _node(state: State) -> str:
    if state.process is None:
        return _("It is not running: start it with `trueque run`.")
    since = wording.time_of(state.process.since)
    if state.state == "empty":
        told = _("It has run since {since} and waits for a commune in this home.")
    elif state.state == "starting":
        told = _("It has run since {since} and is opening the home.")
    elif state.state == "in-use":
        told = _("It has run since {since} and waits until another program has finished with the home.")
    elif state.state == "trouble":
        told = _("It has run since {since} and cannot open the home.")
    elif state.process.peer_port is not None:
        told = _("It has run since {since}; pages: {address}, other nodes: port {peers}.")
    else:
        told = _("It has run since {since}; pages: {address}.")
    return told.format(
        since=since,
        address=f"http://127.0.0.1:{state.process.people_port}/",
        peers=state.process.peer_port,
    )


def _signing(state: State) -> str:
    if state.trouble is not None:
        return language.told(error_of(state.trouble))
    if state.situation is Situation.READY and state.commune is not None and state.commune.id is None:
        if state.held is not None and not state.held.entries:
            return _(
                "The founding of a commune in {path} was not finished: give `trueque init` again."
            ).format(path=state.home)
        return _(
            "The new log of this home is not opened yet, so nothing is signed: give `trueque restore "
            "--signed` with the signatures that were asked for, or, if bringing the commune back was cut "
            "short, stop the node and give the same `trueque restore` again."
        )
    if state.situation is not None:
        return _(SENTENCES[state.situation])
    if state.state == "empty":
        return _(
            "There is no commune here yet: create one with `trueque init`, or bring one back with "
            "`trueque restore`."
        )
    return _("It will be known in a moment: ask again.")


def brought_back_twice() -> str:
    """What is to be done where two logs continue the same old one of this commune."""
    return _(_TWICE)


def uncounted(state: State) -> str | None:
    """What is to be done about own entries that do not count any more, None for nothing."""
    count = 0 if state.commune is None else state.commune.uncounted
    if not count or state.situation is not Situation.READY:
        return None
    return _(
        "Entries of this commune that stand after its old log ended or forked, and on which no other commune "
        "relied, so that they do not count: {count}. `trueque log` shows them; record anew what the commune "
        "itself wrote there and still holds."
    ).format(count=count)


def _disk(free: int) -> str:
    told = _("{free} free").format(free=wording.size_of(free))
    if free < LOW_DISK_BYTES:
        return _("{free}: free some space, or nothing more can be recorded soon.").format(free=told)
    return told


def _clock(state: State) -> str:
    doubt = wording.doubt_of_clock(state.clock.now, state.clock.last)
    return doubt or wording.time_of(state.clock.now)


def _nearby(lan: Nearby, *, runs: bool) -> str:
    if lan.trouble is not None:
        return language.told(error_of(lan.trouble))
    if lan.addresses:
        return _("let in, with the password: {addresses}").format(addresses=" ".join(lan.addresses))
    if lan.open:
        return _("let in, with the password; this computer is in no network now")
    if lan.wanted and not runs:
        return _("let in, with the password, as soon as the node runs")
    if lan.wanted:
        return _("let in, with the password, as soon as there is a commune here")
    return _("not let in; a password is set") if lan.password else _("not let in; no password is set")
