"""A commune: which logs are its own, in what order, and up to where each is sealed.

Decides which successions count, which of them contradict each other, and the
seal of each log. Who may sign is `authority`'s; what counts past a seal or a
cut is `standing`'s (docs/spec/commune.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush

from .authority import Chain, Refused, Stated, authority_chain, satisfied
from .log import EntryId, LogKey
from .merkle import EMPTY_ROOT
from .records import Charter, CommuneId, Seal, Succession, signed_body


@dataclass(frozen=True, slots=True)
class Commune:
    """A commune as its own records make it.

    `logs` are in order: each after all that it continues. `seals` holds the
    highest seal of every log that a later one continues. `continues` gives, for
    each log, what its succession named; `openings` the same for every entry
    that may stand at index 0 of one of the logs, by its id. `contested` are the
    logs of successions that contradict each other: they count, and what they
    touch is shown so.

    A log whose succession lost its authority is sealed at size 0 and contested:
    nothing in it counts but what another commune vouches for.
    """

    id: CommuneId
    charter: Stated
    chain: Chain
    logs: tuple[LogKey, ...]
    seals: Mapping[LogKey, Seal]
    continues: Mapping[LogKey, tuple[Seal, ...]]
    openings: Mapping[EntryId, tuple[Seal, ...]]
    contested: frozenset[LogKey]
    refused: tuple[Refused, ...]

    @property
    def founding(self) -> Charter:
        """The charter itself."""
        assert isinstance(self.charter.record, Charter)
        return self.charter.record

    @property
    def open_logs(self) -> tuple[LogKey, ...]:
        """The logs that nothing seals; one, unless successions contradict each other."""
        return tuple(log for log in self.logs if log not in self.seals)


def form_commune(
    charter: Stated, changes: Iterable[Stated], successions: Iterable[Stated], network: str
) -> Commune:
    """Form a commune from its charter and every authority and succession record that names it.

    A pure function of the sets given; their order does not matter.
    """
    chain = authority_chain(charter, changes, network)
    signed, refused = _signed_successions(charter, chain, successions, network)
    in_force, astray = _in_force(charter.log, chain, signed)
    # What was opened once, in good faith or not, is not unsaid by replacing the authority.
    demoted = {log: stated for log, stated in _founded(charter.log, signed).items() if log not in in_force}
    opened = in_force | demoted
    logs = _in_order(charter.log, opened)
    ancestors = _ancestors(charter.log, logs, opened)
    known = frozenset(logs)
    openings = {stated.id: stated for stated in signed if stated.log in known and _continued(stated) <= known}
    for stated in signed:
        if stated.id in astray:
            refused.append(Refused(stated.id, "succession-authority-replaced"))
        elif stated.id not in openings:
            refused.append(Refused(stated.id, "succession-of-nothing"))
        elif opened[stated.log].id != stated.id:
            refused.append(Refused(stated.id, "succession-beside-another"))
    return Commune(
        CommuneId(charter.id),
        charter,
        chain,
        logs,
        _seals(logs, in_force) | {log: Seal(log, 0, EMPTY_ROOT) for log in demoted},
        {log: tuple(_record(stated).previous) for log, stated in opened.items()},
        {charter.id: (), **{entry: tuple(_record(stated).previous) for entry, stated in openings.items()}},
        _contested(logs, in_force, ancestors) | demoted.keys(),
        tuple(sorted((*chain.refused, *refused), key=lambda item: (item.id, item.code))),
    )


def _record(stated: Stated) -> Succession:
    assert isinstance(stated.record, Succession)
    return stated.record


def _continued(stated: Stated) -> set[LogKey]:
    """The logs that a succession continues."""
    return {LogKey(seal.log) for seal in _record(stated).previous}


def _signed_successions(
    charter: Stated, chain: Chain, successions: Iterable[Stated], network: str
) -> tuple[list[Stated], list[Refused]]:
    """The successions that stand where they say and are signed under a link of the chain, by id."""
    signed: list[Stated] = []
    refused: list[Refused] = []
    distinct = {stated.id: stated for stated in successions}
    for _, stated in sorted(distinct.items()):
        record = _record(stated)
        link = chain.link_of(record.authority)
        if record.log != stated.log or stated.index != 0:
            refused.append(Refused(stated.id, "succession-copied"))
        elif record.commune != charter.id or link is None or stated.log == charter.log:
            refused.append(Refused(stated.id, "succession-of-another"))
        elif not satisfied(link.authority, record.signatures, signed_body(stated.payload, network)):
            refused.append(Refused(stated.id, "succession-unsigned"))
        else:
            signed.append(stated)
    return signed, refused


def _in_force(
    first: LogKey, chain: Chain, signed: Sequence[Stated]
) -> tuple[dict[LogKey, Stated], set[EntryId]]:
    """The succession in force for each log, and the ids of those that lost their authority.

    A succession under a replaced authority has to lead to the log of a
    replacement, or to one that was opened under a later authority. The largest
    set that satisfies this: dropping one may take others with it.
    """
    astray: set[EntryId] = set()
    while True:
        opened = _founded(first, [stated for stated in signed if stated.id not in astray])
        heirs = _heirs(opened)
        more = {stated.id for stated in opened.values() if not _leads_on(stated, chain, opened, heirs)}
        if not more:
            return opened, astray
        astray |= more


def _founded(first: LogKey, signed: Sequence[Stated]) -> dict[LogKey, Stated]:
    """The successions that lead back to the charter's log, found in rounds.

    A log that is forked at entry 0 can be opened by several. It is opened by
    the one that leads back in the fewest rounds, of those the one with the
    lowest id: so no other can make it continue what continues it.
    """
    opened: dict[LogKey, Stated] = {}
    founded = {first}
    while True:
        more: dict[LogKey, Stated] = {}
        for stated in signed:
            if stated.log not in founded and _continued(stated) <= founded:
                more.setdefault(stated.log, stated)
        if not more:
            return opened
        opened.update(more)
        founded |= more.keys()


def _leads_on(
    stated: Stated, chain: Chain, opened: Mapping[LogKey, Stated], heirs: Mapping[LogKey, Sequence[LogKey]]
) -> bool:
    """Whether a succession's authority is not replaced, or those who replaced it build on the succession."""
    link = chain.link_of(_record(stated).authority)
    assert link is not None
    holders = {replacement.log for replacement in chain.replacements(link)}
    if not holders:
        return True
    later = chain.later(link)
    waiting = [stated.log]
    onwards = set(waiting)
    for log in waiting:
        if log in holders or chain.keys[_record(opened[log]).authority] in later:
            return True
        more = set(heirs.get(log, ())) - onwards
        onwards |= more
        waiting += more
    return False


