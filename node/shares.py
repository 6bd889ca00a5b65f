"""Shares: what quotas hold back, what is used of them, and how many logs nobody here has asked for, told.

Decides which of that `trueque status`, `trueque peers` and the API show, as
facts and as sentences that say what to do. Counted it is by `rations` and
`unknown`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from ledger.log import LogKey
from ledger.records import CommuneId
from ledger.sentences import N_

from .limits import MAX_NAMED, MEGABYTE
from .parts import Told
from .quotas import Over
from .rations import Rations
from .unknown import Unknown

_LOGS: Final = N_(
    "Held back, because their logs have more than their quota: {names}. They get room for more each day that "
    "this node runs; to give more at once, raise log-megabytes in config.toml."
)
_SHARES: Final = N_(
    "Held back, because others have introduced more than their share of {logs} logs and {limit} MB: "
    "{names}. `trueque recognise` those that you want, or raise introduced-logs or introduced-megabytes in "
    "config.toml."
)
_UNKNOWN: Final = N_(
    "Logs that neighbours show and that are not taken in, because nobody here has asked for them: {count}. "
    "To take one in, `trueque recognise` its commune."
)
_FORKED: Final = N_("Of these, logs that were continued in two ways: {count}.")


def facts_of(
    rations: Rations,
    unknown: Unknown,
    recognised: Iterable[CommuneId],
    name_of: Callable[[LogKey], str | None],
) -> dict[str, Any]:
    """Facts about quotas, as JSON can hold them (docs/reference/json.md, "Quotas")."""
    used = {commune: rations.used(commune) for commune in recognised}
    return {
        "quotas": {
            "introduced_logs": rations.quotas.introduced_logs,
            "introduced_bytes": rations.quotas.introduced_weight,
            "log_bytes": rations.quotas.log_weight,
        },
        "introduced": [
            {"commune": commune.hex(), "logs": logs, "bytes": weight}
            for commune, (logs, weight) in sorted(used.items())
            if logs
        ],
        "held_back": [
            {
                "log": log.hex(),
                "commune": None if back.commune is None else back.commune.hex(),
                "name": name_of(log),
                "quota": back.over.value,
            }
            for log, back in rations.all_held_back()
        ],
        "unknown": {"logs": len(unknown), "forked": unknown.forked},
    }


def sentences_of(facts: dict[str, Any]) -> Iterator[Told]:
    """The same in words, as far as a person has to know."""
    quotas = facts["quotas"]
    if logs := [one for one in facts["held_back"] if one["quota"] == Over.LOG.value]:
        yield Told(_LOGS, {"names": _names(logs)})
    if shares := [one for one in facts["held_back"] if one["quota"] == Over.SHARE.value]:
        limit = quotas["introduced_bytes"] // MEGABYTE
        told = {"names": _names(shares), "logs": quotas["introduced_logs"], "limit": limit}
        yield Told(_SHARES, told)
    if count := facts["unknown"]["logs"]:
        yield Told(_UNKNOWN, {"count": count})
    if count := facts["unknown"]["forked"]:
        yield Told(_FORKED, {"count": count})


def _names(rows: list[dict[str, Any]]) -> str:
    """Some names, the newest first; the beginning of a key where there is no name."""
    names = list(dict.fromkeys(one["name"] or one["log"][:12] for one in reversed(rows)))
    return ", ".join(names[:MAX_NAMED]) + (", …" if len(names) > MAX_NAMED else "")
