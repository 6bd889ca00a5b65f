"""State: how a home and the node in it are, for `trueque status`, the API and the page.

Decides what is looked at (process, commune, signing, what is held, disk, clock,
parts) and gives it as one answer; a home in which no node runs is looked at by
the command itself, with the same answer. Words for it are found where it is
shown, in `reporting`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from ledger.author import Situation
from ledger.errors import LedgerError, StoreError
from ledger.store.totals import Totals, totals, uncounted

from . import clock
from .answers import AnsweredError, plain_error
from .errors import HomeError, SettingsError
from .home import Home
from .opening import open_home
from .parts import PartState
from .service import Service

if TYPE_CHECKING:
    from .lan import Lan


class Process(msgspec.Struct, frozen=True):
    """A running node: process, ports, since when (ms); `peer_port` is None while nothing listens."""

    pid: int
    people_port: int
    peer_port: int | None
    since: int


class HomeCommune(msgspec.Struct, frozen=True):
    """Whose home it is; ids in hex, `id` and `name` None while the log belongs to no commune.

    `uncounted`: how many entries of its logs stand past where a log ends or forks, and count for nobody.
    `contested`: the log continues one that another log continues as well.
    """

    id: str | None
    name: str | None
    network: str
    log: str
    uncounted: int = 0
    contested: bool = False


class Held(msgspec.Struct, frozen=True):
    """How much is held."""

    entries: int
    logs: int
    forked: int
    communes: int


class Disk(msgspec.Struct, frozen=True):
    """Bytes of the disk that holds the home."""

    free: int
    size: int


class Clock(msgspec.Struct, frozen=True):
    """What the clock says and the newest own record claims, in milliseconds; `doubt` if it cannot be."""

    now: int
    last: int | None
    doubt: clock.Doubt | None


class Nearby(msgspec.Struct, frozen=True, kw_only=True):
    """Whether phones on the local network are let in; `addresses` is where, the most likely first.

    `ruled`: whether the operator's setting decides it, and not the pages; `trouble`
    is why they are not let in although that is wanted.
    """

    wanted: bool
    open: bool
    password: bool
    ruled: bool
    addresses: tuple[str, ...] = ()
    trouble: AnsweredError | None = None


class PartTold(msgspec.Struct, frozen=True):
    """What a part of the node says: facts, and sentences with their fields apart."""

    facts: dict[str, Any]
    sentences: tuple[AnsweredError, ...]


class State(msgspec.Struct, frozen=True, kw_only=True):
    """How a home is: `empty`, `starting`, `in-use`, `open` or `trouble`, and all that is known of it.

    `situation` is None where it could not be told; `trouble` says why, or why
    the home could not be opened. `lan` is None where the settings cannot be read.
    """

    home: str
    state: str
    process: Process | None = None
    commune: HomeCommune | None = None
    situation: Situation | None = None
    trouble: AnsweredError | None = None
    held: Held | None = None
    disk: Disk | None = None
    clock: Clock
    lan: Nearby | None = None
    parts: dict[str, PartTold] = {}

    def facts_of(self, part: str) -> Mapping[str, Any]:
        """What a part of the node says of itself, empty if it is not there."""
        return self.parts[part].facts if part in self.parts else {}


def disk_of(home: Home) -> Disk | None:
    """How full the disk of a home is, None where nobody can tell."""
    for folder in (home.path, *home.path.absolute().parents):
        try:
            found = os.statvfs(folder)
        except OSError:
            continue  # there may be no home yet
        return Disk(found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize)
    return None


def clock_of(last: int | None) -> Clock:
    """What to think of the clock, by the newest own record."""
    now = clock.now()
    return Clock(now, last, clock.doubt(now, last))


def held_of(counted: Totals) -> Held:
    """What is held, as an answer has it."""
    return Held(counted.entries, counted.logs, counted.forked, counted.communes)


def commune_of(service: Service) -> HomeCommune:
    """Whose home it is. Raises StoreError."""
    own = service.own
    if own is None:
        return HomeCommune(None, None, service.network, service.log.hex())
    reader = service.reader
    return HomeCommune(
        own.hex(),
        reader.commune(own).name,
        service.network,
        service.log.hex(),
        uncounted(reader, own),
        service.log in reader.formed(own).contested,
    )


def nearby_of(lan: Lan, port: int) -> Nearby:
    """Whether phones are let in, by the node that does it; asks the system for addresses if so."""
    from .reach import addresses

    return Nearby(
        wanted=lan.is_wanted,
        open=lan.is_open,
        password=lan.entrance.is_guarded,
        ruled=lan.ruled is not None,
        addresses=addresses(port) if lan.is_open else (),
        trouble=None if lan.trouble is None else told_error(lan.trouble),
    )


def _nearby_at_rest(home: Home) -> Nearby | None:
    """The same of a home in which no node runs: what is wanted once one does."""
    from .access import read_access
    from .entrance import no_password
    from .settings import read_settings

    try:
        ruled = read_settings(home.settings_file).lan
    except SettingsError:
        return None
    access = read_access(home)
    wanted, has_password = access.lan if ruled is None else ruled, access.password is not None
    return Nearby(
        wanted=wanted,
        open=False,
        password=has_password,
        ruled=ruled is not None,
        trouble=told_error(no_password()) if wanted and not has_password else None,
    )


def told_error(error: LedgerError) -> AnsweredError:
    """An error as an answer holds it."""
    return msgspec.convert(plain_error(error), AnsweredError)


def told_parts(states: Mapping[str, PartState]) -> dict[str, PartTold]:
    """What parts say, as an answer holds it."""
    return {
        name: PartTold(
            dict(state.facts),
            tuple(AnsweredError("Told", told.template, dict(told.fields)) for told in state.sentences),
        )
        for name, state in states.items()
    }


def look(home: Home) -> State:
    """How a home is in which no node runs. Raises nothing: what is amiss is part of the answer."""
    path = str(home.path)
    try:
        home.check_unsigned()
    except HomeError as error:
        return State(
            home=path, state="trouble", trouble=told_error(error), disk=disk_of(home), clock=clock_of(None)
        )
    if not home.exists:
        return State(home=path, state="empty", disk=disk_of(home), clock=clock_of(None))
    trouble: LedgerError | None = None
    situation: Situation | None = None
    try:
        with open_home(home, writing=True) as service:
            # Only whoever holds the home can tell: it is let go of at once.
            situation = service.situation
    except (HomeError, StoreError) as error:
        trouble = error
    try:
        with open_home(home, writing=False) as service:
            return State(
                home=path,
                state="open",
                commune=commune_of(service),
                situation=situation,
                trouble=None if trouble is None else told_error(trouble),
                held=held_of(totals(service.reader)),
                disk=disk_of(home),
                clock=clock_of(service.last_recorded),
                lan=_nearby_at_rest(home),
            )
    except (HomeError, StoreError) as error:
        return State(
            home=path,
            state="trouble",
            trouble=told_error(trouble or error),
            disk=disk_of(home),
            clock=clock_of(None),
        )