def _heirs(opened: Mapping[LogKey, Stated]) -> dict[LogKey, list[LogKey]]:
    """The logs that continue each log directly."""
    heirs: dict[LogKey, list[LogKey]] = {}
    for log, stated in opened.items():
        for continued in _continued(stated):
            heirs.setdefault(continued, []).append(log)
    return heirs


def _in_order(first: LogKey, opened: Mapping[LogKey, Stated]) -> tuple[LogKey, ...]:
    """Every log after all that it continues; where that leaves a choice, by key."""
    heirs = _heirs(opened)
    missing = {log: len(_continued(stated)) for log, stated in opened.items()}
    ordered: list[LogKey] = []
    ready = [first]
    while ready:
        log = heappop(ready)
        ordered.append(log)
        for heir in heirs.get(log, ()):
            missing[heir] -= 1
            if not missing[heir]:
                heappush(ready, heir)
    return tuple(ordered)


def _ancestors(first: LogKey, logs: tuple[LogKey, ...], opened: Mapping[LogKey, Stated]) -> dict[LogKey, int]:
    """What each log continues, directly or not, as bits by the places of logs in their order.

    Sets would hold the square of a commune's logs, and comparing them cost its cube.
    """
    bits = {log: 1 << place for place, log in enumerate(logs)}
    ancestors = {first: 0}
    for log in logs[1:]:
        found = 0
        for parent in _continued(opened[log]):
            found |= bits[parent] | ancestors[parent]
        ancestors[log] = found
    return ancestors


def _seals(logs: Sequence[LogKey], opened: Mapping[LogKey, Stated]) -> dict[LogKey, Seal]:
    """The highest seal of each log: a later succession may raise one, never lower it, nor move it aside."""
    seals: dict[LogKey, Seal] = {}
    for log in logs:
        for seal in _record(opened[log]).previous if log in opened else ():
            sealed = LogKey(seal.log)
            if sealed not in seals or seal.size > seals[sealed].size:
                seals[sealed] = seal
    return seals


def _contested(
    logs: tuple[LogKey, ...], opened: Mapping[LogKey, Stated], ancestors: Mapping[LogKey, int]
) -> frozenset[LogKey]:
    """The logs of successions that continue one log, neither the other, and that none has joined."""
    bits = {log: 1 << place for place, log in enumerate(logs)}
    descendants = dict.fromkeys(logs, 0)
    for log in reversed(logs):
        for parent in _continued(opened[log]) if log in opened else ():
            descendants[parent] |= bits[log] | descendants[log]
    contested = 0
    for heirs in _heirs(opened).values():
        for place, one in enumerate(heirs):
            for other in heirs[:place]:
                if bits[one] & contested and bits[other] & contested:
                    continue
                if ancestors[one] & bits[other] or ancestors[other] & bits[one]:
                    continue
                if not descendants[one] & descendants[other]:
                    contested |= bits[one] | bits[other]
    return frozenset(log for log in logs if bits[log] & contested or ancestors[log] & contested)
