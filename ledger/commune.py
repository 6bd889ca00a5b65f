"""A commune: which logs are its own, in what order, and up to where each is sealed.

Decides which successions count, which of them contradict each other, and the
seal of each log. Who may sign is `authority`'s; what counts past a seal or a
cut is `standing`'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from .authority import Chain, Refused, Stated, authority_chain, satisfied
from .log import LogKey
from .records import Charter, CommuneId, Seal, Succession, signed_body


@dataclass(frozen=True, slots=True)
class Commune:
    """A commune as its own records make it.

    `logs` are in order: each after all that it continues. `seals` holds the
    highest seal of every log that a later one continues. `continues` gives, for
    each log, what its succession named. `contested` are the logs of successions
    that contradict each other: they count, and what they touch is shown so.
    """

    id: CommuneId
    charter: Stated
    chain: Chain
    logs: tuple[LogKey, ...]
    seals: Mapping[LogKey, Seal]
    continues: Mapping[LogKey, tuple[Seal, ...]]
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
    opened, dropped = _in_force(charter, chain, signed)
    refused += [Refused(stated.id, code) for stated, code in dropped]
    logs = _in_order(charter.log, opened)
    ancestors = _ancestors(charter.log, logs, opened)
    return Commune(
        CommuneId(charter.id),
        charter,
        chain,
        logs,
        _seals(opened),
        {log: tuple(_record(stated).previous) for log, stated in opened.items()},
        _contested(logs, opened, ancestors),
        tuple(sorted((*chain.refused, *refused), key=lambda item: (item.id, item.code))),
    )


def _record(stated: Stated) -> Succession:
    assert isinstance(stated.record, Succession)
    return stated.record


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
    charter: Stated, chain: Chain, signed: Sequence[Stated]
) -> tuple[dict[LogKey, Stated], list[tuple[Stated, str]]]:
    """The succession that opens each log of the commune, and those that open none, with the reason.

    A succession under a replaced authority has to lead to the log of a
    replacement. The largest set that satisfies this: dropping one may take
    others with it.
    """
    left = list(signed)
    dropped: list[tuple[Stated, str]] = []
    while True:
        opened = _founded(charter.log, left)
        astray = [stated for stated in opened.values() if not _leads_on(stated, chain, opened)]
        if not astray:
            break
        dropped += [(stated, "succession-authority-replaced") for stated in astray]
        left = [stated for stated in left if stated not in astray]
    for stated in left:
        if stated.log not in opened:
            dropped.append((stated, "succession-of-nothing"))
        elif opened[stated.log] is not stated:
            dropped.append((stated, "succession-beside-another"))
    return opened, dropped


def _founded(first: LogKey, signed: Sequence[Stated]) -> dict[LogKey, Stated]:
    """The successions that lead back to the charter's log, found in rounds.

    A log that is forked at entry 0 can be opened by several. It is opened by
    the one that leads back in the fewest steps, of those the one with the
    lowest id: so no other can make it continue what continues it.
    """
    opened: dict[LogKey, Stated] = {}
    founded = {first}
    while True:
        more: dict[LogKey, Stated] = {}
        for stated in signed:
            if stated.log not in founded and all(seal.log in founded for seal in _record(stated).previous):
                more.setdefault(stated.log, stated)
        if not more:
            return opened
        opened.update(more)
        founded |= more.keys()


def _leads_on(stated: Stated, chain: Chain, opened: Mapping[LogKey, Stated]) -> bool:
    """Whether a succession is under an authority that is not replaced, or leads to a replacement's log."""
    link = chain.link_of(_record(stated).authority)
    assert link is not None
    holders = {replacement.log for replacement in chain.replacements(link)}
    return not holders or bool(holders & _descendants(stated.log, opened))


def _descendants(log: LogKey, accepted: Mapping[LogKey, Stated]) -> set[LogKey]:
    """The log and every log that continues it, directly or not."""
    found = {log}
    while True:
        more = {
            other
            for other, stated in accepted.items()
            if other not in found and any(seal.log in found for seal in _record(stated).previous)
        }
        if not more:
            return found
        found |= more


def _in_order(first: LogKey, accepted: Mapping[LogKey, Stated]) -> tuple[LogKey, ...]:
    """Every log after all that it continues; where that leaves a choice, by key."""
    ordered: list[LogKey] = [first]
    waiting = set(accepted)
    while waiting:
        ready = min(
            log for log in waiting if all(seal.log in ordered for seal in _record(accepted[log]).previous)
        )
        ordered.append(ready)
        waiting.discard(ready)
    return tuple(ordered)


def _ancestors(
    first: LogKey, logs: tuple[LogKey, ...], accepted: Mapping[LogKey, Stated]
) -> dict[LogKey, frozenset[LogKey]]:
    ancestors: dict[LogKey, frozenset[LogKey]] = {first: frozenset()}
    for log in logs[1:]:
        direct = {LogKey(seal.log) for seal in _record(accepted[log]).previous}
        ancestors[log] = frozenset(direct).union(*(ancestors[parent] for parent in direct))
    return ancestors


def _seals(accepted: Mapping[LogKey, Stated]) -> dict[LogKey, Seal]:
    """The highest seal of each log: a later succession may raise one, never lower it."""
    seals: dict[LogKey, Seal] = {}
    for stated in accepted.values():
        for seal in _record(stated).previous:
            log = LogKey(seal.log)
            held = seals.get(log)
            # Equal sizes with different roots come only from contested successions; any fixed choice will do.
            if held is None or (seal.size, held.root) > (held.size, seal.root):
                seals[log] = seal
    return seals


def _contested(
    logs: tuple[LogKey, ...], accepted: Mapping[LogKey, Stated], ancestors: Mapping[LogKey, frozenset[LogKey]]
) -> frozenset[LogKey]:
    """The logs of successions that continue one log, neither the other, and that none has joined."""
    contested: set[LogKey] = set()
    for one in accepted:
        for other in accepted:
            if one >= other or one in ancestors[other] or other in ancestors[one]:
                continue
            shared = {seal.log for seal in _record(accepted[one]).previous} & {
                seal.log for seal in _record(accepted[other]).previous
            }
            joined = any({one, other} <= ancestors[log] for log in logs)
            if shared and not joined:
                contested |= {one, other}
    if contested:
        contested |= {log for log in logs if ancestors[log] & contested}
    return frozenset(contested)
